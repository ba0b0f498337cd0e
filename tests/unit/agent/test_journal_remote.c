/* The journal about the console: orders seen once, generations that only grow, results that stay
 * until they are acknowledged, and a journal of the version before this one. */
#include "journal_remote.h"

#include "entries.h"
#include "place.h"

#include <check.h>
#include <sqlite3.h>

#include <stdlib.h>
#include <string.h>

static cd_err err;

static const agent_order_source source = {.root = "0123", .key_generation = 3};

static agent_action *console_action(agent_kind kind, uint64_t generation)
{
  agent_action *a = make_action(kind);
  a->console = true;
  a->generation = generation;
  memset(&a->order, 0xa5, sizeof(a->order));
  return a;
}

static cd_code take(agent_journal *j, agent_action *a)
{
  agent_wanted w = wanted_of(a);
  return agent_journal_order_taken(j, a, &w, &source, &err);
}

static bool seen(agent_journal *j, const char *action)
{
  bool yes = false;
  ck_assert_int_eq(agent_journal_seen(j, action, &yes, &err), CD_OK);
  return yes;
}

static unsigned waiting(agent_journal *j)
{
  unsigned count = 99;
  ck_assert_int_eq(agent_journal_outbox_count(j, &count, &err), CD_OK);
  return count;
}

START_TEST(an_order_is_taken_once_and_with_its_own_generation)
{
  uint64_t generation = 0;
  agent_journal *j = open_journal();
  agent_action *a = console_action(AGENT_KIND_ISOLATE, 7);
  agent_action *again = NULL;
  ck_assert(!seen(j, a->id));
  ck_assert_msg(take(j, a) == CD_OK, "%s", err.text);
  agent_journal_close(j);
  j = open_journal();
  ck_assert(seen(j, a->id));
  expect_wanted(j, true, 7, a->id);
  ck_assert_int_eq(agent_journal_key_generation(j, "0123", &generation, &err), CD_OK);
  ck_assert_uint_eq(generation, 3);
  ck_assert_int_eq(agent_journal_key_generation(j, "other", &generation, &err), CD_OK);
  ck_assert_uint_eq(generation, 0);
  ck_assert_int_eq(agent_journal_action(j, a->id, &again, &err), CD_OK);
  ck_assert(again->console && cd_digest_equal(&again->order, &a->order));
  ck_assert_int_ne(take(j, a), CD_OK);
  agent_action_free(again);
  agent_action_free(a);
  agent_journal_close(j);
}
END_TEST

START_TEST(an_older_generation_changes_nothing)
{
  agent_journal *j = open_journal();
  agent_action *local = place_order(j, AGENT_KIND_RELEASE);
  agent_action *old = console_action(AGENT_KIND_ISOLATE, 1);
  ck_assert_int_eq(take(j, old), CD_E_CONFLICT);
  ck_assert(!seen(j, old->id));
  expect_wanted(j, false, 1, local->id);
  old->generation = 2;
  ck_assert_int_eq(take(j, old), CD_OK);
  agent_action *next = place_order(j, AGENT_KIND_RELEASE);
  ck_assert_uint_eq(next->generation, 3);
  agent_action_free(next);
  agent_action_free(old);
  agent_action_free(local);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_key_generation_never_goes_back)
{
  uint64_t generation = 0;
  agent_order_source older = {.root = "0123", .key_generation = 2};
  agent_journal *j = open_journal();
  ck_assert_int_eq(agent_journal_order_answered(j, "one", "a.b.c", NULL, NULL, &source, &err),
                   CD_OK);
  ck_assert_int_eq(agent_journal_order_answered(j, "two", "a.b.c", NULL, NULL, &older, &err),
                   CD_OK);
  ck_assert_int_eq(agent_journal_key_generation(j, "0123", &generation, &err), CD_OK);
  ck_assert_uint_eq(generation, 3);
  agent_journal_close(j);
}
END_TEST

