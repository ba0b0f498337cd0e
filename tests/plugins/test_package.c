/* The package as the plugin host writes it: its ceilings, and that others can read it. */
#include "package.h"
#include "zip.h"

#include "base/json.h"
#include "base/limits.h"

#include <archive.h>
#include <archive_entry.h>
#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB (1024u * 1024u)
#define FILE_TEMPLATE "/tmp/cordon-package-XXXXXX"

static const ph_package_limits roomy = {.package = 64 * MIB,
                                        .artifact = 32 * MIB,
                                        .content = UINT64_C(4) << 30,
                                        .free = 0,
                                        .artifacts = 100};
static char path[] = FILE_TEMPLATE;

/* In front of the C library's: a disk of so many bytes; 0: as large as it is. */
static uint64_t disk;

int fallocate(int fd, int mode, off_t offset, off_t len)
{
  if (disk > 0 && (uint64_t)offset + (uint64_t)len > disk) {
    errno = ENOSPC;
    return -1;
  }
  return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

static ph_package *begin(const ph_package_limits *limits)
{
  cd_err err = {0};
  ph_package *p = NULL;
  (void)snprintf(path, sizeof(path), FILE_TEMPLATE);
  ck_assert_msg(ph_zip_load(&err) == CD_OK, "%s", err.text);
  int fd = mkstemp(path);
  ck_assert_int_ge(fd, 0);
  ck_assert_msg(ph_package_new(fd, limits, &p, &err) == CD_OK, "%s", err.text);
  return p;
}

static uint64_t opened(ph_package *p, const char *name, const char *meta)
{
  cd_err err = {0};
  uint64_t id = 0;
  cd_code rc = ph_package_open(p, cd_str_from(name), cd_str_from(meta), &id, &err);
  ck_assert_msg(rc == CD_OK, "%s: %s", name, err.text);
  ck_assert_uint_ne(id, 0);
  return id;
}

static cd_code open_code(ph_package *p, const char *name, const char *meta)
{
  cd_err err = {0};
  uint64_t id = 0;
  return ph_package_open(p, cd_str_from(name), cd_str_from(meta), &id, &err);
}

static void put(ph_package *p, const char *name, const char *text)
{
  cd_err err = {0};
  uint64_t id = opened(p, name, "{\"mtime\":1700000000}");
  ck_assert_int_eq(ph_package_write(p, id, text, strlen(text), &err), CD_OK);
  ck_assert_int_eq(ph_package_close(p, id, true, &err), CD_OK);
}

static void put_last(ph_package *p, const char *text)
{
  cd_err err = {0};
  uint64_t id = opened(p, "manifest.json", "{\"last\":true,\"mtime\":1700000000}");
  ck_assert_int_eq(ph_package_write(p, id, text, strlen(text), &err), CD_OK);
  ck_assert_int_eq(ph_package_close(p, id, true, &err), CD_OK);
}

/* Members of PACKAGE. */
static cd_json_doc *ended(ph_package *p, cd_json *ret_root)
{
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_buf out = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX);
  ck_assert_msg(ph_package_end(p, &out, &err) == CD_OK, "%s", err.text);
  ck_assert_msg(cd_json_parse(cd_buf_view(&out), CD_FRAME_PAYLOAD_MAX, "PACKAGE", &doc, &err) ==
                    CD_OK,
                "%s", err.text);
  cd_buf_release(&out);
  ph_package_free(p);
  *ret_root = cd_json_root(doc);
  return doc;
}

static uint64_t number(cd_json *root, const char *key)
{
  uint64_t value = UINT64_MAX;
  cd_json_u64(root, key, UINT64_MAX, &value);
  return value;
}

static void says(cd_json *root, const char *key, const char *text)
{
  cd_str value = {0};
  cd_json_str(root, key, 1024, &value);
  ck_assert_msg(cd_str_eq_cstr(value, text), "%s is %.*s", key, CD_STR_ARG(value));
}

/* The content of an entry, by a reader that trusts the directory at the end; NULL if it is not
 * there. */
