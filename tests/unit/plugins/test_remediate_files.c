/* Quarantine and restore of files, with the plugin in this process and mounts of its own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

#include "remediate_bed.h"
#include "suite.h"

#define QUARANTINE(path) "{\"operation\":\"file.quarantine\",\"target\":{\"path\":\"" path "\"}}"
#define FORCED(path)                                                                               \
  "{\"operation\":\"file.quarantine\",\"force\":true,\"target\":{\"path\":\"" path "\"}}"
#define STOPPING(path)                                                                             \
  "{\"operation\":\"file.quarantine\",\"stop\":true,\"target\":{\"path\":\"" path "\"}}"
#define RESTORE(action) "{\"operation\":\"file.restore\",\"target\":{\"action\":\"" action "\"}}"

/* Everything that a file can have: odd owner, set-user-id, an ACL, a capability, attributes, times.
 */
static void make_rich(const char *path)
{
  static const unsigned char acl[] = {2,   0,   0,   0,   1,   0,   6,  0,   255, 255, 255,
                                      255, 2,   0,   4,   0,   233, 3,  0,   0,   4,   0,
                                      4,   0,   255, 255, 255, 255, 16, 0,   6,   0,   255,
                                      255, 255, 255, 32,  0,   0,   0,  255, 255, 255, 255};
  static const unsigned char capability[] = {1, 0, 0, 2, 0, 32, 0, 0, 0, 0,
                                             0, 0, 0, 0, 0, 0,  0, 0, 0, 0};
  struct timespec times[2] = {{.tv_sec = 1234567890, .tv_nsec = 123456789},
                              {.tv_sec = 987654321, .tv_nsec = 987654321}};
  bed_write(path, "malware\n", 0600);
  ck_assert(chown(path, 1000, 1001) == 0);
  ck_assert(chmod(path, 04751) == 0);
  ck_assert(setxattr(path, "security.capability", capability, sizeof(capability), 0) == 0);
  ck_assert_msg(setxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0) == 0, "%s",
                strerror(errno));
  if (setxattr(path, "user.origin", "\0\xff", 2, 0) != 0)
    ck_assert_int_eq(errno, EOPNOTSUPP);
  ck_assert(utimensat(AT_FDCWD, path, times, 0) == 0);
}

START_TEST(what_is_taken_comes_back_to_the_byte_and_the_nanosecond)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  char *before = bed_snapshot("/srv/data", true);
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_OK);
  ck_assert(!bed_exists("/srv/data/evil"));
  ck_assert_str_eq(bed_undo_text(&b), "available");
  ck_assert_int_eq(bed_containers(), 1);
  char *inert = bed_read(BED_STATE "/quarantine/a1.data");
  ck_assert_ptr_null(strstr(inert, "malware"));
  free(inert);
  ck_assert_int_eq(bed_run(&b, "a2", RESTORE("a1")), CORDON_OK);
  char *after = bed_snapshot("/srv/data", true);
  ck_assert_str_eq(after, before);
  ck_assert_int_eq(bed_containers(), 0);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

START_TEST(the_same_order_again_and_undo_twice_are_told_and_harmless)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  char *before = bed_snapshot("/srv/data", true);
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_OK);
  ck_assert_int_eq(bed_run(&b, "a2", QUARANTINE("/srv/data/evil")), CORDON_OK);
  ck_assert(bed_has_step(&b, "file.quarantine", "already"));
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_OK);
    ck_assert(bed_has_step(&b, "file.restore", i == 0 ? "done" : "already"));
    char *after = bed_snapshot("/srv/data", true);
    ck_assert_str_eq(after, before);
    free(after);
  }
  ck_assert_int_eq(bed_run(&b, "a3", RESTORE("a1")), CORDON_OK);
  ck_assert(bed_has_step(&b, "file.restore", "already"));
  ck_assert_int_eq(bed_run(&b, "a4", RESTORE("nothing")), CORDON_E_NOTFOUND);
  ck_assert_int_eq(bed_run(&b, "a5", QUARANTINE("/srv/data/none")), CORDON_E_NOTFOUND);
  /* What could not be given back any more is no success. */
  ck_assert_int_eq(bed_run(&b, "a6", QUARANTINE("/srv/data/evil")), CORDON_OK);
  ck_assert(unlink(BED_STATE "/quarantine/a6.data") == 0);
  ck_assert_int_eq(bed_run(&b, "a7", QUARANTINE("/srv/data/evil")), CORDON_E_IO);
  ck_assert_ptr_nonnull(strstr(b.sentence, "not whole"));
  free(before);
  bed_close(&b);
}
END_TEST

