/* The runner: ceilings, times, items that hang, cancels, names, and a sink that is full. */
#include "collect.h"
#include "items.h"
#include "manager.h"
#include "patient.h"
#include "proctab.h"
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
  ck_assert_int_eq(col_run(&o, items, 2, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  free(package_file("F/rows.csv"));
  cJSON *doc = manifest();
  ck_assert_str_eq(item_text(doc, 0, "status"), "partial");
  ck_assert_str_eq(item_text(doc, 0, "cap"), "the item's time was over");
  ck_assert_str_eq(item_text(doc, 1, "status"), "ok");
  cJSON_Delete(doc);
  ck_assert_int_eq(to.incomplete, 1);
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
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  cJSON *doc = manifest();
  ck_assert_str_eq(item_text(doc, 0, "status"), "ok");
  ck_assert_str_eq(item_text(doc, 1, "item"), "several");
  ck_assert_str_eq(item_text(doc, 1, "status"), "partial");
  ck_assert_ptr_nonnull(strstr(item_text(doc, 1, "error"), "files may be missing"));
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
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  (void)snprintf(path, sizeof(path), "%s/long", root);
  int fd = open(path, O_WRONLY | O_CREAT, 0644);
  ck_assert_int_eq(write(fd, block, sizeof(block)), (int)sizeof(block));
  (void)close(fd);
  (void)snprintf(path, sizeof(path), "%s/short", root);
  fd = open(path, O_WRONLY | O_CREAT, 0644);
  ck_assert_int_eq(write(fd, "text", 4), 4);
  (void)close(fd);
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  char *text = package_file("F/short");
  ck_assert_str_eq(text, "text");
  free(text);
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
                                   {"F", "rows.csv", "x", write_rows, 1000, false, false},
                                   {"F", "cut.csv", "x", hangs_in_a_row, 100, false, false},
                                   {"F", "none.csv", "x", hangs_at_once, 100, false, false},
                                   {"F", "several", "x", hangs_at_once, 100, true, false}};
  int ends[2];
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  ck_assert_int_eq(pipe(ends), 0);
  hang_fd = ends[0];
  hang_write_fd = ends[1];
  ck_assert_int_eq(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), CORDON_PARTIAL);
  cJSON *doc = manifest();
  ck_assert_ptr_nonnull(strstr(item_text(doc, 0, "error"), "left behind"));
  ck_assert_str_eq(item_text(doc, 0, "status"), "partial");
  ck_assert_str_eq(item_text(doc, 1, "status"), "ok");
  ck_assert_str_eq(item_text(doc, 2, "status"), "partial");
  ck_assert_str_eq(item_text(doc, 3, "status"), "error");
  ck_assert_str_eq(item_text(doc, 4, "item"), "several");
  ck_assert_str_eq(item_text(doc, 4, "status"), "error");
  cJSON_Delete(doc);
  free(package_file("F/rows.csv"));
  char *text = package_file("F/hangs.txt");
  ck_assert_str_eq(text, "before\n");
  free(text);
  text = package_file("F/cut.csv");
  ck_assert_str_eq(text, "a,b\r\n'=x,1\r\n");
  free(text);
  text = package_file("F/none.csv.error.txt");
  ck_assert_ptr_nonnull(strstr(text, "left behind"));
  free(text);
  /* It comes back later, and writes nowhere any more. */
  ck_assert_int_eq(write(hang_write_fd, "xxxx", 4), 4);
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

static void make_bytes(const char *path, const void *bytes, size_t len)
{
  char full[256];
  (void)snprintf(full, sizeof(full), "%s%s", root, path);
  int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
  (void)close(fd);
}

