/* The runner: ceilings, times, items that hang, cancels, names, and a sink that is full. */
#include "collect.h"
#include "items.h"
#include "manager.h"
#include "read.h"

#include "collect_bed.h"
#include "suite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "support/call.h"

static bed_folder to;
static char root[64];
static bool cancel;

static void setup(void)
{
  (void)snprintf(root, sizeof(root), "/tmp/cordon-collect-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(root));
  to = (bed_folder){0};
  (void)snprintf(to.path, sizeof(to.path), "%s/package", root);
  ck_assert_int_eq(mkdir(to.path, 0700), 0);
  cancel = false;
}

static void remove_tree(const char *path)
{
  char command[512];
  (void)snprintf(command, sizeof(command), "%s", path);
  pid_t child = fork();
  if (child == 0) {
    execl("/bin/rm", "rm", "-rf", command, (char *)NULL);
    _exit(1);
  }
  ck_assert_int_gt(child, 0);
}

static void teardown(void)
{
  remove_tree(root);
}

static bool is_cancelled(void *data)
{
  (void)data;
  return cancel;
}

static col_options options(void)
{
  return (col_options){.root = root,
                       .device = "d\"1\"",
                       .action = "a-1",
                       .deadline_ms = sup_now_ms() + 20000,
                       .max_file = COL_MIB,
                       .sink = bed_folder_sink(&to),
                       .cancelled = is_cancelled};
}

/* A file of the package, which the test frees. */
static char *package_file(const char *name)
{
  char path[512];
  (void)snprintf(path, sizeof(path), "%s/%s", to.path, name);
  int fd = open(path, O_RDONLY);
  ck_assert_msg(fd >= 0, "%s is not in the package", name);
  char *text = calloc(1, 4 * COL_MIB);
  ck_assert_int_ge(read(fd, text, 4 * COL_MIB - 1), 0);
  (void)close(fd);
  return text;
}

static cJSON *manifest(void)
{
  char *text = package_file("manifest.json");
  cJSON *doc = cJSON_Parse(text);
  free(text);
  ck_assert_ptr_nonnull(doc);
  return doc;
}

/* The n-th item of the manifest. */
static const char *item_text(const cJSON *doc, int n, const char *name)
{
  const cJSON *items = cJSON_GetObjectItemCaseSensitive(doc, "items");
  const cJSON *v = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(items, n), name);
  return cJSON_IsString(v) ? v->valuestring : "(null)";
}

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
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), CORDON_OK);
  char *rows = package_file("Folder/rows.csv");
  ck_assert_str_eq(rows, "a,b\r\n'=x,1\r\n");
  free(rows);
  char *absent = package_file("Folder/absent.csv.absent.txt");
  ck_assert_ptr_nonnull(strstr(absent, "/etc/nothing is not here"));
  free(absent);
  free(package_file("Folder/Same.csv"));
  free(package_file("Folder/same (2).csv"));
  cJSON *doc = manifest();
  ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(doc, "device")->valuestring, "d\"1\"");
  ck_assert_str_eq(item_text(doc, 0, "name"), "Folder/rows.csv");
  ck_assert_str_eq(item_text(doc, 0, "sha256"),
                   "268f2ac7e4ee57736184af2b58c4ffd33f6a7c442539fe97f43b50d7ddeef16f");
  ck_assert_str_eq(item_text(doc, 1, "status"), "absent");
  ck_assert_str_eq(item_text(doc, 4, "name"), "Folder/empty.txt");
  ck_assert_int_eq(to.incomplete, 0);
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
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  char cap[128] = "";
  ck_assert_int_eq(col_run(&o, items, 2, &totals, note_cap, cap, &err), CORDON_PARTIAL);
  ck_assert_ptr_nonnull(strstr(cap, "longer than 1048576 bytes"));
  ck_assert_uint_le(totals.bytes, COL_MIB + 65536);
  cJSON *doc = manifest();
  ck_assert_str_eq(item_text(doc, 0, "status"), "partial");
  ck_assert_str_eq(item_text(doc, 1, "status"), "ok");
  cJSON_Delete(doc);
}
END_TEST

START_TEST(a_full_sink_still_gets_the_manifest)
{
  static const col_item items[] = {{"F", "long.bin", "x", write_too_much, 5000, false, false},
                                   {"F", "rows.csv", "x", write_rows, 1000, false, false}};
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  to.limit = 100;
  ck_assert_int_eq(col_run(&o, items, 2, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  cJSON *doc = manifest();
  ck_assert_str_eq(item_text(doc, 1, "name"), "");
  ck_assert_str_eq(item_text(doc, 1, "status"), "partial");
  free(package_file("CollectionSummaryReport.xls"));
  cJSON_Delete(doc);
}
END_TEST

START_TEST(a_package_whose_manifest_is_cut_is_none)
{
  static const col_item items[] = {{"F", "rows.csv", "x", write_rows, 1000, false, false}};
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  to.last_limit = 1;
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_E_IO);
  ck_assert_ptr_nonnull(strstr(err.sentence, "the manifest"));
}
END_TEST

START_TEST(an_item_ends_with_its_time)
{
  static const col_item items[] = {{"F", "waits.txt", "x", waits, 100, false, false},
                                   {"F", "rows.csv", "x", write_rows, 1000, false, false}};
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, 2, &totals, NULL, NULL, &err), CORDON_OK);
  free(package_file("F/rows.csv"));
}
END_TEST

