/* The guard: the rules once more, which nobody can take away while this process lives. */
#include "kernel.h"

#include "suite.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const bed_flow out4 = {.opener = BED_DEVICE, .to = OTHER4, .to_port = 443};
static const bed_flow out6 = {.opener = BED_DEVICE, .to = OTHER6, .to_port = 443};
static const bed_flow in4 = {.opener = BED_PEER, .from = OTHER4, .to = DEVICE4, .to_port = 22};
static const bed_flow console = {
    .opener = BED_DEVICE, .to = CONSOLE4, .to_port = 8443, .mark = BED_MARK};

static void expect_cut(void)
{
  ck_assert(!bed_tcp(&out4, false));
  ck_assert(!bed_tcp(&out6, false));
  ck_assert(!bed_udp(&out4, false));
  ck_assert(!bed_tcp(&in4, false));
  ck_assert(bed_tcp(&console, true));
}

static const char *guard_state(void)
{
  const cJSON *details = cJSON_GetObjectItemCaseSensitive(host.result, "details");
  const cJSON *guard = cJSON_GetObjectItemCaseSensitive(details, "guard");
  ck_assert(cJSON_IsObject(guard));
  return cJSON_GetObjectItemCaseSensitive(guard, "state")->valuestring;
}

static bool wants_renewal(void)
{
  return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(host.result, "renew"));
}

static void release(void)
{
  ck_assert_msg(fake_run(&host, isolate->release, 0, "{}") == CORDON_OK, "%s", host.sentence);
  bed_shell("test -z \"$(nft list tables)\"");
}

START_TEST(what_others_do_to_the_ruleset_opens_nothing)
{
  static const char *const attacks[] = {
      "nft flush ruleset", "nft delete table inet cordon",
      "nft insert rule inet cordon output accept; nft insert rule inet cordon input accept",
      "nft 'add table inet cordon { flags dormant; }'"};
  for (size_t i = 0; i < COUNT_OF(attacks); i++) {
    kernel_isolate(NULL);
    ck_assert_str_eq(guard_state(), "held");
    bed_shell(attacks[i]);
    expect_cut();
    ck_assert_str_eq(kernel_state(), "partial");
    ck_assert_str_eq(guard_state(), "held");
    kernel_isolate(NULL);
    ck_assert_str_eq(kernel_state(), "isolated");
    ck_assert(!wants_renewal());
  }
  release();
  ck_assert(bed_tcp(&out4, true));
}
END_TEST

START_TEST(nobody_else_can_change_it)
{
  kernel_isolate(NULL);
  bed_shell("! nft delete table inet cordon_guard 2>/dev/null");
  bed_shell("! nft insert rule inet cordon_guard output accept 2>/dev/null");
  bed_shell("! nft flush table inet cordon_guard 2>/dev/null");
  expect_cut();
  release();
}
END_TEST

START_TEST(the_evidence_counts_with_the_guard_too)
{
  kernel_isolate(NULL);
  for (int i = 0; i < 2; i++) {
    ck_assert_msg(fake_run(&host, isolate->verify, 0, kernel_params(NULL)) == CORDON_OK, "%s",
                  host.sentence);
    ck_assert_str_eq(guard_state(), "held");
    ck_assert(fake_flag(&host, "holds"));
  }
  /* With the plain table open, the guard drops and its counters are the ones that move. */
  bed_shell("nft insert rule inet cordon output accept");
  ck_assert_int_eq(fake_run(&host, isolate->verify, 0, kernel_params(NULL)), CORDON_E_UNVERIFIED);
  const cJSON *probe = NULL;
  const cJSON *probes = cJSON_GetObjectItemCaseSensitive(host.result, "probes");
  cJSON_ArrayForEach(probe, probes)
  {
    ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(probe, "outcome")->valuestring, "blocked");
  }
  ck_assert_ptr_nonnull(strstr(host.sentence, "not whole"));
}
END_TEST

