/* Several providers, and isolations that are half made: who takes over, what is taken back. */
#include "driver.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_taken_over(driver *d, const char *first, const char *why)
{
  driver_reply r = driver_isolate(d);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.provider"), "org.cordon.test.good");
  driver_reply_release(&r);
  driver_expect_state(d, "provider", "org.cordon.test.good");
  driver_expect_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "proven.value", "holds");
  ck_assert_str_ne(driver_device(d, "good"), "");
  driver_expect_state(d, "drift.count", "0");
  if (why != NULL)
    driver_wait_log(d, why);
  driver_release_well(d);
  ck_assert_str_eq(driver_device(d, "good"), "");
  ck_assert_str_eq(driver_device(d, first), "");
}

START_TEST(the_second_takes_over_from_one_that_cannot)
{
  static const struct {
    const char *first;
    const char *settings;
    const char *log;
  } rows[] = {
      {"crash", NULL, " in apply"},
      {"crash", "\"at\":\"probe\"", " in probe"},
      {"half_done", NULL, " in apply"},
      {"exits", NULL, "exit code 0 in apply"},
      {"no_symbol", NULL, "it is no plugin for ABI 1"},
      {"wrong_id", NULL, "org.cordon.test.somebody-else"},
      {"bad_status", NULL, "returned 77"},
      {"hang", "\"at\":\"probe\"", "did not end probe within 1500 ms"},
  };
  driver *d = driver_new(
      &(driver_options){.providers = {rows[_i].first, "good"}, .settings = {rows[_i].settings}});
  driver_start(d, NULL);
  expect_taken_over(d, rows[_i].first, rows[_i].log);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(the_second_takes_over_from_one_that_is_quarantined)
{
  driver *d = driver_new(&(driver_options){.providers = {"crash", "good"}});
  driver_start(d, NULL);
  for (int i = 0; i < 2; i++)
    expect_taken_over(d, "crash", NULL);
  ck_assert_str_eq(driver_plugin(d, "crash", "quarantined"), "[\"isolate\"]");
  unsigned applied = driver_calls(d, "crash", "apply");
  expect_taken_over(d, "crash", NULL);
  ck_assert_uint_eq(driver_calls(d, "crash", "apply"), applied);
  driver_reply r = driver_request(d, "plugins", "{}");
  ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r.result, "plugins")), 2);
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(the_second_takes_over_from_one_that_may_not_be_loaded)
{
  driver *d = driver_new(&(driver_options){.providers = {"crash", "good"}});
  ck_assert_int_eq(chmod(driver_path(d, "plugins/zoo_crash.so"), 0666), 0);
  driver_start(d, NULL);
  expect_taken_over(d, "crash", NULL);
  ck_assert_str_eq(driver_plugin(d, "crash", "trusted"), "false");
  ck_assert_ptr_nonnull(
      strstr(driver_plugin(d, "crash", "reason"), "others may write to the file"));
  ck_assert_str_eq(driver_plugin(d, "good", "trusted"), "true");
  ck_assert_str_eq(driver_plugin(d, "good", "reason"), "null");
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* The reasons of all are in the sentence when nobody can. */
START_TEST(when_nobody_can_everybody_is_named)
{
  driver *d = driver_new(&(driver_options){.providers = {"no_symbol", "crash", "wrong_id"}});
  driver_start(d, NULL);
  driver_reply r = driver_isolate(d);
  driver_expect(&r, "Failed", "internal", "org.cordon.test.no-symbol: ",
                "org.cordon.test.crash: plugin 'org.cordon.test.crash' ");
  driver_expect(&r, "Failed", "internal", "org.cordon.test.wrong-id: ", NULL);
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(another_order_of_the_policy_moves_the_isolation_at_the_next_order)
{
  driver *d = driver_new(&(driver_options){.providers = {"good", "old_struct"}});
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_expect_state(d, "provider", "org.cordon.test.good");
  driver_stop(d);
  driver_configure(d, &(driver_options){.providers = {"old_struct", "good"}});
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "provider", "org.cordon.test.good");
  driver_isolate_well(d);
  driver_expect_state(d, "provider", "org.cordon.test.old-struct");
  driver_release_well(d);
  ck_assert_str_eq(driver_device(d, "good"), "");
  ck_assert_str_eq(driver_device(d, "old_struct"), "");
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* An order that is refused changes nothing about the one before, and is no drift. */
START_TEST(a_refused_change_leaves_the_isolation_that_is_in_force)
{
  static const struct {
    const char *settings;
    const char *outcome;
  } rows[] = {{"\"only\":\"selective\",\"status\":-2", "unavailable"},
              {"\"only\":\"selective\",\"status\":-1", "invalid"}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    driver *d =
        driver_new(&(driver_options){.providers = {"bad_status"}, .settings = {rows[i].settings}});
    driver_start(d, NULL);
    driver_isolate_well(d);
    char device[256];
    (void)snprintf(device, sizeof(device), "%s", driver_device(d, "bad_status"));
    driver_reply r = driver_request(d, "isolate",
                                    "{\"type\":\"selective\",\"exclusions\":[{\"direction\":"
                                    "\"out\",\"address\":\"192.0.2.1\"}],"
                                    "\"wait\":true}");
    driver_expect(&r, "Failed", rows[i].outcome, NULL, NULL);
    ck_assert_str_eq(driver_at(r.result, "action.result.previous"), "isolated");
    driver_reply_release(&r);
    unsigned applied = driver_calls(d, "bad_status", "apply");
    driver_stop(d);
    driver_start(d, NULL);
    driver_wait_state(d, "proven.value", "holds");
    driver_expect_state(d, "wanted.value", "isolated");
    driver_expect_state(d, "wanted.type", "full");
    driver_expect_state(d, "wanted.generation", "2");
    driver_expect_state(d, "provider", "org.cordon.test.bad-status");
    driver_expect_state(d, "drift.count", "0");
    ck_assert_str_eq(driver_device(d, "bad_status"), device);
    ck_assert_uint_eq(driver_calls(d, "bad_status", "apply"), applied);
    driver_release_well(d);
    driver_stop(d);
    driver_free(d);
  }
}
END_TEST

/* The first is asked before the one that holds it, refuses, and must not be taken for the holder.
 */
START_TEST(a_refusal_of_another_provider_leaves_the_holder)
{
  driver *d = driver_new(&(driver_options){.providers = {"good"}});
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_stop(d);
  driver_configure(
      d, &(driver_options){.providers = {"bad_status", "good"}, .settings = {"\"status\":-1"}});
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_reply r = driver_isolate(d);
  driver_expect(&r, "Failed", "invalid", NULL, NULL);
  driver_reply_release(&r);
  driver_wait_state(d, "watch", "watching");
  driver_expect_state(d, "provider", "org.cordon.test.good");
  driver_expect_state(d, "drift.count", "0");
  driver_release_well(d);
  ck_assert_str_eq(driver_device(d, "good"), "");
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_half_made_isolation_is_taken_back_from_its_records)
{
  driver *d = driver_new(&(driver_options){.providers = {"half_done"}});
  driver_start(d, NULL);
  driver_reply r = driver_isolate(d);
  driver_expect(&r, "Failed", "internal", " in apply", NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.enforced.value"), "released");
  ck_assert_str_eq(driver_at(r.result, "action.result.proven.value"), "released");
  ck_assert_str_eq(driver_at(r.result, "action.result.release.changed"), "true");
  driver_reply_release(&r);
  ck_assert_str_eq(driver_device(d, "half_done"), "");
  driver_expect_state(d, "enforced.value", "released");
  driver_expect_state(d, "wanted.value", "released");
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* The agent dies while the state is half made: the next one has the records and carries on. */
START_TEST(a_half_made_isolation_is_finished_by_the_next_agent)
{
  driver *d =
      driver_new(&(driver_options){.providers = {"half_done"}, .settings = {"\"dies\":\"no\""}});
  driver_start(d, "journal.undo_synced=kill:2");
  driver_call *call = driver_ask(d, "isolate", "{\"type\":\"full\",\"wait\":true}");
  driver_wait_exit(d);
  driver_reply r = driver_finish(call);
  ck_assert(!r.came);
  driver_reply_release(&r);
  ck_assert_str_eq(driver_device(d, "half_done"), "half\n");
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "wanted.value", "isolated");
  driver_expect_state(d, "drift.count", "0");
  driver_release_well(d);
  ck_assert_str_eq(driver_device(d, "half_done"), "");
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* Until it dies again, and then it is taken back. */
START_TEST(a_half_made_isolation_is_taken_back_by_the_next_agent)
{
  driver *d = driver_new(&(driver_options){.providers = {"half_done"}});
  driver_start(d, "agent.after_apply=kill");
  driver_call *call = driver_ask(d, "isolate", "{\"type\":\"full\",\"wait\":true}");
  driver_wait_exit(d);
  driver_reply r = driver_finish(call);
  driver_reply_release(&r);
  ck_assert_str_eq(driver_device(d, "half_done"), "half\n");
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "released");
  ck_assert_str_eq(driver_device(d, "half_done"), "");
  r = driver_request(d, "actions", "{}");
  ck_assert_str_eq(driver_at(r.result, "actions.0.status"), "Failed");
  ck_assert_str_eq(driver_at(r.result, "actions.1.id"), "");
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* That a provider can was asked when the agent began. An order does not wait for it again, until an
 * operation says that it cannot: then it is asked, and its word is taken. */
START_TEST(a_provider_that_passed_is_probed_again_only_when_it_is_in_doubt)
{
  driver *d = driver_new(&(driver_options){.providers = {"bad_status", "good"},
                                           .settings = {"\"only\":\"selective\",\"status\":-2"}});
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_expect_state(d, "provider", "org.cordon.test.bad-status");
  driver_release_well(d);
  unsigned probed = driver_calls(d, "bad_status", "probe");
  ck_assert_uint_ge(probed, 1);
  driver_isolate_well(d);
  driver_release_well(d);
  ck_assert_uint_eq(driver_calls(d, "bad_status", "probe"), probed);
  driver_reply r = driver_request(d, "isolate",
                                  "{\"type\":\"selective\",\"exclusions\":[{\"direction\":"
                                  "\"out\",\"address\":\"192.0.2.1\"}],\"wait\":true}");
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.provider"), "org.cordon.test.good");
  driver_reply_release(&r);
  ck_assert_uint_eq(driver_calls(d, "bad_status", "probe"), probed + 1);
  driver_wait_log(d, "passing over provider org.cordon.test.bad-status");
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      the_second_takes_over_from_one_that_is_quarantined,
      the_second_takes_over_from_one_that_may_not_be_loaded,
      when_nobody_can_everybody_is_named,
      another_order_of_the_policy_moves_the_isolation_at_the_next_order,
      a_refused_change_leaves_the_isolation_that_is_in_force,
      a_refusal_of_another_provider_leaves_the_holder,
      a_provider_that_passed_is_probed_again_only_when_it_is_in_doubt,
      a_half_made_isolation_is_taken_back_from_its_records,
      a_half_made_isolation_is_finished_by_the_next_agent,
      a_half_made_isolation_is_taken_back_by_the_next_agent,
  };
  int code = driver_suite("integration.providers", tests, COUNT_OF(tests), 120);
  if (code != 0)
    return code;
  return driver_suite_rounds("integration.take_over", the_second_takes_over_from_one_that_cannot, 8,
                             120);
}
