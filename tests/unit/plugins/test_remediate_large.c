/* A file of 2 GiB, almost all of it a hole, is taken and given back with memory that does not grow
 * with it. On a disk: two gibibytes of a container are too much for memory. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "remediate_bed.h"
#include "suite.h"

#define GIB (1024L * 1024L * 1024L)
enum { MEMORY_KIB = 48 * 1024, LARGE_TIMEOUT_S = 900 };

static char folder[256];

static void large_mounts(void)
{
  bed_mounts();
  ck_assert_msg(mount(folder, "/srv/data", NULL, MS_BIND, NULL) == 0, "%s", strerror(errno));
  ck_assert(mkdir("/srv/data/state", 0700) == 0);
  ck_assert(mount("/srv/data/state", BED_STATE, NULL, MS_BIND, NULL) == 0);
}

static void make_large(const char *path)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0751);
  ck_assert(fd >= 0 && pwrite(fd, "begin", 5, 0) == 5 && pwrite(fd, "middle", 6, GIB + 7) == 6);
  ck_assert(ftruncate(fd, 2 * GIB) == 0);
  (void)close(fd);
}

static long memory(void)
{
  struct rusage used;
  ck_assert(getrusage(RUSAGE_SELF, &used) == 0);
  return used.ru_maxrss;
}

START_TEST(two_gibibytes_go_and_come_back)
{
  char room[8] = "";
  struct stat before;
  struct stat after;
  bed b;
  bed_open(&b);
  make_large("/srv/data/large");
  ck_assert(stat("/srv/data/large", &before) == 0);
  long used = memory();
  ck_assert_int_eq(bed_run(&b, "big",
                           "{\"operation\":\"file.quarantine\",\"target\":{\"path\":"
                           "\"/srv/data/large\"}}"),
                   CORDON_OK);
  ck_assert(!bed_exists("/srv/data/large"));
  ck_assert_int_eq(bed_undo(&b, "big"), CORDON_OK);
  ck_assert_int_lt(memory() - used, MEMORY_KIB);
  ck_assert(stat("/srv/data/large", &after) == 0);
  ck_assert_int_eq(after.st_size, before.st_size);
  ck_assert_int_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  ck_assert_int_lt(after.st_blocks, 8192);
  int fd = open("/srv/data/large", O_RDONLY | O_CLOEXEC);
  ck_assert(pread(fd, room, 6, GIB + 7) == 6 && memcmp(room, "middle", 6) == 0);
  (void)close(fd);
  bed_close(&b);
}
END_TEST

int main(void)
{
  if (geteuid() != 0) {
    printf("skipped, since only root can mount\n");
    return SKIPPED;
  }
  (void)snprintf(folder, sizeof(folder), "remediate-large-XXXXXX");
  char *made = mkdtemp(folder);
  char *full = made != NULL ? realpath(made, NULL) : NULL;
  if (full == NULL)
    return EXIT_FAILURE;
  (void)snprintf(folder, sizeof(folder), "%s", full);
  Suite *suite = suite_create("plugins.remediate_large");
  TCase *c = tcase_create("facts");
  tcase_set_timeout(c, LARGE_TIMEOUT_S);
  tcase_add_checked_fixture(c, large_mounts, NULL);
  tcase_add_test(c, two_gibibytes_go_and_come_back);
  suite_add_tcase(suite, c);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  (void)snprintf(folder, sizeof(folder), "rm -rf --one-file-system '%.200s'", full);
  if (system(folder) != 0)
    printf("'%s' could not be removed\n", full);
  free(full);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
