/* What two threads do: the folders with many files, and the numbers of processes. */
#include "collect.h"
#include "hands.h"
#include "items.h"

#include "collect_bed.h"
#include "collect_device_bed.h"
#include "suite.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { FILES = 700, ROUNDS = 200 };

static const col_item temp = {.folder = "T",
                              .name = "folders",
                              .source = "x",
                              .collect = col_temp,
                              .budget_ms = 20000,
                              .several = true};
static const col_item hidden = {.folder = "P",
                                .name = "hidden.csv",
                                .source = "x",
                                .collect = col_hidden_processes,
                                .budget_ms = 20000};

static cordon_status run(const col_item *item)
{
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  return col_run(&o, item, 1, &totals, NULL, NULL, &err);
}

static unsigned count_of(const char *text, const char *part)
{
  unsigned count = 0;
  for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
    count++;
  return count;
}

START_TEST(every_file_has_one_row_with_its_own_content)
{
  char path[128];
  char part[160];
  bed_make_folder("/tmp", 0755);
  bed_make_folder("/tmp/many", 0755);
  bed_make_folder("/tmp/many/below", 0755);
  for (int i = 0; i < FILES; i++) {
    (void)snprintf(path, sizeof(path), "/tmp/many/f%d", i);
    (void)snprintf(part, sizeof(part), "%s%d", i % 2 == 0 ? "#!" : "", i);
    bed_make(path, part);
  }
  bed_make("/tmp/many/below/last", "");
  bed_make_link("/tmp/many/f1", "/tmp/many/link");
  (void)run(&temp);
  char *table = bed_package_file("T/tmp.csv");
  ck_assert_uint_eq(count_of(table, "\r\n"), 1 + 3 + FILES + 1);
  for (int i = 0; i < FILES; i++) {
    (void)snprintf(part, sizeof(part), "\r\n/tmp/many/f%d,file,0", i);
    ck_assert_msg(count_of(table, part) == 1, "of %s there is no row, or several", part);
  }
  ck_assert_uint_eq(count_of(table, ",script,"), FILES / 2);
  /* SHA-256 of "1", of "#!698" and of nothing. */
  ck_assert_uint_eq(
      count_of(table, ",6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b,"), 1);
  ck_assert_uint_eq(
      count_of(table, ",e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855,"), 1);
  /* What is in a folder comes behind it and before what comes behind the folder. */
  const char *folder = strstr(table, "\r\n/tmp/many/below,folder");
  ck_assert_ptr_nonnull(folder);
  ck_assert_ptr_eq(strstr(folder + 2, "\r\n"), strstr(table, "\r\n/tmp/many/below/last,file"));
  ck_assert_uint_eq(count_of(table, "/tmp/many/link,link,"), 1);
  free(table);
}
END_TEST

static void expect_told(const char *item, const char *what)
{
  cJSON *doc = bed_manifest();
  const cJSON *r = NULL;
  bool told = false;
  cJSON_ArrayForEach(r, cJSON_GetObjectItemCaseSensitive(doc, "items"))
  {
    const char *error = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(r, "error"));
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(r, "item"));
    told = told || (strcmp(name, item) == 0 && error != NULL && strstr(error, what) != NULL);
  }
  cJSON_Delete(doc);
  ck_assert_msg(told, "%s does not say: %s", item, what);
}

/* A mount that no list has: it is there since the run was begun, or the bed's list is empty. In a
 * space of this test's own; false where there is none to be had. */
static bool mount_below(const char *path)
{
  char full[512];
  (void)snprintf(full, sizeof(full), "%s%s", bed_root, path);
  return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
         mount("test", full, "tmpfs", 0, NULL) == 0;
}

START_TEST(what_is_mounted_below_is_told_and_not_entered)
{
  char full[512];
  bed_make_folder("/tmp", 0755);
  bed_make_folder("/tmp/disk", 0755);
  bed_make_folder("/tmp/other", 0755);
  bed_make("/tmp/other/file", "x");
  if (!mount_below("/tmp/disk"))
    return; /* without root */
  bed_make("/tmp/disk/within", "x");
  (void)run(&temp);
  (void)snprintf(full, sizeof(full), "%s/tmp/disk", bed_root);
  ck_assert_int_eq(umount(full), 0);
  char *table = bed_package_file("T/tmp.csv");
  ck_assert_uint_eq(count_of(table, "/tmp/disk,folder,"), 1);
  ck_assert_uint_eq(count_of(table, "/tmp/disk/within"), 0);
  ck_assert_uint_eq(count_of(table, "/tmp/other/file"), 1);
  free(table);
  expect_told("tmp.csv", "/tmp/disk: another file system is mounted there");
}
END_TEST

