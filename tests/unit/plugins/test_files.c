/* Which files a quick scan and a search are about, and whose links lead to them, on a device of
 * mounts of the test's own. */
#include "support/files.h"

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>

enum { ALICE = 1000 };

static void put(const char *path, const char *text)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
  ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  (void)close(fd);
}

static void folder(const char *path, uid_t owner)
{
  ck_assert_msg(mkdir(path, 0755) == 0, "%s: %s", path, strerror(errno));
  ck_assert_int_eq(chown(path, owner, owner), 0);
}

static void link_of(const char *target, const char *path, uid_t owner)
{
  ck_assert_msg(symlink(target, path) == 0, "%s: %s", path, strerror(errno));
  ck_assert_int_eq(lchown(path, owner, owner), 0);
}

static void set_up(void)
{
  static const char *const over[] = {"/etc", "/srv", "/tmp", "/var/tmp", "/root", "/opt", "/run"};
  ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
  ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
  for (size_t i = 0; i < COUNT_OF(over); i++)
    ck_assert_int_eq(mount("test", over[i], "tmpfs", 0, "mode=0755"), 0);
  put("/etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/srv/home/alice:/bin/sh\n");
  folder("/srv/home", 0);
  folder("/srv/home/alice", ALICE);
  folder("/srv/secret", 0);
  put("/srv/secret/file", "secret");
}

/* ---- links ---- */

static const struct {
  const char *path;
  const char *real; /* NULL: it is not followed */
} ways[] = {
    {"/srv/secret/file", "/srv/secret/file"},
    {"/srv//secret/./file", "/srv/secret/file"},
    {"/srv/by-root/file", "/srv/secret/file"},
    {"/srv/relative/file", "/srv/secret/file"},
    {"/srv/above", "/srv/secret"},
    {"/srv/by-alice/file", NULL},
    {"/srv/shared/by-root/file", NULL},
    {"/srv/home/alice/by-root", NULL},
    {"/srv/loop", NULL},
    {"/srv/by-root/none", NULL},
};

START_TEST(links_of_root_alone_are_followed)
{
  char real[SUP_PATH] = "";
  folder("/srv/shared", 0);
  ck_assert_int_eq(chmod("/srv/shared", 01777), 0);
  link_of("/srv/secret", "/srv/by-root", 0);
  link_of("home/../by-root/../secret", "/srv/relative", 0);
  link_of("/srv/home/alice/../../secret/.", "/srv/above", 0);
  link_of("/srv/secret", "/srv/by-alice", ALICE);
  link_of("/srv/secret", "/srv/shared/by-root", 0);
  link_of("/srv/secret", "/srv/home/alice/by-root", 0);
  link_of("loop", "/srv/loop", 0);
  int place = sup_place_trusted(ways[_i].path, real);
  if (ways[_i].real == NULL) {
    ck_assert_int_lt(place, 0);
    ck_assert_msg(errno == ELOOP || strstr(ways[_i].path, "none") != NULL, "%s", strerror(errno));
  } else {
    ck_assert_msg(place >= 0, "%s: %s", ways[_i].path, strerror(errno));
    ck_assert_str_eq(real, ways[_i].real);
    (void)close(place);
  }
}
END_TEST

/* ---- the quick set ---- */

typedef struct told {
  int links;
  int deleted;
} told;

static void on_missed(void *data, const char *path, sup_miss reason, uint64_t size)
{
  told *t = data;
  (void)size;
  t->deleted += reason == SUP_MISS_DELETED && strcmp(path, "/srv/library") == 0 ? 1 : 0;
}

static void on_left_out(void *data, const char *path, const char *type)
{
  told *t = data;
  bool is = type != NULL && strcmp(type, "link") == 0;
  t->links += is && strcmp(path, "/srv/home/alice/Downloads") == 0 ? 1 : 0;
}

/* How often the walk over a plan gives this file. */
static int given(const sup_plan *plan, const char *path, told *t)
{
  sup_walk_events events = {.not_scanned = on_missed, .left_out = on_left_out, .data = t};
  sup_walk *w = sup_walk_new(plan, false, 0, &events);
  sup_file f;
  int count = 0;
  for (int got = 0; (got = sup_walk_next(w, &f)) >= 0;) {
    count += got > 0 && strcmp(f.path, path) == 0 ? 1 : 0;
    sup_file_release(&f);
  }
  sup_walk_free(w);
  return count;
}

START_TEST(a_users_links_lead_nowhere_and_are_told)
{
  sup_plan plan = {0};
  told t = {0};
  link_of("/srv/secret", "/srv/home/alice/Downloads", ALICE);
  folder("/srv/home/alice/bin", ALICE);
  put("/srv/home/alice/bin/tool", "tool");
  sup_mounts_read(&plan.mounts);
  sup_plan_places(&plan);
  ck_assert_int_eq(given(&plan, "/srv/secret/file", &t), 0);
  ck_assert_int_eq(t.links, 1);
  ck_assert_int_eq(given(&plan, "/srv/home/alice/bin/tool", &t), 1);
  sup_plan_release(&plan);
}
END_TEST

