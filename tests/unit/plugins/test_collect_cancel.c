/* A cancel at any point of a package: at each item, at each write, and in the middle of a file.
 * Whatever was begun is told, what was not is told too, and no file is in the package that its
 * manifest does not know. */
#include "collect.h"
#include "items.h"
#include "net.h"
#include "read.h"

#include "collect_device_bed.h"
#include "suite.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/call.h"

#define CANCELLED "the collection was cancelled"
#define NOT_BEGUN "it was not begun: " CANCELLED
#define UNTRIED "not all numbers from 0 on were tried" /* by the search for hidden processes */
#define MANIFEST "manifest.json"
#define REPORT "CollectionSummaryReport.xls"

enum { ITEMS_MAX = 100, NEVER = -1, BLOCK = 4096, BLOCKS = 40 };

/* The items of the collector, each of which waits at its end for a cancel that somebody asked for:
 * so the runner has seen it before the next one. */
static const col_item *real;
static col_item waiting[ITEMS_MAX];
static size_t count;

static size_t at;                   /* the item that runs, or is passed over */
static atomic_bool asked;           /* for a cancel */
static size_t asked_at;             /* while this item ran */
static int cancel_item;             /* at this one, */
static int cancel_write;            /* or at this write of the sink */
static int writes;                  /* of the sink so far, */
static bool last_begun;             /* which has come to the report */
static int files_before[ITEMS_MAX]; /* each item, in the last run */
static col_sink folder_sink;

static void ask(void)
{
  asked_at = at;
  atomic_store(&asked, true);
}

static bool is_asked(void *data)
{
  (void)data;
  return atomic_load(&asked);
}

static void wait_for_stop(const col_task *t)
{
  while (atomic_load(&asked) && !col_over(t))
    (void)usleep(1000);
}

static void runs_on(col_task *t)
{
  if ((int)at == cancel_item)
    ask();
  wait_for_stop(t);
  real[at].collect(t);
  col_end(t);
  wait_for_stop(t);
}

static void note_item(void *data, uint64_t done, uint64_t total, const char *what)
{
  (void)data;
  (void)total;
  (void)what;
  if (done >= count)
    return;
  at = (size_t)done;
  files_before[done] = (int)bed_to.files;
}

static cordon_status open_noted(void *data, const char *name, const char *meta, uint64_t *ret_id)
{
  last_begun = last_begun || strstr(meta, "\"last\":true") != NULL;
  return folder_sink.open(data, name, meta, ret_id);
}

static cordon_status write_counted(void *data, uint64_t id, const void *bytes, size_t len)
{
  if (++writes == cancel_write && !last_begun)
    ask();
  return folder_sink.write(data, id, bytes, len);
}

static void take(const col_item *items, size_t n)
{
  ck_assert_uint_le(n, ITEMS_MAX);
  real = items;
  count = n;
  memcpy(waiting, items, n * sizeof(*items));
  for (size_t i = 0; i < count; i++)
    waiting[i].collect = runs_on;
}

static void take_all(void)
{
  size_t n = 0;
  const col_item *items = col_items(&n);
  ck_assert_uint_ge(n, 40);
  take(items, n);
}

/* A package in a folder of its own, beside the device. */
static cordon_status run(const char *root)
{
  static unsigned round;
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  bed_to = (bed_folder){0};
  (void)snprintf(bed_to.path, sizeof(bed_to.path), "%s/package-%u", bed_root, round++);
  ck_assert_int_eq(mkdir(bed_to.path, 0700), 0);
  o.sink = folder_sink = bed_folder_sink(&bed_to);
  o.sink.open = open_noted;
  o.sink.write = write_counted;
  o.progress = note_item;
  o.cancelled = is_asked;
  o.root = root;
  o.extended = true;
  o.deadline_ms = sup_now_ms() + 50000;
  atomic_store(&asked, false);
  writes = 0;
  last_begun = false;
  return col_run(&o, waiting, count, &totals, NULL, NULL, &err);
}

/* ---- what is in the package ---- */

static const cJSON *records;
static int files_seen;

static const cJSON *record(int n)
{
  return cJSON_GetArrayItem(records, n);
}

static const char *text_of(const cJSON *r, const char *name)
{
  const cJSON *v = cJSON_GetObjectItemCaseSensitive(r, name);
  return cJSON_IsString(v) ? v->valuestring : "";
}

