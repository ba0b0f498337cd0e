/* Files by their SHA-1, with processes of the test's own alone: what else runs on this machine is
 * not looked at, and cannot spoil what is found. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "remediate_bed.h"
#include "suite.h"

enum { PARAMS = 512, MANY = 3 };

static void digest_of(const char *path, char ret_digest[41])
{
  char command[256];
  (void)snprintf(command, sizeof(command), "sha1sum '%s'", path);
  FILE *sum = popen(command, "re");
  ck_assert(sum != NULL && fscanf(sum, "%40s", ret_digest) == 1);
  (void)pclose(sum);
}

/* `known`: JSON, or NULL. */
static cordon_status find(bed *b, const char *action, const char digest[41], const char *known)
{
  char params[PARAMS];
  (void)snprintf(params, sizeof(params),
                 "{\"operation\":\"file.find_quarantine\",\"target\":{\"sha1\":\"%s\"}%s%s}",
                 digest, known != NULL ? ",\"known\":" : "", known != NULL ? known : "");
  return bed_run(b, action, params);
}

START_TEST(a_file_is_found_by_its_digest_and_taken)
{
  bed b;
  char digest[41] = "";
  bed_open(&b);
  bed_write("/srv/data/deep", "find me\n", 0755);
  digest_of("/srv/data/deep", digest);
  ck_assert_int_eq(find(&b, "d1", digest, NULL), CORDON_OK);
  ck_assert(!bed_exists("/srv/data/deep"));
  ck_assert_int_eq(find(&b, "d2", digest, NULL), CORDON_E_NOTFOUND);
  ck_assert_ptr_nonnull(strstr(b.sentence, "not found in"));
  ck_assert_int_eq(bed_undo(&b, "d1"), CORDON_OK);
  ck_assert(bed_exists("/srv/data/deep"));
  bed_close(&b);
}
END_TEST

/* A copy of a package's file is taken, and the package's own is not: both are told. */
START_TEST(what_was_refused_beside_does_not_hide_what_was_done)
{
  bed b;
  char digest[41] = "";
  bed_open(&b);
  bed_write("/srv/data/tool", "find me\n", 0755);
  digest_of("/srv/data/tool", digest);
  ck_assert_int_eq(find(&b, "d1", digest, NULL), CORDON_E_DENIED);
  bed_write("/srv/data/copy", "find me\n", 0755);
  ck_assert_int_eq(find(&b, "d2", digest, NULL), CORDON_PARTIAL);
  ck_assert(!bed_exists("/srv/data/copy"));
  ck_assert(bed_exists("/srv/data/tool"));
  ck_assert(bed_has_step(&b, "file.quarantine", "failed"));
  bed_close(&b);
}
END_TEST

/* As when the plugin was killed after the first file was gone, and another copy came: the same
 * order begins to count anew. */
START_TEST(the_same_order_again_keeps_what_it_took_before)
{
  bed b;
  char digest[41] = "";
  bed_open(&b);
  bed_write("/srv/data/one", "find me\n", 0755);
  digest_of("/srv/data/one", digest);
  ck_assert_int_eq(find(&b, "d1", digest, NULL), CORDON_OK);
  bed_write("/srv/data/two", "find me\n", 0755);
  ck_assert_int_eq(find(&b, "d1", digest, NULL), CORDON_OK);
  ck_assert(!bed_exists("/srv/data/one") && !bed_exists("/srv/data/two"));
  ck_assert_int_eq(bed_undo(&b, "d1"), CORDON_OK);
  ck_assert(bed_exists("/srv/data/one") && bed_exists("/srv/data/two"));
  bed_close(&b);
}
END_TEST

/* ---- what was not looked at ---- */

static void too_deep(void)
{
  ck_assert_int_eq(chdir("/tmp"), 0);
  for (int i = 0; i < 150; i++)
    ck_assert(mkdir("d", 0755) == 0 && chdir("d") == 0);
  ck_assert_int_eq(chdir("/"), 0);
}

