/* The limits of a confined process, each met for real, and the count of what it holds. */
#include "platform/confine.h"

#include "child.h"
#include "linux/sanitizer.h"
#include "place.h"
#include "platform_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1024u * 1024u)

static void expect_limit(int resource, rlim_t value)
{
  struct rlimit limit = {0};
  EXPECT(getrlimit((__rlimit_resource_t)resource, &limit) == 0);
  if (limit.rlim_cur != value || limit.rlim_max != value)
    child_fail("limit %d is %llu and %llu", resource, (unsigned long long)limit.rlim_cur,
               (unsigned long long)limit.rlim_max);
}

static void body_memory(const void *context)
{
  const pf_confine c = {.memory_bytes = 512u * (uint64_t)MIB};
  confine(&c, NULL, 0);
  expect_limit(RLIMIT_CORE, 0);
  if (PF_SANITIZER)
    return;
  expect_limit(RLIMIT_AS, 512u * (rlim_t)MIB);
  void *some = mmap(NULL, 64u * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(some != MAP_FAILED);
  void *more = mmap(NULL, 512u * (size_t)MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(more == MAP_FAILED && errno == ENOMEM);
}

START_TEST(memory_ends_at_its_limit)
{
  in_child(body_memory, NULL);
}
END_TEST

static void body_files(const void *context)
{
  const pf_confine c = {.files = 32};
  confine(&c, NULL, 0);
  expect_limit(RLIMIT_NOFILE, 32);
  int last = -1;
  for (int i = 0; i < 64; i++) {
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
      break;
    last = fd;
  }
  EXPECT(errno == EMFILE);
  EXPECT(last == 31);
}

START_TEST(descriptors_end_at_their_limit)
{
  in_child(body_files, NULL);
}
END_TEST

static void body_file_size(const void *context)
{
  const pf_confine c = {.file_bytes = 4096};
  char bytes[8192] = {0};
  int fd = open(context, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  EXPECT(fd >= 0);
  confine(&c, NULL, 0);
  expect_limit(RLIMIT_FSIZE, 4096);
  EXPECT(write(fd, bytes, sizeof(bytes)) == 4096);
  /* An error that the plugin sees, and not its death. */
  EXPECT(write(fd, bytes, sizeof(bytes)) < 0 && errno == EFBIG);
}

START_TEST(a_file_ends_at_its_limit)
{
  place_new();
  in_child(body_file_size, at("f"));
}
END_TEST

static void body_lower(const void *context)
{
  const struct rlimit low = {.rlim_cur = 16, .rlim_max = 24};
  const pf_confine c = {.files = 4096};
  EXPECT(setrlimit(RLIMIT_NOFILE, &low) == 0);
  confine(&c, NULL, 0);
  expect_limit(RLIMIT_NOFILE, 24);
}

START_TEST(a_limit_that_is_lower_already_stays)
{
  in_child(body_lower, NULL);
}
END_TEST

static void body_processes(const void *context)
{
  const pf_confine c = {.user = "nobody", .processes = 8};
  struct rlimit limit = {0};
  confine(&c, NULL, 0);
  EXPECT(getrlimit(RLIMIT_NPROC, &limit) == 0);
  EXPECT(limit.rlim_max >= 8 && limit.rlim_max <= 1024);
}

START_TEST(runaway_forking_is_bounded)
{
  in_child(body_processes, NULL);
}
END_TEST

static void burn_ms(uint64_t ms)
{
  struct timespec now = {0};
  uint64_t end = 0;
  do {
    EXPECT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    uint64_t at_ms = (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
    if (end == 0)
      end = at_ms + ms;
    ms = at_ms < end ? ms : 0;
  } while (ms > 0);
}

static void body_cpu(const void *context)
{
  cd_err err = {0};
  const pf_confine c = {0};
  confine(&c, NULL, 0);
  EXPECT(pf_confine_cpu(1, &err) == CD_OK);
  burn_ms(5000);
}

START_TEST(processor_time_ends_at_its_limit)
{
  int status = status_of_child(body_cpu, NULL);
  ck_assert(WIFSIGNALED(status));
  ck_assert_int_eq(WTERMSIG(status), SIGXCPU);
}
END_TEST

static void body_cpu_renewed(const void *context)
{
  cd_err err = {0};
  for (int i = 0; i < 3; i++) {
    EXPECT(pf_confine_cpu(1, &err) == CD_OK);
    burn_ms(600);
  }
  EXPECT(pf_confine_cpu(0, &err) == CD_OK);
  burn_ms(1200);
}

START_TEST(processor_time_can_be_renewed)
{
  in_child(body_cpu_renewed, NULL);
}
END_TEST

static pthread_barrier_t barrier;

static void *wait_twice(void *context)
{
  (void)pthread_barrier_wait(&barrier);
  (void)pthread_barrier_wait(&barrier);
  return NULL;
}

static void *do_nothing(void *context)
{
  return NULL;
}

/* One thread and two descriptors more, and some work. */
static void hold_more(pthread_t *ret_thread)
{
  EXPECT(pthread_barrier_init(&barrier, NULL, 2) == 0);
  EXPECT(pthread_create(ret_thread, NULL, wait_twice, NULL) == 0);
  (void)pthread_barrier_wait(&barrier);
  EXPECT(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
  EXPECT(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
  burn_ms(50);
}

static uint32_t count_open(void)
{
  uint32_t count = 0;
  for (int fd = 0; fd < 4096; fd++)
    if (fcntl(fd, F_GETFD) >= 0)
      count++;
  return count;
}

static void body_usage(const void *context)
{
  pf_usage before = {0};
  pf_usage now = {0};
  cd_err err = {0};
  pthread_t thread;
  if (context != NULL)
    confine(context, NULL, 0);
  /* The thread sanitizer adds one of its own with the first thread after a fork. */
  EXPECT(pthread_create(&thread, NULL, do_nothing, NULL) == 0);
  EXPECT(pthread_join(thread, NULL) == 0);
  EXPECT(pf_usage_self(&before, &err) == CD_OK);
  EXPECT(before.files == count_open());
  EXPECT(pf_usage_self(&now, &err) == CD_OK);
  EXPECT(now.files == before.files && now.threads == before.threads);
  hold_more(&thread);
  EXPECT(pf_usage_self(&now, &err) == CD_OK);
  EXPECT(now.files == before.files + 2);
  EXPECT(now.threads == before.threads + 1);
  EXPECT(now.cpu_ms >= before.cpu_ms + 30);
  (void)pthread_barrier_wait(&barrier);
  EXPECT(pthread_join(thread, NULL) == 0);
}

START_TEST(usage_counts_threads_and_descriptors)
{
  in_child(body_usage, NULL);
}
END_TEST

START_TEST(usage_counts_in_a_confined_process_too)
{
  const pf_confine c = {.user = "nobody"};
  in_child(body_usage, &c);
}
END_TEST

Suite *limits_suite(void)
{
  Suite *s = suite_create("platform.limits");
  TCase *c = tcase_create("limits");
  tcase_set_timeout(c, 60);
  tcase_add_test(c, memory_ends_at_its_limit);
  tcase_add_test(c, descriptors_end_at_their_limit);
  tcase_add_test(c, a_file_ends_at_its_limit);
  tcase_add_test(c, a_limit_that_is_lower_already_stays);
  add_root_test(c, runaway_forking_is_bounded);
  tcase_add_test(c, processor_time_ends_at_its_limit);
  tcase_add_test(c, processor_time_can_be_renewed);
  tcase_add_test(c, usage_counts_threads_and_descriptors);
  add_root_test(c, usage_counts_in_a_confined_process_too);
  suite_add_tcase(s, c);
  return s;
}