static void sha256_of(const char *path, off_t size, char ret_hex[COL_SHA256_HEX + 1])
{
  char *bytes = malloc((size_t)size + 1);
  ck_assert_ptr_nonnull(bytes);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(read(fd, bytes, (size_t)size), size);
  (void)close(fd);
  col_sha256_of(bytes, (size_t)size, ret_hex);
  free(bytes);
}

static int compare_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void)ftw;
  const char *name = path + strlen(bed_to.path) + 1;
  if (type != FTW_F || strcmp(name, MANIFEST) == 0)
    return 0;
  const cJSON *r = records->child;
  while (r != NULL && strcmp(text_of(r, "name"), name) != 0)
    r = r->next;
  ck_assert_msg(r != NULL, "the manifest does not know %s", name);
  char hex[COL_SHA256_HEX + 1];
  sha256_of(path, st->st_size, hex);
  ck_assert_msg(strcmp(text_of(r, "sha256"), hex) == 0, "%s has another digest", name);
  const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(r, "bytes");
  ck_assert_msg((off_t)bytes->valuedouble == st->st_size, "%s has another size", name);
  files_seen++;
  return 0;
}

/* Files and manifest are of one another. The manifest is freed with the result. */
static cJSON *check_package(void)
{
  int named = 0;
  cJSON *doc = bed_manifest();
  records = cJSON_GetObjectItemCaseSensitive(doc, "items");
  ck_assert_ptr_nonnull(records);
  files_seen = 0;
  ck_assert_int_eq(nftw(bed_to.path, compare_file, 16, FTW_PHYS), 0);
  for (const cJSON *r = records->child; r != NULL; r = r->next)
    named += text_of(r, "name")[0] != '\0' ? 1 : 0;
  ck_assert_int_eq(named, files_seen);
  ck_assert_str_eq(text_of(record(cJSON_GetArraySize(records) - 1), "name"), REPORT);
  return doc;
}

/* Of each item from `first` on one record, which says that it was not begun, and then the report's.
 * Returns how many there are in front of them. */
static int check_not_begun(size_t first)
{
  int from = cJSON_GetArraySize(records) - 1 - (int)(count - first);
  ck_assert_int_ge(from, 1);
  for (size_t i = first; i < count; i++) {
    const cJSON *r = record(from + (int)(i - first));
    ck_assert_str_eq(text_of(r, "item"), real[i].name);
    ck_assert_str_eq(text_of(r, "folder"), real[i].folder);
    ck_assert_str_eq(text_of(r, "name"), "");
    ck_assert_str_eq(text_of(r, "status"), "error");
    ck_assert_str_eq(text_of(r, "error"), NOT_BEGUN);
  }
  for (int i = 0; i < from; i++)
    ck_assert_str_ne(text_of(record(i), "error"), NOT_BEGUN);
  return from;
}

/* The item that was cancelled has its records, and the last one says so. */
static void check_cancelled(size_t n, int first, int behind)
{
  ck_assert_int_gt(behind, first);
  const cJSON *last = record(behind - 1);
  ck_assert_str_eq(text_of(last, "folder"), real[n].folder);
  ck_assert_str_eq(text_of(last, "item"), real[n].name);
  const char *said = text_of(last, "cap");
  ck_assert_msg(strstr(said, CANCELLED) != NULL || strstr(said, UNTRIED) != NULL,
                "%s does not say that it was cancelled", real[n].name);
  ck_assert_str_ne(text_of(last, "status"), "ok");
  if (!real[n].several)
    ck_assert_int_eq(behind - first, 1);
}

/* ---- at each item ---- */

static char device[128]; /* its folder; it has a little of everything */

