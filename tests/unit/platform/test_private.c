/* Files and folders for their user alone. Runs on each system. */
#include "platform/private.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS 4096

static char folder[512];

static void path_in(const char *name, char out[600])
{
  (void)snprintf(out, 600, "%s/%s", folder, name);
}

static void make_place(void)
{
  char base[400];
  char pattern[512];
  size_t size = sizeof(base);
  uv_fs_t req;
  ck_assert_int_eq(uv_os_tmpdir(base, &size), 0);
  (void)snprintf(pattern, sizeof(pattern), "%s/cordon-private-XXXXXX", base);
  ck_assert_int_eq(uv_fs_mkdtemp(NULL, &req, pattern, NULL), 0);
  (void)snprintf(folder, sizeof(folder), "%s", req.path);
  uv_fs_req_cleanup(&req);
}

static void remove_one(const char *name)
{
  char path[600];
  uv_fs_t req;
  path_in(name, path);
  if (uv_fs_unlink(NULL, &req, path, NULL) != 0) {
    uv_fs_req_cleanup(&req);
    (void)uv_fs_rmdir(NULL, &req, path, NULL);
  }
  uv_fs_req_cleanup(&req);
}

static void remove_place(void)
{
  uv_fs_t req;
  static const char *const names[] = {"new", "link", "inner/below", "inner", "open", "ä 東"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    remove_one(names[i]);
  ck_assert_int_eq(uv_fs_rmdir(NULL, &req, folder, NULL), 0);
  uv_fs_req_cleanup(&req);
}

static cd_code make(const char *name, uv_file *ret_file, cd_err *err)
{
  char path[600];
  path_in(name, path);
  return pf_private_make(path, name, ret_file, err);
}

static void shut(uv_file file)
{
  uv_fs_t req;
  ck_assert_int_eq(uv_fs_close(NULL, &req, file, NULL), 0);
  uv_fs_req_cleanup(&req);
}

static void write_byte(uv_file file)
{
  char byte = 'x';
  uv_buf_t buf = uv_buf_init(&byte, 1);
  uv_fs_t req;
  ck_assert_int_eq(uv_fs_write(NULL, &req, file, &buf, 1, -1, NULL), 1);
  uv_fs_req_cleanup(&req);
}

START_TEST(a_new_file_is_its_users_alone)
{
  static const char *const names[] = {"new", "ä 東"};
  for (size_t i = 0; i < 2; i++) {
    cd_err err = {0};
    uv_file file = -1;
    ck_assert_msg(make(names[i], &file, &err) == CD_OK, "%s", err.text);
    write_byte(file);
    ck_assert_msg(pf_private_check(file, "it", &err) == CD_OK, "%s", err.text);
    shut(file);
    ck_assert_int_eq(make(names[i], &file, &err), CD_E_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.text, names[i]));
  }
}
END_TEST

START_TEST(a_link_that_leads_nowhere_is_not_followed)
{
  char link[600];
  char target[600];
  cd_err err = {0};
  uv_file file = -1;
  uv_fs_t req;
  path_in("link", link);
  path_in("nowhere", target);
  bool made = uv_fs_symlink(NULL, &req, target, link, 0, NULL) == 0;
  uv_fs_req_cleanup(&req);
  made = made && uv_fs_lstat(NULL, &req, link, NULL) == 0;
  uv_fs_req_cleanup(&req);
  if (!made)
    return; /* not everybody may make one on Windows, and Wine only says that it did */
  ck_assert_int_eq(make("link", &file, &err), CD_E_CONFLICT);
  ck_assert_int_ne(uv_fs_stat(NULL, &req, target, NULL), 0);
  uv_fs_req_cleanup(&req);
}
END_TEST

START_TEST(a_file_for_everybody_is_refused)
{
  char path[600];
  cd_err err = {0};
  uv_fs_t req;
  path_in("open", path);
  uv_file file = uv_fs_open(NULL, &req, path, UV_FS_O_RDWR | UV_FS_O_CREAT, 0644, NULL);
  uv_fs_req_cleanup(&req);
  ck_assert_int_ge(file, 0);
  ck_assert_int_eq(pf_private_check(file, "it", &err), CD_E_DENIED);
  ck_assert_uint_gt(strlen(err.text), 0);
  shut(file);
}
END_TEST

START_TEST(a_new_folder_closes_what_is_made_in_it)
{
  char path[600];
  cd_err err = {0};
  uv_file file = -1;
  path_in("inner", path);
  ck_assert_msg(pf_private_folder(path, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(pf_private_folder(path, &err), CD_E_CONFLICT);
  ck_assert_msg(make("inner/below", &file, &err) == CD_OK, "%s", err.text);
  ck_assert_msg(pf_private_check(file, "it", &err) == CD_OK, "%s", err.text);
  shut(file);
}
END_TEST

/* As many as the process may have: 2048 on Windows; where they are too many to take, this is not
 * tried. */
START_TEST(a_file_without_a_number_is_an_error_and_is_not_left)
{
  static uv_file taken[NUMBERS];
  char path[600];
  cd_err err = {0};
  uv_file file = -1;
  uv_fs_t req;
  size_t count = 0;
  path_in("open", path);
  for (; count < NUMBERS; count++) {
    taken[count] = uv_fs_open(NULL, &req, path, UV_FS_O_RDWR | UV_FS_O_CREAT, 0600, NULL);
    uv_fs_req_cleanup(&req);
    if (taken[count] < 0)
      break;
  }
  bool none_left = count < NUMBERS;
  cd_code rc = none_left ? make("new", &file, &err) : CD_E_LIMIT;
  for (size_t i = 0; i < count; i++)
    shut(taken[i]);
  ck_assert_int_ne(rc, CD_OK);
  ck_assert(!none_left || strlen(err.text) > 0);
  path_in("new", path);
  ck_assert_int_ne(uv_fs_stat(NULL, &req, path, NULL), 0);
  uv_fs_req_cleanup(&req);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("platform.private");
  TCase *c = tcase_create("private");
  tcase_add_checked_fixture(c, make_place, remove_place);
  tcase_add_test(c, a_new_file_is_its_users_alone);
  tcase_add_test(c, a_link_that_leads_nowhere_is_not_followed);
  tcase_add_test(c, a_file_for_everybody_is_refused);
  tcase_add_test(c, a_new_folder_closes_what_is_made_in_it);
  tcase_add_test(c, a_file_without_a_number_is_an_error_and_is_not_left);
  suite_add_tcase(s, c);
  SRunner *r = srunner_create(s);
  srunner_set_fork_status(r, CK_NOFORK);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
