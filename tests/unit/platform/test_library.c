#include "platform/library.h"

#include "platform/file.h"

#include "place.h"
#include "platform_tests.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cd_err err;

static int open_file(const char *path)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ck_assert_msg(fd >= 0, "%s", path);
  return fd;
}

START_TEST(loads_what_the_descriptor_holds)
{
  pf_library *library = NULL;
  const void *address = NULL;
  int fd = open_file(TEST_LIBRARY);
  ck_assert_msg(pf_library_load(fd, "answer", &library, &err) == CD_OK, "%s", err.text);
  (void)close(fd);
  ck_assert_int_eq(pf_library_data(library, "test_library_answer", &address, &err), CD_OK);
  ck_assert_int_eq(*(const int *)address, 42);
  ck_assert_int_eq(pf_library_data(library, "absent", &address, &err), CD_E_NOTFOUND);
  ck_assert_ptr_nonnull(strstr(err.text, "'absent'"));
  /* Nobody else sees its symbols. */
  ck_assert_ptr_null(dlsym(RTLD_DEFAULT, "test_library_answer"));
  free(library);
}
END_TEST

START_TEST(loads_a_file_that_has_no_name_any_more)
{
  cd_buf bytes = CD_BUF_INIT(4u * 1024 * 1024);
  pf_library *library = NULL;
  const void *address = NULL;
  place_new();
  ck_assert_int_eq(pf_file_read(TEST_LIBRARY, bytes.max, &bytes, &err), CD_OK);
  ck_assert_int_eq(pf_file_replace(at("l.so"), cd_buf_view(&bytes), 0644, &err), CD_OK);
  cd_buf_release(&bytes);
  int fd = open_file(at("l.so"));
  /* Somebody swaps the file after it was checked. */
  ck_assert_int_eq(pf_file_replace(at("l.so"), CD_STR("evil"), 0644, &err), CD_OK);
  ck_assert_msg(pf_library_load(fd, "answer", &library, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(pf_library_data(library, "test_library_answer", &address, &err), CD_OK);
  (void)close(fd);
  free(library);
}
END_TEST

START_TEST(says_why_it_cannot_load)
{
  pf_library *library = NULL;
  place_new();
  make_file(at("text.so"), "this is no library", 0644);
  int fd = open_file(at("text.so"));
  ck_assert_int_eq(pf_library_load(fd, "text.so", &library, &err), CD_E_INVALID);
  ck_assert_ptr_nonnull(strstr(err.text, "'text.so'"));
  (void)close(fd);
  fd = open_file(TEST_BROKEN);
  ck_assert_int_eq(pf_library_load(fd, "broken.so", &library, &err), CD_E_INVALID);
  ck_assert_msg(strstr(err.text, "test_library_that_nobody_defines") != NULL, "%s", err.text);
  (void)close(fd);
  ck_assert_int_eq(pf_library_load(-1, "none", &library, &err), CD_E_INVALID);
  ck_assert_ptr_null(library);
}
END_TEST

Suite *library_suite(void)
{
  Suite *s = suite_create("platform.library");
  TCase *c = tcase_create("library");
  tcase_add_test(c, loads_what_the_descriptor_holds);
  tcase_add_test(c, loads_a_file_that_has_no_name_any_more);
  tcase_add_test(c, says_why_it_cannot_load);
  suite_add_tcase(s, c);
  return s;
}
