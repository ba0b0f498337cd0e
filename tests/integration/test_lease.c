/* How long an isolation lasts: leases, consoles that are lost, consoles that the rules keep away.
 * The tests move the agent's clock (driver_set_clock); no time passes. */
#include "console.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HOUR_MS (INT64_C(3600) * 1000)

static const driver_options good = {.providers = {"good"}};

typedef struct pair {
  console *c;
  driver *d;
} pair;

static int64_t real_uptime_ms(void)
{
  struct timespec now;
  ck_assert_int_eq(clock_gettime(CLOCK_BOOTTIME, &now), 0);
  return (int64_t)now.tv_sec * 1000;
}

static int64_t now_ms(void)
{
  struct timespec now;
  ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_connected(driver *d, const void *yes)
{
  driver_reply r = driver_request(d, "status", "{}");
  bool connected = strcmp(driver_at(r.result, "console.connection"), "connected") == 0;
  driver_reply_release(&r);
  return connected == (yes != NULL);
}

static pair begin(const driver_options *options)
{
  pair p = {.c = console_new(), .d = driver_new(options)};
  cd_buf params = CD_BUF_INIT(128 * 1024);
  char *token = console_token(p.c);
  driver_start(p.d, NULL);
  cd_buf_addf(&params, "{\"token\":%s}", token);
  driver_reply r = driver_request(p.d, "enroll", cd_buf_cstr(&params));
  ck_assert_msg(r.ok, "%s", r.sentence);
  driver_reply_release(&r);
  cd_buf_release(&params);
  free(token);
  driver_wait(p.d, is_connected, "yes", "the device is connected");
  return p;
}

static void end(pair *p)
{
  driver_stop(p->d);
  driver_free(p->d);
  console_free(p->c);
}

/* The console isolates with these terms, members of the parameters. */
static void isolate(pair *p, uint64_t generation, const char *terms)
{
  char parameters[512];
  char settled[CD_ID_SIZE + 4];
  cd_order o = console_order(p->c, CD_ORDER_ISOLATE, generation);
  (void)snprintf(parameters, sizeof(parameters), "{\"type\":\"full\",\"exclusions\":[]%s%s}",
                 terms[0] != '\0' ? "," : "", terms);
  o.parameters = cd_str_from(parameters);
  console_send(p->c, &o, false);
  (void)snprintf(settled, sizeof(settled), "%s", o.action);
  driver_wait_state(p->d, "wanted.action", settled);
  driver_wait_state(p->d, "proven.value", "holds");
}

static void isolate_for_an_hour(pair *p, uint64_t generation)
{
  char terms[128];
  (void)snprintf(terms, sizeof(terms), "\"lease\":{\"until\":%" PRId64 "}", now_ms() + HOUR_MS);
  isolate(p, generation, terms);
}

typedef struct awaited {
  console *c;
  char action[CD_ID_SIZE];
} awaited;

static bool has_result(driver *d, const void *context)
{
  const awaited *a = context;
  return console_result(a->c, a->action, NULL);
}

/* The last action is a release by this user; the console is told of it. */
static void expect_released_by(pair *p, const char *user)
{
  awaited a = {.c = p->c};
  driver_wait_state(p->d, "wanted.value", "released");
  driver_wait_state(p->d, "enforced.value", "released");
  driver_reply r = driver_request(p->d, "actions", "{}");
  ck_assert_str_eq(driver_at(r.result, "actions.0.kind"), "release");
  ck_assert_str_eq(driver_at(r.result, "actions.0.requestor.user"), user);
  ck_assert_str_eq(driver_at(r.result, "actions.0.requestor.source"), "local");
  (void)snprintf(a.action, sizeof(a.action), "%s", driver_at(r.result, "actions.0.id"));
  driver_reply_release(&r);
  ck_assert_str_eq(driver_device(p->d, "good"), "");
  driver_wait(p->d, has_result, &a, "the console is told");
}

START_TEST(an_isolation_ends_with_its_lease)
{
  pair p = begin(&good);
  isolate_for_an_hour(&p, 5);
  ck_assert_str_ne(driver_state(p.d, "wanted.lease_until"), "null");
  driver_expect_state(p.d, "wanted.lost_console.rule", "keep");
  driver_expect_state(p.d, "wanted.unreachable.after_s", "60");
  driver_set_clock(p.d, HOUR_MS + 1000, 0, NULL);
  expect_released_by(&p, "lease");
  driver_expect_state(p.d, "wanted.generation", "6");
  ck_assert_uint_eq(driver_calls(p.d, "good", "apply"), 1);
  end(&p);
}
END_TEST

START_TEST(a_stepped_wall_clock_changes_nothing)
{
  pair p = begin(&good);
  isolate_for_an_hour(&p, 5);
  /* Forward, with a new agent that looks before it serves. */
  driver_set_clock(p.d, 0, 10 * HOUR_MS, NULL);
  driver_kill(p.d);
  driver_start(p.d, NULL);
  driver_expect_state(p.d, "wanted.value", "isolated");
  /* Back: it ends all the same. */
  driver_set_clock(p.d, HOUR_MS + 1000, -10 * HOUR_MS, NULL);
  expect_released_by(&p, "lease");
  end(&p);
}
END_TEST

START_TEST(an_agent_that_was_killed_across_the_end_releases_first)
{
  pair p = begin(&good);
  isolate_for_an_hour(&p, 5);
  driver_kill(p.d);
  driver_set_clock(p.d, HOUR_MS + 1000, 0, NULL);
  driver_start(p.d, NULL);
  expect_released_by(&p, "lease");
  ck_assert(driver_logged(p.d, "before the agent began"));
  ck_assert_uint_eq(driver_calls(p.d, "good", "apply"), 1);
  end(&p);
}
END_TEST

START_TEST(a_device_that_was_off_past_the_end_releases_when_it_starts)
{
  pair p = begin(&good);
  isolate_for_an_hour(&p, 5);
  driver_kill(p.d);
  driver_set_clock(p.d, 20000 - real_uptime_ms(), HOUR_MS + 1000, "another-boot");
  driver_start(p.d, NULL);
  expect_released_by(&p, "lease");
  end(&p);
}
END_TEST

START_TEST(a_clock_set_back_over_a_restart_does_not_hold_for_ever)
{
  pair p = begin(&good);
  isolate_for_an_hour(&p, 5);
  driver_kill(p.d);
  /* No console corrects it. */
  console_set_impostor(p.c, true);
  driver_set_clock(p.d, 20000 - real_uptime_ms(), -10 * HOUR_MS, "another-boot");
  driver_start(p.d, NULL);
  driver_expect_state(p.d, "wanted.value", "isolated");
  driver_set_clock(p.d, 20000 - real_uptime_ms() + HOUR_MS, -10 * HOUR_MS, "another-boot");
  driver_wait_state(p.d, "wanted.value", "released");
  console_set_impostor(p.c, false);
  expect_released_by(&p, "lease");
  end(&p);
}
END_TEST

START_TEST(a_renewal_takes_the_place_of_the_lease)
{
  pair p = begin(&good);
  isolate_for_an_hour(&p, 5);
  char terms[128];
  (void)snprintf(terms, sizeof(terms), "\"lease\":{\"until\":%" PRId64 "}", now_ms() + 3 * HOUR_MS);
  isolate(&p, 6, terms);
  driver_set_clock(p.d, 2 * HOUR_MS, 0, NULL);
  driver_kill(p.d);
  driver_start(p.d, NULL);
  driver_expect_state(p.d, "wanted.value", "isolated");
  driver_set_clock(p.d, 3 * HOUR_MS + 1000, 0, NULL);
  expect_released_by(&p, "lease");
  end(&p);
}
END_TEST

START_TEST(a_lost_console_counts_from_when_it_was_heard)
{
  pair p = begin(&good);
  isolate(&p, 5, "\"lost_console\":{\"rule\":\"release\",\"after_s\":3600}");
  /* While it is there no time counts. */
  driver_set_clock(p.d, 2 * HOUR_MS, 0, NULL);
  console_set_impostor(p.c, true);
  console_hang_up(p.c);
  driver_wait(p.d, is_connected, NULL, "the connection is gone");
  driver_kill(p.d);
  driver_start(p.d, NULL);
  driver_expect_state(p.d, "wanted.value", "isolated");
  driver_set_clock(p.d, 3 * HOUR_MS + 1000, 0, NULL);
  driver_wait_state(p.d, "wanted.value", "released");
  console_set_impostor(p.c, false);
  expect_released_by(&p, "lost-console");
  end(&p);
}
END_TEST

START_TEST(rules_that_keep_the_console_away_are_rolled_back)
{
  static const driver_options drops = {.providers = {"good"},
                                       .settings = {"\"console_dropped\":7"}};
  pair p = begin(&drops);
  console_set_acks(p.c, false); /* nothing is heard once the rules are in force */
  isolate(&p, 5, "\"unreachable\":{\"rule\":\"release\",\"after_s\":10}");
  driver_set_clock(p.d, 11000, 0, NULL);
  driver_wait_log(p.d, "they dropped 7 packets of the agent's own; rolled back, attempt 1");
  console_set_acks(p.c, true);
  expect_released_by(&p, "unreachable");
  /* Through these it is heard, so that they stay. */
  isolate(&p, 7, "\"unreachable\":{\"rule\":\"release\",\"after_s\":10}");
  driver_set_clock(p.d, 60000, 0, NULL);
  driver_release_well(p.d);
  ck_assert(!driver_logged(p.d, "attempt 2"));
  end(&p);
}
END_TEST

START_TEST(a_console_that_is_down_does_not_end_the_isolation)
{
  static const driver_options drops_none = {.providers = {"good"},
                                            .settings = {"\"console_dropped\":0"}};
  pair p = begin(&drops_none);
  console_set_acks(p.c, false);
  isolate(&p, 5, "\"unreachable\":{\"rule\":\"release\",\"after_s\":10}");
  driver_set_clock(p.d, 11000, 0, NULL);
  driver_wait_log(p.d, "they dropped nothing that was for one: the isolation is kept");
  driver_expect_state(p.d, "wanted.value", "isolated");
  driver_expect_state(p.d, "enforced.value", "isolated");
  console_set_acks(p.c, true);
  end(&p);
}
END_TEST

START_TEST(a_lease_given_here_is_renewed_here)
{
  driver *d = driver_new(&good);
  driver_start(d, NULL);
  driver_reply r = driver_request(d, "renew", "{\"lease_s\":60}");
  ck_assert_str_eq(r.status, "conflict");
  driver_reply_release(&r);
  r = driver_request(d, "isolate",
                     "{\"type\":\"selective\",\"exclusions\":[{\"direction\":\"out\",\"address\":"
                     "\"192.0.2.9\"}],\"lease_s\":60,\"wait\":true,"
                     "\"lost_console\":{\"rule\":\"release\",\"after_s\":7200}}");
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  driver_reply_release(&r);
  r = driver_request(d, "renew", "{\"lease_s\":3600,\"wait\":true,\"comment\":\"longer\"}");
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.params.exclusions.0.address"), "192.0.2.9");
  driver_reply_release(&r);
  driver_expect_state(d, "wanted.lost_console.after_s", "7200");
  driver_set_clock(d, 120000, 0, NULL);
  driver_kill(d);
  driver_start(d, NULL);
  driver_expect_state(d, "wanted.value", "isolated");
  driver_set_clock(d, HOUR_MS + 5000, 0, NULL);
  driver_wait_state(d, "wanted.value", "released");
  driver_wait_state(d, "enforced.value", "released");
  driver_stop(d);
  driver_free(d);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      an_isolation_ends_with_its_lease,
      a_stepped_wall_clock_changes_nothing,
      an_agent_that_was_killed_across_the_end_releases_first,
      a_device_that_was_off_past_the_end_releases_when_it_starts,
      a_clock_set_back_over_a_restart_does_not_hold_for_ever,
      a_renewal_takes_the_place_of_the_lease,
      a_lost_console_counts_from_when_it_was_heard,
      rules_that_keep_the_console_away_are_rolled_back,
      a_console_that_is_down_does_not_end_the_isolation,
      a_lease_given_here_is_renewed_here,
  };
  return driver_suite("integration.lease", tests, COUNT_OF(tests), 180);
}
