/* What someone who can write to the database may do to the audit log, and that it shows. */
#include "store_place.h"

#include <sqlite3.h>
#include <string.h>

#define ENTRIES 9u

static con_audit_ref known[ENTRIES + 1];

static void fill(con_store *s)
{
  for (unsigned i = 1; i <= ENTRIES; i++) {
    const con_audit_entry e = {.who = CD_STR("alice"), .what = CD_STR("a.b")};
    expect_ok(con_audit_append(s, &e, &known[i], &err));
  }
}

static con_audit_report verify(con_store *s, const con_audit_ref *from, const con_audit_ref *head)
{
  con_audit_report r = {0};
  expect_ok(con_audit_verify(s, from, head, test_seal(), &r, &err));
  ck_assert_str_ne(r.sentence, "");
  return r;
}

typedef struct attack_row {
  const char *sql;
  con_audit_fault fault;
  uint64_t sequence;
} attack_row;

static const attack_row rows[] = {
    {"UPDATE audit SET who = 'mallory' WHERE sequence = 4", CON_AUDIT_EDITED, 4},
    {"UPDATE audit SET detail = '{\"a\":2}' WHERE sequence = 9", CON_AUDIT_EDITED, 9},
    {"UPDATE audit SET at = at + 1 WHERE sequence = 1", CON_AUDIT_EDITED, 1},
    {"UPDATE audit SET device = 'x' WHERE sequence = 2", CON_AUDIT_EDITED, 2},
    {"UPDATE audit SET digest = x'00' WHERE sequence = 5", CON_AUDIT_EDITED, 5},
    {"UPDATE audit SET seal = zeroblob(32) WHERE sequence = 5", CON_AUDIT_INSERTED, 5},
    {"DELETE FROM audit WHERE sequence = 1", CON_AUDIT_CUT, 1},
    {"DELETE FROM audit WHERE sequence BETWEEN 3 AND 5", CON_AUDIT_CUT, 3},
    {"DELETE FROM audit WHERE sequence = 9", CON_AUDIT_CUT, 9},
    {"DELETE FROM audit", CON_AUDIT_CUT, 1},
    {"UPDATE audit SET sequence = -1 WHERE sequence = 3;"
     "UPDATE audit SET sequence = 3 WHERE sequence = 4;"
     "UPDATE audit SET sequence = 4 WHERE sequence = -1",
     CON_AUDIT_REORDERED, 3},
    {"DELETE FROM audit WHERE sequence = 3;"
     "UPDATE audit SET sequence = sequence - 1 WHERE sequence > 3",
     CON_AUDIT_REORDERED, 3},
    {"INSERT INTO audit SELECT 0, at, who, what, device, action, detail, previous, digest, seal"
     " FROM audit WHERE sequence = 1",
     CON_AUDIT_INSERTED, 0},
    {"INSERT INTO audit SELECT 10, at, who, what, device, action, detail, previous, digest, seal"
     " FROM audit WHERE sequence = 9",
     CON_AUDIT_REORDERED, 10},
};

START_TEST(each_attack_on_the_rows_shows_with_its_name_and_place)
{
  const attack_row *row = &rows[_i];
  con_store *s = open_store();
  fill(s);
  attack(row->sql);
  con_audit_report r = verify(s, NULL, &known[ENTRIES]);
  ck_assert_msg(r.fault == row->fault && r.sequence == row->sequence, "%s: %s at %llu: %s",
                row->sql, con_audit_fault_name(r.fault), (unsigned long long)r.sequence,
                r.sentence);
  con_store_close(s);
}
END_TEST

