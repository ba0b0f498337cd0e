/* Orders over the control socket, with a provider that does what it should. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const driver_options good = {.providers = {"good"}};

START_TEST(isolate_and_release_do_what_they_say)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "released");
  driver_expect_state(d, "wanted.value", "released");
  driver_reply r = driver_isolate(d);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.provider"), "org.cordon.test.good");
  ck_assert_str_eq(driver_at(r.result, "action.generation"), "1");
  ck_assert_str_eq(driver_at(r.result, "action.requestor.user"), "root");
  ck_assert_str_eq(driver_at(r.result, "action.result.enforced.value"), "isolated");
  ck_assert_str_eq(driver_at(r.result, "action.result.proven.value"), "holds");
  ck_assert_str_eq(driver_at(r.result, "action.result.previous"), "released");
  ck_assert_str_eq(driver_at(r.result, "action.result.attempts"), "1");
  ck_assert_str_eq(driver_at(r.result, "action.result.verify.holds"), "true");
  ck_assert_msg(strncmp(driver_device(d, "good"), "isolated ", 9) == 0, "the device is '%s'",
                driver_device(d, "good"));
  driver_expect_state(d, "wanted.value", "isolated");
  driver_expect_state(d, "wanted.type", "full");
  ck_assert_str_eq(driver_state(d, "wanted.action"), driver_at(r.result, "action.id"));
  driver_expect_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "proven.value", "holds");
  driver_expect_state(d, "provider", "org.cordon.test.good");
  driver_expect_state(d, "drift.count", "0");
  driver_reply_release(&r);
  r = driver_release(d);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.generation"), "2");
  ck_assert_str_eq(driver_at(r.result, "action.result.previous"), "isolated");
  ck_assert_str_eq(driver_at(r.result, "action.result.enforced.value"), "released");
  driver_reply_release(&r);
  ck_assert_str_eq(driver_device(d, "good"), "");
  driver_expect_state(d, "wanted.value", "released");
  driver_expect_state(d, "enforced.value", "released");
  driver_expect_state(d, "provider", "null");
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* "action Pending, step recorded, action InProgress, step provider, ..." without repeats. */
static void trail(const driver_reply *r, char out[1024])
{
  char last[64] = "";
  out[0] = '\0';
  for (unsigned i = 0; i < r->event_count; i++) {
    char now[64];
    (void)snprintf(now, sizeof(now), "%s%s", driver_at(r->events[i], "step"),
                   strcmp(driver_at(r->events[i], "event"), "action") == 0
                       ? driver_at(r->events[i], "status")
                       : "");
    size_t len = strlen(out);
    if (strcmp(now, last) != 0)
      (void)snprintf(out + len, 1024 - len, "%s%s", len > 0 ? " " : "", now);
    memcpy(last, now, sizeof(last));
  }
}

