/* A database that was edited by hand makes the signer sign nothing, and it says why. */
#include "signer_place.h"

#include "base/clock.h"
#include "command.h"

#include <stdio.h>
#include <string.h>

static con_store *store;
static sig_signer signer;
static fleet_device desk;
static con_action_made made;

static void begin(void)
{
  store = open_store();
  enroll_device(store, "desk", &desk);
  (void)isolate(store, desk.enrolled.device);
  open_signer(&signer, NULL);
  expect_signed(attach(&signer));
  made = isolate(store, desk.enrolled.device);
  (void)isolate(store, desk.enrolled.device);
}

static void end(void)
{
  sig_close(&signer);
  free_device(&desk);
  con_store_close(store);
}

typedef struct row {
  const char *sql;
  const char *words;
} row;

/* Entry 1 is the token's, 2 the enrolment, 3 an action that the signer has seen, 4 ours, 5 another.
 */
static const row rows[] = {
    {"UPDATE audit SET who = 'mallory' WHERE sequence = 4", "edited: entry 4"},
    {"UPDATE audit SET detail = replace(detail, 'isolate', 'release') WHERE sequence = 4",
     "edited: entry 4"},
    {"UPDATE audit SET who = 'mallory' WHERE sequence = 3", "edited: entry 3"},
    {"DELETE FROM audit WHERE sequence = 4", "cut"},
    {"DELETE FROM audit WHERE sequence >= 3", "cut, or is an older one: it ends at entry 2"},
    {"UPDATE audit SET sequence = 99 WHERE sequence = 4;"
     "UPDATE audit SET sequence = 4 WHERE sequence = 5;"
     "UPDATE audit SET sequence = 5 WHERE sequence = 99",
     "reordered: at place 4"},
    {"INSERT INTO audit SELECT 6, at, who, what, device, action, detail, digest, digest, seal"
     " FROM audit WHERE sequence = 5",
     "entry 6"},
    {"UPDATE audit SET seal = zeroblob(32) WHERE sequence = 5", "entry 5 was inserted"},
};

START_TEST(an_edited_log_signs_nothing)
{
  begin();
  attack(rows[_i].sql);
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &made), CD_E_CONFLICT, rows[_i].words);
  expect_not_signed(ask(&signer, "head", "{}"), CD_E_CONFLICT, rows[_i].words);
  expect_not_signed(issue(&signer, desk.enrolled.device, desk.csr, &desk.enrolled.audit),
                    CD_E_CONFLICT, rows[_i].words);
  reopen_signer(&signer, NULL);
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &made), CD_E_CONFLICT, rows[_i].words);
  end();
}
END_TEST

START_TEST(an_action_without_its_entry_is_not_signed)
{
  begin();
  attack("INSERT INTO action(id, device, kind, state, type, scope, requestor, comment, ticket,"
         " source, parameters, status, created, updated, expires, generation, audit_sequence,"
         " audit_digest) SELECT '0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01', device, kind, state, type,"
         " scope, requestor, comment, ticket, source, parameters, 1, created, updated, expires, 9,"
         " audit_sequence, audit_digest FROM action LIMIT 1");
  con_action_made forged = made;
  memcpy(forged.id, "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01", sizeof(forged.id));
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &forged), CD_E_DENIED,
                    "another action");
  expect_signed(sign_full(&signer, desk.enrolled.device, &made));
  end();
}
END_TEST

START_TEST(an_action_with_other_parameters_than_recorded_is_not_signed)
{
  static const char worse[] = "{\"type\":\"selective\",\"exclusions\":[{\"direction\":\"both\","
                              "\"address\":\"0.0.0.0/0\"}]}";
  begin();
  expect_not_signed(sign(&signer, desk.enrolled.device, &made, worse, made.generation), CD_E_DENIED,
                    "other parameters");
  end();
}
END_TEST

/* A cancellation that was verified once stays in force although its entry is cut out with a new
 * chain behind it: that takes the seal, and without it the cut shows. */
START_TEST(a_cut_cancellation_revives_nothing)
{
  begin();
  expect_ok(con_action_cancel(store, &alice, cd_str_from(made.id), NULL, &err));
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &made), CD_E_DENIED, "cancelled");
  attack("DELETE FROM audit WHERE sequence = 6");
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &made), CD_E_CONFLICT, "cut");
  end();
}
END_TEST

/* The database as it was, put in the place of the one that is in use, as restoring a backup does.
 */
