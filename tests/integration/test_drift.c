/* What others do to the device: noticed, counted, repaired, proven again. */
#include "driver.h"

#include <stdio.h>
#include <string.h>

/* With a watch the timer plays no part. */
static const driver_options watched = {.providers = {"good"}, .interval_s = 86400};
static const driver_options unwatched = {.providers = {"old_struct"}, .interval_s = 5};

static bool is_repaired(driver *d, const void *member)
{
  return strncmp(driver_device(d, member), "isolated ", 9) == 0 &&
         strcmp(driver_state(d, "enforced.value"), "isolated") == 0 &&
         strcmp(driver_state(d, "proven.value"), "holds") == 0;
}

static void expect_drifts(driver *d, const char *count, const char *note)
{
  ck_assert_str_eq(driver_state(d, "drift.count"), count);
  ck_assert_msg(strstr(driver_state(d, "drift.note"), note) != NULL, "no '%s' in '%s'", note,
                driver_state(d, "drift.note"));
  ck_assert_str_ne(driver_state(d, "drift.last"), "null");
}

static void tamper(driver *d, const char *member, const char *text, const char *count,
                   const char *note)
{
  driver_set_device(d, member, text);
  driver_wait_state(d, "drift.count", count);
  driver_wait(d, is_repaired, member, "the device is repaired and proven");
  expect_drifts(d, count, note);
}

