#include "platform/file.h"

#include "place.h"
#include "platform_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static cd_err err;

START_TEST(reads_a_file_up_to_its_limit)
{
  cd_buf out = CD_BUF_INIT(1024);
  place_new();
  make_file(at("f"), "0123456789", 0600);
  ck_assert_int_eq(pf_file_read(at("f"), 10, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "0123456789");
  cd_buf_reset(&out);
  ck_assert_int_eq(pf_file_read(at("f"), 9, &out, &err), CD_E_LIMIT);
  cd_buf_release(&out);
}
END_TEST

START_TEST(reads_an_empty_file)
{
  cd_buf out = CD_BUF_INIT(16);
  place_new();
  make_file(at("f"), "", 0600);
  ck_assert_int_eq(pf_file_read(at("f"), 0, &out, &err), CD_OK);
  ck_assert_uint_eq(out.len, 0);
  cd_buf_release(&out);
}
END_TEST

START_TEST(reads_what_tells_no_size)
{
  cd_buf out = CD_BUF_INIT(64 * 1024);
  ck_assert_int_eq(pf_file_read("/proc/self/status", 64 * 1024, &out, &err), CD_OK);
  ck_assert_uint_gt(out.len, 100);
  cd_buf_release(&out);
}
END_TEST

START_TEST(names_the_file_that_is_not_there)
{
  cd_buf out = CD_BUF_INIT(16);
  place_new();
  ck_assert_int_eq(pf_file_read(at("absent"), 16, &out, &err), CD_E_NOTFOUND);
  ck_assert_ptr_nonnull(strstr(err.text, "absent"));
  ck_assert_int_eq(err.os_error, ENOENT);
}
END_TEST

START_TEST(reads_only_regular_files_and_waits_for_none)
{
  cd_buf out = CD_BUF_INIT(16);
  place_new();
  ck_assert_int_eq(mkfifo(at("fifo"), 0600), 0);
  ck_assert_int_eq(pf_file_read(at("fifo"), 16, &out, &err), CD_E_INVALID);
  ck_assert_int_eq(pf_file_read(at("."), 16, &out, &err), CD_E_INVALID);
  ck_assert_int_eq(pf_file_read("/dev/zero", 16, &out, &err), CD_E_INVALID);
}
END_TEST

START_TEST(reads_from_the_start_and_leaves_the_offset)
{
  cd_buf out = CD_BUF_INIT(64);
  place_new();
  make_file(at("f"), "0123456789", 0600);
  int fd = open(at("f"), O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq(lseek(fd, 7, SEEK_SET), 7);
  ck_assert_int_eq(pf_file_read_open(fd, "f", 10, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "0123456789");
  ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 7);
  /* What is larger is refused, not cut: the rest would be trusted unseen. */
  cd_buf_reset(&out);
  ck_assert_int_eq(pf_file_read_open(fd, "f", 9, &out, &err), CD_E_LIMIT);
  cd_buf_release(&out);
  pf_file_close(fd);
  pf_file_close(-1);
}
END_TEST

static void expect_content(const char *path, const char *content)
{
  cd_buf out = CD_BUF_INIT(256 * 1024);
  ck_assert_int_eq(pf_file_read(path, 256 * 1024, &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), content);
  cd_buf_release(&out);
}

static cd_code count_name(void *context, const char *name, cd_err *e)
{
  (*(int *)context)++;
  return CD_OK;
}

static int count_names(const char *path)
{
  int count = 0;
  ck_assert_int_eq(pf_dir_list(path, "", 100, count_name, &count, &err), CD_OK);
  return count;
}

START_TEST(replaces_whole_with_the_exact_mode)
{
  struct stat st;
  place_new();
  (void)umask(077);
  ck_assert_int_eq(pf_file_replace(at("f"), CD_STR("first"), 0644, &err), CD_OK);
  expect_content(at("f"), "first");
  ck_assert_int_eq(stat(at("f"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777u, 0644);
  /* A reader that has the old file open keeps it whole. */
  int old = open(at("f"), O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq(pf_file_replace(at("f"), CD_STR("second, longer"), 0600, &err), CD_OK);
  expect_content(at("f"), "second, longer");
  char bytes[16] = {0};
  ck_assert_int_eq(read(old, bytes, sizeof(bytes)), 5);
  ck_assert_str_eq(bytes, "first");
  ck_assert_int_eq(stat(at("f"), &st), 0);
  ck_assert_uint_eq(st.st_mode & 07777u, 0600);
  ck_assert_int_eq(count_names(at(".")), 1);
  (void)close(old);
}
END_TEST

START_TEST(replaces_a_link_and_not_what_it_leads_to)
{
  struct stat st;
  place_new();
  make_file(at("victim"), "old", 0600);
  ck_assert_int_eq(symlink("victim", at("link")), 0);
  ck_assert_int_eq(pf_file_replace(at("link"), CD_STR("new"), 0600, &err), CD_OK);
  expect_content(at("victim"), "old");
  expect_content(at("link"), "new");
  ck_assert_int_eq(lstat(at("link"), &st), 0);
  ck_assert(S_ISREG(st.st_mode));
}
END_TEST

START_TEST(leaves_nothing_behind_when_it_fails)
{
  place_new();
  make_dir(at("d"), 0700);
  make_dir(at("d/target"), 0700);
  ck_assert_int_ne(pf_file_replace(at("d/target"), CD_STR("x"), 0600, &err), CD_OK);
  ck_assert_int_eq(count_names(at("d")), 1);
  ck_assert_int_eq(pf_file_replace(at("absent/f"), CD_STR("x"), 0600, &err), CD_E_NOTFOUND);
  ck_assert_int_eq(pf_file_replace(at("d/"), CD_STR("x"), 0600, &err), CD_E_INVALID);
}
END_TEST

START_TEST(replaces_in_the_present_folder)
{
  place_new();
  ck_assert_int_eq(chdir(at(".")), 0);
  ck_assert_int_eq(pf_file_replace("plain", CD_STR("x"), 0600, &err), CD_OK);
  expect_content(at("plain"), "x");
}
END_TEST

START_TEST(replaces_with_much_and_with_nothing)
{
  char *much = malloc(200001);
  memset(much, 'm', 200000);
  much[200000] = '\0';
  place_new();
  ck_assert_int_eq(pf_file_replace(at("f"), cd_str_from(much), 0600, &err), CD_OK);
  expect_content(at("f"), much);
  ck_assert_int_eq(pf_file_replace(at("f"), CD_STR(""), 0600, &err), CD_OK);
  expect_content(at("f"), "");
  free(much);
}
END_TEST

Suite *file_suite(void)
{
  Suite *s = suite_create("platform.file");
  TCase *c = tcase_create("file");
  tcase_add_test(c, reads_a_file_up_to_its_limit);
  tcase_add_test(c, reads_an_empty_file);
  tcase_add_test(c, reads_what_tells_no_size);
  tcase_add_test(c, names_the_file_that_is_not_there);
  tcase_add_test(c, reads_only_regular_files_and_waits_for_none);
  tcase_add_test(c, reads_from_the_start_and_leaves_the_offset);
  tcase_add_test(c, replaces_whole_with_the_exact_mode);
  tcase_add_test(c, replaces_a_link_and_not_what_it_leads_to);
  tcase_add_test(c, leaves_nothing_behind_when_it_fails);
  tcase_add_test(c, replaces_in_the_present_folder);
  tcase_add_test(c, replaces_with_much_and_with_nothing);
  suite_add_tcase(s, c);
  return s;
}
