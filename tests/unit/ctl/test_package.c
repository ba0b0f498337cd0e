/* Packages that are whole, damaged, and made by somebody who means harm. */
#include "package_check.h"
#include "package_read.h"
#include "package_unpack.h"

#include "suites.h"

#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ZIP_MAX (8u * 1024u * 1024u)
/* SHA-256 of "hello" and of nothing. */
#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ITEM(name, bytes, hex)                                                                     \
  "{\"name\":\"" name "\",\"folder\":\"f\",\"item\":\"i\",\"source\":\"s\",\"start\":\"t\","       \
  "\"ms\":1,\"bytes\":" bytes ",\"sha256\":\"" hex "\",\"status\":\"ok\",\"error\":null,"          \
  "\"cap\":null}"
#define MANIFEST(items)                                                                            \
  "{\"format\":\"cordon-package/1\",\"device\":null,\"action\":\"a\",\"profile\":\"standard\","    \
  "\"started\":\"t\",\"ended\":\"t\",\"items\":[" items "]}"

typedef struct member {
  const char *name;
  const char *text;
  const char *link; /* a symbolic link to it, instead */
} member;

static char zip[ZIP_MAX];
static uint64_t room; /* of the disk, in bytes; 0: what it has */

/* In front of the C library's. */
int fstatvfs(int fd, struct statvfs *ret)
{
  struct statfs fs;
  if (fstatfs(fd, &fs) != 0)
    return -1;
  *ret = (struct statvfs){.f_bavail = room > 0 ? room : fs.f_bavail,
                          .f_frsize = room > 0 ? 1 : (unsigned long)fs.f_bsize};
  return 0;
}

/* `options` of libarchive's writer; NULL: none. */
static size_t make_zip_with(const char *options, const member *members, size_t count)
{
  size_t used = 0;
  struct archive *a = archive_write_new();
  ck_assert_int_eq(archive_write_set_format_zip(a), ARCHIVE_OK);
  if (options != NULL)
    ck_assert(archive_write_set_options(a, options) == ARCHIVE_OK &&
              archive_write_set_passphrase(a, "x") == ARCHIVE_OK);
  ck_assert_int_eq(archive_write_set_bytes_in_last_block(a, 1), ARCHIVE_OK);
  ck_assert_int_eq(archive_write_open_memory(a, zip, sizeof(zip), &used), ARCHIVE_OK);
  for (size_t i = 0; i < count; i++) {
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, members[i].name);
    archive_entry_set_filetype(e, members[i].link != NULL ? AE_IFLNK : AE_IFREG);
    archive_entry_set_perm(e, 0777);
    if (members[i].link != NULL)
      archive_entry_set_symlink(e, members[i].link);
    else
      archive_entry_set_size(e, (la_int64_t)strlen(members[i].text));
    ck_assert_int_eq(archive_write_header(a, e), ARCHIVE_OK);
    if (members[i].link == NULL)
      ck_assert_int_eq(archive_write_data(a, members[i].text, strlen(members[i].text)),
                       (la_ssize_t)strlen(members[i].text));
    archive_entry_free(e);
  }
  ck_assert_int_eq(archive_write_close(a), ARCHIVE_OK);
  archive_write_free(a);
  return used;
}

static size_t make_zip(const member *members, size_t count)
{
  return make_zip_with(NULL, members, count);
}

static cd_code read_zip(size_t len, uint64_t size, ctl_package *p, cd_err *err)
{
  struct archive *a = ctl_package_archive();
  ck_assert_ptr_nonnull(a);
  ck_assert_int_eq(archive_read_open_memory(a, zip, len), ARCHIVE_OK);
  cd_code rc = ctl_package_read(a, size, NULL, p, err);
  archive_read_free(a);
  return rc;
}

/* The number of problems, -1 where it is no package. */
static int check(const member *members, size_t count, const char *told)
{
  cd_err err = {0};
  ctl_package p;
  ctl_package_report r = {.doc = NULL};
  int problems = -1;
  size_t len = make_zip(members, count);
  cd_code rc = read_zip(len, len, &p, &err);
  if (rc == CD_OK)
    rc = ctl_package_check(&p, &r, &err);
  if (rc == CD_OK)
    problems = (int)r.problems;
  const char *said = rc == CD_OK ? cd_buf_cstr(&r.told) : err.text;
  ck_assert_msg(told == NULL || strstr(said, told) != NULL, "'%s' is not in '%s'", told, said);
  ctl_package_report_release(&r);
  ctl_package_release(&p);
  return problems;
}