START_TEST(a_result_waits_until_it_is_acknowledged)
{
  agent_outgoing o = {0};
  agent_journal *j = open_journal();
  agent_action *early = place_order(j, AGENT_KIND_ISOLATE);
  ck_assert_int_eq(end_action(j, early, CD_OK, NULL, NULL), CD_OK);
  ck_assert_uint_eq(waiting(j), 0);
  agent_journal_reporting(j, true);
  agent_action *a = console_action(AGENT_KIND_RELEASE, 5);
  ck_assert_int_eq(take(j, a), CD_OK);
  ck_assert_int_eq(end_action(j, a, CD_OK, NULL, NULL), CD_OK);
  ck_assert_int_eq(agent_journal_order_answered(j, "refused", "a.b.c", NULL, NULL, NULL, &err),
                   CD_OK);
  agent_journal_close(j);
  j = open_journal();
  ck_assert_uint_eq(waiting(j), 2);
  ck_assert_int_eq(agent_journal_outbox_next(j, 0, &o, &err), CD_OK);
  ck_assert_str_eq(o.action, a->id);
  ck_assert_ptr_null(o.jws);
  ck_assert_int_eq(agent_journal_outbox_seal(j, o.seq, "d.e.f", &err), CD_OK);
  ck_assert_int_eq(agent_journal_outbox_seal(j, o.seq, "x.y.z", &err), CD_OK);
  int64_t first = o.seq;
  ck_assert_int_eq(agent_journal_outbox_next(j, 0, &o, &err), CD_OK);
  ck_assert_str_eq(o.jws, "d.e.f");
  agent_outgoing_release(&o);
  ck_assert_int_eq(agent_journal_outbox_next(j, first, &o, &err), CD_OK);
  ck_assert_str_eq(o.action, "refused");
  ck_assert_str_eq(o.jws, "a.b.c");
  ck_assert_int_eq(agent_journal_outbox_done(j, first, &err), CD_OK);
  ck_assert_int_eq(agent_journal_outbox_done(j, o.seq, &err), CD_OK);
  agent_outgoing_release(&o);
  ck_assert_int_eq(agent_journal_outbox_next(j, 0, &o, &err), CD_E_NOTFOUND);
  ck_assert(seen(j, "refused"));
  agent_action_free(early);
  agent_action_free(a);
  agent_journal_close(j);
}
END_TEST

/* Of what was ordered here the console hears what concerns it: isolation, and what was found. */
START_TEST(what_a_scan_of_this_device_found_is_told)
{
  static const agent_kind kinds[] = {AGENT_KIND_SCAN, AGENT_KIND_COLLECT, AGENT_KIND_REMEDIATE};
  static const agent_capability states[] = {AGENT_CAP_SCAN, AGENT_CAP_COLLECT, AGENT_CAP_REMEDIATE};
  agent_journal *j = open_journal();
  agent_journal_reporting(j, true);
  for (size_t i = 0; i < COUNT_OF(kinds); i++) {
    agent_action *a = make_action(kinds[i]);
    a->state = states[i];
    ck_assert_int_eq(agent_journal_order(j, a, NULL, &err), CD_OK);
    ck_assert_int_eq(end_action(j, a, CD_OK, NULL, NULL), CD_OK);
    ck_assert_uint_eq(waiting(j), 1);
    agent_action_free(a);
  }
  agent_journal_close(j);
}
END_TEST

START_TEST(an_order_that_ends_another_does_both_or_neither)
{
  agent_journal *j = open_journal();
  agent_journal_reporting(j, true);
  agent_action *a = console_action(AGENT_KIND_ISOLATE, 7);
  agent_wanted back = {.known = true, .generation = 7};
  ck_assert_int_eq(take(j, a), CD_OK);
  a->status = AGENT_CANCELLED;
  a->outcome = CD_E_CANCELLED;
  a->ended_ms = 2000;
  ck_assert_int_eq(agent_journal_order_answered(j, "cancel", "a.b.c", a, &back, &source, &err),
                   CD_OK);
  expect_wanted(j, false, 7, "");
  ck_assert_uint_eq(count_open(j), 0);
  ck_assert_uint_eq(waiting(j), 2);
  ck_assert_int_eq(agent_journal_order_answered(j, "second", "a.b.c", a, &back, &source, &err),
                   CD_E_CONFLICT);
  ck_assert(!seen(j, "second"));
  ck_assert_uint_eq(waiting(j), 2);
  agent_action_free(a);
  agent_journal_close(j);
}
END_TEST