enum { LONG = 17, LONG_NAME = 250 };

/* Folders within folders, further than a path goes. */
static void make_long(int dirs[LONG + 1], char name[LONG_NAME + 1])
{
  char path[128];
  (void)snprintf(path, sizeof(path), "%s/tmp", bed_root);
  memset(name, 'n', LONG_NAME);
  name[LONG_NAME] = '\0';
  dirs[0] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < LONG; i++) {
    ck_assert_int_eq(mkdirat(dirs[i], name, 0755), 0);
    dirs[i + 1] = openat(dirs[i], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dirs[i + 1], 0);
  }
}

static void remove_long(const int dirs[LONG + 1], const char *name)
{
  for (int i = LONG; i >= 0; i--) {
    if (i < LONG)
      ck_assert_int_eq(unlinkat(dirs[i], name, AT_REMOVEDIR), 0);
    (void)close(dirs[i]);
  }
}

static void look_at_long(const col_item *item, const char *name_of_item)
{
  int dirs[LONG + 1];
  char name[LONG_NAME + 1];
  bed_make_folder("/tmp", 0755);
  make_long(dirs, name);
  cordon_status status = run(item);
  remove_long(dirs, name);
  ck_assert_int_eq(status, CORDON_PARTIAL);
  expect_told(name_of_item, "too long");
}

START_TEST(what_has_a_longer_path_than_there_is_does_not_hide_among_temporary_files)
{
  look_at_long(&temp, "tmp.csv");
}
END_TEST

START_TEST(what_has_a_longer_path_than_there_is_does_not_hide_from_the_time_line)
{
  static const col_item timeline = {.folder = "T",
                                    .name = "timeline.txt",
                                    .source = "x",
                                    .collect = col_timeline,
                                    .budget_ms = 20000};
  look_at_long(&timeline, "timeline.txt");
}
END_TEST

/* The listing of the bed shows no process, and the kernel knows this one. */
START_TEST(a_process_that_is_not_listed_is_found)
{
  char number[32];
  char row[64];
  (void)snprintf(number, sizeof(number), "%ld\n", (long)getpid() + 1);
  (void)snprintf(row, sizeof(row), "\r\n%ld,", (long)getpid());
  bed_make_folder("/proc", 0755);
  bed_make_folder("/proc/sys", 0755);
  bed_make_folder("/proc/sys/kernel", 0755);
  bed_make("/proc/sys/kernel/pid_max", number);
  (void)run(&hidden);
  char *table = bed_package_file("P/hidden.csv");
  ck_assert_msg(strstr(table, row) != NULL || count_of(table, "\r\n") > 1024, "%s", table);
  free(table);
}
END_TEST

/* Each time into a package of its own. */
static bool hidden_finds_me(bool extended)
{
  static int packages;
  char row[64];
  sup_err err = {0};
  col_totals totals;
  col_options o = bed_options();
  (void)snprintf(bed_to.path, sizeof(bed_to.path), "%s/package-%d", bed_root, ++packages);
  ck_assert_int_eq(mkdir(bed_to.path, 0700), 0);
  o.extended = extended;
  (void)snprintf(row, sizeof(row), "\r\n%ld,", (long)getpid());
  (void)col_run(&o, &hidden, 1, &totals, NULL, NULL, &err);
  char *table = bed_package_file("P/hidden.csv");
  bool found = strstr(table, row) != NULL;
  bool full = count_of(table, "\r\n") > 1024;
  free(table);
  return found || full;
}

/* The bed's kernel says that it has given the numbers 1 to `last`, of `given` in all. */
static void say_given(long last, long given)
{
  char text[128];
  (void)snprintf(text, sizeof(text), "0.00 0.00 0.00 1/1 %ld\n", last);
  bed_make("/proc/loadavg", text);
  (void)snprintf(text, sizeof(text), "cpu 1 2 3\nprocesses %ld\nprocs_running 1\n", given);
  bed_make("/proc/stat", text);
}