START_TEST(a_whole_package_has_no_problems)
{
  const member whole[] = {
      {"a/b.txt", "hello", NULL},
      {"empty", "", NULL},
      {"manifest.json",
       MANIFEST(ITEM("a/b.txt", "5", HELLO) "," ITEM("empty", "0", NOTHING) "," ITEM("", "0", "")),
       NULL}};
  ck_assert_int_eq(check(whole, COUNT_OF(whole), NULL), 0);
}
END_TEST

START_TEST(what_is_changed_missing_or_strange_is_told)
{
  const struct {
    member members[2];
    size_t count;
    int problems;
    const char *told;
  } rows[] = {
      {{{"a", "hellO", NULL}, {"manifest.json", MANIFEST(ITEM("a", "5", HELLO)), NULL}},
       2,
       1,
       "a: its content is not what the manifest says"},
      {{{"a", "hello!", NULL}, {"manifest.json", MANIFEST(ITEM("a", "5", HELLO)), NULL}},
       2,
       1,
       "a: it has 6 bytes, the manifest says 5"},
      {{{"manifest.json", MANIFEST(ITEM("a", "5", HELLO)), NULL}}, 1, 1, "a: it is missing"},
      {{{"b", "hello", NULL}, {"manifest.json", MANIFEST(""), NULL}},
       2,
       1,
       "b: the manifest does not know it"},
      {{{"a", "hello", NULL},
        {"manifest.json", MANIFEST(ITEM("a", "5", HELLO) "," ITEM("a", "5", HELLO)), NULL}},
       2,
       1,
       "the manifest has it twice"},
      {{{"a", "hello", NULL}, {"manifest.json", MANIFEST(ITEM("a", "5", "xx")), NULL}},
       2,
       1,
       "not what the manifest says"},
      {{{"a", "hello", NULL}}, 1, -1, "has no manifest.json"},
      {{{"manifest.json", "{", NULL}}, 1, -1, "manifest.json"},
      {{{"manifest.json", "{\"format\":\"cordon-package/2\",\"items\":[]}", NULL}},
       1,
       -1,
       "format"},
      {{{"manifest.json", MANIFEST("1"), NULL}}, 1, -1, "items[0]"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    ck_assert_msg(check(rows[i].members, rows[i].count, rows[i].told) == rows[i].problems,
                  "row %zu", i);
}
END_TEST

START_TEST(what_leads_elsewhere_is_refused)
{
  const struct {
    member members[2];
    size_t count;
    const char *told;
  } rows[] = {
      {{{"../a", "x", NULL}}, 1, "a name that is not taken: a part of the name is '..'"},
      {{{"/etc/passwd", "x", NULL}}, 1, "a name that is not taken"},
      {{{"a/../../b", "x", NULL}}, 1, "a part of the name is '..', which is no name"},
      {{{"..\\a", "x", NULL}}, 1, "a name that is not taken"},
      {{{"a\033[2J", "x", NULL}}, 1, "a name that is not taken"},
      {{{"a", "x", NULL}, {"a", "y", NULL}}, 2, "twice"},
      {{{"a", "x", NULL}, {"A", "y", NULL}}, 2, "twice"},
      {{{"a", "x", NULL}, {"a/b", "y", NULL}}, 2, "a file and a folder of one name"},
      {{{"a/b/c", "x", NULL}, {"A", "y", NULL}}, 2, "a file and a folder of one name"},
      {{{"a", NULL, "/etc/passwd"}}, 1, "no regular file"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    ck_assert_msg(check(rows[i].members, rows[i].count, rows[i].told) == -1, "row %zu", i);
}
END_TEST

START_TEST(more_than_its_bytes_can_hold_is_not_unpacked)
{
  static char zeros[3 * 1024 * 1024];
  cd_err err = {0};
  ctl_package p;
  memset(zeros, '0', sizeof(zeros) - 1);
  const member bomb[] = {{"a", zeros, NULL}};
  size_t len = make_zip(bomb, 1);
  ck_assert_int_eq(read_zip(len, len, &p, &err), CD_OK);
  ctl_package_release(&p);
  /* As if the file were smaller than what it says to hold. */
  ck_assert_int_eq(read_zip(len, 100, &p, &err), CD_E_LIMIT);
  ctl_package_release(&p);
}
END_TEST

START_TEST(what_is_cut_or_no_zip_is_refused)
{
  cd_err err = {0};
  ctl_package p;
  const member whole[] = {{"a", "hello", NULL},
                          {"manifest.json", MANIFEST(ITEM("a", "5", HELLO)), NULL}};
  size_t len = make_zip(whole, COUNT_OF(whole));
  for (size_t cut = 0; cut < len; cut++) {
    struct archive *a = ctl_package_archive();
    bool good = archive_read_open_memory(a, zip, cut) == ARCHIVE_OK &&
                ctl_package_read(a, cut, NULL, &p, &err) == CD_OK;
    ck_assert_msg(!good || p.count == 0, "%zu of %zu bytes are taken for a package", cut, len);
    if (good)
      ctl_package_release(&p);
    archive_read_free(a);
  }
}
END_TEST

START_TEST(entries_of_other_kinds_and_too_many_are_refused)
{
  static member many[CTL_PACKAGE_ENTRIES_MAX + 1];
  static char names[CTL_PACKAGE_ENTRIES_MAX + 1][8];
  cd_err err = {0};
  ctl_package p;
  const member one[] = {{"a", "hello", NULL}};
  size_t len = make_zip_with("zip:encryption=traditional", one, 1);
  ck_assert_int_eq(read_zip(len, len, &p, &err), CD_E_UNSUPPORTED);
  ck_assert_str_eq(err.text, "'a' of the package is encrypted");
  ctl_package_release(&p);
  for (size_t i = 0; i <= CTL_PACKAGE_ENTRIES_MAX; i++) {
    (void)snprintf(names[i], sizeof(names[i]), "%zu", i);
    many[i] = (member){names[i], "", NULL};
  }
  len = make_zip(many, CTL_PACKAGE_ENTRIES_MAX);
  ck_assert_msg(read_zip(len, len, &p, &err) == CD_OK, "%s", err.text);
  ctl_package_release(&p);
  len = make_zip(many, CTL_PACKAGE_ENTRIES_MAX + 1);
  ck_assert_int_eq(read_zip(len, len, &p, &err), CD_E_LIMIT);
  ck_assert_str_eq(err.text, "the package has more than 20000 entries");
  ctl_package_release(&p);
  ck_assert_int_eq(ctl_package_read_file("/dev/null", NULL, &p, &err), CD_E_INVALID);
  ck_assert_str_eq(err.text, "/dev/null is not a file");
}
END_TEST

START_TEST(a_manifest_has_its_ceilings)
{
  static char text[CTL_MANIFEST_MAX + 2];
  cd_err err = {0};
  ctl_package p;
  const member big[] = {{CTL_MANIFEST_NAME, text, NULL}};
  memset(text, ' ', sizeof(text) - 1);
  size_t len = make_zip(big, 1);
  ck_assert_int_eq(read_zip(len, sizeof(text), &p, &err), CD_E_LIMIT);
  ck_assert_ptr_nonnull(strstr(err.text, "the manifest of the package"));
  ctl_package_release(&p);
  /* One item more than a package has files. */
  cd_buf items = CD_BUF_INIT(CTL_MANIFEST_MAX);
  cd_buf_add_cstr(&items, "{\"format\":\"cordon-package/1\",\"items\":[");
  for (size_t i = 0; i <= CTL_PACKAGE_ENTRIES_MAX; i++)
    cd_buf_add_cstr(&items, i > 0 ? ",1" : "1");
  cd_buf_add_cstr(&items, "]}");
  const member long_one[] = {{CTL_MANIFEST_NAME, cd_buf_cstr(&items), NULL}};
  ck_assert_int_eq(check(long_one, 1, "items has 20001 elements, the limit is 20000"), -1);
  cd_buf_release(&items);
}
END_TEST

START_TEST(a_hundred_problems_are_told_and_all_are_counted)
{
  cd_err err = {0};
  ctl_package p;
  ctl_package_report r = {.doc = NULL};
  cd_buf items = CD_BUF_INIT(CTL_MANIFEST_MAX);
  size_t lines = 0;
  cd_buf_add_cstr(&items, "{\"format\":\"cordon-package/1\",\"items\":[");
  for (int i = 0; i < 150; i++)
    cd_buf_addf(&items, "%s" ITEM("f%d", "0", NOTHING), i > 0 ? "," : "", i);
  cd_buf_add_cstr(&items, "]}");
  const member none[] = {{CTL_MANIFEST_NAME, cd_buf_cstr(&items), NULL}};
  size_t len = make_zip(none, 1);
  ck_assert_int_eq(read_zip(len, len, &p, &err), CD_OK);
  ck_assert_msg(ctl_package_check(&p, &r, &err) == CD_OK, "%s", err.text);
  ck_assert_uint_eq(r.problems, 150);
  for (cd_str rest = cd_buf_view(&r.told); rest.len > 0; lines++)
    (void)cd_str_cut(&rest, '\n');
  ck_assert_uint_eq(lines, CTL_PROBLEMS_TOLD);
  ctl_package_report_release(&r);
  ctl_package_release(&p);
  cd_buf_release(&items);
}
END_TEST

/* ---- unpacking ---- */

typedef struct unpacked {
  char home[64];
  char path[128];
  char folder[CD_PATH_MAX];
  ctl_package package;
  ctl_package_report report;
  cd_err err;
} unpacked;

/* The zip of that length as a file in a folder of its own, and unpacked there. */
static cd_code unpack(unpacked *u, size_t len)
{
  *u = (unpacked){.home = "/tmp/cordon-unpack-XXXXXX"};
  ck_assert_ptr_nonnull(mkdtemp(u->home));
  (void)snprintf(u->path, sizeof(u->path), "%s/p.zip", u->home);
  FILE *f = fopen(u->path, "we");
  ck_assert_ptr_nonnull(f);
  ck_assert_uint_eq(fwrite(zip, 1, len, f), len);
  ck_assert_int_eq(fclose(f), 0);
  ck_assert_int_eq(ctl_unpack_folder(u->path, NULL, u->folder, &u->err), CD_OK);
  return ctl_unpack(u->path, u->folder, &u->package, &u->report, &u->err);
}

static void remove_file(const unpacked *u, const char *name, off_t size)
{
  char path[CD_PATH_MAX + 64];
  struct stat st;
  (void)snprintf(path, sizeof(path), "%s/%s", u->folder, name);
  ck_assert_msg(lstat(path, &st) == 0, "%s is not there", name);
  ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
  ck_assert_int_eq(st.st_size, size);
  ck_assert_int_eq(unlink(path), 0);
}

/* Nothing else is there. */
static void clean_up(unpacked *u, bool folder_is_there)
{
  ck_assert_int_eq(rmdir(u->folder), folder_is_there ? 0 : -1);
  ck_assert_int_eq(unlink(u->path), 0);
  ck_assert_int_eq(rmdir(u->home), 0);
  ctl_package_report_release(&u->report);
  ctl_package_release(&u->package);
}

#define WHOLE MANIFEST(ITEM("a/b.txt", "5", HELLO))

START_TEST(unpacking_makes_files_for_its_owner_alone_in_a_new_folder)
{
  unpacked u;
  cd_err err = {0};
  ctl_package p;
  ctl_package_report again;
  char folder[CD_PATH_MAX];
  char inner[CD_PATH_MAX + 16];
  const member whole[] = {{"a/b.txt", "hello", NULL}, {CTL_MANIFEST_NAME, WHOLE, NULL}};
  ck_assert_msg(unpack(&u, make_zip(whole, COUNT_OF(whole))) == CD_OK, "%s", u.err.text);
  /* Again it is refused: nothing of before is touched. */
  ck_assert_int_eq(ctl_unpack(u.path, u.folder, &p, &again, &err), CD_E_CONFLICT);
  remove_file(&u, "a/b.txt", 5);
  remove_file(&u, CTL_MANIFEST_NAME, (off_t)strlen(WHOLE));
  (void)snprintf(inner, sizeof(inner), "%s/a", u.folder);
  ck_assert_int_eq(rmdir(inner), 0);
  clean_up(&u, true);
  ck_assert_int_eq(ctl_unpack_folder("a.tar", NULL, folder, &err), CD_E_INVALID);
  ck_assert_int_eq(ctl_unpack_folder(".zip", NULL, folder, &err), CD_E_INVALID);
  memset(inner, 'x', sizeof(inner));
  inner[CD_PATH_MAX] = '\0';
  ck_assert_int_eq(ctl_unpack_folder("a.zip", inner, folder, &err), CD_E_INVALID);
}
END_TEST

START_TEST(unpacking_does_not_fill_the_disk)
{
  unpacked u;
  const member whole[] = {{"a/b.txt", "hello", NULL}, {CTL_MANIFEST_NAME, WHOLE, NULL}};
  ctl_package again;
  ctl_package_report report;
  cd_err err = {0};
  room = 64 * 1024 * 1024;
  ck_assert_int_eq(unpack(&u, make_zip(whole, COUNT_OF(whole))), CD_E_LIMIT);
  ck_assert_ptr_nonnull(strstr(u.err.text, "64 MiB are free"));
  /* Nothing of it is left, and the next try is not refused for it. */
  ck_assert_int_eq(ctl_unpack(u.path, u.folder, &again, &report, &err), CD_E_LIMIT);
  ctl_package_release(&again);
  room = 0;
  clean_up(&u, false);
}
END_TEST

#define BOMB                                                                                       \
  "'a' of the package has more than the 5 bytes that the manifest tells of, and is unpacked no "   \
  "further"

/* 3 KB that are 3 MB, of which the manifest tells 5 bytes; before and behind the manifest. */
START_TEST(a_zip_bomb_is_unpacked_no_further_than_its_manifest)
{
  static char zeros[3 * 1024 * 1024];
  static const char manifest[] = MANIFEST(ITEM("a", "5", HELLO));
  memset(zeros, '0', sizeof(zeros) - 1);
  const struct {
    member members[3];
    size_t count;
    const char *told;
  } rows[] = {
      {{{"a", zeros, NULL}, {CTL_MANIFEST_NAME, manifest, NULL}}, 2, BOMB},
      {{{CTL_MANIFEST_NAME, manifest, NULL}, {"a", zeros, NULL}}, 2, BOMB},
      {{{CTL_MANIFEST_NAME, manifest, NULL}, {"a", "hello", NULL}, {"b", zeros, NULL}},
       3,
       "the package's manifest does not know 'b'"},
      {{{"a", "hello!", NULL}, {CTL_MANIFEST_NAME, manifest, NULL}}, 2, BOMB},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    unpacked u;
    size_t len = make_zip(rows[i].members, rows[i].count);
    ck_assert_uint_lt(len, 8000);
    ck_assert_int_ne(unpack(&u, len), CD_OK);
    ck_assert_str_eq(u.err.text, rows[i].told);
    clean_up(&u, false);
  }
}
END_TEST

START_TEST(nothing_stays_of_what_is_not_as_the_manifest_says)
{
  static const char two[] = MANIFEST(ITEM("a/b.txt", "5", HELLO) "," ITEM("c/d/e", "5", HELLO));
  const struct {
    member members[3];
    size_t count;
    const char *told;
  } rows[] = {
      {{{"a/b.txt", "hello", NULL}, {CTL_MANIFEST_NAME, two, NULL}}, 2, "c/d/e: it is missing\n"},
      {{{"a/b.txt", "hello", NULL}, {"c/d/e", "hellO", NULL}, {CTL_MANIFEST_NAME, two, NULL}},
       3,
       "c/d/e: its content is not what the manifest says\n"},
      {{{"a/b.txt", "hello", NULL}, {"c/d/e", "hell", NULL}, {CTL_MANIFEST_NAME, two, NULL}},
       3,
       "c/d/e: it has 4 bytes, the manifest says 5\n"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    unpacked u;
    ck_assert_int_eq(unpack(&u, make_zip(rows[i].members, rows[i].count)), CD_OK);
    ck_assert_str_eq(cd_buf_cstr(&u.report.told), rows[i].told);
    clean_up(&u, false);
  }
}
END_TEST

START_TEST(what_has_no_manifest_is_not_unpacked)
{
  const struct {
    const member members[2];
    size_t count;
    const char *told;
  } rows[] = {{{{"a", "hello", NULL}}, 1, "the package has no manifest.json"},
              {{{CTL_MANIFEST_NAME, "{\"items\":1}", NULL}}, 1, "items"},
              {{{CTL_MANIFEST_NAME, MANIFEST("{\"name\":\"a\",\"bytes\":-1}"), NULL}},
               1,
               "items[0].bytes"}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    unpacked u;
    ck_assert_int_ne(unpack(&u, make_zip(rows[i].members, rows[i].count)), CD_OK);
    ck_assert_msg(strstr(u.err.text, rows[i].told) != NULL, "%s", u.err.text);
    clean_up(&u, false);
  }
}
END_TEST

Suite *suite_package(void)
{
  Suite *s = suite_create("ctl.package");
  TCase *c = tcase_create("package");
  tcase_add_test(c, a_whole_package_has_no_problems);
  tcase_add_test(c, what_is_changed_missing_or_strange_is_told);
  tcase_add_test(c, what_leads_elsewhere_is_refused);
  tcase_add_test(c, more_than_its_bytes_can_hold_is_not_unpacked);
  tcase_add_test(c, what_is_cut_or_no_zip_is_refused);
  tcase_add_test(c, entries_of_other_kinds_and_too_many_are_refused);
  tcase_add_test(c, a_manifest_has_its_ceilings);
  tcase_add_test(c, a_hundred_problems_are_told_and_all_are_counted);
  tcase_add_test(c, unpacking_makes_files_for_its_owner_alone_in_a_new_folder);
  tcase_add_test(c, unpacking_does_not_fill_the_disk);
  tcase_add_test(c, a_zip_bomb_is_unpacked_no_further_than_its_manifest);
  tcase_add_test(c, nothing_stays_of_what_is_not_as_the_manifest_says);
  tcase_add_test(c, what_has_no_manifest_is_not_unpacked);
  suite_add_tcase(s, c);
  return s;
}