static void make_device(void)
{
  bed_make_folder("/device", 0755);
  bed_make_folder("/device/etc", 0755);
  bed_make_folder("/device/tmp", 01777);
  bed_make_folder("/device/proc", 0755);
  bed_make_folder("/device/proc/sys", 0755);
  bed_make_folder("/device/proc/sys/kernel", 0755);
  bed_make("/device/proc/sys/kernel/pid_max", "1000\n"); /* each number is tried */
  bed_make("/device/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
  bed_make("/device/etc/crontab", "1 2 3 4 5 root /bin/job\n");
  bed_make("/device/tmp/left", "behind");
  (void)snprintf(device, sizeof(device), "%s/device", bed_root);
  cancel_item = NEVER;
  cancel_write = NEVER;
}

/* The manifest is freed with the result. */
static cJSON *cancels_at(const char *root, size_t n)
{
  cancel_item = (int)n;
  ck_assert_int_eq(run(root), CORDON_E_CANCELLED);
  cJSON *doc = check_package();
  int behind = check_not_begun(n + 1);
  check_cancelled(n, files_before[n], behind);
  return doc;
}

START_TEST(a_cancel_at_each_item_keeps_what_is_in_front_and_tells_the_rest)
{
  int files[ITEMS_MAX];
  take_all();
  make_device();
  ck_assert_int_ge(run(device), 0);
  memcpy(files, files_before, sizeof(files));
  cJSON *whole = check_package();
  const cJSON *all = records;
  for (size_t n = 0; n < count; n++) {
    cJSON *doc = cancels_at(device, n);
    ck_assert_int_eq(files_before[n], files[n]);
    for (int i = 0; i < files[n]; i++) {
      const cJSON *r = cJSON_GetArrayItem(all, i);
      ck_assert_str_eq(text_of(record(i), "name"), text_of(r, "name"));
      ck_assert_str_eq(text_of(record(i), "status"), text_of(r, "status"));
    }
    cJSON_Delete(doc);
  }
  cJSON_Delete(whole);
}
END_TEST

static size_t index_of(void (*collect)(col_task *))
{
  size_t n = 0;
  while (n < count && real[n].collect != collect)
    n++;
  ck_assert_uint_lt(n, count);
  return n;
}

/* Here each of them finds something. */
START_TEST(a_cancel_on_this_machine_keeps_what_is_in_front_and_tells_the_rest)
{
  void (*const points[])(col_task *) = {col_net_sockets, col_processes, col_system_files,
                                        col_programs, col_services};
  take_all();
  make_device();
  for (size_t i = 0; i < COUNT_OF(points); i++)
    cJSON_Delete(cancels_at("", index_of(points[i])));
}
END_TEST

/* ---- at each write ---- */

/* The item in which it was asked for is the last one. False: all was written before. */
static bool cancels_write(int k)
{
  cancel_write = k;
  cordon_status status = run(device);
  cJSON *doc = check_package();
  bool is_cancelled = atomic_load(&asked);
  if (is_cancelled) {
    ck_assert_int_eq(status, CORDON_E_CANCELLED);
    ck_assert_int_gt(check_not_begun(asked_at + 1), files_before[asked_at]);
  } else {
    ck_assert_int_ge(status, 0);
  }
  cJSON_Delete(doc);
  return is_cancelled;
}

START_TEST(a_cancel_at_each_write_keeps_what_was_written)
{
  int k = 1;
  take_all();
  make_device();
  while (cancels_write(k))
    k++;
  ck_assert_int_gt(k, (int)count);
}
END_TEST

/* ---- in a file ---- */

static void writes_blocks(col_task *t)
{
  static const char block[BLOCK] = "x";
  for (int i = 0; i < BLOCKS && !col_stop(t); i++) {
    (void)col_put(t, block, sizeof(block));
    wait_for_stop(t);
  }
}

/* The sink is given eight blocks at once. */
START_TEST(a_cancel_in_a_file_keeps_the_part_of_it_that_was_written)
{
  static const col_item items[] = {{"F", "blocks", "x", writes_blocks, 10000, false, false},
                                   {"F", "next", "x", writes_blocks, 10000, false, false}};
  take(items, COUNT_OF(items));
  make_device();
  for (int k = 1; k <= BLOCKS / 8; k++) {
    ck_assert(cancels_write(k));
    ck_assert_int_eq(bed_to.incomplete, 1);
    cJSON *doc = check_package();
    const cJSON *r = record(0);
    ck_assert_str_eq(text_of(r, "name"), "F/blocks");
    ck_assert_str_eq(text_of(r, "status"), "partial");
    ck_assert_str_eq(text_of(r, "cap"), CANCELLED);
    ck_assert_int_eq(cJSON_GetObjectItemCaseSensitive(r, "bytes")->valueint, k * 8 * BLOCK);
    cJSON_Delete(doc);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {a_cancel_at_each_item_keeps_what_is_in_front_and_tells_the_rest,
                                a_cancel_on_this_machine_keeps_what_is_in_front_and_tells_the_rest,
                                a_cancel_at_each_write_keeps_what_was_written,
                                a_cancel_in_a_file_keeps_the_part_of_it_that_was_written};
  return run_suite_with("plugins.collect_cancel", tests, COUNT_OF(tests), bed_setup, bed_teardown);
}
