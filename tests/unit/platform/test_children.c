/* processes: 0 means none, by no call that Linux has for it; threads go on. */
#include "platform/confine.h"

#include "child.h"
#include "platform_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const pf_confine none = {.processes = 0};

/* A program whose success would look like a failure of ours, if it ran. */
#define PROGRAM "/bin/false"
static char *const no_arguments[] = {(char[]){"false"}, NULL};
static char *const no_environment[] = {NULL};

/* One way to start a process or a program; true if it was refused as it should be. */
static bool refuses_fork(void)
{
  return fork() < 0 && errno == EPERM;
}

static bool refuses_clone(void)
{
  return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0) < 0 && errno == EPERM;
}

/* What posix_spawn and vfork are made of; given by number, since here nothing may run in the
 * parent's memory. */
static bool refuses_clone_vm(void)
{
  return syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, 0) < 0 &&
         errno == EPERM;
}

static bool refuses_clone3(void)
{
  struct clone_args args = {.exit_signal = SIGCHLD};
  return syscall(SYS_clone3, &args, sizeof(args)) < 0 && errno == ENOSYS;
}

static bool refuses_spawn(void)
{
  pid_t child = 0;
  return posix_spawn(&child, PROGRAM, NULL, NULL, no_arguments, no_environment) == EPERM;
}

static bool refuses_execve(void)
{
  return execve(PROGRAM, no_arguments, no_environment) < 0 && errno == EPERM;
}

static bool refuses_execveat(void)
{
  int fd = open(PROGRAM, O_RDONLY | O_CLOEXEC);
  return syscall(SYS_execveat, fd, "", no_arguments, no_environment, AT_EMPTY_PATH) < 0 &&
         errno == EPERM;
}

#ifdef SYS_fork
static bool refuses_fork_call(void)
{
  return syscall(SYS_fork) < 0 && errno == EPERM;
}

static bool refuses_vfork_call(void)
{
  return syscall(SYS_vfork) < 0 && errno == EPERM;
}
#endif

static bool (*const ways[])(void) = {
    refuses_fork,      refuses_clone,      refuses_clone_vm, refuses_clone3,
    refuses_spawn,     refuses_execve,     refuses_execveat,
#ifdef SYS_fork
    refuses_fork_call, refuses_vfork_call,
#endif
};

static void body_way(const void *context)
{
  confine(&none, NULL, 0);
  EXPECT(ways[*(const int *)context]());
}

START_TEST(no_way_starts_a_process)
{
  in_child(body_way, &_i);
}
END_TEST

static void *add_one(void *counter)
{
  (*(int *)counter)++;
  return NULL;
}

static void body_threads(const void *context)
{
  confine(&none, NULL, 0);
  for (int i = 0; i < 8; i++) {
    int counter = 0;
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, add_one, &counter) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(counter == 1);
  }
}

START_TEST(threads_can_be_started)
{
  in_child(body_threads, NULL);
}
END_TEST

static void *try_fork(void *refused)
{
  *(bool *)refused = refuses_fork() && refuses_execve();
  return NULL;
}

static void body_thread_forks(const void *context)
{
  bool refused = false;
  pthread_t thread;
  confine(&none, NULL, 0);
  EXPECT(pthread_create(&thread, NULL, try_fork, &refused) == 0);
  EXPECT(pthread_join(thread, NULL) == 0);
  EXPECT(refused);
}

START_TEST(threads_cannot_start_a_process_either)
{
  in_child(body_thread_forks, NULL);
}
END_TEST

static pthread_barrier_t barrier;

static void *wait_then_fork(void *refused)
{
  (void)pthread_barrier_wait(&barrier);
  *(bool *)refused = refuses_fork();
  return NULL;
}

/* A thread that is older than the confinement, as a library's own may be. */
static void body_old_thread(const void *context)
{
  bool refused = false;
  pthread_t thread;
  EXPECT(pthread_barrier_init(&barrier, NULL, 2) == 0);
  EXPECT(pthread_create(&thread, NULL, wait_then_fork, &refused) == 0);
  confine(&none, NULL, 0);
  (void)pthread_barrier_wait(&barrier);
  EXPECT(pthread_join(thread, NULL) == 0);
  EXPECT(refused);
}

START_TEST(nor_can_threads_that_were_there_before)
{
  in_child(body_old_thread, NULL);
}
END_TEST

#ifdef __x86_64__
static void body_other_numbers(const void *context)
{
  confine(&none, NULL, 0);
  /* fork by the numbers of 32-bit pointers. */
  (void)syscall(0x40000000 + SYS_fork);
}

START_TEST(a_call_by_other_numbers_is_deadly)
{
  int status = status_of_child(body_other_numbers, NULL);
  ck_assert(WIFSIGNALED(status));
  ck_assert_int_eq(WTERMSIG(status), SIGSYS);
}
END_TEST
#endif

/* Runs a program in a child of the confined process and reads what it prints. */
static void read_program(char *const arguments[], char *out, size_t size)
{
  int ends[2];
  EXPECT(pipe(ends) == 0);
  pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    (void)dup2(ends[1], 1);
    (void)execve(arguments[0], arguments, no_environment);
    _exit(127);
  }
  (void)close(ends[1]);
  size_t len = 0;
  for (ssize_t n = 1; n > 0 && len<size - 1; len += n> 0 ? (size_t)n : 0)
    n = read(ends[0], out + len, size - 1 - len);
  out[len] = '\0';
  (void)close(ends[0]);
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

static void body_allowed(const void *context)
{
  const pf_confine some = {.user = "nobody", .privileges = PF_PRIV_NET_ADMIN, .processes = 4};
  char *const arguments[] = {(char[]){"/bin/cat"}, (char[]){"/proc/self/status"}, NULL};
  char text[8192];
  confine(&some, NULL, 0);
  read_program(arguments, text, sizeof(text));
  /* The program that was run has none of what this process was given. */
  EXPECT(strstr(text, "CapPrm:\t0000000000000000\n") != NULL);
  EXPECT(strstr(text, "CapBnd:\t0000000000000000\n") != NULL);
  EXPECT(strstr(text, "NoNewPrivs:\t1\n") != NULL);
}

START_TEST(where_processes_are_allowed_they_inherit_nothing)
{
  in_child(body_allowed, NULL);
}
END_TEST

Suite *children_suite(void)
{
  Suite *s = suite_create("platform.children");
  TCase *c = tcase_create("children");
  tcase_set_timeout(c, 30);
  tcase_add_loop_test(c, no_way_starts_a_process, 0, (int)(sizeof(ways) / sizeof(ways[0])));
  tcase_add_test(c, threads_can_be_started);
  tcase_add_test(c, threads_cannot_start_a_process_either);
  tcase_add_test(c, nor_can_threads_that_were_there_before);
#ifdef __x86_64__
  tcase_add_test(c, a_call_by_other_numbers_is_deadly);
#endif
  add_root_test(c, where_processes_are_allowed_they_inherit_nothing);
  suite_add_tcase(s, c);
  return s;
}
