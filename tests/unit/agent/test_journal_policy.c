/* The journal about policy: what is in force, what there is to go back to, and what was seen. */
#include "journal_policy.h"

#include "entries.h"
#include "place.h"

#include <check.h>

static cd_err err;
static agent_policy_record now;
static agent_policy_record before;
static agent_policy_seen seen;

static void look(agent_journal *j, const char *root)
{
  agent_policy_record_release(&now);
  agent_policy_record_release(&before);
  ck_assert_msg(agent_journal_policy(j, root, &now, &before, &seen, &err) == CD_OK, "%s", err.text);
}

static void take(agent_journal *j, const char *root, uint64_t version, bool trial)
{
  char body[] = "{\"notify\":{\"enabled\":false}}";
  agent_policy_record r = {
      .version = version, .name = "servers", .body = body, .taken_ms = 77, .trial = trial};
  ck_assert_msg(agent_journal_policy_take(j, root, &r, version + 1, &err) == CD_OK, "%s", err.text);
}

static agent_journal *again(agent_journal *j)
{
  agent_journal_close(j);
  return open_journal();
}

START_TEST(an_empty_journal_has_no_policy)
{
  agent_journal *j = open_journal();
  look(j, "a");
  ck_assert_uint_eq(now.version, 0);
  ck_assert_uint_eq(before.version, 0);
  ck_assert_uint_eq(seen.version, 0);
  ck_assert_uint_eq(seen.refused, 0);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_policy_is_kept_and_the_one_before_it_too)
{
  agent_journal *j = open_journal();
  take(j, "a", 3, false);
  take(j, "a", 5, true);
  j = again(j);
  look(j, "a");
  ck_assert_uint_eq(now.version, 5);
  ck_assert(now.trial);
  ck_assert_str_eq(now.name, "servers");
  ck_assert_str_eq(now.body, "{\"notify\":{\"enabled\":false}}");
  ck_assert_int_eq(now.taken_ms, 77);
  ck_assert_uint_eq(before.version, 3);
  ck_assert_uint_eq(seen.version, 5);
  ck_assert_uint_eq(seen.key_generation, 6);
  agent_journal_close(j);
}
END_TEST

START_TEST(what_was_never_proven_is_not_gone_back_to)
{
  agent_journal *j = open_journal();
  take(j, "a", 3, false);
  take(j, "a", 5, true);
  take(j, "a", 6, true);
  look(j, "a");
  ck_assert_uint_eq(now.version, 6);
  ck_assert_uint_eq(before.version, 3);
  ck_assert_int_eq(agent_journal_policy_back(j, "a", 6, "the console was not reached", &err),
                   CD_OK);
  j = again(j);
  look(j, "a");
  ck_assert_uint_eq(now.version, 3);
  ck_assert(!now.trial);
  ck_assert_uint_eq(before.version, 0);
  ck_assert_uint_eq(seen.version, 6); /* nothing up to it is taken again */
  ck_assert_uint_eq(seen.refused, 6);
  ck_assert_str_eq(seen.sentence, "the console was not reached");
  agent_journal_close(j);
}
END_TEST

START_TEST(back_from_the_first_one_leads_to_none)
{
  agent_journal *j = open_journal();
  take(j, "a", 1, true);
  ck_assert_int_eq(agent_journal_policy_back(j, "a", 1, "not reached", &err), CD_OK);
  look(j, "a");
  ck_assert_uint_eq(now.version, 0);
  ck_assert_uint_eq(seen.version, 1);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_proven_one_is_gone_back_to)
{
  agent_journal *j = open_journal();
  take(j, "a", 1, true);
  ck_assert_int_eq(agent_journal_policy_proven(j, &err), CD_OK);
  take(j, "a", 2, true);
  look(j, "a");
  ck_assert_uint_eq(before.version, 1);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_refusal_is_remembered_until_one_is_taken)
{
  agent_journal *j = open_journal();
  take(j, "a", 1, false);
  ck_assert_int_eq(agent_journal_policy_refuse(j, "a", 2, "no such provider", &err), CD_OK);
  look(j, "a");
  ck_assert_uint_eq(now.version, 1);
  ck_assert_uint_eq(seen.version, 1);
  ck_assert_uint_eq(seen.refused, 2);
  ck_assert_str_eq(seen.sentence, "no such provider");
  take(j, "a", 3, false);
  look(j, "a");
  ck_assert_uint_eq(seen.refused, 0);
  ck_assert_str_eq(seen.sentence, "");
  agent_journal_close(j);
}
END_TEST

START_TEST(another_fleet_has_no_say)
{
  agent_journal *j = open_journal();
  take(j, "a", 9, false);
  look(j, "b");
  ck_assert_uint_eq(now.version, 0);
  ck_assert_uint_eq(seen.version, 0);
  ck_assert_int_eq(agent_journal_policy_forget(j, "b", &err), CD_OK);
  look(j, "a");
  ck_assert_uint_eq(now.version, 0);
  ck_assert_uint_eq(seen.version, 9); /* the way back to it is as closed as it was */
  agent_journal_close(j);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      an_empty_journal_has_no_policy,
      a_policy_is_kept_and_the_one_before_it_too,
      what_was_never_proven_is_not_gone_back_to,
      back_from_the_first_one_leads_to_none,
      a_proven_one_is_gone_back_to,
      a_refusal_is_remembered_until_one_is_taken,
      another_fleet_has_no_say,
  };
  return run_suite("agent.journal_policy", tests, COUNT_OF(tests));
}