/* The same order again, by when another file is at the path. */
START_TEST(a_container_that_keeps_a_file_is_never_sealed_over)
{
  bed b;
  bed_open(&b);
  bed_write("/srv/data/evil", "the first", 0644);
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_OK);
  bed_write("/srv/data/evil", "the second", 0644);
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_E_CONFLICT);
  ck_assert_msg(strstr(b.sentence, "container a1 keeps") != NULL, "%s", b.sentence);
  char *second = bed_read("/srv/data/evil");
  ck_assert_str_eq(second, "the second");
  ck_assert(unlink("/srv/data/evil") == 0);
  ck_assert_int_eq(bed_run(&b, "a2", RESTORE("a1")), CORDON_OK);
  char *first = bed_read("/srv/data/evil");
  ck_assert_str_eq(first, "the first");
  free(first);
  free(second);
  bed_close(&b);
}
END_TEST

START_TEST(restore_overwrites_nothing)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_OK);
  bed_write("/srv/data/evil", "new\n", 0644);
  char *before = bed_snapshot("/srv/data", true);
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_E_CONFLICT);
  char *after = bed_snapshot("/srv/data", true);
  ck_assert_str_eq(after, before);
  ck_assert(unlink("/srv/data/evil") == 0 && symlink("/nowhere", "/srv/data/evil") == 0);
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_E_CONFLICT);
  ck_assert(unlink("/srv/data/evil") == 0);
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_OK);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

static const struct {
  const char *params;
  cordon_status status;
  const char *says;
} refused[] = {
    {QUARANTINE("/srv/data/link"), CORDON_E_INVALID, "link"},
    {QUARANTINE("/srv/data/way/file"), CORDON_E_INVALID, "is a link to 'dir'"},
    {QUARANTINE("/srv/data/dir"), CORDON_E_INVALID, "folder"},
    {QUARANTINE("/srv/data/pipe"), CORDON_E_INVALID, "pipe"},
    {QUARANTINE("/srv/data/../data/plain"), CORDON_E_INVALID, "'..'"},
    {QUARANTINE("work/plain"), CORDON_E_INVALID, "absolute"},
    {QUARANTINE("C:\\\\work\\\\plain"), CORDON_E_INVALID, "absolute"},
    {QUARANTINE("/proc/version"), CORDON_E_INVALID, "kernel"},
    {QUARANTINE("/srv/data/tool"), CORDON_E_DENIED, "package tool"},
    {QUARANTINE("/srv/agent/journal"), CORDON_E_DENIED, "agent's own"},
    {FORCED("/srv/agent/journal"), CORDON_E_DENIED, "agent's own"},
    {"{\"operation\":\"file.quarantine\",\"target\":{\"path\":\"/srv/data/plain\",\"sha256\":"
     "\"0000000000000000000000000000000000000000000000000000000000000000\"}}",
     CORDON_E_CONFLICT, "was to have"},
    {"{\"operation\":\"file.quarantine\",\"target\":{}}", CORDON_E_INVALID, "path"},
    {"{\"operation\":\"nonsense\",\"target\":{}}", CORDON_E_UNSUPPORTED, "nonsense"},
};

