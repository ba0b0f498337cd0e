/* Reading what anybody may have made: links, FIFOs, folders that are swapped, and what does not
 * answer. */
#include "collect.h"
#include "items.h"
#include "patient.h"
#include "read.h"

#include "collect_device_bed.h"
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/call.h"

static void copies(col_task *t)
{
  col_copy(t, "link_of_root", "/etc/link", 100);
  col_copy(t, "link_of_others", "/open/link", 100);
  col_copy(t, "fifo", "/open/fifo", 100);
  col_copy(t, "tail", "/etc/long", 5);
}

START_TEST(links_are_followed_only_where_they_are_roots_and_fifos_never)
{
  static const col_item items[] = {{"F", "copies", "x", copies, 2000, true, false}};
  char fifo[256];
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  if (geteuid() != 0)
    return;
  bed_make_folder("/etc", 0755);
  bed_make_folder("/open", 0777);
  bed_make("/etc/real", "real");
  bed_make("/etc/long", "0123456789");
  bed_make_link("real", "/etc/link");
  bed_make_link("../etc/real", "/open/link");
  (void)snprintf(fifo, sizeof(fifo), "%s/open/fifo", bed_root);
  ck_assert_int_eq(mkfifo(fifo, 0666), 0);
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  char *text = bed_package_file("F/link_of_root");
  ck_assert_str_eq(text, "real");
  free(text);
  free(bed_package_file("F/link_of_others.denied.txt"));
  text = bed_package_file("F/fifo.denied.txt");
  ck_assert_ptr_nonnull(strstr(text, "no plain file"));
  free(text);
  text = bed_package_file("F/tail");
  ck_assert_str_eq(text, "56789");
  free(text);
}
END_TEST

static void fails_to_read(col_task *t)
{
  /* As some files of /proc answer. */
  col_mark_os(t, EINVAL, "reading it failed");
}