static void too_large(void)
{
  bed_write("/tmp/large", "", 0644);
  ck_assert_int_eq(truncate("/tmp/large", 2L * 1024 * 1024 * 1024), 0);
}

static const struct {
  void (*make)(void);
  const char *says;
} unseen[] = {{too_deep, "1 depth"}, {too_large, "1 too_large"}};

/* Another copy may lie where nobody looked. */
START_TEST(a_search_that_did_not_look_everywhere_is_not_whole)
{
  bed b;
  char digest[41] = "";
  bed_open(&b);
  bed_write("/srv/data/deep", "find me\n", 0755);
  digest_of("/srv/data/deep", digest);
  unseen[_i].make();
  ck_assert_int_eq(find(&b, "p1", digest, NULL), CORDON_PARTIAL);
  ck_assert(!bed_exists("/srv/data/deep"));
  ck_assert_str_eq(bed_measured(&b, "not looked at"), unseen[_i].says);
  ck_assert_int_eq(find(&b, "p2", digest, NULL), CORDON_E_NOTFOUND);
  ck_assert_ptr_nonnull(strstr(b.sentence, "not everything there could be looked at"));
  bed_close(&b);
}
END_TEST

/* ---- where it is looked for ---- */

START_TEST(homes_are_where_the_accounts_say)
{
  bed b;
  char digest[41] = "";
  bed_open(&b);
  bed_write("/etc/passwd", "carol:x:1002:1002::/var/lib/dpkg/carol:/bin/sh\n", 0644);
  ck_assert(mkdir("/var/lib/dpkg/carol", 0755) == 0 &&
            mkdir("/var/lib/dpkg/carol/Downloads", 0755) == 0);
  bed_write("/var/lib/dpkg/carol/Downloads/evil", "find me\n", 0644);
  bed_write("/var/lib/dpkg/carol/.bashrc", "find me\n", 0644);
  digest_of("/var/lib/dpkg/carol/.bashrc", digest);
  ck_assert_int_eq(find(&b, "h1", digest, NULL), CORDON_OK);
  ck_assert(!bed_exists("/var/lib/dpkg/carol/Downloads/evil"));
  ck_assert(!bed_exists("/var/lib/dpkg/carol/.bashrc"));
  bed_close(&b);
}
END_TEST

START_TEST(known_findings_are_looked_at_and_links_in_their_place_are_not)
{
  bed b;
  char digest[41] = "";
  bed_open(&b);
  bed_write("/var/lib/dpkg/evil", "find me\n", 0644);
  digest_of("/var/lib/dpkg/evil", digest);
  ck_assert_int_eq(find(&b, "k1", digest, NULL), CORDON_E_NOTFOUND);
  ck_assert(symlink("/var/lib/dpkg/evil", "/var/lib/dpkg/link") == 0);
  ck_assert_int_eq(find(&b, "k2", digest, "[\"/var/lib/dpkg/link\",\"/none\"]"), CORDON_E_NOTFOUND);
  ck_assert_int_eq(find(&b, "k3", digest, "[{\"base64\":\"L3Zhci9saWIvZHBrZy9ldmls\"}]"),
                   CORDON_OK);
  ck_assert(!bed_exists("/var/lib/dpkg/evil") && bed_exists("/var/lib/dpkg/link"));
  bed_close(&b);
}
END_TEST

/* ---- what runs ---- */

static void copy_program(const char *to)
{
  char room[65536];
  int in = open("/bin/sleep", O_RDONLY | O_CLOEXEC);
  int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
  ck_assert(in >= 0 && out >= 0);
  for (ssize_t len = read(in, room, sizeof(room)); len > 0; len = read(in, room, sizeof(room)))
    ck_assert(write(out, room, (size_t)len) == len);
  (void)close(in);
  (void)close(out);
}