START_TEST(what_cannot_or_must_not_be_taken_is_refused_and_left)
{
  bed b;
  bed_open(&b);
  ck_assert(mkdir("/srv/data/dir", 0755) == 0 && mkfifo("/srv/data/pipe", 0600) == 0);
  bed_write("/srv/data/plain", "x", 0644);
  bed_write("/srv/data/dir/file", "x", 0644);
  bed_write("/srv/data/tool", "x", 0755);
  bed_write("/srv/agent/journal", "x", 0600);
  ck_assert(symlink("/srv/data/plain", "/srv/data/link") == 0);
  ck_assert(symlink("dir", "/srv/data/way") == 0);
  char *before = bed_snapshot("/srv/data", true);
  ck_assert_int_eq(bed_run(&b, "a1", refused[_i].params), refused[_i].status);
  ck_assert_msg(strstr(b.sentence, refused[_i].says) != NULL, "%s", b.sentence);
  char *after = bed_snapshot("/srv/data", true);
  ck_assert_str_eq(after, before);
  ck_assert_int_eq(b.notes, 0);
  ck_assert_int_eq(bed_containers(), 0);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

START_TEST(a_packages_file_goes_with_force)
{
  bed b;
  bed_open(&b);
  bed_write("/srv/data/tool", "x", 0755);
  ck_assert_int_eq(bed_run(&b, "a1", FORCED("/srv/data/tool")), CORDON_OK);
  ck_assert(bed_has_step(&b, "package", "done"));
  ck_assert(!bed_exists("/srv/data/tool"));
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_OK);
  bed_close(&b);
}
END_TEST

START_TEST(nothing_changes_where_the_way_back_cannot_be_kept_or_it_is_a_dry_run)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  char *before = bed_snapshot("/srv/data", true);
  ck_assert_int_eq(bed_dry(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_OK);
  ck_assert(bed_has_step(&b, "file.quarantine", "planned"));
  b.refuse_undo = true;
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_E_IO);
  char *after = bed_snapshot("/srv/data", true);
  ck_assert_str_eq(after, before);
  ck_assert_int_eq(bed_containers(), 0);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

START_TEST(an_immutable_file_is_taken_and_is_so_again)
{
  bed b;
  int flags = FS_IMMUTABLE_FL;
  bed_open(&b);
  make_rich("/srv/data/evil");
  int fd = open("/srv/data/evil", O_RDONLY | O_NOATIME | O_CLOEXEC);
  ck_assert(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
  (void)close(fd);
  char *before = bed_snapshot("/srv/data", true);
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_OK);
  ck_assert(bed_has_step(&b, "flags", "done"));
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_OK);
  char *after = bed_snapshot("/srv/data", true);
  ck_assert_str_eq(after, before);
  ck_assert(unlink("/srv/data/evil") != 0);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

START_TEST(other_names_of_the_file_are_told)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  ck_assert(link("/srv/data/evil", "/srv/data/other") == 0);
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_PARTIAL);
  ck_assert(bed_has_step(&b, "hard link", "left"));
  ck_assert(bed_exists("/srv/data/other"));
  bed_close(&b);
}
END_TEST

static void copy_program(const char *from, const char *to)
{
  char room[65536];
  int in = open(from, O_RDONLY | O_CLOEXEC);
  int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
  ck_assert(in >= 0 && out >= 0);
  for (ssize_t len = read(in, room, sizeof(room)); len > 0; len = read(in, room, sizeof(room)))
    ck_assert(write(out, room, (size_t)len) == len);
  (void)close(in);
  (void)close(out);
}

START_TEST(who_runs_the_file_is_named_and_ended_only_when_asked)
{
  bed b;
  bed_open(&b);
  copy_program("/bin/sleep", "/srv/data/evil");
  pid_t victim = bed_spawn("/srv/data/evil", 0);
  ck_assert(bed_comes_to(victim, 'S'));
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_PARTIAL);
  ck_assert(bed_has_step(&b, "running", "left"));
  ck_assert(bed_comes_to(victim, 'S'));
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_OK);
  pid_t second = bed_spawn("/srv/data/evil", 0);
  ck_assert(bed_comes_to(second, 'S'));
  ck_assert_int_eq(bed_run(&b, "a2", STOPPING("/srv/data/evil")), CORDON_OK);
  ck_assert(bed_has_step(&b, "stop", "done"));
  ck_assert_str_eq(bed_measured(&b, "processes that run it"), "0");
  bed_end(victim);
  bed_close(&b);
}
END_TEST