START_TEST(what_the_system_says_is_no_refusal_of_the_plugins)
{
  static const col_item items[] = {{"F", "odd", "x", fails_to_read, 2000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  char *text = bed_package_file("F/odd.error.txt");
  ck_assert_ptr_nonnull(strstr(text, "reading it failed: Invalid argument"));
  free(text);
}
END_TEST

static void copies_secrets(col_task *t)
{
  int fd = -1;
  struct stat st;
  col_copy(t, "kern.log", "/var/log/kern.log", 100);
  col_copy(t, "cron.log", "/var/log/cron.log", 100);
  col_copy(t, "sudo.log", "/var/log/sudo.log", 100);
  col_copy_masked(t, "settings", "/var/log/kern.log");
  /* What an item asks for by its own name, it masks itself, though somebody gave it another. */
  ck_assert_int_eq(col_open(t, "/etc/shadow", &fd, &st), 0);
  (void)close(fd);
}

START_TEST(what_is_secret_does_not_leave_under_another_name)
{
  static const char *const names[] = {"kern.log", "cron.log", "sudo.log", "settings"};
  static const col_item items[] = {{"F", "copies", "x", copies_secrets, 2000, true, false}};
  char from[256];
  char to[256];
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  if (geteuid() != 0)
    return;
  bed_make_folder("/etc", 0755);
  bed_make_folder("/var", 0755);
  bed_make_folder("/var/lib", 0755);
  bed_make_folder("/var/lib/cordon", 0700);
  bed_make_folder("/var/log", 0755);
  bed_make("/etc/shadow", "root:hunter2");
  bed_make("/var/lib/cordon/device.key", "hunter2");
  bed_make_link("../../etc/shadow", "/var/log/kern.log");
  bed_make_link("/var/lib/cordon/device.key", "/var/log/cron.log");
  (void)snprintf(from, sizeof(from), "%s/etc/shadow", bed_root);
  (void)snprintf(to, sizeof(to), "%s/var/log/sudo.log", bed_root);
  ck_assert_int_eq(link(from, to), 0);
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    char file[64];
    (void)snprintf(file, sizeof(file), "F/%s.denied.txt", names[i]);
    char *text = bed_package_file(file);
    ck_assert_ptr_nonnull(strstr(text, "secrets are never taken"));
    ck_assert_ptr_null(strstr(text, "hunter2"));
    free(text);
  }
}
END_TEST

static void below(col_task *t)
{
  int fd = -1;
  struct stat st;
  ck_assert_int_eq(col_open_below(t, "/home", "ada/.ssh/keys", &fd, &st), 0);
  (void)close(fd);
  /* The kernel says ENOTDIR of a link where a folder must be. */
  ck_assert_int_ne(col_open_below(t, "/home", "eve/.ssh/keys", &fd, &st), 0);
  ck_assert_int_eq(col_open_below(t, "/home", "ada/link", &fd, &st), ELOOP);
  (void)col_puts(t, "done");
}

START_TEST(in_homes_no_link_is_followed)
{
  static const col_item items[] = {{"F", "below", "x", below, 2000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  bed_make_folder("/home", 0755);
  bed_make_folder("/home/ada", 0755);
  bed_make_folder("/home/eve", 0755);
  bed_make_folder("/home/ada/.ssh", 0755);
  bed_make("/home/ada/.ssh/keys", "key");
  bed_make_link("../ada/.ssh", "/home/eve/.ssh");
  bed_make_link(".ssh/keys", "/home/ada/link");
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  free(bed_package_file("F/below"));
}
END_TEST

static bool swap_sub(void *data, int dir, const char *name)
{
  int fd = -1;
  struct stat st;
  (void)dir;
  if (strcmp(name, "sub") != 0)
    return true;
  /* Between the look and the opening its owner puts a link in its place. */
  ck_assert_int_eq(renameat(dir, "sub", dir, "was"), 0);
  ck_assert_int_eq(symlinkat("../../secret", dir, "sub"), 0);
  ck_assert_int_eq(col_open(data, "/log/av/sub/key", &fd, &st), ELOOP);
  ck_assert_int_eq(col_open_folder(data, "/log/av/sub", &fd), ELOOP);
  ck_assert_int_eq(col_open(data, "/log/av/was/key", &fd, &st), 0);
  (void)close(fd);
  return false;
}

static void swaps(col_task *t)
{
  ck_assert_int_eq(col_each(t, "/log/av", swap_sub, t), 0);
  (void)col_puts(t, "done");
}

START_TEST(a_folder_that_its_owner_swaps_for_a_link_leads_nowhere)
{
  static const col_item items[] = {{"F", "swaps", "x", swaps, 2000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  bed_make_folder("/secret", 0700);
  bed_make("/secret/key", "key");
  bed_make_folder("/log", 0755);
  bed_make_folder("/log/av", 0777);
  bed_make_folder("/log/av/sub", 0755);
  bed_make("/log/av/sub/key", "log");
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  free(bed_package_file("F/swaps"));
}
END_TEST

static void goes_far(col_task *t)
{
  int fd = -1;
  struct stat st;
  ck_assert_int_eq(col_open(t, "/home/ada/.bashrc", &fd, &st), EREMOTE);
  ck_assert_int_eq(col_open_below(t, "/home/ada", ".bashrc", &fd, &st), EREMOTE);
  ck_assert_int_eq(col_open_folder(t, "/home/ada", &fd), EREMOTE);
  ck_assert_int_eq(col_open(t, "/run/near/x", &fd, &st), 0);
  (void)close(fd);
  (void)col_puts(t, "done");
}

START_TEST(links_of_root_are_followed_part_by_part_and_not_to_where_it_hangs)
{
  static const col_item items[] = {{"F", "far", "x", goes_far, 2000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  if (geteuid() != 0)
    return;
  bed_make_folder("/proc", 0755);
  bed_make_folder("/proc/self", 0755);
  bed_make("/proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                                   "2 1 0:50 / /srv/net rw - nfs4 srv:/home rw\n");
  bed_make_folder("/srv", 0755);
  bed_make_folder("/srv/net", 0755);
  bed_make_folder("/srv/net/ada", 0755);
  bed_make("/srv/net/ada/.bashrc", "x");
  bed_make_folder("/srv/near", 0755);
  bed_make("/srv/near/x", "x");
  bed_make_folder("/var", 0755);
  bed_make_link("/srv/./net", "/home");
  bed_make_link("var/../srv", "/run");
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  free(bed_package_file("F/far"));
}
END_TEST

/* ---- what was mounted meanwhile, or elsewhere ---- */

static char silent_path[128];

static void mounts_and_opens(col_task *t)
{
  char path[256];
  int fd = -1;
  struct stat st;
  if (!bed_mount_silent(silent_path)) {
    (void)col_puts(t, "no FUSE here");
    return;
  }
  (void)snprintf(path, sizeof(path), "%s/file", silent_path);
  ck_assert_int_eq(col_open(t, path, &fd, &st), EREMOTE);
  ck_assert_int_eq(col_open_folder(t, silent_path, &fd), EREMOTE);
  int above = open(bed_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ck_assert_int_eq(col_open_entry(t, above, bed_root, "silent", O_PATH, &fd), EXDEV);
  ck_assert_int_eq(col_cross_entry(t, above, bed_root, "silent", O_RDONLY | O_DIRECTORY, &fd),
                   EREMOTE);
  /* To others than its user it does not even say what it is. */
  ck_assert_int_eq(chmod(bed_root, 0711), 0);
  ck_assert_int_eq(syscall(SYS_setresuid, -1, 1, -1), 0);
  ck_assert_int_eq(col_cross_entry(t, above, bed_root, "silent", O_PATH, &fd), EREMOTE);
  ck_assert_int_eq(syscall(SYS_setresuid, -1, 0, -1), 0);
  (void)close(above);
  ck_assert_int_eq(col_open(t, "/proc/self/status", &fd, &st), 0);
  (void)close(fd);
  (void)col_puts(t, "done");
}

/* The list of what is mounted was read before. */
START_TEST(what_is_mounted_later_is_judged_by_its_mount)
{
  static const col_item items[] = {{"F", "later", "x", mounts_and_opens, 5000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
    return;
  o.root = "";
  (void)snprintf(silent_path, sizeof(silent_path), "%s/silent", bed_root);
  bed_make_folder("/silent", 0755);
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  char *text = bed_package_file("F/later");
  ck_assert_msg(strcmp(text, "done") == 0 || strcmp(text, "no FUSE here") == 0, "%s", text);
  free(text);
  (void)umount2(silent_path, MNT_DETACH);
}
END_TEST

/* The folders for temporary files are this test's own, and so are their mounts. */
static const char *const own[] = {"/tmp", "/var/tmp", "/dev/shm", "/run"};

static void mounts_below_tmp(col_task *t)
{
  bool good = mkdir("/tmp/silent", 0755) == 0 && mkdir("/tmp/local", 0755) == 0 &&
              mount("local", "/tmp/local", "tmpfs", 0, NULL) == 0 &&
              bed_mount_silent("/tmp/silent");
  (void)col_puts(t, good ? "done" : "no FUSE here");
}

START_TEST(temporary_files_below_what_is_mounted_later_are_told_and_not_touched)
{
  static const col_item items[] = {{"F", "later", "x", mounts_below_tmp, 5000, false, false},
                                   {"F", "temp", "x", col_temp, 5000, true, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
    return;
  int to = open(bed_to.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (size_t i = 0; i < COUNT_OF(own); i++)
    ck_assert_int_eq(mount("own", own[i], "tmpfs", 0, NULL), 0);
  (void)snprintf(bed_to.path, sizeof(bed_to.path), "/proc/self/fd/%d", to);
  o.root = "";
  ck_assert_int_eq(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), CORDON_PARTIAL);
  char *text = bed_package_file("F/later");
  if (strcmp(text, "done") == 0) {
    cJSON *doc = bed_manifest();
    ck_assert_str_eq(bed_item_text(doc, 2, "name"), "F/tmp.csv");
    ck_assert_ptr_nonnull(strstr(bed_item_text(doc, 2, "error"), "/tmp/"));
    cJSON_Delete(doc);
    free(text);
    text = bed_package_file("F/tmp.csv");
    ck_assert_ptr_nonnull(strstr(text, "\r\n/tmp/local,folder,"));
    ck_assert_ptr_null(strstr(text, "/tmp/silent"));
  }
  free(text);
  (void)umount2("/tmp/silent", MNT_DETACH);
  for (size_t i = COUNT_OF(own); i > 0; i--)
    (void)umount2(own[i - 1], MNT_DETACH);
}
END_TEST

static int other_process = -1;

static void judges_of_others(col_task *t)
{
  char path[256];
  struct stat st;
  (void)snprintf(path, sizeof(path), "/proc/%d", other_process);
  int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  (void)snprintf(path, sizeof(path), "/proc/%d/root%s", other_process, silent_path);
  int held = open(path, O_PATH | O_CLOEXEC);
  ck_assert_int_ge(held, 0);
  /* By its path it is a folder of this device like any other. */
  ck_assert(!col_is_far(t, silent_path, NULL));
  ck_assert_int_eq(col_judge(t, held, dir, &st), EREMOTE);
  (void)close(held);
  /* Files in memory are on a mount that no list has. */
  held = memfd_create("planted", MFD_CLOEXEC);
  ck_assert_int_eq(col_judge(t, held, dir, &st), 0);
  ck_assert(S_ISREG(st.st_mode));
  (void)close(held);
  (void)close(dir);
  (void)col_puts(t, "done");
}

/* As a container has it: the same path is another file there. */
START_TEST(what_is_mounted_for_another_process_is_judged_by_its_mounts)
{
  static const col_item items[] = {{"F", "others", "x", judges_of_others, 5000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  int ready[2];
  char byte = 0;
  if (geteuid() != 0)
    return;
  (void)snprintf(silent_path, sizeof(silent_path), "%s/silent", bed_root);
  bed_make_folder("/silent", 0755);
  ck_assert_int_eq(pipe(ready), 0);
  other_process = fork();
  if (other_process == 0) {
    bool good = unshare(CLONE_NEWNS) == 0 &&
                mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                bed_mount_silent(silent_path);
    (void)!write(ready[1], good ? "y" : "n", 1);
    (void)pause();
    _exit(0);
  }
  ck_assert_int_eq(read(ready[0], &byte, 1), 1);
  o.root = "";
  if (byte == 'y') {
    ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
    free(bed_package_file("F/others"));
  }
  (void)kill(other_process, SIGKILL);
  (void)waitpid(other_process, NULL, 0);
}
END_TEST

/* ---- what does not answer ---- */

START_TEST(what_does_not_answer_is_not_waited_for_and_not_asked_for_ever)
{
  col_patient p = {0};
  int silent[2];
  int good[2];
  int64_t len = 0;
  ck_assert_int_eq(pipe(good), 0);
  ck_assert_int_eq(write(good[1], "ls\0-l", 5), 5);
  (void)close(good[1]);
  ck_assert_int_eq(pipe(silent), 0);
  char *text = col_patient_read(&p, dup(good[0]), 64, &len);
  ck_assert_int_eq(len, 5);
  ck_assert_mem_eq(text, "ls\0-l", 6);
  free(text);
  ck_assert_ptr_null(col_patient_read(&p, dup(silent[0]), 64, &len));
  ck_assert_int_eq(len, -ETIMEDOUT);
  ck_assert_uint_eq(p.left, 1);
  /* The next one is asked by another helper. */
  free(col_patient_read(&p, dup(good[0]), 64, &len));
  ck_assert_int_eq(len, 0);
  col_patient_end(&p);
  /* At the ceiling nothing more is asked. */
  p.left = COL_PATIENT_LEFT;
  int last = dup(good[0]);
  ck_assert_ptr_null(col_patient_read(&p, last, 64, &len));
  ck_assert_int_eq(len, -ETIMEDOUT);
  ck_assert_int_eq(fcntl(last, F_GETFD), -1);
  col_patient_end(&p);
  /* The one that was left behind comes back, and frees itself. */
  (void)close(silent[1]);
  uint64_t until = sup_now_ms() + 10000;
  while (bed_threads() > 1 && sup_now_ms() < until)
    (void)usleep(1000);
  (void)close(silent[0]);
  (void)close(good[0]);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      links_are_followed_only_where_they_are_roots_and_fifos_never,
      what_is_secret_does_not_leave_under_another_name,
      what_the_system_says_is_no_refusal_of_the_plugins,
      in_homes_no_link_is_followed,
      a_folder_that_its_owner_swaps_for_a_link_leads_nowhere,
      links_of_root_are_followed_part_by_part_and_not_to_where_it_hangs,
      what_is_mounted_later_is_judged_by_its_mount,
      temporary_files_below_what_is_mounted_later_are_told_and_not_touched,
      what_is_mounted_for_another_process_is_judged_by_its_mounts,
      what_does_not_answer_is_not_waited_for_and_not_asked_for_ever};
  return run_suite_with("plugins.collect_open", tests, COUNT_OF(tests), bed_setup, bed_teardown);
}
