/* Zips that are one thing to who reads their directory and another to who reads on from their
 * beginning. */
#include "package_layout.h"
#include "package_read.h"

#include "suites.h"

#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define END_SIZE 22u

/* Room on both sides. */
static unsigned char bytes[8192];

typedef struct zip {
  unsigned char *at;
  size_t len;
} zip;

/* As the plugin host makes it: what an entry comes to is not known when it begins. */
static zip make(const char *options, bool with_sizes, unsigned count)
{
  static const char *const names[] = {"a/first", "second", "third"};
  size_t used = 0;
  zip z = {.at = bytes + 1024};
  struct archive *a = archive_write_new();
  ck_assert_int_eq(archive_write_set_format_zip(a), ARCHIVE_OK);
  ck_assert(options == NULL || archive_write_set_options(a, options) == ARCHIVE_OK);
  ck_assert_int_eq(archive_write_set_bytes_in_last_block(a, 1), ARCHIVE_OK);
  ck_assert_int_eq(archive_write_open_memory(a, z.at, 4096, &used), ARCHIVE_OK);
  for (unsigned i = 0; i < count; i++) {
    size_t len = i == 2 ? 0 : 5;
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, names[i]);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0600);
    archive_entry_set_mtime(e, 1700000000, 0);
    if (with_sizes)
      archive_entry_set_size(e, (la_int64_t)len);
    ck_assert_int_eq(i == 1 ? archive_write_zip_set_compression_store(a)
                            : archive_write_zip_set_compression_deflate(a),
                     ARCHIVE_OK);
    ck_assert_int_eq(archive_write_header(a, e), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_data(a, "hello", len), (la_ssize_t)len);
    ck_assert_int_eq(archive_write_finish_entry(a), ARCHIVE_OK);
    archive_entry_free(e);
  }
  ck_assert_int_eq(archive_write_close(a), ARCHIVE_OK);
  archive_write_free(a);
  z.len = used;
  return z;
}

static cd_code from_memory(void *context, uint64_t at, void *out, size_t len, cd_err *err)
{
  const zip *z = context;
  (void)err;
  ck_assert(at <= z->len && len <= z->len - at);
  memcpy(out, z->at + at, len);
  return CD_OK;
}

static cd_code check(zip z, uint64_t *ret_count, cd_err *err)
{
  return ctl_layout_check(from_memory, &z, z.len, ret_count, err);
}

/* By the way that every command goes. */
static cd_code read_as_file(zip z, ctl_package *p, cd_err *err)
{
  char path[] = "/tmp/cordon-layout-XXXXXX";
  int fd = mkstemp(path);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, z.at, z.len), (ssize_t)z.len);
  ck_assert_int_eq(close(fd), 0);
  cd_code rc = ctl_package_read_file(path, NULL, p, err);
  ck_assert_int_eq(unlink(path), 0);
  return rc;
}

static unsigned get(const unsigned char *p, unsigned len)
{
  return len == 0 ? 0 : p[0] | get(p + 1, len - 1) << 8;
}

static void put(unsigned char *p, unsigned len, unsigned value)
{
  for (; len > 0; len--, value >>= 8)
    *p++ = (unsigned char)value;
}

static unsigned char *end_of(zip z)
{
  return z.at + z.len - END_SIZE;
}

/* The record of that number in the directory; behind the last: the end. */
static unsigned char *record(zip z, unsigned number)
{
  unsigned char *p = z.at + get(end_of(z) + 16, 4);
  while (number-- > 0)
    p += 46 + get(p + 28, 2) + get(p + 30, 2) + get(p + 32, 2);
  return p;
}

static unsigned char *entry(zip z, unsigned number)
{
  return z.at + get(record(z, number) + 42, 4);
}

static zip insert(zip z, unsigned char *at, const void *what, size_t len)
{
  memmove(at + len, at, (size_t)(z.at + z.len - at));
  memcpy(at, what, len);
  return (zip){z.at, z.len + len};
}

static zip take_out(zip z, unsigned char *at, size_t len)
{
  memmove(at, at + len, (size_t)(z.at + z.len - at) - len);
  return (zip){z.at, z.len - len};
}

