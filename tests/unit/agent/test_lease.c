/* The clock of leases, with times as a device might see them; when what is due; what is saved. */
#include "journal_lease.h"
#include "lost.h"

#include "entries.h"
#include "place.h"

#include "base/clock.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000)
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define T0 (INT64_C(1795493300) * S) /* when the first boot's clock began to be read */

static cd_err err;

static agent_now reading(const char *boot, int64_t uptime_ms, int64_t wall_ms)
{
  agent_now now = {.uptime_ms = uptime_ms, .wall_ms = wall_ms};
  (void)snprintf(now.boot, sizeof(now.boot), "%s", boot);
  return now;
}

/* Readings one after the other, and what was counted behind the last. */
typedef struct journey {
  const char *what;
  struct {
    const char *boot; /* NULL: no more */
    int64_t uptime_ms;
    int64_t wall_ms; /* from T0 on */
  } readings[5];
  int64_t elapsed_ms;
} journey;

static const journey journeys[] = {
    {"time passes", {{"a", 100 * S, 0}, {"a", 160 * S, 60 * S}}, 60 * S},
    {"stepped forward", {{"a", 100 * S, 0}, {"a", 160 * S, 10 * DAY}}, 60 * S},
    {"stepped back", {{"a", 100 * S, 0}, {"a", 160 * S, -10 * DAY}}, 60 * S},
    {"stepped both ways",
     {{"a", 100 * S, 0}, {"a", 110 * S, DAY}, {"a", 120 * S, -DAY}, {"a", 130 * S, 30 * S}},
     30 * S},
    {"suspended: the time since the boot goes on",
     {{"a", 100 * S, 0}, {"a", 100 * S + 8 * HOUR, 8 * HOUR}},
     8 * HOUR},
    {"off for a night", {{"a", 100 * S, 0}, {"b", 20 * S, 9 * HOUR}}, 9 * HOUR},
    {"off, and the clock lost its battery",
     {{"a", 100 * S, 0}, {"b", 20 * S, -20 * 365 * DAY}},
     20 * S},
    {"restarted at once", {{"a", 100 * S, 0}, {"b", 20 * S, 21 * S}}, 21 * S},
    {"the clock is set within the new boot",
     {{"a", 100 * S, 0}, {"b", 20 * S, -20 * 365 * DAY}, {"b", 50 * S, 9 * HOUR}},
     50 * S},
    {"stepped forward, seen, and then restarted",
     {{"a", 100 * S, 0}, {"a", 105 * S, DAY}, {"b", 20 * S, DAY + 30 * S}},
     35 * S},
    {"stepped back, seen, and then off for an hour",
     {{"a", 100 * S, 0}, {"a", 105 * S, -DAY}, {"b", 20 * S, -DAY + HOUR}},
     5 * S + HOUR},
    {"many short boots without a battery",
     {{"a", 0, 0}, {"b", 600 * S, -DAY}, {"c", 600 * S, -DAY}, {"d", 600 * S, -DAY}},
     1800 * S},
    {"the time since the boot went back: a machine from a snapshot",
     {{"a", 100 * S, 0}, {"a", 40 * S, HOUR}, {"a", 50 * S, HOUR}},
     10 * S},
};

START_TEST(it_counts_what_passed_whatever_the_wall_clock_says)
{
  for (size_t i = 0; i < sizeof(journeys) / sizeof(journeys[0]); i++) {
    const journey *j = &journeys[i];
    agent_clock c = {0};
    for (size_t r = 0; r < 5 && j->readings[r].boot != NULL; r++) {
      agent_now now =
          reading(j->readings[r].boot, j->readings[r].uptime_ms, T0 + j->readings[r].wall_ms);
      int64_t before = c.elapsed_ms;
      agent_clock_advance(&c, &now);
      ck_assert_msg(c.elapsed_ms >= before, "%s: it went back", j->what);
    }
    ck_assert_msg(c.elapsed_ms == j->elapsed_ms, "%s: %lld instead of %lld", j->what,
                  (long long)c.elapsed_ms, (long long)j->elapsed_ms);
  }
}
END_TEST

START_TEST(a_console_corrects_it)
{
  agent_clock c = {0};
  agent_now now = reading("a", 100 * S, T0 - DAY);
  agent_clock_advance(&c, &now);
  ck_assert_int_eq(agent_clock_console_ms(&c), T0 - DAY);
  agent_clock_correct(&c, T0);
  ck_assert_int_eq(agent_clock_console_ms(&c), T0);
  now = reading("a", 160 * S, T0 + 7 * DAY);
  agent_clock_advance(&c, &now);
  ck_assert_int_eq(agent_clock_console_ms(&c), T0 + 60 * S);
  ck_assert_int_eq(c.elapsed_ms, 60 * S);
  agent_clock_correct(&c, T0 + 50 * S);
  ck_assert_int_eq(agent_clock_console_ms(&c), T0 + 50 * S);
  ck_assert_int_eq(c.elapsed_ms, 60 * S);
}
END_TEST

