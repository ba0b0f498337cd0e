#include "place.h"

#include "platform_tests.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char place[PLACE_PATH_MAX / 4];
static char own[PLACE_PATH_MAX / 2];

const char *at(const char *name)
{
  static char buffers[8][PLACE_PATH_MAX];
  static unsigned next;
  char *out = buffers[next++ % 8];
  (void)snprintf(out, PLACE_PATH_MAX, "%s/%s", own, name);
  return out;
}

void place_new(void)
{
  (void)snprintf(own, sizeof(own), "%s/test-XXXXXX", place);
  ck_assert_ptr_nonnull(mkdtemp(own));
  ck_assert_int_eq(chmod(own, 0755), 0);
}

void make_file(const char *path, const char *content, unsigned mode)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ck_assert_msg(fd >= 0, "%s", path);
  ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
  ck_assert_int_eq(fchmod(fd, (mode_t)mode), 0);
  (void)close(fd);
}

void make_dir(const char *path, unsigned mode)
{
  ck_assert_msg(mkdir(path, 0700) == 0, "%s", path);
  ck_assert_int_eq(chmod(path, (mode_t)mode), 0);
}

void tcase_add_root_test(TCase *c, const char *name, const TTest *test)
{
  if (geteuid() == 0)
    tcase_add_test(c, test);
  else
    printf("not run, because it needs root: %s\n", name);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *level)
{
  return remove(path);
}

int run_suites(Suite *const *suites)
{
  /* As every program of ours does. */
  (void)signal(SIGPIPE, SIG_IGN);
  (void)umask(022);
  const char *base = geteuid() == 0 ? "/run" : getenv("HOME");
  (void)snprintf(place, sizeof(place), "%s/cordon-test-XXXXXX", base != NULL ? base : ".");
  if (mkdtemp(place) == NULL || chmod(place, 0755) != 0) {
    perror(place);
    return EXIT_FAILURE;
  }
  SRunner *runner = srunner_create(suites[0]);
  for (int i = 1; suites[i] != NULL; i++)
    srunner_add_suite(runner, suites[i]);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  (void)nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
