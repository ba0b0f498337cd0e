/* The files of the journal: which are taken, and that what is not is told. */
#include "collect.h"
#include "items.h"

#include "collect_device_bed.h"
#include "suite.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB ((off_t)1024 * 1024)
#define FOLDER "/var/log/journal/1"

static const col_item item = {.folder = "F",
                              .name = "journal",
                              .source = "x",
                              .collect = col_journal,
                              .budget_ms = 15000,
                              .several = true};

static void make_folders(void)
{
  bed_make_folder("/var", 0755);
  bed_make_folder("/var/log", 0755);
  bed_make_folder("/var/log/journal", 0755);
  bed_make_folder(FOLDER, 0755);
}

/* A file with nothing in it, so long and written at such a time. */
static void make_journal(const char *path, off_t size, time_t written)
{
  char name[256];
  const struct timespec times[2] = {{.tv_sec = written}, {.tv_sec = written}};
  bed_make(path, "");
  (void)snprintf(name, sizeof(name), "%s%s", bed_root, path);
  ck_assert_int_eq(truncate(name, size), 0);
  ck_assert_int_eq(utimensat(AT_FDCWD, name, times, 0), 0);
}

static cordon_status run(uint64_t max_file)
{
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  o.max_file = max_file;
  return col_run(&o, &item, 1, &totals, NULL, NULL, &err);
}

/* -1: it is not in the package. */
static off_t size_of(const char *name)
{
  char path[512];
  struct stat st;
  (void)snprintf(path, sizeof(path), "%s/F/%s", bed_to.path, name);
  return stat(path, &st) == 0 ? st.st_size : -1;
}

/* What the record of journal.txt says. */
static void expect_told(const char *status, const char *field, const char *words)
{
  cJSON *doc = bed_manifest();
  int last = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(doc, "items")) - 1;
  while (last >= 0 && strcmp(bed_item_text(doc, last, "item"), "journal.txt") != 0)
    last--;
  ck_assert_int_ge(last, 0);
  ck_assert_str_eq(bed_item_text(doc, last, "status"), status);
  const char *said = bed_item_text(doc, last, field);
  ck_assert_msg(strstr(said, words) != NULL, "%s", said);
  cJSON_Delete(doc);
}

static void expect_copied(unsigned count)
{
  char words[32];
  (void)snprintf(words, sizeof(words), "first: %u;", count);
  char *text = bed_package_file("F/journal.txt");
  ck_assert_msg(strstr(text, words) != NULL, "%s", text);
  free(text);
}

START_TEST(the_newest_files_are_taken_whole)
{
  make_folders();
  make_journal(FOLDER "/system.journal", 128 * MIB, 4000);
  make_journal(FOLDER "/system@a.journal", 129 * MIB, 1000);
  make_journal(FOLDER "/system@b.journal~", 4096, 2000);
  make_journal(FOLDER "/system@c.journal", 257 * MIB, 3000);
  make_journal(FOLDER "/user-1000.journal", MIB, 5000);
  bed_make(FOLDER "/notes.journal.gz", "x");
  ck_assert_int_eq(run(512 * COL_MIB), CORDON_PARTIAL);
  ck_assert_int_eq(size_of("user-1000.journal"), MIB);
  ck_assert_int_eq(size_of("system.journal"), 128 * MIB);
  ck_assert_int_eq(size_of("system@b.journal~"), 4096);
  /* Older than what leaves no room for it, larger than all the room, and none at all. */
  ck_assert_int_eq(size_of("system@a.journal"), -1);
  ck_assert_int_eq(size_of("system@c.journal"), -1);
  ck_assert_int_eq(size_of("notes.journal.gz"), -1);
  expect_copied(3);
  expect_told("partial", "cap", ": 2, one is " FOLDER "/system@c.journal");
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(bed_item_text(doc, 0, "name"), "F/user-1000.journal");
  cJSON_Delete(doc);
}
END_TEST

START_TEST(a_file_above_the_ceiling_of_one_is_left_out)
{
  make_folders();
  make_journal(FOLDER "/system.journal", MIB, 2);
  make_journal(FOLDER "/system@a.journal", MIB + 1, 1);
  ck_assert_int_eq(run(COL_MIB), CORDON_PARTIAL);
  ck_assert_int_eq(size_of("system.journal"), MIB);
  ck_assert_int_eq(size_of("system@a.journal"), -1);
  expect_told("partial", "cap", "each of at most 1 MiB");
}
END_TEST

