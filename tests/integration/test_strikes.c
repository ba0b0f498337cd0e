/* Strikes and quarantine: what they stop, what they never stop, and what lifts them. */
#include "driver.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const driver_options crash = {.providers = {"crash"}};
static const driver_options harmless = {.providers = {"crash"}, .settings = {"\"at\":\"never\""}};

static void fail_to_isolate(driver *d, const char *outcome, const char *sentence)
{
  driver_reply r = driver_isolate(d);
  driver_expect(&r, "Failed", outcome, sentence, "org.cordon.test.crash");
  driver_reply_release(&r);
}

/* The third strike falls in the second order, whose second attempt is then refused. */
static void get_quarantined(driver *d)
{
  fail_to_isolate(d, "internal", " in apply");
  ck_assert_str_eq(driver_plugin(d, "crash", "quarantined"), "[]");
  fail_to_isolate(d, "internal", "is quarantined for isolate");
  ck_assert_str_eq(driver_plugin(d, "crash", "quarantined"), "[\"isolate\"]");
  ck_assert_str_eq(driver_plugin(d, "crash", "strikes"), "3");
}

START_TEST(three_strikes_quarantine_apply_but_neither_release_nor_query)
{
  driver *d = driver_new(&crash);
  driver_start(d, NULL);
  get_quarantined(d);
  unsigned applied = driver_calls(d, "crash", "apply");
  unsigned released = driver_calls(d, "crash", "release");
  unsigned queried = driver_calls(d, "crash", "query");
  ck_assert_uint_eq(applied, 3);
  fail_to_isolate(d, "unavailable", "`cordon local unquarantine org.cordon.test.crash` lifts it");
  ck_assert_uint_eq(driver_calls(d, "crash", "apply"), applied);
  driver_release_well(d);
  ck_assert_uint_eq(driver_calls(d, "crash", "release"), released + 1);
  ck_assert_uint_gt(driver_calls(d, "crash", "query"), queried);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_restart_lifts_no_quarantine_but_an_operator_does)
{
  driver *d = driver_new(&crash);
  driver_start(d, NULL);
  get_quarantined(d);
  driver_stop(d);
  driver_configure(d, &harmless);
  driver_start(d, NULL);
  ck_assert_str_eq(driver_plugin(d, "crash", "quarantined"), "[\"isolate\"]");
  fail_to_isolate(d, "unavailable", "is quarantined for isolate");
  driver_reply r = driver_request(d, "unquarantine", "{\"plugin\":\"org.cordon.test.crash\"}");
  ck_assert_msg(r.ok, "%s", r.sentence);
  ck_assert_str_eq(driver_at(r.result, "lifted"), "1");
  driver_reply_release(&r);
  ck_assert_str_eq(driver_plugin(d, "crash", "quarantined"), "[]");
  ck_assert_str_eq(driver_plugin(d, "crash", "strikes"), "0");
  driver_isolate_well(d);
  r = driver_request(d, "unquarantine", "{\"plugin\":\"org.cordon.test.crash\"}");
  ck_assert_str_eq(driver_at(r.result, "lifted"), "0");
  driver_reply_release(&r);
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(another_build_of_the_plugin_is_not_quarantined)
{
  driver *d = driver_new(&crash);
  driver_start(d, NULL);
  get_quarantined(d);
  driver_stop(d);
  driver_configure(d, &harmless);
  driver_rebuild_plugin(d, "crash");
  driver_start(d, NULL);
  ck_assert_str_eq(driver_plugin(d, "crash", "quarantined"), "[]");
  ck_assert_str_eq(driver_plugin(d, "crash", "strikes"), "0");
  driver_isolate_well(d);
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

static bool is_quarantined(driver *d, const void *member)
{
  return strcmp(driver_plugin(d, member, "quarantined"), "[\"isolate\"]") == 0;
}

/* An isolation in force whose watch crashes and crashes: the timer looks on, release works. */
START_TEST(an_isolation_whose_watch_is_quarantined_is_still_held_and_released)
{
  driver *d = driver_new(
      &(driver_options){.providers = {"crash"}, .settings = {"\"at\":\"watch\""}, .interval_s = 5});
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_wait(d, is_quarantined, "crash", "the plugin is quarantined");
  driver_wait_state(d, "watch", "timer only");
  /* A look that ran in the process that crashed could not read it. */
  driver_wait_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "drift.count", "0");
  unsigned verified = driver_calls(d, "crash", "verify");
  driver_stop(d);
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  ck_assert_uint_gt(driver_calls(d, "crash", "verify"), verified);
  driver_release_well(d);
  ck_assert_str_eq(driver_device(d, "crash"), "");
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* Killing the holder's host three times and taking the state away is no way out: where there is no
 * other provider it repairs, in quarantine as it is. New orders are still refused. */
START_TEST(a_quarantine_does_not_keep_the_holder_from_repairing)
{
  driver *d = driver_new(
      &(driver_options){.providers = {"crash"}, .settings = {"\"at\":\"watch\""}, .interval_s = 5});
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_wait(d, is_quarantined, "crash", "the plugin is quarantined");
  driver_stop(d);
  driver_configure(d, &harmless);
  driver_set_device(d, "crash", NULL);
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "drift.count", "1");
  ck_assert_str_ne(driver_device(d, "crash"), "");
  ck_assert(is_quarantined(d, "crash"));
  driver_wait_state(d, "watch", "watching");
  driver_set_device(d, "crash", NULL);
  driver_wait_state(d, "drift.count", "2");
  driver_wait_state(d, "proven.value", "holds");
  fail_to_isolate(d, "unavailable", "is quarantined for isolate");
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_release_that_crashes_stands_and_is_carried_out_later)
{
  driver *d =
      driver_new(&(driver_options){.providers = {"crash"}, .settings = {"\"at\":\"release\""}});
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_reply r = driver_release(d);
  driver_expect(&r, "Failed", "internal", "did not release", "in release");
  ck_assert_str_eq(driver_at(r.result, "action.result.attempts"), "2");
  driver_reply_release(&r);
  driver_expect_state(d, "wanted.value", "released");
  ck_assert_str_ne(driver_device(d, "crash"), "");
  driver_wait(d, is_quarantined, "crash", "the plugin is quarantined");
  unsigned released = driver_calls(d, "crash", "release");
  ck_assert_uint_ge(released, 3);
  driver_expect_state(d, "drift.count", "0");
  driver_stop(d);
  driver_configure(d, &harmless);
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "released");
  ck_assert_str_eq(driver_device(d, "crash"), "");
  driver_expect_state(d, "provider", "null");
  driver_expect_state(d, "drift.count", "0");
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* Wherever it misbehaves: the agent lives, every order ends, and once the plugin is mended the
 * device follows. */
START_TEST(whatever_the_call_the_agent_lives_and_orders_end)
{
  static const struct {
    const char *member;
    const char *at;
  } rows[] = {
      {"crash", "create"},     {"crash", "probe"},      {"crash", "query"},
      {"crash", "watch"},      {"crash", "destroy"},    {"hang", "probe"},
      {"hang", "query"},       {"hang", "watch"},       {"hang", "destroy"},
      {"hang", "release"},     {"exits", "create"},     {"exits", "query"},
      {"exits", "watch"},      {"flood", "watch"},      {"garbage", "watch"},
      {"leak", "query"},       {"leak", "watch"},       {"bad_status", "watch"},
      {"bad_status", "query"}, {"flood", "query"},      {"closes_fds", "query"},
      {"spin", "watch"},       {"bad_status", "probe"}, {"garbage", "probe"},
      {"chatter", "create"},   {"crash_load", "apply"},
  };
  char settings[64];
  const char *member = rows[_i].member;
  (void)snprintf(settings, sizeof(settings), "\"at\":\"%s\"", rows[_i].at);
  driver *d = driver_new(&(driver_options){.providers = {member}, .settings = {settings}});
  driver_start(d, NULL);
  driver_reply r = driver_isolate(d);
  ck_assert_msg(r.ok, "%s", r.sentence);
  ck_assert_str_ne(driver_at(r.result, "action.outcome"), "null");
  bool succeeded = strcmp(driver_at(r.result, "action.status"), "Succeeded") == 0;
  bool isolated = strncmp(driver_device(d, member), "isolated ", 9) == 0;
  ck_assert_msg(!succeeded || isolated, "it says Succeeded, and the device is '%s'",
                driver_device(d, member));
  driver_reply_release(&r);
  r = driver_release(d);
  ck_assert_msg(r.ok, "%s", r.sentence);
  succeeded = strcmp(driver_at(r.result, "action.status"), "Succeeded") == 0;
  ck_assert_msg(!succeeded || driver_device(d, member)[0] == '\0',
                "it says Succeeded, and the device is '%s'", driver_device(d, member));
  driver_reply_release(&r);
  driver_stop(d);
  if (strcmp(member, "crash_load") != 0) {
    driver_configure(d, &(driver_options){.providers = {member}, .settings = {"\"at\":\"never\""}});
    driver_start(d, NULL);
    driver_wait_state(d, "proven.value", "released");
    ck_assert_str_eq(driver_device(d, member), "");
    driver_stop(d);
  }
  driver_free(d);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      three_strikes_quarantine_apply_but_neither_release_nor_query,
      a_restart_lifts_no_quarantine_but_an_operator_does,
      another_build_of_the_plugin_is_not_quarantined,
      an_isolation_whose_watch_is_quarantined_is_still_held_and_released,
      a_quarantine_does_not_keep_the_holder_from_repairing,
      a_release_that_crashes_stands_and_is_carried_out_later,
  };
  int code = driver_suite("integration.strikes", tests, COUNT_OF(tests), 120);
  if (code != 0)
    return code;
  return driver_suite_rounds("integration.calls", whatever_the_call_the_agent_lives_and_orders_end,
                             26, 180);
}
