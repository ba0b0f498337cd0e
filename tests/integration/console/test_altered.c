/* Whoever edits the rows of actions changes nothing of what is shown, and it is told. */
#include "fleet.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COMMENT "{\"Comment\":\"because of a test\"}"
#define ALTERED "cordon_actions_altered_total "

static fleet f;
static device d;
static char ended[64]; /* an isolation that the device has carried out */
static char open[64];  /* a release that it has not */

static void set_up(void)
{
  cd_order order = {0};
  fleet_up(&f);
  fleet_enrol(&f, &d, "desk-1");
  device_ready(&d, &f.place);
  fleet_order(&f, d.id, "isolate", COMMENT, ended);
  fleet_carry_out(&d, ended, &order);
  device_disconnect(&d);
  fleet_order(&f, d.id, "unisolate", COMMENT, open);
}

static void tear_down(void)
{
  device_release(&d);
  fleet_down(&f);
}

/* The answer to a GET of a path with an action in it: has `has`, and lacks `lacks` (may be NULL).
 */
static void shows(const char *pattern, const char *action, const char *has, const char *lacks)
{
  static char answer[262144];
  char path[300];
  const char *at = strchr(pattern, '$');
  ck_assert_ptr_nonnull(at);
  (void)snprintf(path, sizeof(path), "%.*s%s%s", (int)(at - pattern), pattern, action, at + 1);
  ck_assert_uint_eq(fleet_ask(&f, "GET", path, NULL, answer, sizeof(answer)), 200);
  ck_assert_msg(strstr(answer, has) != NULL, "%s has no %s: %s", path, has, answer);
  ck_assert_msg(lacks == NULL || strstr(answer, lacks) == NULL, "%s has %s: %s", path, lacks,
                answer);
}

#define ONE "/api/machineactions/$"
#define DETAIL "/api/cordon/actions/$"
#define REPORT "/api/cordon/actions/$/report"

static void shows_in_list(const char *action, const char *has, const char *lacks)
{
  char pattern[200];
  (void)snprintf(pattern, sizeof(pattern), "/api/machines/%s/machineactions?x=$", d.id);
  shows(pattern, action, has, lacks);
  shows("/api/machineactions?x=$", action, has, lacks);
}

static int64_t marks(void)
{
  char path[400];
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  (void)snprintf(path, sizeof(path), "%s/data/console.db", f.place.folder);
  ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
  (void)sqlite3_busy_timeout(db, 10000);
  ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM action_mark", -1, &stmt, NULL),
                   SQLITE_OK);
  ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
  int64_t count = sqlite3_column_int64(stmt, 0);
  (void)sqlite3_finalize(stmt);
  ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
  return count;
}

/* The console has come by and marked what has ended. */
static void wait_for_mark(void)
{
  const struct timespec pause = {.tv_nsec = 50000000};
  for (int waited = 0; marks() == 0; waited += 50) {
    ck_assert_int_lt(waited, PATIENCE_MS);
    (void)nanosleep(&pause, NULL);
  }
}

START_TEST(what_was_not_changed_is_not_told)
{
  shows(ONE, ended, "\"status\":\"Succeeded\"", "changed in the database");
  shows(DETAIL, ended, "\"altered\":null", NULL);
  shows(REPORT, ended, "\"altered\":null", NULL);
  shows(DETAIL, open, "\"altered\":null", NULL);
  shows_in_list(ended, "\"troubleshootInfo\":null", "changed in the database");
  wait_for_mark();
  shows_in_list(ended, "\"troubleshootInfo\":null", "changed in the database");
  fleet_wait_text(&f, "/metrics", ALTERED "0\n");
}
END_TEST