/* Its program is another one: it is a library, as it were. */
START_TEST(who_has_the_file_mapped_is_ended_too)
{
  bed b;
  bed_open(&b);
  bed_write("/srv/data/evil", "malware\n", 0644);
  int fd = open("/srv/data/evil", O_RDONLY | O_CLOEXEC);
  void *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
  ck_assert(fd >= 0 && at != MAP_FAILED);
  (void)close(fd);
  pid_t victim = bed_spawn(NULL, 0);
  ck_assert(munmap(at, 1) == 0);
  ck_assert(bed_comes_to(victim, 'S'));
  ck_assert_int_eq(bed_run(&b, "a1", STOPPING("/srv/data/evil")), CORDON_OK);
  ck_assert(bed_has_step(&b, "stop", "done"));
  ck_assert_int_ne(bed_state_of(victim), 'S');
  bed_close(&b);
}
END_TEST

/* A shell that does this again and again, by its own file. */
static pid_t spawn_shell(const char *does)
{
  char text[256];
  (void)snprintf(text, sizeof(text), "while :; do %s; done", does);
  copy_program("/bin/sh", "/srv/data/evil");
  return bed_spawn_shell("/srv/data/evil", text);
}

static int step_at(const bed *b, const char *step)
{
  int at = 0;
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, cJSON_GetObjectItem(b->result, "steps"))
  {
    if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(item, "step")), step) == 0)
      return at;
    at++;
  }
  return -1;
}

static const char *const habits[] = {
    "touch -c /srv/data/evil",
    "test -e /srv/data/evil || cp /bin/true /srv/data/evil",
};

/* While it lives it changes its own file, or puts it back. */
START_TEST(a_program_that_guards_its_own_file_loses_it)
{
  bed b;
  bed_open(&b);
  pid_t victim = spawn_shell(habits[_i]);
  ck_assert(bed_comes_to_run(victim, "/srv/data/evil"));
  ck_assert_int_eq(bed_run(&b, "a1", STOPPING("/srv/data/evil")), CORDON_OK);
  ck_assert(!bed_exists("/srv/data/evil"));
  ck_assert_int_ge(step_at(&b, "stop"), 0);
  ck_assert_int_lt(step_at(&b, "stop"), step_at(&b, "seal"));
  ck_assert_str_eq(bed_measured(&b, "processes that run it"), "0");
  bed_close(&b);
}
END_TEST

/* Its digest is not the one that was meant: then nobody is ended for it. */
START_TEST(nobody_is_ended_for_another_file)
{
  bed b;
  bed_open(&b);
  copy_program("/bin/sleep", "/srv/data/evil");
  pid_t victim = bed_spawn("/srv/data/evil", 0);
  ck_assert(bed_comes_to(victim, 'S'));
  ck_assert_int_eq(
      bed_run(&b, "a1",
              "{\"operation\":\"file.quarantine\",\"stop\":true,\"target\":{\"path\":"
              "\"/srv/data/evil\",\"sha256\":"
              "\"0000000000000000000000000000000000000000000000000000000000000000\"}}"),
      CORDON_E_CONFLICT);
  ck_assert(bed_comes_to(victim, 'S') && bed_exists("/srv/data/evil"));
  bed_end(victim);
  bed_close(&b);
}
END_TEST

/* ---- races: what an attacker does while the file is read ---- */

static const char *swap_at;
static void (*swap)(void);

static void on_progress(const char *what)
{
  if (swap != NULL && what != NULL && strcmp(what, swap_at) == 0) {
    void (*now)(void) = swap;
    swap = NULL;
    now();
  }
}

static void swap_for_link(void)
{
  ck_assert(unlink("/srv/data/evil") == 0 && symlink("/etc/shadow", "/srv/data/evil") == 0);
}

static void swap_for_file(void)
{
  bed_write("/srv/data/other", "innocent\n", 0644);
  ck_assert(rename("/srv/data/other", "/srv/data/evil") == 0);
}

