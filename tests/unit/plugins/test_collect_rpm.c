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
  static col_rpm_older o;
  o = (col_rpm_older){.fd = fd, .size = len, .header = see, .stop = is_over, .data = f};
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

/* A page of a long value that says that there is more than the value has. */
START_TEST(a_value_that_does_not_end_is_told)
{
  size_t len = load("bdb_little");
  for (size_t page = BDB_PAGE; page < len; page += BDB_PAGE) {
    if (database[page + 25] == 7 && database[page + 16] == 0)
      database[page + 16] = 1;
  }
  read_damaged(col_rpm_bdb, len, 0);
}
END_TEST

static size_t find_bucket(size_t len)
{
  for (size_t page = BDB_PAGE; page < len; page += BDB_PAGE) {
    if (database[page + 25] == 13 && database[page + 20] > 2)
      return page;
  }
  ck_abort_msg("no bucket has packages");
}

/* The pages of buckets: how many there are, of what kind, which, and how much is on them. */
START_TEST(a_bucket_that_is_lost_is_told)
{
  static const struct {
    size_t at; /* in the page of a bucket, or else of the whole */
    unsigned char value;
    bool of_bucket;
  } broken[] = {{32, 0, false}, {72, 200, false}, {25, 0, true}, {25, 5, true}, {8, 99, true}};
  for (size_t i = 0; i < COUNT_OF(broken); i++) {
    uint32_t damaged = 0;
    found f = {0};
    size_t len = load("bdb_little");
    database[broken[i].at + (broken[i].of_bucket ? find_bucket(len) : 0)] = broken[i].value;
    ck_assert_ptr_null(read_bytes(col_rpm_bdb, database, len, &f, &damaged));
    ck_assert_msg(damaged > 0, "%zu", i);
  }
  size_t len = load("bdb_little");
  size_t bucket = find_bucket(len);
  database[bucket + 16] = 3; /* goes on in a page that is of no bucket */
  read_damaged(col_rpm_bdb, len, 3);
  len = load("bdb_little");
  database[bucket + 20]--;
  uint32_t damaged = 0;
  found f = {0};
  ck_assert_ptr_null(read_bytes(col_rpm_bdb, database, len, &f, &damaged));
  ck_assert_uint_gt(damaged, 0);
}
END_TEST

START_TEST(what_rpm_never_made_is_refused)
{
  static const struct {
    size_t at;
    unsigned char value;
  } others[] = {{16, 7}, {16, 11}, {24, 1}, {26, 1}, {21, 0x0f}, {22, 8}, {25, 9}, {35, 1}};
  for (size_t i = 0; i < COUNT_OF(others); i++) {
    uint32_t damaged = 0;
    found f = {0};
    size_t len = load("bdb_little");
    database[others[i].at] = others[i].value;
    ck_assert_msg(read_bytes(col_rpm_bdb, database, len, &f, &damaged) != NULL, "%zu", i);
    ck_assert_uint_eq(f.packages, 0);
  }
}
END_TEST

