/* Which descriptors are open after files were handed over; what arrives is in test_pass.c. */
#include "platform/pass.h"

#include "platform_tests.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_files(void)
{
  int count = 0;
  for (int fd = 0; fd < 256; fd++)
    count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

START_TEST(nothing_of_those_before_it_stays_open)
{
  uv_file ends[2];
  uv_file got = -1;
  cd_err err = {0};
  struct stat given;
  struct stat taken;
  ck_assert_msg(pf_pass_pair(&ends[0], &ends[1], &err) == CD_OK, "%s", err.text);
  for (int i = 0; i < 2; i++)
    ck_assert_int_ne(fcntl(ends[i], F_GETFD) & FD_CLOEXEC, 0);
  int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int file = open("/tmp", O_RDONLY | O_CLOEXEC);
  int before = open_files();
  ck_assert_int_eq(pf_pass_give(ends[0], -1, 1, null_fd, &err), CD_OK);
  ck_assert_int_eq(pf_pass_give(ends[0], -1, 2, null_fd, &err), CD_OK);
  ck_assert_int_eq(pf_pass_give(ends[0], -1, 7, file, &err), CD_OK);
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

Suite *pass_suite(void)
{
  Suite *suite = suite_create("platform.pass_open");
  TCase *c = tcase_create("pass");
  tcase_add_test(c, nothing_of_those_before_it_stays_open);
  suite_add_tcase(suite, c);
  return suite;
}