/* ---- what is whole ---- */

START_TEST(what_the_writer_makes_is_taken)
{
  static const char *const options[] = {NULL, "zip:zip64", "zip:compression=store"};
  for (unsigned i = 0; i < 2 * COUNT_OF(options); i++) {
    for (unsigned count = 0; count <= 3; count++) {
      cd_err err = {0};
      uint64_t found = 99;
      ctl_package p = {0};
      zip z = make(options[i / 2], i % 2 != 0, count);
      ck_assert_msg(check(z, &found, &err) == CD_OK, "row %u, %u: %s", i, count, err.text);
      ck_assert_uint_eq(found, count);
      /* An empty one is none to libarchive. */
      ck_assert_msg(count == 0 || read_as_file(z, &p, &err) == CD_OK, "row %u, %u: %s", i, count,
                    err.text);
      ck_assert_uint_eq(p.count, count);
      ctl_package_release(&p);
    }
  }
}
END_TEST

/* ---- one bit ---- */

static bool free_of_meaning[8192];

static void mark(zip z, const unsigned char *from, size_t len)
{
  memset(free_of_meaning + (from - z.at), 1, len);
}

/* The content has a checksum, and what is marked leads nobody to another file. */
static void mark_all(zip z, unsigned count)
{
  memset(free_of_meaning, 0, sizeof(free_of_meaning));
  for (unsigned i = 0; i < count; i++) {
    const unsigned char *central = record(z, i);
    const unsigned char *local = entry(z, i);
    const unsigned char *extra = local + 30 + get(local + 26, 2);
    mark(z, central + 4, 4);  /* versions */
    mark(z, central + 36, 6); /* attributes */
    mark(z, central + 46 + get(central + 28, 2), get(central + 30, 2));
    mark(z, local + 4, 2);
    mark(z, extra, get(local + 28, 2) + get(central + 20, 4));
  }
}

START_TEST(each_bit_that_both_have_is_compared)
{
  for (unsigned row = 0; row < 4; row++) {
    zip z = make(row >= 2 ? "zip:zip64" : NULL, row % 2 != 0, 3);
    mark_all(z, 3);
    mark(z, entry(z, 2) + 18, 1); /* a bit makes of 0 what it is, 2 */
    if (row >= 2)
      mark(z, end_of(z) - 20 - 56 + 12, 4); /* versions, in the larger end */
    for (size_t i = 0; i < z.len * 8; i++) {
      cd_err err = {0};
      uint64_t count = 0;
      unsigned char bit = (unsigned char)(1u << i % 8);
      z.at[i / 8] ^= bit;
      cd_code rc = check(z, &count, &err);
      ck_assert_msg(rc != CD_OK || free_of_meaning[i / 8], "row %u: bit %zu of byte %zu", row,
                    i % 8, i / 8);
      z.at[i / 8] ^= bit;
    }
  }
}
END_TEST

/* ---- what there is more, or less ---- */

static zip other_name(zip z)
{
  record(z, 1)[46] ^= 1;
  return z;
}

static zip in_front(zip z)
{
  return insert(z, z.at, "#!/bin/sh\n", 10);
}

static zip in_front_and_counted(zip z)
{
  for (unsigned i = 0; i < 3; i++)
    put(record(z, i) + 42, 4, get(record(z, i) + 42, 4) + 10);
  put(end_of(z) + 16, 4, get(end_of(z) + 16, 4) + 10);
  return in_front(z);
}

static zip behind(zip z)
{
  return insert(z, z.at + z.len, "more", 4);
}

static zip comment(zip z)
{
  put(end_of(z) + 20, 2, 4);
  return behind(z);
}

/* It stays in the file. */
static zip without_record(zip z, unsigned number)
{
  unsigned char *p = record(z, number);
  size_t len = (size_t)(record(z, number + 1) - p);
  z = take_out(z, p, len);
  put(end_of(z) + 8, 2, 2);
  put(end_of(z) + 10, 2, 2);
  put(end_of(z) + 12, 4, get(end_of(z) + 12, 4) - (unsigned)len);
  return z;
}

