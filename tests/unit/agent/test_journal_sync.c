/* What is on the disk before somebody acts on it, and what goes there with that. */
#include "journal.h"
#include "journal_lease.h"
#include "journal_remote.h"

#include "../syncs.h"
#include "entries.h"
#include "place.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>

static cd_err err;

/* A WAL's first frame is synced with its header: after it, a sync is a transaction's own. */
static agent_journal *open_written(void)
{
  agent_journal *j = open_journal();
  agent_action *a = place_order(j, AGENT_KIND_ISOLATE);
  agent_action_free(a);
  return j;
}

static void hold(agent_journal *j, const char *digest)
{
  agent_holder h = {.plugin = "org.a", .current = true};
  (void)snprintf(h.digest, sizeof(h.digest), "%s", digest);
  ck_assert_int_eq(agent_journal_hold(j, AGENT_CAP_ISOLATE, &h, &err), CD_OK);
}

static void start(agent_journal *j, agent_kind kind)
{
  agent_action *a = place_order(j, kind);
  syncs = 0;
  a->status = AGENT_IN_PROGRESS;
  ck_assert_int_eq(agent_journal_started(j, a, &err), CD_OK);
  agent_action_free(a);
}

START_TEST(an_order_and_whom_it_asks_are_synced)
{
  agent_journal *j = open_written();
  syncs = 0;
  agent_action *a = place_order(j, AGENT_KIND_ISOLATE);
  ck_assert_uint_eq(syncs, 1);
  hold(j, "");
  ck_assert_uint_eq(syncs, 2);
  agent_action_free(a);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_job_is_synced_before_it_begins)
{
  static const agent_kind kinds[] = {AGENT_KIND_COLLECT, AGENT_KIND_SCAN, AGENT_KIND_REMEDIATE};
  agent_journal *j = open_written();
  for (size_t i = 0; i < COUNT_OF(kinds); i++) {
    start(j, kinds[i]);
    ck_assert_uint_eq(syncs, 1);
  }
  agent_journal_close(j);
}
END_TEST

START_TEST(the_steps_between_go_with_the_next_that_is_synced)
{
  const agent_lease_record lease = {.action = "a"};
  agent_journal *j = open_written();
  start(j, AGENT_KIND_ISOLATE);
  ck_assert_int_eq(agent_journal_lease_begin(j, &lease, &err), CD_OK);
  hold(j, "sha256:1");
  ck_assert_uint_eq(syncs, 0);
  ck_assert_int_eq(agent_journal_lease_set(j, &lease, &err), CD_OK);
  ck_assert_uint_eq(syncs, 1);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_failure_leaves_the_next_one_synced)
{
  agent_journal *j = open_written();
  agent_action *a = make_action(AGENT_KIND_ISOLATE);
  syncs = 0;
  a->status = AGENT_IN_PROGRESS;
  ck_assert_int_eq(agent_journal_started(j, a, &err), CD_OK); /* of no action on record */
  ck_assert_uint_eq(syncs, 0);
  agent_action_free(a);
  a = place_order(j, AGENT_KIND_RELEASE);
  ck_assert_uint_eq(syncs, 1);
  agent_action_free(a);
  agent_journal_close(j);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      an_order_and_whom_it_asks_are_synced, a_job_is_synced_before_it_begins,
      the_steps_between_go_with_the_next_that_is_synced, a_failure_leaves_the_next_one_synced};
  return run_suite("agent.journal_sync", tests, COUNT_OF(tests));
}