START_TEST(without_the_process_the_plain_table_stays_and_the_next_makes_it_again)
{
  char digest[100];
  kernel_isolate(NULL);
  (void)snprintf(digest, sizeof(digest), "%s", fake_text(&host, "digest"));
  fake_host_restart(&host, "isolate");
  bed_shell("! nft list table inet cordon_guard 2>/dev/null");
  expect_cut();
  ck_assert_str_eq(kernel_state(), "isolated");
  ck_assert_str_eq(guard_state(), "missing");
  ck_assert_str_eq(fake_text(&host, "digest"), digest);
  ck_assert(wants_renewal());
  kernel_isolate(NULL);
  ck_assert(!fake_flag(&host, "changed"));
  ck_assert_str_eq(fake_text(&host, "digest"), digest);
  ck_assert_str_eq(guard_state(), "held");
  ck_assert_str_eq(kernel_state(), "isolated");
  ck_assert(!wants_renewal());
  release();
}
END_TEST

START_TEST(another_order_changes_both_at_once)
{
  static const bed_flow friend4 = {.opener = BED_DEVICE, .to = FRIEND4, .to_port = 443};
  kernel_isolate(NULL);
  ck_assert(!bed_tcp(&friend4, false));
  kernel_isolate("{\"direction\":\"out\",\"address\":\"" FRIEND4 "\"}");
  ck_assert(bed_tcp(&friend4, true));
  kernel_isolate(NULL);
  ck_assert(!bed_tcp(&friend4, false));
  release();
}
END_TEST

START_TEST(order_after_order_in_one_process)
{
  for (int i = 0; i < 6; i++) {
    ck_assert_msg(fake_run(&host, isolate->probe, 0, "{}") == CORDON_OK, "%s", host.sentence);
    kernel_isolate(i % 2 == 0 ? NULL : "{\"direction\":\"both\",\"address\":\"" FRIEND4 "\"}");
    ck_assert_str_eq(guard_state(), "held");
    ck_assert_msg(fake_run(&host, isolate->probe, 0, "{}") == CORDON_OK, "%s", host.sentence);
    ck_assert_str_eq(kernel_state(), "isolated");
    if (i % 3 == 2)
      release();
  }
  release();
}
END_TEST

/* A process that owns the guard table until it is ended or `seconds` are over. */
static pid_t other_owner(const char *seconds)
{
  char line[256];
  (void)snprintf(line, sizeof(line),
                 "{ echo 'add table inet cordon_guard { flags owner; }'; sleep %s; } | exec nft -i "
                 ">/dev/null 2>&1",
                 seconds);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpgid(0, 0);
    (void)execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(127);
  }
  for (int i = 0; i < 500; i++) {
    if (system("nft list table inet cordon_guard >/dev/null 2>&1") == 0)
      return child;
    (void)usleep(10000);
  }
  ck_abort_msg("nobody else owns the guard table");
  return child;
}

START_TEST(another_process_that_is_about_to_end_is_waited_for)
{
  pid_t other = other_owner("1");
  kernel_isolate(NULL);
  ck_assert_str_eq(guard_state(), "held");
  release();
  (void)waitpid(other, NULL, 0);
}
END_TEST

START_TEST(another_process_that_stays_is_told_of)
{
  pid_t other = other_owner("60");
  ck_assert_int_eq(fake_run(&host, isolate->apply, 0, kernel_params(NULL)), CORDON_PARTIAL);
  ck_assert_str_eq(guard_state(), "of another process");
  ck_assert_ptr_nonnull(strstr(host.sentence, "another process"));
  expect_cut();
  ck_assert_int_eq(fake_run(&host, isolate->release, 0, "{}"), CORDON_E_UNVERIFIED);
  ck_assert_ptr_nonnull(strstr(host.sentence, "end that process"));
  ck_assert_int_eq(kill(-other, SIGKILL), 0);
  (void)waitpid(other, NULL, 0);
  release();
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      what_others_do_to_the_ruleset_opens_nothing,
      nobody_else_can_change_it,
      the_evidence_counts_with_the_guard_too,
      without_the_process_the_plain_table_stays_and_the_next_makes_it_again,
      another_order_changes_both_at_once,
      order_after_order_in_one_process,
      another_process_that_is_about_to_end_is_waited_for,
      another_process_that_stays_is_told_of,
  };
  return run_kernel_suite("plugins.nftables.guard", tests, COUNT_OF(tests), kernel_setup,
                          kernel_teardown);
}