/* Each column that is shown, alone: in the list, by itself, and in the report. */
START_TEST(an_ended_action_shows_what_was_signed)
{
  static const struct {
    const char *set;
    const char *back; /* a word that was there and is shown all the same */
    const char *forged;
    const char *named;
  } rows[] = {
      {"status = 4, outcome = 'failed'", "\"Succeeded\"", "\"status\":\"Failed\"", "the status"},
      {"status = 2", "\"Succeeded\"", "\"InProgress\"", "the status"},
      {"comment = 'forged'", "because of a test", "forged", "the comment"},
      {"requestor = 'mallory'", "\"requestor\":\"tests\"", "mallory", "the requestor"},
      {"type = 'Unisolate', kind = 2", "\"Isolate\"", "\"Unisolate\"", "what was ordered"},
      {"scope = 'Selective'", "\"scope\":\"Full\"", "\"scope\":\"Selective\"", "what was ordered"},
      {"created = created - 86400000", "\"Succeeded\"", NULL, "the times"},
      {"updated = updated + 86400000", "\"Succeeded\"", NULL, "the time of the end"},
      {"cancel_by = 'mallory', cancel_comment = 'x', cancelled = 5",
       "\"cancellationDateTimeUtc\":null", "mallory", "the cancellation"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char sql[1000];
    fleet_edit(&f, "CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM action; "
                   "UPDATE action SET accepted = 1");
    (void)snprintf(sql, sizeof(sql), "UPDATE action SET %s WHERE id = '%s'", rows[i].set, ended);
    fleet_edit(&f, sql);
    shows(ONE, ended, rows[i].back, rows[i].forged);
    shows(ONE, ended, rows[i].named, NULL);
    shows(DETAIL, ended, rows[i].named, NULL);
    shows(REPORT, ended, rows[i].named, NULL);
    shows_in_list(ended, rows[i].named, NULL);
    (void)snprintf(sql, sizeof(sql),
                   "INSERT OR REPLACE INTO action SELECT * FROM kept WHERE id = '%s'", ended);
    fleet_edit(&f, sql);
    shows(DETAIL, ended, "\"altered\":null", NULL);
  }
}
END_TEST

/* Parameters are only named by their digest: the order that the row keeps has them. */
START_TEST(parameters_evidence_and_result_are_those_that_were_signed)
{
  char sql[1000];
  (void)snprintf(sql, sizeof(sql),
                 "UPDATE action SET parameters = '{\"type\":\"selective\"}', evidence ="
                 " '{\"probes\":99}' WHERE id = '%s'",
                 ended);
  fleet_edit(&f, sql);
  shows(DETAIL, ended, "\"probes\":3", "\"probes\":99");
  shows(DETAIL, ended, "\"type\":\"full\"", "\"type\":\"selective\"");
  shows(DETAIL, ended, "the parameters, the evidence", NULL);
  shows(REPORT, ended, "\"probes\":3", "\"probes\":99");
  (void)snprintf(sql, sizeof(sql),
                 "UPDATE action SET result_jws = substr(result_jws, 1, 60) || 'A' ||"
                 " substr(result_jws, 62) WHERE id = '%s'",
                 ended);
  fleet_edit(&f, sql);
  shows(DETAIL, ended, "\"evidence\":null", "\"probes\":");
  shows(DETAIL, ended, "the signed result", NULL);
  shows(REPORT, ended, "\"result\":null", "\"probes\":");
}
END_TEST

START_TEST(an_end_that_nobody_signed_is_not_shown)
{
  char sql[1000];
  (void)snprintf(sql, sizeof(sql),
                 "UPDATE action SET status = 3, outcome = 'ok', evidence = '{\"probes\":99}'"
                 " WHERE id = '%s'",
                 open);
  fleet_edit(&f, sql);
  shows(ONE, open, "\"status\":\"Pending\"", NULL);
  shows(DETAIL, open, "\"evidence\":null", "\"probes\":");
  shows_in_list(open, "\"status\":\"Pending\"", NULL);
  shows_in_list(open, "(the status, the outcome, the evidence)", NULL);
}
END_TEST

START_TEST(an_action_that_nobody_ordered_is_told)
{
  fleet_edit(&f, "INSERT INTO action(id, device, kind, state, type, scope, requestor, comment,"
                 " ticket, source, parameters, status, created, updated, expires, generation,"
                 " audit_sequence, audit_digest) SELECT '0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01',"
                 " device, kind, state, type, scope, 'mallory', comment, ticket, source,"
                 " parameters, 3, created, updated, expires, generation, audit_sequence,"
                 " audit_digest FROM action WHERE status = 3");
  shows(ONE, "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01", "\"status\":\"Failed\"", "mallory");
  shows_in_list("0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01", "does not record this action", "mallory");
}
END_TEST

/* Marked as good before: the mark does not fit what was put there, nor does that of another row. */
START_TEST(a_mark_is_for_what_the_row_was)
{
  char sql[1000];
  wait_for_mark();
  (void)snprintf(sql, sizeof(sql), "UPDATE action SET comment = 'forged' WHERE id = '%s'", ended);
  fleet_edit(&f, sql);
  shows_in_list(ended, "(the comment)", "forged");
}
END_TEST

/* Nobody asks for it: the console comes by, tells it once and counts it once. */
START_TEST(it_is_told_once_whether_or_not_somebody_looks)
{
  char sql[1000];
  (void)snprintf(sql, sizeof(sql), "UPDATE action SET comment = 'forged' WHERE id = '%s'", ended);
  fleet_edit(&f, sql);
  fleet_again(&f, 15);
  fleet_wait_text(&f, "/metrics", ALTERED "1\n");
  shows(ONE, ended, "(the comment)", "forged");
  shows_in_list(ended, "(the comment)", "forged");
  fleet_wait_text(&f, "/metrics", ALTERED "1\n");
}
END_TEST

int main(void)
{
  Suite *s = suite_create("console.altered");
  TCase *t = tcase_create("altered");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 120);
  tcase_add_test(t, what_was_not_changed_is_not_told);
  tcase_add_test(t, an_ended_action_shows_what_was_signed);
  tcase_add_test(t, parameters_evidence_and_result_are_those_that_were_signed);
  tcase_add_test(t, an_end_that_nobody_signed_is_not_shown);
  tcase_add_test(t, an_action_that_nobody_ordered_is_told);
  tcase_add_test(t, a_mark_is_for_what_the_row_was);
  tcase_add_test(t, it_is_told_once_whether_or_not_somebody_looks);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
