/* The runner: ceilings, times, items that hang, cancels, names, and a sink that is full. */
#include "collect.h"
#include "items.h"
#include "net.h"
#include "read.h"

#include "collect_device_bed.h"
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/call.h"

static void write_rows(col_task *t)
{
  col_head(t, "a,b");
  col_text(t, "=x");
  col_num(t, 1);
  (void)col_row(t);
}

static void write_too_much(col_task *t)
{
  static char block[4096];
  while (col_put(t, block, sizeof(block)))
    continue;
}

static void is_absent(col_task *t)
{
  col_mark(t, COL_ABSENT, "/etc/nothing is not here");
}

static void waits(col_task *t)
{
  (void)col_puts(t, "begun\n");
  while (!col_stop(t))
    (void)usleep(1000);
}

static int hang_fd = -1;
static int hang_write_fd = -1;

/* As a file system that does not answer: a read that does not come back until the test's end. */
static void hangs(col_task *t)
{
  char byte = 0;
  (void)col_puts(t, "before\n");
  (void)!read(hang_fd, &byte, 1);
  (void)col_puts(t, "after\n");
}

/* Of a row that it is in the middle of, nothing is whole. */
static void hangs_in_a_row(col_task *t)
{
  char byte = 0;
  write_rows(t);
  col_text(t, "half");
  (void)!read(hang_fd, &byte, 1);
}

static void hangs_at_once(col_task *t)
{
  char byte = 0;
  (void)t;
  (void)!read(hang_fd, &byte, 1);
}

static void same_names(col_task *t)
{
  col_begin(t, "Same.csv", "x");
  (void)col_puts(t, "1");
  col_begin(t, "same.csv", "x");
  (void)col_puts(t, "2");
}

static void is_empty(col_task *t)
{
  (void)t;
}

START_TEST(files_and_their_records)
{
  static const col_item items[] = {
      {"Folder", "rows.csv", "a \"source\"", write_rows, 1000, false, false},
      {"Folder", "absent.csv", "/etc/nothing", is_absent, 1000, false, false},
      {"Folder", "names", "x", same_names, 1000, true, false},
      {"Folder", "empty.txt", "x", is_empty, 1000, false, false},
      {"Folder", "extended.csv", "x", write_rows, 1000, false, true}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), CORDON_OK);
  char *rows = bed_package_file("Folder/rows.csv");
  ck_assert_str_eq(rows, "a,b\r\n'=x,1\r\n");
  free(rows);
  char *absent = bed_package_file("Folder/absent.csv.absent.txt");
  ck_assert_ptr_nonnull(strstr(absent, "/etc/nothing is not here"));
  free(absent);
  free(bed_package_file("Folder/Same.csv"));
  free(bed_package_file("Folder/same (2).csv"));
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(doc, "device")->valuestring, "d\"1\"");
  ck_assert_str_eq(bed_item_text(doc, 0, "name"), "Folder/rows.csv");
  ck_assert_str_eq(bed_item_text(doc, 0, "sha256"),
                   "268f2ac7e4ee57736184af2b58c4ffd33f6a7c442539fe97f43b50d7ddeef16f");
  ck_assert_str_eq(bed_item_text(doc, 1, "status"), "absent");
  ck_assert_str_eq(bed_item_text(doc, 4, "name"), "Folder/empty.txt");
  ck_assert_int_eq(bed_to.incomplete, 0);
  cJSON_Delete(doc);
}
END_TEST

static void note_cap(void *data, const char *text)
{
  (void)snprintf(data, 128, "%s", text);
}

