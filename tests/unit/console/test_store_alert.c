/* How long alerts are kept, and what goes with them. */
#include "store_alert.h"

#include "store_place.h"

#include <stdio.h>
#include <string.h>

static con_enrolled desk;

static void make_alert(con_store *s, const char *title, char ret_id[CON_ALERT_ID_SIZE])
{
  con_found found = {.title = cd_str_from(title),
                     .category = CD_STR("Malware"),
                     .severity = CON_SEVERITY_HIGH,
                     .item = CD_STR("{\"entityType\":\"File\"}"),
                     .finding = CD_STR("{\"path\":\"/srv/a\"}")};
  const con_find find = {.device = cd_str_from(desk.device),
                         .action = CD_STR("0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"),
                         .source = CD_STR("Antivirus"),
                         .at_ms = 1000,
                         .found = &found,
                         .count = 1};
  const con_alert_new own = {.device = find.device,
                             .title = found.title,
                             .description = CD_STR("x"),
                             .category = found.category,
                             .severity = found.severity,
                             .event_ms = 1000};
  con_find_result done = {0};
  expect_ok(con_alert_found(s, &find, &done, &err));
  ck_assert_uint_eq(done.created, 1);
  /* It is taken up; so its id is known. */
  expect_ok(con_alert_create(s, &alice, &own, ret_id, &err));
}

static cd_code look(con_store *s, const char *id)
{
  con_alert a = {0};
  cd_code rc = con_alert_get(s, cd_str_from(id), &a, &err);
  con_alert_release(&a);
  return rc;
}

static bool count_one(void *context, const con_alert *a)
{
  (void)a;
  ++*(unsigned *)context;
  return true;
}

static unsigned count(con_store *s)
{
  unsigned n = 0;
  const con_alert_query all = {0};
  expect_ok(con_alert_each(s, &all, count_one, &n, &err));
  return n;
}

/* Fails the test unless a table has so many rows that meet the condition. */
static void expect_rows(const char *what, unsigned wanted)
{
  char sql[400];
  (void)snprintf(sql, sizeof(sql),
                 "CREATE TABLE tally(n INTEGER NOT NULL CHECK(n = %u));"
                 "INSERT INTO tally SELECT count(*) FROM %s; DROP TABLE tally",
                 wanted, what);
  attack(sql);
}

START_TEST(what_nothing_happened_to_goes_and_all_that_is_its)
{
  char old[CON_ALERT_ID_SIZE];
  char touched[CON_ALERT_ID_SIZE];
  unsigned removed = 9;
  con_store *s = open_store();
  const con_alert_change note = {.comment = CD_STR("still looking")};
  desk = add_device(s, "desk-1", 1);
  make_alert(s, "Old", old);
  make_alert(s, "Touched", touched);
  con_store_close(s);
  attack("UPDATE alert SET updated = 5000, created = 1000");
  s = open_store();
  expect_ok(con_alert_expire(s, 5000, 100, &removed, &err));
  ck_assert_uint_eq(removed, 0);
  const cd_str ids[] = {cd_str_from(touched)};
  expect_ok(con_alert_change_all(s, &alice, ids, 1, &note, &err));
  expect_ok(con_alert_expire(s, 5001, 100, &removed, &err));
  ck_assert_uint_eq(removed, 1);
  expect_refused(look(s, old), CD_E_NOTFOUND, old);
  expect_ok(look(s, touched));
  expect_ok(con_alert_expire(s, INT64_MAX, 100, &removed, &err));
  ck_assert_uint_eq(removed, 1);
  con_store_close(s);
  expect_rows("alert_evidence", 0);
  expect_rows("alert_comment", 0);
  expect_rows("alert_action", 0);
}
END_TEST

START_TEST(so_many_go_at_once_the_oldest_first_and_it_is_on_record)
{
  char id[3][CON_ALERT_ID_SIZE];
  unsigned removed = 0;
  con_store *s = open_store();
  desk = add_device(s, "desk-1", 1);
  make_alert(s, "One", id[0]);
  make_alert(s, "Two", id[1]);
  make_alert(s, "Three", id[2]);
  con_store_close(s);
  attack("UPDATE alert SET updated = 1000 * (4 - number)");
  s = open_store();
  expect_ok(con_alert_expire(s, 9000, 2, &removed, &err));
  ck_assert_uint_eq(removed, 2);
  ck_assert_uint_eq(count(s), 1);
  expect_ok(look(s, id[0]));
  con_store_close(s);
  expect_rows("audit WHERE what = 'alert.expire' AND detail = '{\"removed\":2,\"before\":9000}'",
              1);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {what_nothing_happened_to_goes_and_all_that_is_its,
                                so_many_go_at_once_the_oldest_first_and_it_is_on_record};
  return run_suite("console.store_alert", tests, COUNT_OF(tests));
}
