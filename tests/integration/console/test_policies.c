/* Policies and exclusions at the running console: who may edit them, which device is given what and
 * when, and isolations that follow their exclusions. */
#include "device.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALL                                                                                        \
  "Machine.Read.All,Machine.ReadWrite.All,Machine.Isolate,Cordon.Enroll,Cordon.Revoke,"            \
  "Cordon.Audit.Read,Cordon.Policy,Cordon.Collection"
#define SERVERS "{\"local\":{\"isolate\":\"nobody\"}}"
#define DESKS "{\"console\":{\"agents\":[\"console-b.example:8444\"]}}"
#define LIST(version) "{\"name\":\"web\",\"version\":" version ",\"items\":[" LIST_ITEM "]}"
#define LIST_ITEM "{\"folder\":\"Web\",\"path\":\"/var/log/web/*.log\",\"why\":\"CHG-1\"}"
#define PATIENCE_MS 20000

static place p;
static char *bearer;

static void set_up(void)
{
  place_make(&p);
  place_start(&p);
  bearer = place_app(&p, "tests", ALL);
}

static void tear_down(void)
{
  place_stop(&p, SIGTERM);
  place_remove(&p);
  free(bearer);
}

static unsigned ask_as(const char *who, const char *method, const char *path, const char *body,
                       char *out, size_t size)
{
  http_answer a;
  http_ask(p.people, p.ca, method, path, who, body, &a);
  unsigned status = a.status;
  cd_str text = cd_buf_view(&a.body);
  (void)cd_str_copy(out, size, (cd_str){text.ptr, text.len < size ? text.len : size - 1});
  http_release(&a);
  return status;
}

static void post(const char *path, const char *body, unsigned status)
{
  char answer[65536];
  unsigned got = ask_as(bearer, "POST", path, body, answer, sizeof(answer));
  ck_assert_msg(got == status, "POST %s: %u: %s", path, got, answer);
}

static bool shows(const char *path, const char *text)
{
  char answer[65536];
  ck_assert_uint_eq(ask_as(bearer, "GET", path, NULL, answer, sizeof(answer)), 200);
  return strstr(answer, text) != NULL;
}

static void wait_for(const char *path, const char *text)
{
  const struct timespec pause = {.tv_nsec = 20000000};
  for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
    if (shows(path, text))
      return;
    (void)nanosleep(&pause, NULL);
  }
  ck_abort_msg("'%s' does not come to show '%s'", path, text);
}

static void enrolled(device *d, const char *name)
{
  char token[64];
  device_make(d, name);
  token_new(&p, bearer, "{\"uses\":1}", token);
  ck_assert_uint_eq(device_enroll(d, &p, token), 201);
}

static void tag(const device *d, const char *text, bool add)
{
  char path[200];
  char body[200];
  (void)snprintf(path, sizeof(path), "/api/machines/%s/tags", d->id);
  (void)snprintf(body, sizeof(body), "{\"Value\":\"%s\",\"Action\":\"%s\"}", text,
                 add ? "Add" : "Remove");
  post(path, body, 200);
}

static void expect_policy(device *d, const char *name, const char *body, uint64_t version)
{
  cd_policy policy;
  char text[4096];
  device_take_policy(d, &policy, text, sizeof(text));
  ck_assert_str_eq(policy.name, name);
  ck_assert_str_eq(text, body);
  ck_assert_uint_eq(policy.version, version);
}

/* It says what it has; the console then gives it what it should have. */
static void say(device *d, uint64_t version, const char *name)
{
  d->policy = (cd_policy_standing){.known = true, .version = version, .highest = version};
  (void)cd_str_copy(d->policy.name, sizeof(d->policy.name), cd_str_from(name));
  device_report(d, CD_WANTED_RELEASED, 0);
}

