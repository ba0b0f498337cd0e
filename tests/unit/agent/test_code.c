/* How long somebody who gave wrong release codes waits, and what the journal remembers of them. */
#include "code.h"
#include "entries.h"
#include "journal_code.h"
#include "journal_remote.h"
#include "place.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000)
#define DAY (UINT64_C(86400) * SECOND)
#define ID "018f0000-0000-7000-8000-000000000001"

static cd_err err;

static const struct {
  unsigned attempts;
  uint64_t last_ms;
  bool this_boot;
  uint64_t now_ms;
  uint64_t wait_ms;
} waits[] = {
    {0, 0, false, 0, 0},
    {4, DAY, true, DAY, 0},
    {5, DAY, true, DAY, 30 * SECOND},
    {5, DAY, true, DAY + 29 * SECOND, 1 * SECOND},
    {5, DAY, true, DAY + 30 * SECOND, 0},
    {6, DAY, true, DAY, 60 * SECOND},
    {8, DAY, true, DAY, 240 * SECOND},
    {11, DAY, true, DAY, 1920 * SECOND},
    {12, DAY, true, DAY, 3600 * SECOND},
    {19, DAY, true, DAY, 3600 * SECOND},
    {UINT32_MAX, DAY, true, DAY, 3600 * SECOND},
    /* Another run of the machine: the wait began with this one. */
    {5, DAY, false, 10 * SECOND, 20 * SECOND},
    {19, 5, false, 10 * SECOND, 3590 * SECOND},
    {19, 5, false, DAY, 0},
    /* A clock that is behind what was noted is another one, whatever the boot says. */
    {5, DAY, true, 10 * SECOND, 20 * SECOND},
};

START_TEST(waits_grow_and_no_clock_ends_them_but_the_monotonic_one)
{
  for (size_t i = 0; i < COUNT_OF(waits); i++) {
    uint64_t wait_ms = agent_code_wait_ms(waits[i].attempts, waits[i].last_ms, waits[i].this_boot,
                                          waits[i].now_ms);
    ck_assert_msg(wait_ms == waits[i].wait_ms, "row %zu: %llu", i, (unsigned long long)wait_ms);
  }
}
END_TEST

START_TEST(attempts_stay_until_the_isolation_is_forgotten)
{
  agent_code_record r = {.attempts = 9};
  agent_journal *j = open_journal();
  ck_assert_int_eq(agent_journal_code(j, ID, &r, &err), CD_OK);
  ck_assert_uint_eq(r.attempts, 0);
  ck_assert_int_eq(agent_journal_code_attempt(j, ID, "boot-1", 17, &err), CD_OK);
  ck_assert_int_eq(agent_journal_code_attempt(j, ID, "boot-2", 5, &err), CD_OK);
  agent_journal_close(j);
  j = open_journal();
  ck_assert_int_eq(agent_journal_code(j, ID, &r, &err), CD_OK);
  ck_assert_uint_eq(r.attempts, 2);
  ck_assert_uint_eq(r.last_ms, 5);
  ck_assert_str_eq(r.boot, "boot-2");
  ck_assert_int_eq(r.used_ms, 0);
  ck_assert_int_eq(agent_journal_code_used(j, ID, 99, &err), CD_OK);
  ck_assert_int_eq(agent_journal_code(j, ID, &r, &err), CD_OK);
  ck_assert_int_eq(r.used_ms, 99);
  /* No action has this id: the next pruning takes it. */
  for (int i = 0; i < 64; i++)
    agent_action_free(place_order(j, AGENT_KIND_RELEASE));
  ck_assert_int_eq(agent_journal_code(j, ID, &r, &err), CD_OK);
  ck_assert_uint_eq(r.attempts, 0);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_refused_order_is_history_and_goes_to_the_console)
{
  agent_action *read = NULL;
  agent_outgoing out = {0};
  agent_journal *j = open_journal();
  agent_action *isolation = place_order(j, AGENT_KIND_ISOLATE);
  agent_action *a = make_action(AGENT_KIND_RELEASE);
  agent_journal_reporting(j, true);
  a->status = AGENT_FAILED;
  a->outcome = CD_E_DENIED;
  a->ended_ms = 7;
  a->generation = 1;
  ck_assert(agent_text_set(&a->sentence, CD_STR("wrong")));
  ck_assert_msg(agent_journal_refused(j, a, &err) == CD_OK, "%s", err.text);
  expect_wanted(j, true, 1, isolation->id);
  ck_assert_uint_eq(count_open(j), 1);
  ck_assert_int_eq(agent_journal_action(j, a->id, &read, &err), CD_OK);
  ck_assert_int_eq(read->status, AGENT_FAILED);
  ck_assert_int_eq(read->outcome, CD_E_DENIED);
  ck_assert_str_eq(read->sentence, "wrong");
  ck_assert_int_eq(agent_journal_outbox_next(j, 0, &out, &err), CD_OK);
  ck_assert_str_eq(out.action, a->id);
  agent_outgoing_release(&out);
  agent_action_free(read);
  agent_action_free(a);
  agent_action_free(isolation);
  agent_journal_close(j);
}
END_TEST

typedef struct owners {
  unsigned count;
  char first[CD_ID_SIZE];
} owners;

static bool each_owner(void *context, const char *action, cd_str terms)
{
  owners *o = context;
  ck_assert(cd_str_eq_cstr(terms, "{}"));
  if (o->count++ == 0)
    (void)cd_str_copy(o->first, sizeof(o->first), cd_str_from(action));
  return true;
}

START_TEST(only_isolations_of_the_console_own_codes)
{
  static const agent_order_source source = {.root = "0123", .key_generation = 3};
  owners o = {0};
  char last[CD_ID_SIZE] = "";
  agent_journal *j = open_journal();
  agent_action_free(place_order(j, AGENT_KIND_ISOLATE));
  for (uint64_t i = 2; i < 6; i++) {
    agent_action *a = make_action(i == 3 ? AGENT_KIND_RELEASE : AGENT_KIND_ISOLATE);
    a->console = true;
    a->generation = i;
    ck_assert(agent_text_set(&a->terms, CD_STR("{}")));
    agent_wanted w = wanted_of(a);
    ck_assert_msg(agent_journal_order_taken(j, a, &w, &source, &err) == CD_OK, "%s", err.text);
    (void)cd_str_copy(last, sizeof(last), cd_str_from(a->id));
    agent_action_free(a);
  }
  ck_assert_int_eq(agent_journal_code_owners(j, 10, each_owner, &o, &err), CD_OK);
  ck_assert_uint_eq(o.count, 3);
  ck_assert_str_eq(o.first, last);
  agent_journal_close(j);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {waits_grow_and_no_clock_ends_them_but_the_monotonic_one,
                                attempts_stay_until_the_isolation_is_forgotten,
                                a_refused_order_is_history_and_goes_to_the_console,
                                only_isolations_of_the_console_own_codes};
  return run_suite("agent.code", tests, COUNT_OF(tests));
}