static bool has_root(const sup_plan *p, const char *path)
{
  for (size_t i = 0; i < p->root_count; i++) {
    if (strcmp(p->roots[i].path, path) == 0)
      return true;
  }
  return false;
}

START_TEST(a_users_units_are_read_and_open_nothing_else)
{
  static const char units[] = "/srv/home/alice/.config/systemd/user";
  char event[4096];
  sup_plan plan = {0};
  folder("/srv/home/alice/.config", ALICE);
  folder("/srv/home/alice/.config/systemd", ALICE);
  folder(units, ALICE);
  put("/srv/home/alice/.config/systemd/user/a.service", "[Service]\nExecStart=/srv/secret/file\n"
                                                        "ExecStartPre=/\n");
  /* A pipe stands for a device: to some being opened is an order already. */
  ck_assert_int_eq(mkfifo("/srv/secret/pipe", 0600), 0);
  ck_assert_int_eq(mkfifo("/srv/home/alice/.config/systemd/user/b.service", 0600), 0);
  link_of("/srv/secret/pipe", "/srv/home/alice/.config/systemd/user/c.service", ALICE);
  int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  ck_assert_int_ge(inotify_add_watch(watch, "/srv/secret/pipe", IN_OPEN), 0);
  ck_assert_int_ge(
      inotify_add_watch(watch, "/srv/home/alice/.config/systemd/user/b.service", IN_OPEN), 0);
  sup_plan_places(&plan);
  ck_assert(has_root(&plan, "/srv/secret/file"));
  ck_assert(!has_root(&plan, "/"));
  ck_assert_int_le(read(watch, event, sizeof(event)), 0);
  (void)close(watch);
  sup_plan_release(&plan);
}
END_TEST

/* 300 homes, of which the last has something. */
START_TEST(no_home_is_one_too_many)
{
  char path[64];
  sup_plan plan = {0};
  FILE *f = fopen("/etc/passwd", "we");
  ck_assert_ptr_nonnull(f);
  for (int i = 0; i < 300; i++) {
    (void)snprintf(path, sizeof(path), "/srv/home/u%d", i);
    folder(path, ALICE);
    (void)fprintf(f, "u%d:x:%d:%d::%s:/bin/sh\n", i, 2000 + i, 2000 + i, path);
  }
  (void)fclose(f);
  folder("/srv/home/u299/Downloads", ALICE);
  sup_plan_places(&plan);
  ck_assert(has_root(&plan, "/srv/home/u299/Downloads"));
  ck_assert(!plan.cut);
  sup_plan_release(&plan);
}
END_TEST

/* ---- what is mapped ---- */

static void *mapped(const char *path)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  void *at = mmap(NULL, 6, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  ck_assert(fd >= 0 && at != MAP_FAILED);
  (void)close(fd);
  return at;
}

START_TEST(a_library_that_is_deleted_is_told_and_one_with_any_name_is_given)
{
  static const cordon_host host = {.struct_size = sizeof(host)};
  sup_call call = {.host = &host};
  sup_plan plan = {0};
  told t = {0};
  put("/srv/library", "mapped");
  put("/srv/odd\nname", "mapped");
  void *one = mapped("/srv/library");
  void *two = mapped("/srv/odd\nname");
  ck_assert_int_eq(unlink("/srv/library"), 0);
  put("/srv/library", "another one is there by now");
  sup_plan_images(&plan, &call);
  ck_assert_int_eq(given(&plan, "/srv/odd\nname", &t), 1);
  ck_assert_int_eq(t.deleted, 1);
  sup_plan_release(&plan);
  (void)munmap(one, 6);
  (void)munmap(two, 6);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("plugins.files");
  TCase *c = tcase_create("facts");
  if (geteuid() != 0) {
    printf("skipped, since only root can mount\n");
    return SKIPPED;
  }
  tcase_set_timeout(c, CASE_TIMEOUT_S);
  tcase_add_checked_fixture(c, set_up, NULL);
  tcase_add_loop_test(c, links_of_root_alone_are_followed, 0, COUNT_OF(ways));
  tcase_add_test(c, a_users_links_lead_nowhere_and_are_told);
  tcase_add_test(c, a_users_units_are_read_and_open_nothing_else);
  tcase_add_test(c, no_home_is_one_too_many);
  tcase_add_test(c, a_library_that_is_deleted_is_told_and_one_with_any_name_is_given);
  suite_add_tcase(suite, c);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
