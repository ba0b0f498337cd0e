/* Whoever writes to the console's database by hand makes no device do anything, and it shows. */
#include "fleet.h"

#include "protocol/base64.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FULL "{\"type\":\"full\",\"exclusions\":[]}"
#define COMMENT "{\"Comment\":\"test\"}"
#define REFUSED "cordon_wanted_refused_total "

static fleet f;

static void set_up(void)
{
  fleet_up(&f);
}

static void tear_down(void)
{
  fleet_down(&f);
}

/* Isolated and released again, by orders. */
static void had_both(device *d, char isolate[64], char release[64])
{
  cd_order order = {0};
  fleet_enrol(&f, d, "desk-1");
  device_ready(d, &f.place);
  fleet_order(&f, d->id, "isolate", COMMENT, isolate);
  fleet_carry_out(d, isolate, &order);
  fleet_order(&f, d->id, "unisolate", COMMENT, release);
  fleet_carry_out(d, release, &order);
}

/* The next order that comes is the one that somebody asks for now. */
static void nothing_but_what_is_asked(device *d)
{
  cd_order order = {0};
  char action[64];
  fleet_order(&f, d->id, "isolate", COMMENT, action);
  fleet_carry_out(d, action, &order);
}

START_TEST(a_wish_in_the_table_of_wishes_orders_nothing)
{
  device d;
  char isolate[64];
  char release[64];
  had_both(&d, isolate, release);
  fleet_edit(&f, "UPDATE wanted SET value = 2, type = 'full', parameters = '" FULL
                 "', value_generation = 999");
  device_report(&d, CD_WANTED_RELEASED, d.generation);
  fleet_wait_text(&f, "/metrics", REFUSED "1\n");
  nothing_but_what_is_asked(&d);
  device_release(&d);
}
END_TEST

START_TEST(an_action_that_was_undone_orders_nothing)
{
  device d;
  char isolate[64];
  char release[64];
  char sql[1024];
  char path[200];
  char answer[65536];
  had_both(&d, isolate, release);
  (void)snprintf(sql, sizeof(sql),
                 "UPDATE wanted SET value = 2, type = 'full', value_generation = 999,"
                 " action = '%s', parameters = (SELECT parameters FROM action WHERE id = '%s')",
                 isolate, isolate);
  fleet_edit(&f, sql);
  device_report(&d, CD_WANTED_RELEASED, d.generation);
  fleet_wait_text(&f, "/metrics", REFUSED "1\n");
  (void)snprintf(path, sizeof(path), "/api/machines/%s/machineactions", d.id);
  ck_assert_uint_eq(fleet_ask(&f, "GET", path, NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "\"status\":\"Failed\""));
  nothing_but_what_is_asked(&d);
  device_release(&d);
}
END_TEST

START_TEST(an_inserted_action_that_succeeded_orders_nothing)
{
  device d;
  cd_order order = {0};
  char isolate[64];
  char release[64];
  char sql[2048];
  had_both(&d, isolate, release);
  (void)snprintf(
      sql, sizeof(sql),
      "INSERT INTO action(id, device, kind, state, type, scope, requestor, comment, ticket,"
      " source, parameters, status, created, updated, expires, generation, audit_sequence,"
      " audit_digest) SELECT '0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01', device, kind, state, type,"
      " scope, requestor, comment, ticket, source, parameters, 3, created, updated, expires,"
      " generation + 1000, audit_sequence, audit_digest FROM action WHERE id = '%s'",
      isolate);
  /* What is wanted is settled anew with the next end. */
  char action[64];
  fleet_order(&f, d.id, "unisolate", COMMENT, action);
  fleet_edit(&f, sql);
  fleet_carry_out(&d, action, &order);
  fleet_wait_text(&f, "/metrics", REFUSED "1\n");
  device_report(&d, CD_WANTED_RELEASED, d.generation);
  nothing_but_what_is_asked(&d);
  device_release(&d);
}
END_TEST

/* The secret of the made-up one is 43 times `a`. */
START_TEST(an_inserted_application_has_no_rights)
{
  http_answer a;
  char secret[44];
  char hex[2 * CD_DIGEST_SIZE + 1];
  char sql[512];
  cd_digest hash;
  cd_err err = {0};
  memset(secret, 'a', 43);
  secret[43] = '\0';
  ck_assert_int_eq(cd_digest_of(secret, 43, &hash, &err), CD_OK);
  cd_hex(hex, hash.bytes, sizeof(hash.bytes));
  (void)snprintf(sql, sizeof(sql),
                 "INSERT INTO app SELECT '0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01', 'made up', x'%s',"
                 " permissions, created, 0 FROM app",
                 hex);
  fleet_edit(&f, sql);
  (void)snprintf(sql, sizeof(sql),
                 "grant_type=client_credentials&client_id=0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01"
                 "&client_secret=%s&resource=x",
                 secret);
  http_ask(f.place.people, f.place.ca, "POST", "/tenant/oauth2/v2.0/token", NULL, sql, &a);
  ck_assert_uint_eq(a.status, 401);
  http_release(&a);
  fleet_wait_text(&f, "/metrics", "cordon_access_refused_total 1\n");
}
END_TEST

/* More permissions in the row of one that exists: it has none at all, from that moment. */
START_TEST(an_edited_application_has_no_rights)
{
  char answer[4096];
  ck_assert_uint_eq(fleet_ask(&f, "GET", "/api/machines", NULL, answer, sizeof(answer)), 200);
  fleet_edit(&f, "UPDATE app SET permissions = '[\"Machine.Isolate\"]'");
  ck_assert_uint_eq(fleet_ask(&f, "GET", "/api/machines", NULL, answer, sizeof(answer)), 401);
}
END_TEST

/* The device CA does not state the key that somebody put into the device's row. */
START_TEST(an_edited_device_key_is_not_taken)
{
  device d;
  device other;
  cd_rpc m = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  char text[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  char sql[512];
  fleet_enrol(&f, &d, "desk-1");
  device_make(&other, "desk-2");
  device_ready(&d, &f.place);
  device_disconnect(&d);
  cd_public_key_to_der(cd_key_public(other.key), der);
  cd_base64url_text(text, der, sizeof(der));
  (void)snprintf(sql, sizeof(sql), "UPDATE device SET device_key = '%s'", text);
  fleet_edit(&f, sql);
  ck_assert(device_connect(&d, &f.place) != 101 || !device_next(&d, &m));
  fleet_wait_text(&f, "/metrics", "cordon_access_refused_total 1\n");
  device_release(&other);
  device_release(&d);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("console.database");
  TCase *t = tcase_create("database");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 120);
  tcase_add_test(t, a_wish_in_the_table_of_wishes_orders_nothing);
  tcase_add_test(t, an_action_that_was_undone_orders_nothing);
  tcase_add_test(t, an_inserted_action_that_succeeded_orders_nothing);
  tcase_add_test(t, an_inserted_application_has_no_rights);
  tcase_add_test(t, an_edited_application_has_no_rights);
  tcase_add_test(t, an_edited_device_key_is_not_taken);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