static zip first_unknown(zip z)
{
  return without_record(z, 0);
}

static zip second_unknown(zip z)
{
  return without_record(z, 1);
}

static zip last_unknown(zip z)
{
  return without_record(z, 2);
}

/* Twice in the directory, once in the file. */
static zip only_in_directory(zip z)
{
  unsigned char copy[256];
  unsigned char *p = record(z, 2);
  size_t len = (size_t)(record(z, 3) - p);
  memcpy(copy, p, len);
  copy[46] ^= 1;
  z = insert(z, p, copy, len);
  put(end_of(z) + 8, 2, 4);
  put(end_of(z) + 10, 2, 4);
  put(end_of(z) + 12, 4, get(end_of(z) + 12, 4) + (unsigned)len);
  return z;
}

/* The last record is one that nobody counts. */
static zip more_in_directory(zip z)
{
  z = only_in_directory(z);
  record(z, 2)[46] ^= 1;
  put(end_of(z) + 8, 2, 3);
  put(end_of(z) + 10, 2, 3);
  return z;
}

static zip not_counted(zip z)
{
  put(end_of(z) + 8, 2, 2);
  put(end_of(z) + 10, 2, 2);
  return z;
}

/* In place of the field for the times, which is as long. */
static zip second_name(zip z)
{
  put(record(z, 1) + 46 + get(record(z, 1) + 28, 2), 2, 0x7075);
  return z;
}

static zip second_name_in_file(zip z)
{
  put(entry(z, 1) + 30 + get(entry(z, 1) + 26, 2), 2, 0x7075);
  return z;
}

static zip other_size64(zip z)
{
  unsigned char *p = entry(z, 1);
  put(p + 30 + get(p + 26, 2) + get(p + 28, 2) - 16, 4, 7);
  return z;
}

START_TEST(what_its_readers_would_not_agree_on_is_refused)
{
  static const struct {
    zip (*change)(zip z);
    const char *told;
  } rows[] = {
      {other_name, "entry 2 of the package has another name in the package's directory"},
      {in_front, "something is in front of the package"},
      {in_front_and_counted, "something is in front of the package"},
      {behind, "something is behind its end"},
      {comment, "something is behind its end"},
      {first_unknown, "something is in front of the package"},
      {second_unknown, "entry 1 of the package is not followed by the next one"},
      {last_unknown, "entry 2 of the package is not followed by the next one"},
      {only_in_directory, "entry 3 of the package is not where"},
      {more_in_directory, "the package's directory has more than its 3 entries"},
      {not_counted, "entry 2 of the package is not followed by the next one"},
      {second_name, "entry 2 of the package has a second name"},
      {second_name_in_file, "entry 2 of the package has a second name"},
      {other_size64, "entry 2 of the package is not what the package's directory says"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_err err = {0};
    ctl_package p = {0};
    zip z = rows[i].change(make(NULL, false, 3));
    ck_assert_msg(read_as_file(z, &p, &err) == CD_E_INVALID, "row %zu", i);
    ck_assert_msg(strstr(err.text, rows[i].told) != NULL, "row %zu: %s", i, err.text);
    ctl_package_release(&p);
  }
}
END_TEST

START_TEST(what_is_cut_is_told_to_be_so)
{
  zip z = make(NULL, false, 3);
  for (size_t len = 0; len < z.len; len++) {
    cd_err err = {0};
    uint64_t count = 0;
    ck_assert_int_eq(check((zip){z.at, len}, &count, &err), CD_E_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, "it is no package, or not all of it"));
  }
}
END_TEST

Suite *suite_package_layout(void)
{
  Suite *s = suite_create("ctl.package_layout");
  TCase *c = tcase_create("package_layout");
  tcase_add_test(c, what_the_writer_makes_is_taken);
  tcase_add_test(c, each_bit_that_both_have_is_compared);
  tcase_add_test(c, what_its_readers_would_not_agree_on_is_refused);
  tcase_add_test(c, what_is_cut_is_told_to_be_so);
  suite_add_tcase(s, c);
  return s;
}