START_TEST(addresses_of_consoles_are_remembered_by_name_and_port)
{
  static const char first[2][AGENT_ADDRESS_MAX] = {"192.0.2.1", "2001:db8::1"};
  static const char second[1][AGENT_ADDRESS_MAX] = {"192.0.2.9"};
  agent_endpoint got[4];
  unsigned count = 0;
  agent_journal *j = open_journal();
  ck_assert_int_eq(agent_journal_console_set(j, "one.example", 8443, first, 2, &err), CD_OK);
  ck_assert_int_eq(agent_journal_console_set(j, "two.example", 8443, first, 2, &err), CD_OK);
  ck_assert_int_eq(agent_journal_console(j, NULL, 0, got, 4, &count, &err), CD_OK);
  ck_assert_uint_eq(count, 2);
  ck_assert_int_eq(agent_journal_console_set(j, "one.example", 8443, second, 1, &err), CD_OK);
  agent_journal_close(j);
  j = open_journal();
  ck_assert_int_eq(agent_journal_console(j, "one.example", 8443, got, 4, &count, &err), CD_OK);
  ck_assert_uint_eq(count, 1);
  ck_assert_str_eq(got[0].address, "192.0.2.9");
  ck_assert_uint_eq(got[0].port, 8443);
  ck_assert_int_eq(agent_journal_console(j, "one.example", 1, got, 4, &count, &err), CD_OK);
  ck_assert_uint_eq(count, 0);
  ck_assert_int_eq(agent_journal_consoles_forget(j, &err), CD_OK);
  ck_assert_int_eq(agent_journal_console(j, NULL, 0, got, 4, &count, &err), CD_OK);
  ck_assert_uint_eq(count, 0);
  agent_journal_close(j);
}
END_TEST

/* The tables and rows as the version before this one wrote them. */
static const char before[] =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE actions("
    " seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, state INTEGER NOT "
    "NULL, status TEXT NOT NULL,"
    " generation INTEGER NOT NULL, user TEXT NOT NULL, user_id INTEGER NOT NULL, pid INTEGER NOT "
    "NULL, created INTEGER NOT NULL,"
    " started INTEGER NOT NULL DEFAULT 0, ended INTEGER NOT NULL DEFAULT 0, outcome INTEGER NOT "
    "NULL DEFAULT 0,"
    " comment TEXT, params TEXT NOT NULL, provider TEXT, sentence TEXT, result TEXT) STRICT;"
    "CREATE INDEX actions_open ON actions(state, seq) WHERE ended = 0;"
    "CREATE TABLE wanted("
    " state INTEGER PRIMARY KEY, isolated INTEGER NOT NULL, generation INTEGER NOT NULL, action "
    "TEXT NOT NULL, since INTEGER NOT NULL, params TEXT) STRICT;"
    "INSERT INTO actions(id, kind, state, status, generation, user, user_id, pid, created, params)"
    " VALUES('0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01', 'isolate', 0, 'InProgress', 4, 'root', 0, 17,"
    " 1000, '{\"type\":\"full\"}');"
    "INSERT INTO wanted VALUES(0, 1, 4, '0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01', 1000, "
    "'{\"type\":\"full\"}');"
    "PRAGMA user_version = 1;";

START_TEST(a_journal_of_the_version_before_goes_on)
{
  sqlite3 *db = NULL;
  agent_action *a = NULL;
  ck_assert_int_eq(sqlite3_open(at("journal.db"), &db), SQLITE_OK);
  ck_assert_int_eq(sqlite3_exec(db, before, NULL, NULL, NULL), SQLITE_OK);
  ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
  for (int i = 0; i < 2; i++) {
    agent_journal *j = open_journal();
    expect_wanted(j, true, 4, "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01");
    ck_assert_int_eq(agent_journal_next(j, AGENT_CAP_ISOLATE, &a, &err), CD_OK);
    ck_assert(!a->console);
    ck_assert_str_eq(a->user, "root");
    ck_assert_uint_eq(a->generation, 4);
    ck_assert(seen(j, a->id));
    agent_action_free(a);
    a = NULL;
    ck_assert_uint_eq(waiting(j), 0);
    agent_journal_close(j);
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      an_order_is_taken_once_and_with_its_own_generation,
      an_older_generation_changes_nothing,
      a_key_generation_never_goes_back,
      a_result_waits_until_it_is_acknowledged,
      what_a_scan_of_this_device_found_is_told,
      an_order_that_ends_another_does_both_or_neither,
      addresses_of_consoles_are_remembered_by_name_and_port,
      a_journal_of_the_version_before_goes_on,
  };
  return run_suite("agent.journal_remote", tests, COUNT_OF(tests));
}
