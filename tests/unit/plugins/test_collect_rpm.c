/* Databases of rpm from before SQLite. Those that are read here are real: the one of ndb was made
 * by rpm 4.18 (built with ndb; a fourth package was removed again), those of Berkeley DB by
 * db5.3_load in either byte order, with pages of 4 KiB and of 16 KiB; rpm's own reader lists the
 * same three packages in each. */
#include "items.h"
#include "rpm.h"
#include "rpm_older.h"

#include "collect_device_bed.h"
#include "suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DATABASE_MAX = 128 * 1024, BDB_PAGE = 4096, NDB_SLOT = 16 };

typedef const char *reader(col_rpm_older *);

static const struct {
  const char *name;
  reader *read;
  const char *path; /* on a device */
} databases[] = {{"ndb", col_rpm_ndb, "/var/lib/rpm/Packages.db"},
                 {"bdb_little", col_rpm_bdb, "/var/lib/rpm/Packages"},
                 {"bdb_big", col_rpm_bdb, "/usr/lib/sysimage/rpm/Packages"}};

static unsigned char database[DATABASE_MAX];

static size_t load(const char *name)
{
  char path[512];
  (void)snprintf(path, sizeof(path), "%s/%s", DATABASES, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ck_assert_msg(fd >= 0, "%s cannot be opened", path);
  ssize_t len = read(fd, database, sizeof(database));
  ck_assert(len > 0 && (size_t)len < sizeof(database));
  ck_assert_int_eq(close(fd), 0);
  return (size_t)len;
}

typedef struct found {
  char names[256]; /* each followed by a space */
  unsigned packages;
  unsigned files;
  unsigned none; /* headers of nothing */
  unsigned reads;
  unsigned reads_max; /* then it is told to stop; 0: never */
  unsigned packages_max;
} found;

static bool count_file(void *data, const char *path, size_t len)
{
  found *f = data;
  f->files++;
  ck_assert_uint_eq(strlen(path), len);
  ck_assert_msg(strncmp(path, "/opt/", 5) == 0, "%s", path);
  return true;
}

static bool see(void *data, const unsigned char *bytes, size_t len)
{
  found *f = data;
  col_rpm rpm;
  if (!col_rpm_read(bytes, len, &rpm)) {
    f->none++;
    return true;
  }
  size_t used = strlen(f->names);
  (void)snprintf(f->names + used, sizeof(f->names) - used, "%s %s %s, ", rpm.name, rpm.version,
                 rpm.arch);
  ck_assert(col_rpm_files(&rpm, count_file, f));
  return ++f->packages != f->packages_max;
}

static bool is_over(void *data)
{
  found *f = data;
  return ++f->reads == f->reads_max;
}

static const char *read_bytes(reader *read, const void *bytes, size_t len, found *f,
                              uint32_t *ret_damaged)
{
  int fd = memfd_create("rpm", MFD_CLOEXEC);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(pwrite(fd, bytes, len, 0), (ssize_t)len);
  col_rpm_older o = {.fd = fd, .size = len, .header = see, .stop = is_over, .data = f};
  const char *why = read(&o);
  *ret_damaged = o.damaged;
  ck_assert_int_eq(close(fd), 0);
  return why;
}

START_TEST(each_package_of_a_real_database_is_read)
{
  for (size_t i = 0; i < COUNT_OF(databases); i++) {
    uint32_t damaged = 0;
    found f = {0};
    size_t len = load(databases[i].name);
    const char *why = read_bytes(databases[i].read, database, len, &f, &damaged);
    ck_assert_msg(why == NULL, "%s", why);
    ck_assert_uint_eq(damaged, 0);
    ck_assert_uint_eq(f.none, 0);
    ck_assert_uint_eq(f.packages, 3);
    ck_assert_ptr_nonnull(strstr(f.names, "alpha 4:1.2-3 noarch, "));
    ck_assert_ptr_nonnull(strstr(f.names, "beta 2.0-1.el8 x86_64, "));
    ck_assert_ptr_nonnull(strstr(f.names, "gamma 0.1-1 noarch, "));
    ck_assert_uint_eq(f.files, 1 + 101); /* of alpha; of beta, with its folder */
  }
}
END_TEST

START_TEST(one_is_not_taken_for_the_other)
{
  uint32_t damaged = 0;
  found f = {0};
  size_t len = load("ndb");
  ck_assert_ptr_nonnull(read_bytes(col_rpm_bdb, database, len, &f, &damaged));
  len = load("bdb_big");
  ck_assert_ptr_nonnull(read_bytes(col_rpm_ndb, database, len, &f, &damaged));
  ck_assert_ptr_nonnull(read_bytes(col_rpm_bdb, "text", 4, &f, &damaged));
  ck_assert_ptr_nonnull(read_bytes(col_rpm_ndb, "", 0, &f, &damaged));
  ck_assert_uint_eq(f.packages, 0);
}
END_TEST

/* Wherever it is cut: all packages, or it is told. */
START_TEST(what_is_cut_off_is_told)
{
  for (size_t i = 0; i < COUNT_OF(databases); i++) {
    size_t len = load(databases[i].name);
    for (size_t cut = 0; cut < len; cut += 512) {
      uint32_t damaged = 0;
      found f = {0};
      const char *why = read_bytes(databases[i].read, database, cut, &f, &damaged);
      ck_assert_msg(why != NULL || damaged > 0 || f.packages == 3, "cut at %zu: %u packages", cut,
                    f.packages);
    }
  }
}
END_TEST

static void read_damaged(reader *read, size_t len, unsigned packages)
{
  uint32_t damaged = 0;
  found f = {0};
  ck_assert_ptr_null(read_bytes(read, database, len, &f, &damaged));
  ck_assert_uint_gt(damaged, 0);
  ck_assert_uint_eq(f.packages, packages);
}

/* The page of a long value that comes after itself: `beta` is lost, the others are not. */
START_TEST(a_ring_of_pages_ends)
{
  size_t len = load("bdb_little");
  unsigned rings = 0;
  for (size_t page = BDB_PAGE; page < len; page += BDB_PAGE) {
    unsigned char *next = database + page + 16;
    if (database[page + 25] == 7 && memcmp(next, "\0\0\0\0", 4) != 0) {
      memcpy(next, database + page + 8, 4);
      rings++;
    }
  }
  ck_assert_uint_gt(rings, 0);
  read_damaged(col_rpm_bdb, len, 2);
}
END_TEST

/* A value that says that it is as long as no header may be. */
START_TEST(a_value_of_four_gigabytes_is_not_asked_for)
{
  size_t len = load("bdb_little");
  unsigned values = 0;
  for (size_t page = BDB_PAGE; page < len; page += BDB_PAGE) {
    unsigned char *p = database + page;
    unsigned entries = p[25] == 13 ? p[20] : 0;
    for (unsigned i = 1; i < entries; i += 2) {
      unsigned char *item = p + p[26 + 2 * i] + 256 * p[27 + 2 * i];
      if (item[0] == 3) {
        memset(item + 8, 0xff, 4);
        values++;
      }
    }
  }
  ck_assert_uint_eq(values, 3);
  read_damaged(col_rpm_bdb, len, 0);
}
END_TEST

/* In the second slot that is used: a place behind the end, in the table, and another package's. */
START_TEST(a_slot_that_points_elsewhere_is_told)
{
  static const unsigned char elsewhere[][4] = {
      {0xff, 0xff, 0xff, 0xff}, {1, 0, 0, 0}, {0, 1, 0, 0}};
  for (size_t i = 0; i < COUNT_OF(elsewhere); i++) {
    size_t len = load("ndb");
    unsigned char *slot = database + (size_t)NDB_SLOT * 4;
    ck_assert_mem_eq(slot, "Slot", 4);
    ck_assert_mem_ne(slot + 8, "\0\0\0\0", 4);
    ck_assert_mem_ne(slot + 8, elsewhere[i], 4);
    memcpy(slot + 8, elsewhere[i], 4);
    read_damaged(col_rpm_ndb, len, 2);
  }
  size_t len = load("ndb");
  memset(database + 12, 0xff, 4); /* pages of slots */
  uint32_t damaged = 0;
  found f = {0};
  ck_assert_ptr_nonnull(read_bytes(col_rpm_ndb, database, len, &f, &damaged));
}
END_TEST

START_TEST(it_ends_when_it_is_told_to)
{
  for (size_t i = 0; i < COUNT_OF(databases); i++) {
    uint32_t damaged = 0;
    size_t len = load(databases[i].name);
    found one = {.packages_max = 1};
    ck_assert_ptr_null(read_bytes(databases[i].read, database, len, &one, &damaged));
    ck_assert_uint_eq(one.packages, 1);
    found none = {.reads_max = 1};
    ck_assert_ptr_null(read_bytes(databases[i].read, database, len, &none, &damaged));
    ck_assert_uint_eq(none.packages, 0);
    ck_assert_uint_eq(none.reads, 1);
  }
}
END_TEST

/* ---- in the package ---- */

static const col_item items[] = {
    {"I", "programs.csv", "x", col_installed, 5000, false, false},
    {"I", "logs", "x", col_installed_logs, 5000, true, false},
};

static cordon_status collect(void)
{
  col_options o = bed_options();
  col_totals totals;
  sup_err err = {0};
  return col_run(&o, items, COUNT_OF(items), &totals, NULL, NULL, &err);
}

static void make_folders(void)
{
  static const char *const folders[] = {
      "/var",     "/var/lib",          "/var/lib/rpm",         "/usr",
      "/usr/lib", "/usr/lib/sysimage", "/usr/lib/sysimage/rpm"};
  for (size_t i = 0; i < COUNT_OF(folders); i++)
    bed_make_folder(folders[i], 0755);
}

START_TEST(the_package_lists_them)
{
  for (size_t i = 0; i < COUNT_OF(databases); i++) {
    static const char *const copies[] = {"I/Packages.db", "I/Packages", "I/Packages.sysimage"};
    bed_teardown(); /* another device */
    bed_setup();
    make_folders();
    bed_make_bytes(databases[i].path, database, load(databases[i].name));
    ck_assert_int_eq(collect(), CORDON_OK);
    char *text = bed_package_file("I/programs.csv");
    ck_assert_msg(strstr(text, "rpm,alpha,4:1.2-3,noarch,") != NULL, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "rpm,beta,2.0-1.el8,x86_64,"));
    ck_assert_ptr_nonnull(strstr(text, "rpm,gamma,0.1-1,noarch,"));
    ck_assert_ptr_nonnull(strstr(text, databases[i].path));
    free(text);
    text = bed_package_file(copies[i]);
    free(text);
  }
}
END_TEST