START_TEST(a_device_is_given_what_its_tags_say)
{
  device d;
  char path[200];
  enrolled(&d, "desk-1");
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  post("/api/cordon/policies/default", "{\"Comment\":\"c\",\"body\":{}}", 200);
  post("/api/cordon/policies/servers", "{\"Comment\":\"c\",\"body\":" SERVERS "}", 200);
  post("/api/cordon/policies/servers/assign", "{\"Comment\":\"c\",\"tag\":\"server\",\"rank\":5}",
       200);
  ck_assert(shows(path, "\"wanted\":\"default\",\"wantedRevision\":1,\"wantedVersion\":0,"
                        "\"reported\":null,\"why\":\"the device is not connected\""));
  device_ready(&d, &p);
  say(&d, 0, "");
  expect_policy(&d, "default", "{}", 1);
  say(&d, 1, "default");
  wait_for(path, "\"version\":1,\"name\":\"default\",\"trial\":false");
  ck_assert(shows(path, "\"why\":null"));
  /* A tag is enough. */
  tag(&d, "server", true);
  expect_policy(&d, "servers", SERVERS, 2);
  ck_assert(shows(path, "it was sent, and the device has not said that it is in force"));
  say(&d, 2, "servers");
  wait_for(path, "\"version\":2,\"name\":\"servers\"");
  /* An edit too. */
  post("/api/cordon/policies/servers", "{\"Comment\":\"c\",\"body\":" DESKS "}", 200);
  expect_policy(&d, "servers", DESKS, 3);
  /* It puts it back: that is shown, and it is not sent again. */
  d.policy = (cd_policy_standing){.known = true, .version = 2, .highest = 3, .refused = 3};
  (void)cd_str_copy(d.policy.name, sizeof(d.policy.name), CD_STR("servers"));
  (void)cd_str_copy(d.policy.sentence, sizeof(d.policy.sentence),
                    CD_STR("with it the console was not reached within 120 s"));
  device_report(&d, CD_WANTED_RELEASED, 0);
  wait_for(path, "\"why\":\"with it the console was not reached within 120 s\"");
  post("/api/cordon/policies/servers", "{\"Comment\":\"again\",\"body\":" DESKS "}", 200);
  expect_policy(&d, "servers", DESKS, 4);
  device_release(&d);
}
END_TEST

/* The signer died over it: nobody waits for the device's next report. */
START_TEST(what_the_signer_did_not_sign_is_asked_for_again)
{
  device d;
  enrolled(&d, "desk-9");
  device_ready(&d, &p);
  say(&d, 0, "");
  post("/api/cordon/policies/signer-away", "{\"Comment\":\"c\",\"body\":" SERVERS "}", 200);
  post("/api/cordon/policies/signer-away/assign", "{\"Comment\":\"c\",\"tag\":\"away\",\"rank\":5}",
       200);
  tag(&d, "away", true);
  expect_policy(&d, "signer-away", SERVERS, 1);
  device_release(&d);
}
END_TEST

START_TEST(what_is_signed_is_sent_at_the_next_connection)
{
  device d;
  enrolled(&d, "desk-1");
  post("/api/cordon/policies/default", "{\"Comment\":\"c\",\"body\":" SERVERS "}", 200);
  device_ready(&d, &p);
  say(&d, 0, "");
  expect_policy(&d, "default", SERVERS, 1);
  device_disconnect(&d);
#ifdef SIGNER /* the one within the console has other keys each time */
  place_stop(&p, SIGKILL);
  place_start(&p);
#endif
  device_ready(&d, &p);
  d.report_number = 0;
  say(&d, 0, "");
  expect_policy(&d, "default", SERVERS, 1);
  device_release(&d);
}
END_TEST

/* An agent of before says nothing of policies, and is asked for nothing that it does not know. */
START_TEST(an_older_agent_is_left_alone)
{
  device d;
  char path[200];
  cd_order order = {0};
  cd_digest digest = {0};
  enrolled(&d, "desk-1");
  post("/api/cordon/policies/default", "{\"Comment\":\"c\",\"body\":" SERVERS "}", 200);
  device_ready(&d, &p);
  device_report(&d, CD_WANTED_RELEASED, 0);
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  wait_for(path, "its agent has not said that it takes policies");
  (void)snprintf(path, sizeof(path), "/api/machines/%s/isolate", d.id);
  post(path, "{\"Comment\":\"c\"}", 201);
  device_take_order(&d, &order, &digest);
  device_release(&d);
}
END_TEST

/* ---- rules of the API ---- */