START_TEST(the_room_for_a_header_has_a_limit)
{
  col_rpm_room room = {0};
  ck_assert(!col_rpm_make_room(&room, (size_t)COL_RPM_HEADER_MAX + 1));
  ck_assert_ptr_null(room.bytes);
  ck_assert(col_rpm_make_room(&room, 0));
  ck_assert(col_rpm_make_room(&room, 10));
  ck_assert_ptr_nonnull(room.bytes);
  free(room.bytes);
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

static void put_number(unsigned char *at, uint32_t n)
{
  for (int i = 0; i < 4; i++)
    at[i] = (unsigned char)(n >> 8 * i);
}

/* 600 packages, so that the table has three pages. */
START_TEST(a_table_of_several_pages_is_read)
{
  enum { PACKAGES = 600, PAGE = 4096, TABLE = 3 * PAGE, BLOCKS = 128 };
  size_t size = TABLE + (size_t)PACKAGES * BLOCKS * 16;
  unsigned char *many = calloc(1, size);
  uint32_t damaged = 0;
  found f = {0};
  (void)load("ndb");
  const unsigned char *blob = database + PAGE; /* of the first package */
  ck_assert_ptr_nonnull(many);
  ck_assert_mem_eq(blob, "BlbS", 4);
  memcpy(many, database, 32);
  put_number(many + 12, 3);
  for (size_t at = 32; at < TABLE; at += NDB_SLOT)
    memcpy(many + at, "Slot", 4);
  for (uint32_t i = 0; i < PACKAGES; i++) {
    uint32_t block = TABLE / 16 + i * BLOCKS;
    unsigned char *slot = many + 32 + (size_t)(i + i / 8) * NDB_SLOT; /* some are free */
    put_number(slot + 4, i + 1);
    put_number(slot + 8, block);
    put_number(slot + 12, BLOCKS);
    memcpy(many + (size_t)block * 16, blob, (size_t)BLOCKS * 16 - 32);
    put_number(many + (size_t)block * 16 + 4, i + 1);
  }
  ck_assert_ptr_null(read_bytes(col_rpm_ndb, many, size, &f, &damaged));
  free(many);
  ck_assert_uint_eq(damaged, 0);
  ck_assert_uint_eq(f.packages, PACKAGES);
}
END_TEST

/* ---- headers ---- */

typedef struct tag {
  uint32_t tag;
  uint32_t type;
  uint32_t count;
  const char *bytes;
  size_t len;
} tag;

static void put_big(unsigned char *at, size_t n)
{
  for (int i = 0; i < 4; i++)
    at[i] = (unsigned char)(n >> (24 - 8 * i));
}

static size_t make_header(const tag *tags, size_t count)
{
  size_t stored = 0;
  unsigned char *store = database + 8 + count * 16;
  for (size_t i = 0; i < count; i++) {
    unsigned char *entry = database + 8 + i * 16;
    put_big(entry, tags[i].tag);
    put_big(entry + 4, tags[i].type);
    put_big(entry + 8, stored);
    put_big(entry + 12, tags[i].count);
    memcpy(store + stored, tags[i].bytes, tags[i].len);
    stored += tags[i].len;
  }
  put_big(database, count);
  put_big(database + 4, stored);
  return 8 + count * 16 + stored;
}

static bool join_path(void *data, const char *path, size_t len)
{
  char *joined = data;
  size_t used = strlen(joined);
  ck_assert_uint_eq(strlen(path), len);
  (void)snprintf(joined + used, 256 - used, "%s ", path);
  return true;
}

static bool files_of(const tag *tags, size_t count, col_rpm *rpm, char ret_joined[256])
{
  size_t len = make_header(tags, count);
  ret_joined[0] = '\0';
  ck_assert(col_rpm_read(database, len, rpm));
  return col_rpm_files(rpm, join_path, ret_joined);
}

/* As of a package that was installed elsewhere: rpm adds what holds behind what the package had. */
START_TEST(what_was_added_at_the_installation_counts)
{
  static const tag tags[] = {{1000, 6, 1, "old", 4},           {1000, 6, 1, "new", 4},
                             {1116, 4, 1, "\0\0\0", 4},        {1117, 8, 1, "prog", 5},
                             {1118, 8, 1, "/opt/x/", 8},       {1116, 4, 2, "\0\0\0\0\0\0\0", 8},
                             {1117, 8, 2, "prog\0second", 12}, {1118, 8, 1, "/srv/x/", 8}};
  char files[256];
  col_rpm rpm;
  ck_assert(files_of(tags, COUNT_OF(tags), &rpm, files));
  ck_assert_str_eq(rpm.name, "new");
  ck_assert_str_eq(files, "/srv/x/prog /srv/x/second ");
}
END_TEST

START_TEST(whole_paths_of_old_packages_are_read)
{
  static const tag tags[] = {{1000, 6, 1, "a", 2}, {1027, 8, 2, "/bin/a\0/etc/a", 14}};
  char files[256];
  col_rpm rpm;
  ck_assert(files_of(tags, COUNT_OF(tags), &rpm, files));
  ck_assert_str_eq(files, "/bin/a /etc/a ");
}
END_TEST

START_TEST(a_list_of_files_that_is_not_whole_is_told)
{
  static const tag cases[][4] = {
      /* No folders; too few folders; too few numbers; too few names; a folder that is not there. */
      {{1000, 6, 1, "a", 2}, {1117, 8, 1, "f", 2}},
      {{1000, 6, 1, "a", 2},
       {1117, 8, 1, "f", 2},
       {1116, 4, 1, "\0\0\0", 4},
       {1118, 8, 2, "/a/", 4}},
      {{1000, 6, 1, "a", 2},
       {1117, 8, 2, "f\0g", 4},
       {1118, 8, 1, "/a/", 4},
       {1116, 4, 1, "\0\0\0", 4}},
      {{1000, 6, 1, "a", 2},
       {1116, 4, 1, "\0\0\0", 4},
       {1118, 8, 1, "/a/", 4},
       {1117, 8, 2, "f", 2}},
      {{1000, 6, 1, "a", 2},
       {1117, 8, 1, "f", 2},
       {1116, 4, 1, "\0\0\0\1", 4},
       {1118, 8, 1, "/a/", 4}},
      {{1000, 6, 1, "a", 2}, {1027, 8, 2, "/bin/a", 7}}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char files[256];
    col_rpm rpm;
    size_t count = 0;
    while (count < COUNT_OF(cases[i]) && cases[i][count].tag != 0)
      count++;
    ck_assert_msg(!files_of(cases[i], count, &rpm, files), "%zu: %s", i, files);
  }
}
END_TEST

/* A path that no file can have is left out; its folder is not gone through again for each file. */
START_TEST(a_path_that_is_too_long_is_left_out)
{
  static char folder[COL_PATH + 1];
  memset(folder, 'a', COL_PATH);
  const tag tags[] = {{1000, 6, 1, "a", 2},
                      {1116, 4, 2, "\0\0\0\0\0\0\0\1", 8},
                      {1117, 8, 2, "f\0g", 4},
                      {1118, 8, 2, folder, sizeof(folder)},
                      {0, 0, 0, "/b/", 4}};
  char files[256];
  col_rpm rpm;
  ck_assert(files_of(tags, COUNT_OF(tags), &rpm, files));
  ck_assert_str_eq(files, "/b/g ");
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
  ck_assert_ptr_nonnull(
      strstr(bed_item_text(doc, 0, "error"), "at least 1 records could not be read"));
  cJSON_Delete(doc);
  char *text = bed_package_file("I/programs.csv");
  ck_assert_ptr_nonnull(strstr(text, "rpm,alpha,"));
  free(text);
}
END_TEST

/* The row of one of three programs that run, on a new device with this database, or without. */
static void expect_row(size_t len, const char *row)
{
  static const col_item programs = {"P", "programs.csv", "x", col_programs, 5000, false, false};
  col_totals totals;
  sup_err err = {0};
  bed_teardown();
  bed_setup();
  col_options o = bed_options();
  make_folders();
  bed_make_folder("/proc", 0755);
  bed_make_folder("/proc/7", 0755);
  bed_make_folder("/proc/8", 0755);
  bed_make_link("/opt/beta/file042", "/proc/7/exe");
  bed_make_link("/opt/other", "/proc/8/exe");
  bed_make_folder("/proc/9", 0755);
  bed_make_link("/opt/beta/file043 (deleted)", "/proc/9/exe");
  if (len > 0)
    bed_make_bytes("/var/lib/rpm/Packages.db", database, len);
  ck_assert_int_ge(col_run(&o, &programs, 1, &totals, NULL, NULL, &err), 0);
  char *text = bed_package_file("P/programs.csv");
  ck_assert_msg(strstr(text, row) != NULL, "%s", text);
  free(text);
}

/* That no package has a program is said only where all packages are known. */
START_TEST(whose_a_program_is_is_told_or_that_it_is_not_known)
{
  size_t len = load("ndb");
  expect_row(0, "/opt/other,1,8,not known,,");
  expect_row(len, "/opt/beta/file042,1,7,yes,beta,");
  expect_row(len, "/opt/other,1,8,no,,");
  /* A package has the name of a file that is gone: as after an update, or not. */
  expect_row(len, "/opt/beta/file043 (deleted),1,9,not known,beta,");
  memset(database + (size_t)NDB_SLOT * 4 + 8, 0xff, 4);
  expect_row(len, "/opt/other,1,8,not known,,");
  expect_row(len, "/opt/beta/file042,1,7,not known,,");
}
END_TEST

START_TEST(a_database_of_two_names_is_read_once)
{
  make_folders();
  bed_make_bytes("/usr/lib/sysimage/rpm/Packages.db", database, load("ndb"));
  bed_make_link("../../../usr/lib/sysimage/rpm/Packages.db", "/var/lib/rpm/Packages.db");
  ck_assert_int_eq(collect(), CORDON_OK);
  char *text = bed_package_file("I/programs.csv");
  const char *alpha = strstr(text, "rpm,alpha,");
  ck_assert_ptr_nonnull(alpha);
  ck_assert_ptr_null(strstr(alpha + 1, "rpm,alpha,"));
  free(text);
}
END_TEST

START_TEST(one_that_cannot_be_opened_hides_neither_itself_nor_others)
{
  char fifo[256];
  make_folders();
  bed_make_bytes("/var/lib/rpm/Packages.db", database, load("ndb"));
  (void)snprintf(fifo, sizeof(fifo), "%s/var/lib/rpm/rpmdb.sqlite", bed_root);
  ck_assert_int_eq(mkfifo(fifo, 0644), 0);
  ck_assert_int_eq(collect(), CORDON_PARTIAL);
  cJSON *doc = bed_manifest();
  ck_assert_ptr_nonnull(
      strstr(bed_item_text(doc, 0, "error"), "packages of rpm are missing: /var/lib/rpm/rpmdb"));
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
                                a_value_that_does_not_end_is_told,
                                a_bucket_that_is_lost_is_told,
                                what_rpm_never_made_is_refused,
                                the_room_for_a_header_has_a_limit,
                                a_table_of_several_pages_is_read,
                                what_was_added_at_the_installation_counts,
                                whole_paths_of_old_packages_are_read,
                                a_list_of_files_that_is_not_whole_is_told,
                                a_path_that_is_too_long_is_left_out,
                                a_ring_of_pages_ends,
                                a_value_of_four_gigabytes_is_not_asked_for,
                                a_slot_that_points_elsewhere_is_told,
                                a_database_that_is_none_is_told_and_copied,
                                packages_that_are_lost_are_counted,
                                whose_a_program_is_is_told_or_that_it_is_not_known,
                                a_database_of_two_names_is_read_once,
                                one_that_cannot_be_opened_hides_neither_itself_nor_others};
  return run_suite_with("plugins.collect_rpm", tests, COUNT_OF(tests), bed_setup, bed_teardown);
}