static void append(void)
{
  int fd = open("/srv/data/evil", O_WRONLY | O_APPEND | O_CLOEXEC);
  ck_assert(fd >= 0 && write(fd, "more", 4) == 4);
  (void)close(fd);
}

static void touch_again(void)
{
  ck_assert(utimensat(AT_FDCWD, "/srv/data/evil", NULL, 0) == 0);
}

static void write_and_set_back(void)
{
  struct stat st;
  ck_assert(stat("/srv/data/evil", &st) == 0);
  struct timespec times[2] = {st.st_atim, st.st_mtim};
  int fd = open("/srv/data/evil", O_WRONLY | O_CLOEXEC);
  ck_assert(fd >= 0 && write(fd, "MALWARE", 7) == 7 && futimens(fd, times) == 0);
  (void)close(fd);
}

static void swap_folder(void)
{
  ck_assert(rename("/srv/data", "/srv/moved") == 0 && symlink("/etc", "/srv/data") == 0);
}

static const struct {
  void (*swap)(void);
  const char *at;
  cordon_status status;
} races[] = {
    {swap_for_link, "check", CORDON_E_CONFLICT}, {swap_for_file, "check", CORDON_E_CONFLICT},
    {append, "check", CORDON_E_CONFLICT},        {append, "seal", CORDON_E_CONFLICT},
    {swap_folder, "check", CORDON_OK},           {write_and_set_back, "check", CORDON_E_CONFLICT},
};

START_TEST(what_is_swapped_in_meanwhile_is_left_where_it_is)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  char *etc = bed_snapshot("/etc", false);
  b.on_progress = on_progress;
  swap = races[_i].swap;
  swap_at = races[_i].at;
  cordon_status status = bed_run(&b, "a1", QUARANTINE("/srv/data/evil"));
  ck_assert(swap == NULL);
  if (races[_i].status != CORDON_OK) {
    ck_assert_int_eq(status, races[_i].status);
    ck_assert(bed_exists("/srv/data/evil"));
    ck_assert_int_eq(bed_containers(), 0);
  } else {
    /* The folder was moved: the file in it is what was named, and what is at the path now is not.
     */
    ck_assert_int_eq(status, CORDON_OK);
    ck_assert(!bed_exists("/srv/moved/evil"));
  }
  char *after = bed_snapshot("/etc", false);
  ck_assert_str_eq(after, etc);
  ck_assert(!bed_exists("/srv/data/.cordon-a1") && !bed_exists("/srv/moved/.cordon-a1"));
  free(etc);
  free(after);
  bed_close(&b);
}
END_TEST

/* Its bytes are what was sealed, so that this does not save it. */
START_TEST(a_file_that_is_only_touched_is_taken)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  char *before = bed_snapshot("/srv/data", true);
  b.on_progress = on_progress;
  swap = touch_again;
  swap_at = "check";
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_OK);
  ck_assert(swap == NULL && !bed_exists("/srv/data/evil"));
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_OK);
  char *after = bed_snapshot("/srv/data", true);
  ck_assert_str_eq(after, before);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

static void link_it(void)
{
  ck_assert(link("/srv/data/evil", "/srv/data/dir/made") == 0);
}

START_TEST(a_name_that_was_made_while_it_was_sealed_is_told)
{
  bed b;
  bed_open(&b);
  ck_assert(mkdir("/srv/data/dir", 0755) == 0);
  make_rich("/srv/data/evil");
  b.on_progress = on_progress;
  swap = link_it;
  swap_at = "check";
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_PARTIAL);
  ck_assert(swap == NULL && !bed_exists("/srv/data/evil"));
  ck_assert_str_eq(bed_measured(&b, "other names"), "1, of which 1 were found");
  ck_assert(bed_has_step(&b, "hard link", "left"));
  bed_close(&b);
}
END_TEST

static void take_its_place(void)
{
  bed_write("/srv/data/evil", "new\n", 0644);
}

static void write_and_take_its_place(void)
{
  write_and_set_back();
  swap = take_its_place;
  swap_at = "hash";
}

