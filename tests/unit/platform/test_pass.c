/* Open files for a child. */
#include "platform/pass.h"

#include "platform_tests.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void pair(uv_file ends[2])
{
  cd_err err = {0};
  ck_assert_msg(pf_pass_pair(&ends[0], &ends[1], &err) == CD_OK, "%s", err.text);
  for (int i = 0; i < 2; i++)
    ck_assert_int_ne(fcntl(ends[i], F_GETFD) & FD_CLOEXEC, 0);
}

static int open_files(void)
{
  int count = 0;
  for (int fd = 0; fd < 256; fd++)
    count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

START_TEST(the_same_file_arrives_and_nothing_of_those_before_it_stays_open)
{
  uv_file ends[2];
  uv_file got = -1;
  cd_err err = {0};
  struct stat given;
  struct stat taken;
  pair(ends);
  int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int file = open("/tmp", O_RDONLY | O_CLOEXEC);
  int before = open_files();
  ck_assert_int_eq(pf_pass_give(ends[0], 1, null_fd, &err), CD_OK);
  ck_assert_int_eq(pf_pass_give(ends[0], 2, null_fd, &err), CD_OK);
  ck_assert_int_eq(pf_pass_give(ends[0], 7, file, &err), CD_OK);
  ck_assert_msg(pf_pass_take(ends[1], 7, &got, &err) == CD_OK, "%s", err.text);
  ck_assert_int_eq(open_files(), before + 1);
  ck_assert_int_eq(fstat(file, &given), 0);
  ck_assert_int_eq(fstat(got, &taken), 0);
  ck_assert(given.st_ino == taken.st_ino && given.st_dev == taken.st_dev);
  ck_assert_int_ne(fcntl(got, F_GETFD) & FD_CLOEXEC, 0);
  (void)close(got);
  (void)close(file);
  (void)close(null_fd);
  (void)close(ends[0]);
  (void)close(ends[1]);
}
END_TEST

START_TEST(what_was_not_given_is_not_waited_for)
{
  uv_file ends[2];
  uv_file got = -1;
  cd_err err = {0};
  pair(ends);
  ck_assert_int_eq(pf_pass_take(ends[1], 1, &got, &err), CD_E_NOTFOUND);
  (void)close(ends[0]);
  ck_assert_int_eq(pf_pass_take(ends[1], 1, &got, &err), CD_E_IO);
  (void)close(ends[1]);
}
END_TEST

START_TEST(nobody_who_takes_nothing_makes_the_giver_wait)
{
  uv_file ends[2];
  cd_err err = {0};
  cd_code rc = CD_OK;
  pair(ends);
  for (unsigned i = 0; i < 100000 && rc == CD_OK; i++)
    rc = pf_pass_give(ends[0], i, ends[0], &err);
  ck_assert_int_eq(rc, CD_E_LIMIT);
  (void)close(ends[1]);
  ck_assert_int_eq(pf_pass_give(ends[0], 1, ends[0], &err), CD_E_IO);
  (void)close(ends[0]);
}
END_TEST

Suite *pass_suite(void)
{
  Suite *suite = suite_create("platform.pass");
  TCase *c = tcase_create("pass");
  tcase_add_test(c, the_same_file_arrives_and_nothing_of_those_before_it_stays_open);
  tcase_add_test(c, what_was_not_given_is_not_waited_for);
  tcase_add_test(c, nobody_who_takes_nothing_makes_the_giver_wait);
  suite_add_tcase(suite, c);
  return suite;
}
