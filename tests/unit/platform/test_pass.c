/* Open files for a child: the process itself is its own child here. Runs on each system. */
#include "platform/pass.h"

#include "platform/file.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[512];

static void make_place(void)
{
  char base[400];
  char pattern[512];
  size_t size = sizeof(base);
  uv_fs_t req;
  ck_assert_int_eq(uv_os_tmpdir(base, &size), 0);
  (void)snprintf(pattern, sizeof(pattern), "%s/cordon-pass-XXXXXX", base);
  ck_assert_int_eq(uv_fs_mkdtemp(NULL, &req, pattern, NULL), 0);
  (void)snprintf(folder, sizeof(folder), "%s", req.path);
  uv_fs_req_cleanup(&req);
}

static void path_of(const char *name, char out[600])
{
  (void)snprintf(out, 600, "%s/%s", folder, name);
}

static void remove_place(void)
{
  static const char *const names[] = {"file", "other"};
  uv_fs_t req;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    char path[600];
    path_of(names[i], path);
    (void)uv_fs_unlink(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
  }
  ck_assert_int_eq(uv_fs_rmdir(NULL, &req, folder, NULL), 0);
  uv_fs_req_cleanup(&req);
}

static uv_file make(const char *name)
{
  char path[600];
  uv_fs_t req;
  path_of(name, path);
  uv_file file =
      uv_fs_open(NULL, &req, path, UV_FS_O_RDWR | UV_FS_O_CREAT | UV_FS_O_EXCL, 0600, NULL);
  uv_fs_req_cleanup(&req);
  ck_assert_int_ge(file, 0);
  return file;
}

static void pair(uv_file ends[2])
{
  cd_err err = {0};
  ck_assert_msg(pf_pass_pair(&ends[0], &ends[1], &err) == CD_OK, "%s", err.text);
}

static void give(const uv_file ends[2], uint64_t number, uv_file file)
{
  cd_err err = {0};
  ck_assert_msg(pf_pass_give(ends[0], uv_get_osfhandle(-1), number, file, &err) == CD_OK, "%s",
                err.text);
}

static void write_at(uv_file file, const char *text, int64_t offset)
{
  uv_fs_t req;
  uv_buf_t part = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));
  ck_assert_int_eq(uv_fs_write(NULL, &req, file, &part, 1, offset, NULL), (int)strlen(text));
  uv_fs_req_cleanup(&req);
}

static void holds(uv_file file, const char *text)
{
  char got[64] = {0};
  uv_fs_t req;
  uv_buf_t part = uv_buf_init(got, sizeof(got) - 1);
  ck_assert_int_eq(uv_fs_read(NULL, &req, file, &part, 1, 0, NULL), (int)strlen(text));
  uv_fs_req_cleanup(&req);
  ck_assert_str_eq(got, text);
}

START_TEST(the_file_that_arrives_under_a_number_is_the_one_that_was_given)
{
  uv_file ends[2];
  uv_file got = -1;
  cd_err err = {0};
  pair(ends);
  uv_file other = make("other");
  uv_file file = make("file");
  give(ends, 1, other);
  give(ends, 2, other);
  give(ends, 7, file);
  ck_assert_msg(pf_pass_take(ends[1], 7, &got, &err) == CD_OK, "%s", err.text);
  ck_assert_int_ne(got, file);
  write_at(got, "from the child", 0);
  holds(file, "from the child");
  holds(other, "");
  pf_number_close(got);
  write_at(file, "F", 0); /* the giver's own is none of the child's */
  holds(file, "From the child");
  pf_number_close(file);
  pf_number_close(other);
  pf_number_close(ends[0]);
  pf_number_close(ends[1]);
}
END_TEST

START_TEST(it_arrives_when_its_giver_has_closed_it)
{
  uv_file ends[2];
  uv_file got = -1;
  cd_err err = {0};
  pair(ends);
  uv_file file = make("file");
  write_at(file, "kept", 0);
  give(ends, UINT64_MAX, file);
  pf_number_close(file);
  ck_assert_msg(pf_pass_take(ends[1], UINT64_MAX, &got, &err) == CD_OK, "%s", err.text);
  holds(got, "kept");
  pf_number_close(got);
  pf_number_close(ends[0]);
  pf_number_close(ends[1]);
}
END_TEST

START_TEST(what_was_not_given_is_not_waited_for)
{
  uv_file ends[2];
  uv_file got = -1;
  cd_err err = {0};
  pair(ends);
  ck_assert_int_eq(pf_pass_take(ends[1], 1, &got, &err), CD_E_NOTFOUND);
  pf_number_close(ends[0]);
  ck_assert_int_eq(pf_pass_take(ends[1], 1, &got, &err), CD_E_IO);
  ck_assert_uint_gt(strlen(err.text), 0);
  pf_number_close(ends[1]);
}
END_TEST

START_TEST(nobody_who_takes_nothing_makes_the_giver_wait)
{
  uv_file ends[2];
  cd_err err = {0};
  cd_code rc = CD_OK;
  uv_file file = make("file");
  pair(ends);
  unsigned given = 0;
  for (; given < 100000 && rc == CD_OK; given++)
    rc = pf_pass_give(ends[0], uv_get_osfhandle(-1), given, file, &err);
  ck_assert_int_eq(rc, CD_E_LIMIT);
  ck_assert_uint_gt(strlen(err.text), 0);
  for (unsigned i = 0; i + 1 < given; i++) {
    uv_file got = -1;
    ck_assert_int_eq(pf_pass_take(ends[1], i, &got, &err), CD_OK);
    pf_number_close(got);
  }
  pf_number_close(ends[1]);
  ck_assert_int_eq(pf_pass_give(ends[0], uv_get_osfhandle(-1), 1, file, &err), CD_E_IO);
  pf_number_close(ends[0]);
  pf_number_close(file);
}
END_TEST

/* On Windows the handle of no number is that of the process itself, with every right. */
START_TEST(a_number_of_no_file_is_not_given)
{
  uv_file ends[2];
  uv_file got = -1;
  cd_err err = {0};
  pair(ends);
  ck_assert_int_ne(pf_pass_give(ends[0], uv_get_osfhandle(-1), 1, -1, &err), CD_OK);
  ck_assert_uint_gt(strlen(err.text), 0);
  ck_assert_int_eq(pf_pass_take(ends[1], 1, &got, &err), CD_E_NOTFOUND);
  pf_number_close(ends[0]);
  pf_number_close(ends[1]);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("platform.pass");
  TCase *c = tcase_create("pass");
  tcase_add_checked_fixture(c, make_place, remove_place);
  tcase_add_test(c, the_file_that_arrives_under_a_number_is_the_one_that_was_given);
  tcase_add_test(c, it_arrives_when_its_giver_has_closed_it);
  tcase_add_test(c, what_was_not_given_is_not_waited_for);
  tcase_add_test(c, nobody_who_takes_nothing_makes_the_giver_wait);
  tcase_add_test(c, a_number_of_no_file_is_not_given);
  suite_add_tcase(s, c);
  SRunner *runner = srunner_create(s);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