START_TEST(what_is_kept_in_memory_is_taken_too)
{
  bed_make_folder("/run", 0755);
  bed_make_folder("/run/log", 0755);
  bed_make_folder("/run/log/journal", 0755);
  make_journal("/run/log/journal/system.journal", 4096, 1);
  ck_assert_int_eq(run(COL_MIB), CORDON_OK);
  ck_assert_int_eq(size_of("system.journal"), 4096);
  expect_copied(1);
}
END_TEST

START_TEST(of_very_many_files_the_newest_are_taken)
{
  enum { FILES = 1500 };
  char path[128];
  make_folders();
  for (int i = 0; i < FILES; i++) {
    (void)snprintf(path, sizeof(path), FOLDER "/system@%04d.journal", i);
    make_journal(path, 1, 1000 + i * 7 % FILES);
  }
  ck_assert_int_eq(run(COL_MIB), CORDON_PARTIAL);
  unsigned taken = 0;
  for (int i = 0; i < FILES; i++) {
    (void)snprintf(path, sizeof(path), "system@%04d.journal", i);
    bool is = size_of(path) == 1;
    ck_assert_msg(is == (i * 7 % FILES >= FILES - 512), "%s", path);
    taken += is ? 1 : 0;
  }
  ck_assert_uint_eq(taken, 512);
  expect_told("partial", "cap", ": 988, one is");
}
END_TEST

START_TEST(what_is_no_file_of_a_journal_is_told_and_not_read)
{
  char name[256];
  make_folders();
  bed_make_folder("/etc", 0755);
  bed_make("/etc/shadow", "root:$6$hash:1::::::");
  bed_make_link("../../../../etc/shadow", FOLDER "/link.journal");
  make_journal(FOLDER "/system.journal", 4096, 1);
  (void)snprintf(name, sizeof(name), "%s" FOLDER "/fifo.journal", bed_root);
  ck_assert_int_eq(mkfifo(name, 0600), 0);
  (void)snprintf(name, sizeof(name), "%s" FOLDER "/other.journal", bed_root);
  char known[256];
  (void)snprintf(known, sizeof(known), "%s/etc/shadow", bed_root);
  ck_assert_int_eq(link(known, name), 0);
  ck_assert_int_eq(run(COL_MIB), CORDON_PARTIAL);
  ck_assert_int_eq(size_of("system.journal"), 4096);
  ck_assert_int_eq(size_of("link.journal"), -1);
  ck_assert_int_eq(size_of("fifo.journal"), -1);
  ck_assert_int_eq(size_of("other.journal"), -1);
  expect_copied(1);
  expect_told("partial", "error", "3 files or folders were not read: ");
}
END_TEST

/* The folder for logs is this test's own, and so is its mount. */
START_TEST(a_mount_that_hangs_costs_only_itself)
{
  if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
    return;
  int to = open(bed_to.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  (void)snprintf(bed_to.path, sizeof(bed_to.path), "/proc/self/fd/%d", to);
  ck_assert_int_eq(mount("own", "/var/log", "tmpfs", 0, NULL), 0);
  ck_assert_int_eq(mount("own", "/run", "tmpfs", 0, NULL), 0);
  ck_assert_int_eq(mkdir("/var/log/journal", 0755), 0);
  ck_assert_int_eq(mkdir("/var/log/journal/a", 0755), 0);
  ck_assert_int_eq(mkdir("/var/log/journal/remote", 0755), 0);
  ck_assert_int_eq(mknod("/var/log/journal/a/system.journal", S_IFREG | 0600, 0), 0);
  if (!bed_mount_silent("/var/log/journal/remote"))
    return;
  bed_root[0] = '\0';
  ck_assert_int_eq(run(COL_MIB), CORDON_PARTIAL);
  ck_assert_int_eq(size_of("system.journal"), 0);
  expect_copied(1);
  expect_told("partial", "error", "/var/log/journal/remote: it is on a file system that may hang");
  (void)umount2("/var/log/journal/remote", MNT_DETACH);
}
END_TEST

START_TEST(that_there_is_none_is_told)
{
  ck_assert_int_eq(run(COL_MIB), CORDON_OK);
  free(bed_package_file("F/journal.txt.absent.txt"));
  expect_told("absent", "error", "there is no journal");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {the_newest_files_are_taken_whole,
                                a_file_above_the_ceiling_of_one_is_left_out,
                                what_is_kept_in_memory_is_taken_too,
                                of_very_many_files_the_newest_are_taken,
                                what_is_no_file_of_a_journal_is_told_and_not_read,
                                a_mount_that_hangs_costs_only_itself,
                                that_there_is_none_is_told};
  return run_suite_with("plugins.collect_journal", tests, COUNT_OF(tests), bed_setup, bed_teardown);
}
