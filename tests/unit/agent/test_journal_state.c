/* What the journal remembers about states and plugins: holders, undo records, strikes, drift. */
#include "journal.h"

#include "entries.h"
#include "place.h"

#include "base/limits.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS (24LL * 3600 * 1000)

static cd_err err;

static void hold(agent_journal *j, const char *plugin, const char *digest, bool current)
{
  agent_holder h = {.current = current};
  (void)snprintf(h.plugin, sizeof(h.plugin), "%s", plugin);
  (void)snprintf(h.digest, sizeof(h.digest), "%s", digest);
  ck_assert_msg(agent_journal_hold(j, AGENT_CAP_ISOLATE, &h, &err) == CD_OK, "%s", err.text);
}

static unsigned holders(agent_journal *j, agent_holder out[AGENT_HOLDERS_MAX])
{
  unsigned count = 99;
  ck_assert_int_eq(agent_journal_holders(j, AGENT_CAP_ISOLATE, out, &count, &err), CD_OK);
  return count;
}

START_TEST(the_current_holder_comes_first_and_is_the_only_one)
{
  agent_holder h[AGENT_HOLDERS_MAX];
  agent_journal *j = open_journal();
  ck_assert_uint_eq(holders(j, h), 0);
  hold(j, "org.a", "", true);
  hold(j, "org.b", "d1", true);
  ck_assert_uint_eq(holders(j, h), 2);
  ck_assert_str_eq(h[0].plugin, "org.b");
  ck_assert_str_eq(h[0].digest, "d1");
  ck_assert(h[0].current);
  ck_assert_str_eq(h[1].plugin, "org.a");
  ck_assert(!h[1].current);
  hold(j, "org.a", "d2", true);
  agent_journal_close(j);
  j = open_journal();
  ck_assert_uint_eq(holders(j, h), 2);
  ck_assert_str_eq(h[0].plugin, "org.a");
  ck_assert_str_eq(h[0].digest, "d2");
  ck_assert(!h[1].current);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_holder_that_released_is_forgotten_with_its_undo_records)
{
  agent_holder h[AGENT_HOLDERS_MAX];
  cd_buf out = CD_BUF_INIT(4096);
  agent_journal *j = open_journal();
  hold(j, "org.a", "d", true);
  hold(j, "org.b", "d", true);
  ck_assert_int_eq(agent_journal_undo_add(j, AGENT_CAP_ISOLATE, "org.a", CD_STR("{}"), &err),
                   CD_OK);
  ck_assert_int_eq(agent_journal_undo_add(j, AGENT_CAP_ISOLATE, "org.b", CD_STR("{}"), &err),
                   CD_OK);
  ck_assert_int_eq(agent_journal_unhold(j, AGENT_CAP_ISOLATE, "org.a", &err), CD_OK);
  ck_assert_int_eq(agent_journal_unhold(j, AGENT_CAP_ISOLATE, "org.nobody", &err), CD_OK);
  ck_assert_uint_eq(holders(j, h), 1);
  ck_assert_str_eq(h[0].plugin, "org.b");
  ck_assert_int_eq(agent_journal_undo_list(j, AGENT_CAP_ISOLATE, "org.a", &out, &err), CD_OK);
  ck_assert_uint_eq(out.len, 0);
  ck_assert_int_eq(agent_journal_undo_list(j, AGENT_CAP_ISOLATE, "org.b", &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "[{}]");
  cd_buf_release(&out);
  agent_journal_close(j);
}
END_TEST

START_TEST(more_holders_than_fit_are_left_for_the_next_time)
{
  agent_holder h[AGENT_HOLDERS_MAX];
  char id[32];
  agent_journal *j = open_journal();
  for (unsigned i = 0; i < AGENT_HOLDERS_MAX + 3; i++) {
    (void)snprintf(id, sizeof(id), "org.p%02u", i);
    hold(j, id, "", true);
  }
  ck_assert_uint_eq(holders(j, h), AGENT_HOLDERS_MAX);
  ck_assert_str_eq(h[0].plugin, "org.p10");
  agent_journal_close(j);
}
END_TEST

START_TEST(undo_records_come_newest_first_after_a_reopen)
{
  cd_buf out = CD_BUF_INIT(4096);
  char record[64];
  agent_journal *j = open_journal();
  for (int i = 1; i <= 3; i++) {
    (void)snprintf(record, sizeof(record), "{\"step\":%d}", i);
    ck_assert_int_eq(
        agent_journal_undo_add(j, AGENT_CAP_ISOLATE, "org.a", cd_str_from(record), &err), CD_OK);
  }
  agent_journal_close(j);
  j = open_journal();
  ck_assert_int_eq(agent_journal_undo_list(j, AGENT_CAP_ISOLATE, "org.a", &out, &err), CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&out), "[{\"step\":3},{\"step\":2},{\"step\":1}]");
  cd_buf_reset(&out);
  ck_assert_int_eq(agent_journal_undo_list(j, AGENT_CAP_RESTRICT, "org.a", &out, &err), CD_OK);
  ck_assert_uint_eq(out.len, 0);
  cd_buf_release(&out);
  agent_journal_close(j);
}
END_TEST

