#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 512
#define TEST_TIMEOUT_S 120

static char base[PATH_SIZE];
static char here[PATH_SIZE];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
  return remove(path);
}

static void make_base(void)
{
  (void)snprintf(base, sizeof(base), "%s/cordon-test-XXXXXX", geteuid() == 0 ? "/run" : "/tmp");
  if (mkdtemp(base) == NULL || chmod(base, 0755) != 0) {
    (void)fprintf(stderr, "cannot make '%s': %s\n", base, strerror(errno));
    exit(EXIT_FAILURE);
  }
}

const char *place(void)
{
  if (here[0] == '\0') {
    (void)snprintf(here, sizeof(here), "%.400s/XXXXXX", base);
    ck_assert_ptr_nonnull(mkdtemp(here));
    ck_assert_int_eq(chmod(here, 0755), 0);
  }
  return here;
}

const char *at(const char *name)
{
  static char paths[4][2 * PATH_SIZE];
  static unsigned turn;
  char *path = paths[turn++ % 4];
  (void)snprintf(path, sizeof(paths[0]), "%s/%s", place(), name);
  return path;
}

void put_file(const char *path, const void *bytes, size_t len, unsigned mode)
{
  (void)unlink(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  ck_assert_msg(fd >= 0, "'%s': %s", path, strerror(errno));
  ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
  ck_assert_int_eq(fchmod(fd, (mode_t)mode), 0);
  ck_assert_int_eq(close(fd), 0);
}

void put_text(const char *path, const char *text, unsigned mode)
{
  put_file(path, text, strlen(text), mode);
}

char *get_file(const char *path, size_t *ret_len)
{
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ck_assert_msg(fd >= 0, "'%s': %s", path, strerror(errno));
  ck_assert_int_eq(fstat(fd, &st), 0);
  char *bytes = malloc((size_t)st.st_size + 1);
  ck_assert_ptr_nonnull(bytes);
  ck_assert_int_eq(read(fd, bytes, (size_t)st.st_size), (ssize_t)st.st_size);
  ck_assert_int_eq(close(fd), 0);
  bytes[st.st_size] = '\0';
  *ret_len = (size_t)st.st_size;
  return bytes;
}

bool exists(const char *path)
{
  struct stat st;
  return lstat(path, &st) == 0;
}

int run_suite(const char *name, const TTest *const *tests, size_t count)
{
  Suite *suite = suite_create(name);
  TCase *facts = tcase_create("facts");
  tcase_set_timeout(facts, TEST_TIMEOUT_S);
  for (size_t i = 0; i < count; i++)
    tcase_add_test(facts, tests[i]);
  suite_add_tcase(suite, facts);
  SRunner *runner = srunner_create(suite);
  make_base();
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  (void)nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