START_TEST(numbers_that_were_never_given_are_tried_where_something_speaks_for_them)
{
  char number[32];
  (void)snprintf(number, sizeof(number), "%ld\n", (long)getpid() + 1000);
  bed_make_folder("/proc", 0755);
  bed_make_folder("/proc/sys", 0755);
  bed_make_folder("/proc/sys/kernel", 0755);
  bed_make("/proc/sys/kernel/pid_max", number);
  say_given(1, 5);
  ck_assert(!hidden_finds_me(false));
  ck_assert(hidden_finds_me(true));
  /* They have begun anew; they were set by hand; they are not told. */
  say_given(1, (long)getpid() + 1000);
  ck_assert(hidden_finds_me(false));
  say_given(900, 5);
  ck_assert(hidden_finds_me(false));
  bed_make("/proc/loadavg", "none\n");
  ck_assert(hidden_finds_me(false));
  say_given(getpid(), getpid());
  ck_assert(hidden_finds_me(false));
}
END_TEST

START_TEST(a_member_of_a_control_group_is_found_whatever_its_number)
{
  char number[32];
  (void)snprintf(number, sizeof(number), "%ld\n", (long)getpid() + 1000);
  bed_make_folder("/proc", 0755);
  bed_make_folder("/proc/sys", 0755);
  bed_make_folder("/proc/sys/kernel", 0755);
  bed_make("/proc/sys/kernel/pid_max", number);
  say_given(1, 5);
  bed_make_folder("/sys", 0755);
  bed_make_folder("/sys/fs", 0755);
  bed_make_folder("/sys/fs/cgroup", 0755);
  bed_make_folder("/sys/fs/cgroup/a", 0755);
  bed_make_folder("/sys/fs/cgroup/a/b.scope", 0755);
  (void)snprintf(number, sizeof(number), "3\n%ld\n", (long)getpid());
  bed_make("/sys/fs/cgroup/a/b.scope/cgroup.procs", number);
  ck_assert(hidden_finds_me(false));
}
END_TEST

START_TEST(a_process_that_is_listed_does_not_hide)
{
  char path[64];
  char number[32];
  char row[64];
  (void)snprintf(number, sizeof(number), "%ld\n", (long)getpid() + 1);
  (void)snprintf(path, sizeof(path), "/proc/%ld", (long)getpid());
  (void)snprintf(row, sizeof(row), "\r\n%ld,", (long)getpid());
  bed_make_folder("/proc", 0755);
  bed_make_folder(path, 0755);
  bed_make_folder("/proc/sys", 0755);
  bed_make_folder("/proc/sys/kernel", 0755);
  bed_make("/proc/sys/kernel/pid_max", number);
  (void)run(&hidden);
  char *table = bed_package_file("P/hidden.csv");
  ck_assert_ptr_null(strstr(table, row));
  free(table);
}
END_TEST

typedef struct work {
  atomic_int next;
  atomic_int done;
} work;

static void do_some(void *data)
{
  work *w = data;
  while (atomic_fetch_add(&w->next, 1) < FILES)
    (void)atomic_fetch_add(&w->done, 1);
}

/* A thread that was joined stays in the list for a moment. */
static unsigned threads_at_rest(unsigned expected)
{
  for (int i = 0; i < 200 && bed_threads() > expected; i++)
    (void)usleep(1000);
  return bed_threads();
}

START_TEST(hands_come_back_when_both_are_done)
{
  /* A sanitizer may start a thread of its own with the first one. */
  col_hands_free(col_hands_new());
  unsigned before = threads_at_rest(1);
  col_hands *hands = col_hands_new();
  for (int i = 0; i < ROUNDS; i++) {
    work w;
    atomic_init(&w.next, 0);
    atomic_init(&w.done, 0);
    col_hands_do(hands, do_some, &w);
    ck_assert_int_eq(atomic_load(&w.done), FILES);
  }
  col_hands_free(hands);
  ck_assert_uint_eq(threads_at_rest(before), before);
  work alone;
  atomic_init(&alone.next, 0);
  atomic_init(&alone.done, 0);
  col_hands_do(NULL, do_some, &alone);
  ck_assert_int_eq(atomic_load(&alone.done), FILES);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      every_file_has_one_row_with_its_own_content,
      what_is_mounted_below_is_told_and_not_entered,
      what_has_a_longer_path_than_there_is_does_not_hide_among_temporary_files,
      what_has_a_longer_path_than_there_is_does_not_hide_from_the_time_line,
      a_process_that_is_not_listed_is_found,
      numbers_that_were_never_given_are_tried_where_something_speaks_for_them,
      a_member_of_a_control_group_is_found_whatever_its_number,
      a_process_that_is_listed_does_not_hide,
      hands_come_back_when_both_are_done};
  return run_suite_with("plugins.collect_many", tests, COUNT_OF(tests), bed_setup, bed_teardown);
}