static char *content_of(const char *name, size_t *ret_len)
{
  struct archive *a = archive_read_new();
  struct archive_entry *e = NULL;
  char *bytes = NULL;
  ck_assert_int_eq(archive_read_support_format_zip_seekable(a), ARCHIVE_OK);
  ck_assert_msg(archive_read_open_filename(a, path, 65536) == ARCHIVE_OK, "%s",
                archive_error_string(a));
  while (bytes == NULL && archive_read_next_header(a, &e) == ARCHIVE_OK) {
    if (strcmp(archive_entry_pathname(e), name) != 0)
      continue;
    size_t size = (size_t)archive_entry_size(e);
    bytes = calloc(1, size + 1);
    ck_assert_int_eq(archive_read_data(a, bytes, size), (la_ssize_t)size);
    ck_assert_int_eq(archive_entry_mtime(e), 1700000000);
    *ret_len = size;
  }
  archive_read_free(a);
  return bytes;
}

static void holds(const char *name, const char *text)
{
  size_t len = 0;
  char *bytes = content_of(name, &len);
  ck_assert_msg(bytes != NULL, "there is no '%s'", name);
  ck_assert_uint_eq(len, strlen(text));
  ck_assert_int_eq(memcmp(bytes, text, len), 0);
  free(bytes);
}

/* What a reader of another locale takes the name for: bit 11 of the flags in front of it. */
static bool is_marked_utf8(const char *name)
{
  static unsigned char bytes[64 * 1024];
  FILE *f = fopen(path, "re");
  ck_assert_ptr_nonnull(f);
  size_t len = fread(bytes, 1, sizeof(bytes), f);
  (void)fclose(f);
  const unsigned char *at = memmem(bytes, len, name, strlen(name));
  ck_assert(at != NULL && at - bytes >= 30 && memcmp(at - 30, "PK\3\4", 4) == 0);
  return (at[-23] & 0x08) != 0;
}

START_TEST(what_is_written_is_read_again)
{
  cd_json root;
  struct stat st;
  ph_package *p = begin(&roomy);
  put(p, "Processes/processes.csv", "pid,name\n1,init\n");
  put(p, "Users and Groups/\xe3\x83\x86.txt", "x");
  put(p, "empty", "");
  cd_json_doc *doc = ended(p, &root);
  says(&root, "status", "ok");
  ck_assert_uint_eq(number(&root, "artifacts"), 3);
  ck_assert_uint_eq(number(&root, "incomplete"), 0);
  ck_assert_uint_eq(number(&root, "content_bytes"), 17);
  ck_assert_int_eq(stat(path, &st), 0);
  ck_assert_uint_eq(number(&root, "bytes"), (uint64_t)st.st_size);
  ck_assert(!cd_json_has(&root, "cap"));
  holds("Processes/processes.csv", "pid,name\n1,init\n");
  holds("Users and Groups/\xe3\x83\x86.txt", "x");
  ck_assert(is_marked_utf8("Users and Groups/\xe3\x83\x86.txt"));
  ck_assert(!is_marked_utf8("Processes/processes.csv"));
  holds("empty", "");
  cd_json_free(doc);
  (void)unlink(path);
}
END_TEST

START_TEST(names_are_checked_and_taken_once)
{
  cd_json root;
  cd_err err = {0};
  ph_package *p = begin(&roomy);
  put(p, "a/b.csv", "1");
  ck_assert_int_eq(open_code(p, "a/b.csv", NULL), CD_E_CONFLICT);
  ck_assert_int_eq(open_code(p, "A/B.CSV", NULL), CD_E_CONFLICT);
  ck_assert_int_eq(open_code(p, "../b.csv", NULL), CD_E_INVALID);
  ck_assert_int_eq(open_code(p, "/b.csv", NULL), CD_E_INVALID);
  ck_assert_int_eq(open_code(p, "c", "[]"), CD_E_INVALID);
  ck_assert_int_eq(open_code(p, "c", "{\"mtime\":-1}"), CD_E_INVALID);
  ck_assert_int_eq(open_code(p, "c", "{\"mtime\":\"x\"}"), CD_E_INVALID);
  uint64_t id = opened(p, "c", "{\"of a later version\":1}");
  ck_assert_int_eq(open_code(p, "d", NULL), CD_E_CONFLICT);
  ck_assert_int_eq(ph_package_write(p, id + 1, "x", 1, &err), CD_E_INVALID);
  ck_assert_int_eq(ph_package_close(p, id, true, &err), CD_OK);
  ck_assert_int_eq(ph_package_write(p, id, "x", 1, &err), CD_E_INVALID);
  ck_assert_int_eq(ph_package_close(p, id, true, &err), CD_E_INVALID);
  cd_json_free(ended(p, &root));
  (void)unlink(path);
}
END_TEST