static void restore(void)
{
  con_store_close(store);
  ck_assert_int_eq(rename(at("backup.db"), db_path()), 0);
  (void)remove(at("console.db-wal"));
  (void)remove(at("console.db-shm"));
  store = open_store();
}

static void back_up(void)
{
  attack("PRAGMA wal_checkpoint(TRUNCATE)");
  copy_file(db_path(), at("backup.db"));
}

static void begin_restored(void)
{
  begin();
  back_up();
  con_action_made later = isolate(store, desk.enrolled.device);
  expect_signed(sign_full(&signer, desk.enrolled.device, &later));
  restore();
}

START_TEST(an_older_database_is_refused_until_it_is_accepted_and_on_record)
{
  char out[32];
  con_audit_ref end_of_log = {0};
  sig_config config;
  begin_restored();
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &made), CD_E_CONFLICT,
                    "is an older one: it ends at entry 5, and entry 6 is known");
  expect_not_signed(attach(&signer), CD_E_CONFLICT, "--accept-head");
  sig_close(&signer);

  FILE *null = fopen("/dev/null", "w");
  ck_assert_ptr_nonnull(null);
  expect_ok(con_audit_head(store, &end_of_log, &err));
  (void)snprintf(out, sizeof(out), "%llu", (unsigned long long)end_of_log.sequence);
  expect_ok(sig_config_parse(cd_str_from(config_text(NULL)), &config, &err));
  expect_refused(sig_command_accept_head(signer_folder(), &config, "4", null, &err), CD_E_INVALID,
                 "ends at entry 5, not at 4");
  expect_ok(sig_config_parse(cd_str_from(config_text(NULL)), &config, &err));
  expect_ok(sig_command_accept_head(signer_folder(), &config, out, null, &err));
  ck_assert_int_eq(fclose(null), 0);

  open_signer(&signer, NULL);
  con_signer_reply r = attach(&signer);
  expect_signed(r);
  ck_assert_uint_eq(r.lost_head.sequence, 6);
  con_audit_ref lost = r.lost_head;
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &made), CD_E_CONFLICT,
                    "does not say so yet");
  expect_ok(con_audit_accept_loss(store, &lost, NULL, &err));
  expect_signed(sign_full(&signer, desk.enrolled.device, &made));
  ck_assert_uint_eq(attach(&signer).lost_head.sequence, 0);
  end();
}
END_TEST

START_TEST(a_restored_database_that_went_on_is_refused_too)
{
  begin_restored();
  for (int i = 0; i < 5; i++)
    made = isolate(store, desk.enrolled.device);
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &made), CD_E_CONFLICT, "entry 6");
  reopen_signer(&signer, NULL);
  expect_not_signed(sign_full(&signer, desk.enrolled.device, &made), CD_E_CONFLICT, "entry 6");
  end();
}
END_TEST

START_TEST(marks_go_on_while_the_log_is_looked_into)
{
  char params[256];
  begin();
  attack("DELETE FROM audit WHERE sequence = 4");
  (void)snprintf(params, sizeof(params),
                 "{\"device\":\"%s\",\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"states\":[]}",
                 desk.enrolled.device);
  expect_signed(ask(&signer, "mark", params));
  end();
}
END_TEST

START_TEST(there_is_nothing_to_accept_in_a_log_that_is_whole)
{
  sig_config config;
  begin();
  sig_close(&signer);
  expect_ok(sig_config_parse(cd_str_from(config_text(NULL)), &config, &err));
  expect_refused(sig_command_accept_head(signer_folder(), &config, "5", stdout, &err),
                 CD_E_CONFLICT, "nothing to accept");
  expect_ok(sig_config_parse(cd_str_from(config_text(NULL)), &config, &err));
  expect_refused(sig_command_accept_head(signer_folder(), &config, "x", stdout, &err), CD_E_INVALID,
                 "not the number");
  free_device(&desk);
  con_store_close(store);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      an_action_without_its_entry_is_not_signed,
      an_action_with_other_parameters_than_recorded_is_not_signed,
      a_cut_cancellation_revives_nothing,
      an_older_database_is_refused_until_it_is_accepted_and_on_record,
      a_restored_database_that_went_on_is_refused_too,
      marks_go_on_while_the_log_is_looked_into,
      there_is_nothing_to_accept_in_a_log_that_is_whole,
  };
  return run_suite_with_rows("console.signer.attacks", tests, COUNT_OF(tests),
                             an_edited_log_signs_nothing, COUNT_OF(rows));
}