START_TEST(a_file_stops_at_its_ceiling_and_the_next_one_goes_on)
{
  static const col_item items[] = {{"F", "long.bin", "x", write_too_much, 5000, false, false},
                                   {"F", "rows.csv", "x", write_rows, 1000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  char cap[128] = "";
  ck_assert_int_eq(col_run(&o, items, 2, &totals, note_cap, cap, &err), CORDON_PARTIAL);
  ck_assert_ptr_nonnull(strstr(cap, "longer than 1048576 bytes"));
  ck_assert_uint_le(totals.bytes, COL_MIB + 65536);
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(bed_item_text(doc, 0, "status"), "partial");
  ck_assert_str_eq(bed_item_text(doc, 1, "status"), "ok");
  cJSON_Delete(doc);
}
END_TEST

START_TEST(a_full_sink_still_gets_the_manifest)
{
  static const col_item items[] = {{"F", "long.bin", "x", write_too_much, 5000, false, false},
                                   {"F", "rows.csv", "x", write_rows, 1000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  bed_to.limit = 100;
  ck_assert_int_eq(col_run(&o, items, 2, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(bed_item_text(doc, 1, "name"), "");
  ck_assert_str_eq(bed_item_text(doc, 1, "status"), "partial");
  free(bed_package_file("CollectionSummaryReport.xls"));
  cJSON_Delete(doc);
}
END_TEST

START_TEST(a_package_whose_manifest_is_cut_is_none)
{
  static const col_item items[] = {{"F", "rows.csv", "x", write_rows, 1000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  bed_to.last_limit = 1;
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_E_IO);
  ck_assert_ptr_nonnull(strstr(err.sentence, "the manifest"));
}
END_TEST

START_TEST(an_item_ends_with_its_time)
{
  static const col_item items[] = {{"F", "waits.txt", "x", waits, 100, false, false},
                                   {"F", "rows.csv", "x", write_rows, 1000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, 2, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  free(bed_package_file("F/rows.csv"));
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(bed_item_text(doc, 0, "status"), "partial");
  ck_assert_str_eq(bed_item_text(doc, 0, "cap"), "the item's time was over");
  ck_assert_str_eq(bed_item_text(doc, 1, "status"), "ok");
  cJSON_Delete(doc);
  ck_assert_int_eq(bed_to.incomplete, 1);
}
END_TEST

static void stops_between(col_task *t)
{
  col_begin(t, "first.txt", "x");
  (void)col_puts(t, "whole");
  col_end(t);
  while (!col_stop(t))
    (void)usleep(1000);
}

START_TEST(an_item_of_several_files_that_was_stopped_between_them_says_so)
{
  static const col_item items[] = {{"F", "several", "x", stops_between, 100, true, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(bed_item_text(doc, 0, "status"), "ok");
  ck_assert_str_eq(bed_item_text(doc, 1, "item"), "several");
  ck_assert_str_eq(bed_item_text(doc, 1, "status"), "partial");
  ck_assert_ptr_nonnull(strstr(bed_item_text(doc, 1, "error"), "files may be missing"));
  cJSON_Delete(doc);
}
END_TEST

static void copies_two(col_task *t)
{
  col_copy(t, "long", "/long", 4 * COL_MIB);
  if (!col_stop(t))
    col_copy(t, "short", "/short", 100);
}

START_TEST(a_ceiling_of_one_copy_is_none_of_the_next)
{
  static const col_item items[] = {{"F", "copies", "x", copies_two, 5000, true, false}};
  static char block[COL_MIB + 1000];
  char path[256];
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  (void)snprintf(path, sizeof(path), "%s/long", bed_root);
  int fd = open(path, O_WRONLY | O_CREAT, 0644);
  ck_assert_int_eq(write(fd, block, sizeof(block)), (int)sizeof(block));
  (void)close(fd);
  (void)snprintf(path, sizeof(path), "%s/short", bed_root);
  fd = open(path, O_WRONLY | O_CREAT, 0644);
  ck_assert_int_eq(write(fd, "text", 4), 4);
  (void)close(fd);
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  char *text = bed_package_file("F/short");
  ck_assert_str_eq(text, "text");
  free(text);
}
END_TEST

START_TEST(what_hangs_is_left_behind)
{
  static const col_item items[] = {{"F", "hangs.txt", "x", hangs, 100, false, false},
                                   {"F", "rows.csv", "x", write_rows, 1000, false, false},
                                   {"F", "cut.csv", "x", hangs_in_a_row, 100, false, false},
                                   {"F", "none.csv", "x", hangs_at_once, 100, false, false},
                                   {"F", "several", "x", hangs_at_once, 100, true, false}};
  int ends[2];
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(pipe(ends), 0);
  hang_fd = ends[0];
  hang_write_fd = ends[1];
  ck_assert_int_eq(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), CORDON_PARTIAL);
  cJSON *doc = bed_manifest();
  ck_assert_ptr_nonnull(strstr(bed_item_text(doc, 0, "error"), "left behind"));
  ck_assert_str_eq(bed_item_text(doc, 0, "status"), "partial");
  ck_assert_str_eq(bed_item_text(doc, 1, "status"), "ok");
  ck_assert_str_eq(bed_item_text(doc, 2, "status"), "partial");
  ck_assert_str_eq(bed_item_text(doc, 3, "status"), "error");
  ck_assert_str_eq(bed_item_text(doc, 4, "item"), "several");
  ck_assert_str_eq(bed_item_text(doc, 4, "status"), "error");
  cJSON_Delete(doc);
  free(bed_package_file("F/rows.csv"));
  char *text = bed_package_file("F/hangs.txt");
  ck_assert_str_eq(text, "before\n");
  free(text);
  text = bed_package_file("F/cut.csv");
  ck_assert_str_eq(text, "a,b\r\n'=x,1\r\n");
  free(text);
  text = bed_package_file("F/none.csv.error.txt");
  ck_assert_ptr_nonnull(strstr(text, "left behind"));
  free(text);
  /* It comes back later, and writes nowhere any more. */
  ck_assert_int_eq(write(hang_write_fd, "xxxx", 4), 4);
  unsigned files = bed_to.files;
  uint64_t until = sup_now_ms() + 10000;
  while (bed_threads() > 1 && sup_now_ms() < until)
    (void)usleep(1000);
  ck_assert_uint_eq(bed_to.files, files);
}
END_TEST

START_TEST(a_cancelled_collection_says_what_it_has)
{
  static const col_item items[] = {{"F", "waits.txt", "x", waits, 10000, false, false},
                                   {"F", "rows.csv", "x", write_rows, 1000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  bed_cancel = true;
  ck_assert_int_eq(col_run(&o, items, 2, &totals, NULL, NULL, &err), CORDON_E_CANCELLED);
  cJSON *doc = bed_manifest();
  ck_assert_ptr_nonnull(strstr(bed_item_text(doc, 1, "error"), "cancelled"));
  cJSON_Delete(doc);
}
END_TEST

/* What is done ahead, and the item that it is for. */
static void looks_ahead(col_task *t)
{
  int *found = malloc(sizeof(*found));
  ck_assert_ptr_nonnull(found);
  *found = 7;
  *col_ahead(t) = found;
}

static void waits_ahead(col_task *t)
{
  while (!col_stop(t))
    (void)usleep(1000);
}

static void hangs_ahead(col_task *t)
{
  char byte = 0;
  (void)t;
  (void)!read(hang_fd, &byte, 1);
}

static void writes_found(col_task *t)
{
  const int *found = *col_ahead(t);
  (void)col_printf(t, "%d", found != NULL ? *found : 0);
}

static cordon_status run_ahead(void (*ahead)(col_task *), uint32_t budget_ms)
{
  const col_item items[] = {
      {"F", "rows.csv", "x", write_rows, 1000, false, false},
      {"F", "found.txt", "x", writes_found, budget_ms, false, false},
      {"F", "last.csv", "x", write_rows, 1000, false, false},
  };
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  o.ahead = ahead;
  o.ahead_of = writes_found;
  return col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err);
}

START_TEST(what_is_done_ahead_is_there_for_its_item)
{
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
    return;
  ck_assert_int_eq(run_ahead(looks_ahead, 5000), CORDON_OK);
  char *text = bed_package_file("F/found.txt");
  ck_assert_str_eq(text, "7");
  free(text);
}
END_TEST

START_TEST(what_is_done_ahead_has_the_time_of_its_item)
{
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
    return;
  ck_assert_int_eq(run_ahead(waits_ahead, 100), CORDON_OK);
  char *text = bed_package_file("F/found.txt");
  ck_assert_str_eq(text, "0");
  free(text);
}
END_TEST

START_TEST(what_hangs_ahead_costs_its_item)
{
  int ends[2];
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
    return;
  ck_assert_int_eq(pipe(ends), 0);
  hang_fd = ends[0];
  ck_assert_int_eq(run_ahead(hangs_ahead, 100), CORDON_PARTIAL);
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(bed_item_text(doc, 1, "item"), "found.txt");
  ck_assert_ptr_nonnull(strstr(bed_item_text(doc, 1, "error"), "left behind"));
  ck_assert_str_eq(bed_item_text(doc, 2, "status"), "ok");
  cJSON_Delete(doc);
  ck_assert_int_eq(write(ends[1], "x", 1), 1);
  uint64_t until = sup_now_ms() + 10000;
  while (bed_threads() > 1 && sup_now_ms() < until)
    (void)usleep(1000);
}
END_TEST

START_TEST(what_is_done_ahead_ends_with_a_cancel)
{
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
    return;
  bed_cancel = true;
  uint64_t began = sup_now_ms();
  const col_item items[] = {{"F", "waits.txt", "x", waits, 10000, false, false},
                            {"F", "found.txt", "x", writes_found, 10000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  o.ahead = waits_ahead;
  o.ahead_of = writes_found;
  ck_assert_int_eq(col_run(&o, items, 2, &totals, NULL, NULL, &err), CORDON_E_CANCELLED);
  ck_assert_uint_lt(sup_now_ms() - began, 5000);
}
END_TEST

START_TEST(after_the_whole_time_nothing_is_begun)
{
  static const col_item items[] = {{"F", "rows.csv", "x", write_rows, 1000, false, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  o.deadline_ms = sup_now_ms() + 100;
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  cJSON *doc = bed_manifest();
  ck_assert_ptr_nonnull(
      strstr(bed_item_text(doc, 0, "error"), "the time of the collection was over"));
  cJSON_Delete(doc);
}
END_TEST

START_TEST(a_device_without_anything_gives_a_whole_package)
{
  size_t count = 0;
  const col_item *items = col_items(&count);
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  o.extended = true;
  o.deadline_ms = sup_now_ms() + 50000;
  ck_assert_int_ge(col_run(&o, items, count, &totals, NULL, NULL, &err), 0);
  cJSON_Delete(bed_manifest());
  free(bed_package_file("CollectionSummaryReport.xls"));
}
END_TEST

/* More than the manifest tells of. */
static void very_many(col_task *t)
{
  for (int i = 0; i < COL_RECORDS_MAX + 10; i++) {
    char name[32];
    (void)snprintf(name, sizeof(name), "%d", i);
    col_begin(t, name, "x");
    (void)col_puts(t, "y");
  }
}

START_TEST(no_file_is_in_the_package_that_the_manifest_does_not_tell_of)
{
  static const col_item items[] = {{"F", "many", "x", very_many, 20000, true, false},
                                   {"G", "one", "x", write_rows, 1000, false, false}};
  /* What is kept for others is 96. */
  enum { TAKEN = COL_RECORDS_MAX - 96 };
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), CORDON_PARTIAL);
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(bed_item_text(doc, TAKEN - 1, "name"), "F/3999");
  ck_assert_str_eq(bed_item_text(doc, TAKEN, "item"), "many");
  ck_assert_str_eq(bed_item_text(doc, TAKEN, "cap"),
                   "106 files were left out: the manifest tells of 4000 at most");
  ck_assert_str_eq(bed_item_text(doc, TAKEN + 1, "name"), "G/one");
  ck_assert_uint_eq(bed_to.files, TAKEN + 1 + 2);
  cJSON_Delete(doc);
}
END_TEST

static void of_one_name(col_task *t)
{
  col_begin(t, "same (3).txt", "x");
  for (int i = 0; i < 300; i++)
    col_begin(t, "same.txt", "x");
}

START_TEST(files_of_one_name_are_numbered)
{
  static const col_item items[] = {{"F", "same", "x", of_one_name, 5000, true, false}};
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  free(bed_package_file("F/same.txt"));
  free(bed_package_file("F/same (2).txt"));
  free(bed_package_file("F/same (301).txt"));
  ck_assert_uint_eq(bed_to.files, 301 + 2);
}
END_TEST

/* ---- the order of the items ---- */

/* Where the item is that collects so. */
static size_t place_of(void (*collect)(col_task *))
{
  size_t count = 0;
  const col_item *items = col_items(&count);
  size_t i = 0;
  while (i < count && items[i].collect != collect)
    i++;
  ck_assert_msg(i < count, "an item of the order is missing");
  return i;
}

typedef void (*collects)(col_task *);

/* What is gone first is read first: all of a row in front of all of the next one. */
static const collects order[][13] = {
    {col_net_sockets, col_net_links, col_net_firewall},
    {col_processes, col_open_files, col_memory_maps},
    {col_logged_in, col_sessions, col_smb_inbound, col_smb_outbound},
    {col_kernel_modules, col_system, col_mounts_table, col_sysctls, col_kernel_log},
    /* files that a process or a user may change, */
    {col_programs, col_net_names, col_services, col_cron, col_anacron, col_at_jobs, col_timers,
     col_systemd_units, col_shell_startup, col_loader, col_authorized_keys, col_users_table,
     col_sudoers},
    {col_temp},
    {col_installed, col_shell_history, col_executables},
    /* logs, to which more is added than is lost, */
    {col_logins, col_failed_logins, col_last_logins, col_logs, col_journal},
    /* and what takes an hour. */
    {col_timeline, col_executable_hashes},
};

START_TEST(what_is_gone_first_is_read_first)
{
  size_t behind = 0; /* the last of all rows so far */
  for (size_t row = 0; row < COUNT_OF(order); row++) {
    size_t last = 0;
    for (size_t i = 0; i < COUNT_OF(order[row]) && order[row][i] != NULL; i++) {
      size_t place = place_of(order[row][i]);
      ck_assert_msg(row == 0 || place > behind, "item %zu of row %zu is item %zu, behind %zu", i,
                    row, place, behind);
      last = place > last ? place : last;
    }
    behind = last;
  }
  ck_assert_uint_eq(place_of(order[0][0]), 0);
}
END_TEST

/* Nothing of the network or of processes waits for a disk: but for the names that it is given
 * there, the programs, and a search that has run since the first item. */
START_TEST(network_and_processes_are_in_front_of_files)
{
  size_t count = 0;
  const col_item *items = col_items(&count);
  for (size_t i = place_of(col_kernel_log) + 1; i < count; i++) {
    bool is_live = strcmp(items[i].folder, "Network connections") == 0 ||
                   strcmp(items[i].folder, "Processes") == 0;
    ck_assert_msg(!is_live || items[i].collect == col_programs ||
                      items[i].collect == col_net_names || items[i].collect == col_hidden_processes,
                  "%s comes too late", items[i].name);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {files_and_their_records,
                                a_file_stops_at_its_ceiling_and_the_next_one_goes_on,
                                a_full_sink_still_gets_the_manifest,
                                a_package_whose_manifest_is_cut_is_none,
                                an_item_ends_with_its_time,
                                an_item_of_several_files_that_was_stopped_between_them_says_so,
                                a_ceiling_of_one_copy_is_none_of_the_next,
                                what_hangs_is_left_behind,
                                what_is_done_ahead_is_there_for_its_item,
                                what_is_done_ahead_has_the_time_of_its_item,
                                what_hangs_ahead_costs_its_item,
                                what_is_done_ahead_ends_with_a_cancel,
                                a_cancelled_collection_says_what_it_has,
                                after_the_whole_time_nothing_is_begun,
                                a_device_without_anything_gives_a_whole_package,
                                no_file_is_in_the_package_that_the_manifest_does_not_tell_of,
                                files_of_one_name_are_numbered,
                                what_is_gone_first_is_read_first,
                                network_and_processes_are_in_front_of_files};
  return run_suite_with("plugins.collect_run", tests, COUNT_OF(tests), bed_setup, bed_teardown);
}