/* An entry as someone makes it who knows the format and not the key. */
static void forge(con_store *s, uint64_t sequence, const cd_digest *previous, const char *what)
{
  sqlite3 *db = NULL;
  sqlite3_stmt *stmt = NULL;
  uint8_t seal[CON_SEAL_SIZE] = {1};
  con_audit_entry e = {.sequence = sequence,
                       .at_ms = 5,
                       .who = CD_STR("alice"),
                       .what = cd_str_from(what),
                       .detail = CD_STR("{}"),
                       .previous = *previous};
  expect_ok(con_audit_digest(&e, &e.digest, &err));
  ck_assert_int_eq(sqlite3_open(db_path(), &db), SQLITE_OK);
  ck_assert_int_eq(sqlite3_prepare_v2(db,
                                      "INSERT OR REPLACE INTO audit VALUES(?1, 5, 'alice', ?2, '',"
                                      " '', '{}', ?3, ?4, ?5)",
                                      -1, &stmt, NULL),
                   SQLITE_OK);
  ck_assert_int_eq(sqlite3_bind_int64(stmt, 1, (sqlite3_int64)sequence), SQLITE_OK);
  ck_assert_int_eq(sqlite3_bind_text(stmt, 2, what, -1, SQLITE_STATIC), SQLITE_OK);
  ck_assert_int_eq(sqlite3_bind_blob(stmt, 3, previous->bytes, CD_DIGEST_SIZE, SQLITE_STATIC),
                   SQLITE_OK);
  ck_assert_int_eq(sqlite3_bind_blob(stmt, 4, e.digest.bytes, CD_DIGEST_SIZE, SQLITE_STATIC),
                   SQLITE_OK);
  ck_assert_int_eq(sqlite3_bind_blob(stmt, 5, seal, CON_SEAL_SIZE, SQLITE_STATIC), SQLITE_OK);
  ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
  ck_assert_int_eq(sqlite3_finalize(stmt), SQLITE_OK);
  ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(a_well_chained_entry_without_the_seal_is_an_insertion)
{
  con_store *s = open_store();
  fill(s);
  forge(s, ENTRIES + 1, &known[ENTRIES].digest, "action.create");
  con_audit_report r = verify(s, NULL, &known[ENTRIES]);
  ck_assert_int_eq(r.fault, CON_AUDIT_INSERTED);
  ck_assert_uint_eq(r.sequence, ENTRIES + 1);
  ck_assert_uint_eq(r.head.sequence, ENTRIES);
  con_store_close(s);
}
END_TEST

START_TEST(a_rewritten_entry_shows_also_to_who_has_no_seal)
{
  con_store *s = open_store();
  con_audit_report r = {0};
  fill(s);
  forge(s, ENTRIES, &known[ENTRIES - 1].digest, "other.word");
  expect_ok(con_audit_verify(s, NULL, &known[ENTRIES], NULL, &r, &err));
  ck_assert_int_eq(r.fault, CON_AUDIT_EDITED);
  ck_assert_uint_eq(r.sequence, ENTRIES);
  forge(s, 4, &known[3].digest, "other.word");
  expect_ok(con_audit_verify(s, NULL, NULL, NULL, &r, &err));
  ck_assert_int_eq(r.fault, CON_AUDIT_EDITED);
  ck_assert_uint_eq(r.sequence, 4);
  con_store_close(s);
}
END_TEST

START_TEST(an_older_database_shows_against_a_known_head)
{
  con_store *s = open_store();
  fill(s);
  attack("DELETE FROM audit WHERE sequence > 5");
  con_audit_report r = verify(s, &known[7], NULL);
  ck_assert_int_eq(r.fault, CON_AUDIT_CUT);
  ck_assert_uint_eq(r.sequence, 7);
  ck_assert_ptr_nonnull(strstr(r.sentence, "ends at entry 5"));
  r = verify(s, &known[5], &known[ENTRIES]);
  ck_assert_int_eq(r.fault, CON_AUDIT_CUT);
  ck_assert_uint_eq(r.sequence, 6);
  con_store_close(s);
}
END_TEST

START_TEST(the_console_records_nothing_on_a_log_that_was_changed_behind_it)
{
  con_store *s = open_store();
  con_audit_ref ref = {0};
  con_action_made made = {0};
  const con_audit_entry e = {.who = CD_STR("alice"), .what = CD_STR("a.b")};
  con_enrolled device = add_device(s, "desk", 1);
  fill(s);
  forge(s, known[ENTRIES].sequence + 1, &known[ENTRIES].digest, "action.create");
  expect_refused(con_audit_append(s, &e, &ref, &err), CD_E_CONFLICT, "inserted");
  const con_action_new n = {.device = cd_str_from(device.device),
                            .kind = CD_ORDER_ISOLATE,
                            .type = CD_STR("Isolate"),
                            .parameters = CD_STR("{}"),
                            .expires_ms = 9000000000000};
  expect_refused(con_action_create(s, &alice, &n, &made, &err), CD_E_CONFLICT, "changed behind");
  con_store_close(s);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_well_chained_entry_without_the_seal_is_an_insertion,
      a_rewritten_entry_shows_also_to_who_has_no_seal,
      an_older_database_shows_against_a_known_head,
      the_console_records_nothing_on_a_log_that_was_changed_behind_it,
  };
  return run_suite_with_rows("console.store.audit_attacks", tests, COUNT_OF(tests),
                             each_attack_on_the_rows_shows_with_its_name_and_place, COUNT_OF(rows));
}