START_TEST(what_is_incomplete_stays_and_is_told)
{
  cd_json root;
  cd_json names = {0};
  cd_str name = {0};
  cd_err err = {0};
  ph_package *p = begin(&roomy);
  uint64_t id = opened(p, "one.txt", "{\"mtime\":1700000000}");
  ck_assert_int_eq(ph_package_write(p, id, "half", 4, &err), CD_OK);
  ck_assert_int_eq(ph_package_close(p, id, false, &err), CD_OK);
  id = opened(p, "left open", "{\"mtime\":1700000000}");
  ck_assert_int_eq(ph_package_write(p, id, "half too", 8, &err), CD_OK);
  cd_json_doc *doc = ended(p, &root);
  ck_assert_uint_eq(number(&root, "incomplete"), 2);
  cd_json_arr(&root, "incomplete_names", 10, &names);
  ck_assert_uint_eq(cd_json_len(&names), 2);
  cd_json_at_str(&names, 0, 100, &name);
  ck_assert(cd_str_eq_cstr(name, "one.txt"));
  cd_json_at_str(&names, 1, 100, &name);
  ck_assert(cd_str_eq_cstr(name, "left open"));
  holds("one.txt", "half");
  holds("left open", "half too");
  cd_json_free(doc);
  (void)unlink(path);
}
END_TEST

/* Bytes that do not get smaller. */
static void fill(char *bytes, size_t len)
{
  uint64_t x = 88172645463325252u;
  for (size_t i = 0; i < len; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    bytes[i] = (char)x;
  }
}

START_TEST(no_ceiling_is_passed_and_the_manifest_still_finds_room)
{
  static char noise[256 * 1024];
  cd_json root;
  cd_err err = {0};
  struct stat st;
  ph_package_limits l = roomy;
  l.package = 8 * MIB;
  ph_package *p = begin(&l);
  fill(noise, sizeof(noise));
  uint64_t id = opened(p, "noise", NULL);
  cd_code rc = CD_OK;
  size_t taken = 0;
  while (rc == CD_OK && taken < 64) {
    rc = ph_package_write(p, id, noise, sizeof(noise), &err);
    taken += rc == CD_OK ? 1 : 0;
  }
  ck_assert_int_eq(rc, CD_E_LIMIT);
  ck_assert_uint_ge(taken * sizeof(noise), 5 * MIB);
  ck_assert_int_eq(ph_package_close(p, id, false, &err), CD_OK);
  id = opened(p, "manifest.json", "{\"last\":true,\"mtime\":1700000000}");
  ck_assert_int_eq(ph_package_write(p, id, "{}", 2, &err), CD_OK);
  ck_assert_int_eq(ph_package_write(p, id, noise, sizeof(noise), &err), CD_OK);
  ck_assert_int_eq(ph_package_close(p, id, true, &err), CD_OK);
  cd_json_doc *doc = ended(p, &root);
  says(&root, "cap", "bytes");
  ck_assert_int_eq(stat(path, &st), 0);
  ck_assert_uint_le((uint64_t)st.st_size, l.package);
  size_t len = 0;
  char *bytes = content_of("manifest.json", &len);
  ck_assert_uint_eq(len, 2 + sizeof(noise));
  free(bytes);
  cd_json_free(doc);
  (void)unlink(path);
}
END_TEST