static const struct {
  const char *method;
  const char *path;
  const char *body;
  unsigned status;
  const char *has;
} rows[] = {
    {"GET", "/api/cordon/policies", NULL, 200, "{\"value\":[]}"},
    {"POST", "/api/cordon/policies/a", "{\"body\":{}}", 400, "Parameter Comment is missing"},
    {"POST", "/api/cordon/policies/a", "{\"Comment\":\"c\"}", 400, "body is missing"},
    {"POST", "/api/cordon/policies/a", "{\"Comment\":\"c\",\"body\":{\"x\":1}}", 400,
     "x is not a known key"},
    {"POST", "/api/cordon/policies/A%20b", "{\"Comment\":\"c\",\"body\":{}}", 400,
     "name of a policy"},
    {"POST", "/api/cordon/policies/a", "{\"Comment\":\"c\",\"body\":" SERVERS "}", 200,
     "\"revision\":1,"},
    {"GET", "/api/cordon/policies/a", NULL, 200, "\"body\":" SERVERS},
    {"GET", "/api/cordon/policies/b", NULL, 404, "there is no policy 'b'"},
    {"POST", "/api/cordon/policies/b/assign", "{\"Comment\":\"c\",\"tag\":\"t\"}", 404, "'b'"},
    {"POST", "/api/cordon/policies/a/assign", "{\"Comment\":\"c\",\"tag\":\"t\",\"rank\":7}", 200,
     "\"tags\":[{\"tag\":\"t\",\"rank\":7}]"},
    {"POST", "/api/cordon/policies/a/remove", "{\"Comment\":\"c\"}", 400, "assigned to tags"},
    {"POST", "/api/cordon/policies/a/unassign", "{\"Comment\":\"c\",\"tag\":\"u\"}", 404, "'a'"},
    {"POST", "/api/cordon/policies/a/unassign", "{\"Comment\":\"c\",\"tag\":\"t\"}", 200,
     "\"tags\":[]"},
    {"POST", "/api/cordon/policies/a/remove", "{\"Comment\":\"c\"}", 200, "\"removed\":true"},
    {"GET", "/api/cordon/exclusions", NULL, 200,
     "\"name\":\"default\",\"source\":\"configuration\",\"revision\":0"},
    {"POST", "/api/cordon/exclusions/lab", "{\"Comment\":\"c\",\"exclusions\":[]}", 400,
     "must not be empty"},
    {"POST", "/api/cordon/exclusions/lab",
     "{\"Comment\":\"c\",\"exclusions\":[{\"direction\":\"out\"}]}", 400, "address is missing"},
    {"POST", "/api/cordon/exclusions/lab",
     "{\"Comment\":\"c\",\"exclusions\":[{\"direction\":\"out\",\"address\":\"192.0.2.0/24\"},"
     "{\"direction\":\"in\",\"address\":\"2001:db8::1-2001:db8::9\"}]}",
     200, "\"source\":\"console\",\"revision\":1"},
    {"GET", "/api/cordon/exclusions/lab", NULL, 200, "\"address\":\"192.0.2.0/24\""},
    {"POST", "/api/cordon/exclusions/lab",
     "{\"Comment\":\"c\",\"exclusions\":[{\"direction\":\"out\",\"service\":\"a/b.service\"}]}",
     400, "exclusions[0].service must be the name of a service"},
    {"POST", "/api/cordon/exclusions/lab",
     "{\"Comment\":\"c\",\"exclusions\":[{\"direction\":\"out\",\"service\":\"nginx.service\","
     "\"address\":\"192.0.2.0/24\",\"protocol\":\"tcp\",\"port\":\"443\"}]}",
     200, "\"service\":\"nginx.service\""},
    {"GET", "/api/cordon/exclusions/nothing", NULL, 404, "no exclusions 'nothing'"},
    {"POST", "/api/cordon/exclusions/lab/remove", "{\"Comment\":\"c\"}", 200, "\"removed\":true"},
    {"POST", "/api/cordon/exclusions/lab/remove", "{\"Comment\":\"c\"}", 404, "'lab'"},
    {"GET", "/api/cordon/collections", NULL, 200, "{\"value\":[]}"},
    {"POST", "/api/cordon/collections/web", "{\"list\":" LIST("1") "}", 400,
     "Parameter Comment is missing"},
    {"POST", "/api/cordon/collections/web", "{\"Comment\":\"c\"}", 400, "list is missing"},
    {"POST", "/api/cordon/collections/db", "{\"Comment\":\"c\",\"list\":" LIST("1") "}", 400,
     "list.name is another one"},
    {"POST", "/api/cordon/collections/web",
     "{\"Comment\":\"c\",\"list\":{\"name\":\"web\",\"version\":1,\"items\":[{\"folder\":\"a\","
     "\"path\":\"/a/../b\",\"why\":\"w\"}]}}",
     400, "list.items[0].path"},
    {"POST", "/api/cordon/collections/web", "{\"Comment\":\"c\",\"list\":" LIST("1") "}", 200,
     "\"version\":1,"},
    {"POST", "/api/cordon/collections/web", "{\"Comment\":\"c\",\"list\":" LIST("1") "}", 400,
     "kept with version 1"},
    {"GET", "/api/cordon/collections/web", NULL, 200, "\"list\":" LIST("1")},
    {"GET", "/api/cordon/collections", NULL, 200, "\"name\":\"web\",\"version\":1"},
    {"GET", "/api/cordon/collections/db", NULL, 404, "no collection list 'db'"},
    {"POST", "/api/cordon/collections/web/remove", "{\"Comment\":\"c\"}", 200, "\"removed\":true"},
    {"POST", "/api/cordon/collections/web/remove", "{\"Comment\":\"c\"}", 404, "'web'"},
};