/* It was written to, so that it goes back, and something is there by then. */
START_TEST(what_can_neither_go_nor_go_back_stays_in_sight)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  b.on_progress = on_progress;
  swap = write_and_take_its_place;
  swap_at = "check";
  ck_assert_int_lt(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), 0);
  ck_assert_msg(strstr(b.sentence, ".cordon-a1") != NULL, "%s", b.sentence);
  char *text = bed_read("/srv/data/.cordon-a1/file");
  ck_assert_str_eq(text, "MALWARE\n");
  free(text);
  ck_assert_int_eq(bed_containers(), 1);
  ck_assert_str_eq(bed_undo_text(&b), "available");
  bed_close(&b);
}
END_TEST

static void come_back(void)
{
  bed_write("/srv/data/evil", "new\n", 0644);
}

START_TEST(what_comes_to_its_place_while_it_is_written_back_is_left)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_OK);
  b.on_progress = on_progress;
  swap = come_back;
  swap_at = "hash";
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_E_CONFLICT);
  ck_assert(swap == NULL);
  char *text = bed_read("/srv/data/evil");
  ck_assert_str_eq(text, "new\n");
  free(text);
  ck_assert(unlink("/srv/data/evil") == 0);
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_OK);
  bed_close(&b);
}
END_TEST

START_TEST(a_folder_of_somebody_elses_in_the_way_is_not_used)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  ck_assert(mkdir("/srv/data/.cordon-a1", 0700) == 0 &&
            chown("/srv/data/.cordon-a1", 1000, 1000) == 0);
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_E_CONFLICT);
  ck_assert(bed_exists("/srv/data/evil"));
  bed_close(&b);
}
END_TEST

START_TEST(a_full_disk_is_said_before_anything_changes)
{
  bed b;
  bed_open(&b);
  ck_assert(mount("bed", BED_STATE, "tmpfs", 0, "size=66m,mode=0700") == 0);
  bed_write("/srv/data/evil", "x", 0644);
  ck_assert(truncate("/srv/data/evil", 8 * 1024 * 1024) == 0);
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_E_LIMIT);
  ck_assert(bed_exists("/srv/data/evil"));
  ck_assert_int_eq(bed_containers(), 0);
  bed_close(&b);
}
END_TEST

START_TEST(bytes_that_were_changed_at_rest_are_not_given_back)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_OK);
  int fd = open(BED_STATE "/quarantine/a1.data", O_WRONLY | O_CLOEXEC);
  ck_assert(fd >= 0 && pwrite(fd, "!", 1, 3) == 1);
  (void)close(fd);
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_E_IO);
  ck_assert(!bed_exists("/srv/data/evil") && !bed_exists("/srv/data/.cordon-a1"));
  bed_close(&b);
}
END_TEST

/* ---- attributes ---- */

/* A default ACL of the folder gives each new file an entry for bob, and the mode opens it. */
START_TEST(what_the_folder_gives_to_new_files_does_not_come_with_it)
{
  static const unsigned char acl[] = {2,   0,   0,   0,   1,   0,   7,  0,   255, 255, 255,
                                      255, 2,   0,   7,   0,   233, 3,  0,   0,   4,   0,
                                      5,   0,   255, 255, 255, 255, 16, 0,   7,   0,   255,
                                      255, 255, 255, 32,  0,   5,   0,  255, 255, 255, 255};
  bed b;
  bed_open(&b);
  bed_write("/srv/data/plain", "malware\n", 0755);
  ck_assert(setxattr("/srv/data", "system.posix_acl_default", acl, sizeof(acl), 0) == 0);
  char *before = bed_snapshot("/srv/data", true);
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/plain")), CORDON_OK);
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_OK);
  char *after = bed_snapshot("/srv/data", true);
  ck_assert_str_eq(after, before);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

static void set_right(bool has)
{
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2] = {0};
  ck_assert(syscall(SYS_capget, &head, sets) == 0);
  if (has)
    sets[0].effective |= 1u << CAP_SYS_ADMIN;
  else
    sets[0].effective &= ~(1u << CAP_SYS_ADMIN);
  ck_assert(syscall(SYS_capset, &head, sets) == 0);
}