START_TEST(one_artifact_has_a_ceiling_of_its_own)
{
  cd_json root;
  cd_err err = {0};
  ph_package_limits l = roomy;
  l.artifact = 10;
  ph_package *p = begin(&l);
  uint64_t id = opened(p, "a", "{\"mtime\":1700000000}");
  ck_assert_int_eq(ph_package_write(p, id, "12345678", 8, &err), CD_OK);
  ck_assert_int_eq(ph_package_write(p, id, "123", 3, &err), CD_E_LIMIT);
  ck_assert_int_eq(ph_package_write(p, id, "12", 2, &err), CD_OK);
  ck_assert_int_eq(ph_package_write(p, id, "", 0, &err), CD_OK);
  ck_assert_int_eq(ph_package_close(p, id, false, &err), CD_OK);
  put(p, "b", "1234567890");
  put_last(p, "{\"longer\":true}");
  cd_json_doc *doc = ended(p, &root);
  ck_assert(!cd_json_has(&root, "cap"));
  holds("a", "1234567812");
  cd_json_free(doc);
  (void)unlink(path);
}
END_TEST

START_TEST(the_content_of_all_and_their_number_have_ceilings)
{
  cd_json root;
  cd_err err = {0};
  ph_package_limits l = roomy;
  l.content = 10;
  l.artifacts = 4;
  ph_package *p = begin(&l);
  uint64_t id = opened(p, "a", NULL);
  ck_assert_int_eq(ph_package_write(p, id, "12345678901", 11, &err), CD_E_LIMIT);
  ck_assert_int_eq(ph_package_write(p, id, "1234567890", 10, &err), CD_OK);
  ck_assert_int_eq(ph_package_close(p, id, true, &err), CD_OK);
  ck_assert_int_eq(ph_package_close(p, opened(p, "b", NULL), true, &err), CD_OK);
  ck_assert_int_eq(open_code(p, "c", NULL), CD_E_LIMIT);
  ck_assert_int_eq(ph_package_close(p, opened(p, "d", "{\"last\":true}"), true, &err), CD_OK);
  ck_assert_int_eq(ph_package_close(p, opened(p, "e", "{\"last\":true}"), true, &err), CD_OK);
  ck_assert_int_eq(open_code(p, "f", "{\"last\":true}"), CD_E_LIMIT);
  cd_json_doc *doc = ended(p, &root);
  says(&root, "cap", "content");
  ck_assert_uint_eq(number(&root, "artifacts"), 4);
  cd_json_free(doc);
  (void)unlink(path);
}
END_TEST

START_TEST(a_disk_that_has_no_room_left_is_left_alone)
{
  cd_json root;
  ph_package_limits l = roomy;
  l.free = UINT64_C(1) << 49;
  ph_package *p = begin(&l);
  ck_assert_int_eq(open_code(p, "a", NULL), CD_E_LIMIT);
  put_last(p, "{}");
  cd_json_doc *doc = ended(p, &root);
  says(&root, "status", "ok");
  says(&root, "cap", "free space");
  holds("manifest.json", "{}");
  cd_json_free(doc);
  (void)unlink(path);
}
END_TEST