/* 0: no other name; 1: one where nobody looks; 2: one where it is looked for. */
START_TEST(all_that_run_a_deleted_program_are_ended)
{
  static const char *const other[] = {NULL, "/srv/data/kept", "/tmp/kept"};
  static const cordon_status ends[] = {CORDON_OK, CORDON_PARTIAL, CORDON_OK};
  const char *program = _i == 2 ? "/tmp/evil" : "/srv/data/evil";
  pid_t victims[MANY];
  bed b;
  char digest[41] = "";
  bed_open(&b);
  if (_i == 1) /* a disk of its own, where it is not looked */
    ck_assert_int_eq(mount("none", "/srv/data", "tmpfs", 0, NULL), 0);
  copy_program(program);
  digest_of(program, digest);
  for (int i = 0; i < MANY; i++) {
    victims[i] = bed_spawn(program, 0);
    ck_assert(bed_comes_to(victims[i], 'S'));
  }
  if (other[_i] != NULL)
    ck_assert_int_eq(link(program, other[_i]), 0);
  ck_assert_int_eq(unlink(program), 0);
  if (_i == 1)
    ck_assert_int_eq(umount2("/srv/data", MNT_DETACH), 0);
  ck_assert_int_eq(find(&b, "r1", digest, NULL), ends[_i]);
  for (int i = 0; i < MANY; i++)
    ck_assert(bed_comes_to(victims[i], '-'));
  ck_assert_str_eq(bed_measured(&b, "processes that run it"), "0");
  ck_assert(_i == 2 || strstr(bed_undo_text(&b), "cannot be brought back") != NULL);
  ck_assert_ptr_nonnull(
      strstr(bed_measured(&b, "deleted program"), _i == 1 ? "1 names besides" : "no name"));
  ck_assert(other[_i] == NULL || !bed_exists(other[_i]));
  bed_close(&b);
}
END_TEST

START_TEST(one_that_runs_is_ended_and_its_file_taken)
{
  bed b;
  char digest[41] = "";
  bed_open(&b);
  copy_program("/var/lib/dpkg/evil");
  digest_of("/var/lib/dpkg/evil", digest);
  pid_t victim = bed_spawn("/var/lib/dpkg/evil", 0);
  ck_assert(bed_comes_to(victim, 'S'));
  ck_assert_int_eq(find(&b, "r1", digest, NULL), CORDON_OK);
  ck_assert(bed_comes_to(victim, '-'));
  ck_assert(!bed_exists("/var/lib/dpkg/evil"));
  ck_assert_int_eq(bed_undo(&b, "r1"), CORDON_OK);
  ck_assert(bed_exists("/var/lib/dpkg/evil"));
  bed_close(&b);
}
END_TEST

/* ---- races ---- */

static void (*swap)(void);
static const char *swap_at;
static const char *while_open; /* only while this file is read; NULL: at once */

static bool is_open(const char *path)
{
  char link[64];
  char target[512];
  for (int fd = 3; fd < 64; fd++) {
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, target, sizeof(target) - 1);
    target[len > 0 ? len : 0] = '\0';
    if (strcmp(target, path) == 0)
      return true;
  }
  return false;
}

static void on_progress(const char *what)
{
  if (swap == NULL || what == NULL || strcmp(what, swap_at) != 0 ||
      (while_open != NULL && !is_open(while_open)))
    return;
  void (*now)(void) = swap;
  swap = NULL;
  now();
}

static void put_another(void)
{
  bed_write("/srv/data/other", "innocent\n", 0644);
  ck_assert(rename("/srv/data/other", "/srv/data/evil") == 0);
}

START_TEST(what_was_swapped_in_after_it_was_found_is_left)
{
  bed b;
  char digest[41] = "";
  bed_open(&b);
  bed_write("/srv/data/evil", "find me\n", 0755);
  digest_of("/srv/data/evil", digest);
  b.on_progress = on_progress;
  swap = put_another;
  swap_at = "find";
  ck_assert_int_eq(find(&b, "s1", digest, NULL), CORDON_E_CONFLICT);
  ck_assert(swap == NULL);
  char *text = bed_read("/srv/data/evil");
  ck_assert_str_eq(text, "innocent\n");
  free(text);
  ck_assert_int_eq(bed_containers(), 0);
  bed_close(&b);
}
END_TEST