/* As the plugin runs on a device. */
START_TEST(what_cannot_be_put_back_is_said_before_and_after)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  ck_assert(setxattr("/srv/data/evil", "security.test", "x", 1, 0) == 0);
  ck_assert(setxattr("/srv/data/evil", "trusted.test", "x", 1, 0) == 0);
  set_right(false);
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_E_DENIED);
  ck_assert_msg(strstr(b.sentence, "security.test") != NULL, "%s", b.sentence);
  ck_assert(bed_exists("/srv/data/evil"));
  ck_assert_int_eq(bed_run(&b, "a2", FORCED("/srv/data/evil")), CORDON_OK);
  ck_assert_ptr_nonnull(strstr(bed_measured(&b, "metadata"), "trusted.*"));
  ck_assert_int_eq(bed_undo(&b, "a2"), CORDON_PARTIAL);
  ck_assert(bed_has_step(&b, "attributes", "failed") && bed_exists("/srv/data/evil"));
  ck_assert_int_eq(bed_containers(), 0);
  set_right(true);
  bed_close(&b);
}
END_TEST

START_TEST(attributes_of_every_kind_come_back_where_that_may_be)
{
  bed b;
  bed_open(&b);
  make_rich("/srv/data/evil");
  ck_assert(setxattr("/srv/data/evil", "security.test", "x", 1, 0) == 0);
  ck_assert(setxattr("/srv/data/evil", "trusted.test", "x", 1, 0) == 0);
  char *before = bed_snapshot("/srv/data", true);
  ck_assert_int_eq(bed_run(&b, "a1", QUARANTINE("/srv/data/evil")), CORDON_OK);
  ck_assert_str_eq(bed_measured(&b, "metadata"), "");
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_OK);
  char *after = bed_snapshot("/srv/data", true);
  ck_assert_str_eq(after, before);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

/* ---- numbers that are another's by now ---- */

/* The container says that its file had the number of what is there now. */
static void give_number(const char *id)
{
  char path[256];
  char text[8192];
  struct stat st;
  (void)snprintf(path, sizeof(path), BED_STATE "/quarantine/%s.json", id);
  char *was = bed_read(path);
  ck_assert(was != NULL && stat("/srv/data/evil", &st) == 0);
  char *at = strstr(was, "\"ino\":\"");
  ck_assert_ptr_nonnull(at);
  (void)snprintf(text, sizeof(text), "%.*s\"ino\":\"%llu%s", (int)(at - was), was,
                 (unsigned long long)st.st_ino, strchr(at + 7, '"'));
  bed_write(path, text, 0600);
  free(was);
}

START_TEST(a_number_that_is_another_files_by_now_costs_no_container)
{
  bed b;
  bed_open(&b);
  bed_write("/srv/data/evil", "malware\n", 0644);
  ck_assert(bed_dies_running("remediate.unlinked", "a1", QUARANTINE("/srv/data/evil")));
  bed_write("/srv/data/evil", "another\n", 0644);
  give_number("a1");
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_E_CONFLICT);
  ck_assert_int_eq(bed_containers(), 1);
  ck_assert_int_eq(bed_run(&b, "a2", QUARANTINE("/srv/data/evil")), CORDON_OK);
  ck_assert_int_eq(bed_containers(), 2);
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_OK);
  char *text = bed_read("/srv/data/evil");
  ck_assert_str_eq(text, "malware\n");
  free(text);
  bed_close(&b);
}
END_TEST

START_TEST(what_an_order_that_was_cut_short_moved_is_removed_only_if_it_was_sealed)
{
  bed b;
  bed_open(&b);
  bed_write("/srv/data/evil", "malware\n", 0644);
  ck_assert(bed_dies_running("remediate.aside", "a1", QUARANTINE("/srv/data/evil")));
  bed_write("/srv/data/.cordon-a1/file", "innocent", 0644);
  ck_assert_int_eq(bed_run(&b, "a2", QUARANTINE("/srv/data/evil")), CORDON_E_CONFLICT);
  char *text = bed_read("/srv/data/.cordon-a1/file");
  ck_assert_str_eq(text, "innocent");
  free(text);
  bed_write("/srv/data/.cordon-a1/file", "malware\n", 0644);
  ck_assert_int_eq(bed_run(&b, "a3", QUARANTINE("/srv/data/evil")), CORDON_OK);
  ck_assert(!bed_exists("/srv/data/.cordon-a1"));
  bed_close(&b);
}
END_TEST