static unsigned threads(void)
{
  unsigned count = 0;
  DIR *dir = opendir("/proc/self/task");
  ck_assert_ptr_nonnull(dir);
  for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
    count += e->d_name[0] != '.' ? 1 : 0;
  (void)closedir(dir);
  return count;
}

START_TEST(what_hangs_is_left_behind)
{
  static const col_item items[] = {{"F", "hangs.txt", "x", hangs, 100, false, false},
                                   {"F", "rows.csv", "x", write_rows, 1000, false, false}};
  int ends[2];
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(pipe(ends), 0);
  hang_fd = ends[0];
  hang_write_fd = ends[1];
  ck_assert_int_eq(col_run(&o, items, 2, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  cJSON *doc = manifest();
  ck_assert_ptr_nonnull(strstr(item_text(doc, 0, "error"), "left behind"));
  ck_assert_str_eq(item_text(doc, 1, "status"), "ok");
  cJSON_Delete(doc);
  free(package_file("F/rows.csv"));
  /* It comes back later, and writes nowhere any more. */
  ck_assert_int_eq(write(hang_write_fd, "x", 1), 1);
  unsigned files = to.files;
  uint64_t until = sup_now_ms() + 10000;
  while (threads() > 1 && sup_now_ms() < until)
    (void)usleep(1000);
  ck_assert_uint_eq(to.files, files);
}
END_TEST

START_TEST(a_cancelled_collection_says_what_it_has)
{
  static const col_item items[] = {{"F", "waits.txt", "x", waits, 10000, false, false},
                                   {"F", "rows.csv", "x", write_rows, 1000, false, false}};
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  cancel = true;
  ck_assert_int_eq(col_run(&o, items, 2, &totals, NULL, NULL, &err), CORDON_E_CANCELLED);
  cJSON *doc = manifest();
  ck_assert_ptr_nonnull(strstr(item_text(doc, 1, "error"), "cancelled"));
  cJSON_Delete(doc);
}
END_TEST

START_TEST(after_the_whole_time_nothing_is_begun)
{
  static const col_item items[] = {{"F", "rows.csv", "x", write_rows, 1000, false, false}};
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  o.deadline_ms = sup_now_ms() + 100;
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  cJSON *doc = manifest();
  ck_assert_ptr_nonnull(strstr(item_text(doc, 0, "error"), "the time of the collection was over"));
  cJSON_Delete(doc);
}
END_TEST

/* ---- reading what anybody may have made ---- */

static void make(const char *path, const char *text)
{
  char full[256];
  (void)snprintf(full, sizeof(full), "%s%s", root, path);
  int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
  (void)close(fd);
}

static void make_link(const char *target, const char *path)
{
  char full[256];
  (void)snprintf(full, sizeof(full), "%s%s", root, path);
  ck_assert_int_eq(symlink(target, full), 0);
}

static void make_folder(const char *path, mode_t mode)
{
  char full[256];
  (void)snprintf(full, sizeof(full), "%s%s", root, path);
  ck_assert_int_eq(mkdir(full, mode), 0);
  ck_assert_int_eq(chmod(full, mode), 0);
}

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
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  if (geteuid() != 0)
    return;
  make_folder("/etc", 0755);
  make_folder("/open", 0777);
  make("/etc/real", "real");
  make("/etc/long", "0123456789");
  make_link("real", "/etc/link");
  make_link("../etc/real", "/open/link");
  (void)snprintf(fifo, sizeof(fifo), "%s/open/fifo", root);
  ck_assert_int_eq(mkfifo(fifo, 0666), 0);
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  char *text = package_file("F/link_of_root");
  ck_assert_str_eq(text, "real");
  free(text);
  free(package_file("F/link_of_others.error.txt"));
  text = package_file("F/fifo.error.txt");
  ck_assert_ptr_nonnull(strstr(text, "no plain file"));
  free(text);
  text = package_file("F/tail");
  ck_assert_str_eq(text, "56789");
  free(text);
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
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  make_folder("/home", 0755);
  make_folder("/home/ada", 0755);
  make_folder("/home/eve", 0755);
  make_folder("/home/ada/.ssh", 0755);
  make("/home/ada/.ssh/keys", "key");
  make_link("../ada/.ssh", "/home/eve/.ssh");
  make_link(".ssh/keys", "/home/ada/link");
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  free(package_file("F/below"));
}
END_TEST

/* ---- the service manager ---- */

static DBusMessage *answer_of_manager(void)
{
  static const char *const texts[] = {"planted.service", "A, service", "loaded",
                                      "failed",          "failed",     ""};
  const char *path = "/unit/planted";
  const char *kind = "start";
  dbus_uint32_t job = 7;
  DBusMessageIter all;
  DBusMessageIter list;
  DBusMessageIter unit;
  DBusMessage *m = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
  dbus_message_iter_init_append(m, &all);
  ck_assert(dbus_message_iter_open_container(&all, DBUS_TYPE_ARRAY, "(ssssssouso)", &list));
  ck_assert(dbus_message_iter_open_container(&list, DBUS_TYPE_STRUCT, NULL, &unit));
  for (int i = 0; i < 6; i++)
    ck_assert(dbus_message_iter_append_basic(&unit, DBUS_TYPE_STRING, (const void *)&texts[i]));
  ck_assert(dbus_message_iter_append_basic(&unit, DBUS_TYPE_OBJECT_PATH, (const void *)&path));
  ck_assert(dbus_message_iter_append_basic(&unit, DBUS_TYPE_UINT32, &job));
  ck_assert(dbus_message_iter_append_basic(&unit, DBUS_TYPE_STRING, (const void *)&kind));
  ck_assert(dbus_message_iter_append_basic(&unit, DBUS_TYPE_OBJECT_PATH, (const void *)&path));
  ck_assert(dbus_message_iter_close_container(&list, &unit));
  ck_assert(dbus_message_iter_close_container(&all, &list));
  return m;
}

static void reads_answers(col_task *t)
{
  DBusMessage *m = answer_of_manager();
  ck_assert(col_manager_put(t, m));
  dbus_message_unref(m);
  m = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
  ck_assert(!col_manager_put(t, m));
  dbus_message_unref(m);
}

START_TEST(what_the_service_manager_says_is_a_row_for_each_unit)
{
  static const col_item items[] = {{"F", "units.csv", "x", reads_answers, 2000, false, false}};
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  char *text = package_file("F/units.csv");
  ck_assert_str_eq(text, "planted.service,\"A, service\",loaded,failed,failed,,start\r\n");
  free(text);
}
END_TEST

/* ---- a device that is a folder ---- */

START_TEST(a_library_that_is_loaded_before_all_others_is_told)
{
  static const col_item items[] = {{"F", "loader.csv", "x", col_loader, 2000, false, false}};
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  make_folder("/etc", 0755);
  make("/etc/ld.so.preload", "/lib/planted.so\n");
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  char *text = package_file("F/loader.csv");
  ck_assert_ptr_nonnull(strstr(text, "/etc/ld.so.preload,,0644,"));
  ck_assert_ptr_nonnull(strstr(text, ",1,/lib/planted.so\r\n"));
  free(text);
}
END_TEST

START_TEST(a_device_without_anything_gives_a_whole_package)
{
  size_t count = 0;
  const col_item *items = col_items(&count);
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  o.extended = true;
  o.deadline_ms = sup_now_ms() + 50000;
  ck_assert_int_ge(col_run(&o, items, count, &totals, NULL, NULL, &err), 0);
  cJSON_Delete(manifest());
  free(package_file("CollectionSummaryReport.xls"));
}
END_TEST

static unsigned polls;
static unsigned cancel_at;

static bool cancel_later(void *data)
{
  (void)data;
  return ++polls > cancel_at;
}

/* The runner asks between waits of 50 ms; each round cancels a little later. */
START_TEST(a_cancel_at_any_point_leaves_a_manifest)
{
  size_t count = 0;
  const col_item *items = col_items(&count);
  for (cancel_at = 0; cancel_at < 8; cancel_at++) {
    char path[256];
    col_options o = options();
    col_totals totals;
    sup_err err = {0};
    polls = 0;
    o.root = "";
    o.cancelled = cancel_later;
    (void)snprintf(path, sizeof(path), "%s/package-%u", root, cancel_at);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    memcpy(to.path, path, sizeof(path));
    cordon_status status = col_run(&o, items, count, &totals, NULL, NULL, &err);
    ck_assert(status == CORDON_E_CANCELLED || status >= 0);
    cJSON *doc = manifest();
    int items_told = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(doc, "items"));
    ck_assert_int_ge(items_told, 40);
    cJSON_Delete(doc);
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
                                what_hangs_is_left_behind,
                                a_cancelled_collection_says_what_it_has,
                                after_the_whole_time_nothing_is_begun,
                                links_are_followed_only_where_they_are_roots_and_fifos_never,
                                in_homes_no_link_is_followed,
                                what_the_service_manager_says_is_a_row_for_each_unit,
                                a_library_that_is_loaded_before_all_others_is_told,
                                a_device_without_anything_gives_a_whole_package,
                                a_cancel_at_any_point_leaves_a_manifest};
  return run_suite_with("plugins.collect_run", tests, COUNT_OF(tests), setup, teardown);
}
