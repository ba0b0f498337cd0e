/* base/fault.h: kill points. A process reads its specification once, so every case is a child of
 * its own. */
#include "base/fault.h"

#include "suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef CORDON_FAULT_POINTS

/* In a child that has one thread. */
static void set_spec(const char *spec)
{
  /* NOLINTNEXTLINE(concurrency-mt-unsafe) */
  int rc = spec != NULL ? setenv("CORDON_FAULT", spec, 1) : unsetenv("CORDON_FAULT");
  if (rc != 0)
    _exit(99);
}

/* Reaches `point` `times` times; a bit per time that it failed. Ends the child with that. */
static _Noreturn void reach(const char *point, int times)
{
  int failed = 0;
  for (int i = 0; i < times; i++)
    if (CD_FAULT_FAILS(point))
      failed |= 1 << i;
  _exit(failed);
}

static pid_t child_with(const char *spec, const char *point, int times)
{
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    set_spec(spec);
    reach(point, times);
  }
  return pid;
}

static int status_of(pid_t pid)
{
  int status = -1;
  ck_assert_int_eq(waitpid(pid, &status, 0), pid);
  return status;
}

START_TEST(a_point_fails_at_the_time_that_was_asked_for)
{
  static const struct {
    const char *spec;
    int failed; /* bit per time */
  } rows[] = {
      {NULL, 0},
      {"", 0},
      {"p=fail", 1},
      {"p=fail:1", 1},
      {"p=fail:3", 4},
      {"p=fail:2,p=fail:4", 10},
      {"other=fail,p=fail:2", 2},
      {"other=kill", 0},
      {"p=fail:9", 0},
      {"pp=fail", 0},
      /* What cannot be read does nothing. */
      {"p", 0},
      {"p=", 0},
      {"p=sleep", 0},
      {"p=fail:0", 0},
      {"p=fail:x", 0},
      {"=fail", 0},
      {"p=fail:x,,p=fail:2", 2},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    int status = status_of(child_with(rows[i].spec, "p", 4));
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == rows[i].failed, "row %zu: status %#x",
                  i, (unsigned)status);
  }
}
END_TEST

START_TEST(a_kill_point_kills_at_its_time)
{
  int status = status_of(child_with("p=kill:3", "p", 3));
  ck_assert(WIFSIGNALED(status));
  ck_assert_int_eq(WTERMSIG(status), SIGKILL);
  status = status_of(child_with("p=kill:3", "p", 2));
  ck_assert(WIFEXITED(status));
}
END_TEST

START_TEST(a_stop_point_stops_and_goes_on)
{
  pid_t pid = child_with("p=stop,p=fail:2", "p", 2);
  int status = 0;
  ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
  ck_assert(WIFSTOPPED(status));
  ck_assert_int_eq(WSTOPSIG(status), SIGSTOP);
  ck_assert_int_eq(kill(pid, SIGCONT), 0);
  status = status_of(pid);
  ck_assert(WIFEXITED(status));
  ck_assert_int_eq(WEXITSTATUS(status), 2);
}
END_TEST

START_TEST(the_specification_can_be_handed_on)
{
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    set_spec("p=fail:2");
    CD_FAULT_POINT("q");
    set_spec("changed");
    _exit(cd_fault_spec() != NULL && strcmp(cd_fault_spec(), "p=fail:2") == 0 ? 0 : 3);
  }
  ck_assert_int_eq(status_of(pid), 0);

  pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid == 0) {
    set_spec(NULL);
    _exit(cd_fault_spec() == NULL ? 0 : 1);
  }
  ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

START_TEST(more_points_than_fit_are_left_out)
{
  char spec[512] = "";
  for (int i = 0; i < 16; i++)
    (void)snprintf(spec + strlen(spec), sizeof(spec) - strlen(spec), "q%d=kill,", i);
  (void)snprintf(spec + strlen(spec), sizeof(spec) - strlen(spec), "p=fail");
  int status = status_of(child_with(spec, "p", 1));
  ck_assert(WIFEXITED(status));
  ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_point_fails_at_the_time_that_was_asked_for,
      a_kill_point_kills_at_its_time,
      a_stop_point_stops_and_goes_on,
      the_specification_can_be_handed_on,
      more_points_than_fit_are_left_out,
  };
  return run_suite("base.fault", tests, COUNT_OF(tests));
}

#else

START_TEST(without_the_build_option_nothing_is_reached)
{
  /* NOLINTNEXTLINE(concurrency-mt-unsafe) */
  ck_assert_int_eq(setenv("CORDON_FAULT", "p=fail,p=kill:2", 1), 0);
  CD_FAULT_POINT("p");
  ck_assert(!CD_FAULT_FAILS("p"));
  ck_assert(!cd_fault_reached("p"));
  ck_assert(!cd_fault_reached("p"));
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {without_the_build_option_nothing_is_reached};
  return run_suite("base.fault", tests, COUNT_OF(tests));
}

#endif