static char second[16]; /* the folder that is looked at after the other */

/* It is where its owner may name things, and becomes a link to where he may not look. */
static void swap_folder(void)
{
  ck_assert(rename(second, "/tmp/away") == 0 && symlink("/var/lib/dpkg/private", second) == 0);
}

START_TEST(a_folder_that_becomes_a_link_leads_nowhere)
{
  static const char *const folders[] = {"/tmp/a", "/tmp/b"};
  char first[32];
  char event[4096];
  char digest[41] = "";
  bed b;
  bed_open(&b);
  ck_assert_int_eq(mkdir("/var/lib/dpkg/private", 0700), 0);
  bed_write("/var/lib/dpkg/private/file", "private\n", 0600);
  ck_assert_int_eq(mkfifo("/var/lib/dpkg/private/pipe", 0600), 0);
  digest_of("/var/lib/dpkg/private/file", digest);
  for (int i = 0; i < 2; i++) {
    (void)snprintf(first, sizeof(first), "%s/file", folders[i]);
    ck_assert_int_eq(mkdir(folders[i], 0755), 0);
    bed_write(first, i == 0 ? "one\n" : "two\n", 0644);
  }
  /* The one that a folder names first is looked at first. */
  FILE *list = popen("ls -U /tmp", "re");
  ck_assert(list != NULL && fscanf(list, "%8s", event) == 1);
  (void)pclose(list);
  (void)snprintf(first, sizeof(first), "/tmp/%.8s/file", event);
  (void)snprintf(second, sizeof(second), "%s", strcmp(event, "a") == 0 ? "/tmp/b" : "/tmp/a");
  int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  ck_assert(inotify_add_watch(watch, "/var/lib/dpkg/private", IN_OPEN) >= 0);
  b.on_progress = on_progress;
  swap = swap_folder;
  swap_at = "hash";
  while_open = first;
  (void)find(&b, "l1", digest, NULL);
  ck_assert(swap == NULL);
  ck_assert_int_le(read(watch, event, sizeof(event)), 0);
  ck_assert(bed_exists("/var/lib/dpkg/private/file"));
  ck_assert(bed_has_step(&b, "find", "left"));
  (void)close(watch);
  bed_close(&b);
}
END_TEST

static int run(void)
{
  Suite *suite = suite_create("plugins.remediate_find");
  TCase *c = tcase_create("facts");
  tcase_set_timeout(c, CASE_TIMEOUT_S);
  tcase_add_checked_fixture(c, bed_mounts, NULL);
  tcase_add_test(c, a_file_is_found_by_its_digest_and_taken);
  tcase_add_test(c, the_same_order_again_keeps_what_it_took_before);
  tcase_add_test(c, what_was_refused_beside_does_not_hide_what_was_done);
  tcase_add_loop_test(c, a_search_that_did_not_look_everywhere_is_not_whole, 0, COUNT_OF(unseen));
  tcase_add_test(c, homes_are_where_the_accounts_say);
  tcase_add_test(c, known_findings_are_looked_at_and_links_in_their_place_are_not);
  tcase_add_loop_test(c, all_that_run_a_deleted_program_are_ended, 0, 3);
  tcase_add_test(c, one_that_runs_is_ended_and_its_file_taken);
  tcase_add_test(c, what_was_swapped_in_after_it_was_found_is_left);
  tcase_add_test(c, a_folder_that_becomes_a_link_leads_nowhere);
  suite_add_tcase(suite, c);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void)
{
  if (geteuid() != 0) {
    printf("skipped, since only root can mount\n");
    return SKIPPED;
  }
  return bed_alone(run);
}