START_TEST(each_documented_rule_holds)
{
  unsigned wrong = 0;
  char answer[65536];
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    unsigned status =
        ask_as(bearer, rows[i].method, rows[i].path, rows[i].body, answer, sizeof(answer));
    if (status == rows[i].status && strstr(answer, rows[i].has) != NULL)
      continue;
    (void)fprintf(stderr, "%s %s %s: %u (wanted %u): %s\n", rows[i].method, rows[i].path,
                  rows[i].body != NULL ? rows[i].body : "", status, rows[i].status, answer);
    wrong++;
  }
  ck_assert_uint_eq(wrong, 0);
  char *reader = place_app(&p, "reader", "Machine.Read.All");
  ck_assert_uint_eq(ask_as(reader, "GET", "/api/cordon/policies", NULL, answer, sizeof(answer)),
                    200);
  ck_assert_uint_eq(ask_as(reader, "POST", "/api/cordon/policies/a",
                           "{\"Comment\":\"c\",\"body\":{}}", answer, sizeof(answer)),
                    403);
  ck_assert_ptr_nonnull(strstr(answer, "(Cordon.Policy)"));
  ck_assert_uint_eq(ask_as(reader, "POST", "/api/cordon/collections/web",
                           "{\"Comment\":\"c\",\"list\":" LIST("1") "}", answer, sizeof(answer)),
                    403);
  ck_assert_ptr_nonnull(strstr(answer, "(Cordon.Collection)"));
  free(reader);
}
END_TEST

/* ---- exclusions ---- */

#define EXCLUSION(address)                                                                         \
  "{\"direction\":\"out\",\"address\":\"" address "\",\"protocol\":\"tcp\",\"port\":\"443\"}"

START_TEST(an_isolation_follows_its_exclusions)
{
  device d;
  device full;
  char path[200];
  cd_order order = {0};
  cd_digest digest = {0};
  enrolled(&d, "desk-1");
  enrolled(&full, "desk-2");
  device_ready(&d, &p);
  device_ready(&full, &p);
  post("/api/cordon/exclusions/lab",
       "{\"Comment\":\"c\",\"exclusions\":[" EXCLUSION("192.0.2.1") "]}", 200);
  (void)snprintf(path, sizeof(path), "/api/machines/%s/isolate", full.id);
  post(path, "{\"Comment\":\"c\"}", 201);
  device_take_order(&full, &order, &digest);
  (void)snprintf(path, sizeof(path), "/api/machines/%s/isolate", d.id);
  post(path, "{\"Comment\":\"c\",\"IsolationType\":\"Selective\",\"Exclusions\":\"lab\"}", 201);
  device_take_order(&d, &order, &digest);
  ck_assert_ptr_nonnull(strstr(device_parameters(&d), "192.0.2.1"));
  ck_assert(device_result(&d, &order, &digest, d.key));
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  wait_for(path, "\"exclusions\":\"lab\"");
  post("/api/cordon/exclusions/lab",
       "{\"Comment\":\"a second one\",\"exclusions\":[" EXCLUSION("192.0.2.1") "," EXCLUSION(
           "2001:db8::/32") "]}",
       200);
  device_take_order(&d, &order, &digest);
  ck_assert_int_eq(order.kind, CD_ORDER_ISOLATE);
  ck_assert_uint_eq(order.generation, 2);
  ck_assert_ptr_nonnull(strstr(device_parameters(&d), "192.0.2.1"));
  ck_assert_ptr_nonnull(strstr(device_parameters(&d), "2001:db8::/32"));
  ck_assert(device_result(&d, &order, &digest, d.key));
  wait_for(path, "\"exclusions\":\"lab\"");
  ck_assert(!shows("/api/cordon/exclusions", "\"devices\":2"));
  ck_assert(shows("/api/cordon/exclusions", "\"devices\":1"));
  device_release(&d);
  device_release(&full);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("console.policies");
  TCase *t = tcase_create("policies");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 120);
  tcase_add_test(t, a_device_is_given_what_its_tags_say);
  tcase_add_test(t, what_is_signed_is_sent_at_the_next_connection);
  tcase_add_test(t, what_the_signer_did_not_sign_is_asked_for_again);
  tcase_add_test(t, an_older_agent_is_left_alone);
  tcase_add_test(t, each_documented_rule_holds);
  tcase_add_test(t, an_isolation_follows_its_exclusions);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