static void make(const char *path, const char *text)
{
  make_bytes(path, text, strlen(text));
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
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  make_folder("/secret", 0700);
  make("/secret/key", "key");
  make_folder("/log", 0755);
  make_folder("/log/av", 0777);
  make_folder("/log/av/sub", 0755);
  make("/log/av/sub/key", "log");
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  free(package_file("F/swaps"));
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
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  if (geteuid() != 0)
    return;
  make_folder("/proc", 0755);
  make_folder("/proc/self", 0755);
  make("/proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                               "2 1 0:50 / /srv/net rw - nfs4 srv:/home rw\n");
  make_folder("/srv", 0755);
  make_folder("/srv/net", 0755);
  make_folder("/srv/net/ada", 0755);
  make("/srv/net/ada/.bashrc", "x");
  make_folder("/srv/near", 0755);
  make("/srv/near/x", "x");
  make_folder("/var", 0755);
  make_link("/srv/./net", "/home");
  make_link("var/../srv", "/run");
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  free(package_file("F/far"));
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
  while (threads() > 1 && sup_now_ms() < until)
    (void)usleep(1000);
  (void)close(silent[0]);
  (void)close(good[0]);
}
END_TEST

/* ---- programs that run ---- */

/* A process whose folder is in the test's own /proc, so that its program can be another one. */
static void make_process(const char *name, const char *program)
{
  make_folder("/proc", 0755);
  make_folder(name, 0755);
  char exe[64];
  (void)snprintf(exe, sizeof(exe), "%s/exe", name);
  make_link(program, exe);
}

static char real_program[128];

static void holds_on(col_task *t)
{
  char path[COL_PATH];
  char exe[256];
  struct stat st;
  int dir = -1;
  ck_assert_int_eq(col_open_folder(t, "/proc/77", &dir), 0);
  int held = col_hold_program(dir, path, sizeof(path));
  ck_assert_int_ge(held, 0);
  ck_assert_str_eq(path, real_program);
  /* It starts another program now. */
  (void)snprintf(exe, sizeof(exe), "%s/proc/77/exe", root);
  ck_assert_int_eq(unlink(exe), 0);
  ck_assert_int_eq(symlink("/nowhere", exe), 0);
  int fd = col_open_held(t, held, path, &st);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(st.st_size, 5);
  (void)close(fd);
  (void)close(held);
  ck_assert_int_lt(col_hold_program(dir, path, sizeof(path)), 0);
  (void)close(dir);
  (void)col_puts(t, "done");
}

START_TEST(the_path_and_the_hash_of_a_program_are_of_one_file)
{
  static const col_item items[] = {{"F", "held", "x", holds_on, 2000, false, false}};
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  (void)snprintf(real_program, sizeof(real_program), "%s/program", root);
  make("/program", "first");
  make_process("/proc/77", real_program);
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  free(package_file("F/held"));
}
END_TEST

START_TEST(a_program_that_runs_has_its_own_hash)
{
  static const col_item items[] = {{"F", "programs.csv", "x", col_programs, 2000, false, false}};
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  (void)snprintf(real_program, sizeof(real_program), "%s/program", root);
  make("/program", "first");
  make_process("/proc/77", real_program);
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  char *text = package_file("F/programs.csv");
  ck_assert_ptr_nonnull(
      strstr(text, "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e"));
  free(text);
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

static void copies_settings(col_task *t)
{
  col_copy_masked(t, "settings", "/etc/settings");
}

START_TEST(what_is_secret_in_files_of_users_stays_there)
{
  static const col_item items[] = {{"F", "at.csv", "x", col_at_jobs, 2000, false, false},
                                   {"F", "cron.csv", "x", col_cron, 2000, false, false},
                                   {"F", "anacron.csv", "x", col_anacron, 2000, false, false},
                                   {"F", "mounts.csv", "x", col_mounts_table, 2000, false, false},
                                   {"F", "settings", "x", copies_settings, 2000, true, false},
                                   {"F", "support", "x", col_support_logs, 2000, true, false}};
  static const char *const files[] = {"F/at.csv",     "F/cron.csv", "F/anacron.csv",
                                      "F/mounts.csv", "F/settings", "F/clamav_conf_planted.key"};
  static const char *const kept[] = {"LD_PRELOAD=/x; export LD_PRELOAD\r\n",
                                     "/bin/job",
                                     "/bin/daily",
                                     "https://***@h",
                                     "after",
                                     "a key"};
  static const char *const folders[] = {"/etc",       "/etc/clamav",           "/var",
                                        "/var/spool", "/var/spool/cron",       "/proc",
                                        "/proc/self", "/var/spool/cron/atjobs"};
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  for (size_t i = 0; i < COUNT_OF(folders); i++)
    make_folder(folders[i], 0755);
  make("/var/spool/cron/atjobs/a1", "#!/bin/sh\nX=hunter2; export X\n"
                                    "LD_PRELOAD=/x; export LD_PRELOAD\nDB_PASS=hunter2 /bin/job\n");
  make("/etc/crontab", "DB_PASS = hunter2 and hunter2\nPROXY=http://u:hunter2@h\n"
                       "1 2 3 4 5 root /bin/job\n");
  make("/etc/anacrontab", "DB_PASS=hunter2\n1 2 x /bin/daily\n");
  make("/proc/self/mountinfo",
       "1 0 8:1 / /d rw - davfs https://u:hunter2@h/ rw,password=hunter2\n");
  make("/etc/settings", "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END X-----\nafter\n");
  make("/etc/clamav/planted.key", "hunter2\n");
  ck_assert_int_ge(col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err), 0);
  for (size_t i = 0; i < COUNT_OF(files); i++) {
    char *text = package_file(files[i]);
    ck_assert_msg(strstr(text, "hunter2") == NULL, "%s", text);
    ck_assert_msg(strstr(text, kept[i]) != NULL, "%s", text);
    free(text);
  }
}
END_TEST

static bool put_read_line(void *data, const char *line, size_t len)
{
  (void)col_put(data, line, len);
  return col_puts(data, "|");
}

static void reads_ends(col_task *t)
{
  static const uint64_t sizes[] = {4, 5, 8, 100};
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    bool cut = false;
    struct stat st;
    int fd = -1;
    ck_assert_int_eq(col_open(t, "/log", &fd, &st), 0);
    ck_assert_int_eq(col_last_lines_fd(t, fd, sizes[i], put_read_line, t, &cut), 0);
    (void)col_puts(t, cut ? "cut\n" : "whole\n");
    (void)close(fd);
  }
}