/* What is noted must be deliverable: all records go to release in one message. */
START_TEST(undo_records_are_bounded_so_that_release_can_have_them)
{
  static char record[CD_UNDO_RECORD_MAX + 1];
  cd_buf out = CD_BUF_INIT(CD_FRAME_PAYLOAD_MAX - CD_RESULT_MAX);
  agent_journal *j = open_journal();
  memset(record, ' ', sizeof(record));
  record[0] = '{';
  record[CD_UNDO_RECORD_MAX] = '}';
  ck_assert_int_eq(
      agent_journal_undo_add(j, AGENT_CAP_ISOLATE, "org.a", (cd_str){record, sizeof(record)}, &err),
      CD_E_LIMIT);
  ck_assert_str_eq(err.text,
                   "an undo record of plugin 'org.a' has 65537 bytes, the limit is 65536");
  record[CD_UNDO_RECORD_MAX - 1] = '}';
  unsigned taken = 0;
  while (taken < 100 && agent_journal_undo_add(j, AGENT_CAP_ISOLATE, "org.a",
                                               (cd_str){record, CD_UNDO_RECORD_MAX}, &err) == CD_OK)
    record[1 + taken++] = '\t';
  ck_assert_uint_eq(taken, CD_UNDO_BYTES_MAX / CD_UNDO_RECORD_MAX);
  ck_assert_msg(strstr(err.text, "bytes of undo records") != NULL, "%s", err.text);
  ck_assert_int_eq(agent_journal_undo_list(j, AGENT_CAP_ISOLATE, "org.a", &out, &err), CD_OK);
  cd_buf_reset(&out);
  for (unsigned i = 0; i < CD_UNDO_RECORDS_MAX; i++) {
    char small[32];
    (void)snprintf(small, sizeof(small), "{\"n\":%u}", i);
    ck_assert_int_eq(
        agent_journal_undo_add(j, AGENT_CAP_ISOLATE, "org.b", cd_str_from(small), &err), CD_OK);
  }
  /* Noted once more, it is there already. */
  ck_assert_int_eq(agent_journal_undo_add(j, AGENT_CAP_ISOLATE, "org.b", CD_STR("{\"n\":7}"), &err),
                   CD_OK);
  ck_assert_int_eq(agent_journal_undo_add(j, AGENT_CAP_ISOLATE, "org.b", CD_STR("{}"), &err),
                   CD_E_LIMIT);
  ck_assert_str_eq(err.text, "plugin 'org.b' has noted 1024 undo records, the limit is 1024");
  ck_assert_int_eq(agent_journal_undo_list(j, AGENT_CAP_ISOLATE, "org.b", &out, &err), CD_OK);
  cd_buf_release(&out);
  agent_journal_close(j);
}
END_TEST

static void strikes(agent_journal *j, const char *digest, int64_t since, unsigned count,
                    int64_t quarantined)
{
  unsigned n = 99;
  int64_t at_ms = -1;
  ck_assert_int_eq(agent_journal_strikes(j, digest, AGENT_CAP_ISOLATE, since, &n, &at_ms, &err),
                   CD_OK);
  ck_assert_uint_eq(n, count);
  ck_assert_int_eq(at_ms, quarantined);
}