START_TEST(it_is_saved_when_a_loss_of_power_would_cost_something)
{
  agent_clock saved = {0};
  agent_now now = reading("a", 100 * S, T0);
  agent_clock_advance(&saved, &now);
  agent_clock c = saved;
  now = reading("a", 400 * S, T0 + 301 * S);
  agent_clock_advance(&c, &now);
  ck_assert(!agent_clock_stale(&saved, &c, 600 * S));
  ck_assert(agent_clock_stale(&saved, &c, 299 * S));
  now = reading("a", 401 * S, T0 + HOUR);
  agent_clock_advance(&c, &now);
  ck_assert(agent_clock_stale(&saved, &c, 600 * S));
  c = saved;
  now = reading("b", 1 * S, T0 + 2 * S);
  agent_clock_advance(&c, &now);
  ck_assert(agent_clock_stale(&saved, &c, 600 * S));
}
END_TEST

START_TEST(a_lease_is_measured_by_the_clock_of_who_gave_it)
{
  cd_terms t = {.lease_until_ms = T0 + HOUR};
  agent_lease_record r = {.clock = {.elapsed_ms = 5 * S, .offset_ms = T0}, .offset_ms = T0 - DAY};
  ck_assert_int_eq(agent_lease_ends_ms(&t, &r, true), HOUR);
  /* The console corrected the clock by a day since; what was given here is not moved by that. */
  ck_assert_int_eq(agent_lease_ends_ms(&t, &r, false), HOUR + DAY);
  t.lease_until_ms = 0;
  ck_assert_int_eq(agent_lease_ends_ms(&t, &r, true), AGENT_NEVER_MS);
}
END_TEST

START_TEST(a_console_is_lost_after_its_time)
{
  cd_terms t = {.lost_after_s = 3600};
  agent_lease_record r = {.since_ms = 100 * S, .heard_ms = 40 * S};
  ck_assert_int_eq(agent_lost_due_ms(&t, &r, 0), 100 * S + HOUR);
  r.heard_ms = 500 * S;
  ck_assert_int_eq(agent_lost_due_ms(&t, &r, 0), 500 * S + HOUR);
  /* A device that was off tries first. */
  ck_assert_int_eq(agent_lost_due_ms(&t, &r, DAY), DAY + AGENT_LOST_TRY_MS);
  t.lost_after_s = 60;
  ck_assert_int_eq(agent_lost_due_ms(&t, &r, DAY), DAY + 60 * S);
  t.lost_after_s = 0;
  ck_assert_int_eq(agent_lost_due_ms(&t, &r, 0), AGENT_NEVER_MS);
}
END_TEST

START_TEST(rules_have_their_time_to_let_a_console_through)
{
  cd_terms t;
  agent_lease_record r = {0};
  cd_terms_init(&t);
  ck_assert_int_eq(agent_unreachable_due_ms(&t, &r, -1), AGENT_NEVER_MS);
  ck_assert_int_eq(agent_unreachable_due_ms(&t, &r, 7 * S), 67 * S);
  r.reached = true;
  ck_assert_int_eq(agent_unreachable_due_ms(&t, &r, 7 * S), AGENT_NEVER_MS);
  r.reached = false;
  t.unreachable_after_s = 0;
  ck_assert_int_eq(agent_unreachable_due_ms(&t, &r, 7 * S), AGENT_NEVER_MS);
}
END_TEST

START_TEST(the_record_survives)
{
  agent_lease_record r = {
      .heard_ms = 3,
      .connected = true,
      .since_ms = 4,
      .offset_ms = -5,
      .reached = true,
      .rollbacks = 2,
      .clock = {.last = reading("boot", 1, T0), .elapsed_ms = 6, .offset_ms = T0}};
  agent_lease_record back = {.rollbacks = 77};
  agent_journal *j = open_journal();
  ck_assert_int_eq(agent_journal_lease(j, &back, &err), CD_OK);
  ck_assert_str_eq(back.clock.last.boot, "");
  ck_assert_uint_eq(back.rollbacks, 0);
  ck_assert_int_eq(cd_id_make(r.action, &err), CD_OK);
  ck_assert_int_eq(agent_journal_lease_set(j, &r, &err), CD_OK);
  r.rollbacks = 3;
  ck_assert_int_eq(agent_journal_lease_set(j, &r, &err), CD_OK);
  agent_journal_close(j);
  j = open_journal();
  ck_assert_int_eq(agent_journal_lease(j, &back, &err), CD_OK);
  ck_assert_str_eq(back.action, r.action);
  ck_assert_str_eq(back.clock.last.boot, "boot");
  ck_assert_int_eq(back.clock.last.uptime_ms, 1);
  ck_assert_int_eq(back.clock.last.wall_ms, T0);
  ck_assert_int_eq(back.clock.elapsed_ms, 6);
  ck_assert_int_eq(back.clock.offset_ms, T0);
  ck_assert_int_eq(back.heard_ms, 3);
  ck_assert_int_eq(back.since_ms, 4);
  ck_assert_int_eq(back.offset_ms, -5);
  ck_assert_uint_eq(back.rollbacks, 3);
  ck_assert(back.connected && back.reached);
  agent_journal_close(j);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      it_counts_what_passed_whatever_the_wall_clock_says,
      a_console_corrects_it,
      it_is_saved_when_a_loss_of_power_would_cost_something,
      a_lease_is_measured_by_the_clock_of_who_gave_it,
      a_console_is_lost_after_its_time,
      rules_have_their_time_to_let_a_console_through,
      the_record_survives,
  };
  return run_suite("agent.lease", tests, COUNT_OF(tests));
}