START_TEST(a_disk_that_fills_ends_an_artifact_and_not_the_package)
{
  static char noise[MIB];
  cd_json root;
  cd_err err = {0};
  struct stat st;
  unsigned taken = 0;
  ph_package *p = begin(&roomy);
  disk = 20 * MIB;
  fill(noise, sizeof(noise));
  uint64_t id = opened(p, "noise", NULL);
  cd_code rc = CD_OK;
  while (rc == CD_OK && taken < 30) {
    rc = ph_package_write(p, id, noise, sizeof(noise), &err);
    taken += rc == CD_OK ? 1 : 0;
  }
  ck_assert_int_eq(rc, CD_E_LIMIT);
  ck_assert_uint_ge(taken, 10);
  ck_assert_int_eq(ph_package_close(p, id, false, &err), CD_OK);
  put_last(p, "{}");
  cd_json_doc *doc = ended(p, &root);
  ck_assert_int_eq(stat(path, &st), 0);
  says(&root, "status", "ok");
  says(&root, "cap", "free space");
  holds("manifest.json", "{}");
  ck_assert_uint_le((uint64_t)st.st_size, disk);
  /* Nothing stays set aside. */
  ck_assert_uint_lt((uint64_t)st.st_blocks * 512, (uint64_t)st.st_size + MIB);
  disk = 0;
  cd_json_free(doc);
  (void)unlink(path);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_told_and_never_whole)
{
  static char noise[MIB];
  cd_json root;
  cd_err err = {0};
  ph_package *p = NULL;
  ck_assert_int_eq(ph_zip_load(&err), CD_OK);
  fill(noise, sizeof(noise));
  /* It is there and open, but not for writing. */
  ck_assert_int_eq(ph_package_new(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), &roomy, &p, &err),
                   CD_OK);
  uint64_t id = opened(p, "a", NULL);
  ck_assert_int_eq(ph_package_write(p, id, noise, sizeof(noise), &err), CD_E_IO);
  ck_assert_int_eq(ph_package_close(p, id, true, &err), CD_E_IO);
  ck_assert_int_eq(open_code(p, "b", NULL), CD_E_IO);
  cd_json_doc *doc = ended(p, &root);
  cd_str status = {0};
  cd_json_str(&root, "status", 32, &status);
  ck_assert(!cd_str_eq_cstr(status, "ok"));
  ck_assert(cd_json_has(&root, "sentence"));
  cd_json_free(doc);
}
END_TEST

/* As if it could not be compressed, what waits to be would not fit. */
START_TEST(what_waits_to_be_compressed_is_waited_for_before_more_is_refused)
{
  enum { ROUNDS = 100, PART = 100 * 1000 };
  cd_err err = {0};
  cd_json root;
  ph_package_limits limits = roomy;
  char *part = malloc(PART);
  ck_assert_ptr_nonnull(part);
  limits.package = MIB * 2 / 3;
  ph_package *p = begin(&limits);
  uint64_t id = opened(p, "long", "{\"mtime\":1700000000}");
  for (int i = 0; i < ROUNDS; i++) {
    memset(part, 'a' + i % 26, PART);
    ck_assert_msg(ph_package_write(p, id, part, PART, &err) == CD_OK, "%d: %s", i, err.text);
  }
  ck_assert_int_eq(ph_package_close(p, id, true, &err), CD_OK);
  put(p, "next", "{}");
  cd_json_doc *doc = ended(p, &root);
  ck_assert_uint_eq(number(&root, "content_bytes"), (uint64_t)ROUNDS * PART + 2);
  ck_assert_uint_lt(number(&root, "bytes"), MIB / 8);
  cd_json_free(doc);
  size_t len = 0;
  char *bytes = content_of("long", &len);
  ck_assert_ptr_nonnull(bytes);
  ck_assert_uint_eq(len, (size_t)ROUNDS * PART);
  for (int i = 0; i < ROUNDS; i++) {
    memset(part, 'a' + i % 26, PART);
    ck_assert_int_eq(memcmp(bytes + (size_t)i * PART, part, PART), 0);
  }
  free(bytes);
  free(part);
  (void)unlink(path);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("plugins.package");
  TCase *c = tcase_create("package");
  tcase_set_timeout(c, 60);
  tcase_add_test(c, what_is_written_is_read_again);
  tcase_add_test(c, names_are_checked_and_taken_once);
  tcase_add_test(c, what_is_incomplete_stays_and_is_told);
  tcase_add_test(c, no_ceiling_is_passed_and_the_manifest_still_finds_room);
  tcase_add_test(c, what_waits_to_be_compressed_is_waited_for_before_more_is_refused);
  tcase_add_test(c, one_artifact_has_a_ceiling_of_its_own);
  tcase_add_test(c, the_content_of_all_and_their_number_have_ceilings);
  tcase_add_test(c, a_disk_that_has_no_room_left_is_left_alone);
  tcase_add_test(c, a_disk_that_fills_ends_an_artifact_and_not_the_package);
  tcase_add_test(c, a_file_that_cannot_be_written_is_told_and_never_whole);
  suite_add_tcase(suite, c);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
