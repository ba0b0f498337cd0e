/* The plugin is killed between each of its steps. What it was about to do is then either taken back
 * from the records alone, or asked for again and then taken back: both leave what was there before.
 * The table says what came of each. */
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "remediate_bed.h"
#include "suite.h"

enum { POINTS = 12 };

#define NAMED(verb, name) "{\"operation\":\"" verb "\",\"target\":{\"name\":\"" name "\"}}"

typedef struct kind {
  const char *name;
  const char *params;
  const char *top; /* what is compared */
  bool times;
  const char *doing[POINTS];
  const char *undoing[POINTS];
} kind;

static const kind kinds[] = {
    {.name = "file.quarantine",
     .params = "{\"operation\":\"file.quarantine\",\"target\":{\"path\":\"/srv/data/evil\"}}",
     .top = "/srv/data",
     .times = true,
     .doing = {"remediate.data", "remediate.sealed", "remediate.noted", "remediate.unfixed",
               "remediate.private", "remediate.aside", "remediate.unlinked", "remediate.kept"},
     .undoing = {"remediate.copy", "remediate.restoring", "remediate.renamed", "remediate.placed",
                 "remediate.spent"}},
    {.name = "service.disable",
     .params = NAMED("service.disable", "evil"),
     .top = "/etc",
     .doing = {"remediate.noted", "remediate.made", "remediate.barred", "remediate.link"},
     .undoing = {"remediate.link", "remediate.unbarred"}},
    {.name = "cron.disable",
     .params = "{\"operation\":\"cron.disable\",\"target\":{\"file\":\"/etc/crontab\",\"line\":2,"
               "\"text\":\"* * * * * root /srv/evil\"}}",
     .top = "/etc",
     .doing = {"remediate.text", "remediate.swapped", "remediate.replaced"},
     .undoing = {"remediate.text", "remediate.swapped", "remediate.replaced"}},
    {.name = "user.disable",
     .params = NAMED("user.disable", "bob"),
     .top = "/etc",
     .doing = {"remediate.noted", "remediate.text", "remediate.swapped", "remediate.replaced"},
     .undoing = {"remediate.text", "remediate.swapped", "remediate.replaced"}},
    {.name = "module.disable",
     .params =
         "{\"operation\":\"module.disable\",\"force\":true,\"target\":{\"name\":\"no_such\"}}",
     .top = "/etc",
     .doing = {"remediate.noted", "remediate.barred"}},
};

static void prepare(void)
{
  int flags = FS_IMMUTABLE_FL;
  struct timespec times[2] = {{.tv_sec = 1000000000, .tv_nsec = 1}, {.tv_sec = 2, .tv_nsec = 3}};
  bed_write("/etc/.pwd.lock", "", 0600);
  bed_write("/srv/data/evil", "malware\n", 04755);
  ck_assert(utimensat(AT_FDCWD, "/srv/data/evil", times, 0) == 0);
  int fd = open("/srv/data/evil", O_RDONLY | O_NOATIME | O_CLOEXEC);
  ck_assert(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
  (void)close(fd);
}

/* What is written beside others' files and was cut short must not stay. */
static unsigned leftovers(const char *top)
{
  char *text = bed_snapshot(top, false);
  unsigned count = 0;
  for (const char *at = strstr(text, "/.cordon-"); at != NULL; at = strstr(at + 1, "/.cordon-"))
    count++;
  free(text);
  return count;
}

static void same(const kind *k, const char *before, const char *when, const char *point)
{
  char *after = bed_snapshot(k->top, k->times);
  ck_assert_msg(strcmp(after, before) == 0, "%s, %s %s:\n%s\ninstead of\n%s", k->name, when, point,
                after, before);
  ck_assert_uint_eq(leftovers(k->top), 0);
  free(after);
}

static void undo_twice(const kind *k, const char *action, const char *before, const char *point)
{
  bed b;
  bed_open(&b);
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(bed_undo(&b, action), CORDON_OK);
    same(k, before, "undone after a kill at", point);
  }
  bed_close(&b);
}

static void dies_doing(const kind *k, const char *point)
{
  char action[64];
  bed b;
  char *before = bed_snapshot(k->top, k->times);
  (void)snprintf(action, sizeof(action), "undo-%s", point);
  ck_assert_msg(bed_dies_running(point, action, k->params), "%s: no %s", k->name, point);
  undo_twice(k, action, before, point);
  (void)snprintf(action, sizeof(action), "again-%s", point);
  ck_assert(bed_dies_running(point, action, k->params));
  bed_open(&b);
  ck_assert_int_ge(bed_run(&b, "second", k->params), CORDON_OK);
  /* The newest first, as an operator would. */
  ck_assert_int_eq(bed_undo(&b, "second"), CORDON_OK);
  ck_assert_int_eq(bed_undo(&b, action), CORDON_OK);
  bed_close(&b);
  same(k, before, "done again and undone after a kill at", point);
  free(before);
  (void)unlink("/srv/undo/second");
  (void)fprintf(stderr, "| %-16s | %-20s | run  | undone | again, undone |\n", k->name, point);
}

static void dies_undoing(const kind *k, const char *point)
{
  char action[64];
  bed b;
  char *before = bed_snapshot(k->top, k->times);
  (void)snprintf(action, sizeof(action), "back-%s", point);
  bed_open(&b);
  ck_assert_int_ge(bed_run(&b, action, k->params), CORDON_OK);
  bed_close(&b);
  ck_assert_msg(bed_dies_undoing(point, action), "%s: no %s", k->name, point);
  undo_twice(k, action, before, point);
  free(before);
  (void)fprintf(stderr, "| %-16s | %-20s | undo | undone |               |\n", k->name, point);
}

START_TEST(a_kill_at_any_step_leaves_what_can_be_taken_back)
{
  const kind *k = &kinds[_i];
  prepare();
  for (size_t i = 0; i < POINTS && k->doing[i] != NULL; i++)
    dies_doing(k, k->doing[i]);
  for (size_t i = 0; i < POINTS && k->undoing[i] != NULL; i++)
    dies_undoing(k, k->undoing[i]);
  ck_assert_int_eq(bed_containers(), 0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("plugins.remediate_crash");
  TCase *c = tcase_create("facts");
  if (geteuid() != 0) {
    printf("skipped, since only root can mount\n");
    return SKIPPED;
  }
  tcase_set_timeout(c, CASE_TIMEOUT_S);
  tcase_add_checked_fixture(c, bed_mounts, NULL);
  tcase_add_loop_test(c, a_kill_at_any_step_leaves_what_can_be_taken_back, 0, COUNT_OF(kinds));
  suite_add_tcase(suite, c);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