START_TEST(names_of_any_bytes_are_taken_and_given_back)
{
  bed b;
  bed_open(&b);
  bed_write("/srv/data/a\n\xff", "x", 0644);
  char *before = bed_snapshot("/srv/data", true);
  ck_assert_int_eq(bed_run(&b, "a1",
                           "{\"operation\":\"file.quarantine\",\"target\":{\"path\":{\"base64\":"
                           "\"L3Nydi9kYXRhL2EK_w\"}}}"),
                   CORDON_OK);
  ck_assert(!bed_exists("/srv/data/a\n\xff"));
  ck_assert_int_eq(bed_undo(&b, "a1"), CORDON_OK);
  char *after = bed_snapshot("/srv/data", true);
  ck_assert_str_eq(after, before);
  free(before);
  free(after);
  bed_close(&b);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("plugins.remediate_files");
  TCase *c = tcase_create("facts");
  if (geteuid() != 0) {
    printf("skipped, since only root can mount\n");
    return SKIPPED;
  }
  tcase_set_timeout(c, CASE_TIMEOUT_S);
  tcase_add_checked_fixture(c, bed_mounts, NULL);
  tcase_add_test(c, what_is_taken_comes_back_to_the_byte_and_the_nanosecond);
  tcase_add_test(c, the_same_order_again_and_undo_twice_are_told_and_harmless);
  tcase_add_test(c, restore_overwrites_nothing);
  tcase_add_test(c, a_container_that_keeps_a_file_is_never_sealed_over);
  tcase_add_loop_test(c, what_cannot_or_must_not_be_taken_is_refused_and_left, 0,
                      COUNT_OF(refused));
  tcase_add_test(c, a_packages_file_goes_with_force);
  tcase_add_test(c, nothing_changes_where_the_way_back_cannot_be_kept_or_it_is_a_dry_run);
  tcase_add_test(c, an_immutable_file_is_taken_and_is_so_again);
  tcase_add_test(c, other_names_of_the_file_are_told);
  tcase_add_test(c, who_runs_the_file_is_named_and_ended_only_when_asked);
  tcase_add_test(c, who_has_the_file_mapped_is_ended_too);
  tcase_add_loop_test(c, a_program_that_guards_its_own_file_loses_it, 0, COUNT_OF(habits));
  tcase_add_test(c, nobody_is_ended_for_another_file);
  tcase_add_test(c, a_file_that_is_only_touched_is_taken);
  tcase_add_test(c, a_name_that_was_made_while_it_was_sealed_is_told);
  tcase_add_test(c, what_can_neither_go_nor_go_back_stays_in_sight);
  tcase_add_test(c, what_the_folder_gives_to_new_files_does_not_come_with_it);
  tcase_add_test(c, what_cannot_be_put_back_is_said_before_and_after);
  tcase_add_test(c, attributes_of_every_kind_come_back_where_that_may_be);
  tcase_add_test(c, a_number_that_is_another_files_by_now_costs_no_container);
  tcase_add_test(c, what_an_order_that_was_cut_short_moved_is_removed_only_if_it_was_sealed);
  tcase_add_loop_test(c, what_is_swapped_in_meanwhile_is_left_where_it_is, 0, COUNT_OF(races));
  tcase_add_test(c, what_comes_to_its_place_while_it_is_written_back_is_left);
  tcase_add_test(c, a_folder_of_somebody_elses_in_the_way_is_not_used);
  tcase_add_test(c, a_full_disk_is_said_before_anything_changes);
  tcase_add_test(c, bytes_that_were_changed_at_rest_are_not_given_back);
  tcase_add_test(c, names_of_any_bytes_are_taken_and_given_back);
  suite_add_tcase(suite, c);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