static void strike(agent_journal *j, const char *digest, int64_t when)
{
  ck_assert_int_eq(agent_journal_strike(j, digest, AGENT_CAP_ISOLATE, when, "because", &err),
                   CD_OK);
}

START_TEST(strikes_count_within_their_window)
{
  agent_journal *j = open_journal();
  strike(j, "d1", 1000);
  strike(j, "d1", 2000);
  strike(j, "d1", 2000);
  strike(j, "d2", 2000);
  strikes(j, "d1", 0, 3, 0);
  strikes(j, "d1", 1001, 2, 0);
  strikes(j, "d1", 2000, 2, 0);
  strikes(j, "d1", 2001, 0, 0);
  strikes(j, "d2", 0, 1, 0);
  strikes(j, "d3", 0, 0, 0);
  agent_journal_close(j);
  j = open_journal();
  strikes(j, "d1", 0, 3, 0);
  /* A day later the old ones are not kept. */
  strike(j, "d2", 1500 + DAY_MS);
  strikes(j, "d1", 0, 2, 0);
  agent_journal_close(j);
}
END_TEST

START_TEST(quarantine_lasts_until_it_is_lifted)
{
  unsigned lifted = 99;
  agent_journal *j = open_journal();
  strike(j, "d1", 1000);
  ck_assert_int_eq(agent_journal_quarantine(j, "d1", AGENT_CAP_ISOLATE, 1000, &err), CD_OK);
  ck_assert_int_eq(agent_journal_quarantine(j, "d1", AGENT_CAP_FACTS, 1000, &err), CD_OK);
  ck_assert_int_eq(agent_journal_quarantine(j, "d2", AGENT_CAP_ISOLATE, 3000, &err), CD_OK);
  agent_journal_close(j);
  j = open_journal();
  strikes(j, "d1", 5000, 0, 1000);
  strikes(j, "d3", 0, 0, 0);
  ck_assert_int_eq(agent_journal_pardon(j, "d1", &lifted, &err), CD_OK);
  ck_assert_uint_eq(lifted, 2);
  strikes(j, "d1", 0, 0, 0);
  strikes(j, "d2", 0, 0, 3000);
  ck_assert_int_eq(agent_journal_pardon(j, "d1", &lifted, &err), CD_OK);
  ck_assert_uint_eq(lifted, 0);
  agent_journal_close(j);
  j = open_journal();
  strikes(j, "d1", 0, 0, 0);
  strikes(j, "d2", 0, 0, 3000);
  agent_journal_close(j);
}
END_TEST

START_TEST(drift_is_counted_with_its_last_note)
{
  agent_drift d = {.count = 9};
  agent_journal *j = open_journal();
  ck_assert_int_eq(agent_journal_drift(j, AGENT_CAP_ISOLATE, &d, &err), CD_OK);
  ck_assert_uint_eq(d.count, 0);
  ck_assert_int_eq(d.last_ms, 0);
  ck_assert_str_eq(d.note, "");
  ck_assert_int_eq(agent_journal_drift_add(j, AGENT_CAP_ISOLATE, 1000, "one", &err), CD_OK);
  ck_assert_int_eq(agent_journal_drift_add(j, AGENT_CAP_ISOLATE, 2000, "two", &err), CD_OK);
  ck_assert_int_eq(agent_journal_drift_add(j, AGENT_CAP_RESTRICT, 9000, "other", &err), CD_OK);
  agent_journal_close(j);
  j = open_journal();
  ck_assert_int_eq(agent_journal_drift(j, AGENT_CAP_ISOLATE, &d, &err), CD_OK);
  ck_assert_uint_eq(d.count, 2);
  ck_assert_int_eq(d.last_ms, 2000);
  ck_assert_str_eq(d.note, "two");
  agent_journal_close(j);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      the_current_holder_comes_first_and_is_the_only_one,
      a_holder_that_released_is_forgotten_with_its_undo_records,
      more_holders_than_fit_are_left_for_the_next_time,
      undo_records_come_newest_first_after_a_reopen,
      undo_records_are_bounded_so_that_release_can_have_them,
      strikes_count_within_their_window,
      quarantine_lasts_until_it_is_lifted,
      drift_is_counted_with_its_last_note,
  };
  return run_suite("agent.journal_state", tests, COUNT_OF(tests));
}