START_TEST(who_waits_is_told_each_step)
{
  char steps[1024];
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_reply r = driver_isolate(d);
  trail(&r, steps);
  ck_assert_str_eq(steps, "Pending recorded InProgress provider preflight apply query verify");
  driver_reply_release(&r);
  r = driver_release(d);
  trail(&r, steps);
  ck_assert_str_eq(steps, "Pending recorded InProgress release query");
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

static bool no_order_is_open(driver *d, const void *context)
{
  driver_reply r = driver_request(d, "actions", "{\"limit\":500}");
  ck_assert_msg(r.ok, "%s", r.sentence);
  bool all = true;
  const cJSON *a = NULL;
  cJSON_ArrayForEach(a, cJSON_GetObjectItemCaseSensitive(r.result, "actions"))
  {
    all = all && strcmp(driver_at(a, "ended"), "null") != 0;
  }
  driver_reply_release(&r);
  return all;
}

START_TEST(who_does_not_wait_is_answered_at_once)
{
  static const driver_options slow = {.providers = {"good"},
                                      .settings = {"\"apply_delay_ms\":300"}};
  driver *d = driver_new(&slow);
  driver_start(d, NULL);
  driver_reply r = driver_request(d, "isolate", "{\"type\":\"full\"}");
  ck_assert_msg(r.ok, "%s", r.sentence);
  ck_assert_uint_eq(r.event_count, 0);
  ck_assert_str_eq(driver_at(r.result, "action.ended"), "null");
  ck_assert_str_eq(driver_at(r.result, "action.outcome"), "null");
  ck_assert_str_eq(driver_at(r.result, "action.comment"), "null");
  char params[128];
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", driver_at(r.result, "action.id"));
  driver_reply_release(&r);
  driver_wait(d, no_order_is_open, NULL, "the order has ended");
  r = driver_request(d, "action", params);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(orders_run_in_the_order_of_their_creation)
{
  static const driver_options slow = {.providers = {"good"},
                                      .settings = {"\"apply_delay_ms\":100"}};
  driver_call *calls[7];
  driver *d = driver_new(&slow);
  driver_start(d, NULL);
  for (int i = 0; i < 7; i++) {
    calls[i] = driver_ask(d, i % 2 == 0 ? "isolate" : "release",
                          i % 2 == 0 ? "{\"type\":\"full\",\"wait\":true}" : "{\"wait\":true}");
    driver_wait_events(calls[i], 1);
  }
  char ended[64] = "";
  for (int i = 0; i < 7; i++) {
    char generation[16];
    (void)snprintf(generation, sizeof(generation), "%d", i + 1);
    driver_reply r = driver_finish(calls[i]);
    driver_expect(&r, "Succeeded", "ok", NULL, NULL);
    ck_assert_str_eq(driver_at(r.result, "action.generation"), generation);
    ck_assert_msg(strcmp(driver_at(r.result, "action.started"), ended) >= 0,
                  "order %d began before the one before it ended", i);
    (void)snprintf(ended, sizeof(ended), "%s", driver_at(r.result, "action.ended"));
    driver_reply_release(&r);
  }
  driver_expect_state(d, "wanted.value", "isolated");
  ck_assert_str_ne(driver_device(d, "good"), "");
  ck_assert_uint_eq(driver_calls(d, "good", "apply"), 4);
  ck_assert_uint_eq(driver_calls(d, "good", "release"), 3);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(too_many_waiting_orders_are_refused)
{
  static const driver_options slow = {.providers = {"good"},
                                      .settings = {"\"apply_delay_ms\":60000"}};
  driver *d = driver_new(&slow);
  driver_start(d, NULL);
  for (int i = 0; i < 16; i++) {
    driver_reply r = driver_request(d, "isolate", "{\"type\":\"full\"}");
    ck_assert_msg(r.ok, "%s", r.sentence);
    driver_reply_release(&r);
  }
  driver_reply r = driver_request(d, "release", "{}");
  ck_assert(!r.ok);
  ck_assert_str_eq(r.status, "limit");
  ck_assert_str_eq(r.sentence,
                   "16 orders are waiting already, the limit is 16: let them end first");
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_client_that_goes_away_ends_nothing)
{
  static const driver_options slow = {.providers = {"good"},
                                      .settings = {"\"apply_delay_ms\":300"}};
  driver *d = driver_new(&slow);
  driver_start(d, NULL);
  driver_call *call = driver_ask(d, "isolate", "{\"type\":\"full\",\"wait\":true}");
  driver_wait_events(call, 1);
  driver_hang_up(call);
  driver_wait(d, no_order_is_open, NULL, "the order has ended");
  driver_expect_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "proven.value", "holds");
  driver_stop(d);
  driver_free(d);
}
END_TEST

#define SOME_EXCLUSIONS                                                                            \
  "[{\"direction\":\"out\",\"address\":\"192.0.2.0/24\",\"protocol\":\"tcp\",\"port\":\"443\","    \
  "\"note\":\"the ticket system\"},{\"direction\":\"both\",\"address\":\"2001:db8::1\"}]"

START_TEST(a_selective_isolation_passes_its_exclusions_on)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_isolate_well(d);
  char full[256];
  (void)snprintf(full, sizeof(full), "%s", driver_device(d, "good"));
  driver_reply r = driver_request(
      d, "isolate", "{\"type\":\"selective\",\"wait\":true,\"exclusions\":" SOME_EXCLUSIONS "}");
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.params.type"), "selective");
  ck_assert_str_eq(driver_at(r.result, "action.params.exclusions"), SOME_EXCLUSIONS);
  ck_assert_str_eq(driver_at(r.result, "action.params.console.0.address"), "192.0.2.7");
  ck_assert_str_eq(driver_at(r.result, "action.params.console.0.port"), "8443");
  ck_assert_str_eq(driver_at(r.result, "action.params.mark"), "3234922497");
  ck_assert_str_eq(driver_at(r.result, "action.result.previous"), "isolated");
  driver_reply_release(&r);
  driver_expect_state(d, "wanted.type", "selective");
  /* The fake device's digest is of the parameters that it got. */
  ck_assert_str_ne(driver_device(d, "good"), full);
  driver_expect_state(d, "drift.count", "0");
  driver_stop(d);
  driver_free(d);
}
END_TEST

static const struct {
  const char *method;
  const char *params;
  const char *status;
  const char *sentence;
} bad[] = {
    {"isolate", "{}", "invalid", "type is missing"},
    {"isolate", "{\"type\":\"half\"}", "invalid", "type must be one of: full, selective"},
    {"isolate", "{\"type\":\"selective\"}", "invalid", "at least one exclusion"},
    {"isolate", "{\"type\":\"selective\",\"exclusions\":[]}", "invalid", "at least one exclusion"},
    {"isolate", "{\"type\":\"full\",\"exclusions\":[{\"direction\":\"out\",\"address\":\"::\"}]}",
     "invalid", "takes no exclusions"},
    {"isolate", "{\"type\":\"selective\",\"exclusions\":[{\"address\":\"::\"}]}", "invalid",
     "exclusions[0].direction is missing"},
    {"isolate",
     "{\"type\":\"selective\",\"exclusions\":[{\"direction\":\"out\",\"service\":\"x\"}]}",
     "invalid", "exclusions[0].service must be the name of a service"},
    {"isolate",
     "{\"type\":\"selective\",\"exclusions\":[{\"direction\":\"out\",\"address\":\"::\",\"x\":1}]}",
     "invalid", "exclusions[0].x is not a known key"},
    {"isolate", "{\"type\":\"full\",\"forced\":true}", "invalid", "forced is not a known key"},
    {"isolate", "{\"type\":\"full\",\"force\":1}", "invalid", "force must be true or false"},
    {"isolate", "{\"type\":\"full\",\"wait\":\"yes\"}", "invalid", "wait must be true or false"},
    {"release", "{\"type\":\"full\"}", "invalid", "type is not a known key"},
    {"status", "{\"x\":1}", "invalid", "x is not a known key"},
    {"action", "{\"id\":\"nothing\"}", "invalid", "id is not an action id"},
    {"action", "{\"id\":\"01234567-89ab-7cde-8f01-23456789abcd\"}", "notfound",
     "there is no action '01234567-89ab-7cde-8f01-23456789abcd'"},
    {"actions", "{\"limit\":501}", "invalid", "limit must be a whole number from 0 to 500"},
    {"actions", "{\"limit\":0}", "invalid", "limit must be at least 1"},
    {"actions", "{\"before\":\"x\"}", "invalid", "before is not an action id"},
    {"unquarantine", "{\"plugin\":\"org.nobody\"}", "notfound", "there is no plugin 'org.nobody'"},
    {"unquarantine", "{}", "invalid", "plugin is missing"},
    {"shutdown", "{}", "unsupported", "there is no method 'shutdown'"},
};

START_TEST(what_makes_no_sense_is_refused_with_a_sentence_and_changes_nothing)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    driver_reply r = driver_request(d, bad[i].method, bad[i].params);
    ck_assert_msg(!r.ok && strcmp(r.status, bad[i].status) == 0, "%s %s: %s %s", bad[i].method,
                  bad[i].params, r.status, r.sentence);
    ck_assert_msg(strstr(r.sentence, bad[i].sentence) != NULL, "no '%s' in: %s", bad[i].sentence,
                  r.sentence);
    driver_reply_release(&r);
  }
  driver_reply r = driver_request(d, "actions", "{}");
  ck_assert_str_eq(driver_at(r.result, "actions"), "[]");
  driver_reply_release(&r);
  ck_assert_uint_eq(driver_calls(d, "good", "apply"), 0);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(what_is_no_request_is_refused)
{
  static const char *const rows[] = {"",
                                     "{}",
                                     "[]",
                                     "{\"method\":\"status\"}",
                                     "{\"method\":7,\"params\":{}}",
                                     "null",
                                     "{\"method\":\"status\",\"params\":{},\"more\":1}",
                                     "{\"method\":\"status\",\"params\":[]}"};
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    driver_reply r = driver_finish(driver_ask_raw(d, rows[i]));
    ck_assert_msg(r.came && !r.ok && strcmp(r.status, "invalid") == 0, "'%s': %s %s", rows[i],
                  r.status, r.sentence);
    driver_reply_release(&r);
  }
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(the_history_comes_in_pages)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  for (int i = 0; i < 3; i++) {
    driver_isolate_well(d);
    driver_release_well(d);
  }
  driver_reply r = driver_request(d, "actions", "{\"limit\":4}");
  ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r.result, "actions")), 4);
  ck_assert_str_eq(driver_at(r.result, "actions.0.generation"), "6");
  ck_assert_str_eq(driver_at(r.result, "actions.0.kind"), "release");
  ck_assert_str_eq(driver_at(r.result, "actions.0.comment"), "a test");
  ck_assert_str_eq(driver_at(r.result, "actions.3.generation"), "3");
  char params[128];
  (void)snprintf(params, sizeof(params), "{\"limit\":4,\"before\":\"%s\"}",
                 driver_at(r.result, "actions.3.id"));
  driver_reply_release(&r);
  r = driver_request(d, "actions", params);
  ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r.result, "actions")), 2);
  ck_assert_str_eq(driver_at(r.result, "actions.1.generation"), "1");
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(an_order_without_a_provider_fails_with_the_reason)
{
  static const driver_options nobody = {.providers = {NULL}};
  driver *d = driver_new(&nobody);
  driver_start(d, NULL);
  driver_reply r = driver_isolate(d);
  driver_expect(&r, "Failed", "unavailable", "no provider could isolate this device",
                "the configuration names none");
  driver_reply_release(&r);
  r = driver_release(d);
  driver_expect(&r, "Failed", "unavailable", "no provider of isolate could be asked", NULL);
  driver_reply_release(&r);
  r = driver_request(d, "status", "{}");
  ck_assert_str_eq(driver_at(r.result, "capabilities.0.capability"), "isolate");
  ck_assert_str_eq(driver_at(r.result, "capabilities.0.provider"), "null");
  ck_assert_str_eq(driver_at(r.result, "capabilities.0.reason"),
                   "the configuration names no provider");
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      isolate_and_release_do_what_they_say,
      who_waits_is_told_each_step,
      who_does_not_wait_is_answered_at_once,
      orders_run_in_the_order_of_their_creation,
      too_many_waiting_orders_are_refused,
      a_client_that_goes_away_ends_nothing,
      a_selective_isolation_passes_its_exclusions_on,
      what_makes_no_sense_is_refused_with_a_sentence_and_changes_nothing,
      what_is_no_request_is_refused,
      the_history_comes_in_pages,
      an_order_without_a_provider_fails_with_the_reason,
  };
  return driver_suite("integration.orders", tests, COUNT_OF(tests), 120);
}
