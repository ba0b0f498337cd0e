/* What two threads do: the folders with many files, and the numbers of processes. */
#include "collect.h"
#include "hands.h"
#include "items.h"

#include "collect_bed.h"
#include "collect_device_bed.h"
#include "suite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
      every_file_has_one_row_with_its_own_content, a_process_that_is_not_listed_is_found,
      a_process_that_is_listed_does_not_hide, hands_come_back_when_both_are_done};
  return run_suite_with("plugins.collect_many", tests, COUNT_OF(tests), bed_setup, bed_teardown);
}
