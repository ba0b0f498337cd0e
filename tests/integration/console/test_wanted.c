/* What is wanted of a device and what it holds: what differs is ordered anew, and what the console
 * does not know is not undone. */
#include "fleet.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMENT "{\"Comment\":\"test\"}"
#define SELECTIVE                                                                                  \
  "{\"Comment\":\"test\",\"IsolationType\":\"Selective\",\"Exclusions\":\"default\"}"

static fleet f;

static void set_up(void)
{
  fleet_up(&f);
}

static void tear_down(void)
{
  fleet_down(&f);
}

static void isolated(device *d, const char *body, char action[64])
{
  cd_order order = {0};
  fleet_enrol(&f, d, "desk-1");
  device_ready(d, &f.place);
  fleet_order(&f, d->id, "isolate", body, action);
  fleet_carry_out(d, action, &order);
}

/* It was wiped, or its journal was put back. */
START_TEST(an_older_isolation_of_another_type_is_ordered_anew)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  char action[64];
  isolated(&d, COMMENT, action);
  device_disconnect(&d);
  device_ready(&d, &f.place);
  device_report_as(&d, &(const device_holds){.wanted = CD_WANTED_ISOLATED,
                                             .type = "selective",
                                             .action = action,
                                             .generation = 0});
  device_report_as(&d, &(const device_holds){.wanted = CD_WANTED_ISOLATED,
                                             .type = "selective",
                                             .action = "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01",
                                             .generation = 0});
  device_take_order(&d, &order, &digest);
  ck_assert_int_eq(order.kind, CD_ORDER_ISOLATE);
  ck_assert_str_ne(order.action, action);
  ck_assert_uint_gt(order.generation, 1);
  device_release(&d);
}
END_TEST

START_TEST(the_same_order_is_not_given_twice)
{
  device d;
  cd_order order = {0};
  char action[64];
  char release[64];
  isolated(&d, SELECTIVE, action);
  device_report_as(&d, &(const device_holds){.wanted = CD_WANTED_ISOLATED,
                                             .type = "selective",
                                             .action = action,
                                             .generation = d.generation});
  fleet_order(&f, d.id, "unisolate", COMMENT, release);
  fleet_carry_out(&d, release, &order);
  device_release(&d);
}
END_TEST

/* The console knows which it sent in a connection, and forgets those that have ended: one that goes
 * on for months has any number of orders. */
START_TEST(a_connection_takes_any_number_of_orders)
{
  device d;
  cd_order order = {0};
  char action[64];
  char answer[65536];
  fleet_enrol(&f, &d, "desk-1");
  device_ready(&d, &f.place);
  for (unsigned i = 0; i < 70; i++) {
    fleet_order(&f, d.id, i % 2 == 0 ? "isolate" : "unisolate", COMMENT, action);
    fleet_carry_out(&d, action, &order);
  }
  ck_assert_uint_eq(fleet_ask(&f, "GET", "/metrics", NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "cordon_orders_sent_total 70\n"));
  device_release(&d);
}
END_TEST

/* The database is older than the isolation, which the device holds and has told. */
START_TEST(a_restored_database_does_not_release_what_it_does_not_know)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  char first[64];
  char release[64];
  char path[200];
  char answer[65536];
  isolated(&d, COMMENT, first);
  fleet_order(&f, d.id, "unisolate", COMMENT, release);
  fleet_carry_out(&d, release, &order);
  const device_holds held = {.wanted = CD_WANTED_ISOLATED,
                             .type = "full",
                             .action = "0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01",
                             .generation = 40};
  d.generation = 40;
  device_disconnect(&d);
  device_ready(&d, &f.place);
  device_report_as(&d, &held);
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s", held.action);
  fleet_wait_text(&f, "/api/machineactions", held.action);
  fleet_wait(&f, path, "status", "Succeeded");
  fleet_wait(&f, path, "type", "Isolate");
  ck_assert_uint_eq(fleet_ask(&f, "GET", "/api/cordon/audit", NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "\"action.adopted\""));
  /* From now on it is wanted: it comes back as such. */
  device_disconnect(&d);
  device_ready(&d, &f.place);
  device_report(&d, CD_WANTED_RELEASED, 0);
  device_take_order(&d, &order, &digest);
  ck_assert_int_eq(order.kind, CD_ORDER_ISOLATE);
  ck_assert_uint_gt(order.generation, 40);
  device_release(&d);
}
END_TEST

/* 450 devices in slices: each has its action, and the log is whole. */
START_TEST(many_are_ordered_at_once)
{
  static char answer[1024 * 1024];
  device d;
  unsigned orders = 0;
  fleet_enrol(&f, &d, "desk-1");
  fleet_edit(&f, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)"
                 " INSERT INTO device(id, dns_name, os_platform, agent_version, last_external_ip,"
                 " tags, device_key, key_id, first_seen, last_seen) SELECT printf('%040x', i),"
                 " 'desk-' || i, 'Linux', '1', '', '[\"many\"]', '', printf('%064x', i),"
                 " last_seen, last_seen FROM n, device");
  ck_assert_uint_eq(fleet_ask(&f, "POST", "/api/cordon/isolate",
                              "{\"tag\":\"many\",\"expect\":450,\"Comment\":\"test\"}", answer,
                              sizeof(answer)),
                    201);
  for (const char *at = answer; (at = strstr(at, "\"error\":null")) != NULL; at++)
    orders++;
  ck_assert_uint_eq(orders, 450);
  fleet_wait_text(&f, "/api/machineactions?$top=1", "Pending");
  ck_assert_uint_eq(fleet_ask(&f, "GET", "/api/cordon/audit/head", NULL, answer, sizeof(answer)),
                    200);
  device_release(&d);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("console.wanted");
  TCase *t = tcase_create("wanted");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 120);
  tcase_add_test(t, an_older_isolation_of_another_type_is_ordered_anew);
  tcase_add_test(t, the_same_order_is_not_given_twice);
  tcase_add_test(t, a_connection_takes_any_number_of_orders);
  tcase_add_test(t, a_restored_database_does_not_release_what_it_does_not_know);
  tcase_add_test(t, many_are_ordered_at_once);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