START_TEST(watch_notices_each_change_and_it_is_repaired)
{
  driver *d = driver_new(&watched);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_wait_state(d, "watch", "watching");
  tamper(d, "good", NULL, "1", "wanted isolated, found released");
  tamper(d, "good", "something else\n", "2", "wanted isolated, found partial");
  tamper(d, "good", "isolated elsewhere\n", "3", "wanted isolated, found other rules");
  driver_expect_state(d, "wanted.generation", "1");
  driver_reply r = driver_request(d, "actions", "{}");
  ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(r.result, "actions")), 1);
  driver_reply_release(&r);
  driver_release_well(d);
  expect_drifts(d, "3", "other rules");
  driver_stop(d);
  driver_start(d, NULL);
  expect_drifts(d, "3", "other rules");
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_change_that_is_none_is_looked_at_and_that_is_all)
{
  driver *d = driver_new(&watched);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_wait_state(d, "watch", "watching");
  char device[256];
  (void)snprintf(device, sizeof(device), "%s", driver_device(d, "good"));
  unsigned applied = driver_calls(d, "good", "apply");
  driver_set_device(d, "good", "something else\n");
  driver_set_device(d, "good", device);
  driver_release_well(d);
  ck_assert_uint_le(driver_calls(d, "good", "apply"), applied + 1);
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* Adds a line behind the state that is in force. */
static void add_line(driver *d, const char *line)
{
  char state[512];
  (void)snprintf(state, sizeof(state), "%s%s\n", driver_device(d, "good"), line);
  driver_set_device(d, "good", state);
}

typedef struct calls {
  const char *function;
  unsigned above;
} calls;

static bool called_more(driver *d, const void *wanted)
{
  const calls *c = wanted;
  return driver_calls(d, "good", c->function) > c->above;
}

START_TEST(at_each_change_of_the_network_it_is_proven_again)
{
  driver *d = driver_new(&watched);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_wait_state(d, "watch", "watching");
  for (int i = 0; i < 3; i++) {
    calls verified = {"verify", driver_calls(d, "good", "verify")};
    unsigned applied = driver_calls(d, "good", "apply");
    add_line(d, "network");
    driver_wait(d, called_more, &verified, "it is proven again");
    ck_assert_uint_eq(driver_calls(d, "good", "apply"), applied);
  }
  driver_expect_state(d, "drift.count", "0");
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(what_only_wants_to_be_made_again_is_no_drift)
{
  driver *d = driver_new(&watched);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_wait_state(d, "watch", "watching");
  calls applied = {"apply", driver_calls(d, "good", "apply")};
  add_line(d, "renew");
  driver_wait(d, called_more, &applied, "it is applied again");
  driver_wait(d, is_repaired, "good", "the device is as it was, and proven");
  driver_expect_state(d, "drift.count", "0");
  ck_assert_ptr_null(strstr(driver_device(d, "good"), "renew"));
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(without_a_watch_the_timer_notices)
{
  driver *d = driver_new(&unwatched);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_wait_state(d, "watch", "timer only");
  tamper(d, "old_struct", NULL, "1", "wanted isolated, found released");
  tamper(d, "old_struct", "isolated elsewhere\n", "2", "other rules");
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(what_happened_while_the_agent_was_down_is_noticed_at_its_start)
{
  driver *d = driver_new(&watched);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_stop(d);
  driver_set_device(d, "good", NULL);
  driver_start(d, NULL);
  driver_wait(d, is_repaired, "good", "the device is repaired and proven");
  expect_drifts(d, "1", "wanted isolated, found released");
  driver_kill(d);
  driver_set_device(d, "good", "isolated elsewhere\n");
  driver_start(d, NULL);
  driver_wait(d, is_repaired, "good", "the device is repaired and proven");
  driver_wait_state(d, "drift.count", "2");
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(what_nobody_wants_is_released)
{
  driver *d = driver_new(&watched);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_release_well(d);
  driver_stop(d);
  driver_set_device(d, "good", "isolated elsewhere\n");
  driver_start(d, NULL);
  driver_wait_state(d, "drift.count", "1");
  driver_wait_state(d, "proven.value", "released");
  ck_assert_str_eq(driver_device(d, "good"), "");
  expect_drifts(d, "1", "wanted released, found isolated");
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_device_that_never_had_an_order_is_left_alone)
{
  driver *d = driver_new(&watched);
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "released");
  driver_stop(d);
  driver_set_device(d, "good", "isolated elsewhere\n");
  driver_start(d, NULL);
  driver_wait_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "enforced.note",
                      "in force without an order on record; it is left as it is");
  driver_expect_state(d, "drift.count", "0");
  ck_assert_str_eq(driver_device(d, "good"), "isolated elsewhere\n");
  driver_stop(d);
  driver_free(d);
}
END_TEST

START_TEST(a_storm_of_changes_ends_as_ordered)
{
  driver *d = driver_new(&watched);
  driver_start(d, NULL);
  driver_isolate_well(d);
  driver_wait_state(d, "watch", "watching");
  for (int i = 0; i < 200; i++)
    driver_set_device(d, "good", i % 2 == 0 ? NULL : "isolated elsewhere\n");
  driver_wait(d, is_repaired, "good", "the device is repaired and proven");
  driver_release_well(d);
  ck_assert_str_eq(driver_device(d, "good"), "");
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* A device on which the proof fails stays isolated, and says so. */
START_TEST(what_cannot_be_proven_is_kept_and_said)
{
  driver *d = driver_new(&(driver_options){
      .providers = {"good"}, .settings = {"\"verify\":\"fails\""}, .interval_s = 5});
  driver_start(d, NULL);
  driver_reply r = driver_isolate(d);
  driver_expect(&r, "Failed", "unverified", "it is in force, but could not be shown to hold",
                "a probe got through");
  driver_reply_release(&r);
  driver_expect_state(d, "wanted.value", "isolated");
  driver_expect_state(d, "enforced.value", "isolated");
  driver_expect_state(d, "proven.value", "fails");
  driver_expect_state(d, "proven.note", "a probe got through");
  driver_stop(d);
  driver_configure(d, &(driver_options){.providers = {"good"}, .interval_s = 5});
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "drift.count", "0");
  driver_release_well(d);
  driver_stop(d);
  driver_free(d);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      watch_notices_each_change_and_it_is_repaired,
      a_change_that_is_none_is_looked_at_and_that_is_all,
      at_each_change_of_the_network_it_is_proven_again,
      what_only_wants_to_be_made_again_is_no_drift,
      without_a_watch_the_timer_notices,
      what_happened_while_the_agent_was_down_is_noticed_at_its_start,
      what_nobody_wants_is_released,
      a_device_that_never_had_an_order_is_left_alone,
      a_storm_of_changes_ends_as_ordered,
      what_cannot_be_proven_is_kept_and_said,
  };
  return driver_suite("integration.drift", tests, COUNT_OF(tests), 120);
}
