/* The kill points of apply and release: a process that dies at one leaves the device as it was or
 * as it was to be, and the next one can go on. */
#include "kernel.h"

#include "suite.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef CORDON_FAULT_POINTS

static const struct crash {
  const char *point;
  bool isolated_before;
  bool isolated_after;
} crashes[] = {
    {"nftables.before_load", false, false}, {"nftables.loaded", false, true},
    {"nftables.read_back", false, true},    {"nftables.sockets_ended", false, true},
    {"nftables.before_delete", true, true}, {"nftables.deleted", true, false},
};

/* Runs apply or release in a process that dies at the point. */
static void die_at(const char *point, bool release)
{
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    char spec[128];
    (void)snprintf(spec, sizeof(spec), "other.point=kill,%s=kill:1", point);
    (void)setenv("CORDON_FAULT", spec, 1);
    (void)fake_run(&host, release ? isolate->release : isolate->apply, 0,
                   release ? "{}" : kernel_params(NULL));
    _exit(0);
  }
  int status = 0;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s is not reached", point);
}

START_TEST(each_kill_point_leaves_one_of_both_states)
{
  for (size_t i = 0; i < COUNT_OF(crashes); i++) {
    const struct crash *c = &crashes[i];
    (void)kernel_params(NULL);
    if (c->isolated_before)
      kernel_isolate(NULL);
    die_at(c->point, c->isolated_before);
    ck_assert_msg(strcmp(kernel_state(), c->isolated_after ? "isolated" : "released") == 0, "%s",
                  c->point);
    kernel_isolate(NULL);
    ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_OK);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {each_kill_point_leaves_one_of_both_states};
  return run_kernel_suite("plugins.nftables.crash", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}

#else

int main(void)
{
  printf("plugins.nftables.crash: skipped, since this build has no fault points\n");
  return SKIPPED;
}

#endif