START_TEST(of_a_log_that_is_too_long_the_last_whole_lines_are_read)
{
  static const col_item items[] = {{"F", "ends", "x", reads_ends, 2000, false, false}};
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  make("/log", "one\ntwo\nsix");
  ck_assert_int_eq(col_run(&o, items, 1, &totals, NULL, NULL, &err), CORDON_OK);
  char *text = package_file("F/ends");
  ck_assert_str_eq(text, "six|cut\nsix|cut\ntwo|six|cut\none|two|six|whole\n");
  free(text);
}
END_TEST

/* A process that pads its environment and its command line. */
static void make_padded_process(void)
{
  enum { PAD = 300 * 1024, LONG = 600 };
  static char text[PAD + 2 * LONG];
  make_folder("/proc", 0755);
  make_folder("/proc/7", 0755);
  make("/proc/7/stat",
       "7 (x) S 1 2 3 34816 -1 4194560 1 2 3 4 500 60 7 8 20 -5 9 0 12345 1000 77 9");
  make("/proc/7/status", "Uid:\t0\t0\n");
  memset(text, 'a', sizeof(text));
  memcpy(text + PAD, "\0LD_LIBRARY_PATH=", 17);
  memcpy(text + PAD + LONG, "\0LD_PRELOAD=/planted.so", 24);
  make_bytes("/proc/7/environ", text, PAD + LONG + 24);
  make_bytes("/proc/7/cmdline", text, PAD);
}

START_TEST(nothing_is_pushed_out_of_sight)
{
  static const col_item items[] = {{"F", "processes.csv", "x", col_processes, 2000, false, false},
                                   {"F", "cron.csv", "x", col_cron, 2000, false, false}};
  static char crontab[2 * COL_MIB];
  col_options o = options();
  col_totals totals;
  sup_err err = {0};
  make_padded_process();
  make_folder("/etc", 0755);
  memset(crontab, '#', sizeof(crontab));
  make_bytes("/etc/crontab", crontab, sizeof(crontab));
  ck_assert_int_eq(col_run(&o, items, 2, &totals, NULL, NULL, &err), CORDON_PARTIAL);
  char *text = package_file("F/processes.csv");
  ck_assert_ptr_nonnull(strstr(text, "LD_PRELOAD=/planted.so"));
  ck_assert_ptr_nonnull(strstr(text, "aaa" COL_CUT ","));
  free(text);
  cJSON *doc = manifest();
  ck_assert_ptr_nonnull(strstr(item_text(doc, 0, "cap"), "cmdline"));
  ck_assert_ptr_nonnull(strstr(item_text(doc, 1, "cap"), "/etc/crontab"));
  cJSON_Delete(doc);
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
                                an_item_of_several_files_that_was_stopped_between_them_says_so,
                                a_ceiling_of_one_copy_is_none_of_the_next,
                                what_hangs_is_left_behind,
                                a_cancelled_collection_says_what_it_has,
                                after_the_whole_time_nothing_is_begun,
                                links_are_followed_only_where_they_are_roots_and_fifos_never,
                                in_homes_no_link_is_followed,
                                a_folder_that_its_owner_swaps_for_a_link_leads_nowhere,
                                links_of_root_are_followed_part_by_part_and_not_to_where_it_hangs,
                                what_does_not_answer_is_not_waited_for_and_not_asked_for_ever,
                                the_path_and_the_hash_of_a_program_are_of_one_file,
                                a_program_that_runs_has_its_own_hash,
                                what_the_service_manager_says_is_a_row_for_each_unit,
                                a_library_that_is_loaded_before_all_others_is_told,
                                what_is_secret_in_files_of_users_stays_there,
                                of_a_log_that_is_too_long_the_last_whole_lines_are_read,
                                nothing_is_pushed_out_of_sight,
                                a_device_without_anything_gives_a_whole_package,
                                a_cancel_at_any_point_leaves_a_manifest};
  return run_suite_with("plugins.collect_run", tests, COUNT_OF(tests), setup, teardown);
}