START_TEST(a_database_that_is_none_is_told_and_copied)
{
  make_folders();
  bed_make("/var/lib/rpm/Packages", "no hash of Berkeley's");
  ck_assert_int_eq(collect(), CORDON_PARTIAL);
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(bed_item_text(doc, 0, "status"), "partial");
  ck_assert_ptr_nonnull(strstr(bed_item_text(doc, 0, "error"), "packages of rpm are missing"));
  ck_assert_ptr_nonnull(strstr(bed_item_text(doc, 0, "error"), "shorter than a page"));
  cJSON_Delete(doc);
  char *text = bed_package_file("I/Packages");
  ck_assert_str_eq(text, "no hash of Berkeley's");
  free(text);
}
END_TEST

START_TEST(packages_that_are_lost_are_counted)
{
  size_t len = load("ndb");
  memset(database + (size_t)NDB_SLOT * 4 + 8, 0xff, 4);
  make_folders();
  bed_make_bytes("/var/lib/rpm/Packages.db", database, len);
  ck_assert_int_eq(collect(), CORDON_PARTIAL);
  cJSON *doc = bed_manifest();
  ck_assert_str_eq(bed_item_text(doc, 0, "status"), "partial");
  ck_assert_ptr_nonnull(strstr(bed_item_text(doc, 0, "error"), "1 packages could not be read"));
  cJSON_Delete(doc);
  char *text = bed_package_file("I/programs.csv");
  ck_assert_ptr_nonnull(strstr(text, "rpm,alpha,"));
  free(text);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {each_package_of_a_real_database_is_read,
                                what_is_cut_off_is_told,
                                it_ends_when_it_is_told_to,
                                the_package_lists_them,
                                one_is_not_taken_for_the_other,
                                a_ring_of_pages_ends,
                                a_value_of_four_gigabytes_is_not_asked_for,
                                a_slot_that_points_elsewhere_is_told,
                                a_database_that_is_none_is_told_and_copied,
                                packages_that_are_lost_are_counted};
  return run_suite_with("plugins.collect_rpm", tests, COUNT_OF(tests), bed_setup, bed_teardown);
}
