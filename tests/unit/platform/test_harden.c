/* What every daemon does at its start. */
#include "platform/confine.h"

#include "child.h"
#include "platform_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void body_harden(const void *context)
{
  cd_err err = {0};
  struct sigaction action = {.sa_handler = SIG_DFL};
  struct rlimit core = {0};
  EXPECT(sigaction(SIGPIPE, &action, NULL) == 0);
  int inherited = open("/dev/null", O_RDONLY);
  int high = fcntl(inherited, F_DUPFD, 200);
  EXPECT(inherited > 2 && high >= 200);
  EXPECT(pf_harden_self(&err) == CD_OK);
  EXPECT(fcntl(inherited, F_GETFD) == FD_CLOEXEC);
  EXPECT(fcntl(high, F_GETFD) == FD_CLOEXEC);
  EXPECT(fcntl(2, F_GETFD) == 0);
  EXPECT(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
  EXPECT(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
  EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
  EXPECT(umask(0) == 077);
  EXPECT(pf_harden_self(&err) == CD_OK);
}

START_TEST(hardens_a_daemon)
{
  in_child(body_harden, NULL);
}
END_TEST

static void body_closed(const void *context)
{
  cd_err err = {0};
  struct stat st;
  struct stat null;
  EXPECT(stat("/dev/null", &null) == 0);
  for (int fd = 0; fd <= 2; fd++)
    (void)close(fd);
  EXPECT(pf_harden_self(&err) == CD_OK);
  for (int fd = 0; fd <= 2; fd++)
    EXPECT(fstat(fd, &st) == 0 && st.st_rdev == null.st_rdev && fcntl(fd, F_GETFD) == 0);
}

START_TEST(opens_the_standard_descriptors)
{
  in_child(body_closed, NULL);
}
END_TEST

Suite *harden_suite(void)
{
  Suite *s = suite_create("platform.harden");
  TCase *c = tcase_create("harden");
  tcase_add_test(c, hardens_a_daemon);
  tcase_add_test(c, opens_the_standard_descriptors);
  suite_add_tcase(s, c);
  return s;
}
