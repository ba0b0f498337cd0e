/* Devices at the agents' listener: enrolment, orders, results, and those that are refused. */
#include "device.h"

#include "base/clock.h"
#include "crowd.h"
#include "protocol/base64.h"
#include "protocol/release_code.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALL                                                                                        \
  "Machine.Read.All,Machine.ReadWrite.All,Machine.Isolate,Cordon.Enroll,Cordon.Revoke,"            \
  "Cordon.Audit.Read,Machine.ReleaseCode"
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

static unsigned ask(const char *method, const char *path, const char *body, char *out, size_t size)
{
  http_answer a;
  http_ask(p.people, p.ca, method, path, bearer, body, &a);
  unsigned status = a.status;
  cd_str text = cd_buf_view(&a.body);
  (void)cd_str_copy(out, size, (cd_str){text.ptr, text.len < size ? text.len : size - 1});
  http_release(&a);
  return status;
}

static void isolate(const device *d, char action[64])
{
  char path[200];
  char answer[4096];
  (void)snprintf(path, sizeof(path), "/api/machines/%s/isolate", d->id);
  ck_assert_uint_eq(ask("POST", path, "{\"Comment\":\"test\"}", answer, sizeof(answer)), 201);
  json_member(answer, "id", action, 64);
}

/* The member of a GET becomes that, within the patience. */
static void wait_for(const char *path, const char *member, const char *wanted)
{
  const struct timespec pause = {.tv_nsec = 20000000};
  char answer[65536];
  char value[200] = "";
  for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
    ck_assert_uint_eq(ask("GET", path, NULL, answer, sizeof(answer)), 200);
    json_member(answer, member, value, sizeof(value));
    if (strcmp(value, wanted) == 0)
      return;
    (void)nanosleep(&pause, NULL);
  }
  ck_abort_msg("%s of %s is '%s' and not '%s'", member, path, value, wanted);
}

static void enrolled(device *d, const char *name)
{
  char token[64];
  device_make(d, name);
  token_new(&p, bearer, "{\"uses\":1}", token);
  ck_assert_uint_eq(device_enroll(d, &p, token), 201);
}

START_TEST(an_order_goes_out_and_its_result_comes_back)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  char action[64];
  char path[200];
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  isolate(&d, action);
  device_take_order(&d, &order, &digest);
  ck_assert_str_eq(order.action, action);
  ck_assert_int_eq(order.kind, CD_ORDER_ISOLATE);
  ck_assert_uint_eq(order.generation, 1);
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s", action);
  wait_for(path, "status", "InProgress");
  ck_assert(device_result(&d, &order, &digest, d.key));
  wait_for(path, "status", "Succeeded");
  device_release(&d);
}
END_TEST

/* An order without a state: it has no generation and wants nothing. */
START_TEST(a_preflight_goes_out_and_its_result_comes_back)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  char action[64];
  char path[200];
  char answer[65536];
  char wanted[200];
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  (void)snprintf(path, sizeof(path), "/api/cordon/machines/%s/preflight", d.id);
  ck_assert_uint_eq(
      ask("POST", path, "{\"Comment\":\"c\",\"Preflight\":\"Warn\"}", answer, sizeof(answer)), 201);
  json_member(answer, "id", action, sizeof(action));
  device_take_order(&d, &order, &digest);
  ck_assert_str_eq(order.action, action);
  ck_assert_int_eq(order.kind, CD_ORDER_PREFLIGHT);
  ck_assert_uint_eq(order.generation, 0);
  (void)snprintf(path, sizeof(path), "/api/cordon/actions/%s", action);
  ck_assert_uint_eq(ask("GET", path, NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(
      answer, "\"parameters\":{\"type\":\"full\",\"exclusions\":[],\"preflight\":\"warn\"}"));
  ck_assert(device_result(&d, &order, &digest, d.key));
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s", action);
  wait_for(path, "status", "Succeeded");
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  ck_assert_uint_eq(ask("GET", path, NULL, answer, sizeof(answer)), 200);
  (void)snprintf(wanted, sizeof(wanted),
                 "\"wanted\":[{\"state\":\"isolate\",\"value\":"
                 "\"released\"");
  ck_assert_ptr_nonnull(strstr(answer, wanted));
  device_release(&d);
}
END_TEST

START_TEST(an_order_waits_for_its_device)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  char action[64];
  char path[200];
  char answer[65536];
  enrolled(&d, "desk-1");
  isolate(&d, action);
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  ck_assert_uint_eq(ask("GET", path, NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "the device is not connected; it was last seen at"));
  device_ready(&d, &p);
  device_take_order(&d, &order, &digest);
  ck_assert_str_eq(order.action, action);
  device_release(&d);
}
END_TEST

START_TEST(another_keys_result_is_refused_and_changes_nothing)
{
  device d;
  device other;
  cd_order order = {0};
  cd_digest digest = {0};
  char action[64];
  char path[200];
  enrolled(&d, "desk-1");
  device_make(&other, "desk-2");
  device_ready(&d, &p);
  isolate(&d, action);
  device_take_order(&d, &order, &digest);
  ck_assert(!device_result(&d, &order, &digest, other.key));
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s", action);
  wait_for(path, "status", "InProgress");
  device_release(&other);
  device_release(&d);
}
END_TEST

/* What it holds is older than what is wanted. */
START_TEST(a_device_that_fell_behind_is_ordered_anew)
{
  device d;
  cd_order order = {0};
  cd_order again = {0};
  cd_digest digest = {0};
  char action[64];
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  isolate(&d, action);
  device_take_order(&d, &order, &digest);
  ck_assert(device_result(&d, &order, &digest, d.key));
  device_disconnect(&d);
  d.generation = 0; /* as after its disk was put back */
  device_ready(&d, &p);
  device_report(&d, CD_WANTED_RELEASED, 0);
  device_take_order(&d, &again, &digest);
  ck_assert_int_eq(again.kind, CD_ORDER_ISOLATE);
  ck_assert_uint_gt(again.generation, order.generation);
  ck_assert_str_ne(again.action, order.action);
  device_release(&d);
}
END_TEST

START_TEST(a_restored_console_goes_on_above_its_device)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  char action[64];
  enrolled(&d, "desk-1");
  d.generation = 41;
  device_ready(&d, &p);
  isolate(&d, action);
  device_take_order(&d, &order, &digest);
  ck_assert_uint_eq(order.generation, 42);
  device_release(&d);
}
END_TEST

/* A release that was given on the device itself is not undone. */
START_TEST(a_local_release_is_taken_over)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  cd_order local = {.kind = CD_ORDER_RELEASE, .generation = 2};
  cd_err err = {0};
  char action[64];
  char path[200];
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  isolate(&d, action);
  device_take_order(&d, &order, &digest);
  ck_assert(device_result(&d, &order, &digest, d.key));
  device_report(&d, CD_WANTED_RELEASED, 2);
  ck_assert_int_eq(cd_id_make(local.action, &err), CD_OK);
  ck_assert(device_result(&d, &local, NULL, d.key));
  (void)snprintf(path, sizeof(path), "/api/machineactions/%s", local.action);
  wait_for(path, "requestSource", "Device");
  device_release(&d);
}
END_TEST

static unsigned code_of(const char *action, const char *method, char *out, size_t size)
{
  char path[200];
  (void)snprintf(path, sizeof(path), "/api/cordon/machineactions/%s/code", action);
  return ask(method, path, strcmp(method, "POST") == 0 ? "{\"Comment\":\"by phone\"}" : NULL, out,
             size);
}

/* Whether the order that the device got is opened by this code. */
static bool opens(const device *d, const char *action, const char *text)
{
  char path[200];
  char answer[65536];
  char salt_text[64];
  char digest_text[CD_DIGEST_TEXT_MAX];
  uint8_t salt[CD_CODE_SALT_SIZE];
  size_t len = 0;
  cd_release_code code;
  cd_digest mine;
  cd_digest digest;
  cd_err err = {0};
  (void)snprintf(path, sizeof(path), "/api/cordon/actions/%s", action);
  ck_assert_uint_eq(ask("GET", path, NULL, answer, sizeof(answer)), 200);
  json_member(answer, "salt", salt_text, sizeof(salt_text));
  json_member(answer, "digest", digest_text, sizeof(digest_text));
  ck_assert(cd_base64url_decode(cd_str_from(salt_text), salt, sizeof(salt), &len));
  ck_assert(cd_digest_from_text(cd_str_from(digest_text), &digest));
  ck_assert_int_eq(cd_release_code_parse(cd_str_from(text), &code, &err), CD_OK);
  ck_assert_int_eq(
      cd_release_code_digest(&code, cd_str_from(d->id), cd_str_from(action), salt, &mine, &err),
      CD_OK);
  return cd_digest_equal(&mine, &digest);
}

START_TEST(a_release_code_is_shown_once_while_it_is_of_use)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  char action[64];
  char answer[65536];
  char code[64];
  enrolled(&d, "desk-1");
  isolate(&d, action);
  ck_assert_uint_eq(code_of(action, "POST", answer, sizeof(answer)), 403);
  ck_assert_ptr_nonnull(strstr(answer, "the order was not sent to the device yet"));
  device_ready(&d, &p);
  device_take_order(&d, &order, &digest);
  ck_assert(device_result(&d, &order, &digest, d.key));
  device_disconnect(&d);
  ck_assert_uint_eq(code_of(action, "GET", answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "\"available\":true,\"shownTo\":null"));
  ck_assert_uint_eq(code_of(action, "POST", answer, sizeof(answer)), 200);
  json_member(answer, "code", code, sizeof(code));
  ck_assert(opens(&d, action, code));
  ck_assert_uint_eq(code_of(action, "POST", answer, sizeof(answer)), 403);
  ck_assert_ptr_nonnull(strstr(answer, "was shown to 'tests' at 20"));
  ck_assert_ptr_null(strstr(answer, code));
  ck_assert_uint_eq(code_of(action, "GET", answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "\"available\":false,\"shownTo\":\"tests\",\"shown\":\"20"));
  /* The log says who, when and why, and never the code. */
  ck_assert_uint_eq(ask("GET", "/api/cordon/audit?from=1&limit=100", NULL, answer, sizeof(answer)),
                    200);
  const char *entry = strstr(answer, "\"what\":\"action.code\"");
  ck_assert_ptr_nonnull(entry);
  ck_assert_ptr_nonnull(strstr(entry, "\"detail\":{\"comment\":\"by phone\"}"));
  ck_assert_ptr_null(strstr(answer, code));
  device_release(&d);
}
END_TEST

/* It was given by the code while nobody could be told; nothing is ordered against it. */
START_TEST(a_release_by_code_is_learned_and_respected)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  cd_order local = {.kind = CD_ORDER_RELEASE, .generation = 2};
  cd_err err = {0};
  char action[64];
  char path[200];
  char answer[65536];
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  isolate(&d, action);
  device_take_order(&d, &order, &digest);
  ck_assert(device_result(&d, &order, &digest, d.key));
  device_disconnect(&d);
  d.generation = 2;
  device_ready(&d, &p);
  device_report(&d, CD_WANTED_RELEASED, 2);
  ck_assert_int_eq(cd_id_make(local.action, &err), CD_OK);
  ck_assert(device_result(&d, &local, NULL, d.key));
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  ck_assert_uint_eq(ask("GET", path, NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(
      strstr(answer, "\"wanted\":[{\"state\":\"isolate\",\"value\":\"released\""));
  ck_assert_ptr_nonnull(strstr(answer, "\"pending\":[]"));
  ck_assert_uint_eq(code_of(action, "POST", answer, sizeof(answer)), 403);
  ck_assert_ptr_nonnull(strstr(answer, "the device has taken a newer order"));
  device_release(&d);
}
END_TEST

START_TEST(a_device_that_is_ordered_anew_gets_another_code)
{
  device d;
  cd_order order = {0};
  cd_order again = {0};
  cd_digest digest = {0};
  char action[64];
  char answer[65536];
  char first[64];
  char second[64];
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  isolate(&d, action);
  device_take_order(&d, &order, &digest);
  ck_assert(device_result(&d, &order, &digest, d.key));
  ck_assert_uint_eq(code_of(action, "POST", answer, sizeof(answer)), 200);
  json_member(answer, "code", first, sizeof(first));
  device_disconnect(&d);
  d.generation = 0;
  device_ready(&d, &p);
  device_report(&d, CD_WANTED_RELEASED, 0);
  device_take_order(&d, &again, &digest);
  ck_assert(device_result(&d, &again, &digest, d.key));
  ck_assert_uint_eq(code_of(again.action, "POST", answer, sizeof(answer)), 200);
  json_member(answer, "code", second, sizeof(second));
  ck_assert_str_ne(first, second);
  ck_assert(opens(&d, again.action, second));
  ck_assert(!opens(&d, again.action, first));
  device_release(&d);
}
END_TEST

static void post(const char *path, const char *body, char action[64])
{
  char answer[4096];
  ck_assert_uint_eq(ask("POST", path, body, answer, sizeof(answer)), 201);
  json_member(answer, "id", action, 64);
}

START_TEST(a_renewal_keeps_everything_but_the_lease)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  char action[64];
  char path[200];
  char answer[65536];
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  (void)snprintf(path, sizeof(path), "/api/machines/%s/isolate", d.id);
  post(path,
       "{\"Comment\":\"c\",\"Preflight\":\"Warn\",\"LeaseSeconds\":60,\"Terms\":{\"lost_console\":{"
       "\"rule\":\"release\","
       "\"after_s\":7200},\"unreachable\":{\"rule\":\"keep\"}}}",
       action);
  device_take_order(&d, &order, &digest);
  ck_assert(device_result(&d, &order, &digest, d.key));
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  ck_assert_uint_eq(ask("GET", path, NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "\"lease_until\":\"20"));
  (void)snprintf(path, sizeof(path), "/api/cordon/machines/%s/renew", d.id);
  post(path, "{\"Comment\":\"longer\",\"LeaseSeconds\":3600}", action);
  device_take_order(&d, &order, &digest);
  ck_assert_str_eq(order.action, action);
  ck_assert_int_eq(order.kind, CD_ORDER_ISOLATE);
  ck_assert_uint_eq(order.generation, 2);
  ck_assert(device_result(&d, &order, &digest, d.key));
  (void)snprintf(path, sizeof(path), "/api/cordon/actions/%s", action);
  ck_assert_uint_eq(ask("GET", path, NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "\"preflight\":\"warn\""));
  ck_assert_ptr_nonnull(strstr(answer, "\"lost_console\":{\"rule\":\"release\",\"after_s\":7200},"
                                       "\"unreachable\":{\"rule\":\"keep\"}"));
  device_release(&d);
}
END_TEST

/* Who overrode the preflight does so too when the console orders it anew, of its own accord. */
START_TEST(an_isolation_ordered_anew_overrides_the_preflight_as_before)
{
  device d;
  cd_order order = {0};
  cd_digest digest = {0};
  char action[64];
  char path[200];
  char answer[65536];
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  (void)snprintf(path, sizeof(path), "/api/machines/%s/isolate", d.id);
  post(path, "{\"Comment\":\"c\",\"Preflight\":\"Warn\",\"LeaseSeconds\":3600}", action);
  device_take_order(&d, &order, &digest);
  ck_assert(device_result(&d, &order, &digest, d.key));
  device_disconnect(&d);
  d.generation = 0; /* as after its disk was put back */
  device_ready(&d, &p);
  device_report(&d, CD_WANTED_RELEASED, 0);
  device_take_order(&d, &order, &digest);
  ck_assert_int_eq(order.kind, CD_ORDER_ISOLATE);
  ck_assert_str_ne(order.action, action);
  (void)snprintf(path, sizeof(path), "/api/cordon/actions/%s", order.action);
  ck_assert_uint_eq(ask("GET", path, NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "\"preflight\":\"warn\""));
  ck_assert_ptr_nonnull(strstr(answer, "\"lease_until\":\"20"));
  device_release(&d);
}
END_TEST

/* Whether or not its device is there. */
START_TEST(a_lease_that_has_ended_is_wanted_no_more)
{
  device d;
  char action[64];
  char path[200];
  char answer[65536];
  enrolled(&d, "desk-1");
  (void)snprintf(path, sizeof(path), "/api/machines/%s/isolate", d.id);
  post(path, "{\"Comment\":\"c\",\"LeaseSeconds\":1}", action);
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  wait_for(path, "value", "released");
  ck_assert_uint_eq(ask("GET", "/api/cordon/audit?from=1", NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "\"lease.end\""));
  device_release(&d);
}
END_TEST

START_TEST(the_three_values_are_shown)
{
  device d;
  char path[200];
  char answer[65536];
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  device_report(&d, CD_WANTED_RELEASED, 0);
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  wait_for(path, "osPlatform", "Debian");
  ck_assert_uint_eq(ask("GET", path, NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "\"enforced\":{\"value\":\"released\""));
  ck_assert_ptr_nonnull(strstr(answer, "\"proven\":{\"value\":\"released\""));
  ck_assert_ptr_nonnull(strstr(answer, "\"connected\":true"));
  ck_assert_uint_eq(ask("GET", "/api/machines/DESK-1.example", NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "\"lastIpAddress\":\"198.51.100.7\""));
  ck_assert_ptr_nonnull(strstr(answer, "\"macAddress\":\"02005E100001\""));
  device_release(&d);
}
END_TEST

START_TEST(a_token_is_used_up)
{
  device d;
  device second;
  char token[64];
  device_make(&d, "desk-1");
  device_make(&second, "desk-2");
  token_new(&p, bearer, "{\"uses\":1}", token);
  ck_assert_uint_eq(device_enroll(&d, &p, token), 201);
  ck_assert_uint_eq(device_enroll(&second, &p, token), 403);
  token[5] = token[5] == 'A' ? 'B' : 'A';
  ck_assert_uint_eq(device_enroll(&second, &p, token), 403);
  device_release(&second);
  device_release(&d);
}
END_TEST

/* It asks again, with the same key and token, after what it did not hear. */
START_TEST(a_lost_answer_costs_no_use_of_the_token)
{
  device d;
  device second;
  char token[64];
  char id[CD_DEVICE_ID_MAX + 1];
  device_make(&d, "desk-1");
  device_make(&second, "desk-2");
  token_new(&p, bearer, "{\"uses\":1}", token);
  ck_assert_uint_eq(device_enroll(&d, &p, token), 201);
  memcpy(id, d.id, sizeof(id));
  ck_assert_uint_eq(device_enroll(&d, &p, token), 201);
  ck_assert_str_eq(d.id, id);
  device_ready(&d, &p);
  ck_assert_uint_eq(device_enroll(&second, &p, token), 403);
  device_release(&second);
  device_release(&d);
}
END_TEST

START_TEST(the_same_key_enrols_as_the_same_device)
{
  device d;
  char token[64];
  char id[CD_DEVICE_ID_MAX + 1];
  enrolled(&d, "desk-1");
  memcpy(id, d.id, sizeof(id));
  token_new(&p, bearer, "{}", token);
  ck_assert_uint_eq(device_enroll(&d, &p, token), 201);
  ck_assert_str_eq(d.id, id);
  device_release(&d);
}
END_TEST

START_TEST(a_replaced_certificate_is_refused)
{
  device d;
  char token[64];
  enrolled(&d, "desk-1");
  char *old = d.certificate;
  d.certificate = NULL;
  token_new(&p, bearer, "{}", token);
  ck_assert_uint_eq(device_enroll(&d, &p, token), 201);
  char *current = d.certificate;
  char path[200];
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  wait_for(path, "cloneSuspected", "false");
  d.certificate = old;
  ck_assert_uint_ne(device_connect(&d, &p), 101);
  wait_for(path, "cloneSuspected", "true");
  d.certificate = current;
  ck_assert_uint_eq(device_connect(&d, &p), 101);
  free(old);
  device_release(&d);
}
END_TEST

START_TEST(a_revoked_device_is_cut_off_and_refused)
{
  device d;
  cd_rpc m = {0};
  char path[200];
  char answer[65536];
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s/revoke", d.id);
  ck_assert_uint_eq(ask("POST", path, "{\"Comment\":\"stolen\"}", answer, sizeof(answer)), 200);
  ck_assert(!device_next(&d, &m));
  ck_assert_uint_ne(device_connect(&d, &p), 101);
  device_release(&d);
}
END_TEST

/* Signed by a CA that is not the console's: the return value of a callback once let this in. */
START_TEST(a_foreign_ca_is_refused)
{
  device d;
  char token[64];
  place foreign;
  place_make(&foreign);
  place_start(&foreign);
  char *their_bearer = place_app(&foreign, "tests", ALL);
  device_make(&d, "desk-1");
  token_new(&foreign, their_bearer, "{}", token);
  ck_assert_uint_eq(device_enroll(&d, &foreign, token), 201);
  ck_assert_uint_ne(device_connect(&d, &p), 101);
  ck_assert_uint_eq(device_connect(&d, &foreign), 101);
  device_release(&d);
  place_remove(&foreign);
  free(their_bearer);
}
END_TEST

START_TEST(without_a_certificate_there_is_nothing)
{
  ws_end w;
  ck_assert_uint_eq(ws_connect(&w, p.agents, p.ca, NULL, NULL, "/agent/v1", CD_PROTOCOL_NAME), 0);
  ws_close(&w);
}
END_TEST

START_TEST(another_path_or_protocol_is_refused)
{
  device d;
  ws_end w;
  enrolled(&d, "desk-1");
  ck_assert_uint_ne(
      ws_connect(&w, p.agents, p.ca, d.certificate, d.tls_key, "/other", CD_PROTOCOL_NAME), 101);
  ws_close(&w);
  ck_assert_uint_ne(ws_connect(&w, p.agents, p.ca, d.certificate, d.tls_key, "/agent/v1", "other"),
                    101);
  ws_close(&w);
  device_release(&d);
}
END_TEST

/* Both are alive, so the key is in two places. */
START_TEST(a_clone_is_noticed)
{
  device d;
  device clone;
  cd_rpc m = {0};
  char path[200];
  char action[64];
  cd_order order = {0};
  cd_digest digest = {0};
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  isolate(&d, action);
  device_take_order(&d, &order, &digest);
  clone = d;
  clone.connected = false;
  clone.message = (cd_buf)CD_BUF_INIT(CD_MESSAGE_MAX);
  ck_assert_uint_eq(device_connect(&clone, &p), 101);
  /* The first answers the ping while it waits for the answer to its result, and has nothing else to
   * do meanwhile: the console gives it three seconds. */
  ck_assert(device_result(&d, &order, &digest, d.key));
  ck_assert(!device_next(&clone, &m));
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  wait_for(path, "cloneSuspected", "true");
  device_disconnect(&clone);
  cd_buf_release(&clone.message);
  device_release(&d);
}
END_TEST

/* The older connection is dead and does not answer: the newer one takes its place. */
START_TEST(a_dead_connection_gives_way)
{
  device d;
  device newer;
  char path[200];
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  newer = d;
  newer.connected = false;
  newer.message = (cd_buf)CD_BUF_INIT(CD_MESSAGE_MAX);
  device_ready(&newer, &p);
  (void)snprintf(path, sizeof(path), "/api/cordon/devices/%s", d.id);
  wait_for(path, "cloneSuspected", "false");
  device_disconnect(&newer);
  cd_buf_release(&newer.message);
  device_release(&d);
}
END_TEST

#ifdef SIGNER
/* Certificates of the old CA are good until they end, and the console's own serves all. */
START_TEST(a_new_device_ca_locks_nobody_out)
{
  device old;
  device newer;
  enrolled(&old, "desk-1");
  place_stop_signer(&p);
  place_tell_signer(&p, "--rotate", "device-ca");
  place_start_signer(&p);
  enrolled(&newer, "desk-2");
  device_ready(&old, &p);
  device_ready(&newer, &p);
  device_disconnect(&newer);
  device_disconnect(&old);
  place_stop(&p, SIGTERM);
  place_start(&p);
  device_ready(&old, &p);
  device_ready(&newer, &p);
  device_release(&newer);
  device_release(&old);
}
END_TEST
#endif

START_TEST(descriptors_are_as_many_as_allowed)
{
  char path[64];
  char line[200] = "";
  char soft[32] = "";
  char hard[32] = "";
  (void)snprintf(path, sizeof(path), "/proc/%d/limits", (int)p.console);
  FILE *f = fopen(path, "r");
  ck_assert_ptr_nonnull(f);
  while (fgets(line, sizeof(line), f) != NULL && strncmp(line, "Max open files", 14) != 0)
    continue;
  (void)fclose(f);
  ck_assert_int_eq(sscanf(line, "Max open files %31s %31s", soft, hard), 2);
  ck_assert_str_eq(soft, hard);
  ck_assert_str_ne(soft, "256"); /* what it was started with */
}
END_TEST

START_TEST(a_certificate_is_renewed_once_in_a_connection)
{
  device d;
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  ck_assert(device_renew(&d));
  ck_assert(!device_renew(&d));
  device_ready(&d, &p);
  ck_assert(device_renew(&d));
  device_release(&d);
}
END_TEST

/* Beyond what an honest device says it is read slowly, and the others are not. */
START_TEST(a_flood_is_read_slowly)
{
  device d;
  device other;
  cd_order order = {.kind = CD_ORDER_RELEASE, .generation = 1};
  cd_err err = {0};
  char action[64];
  char answer[65536];
  cd_digest digest = {0};
  enrolled(&d, "desk-1");
  enrolled(&other, "desk-2");
  device_ready(&d, &p);
  device_ready(&other, &p);
  for (int i = 0; i < 260; i++)
    ck_assert(ws_send(&d.ws, CD_WS_TEXT,
                      CD_STR("{\"jsonrpc\":\"2.0\",\"method\":\"nothing\",\"params\":{}}")));
  uint64_t begun_ms = cd_mono_ms();
  isolate(&other, action);
  device_take_order(&other, &order, &digest);
  order = (cd_order){.kind = CD_ORDER_RELEASE, .generation = 1};
  ck_assert_int_eq(cd_id_make(order.action, &err), CD_OK);
  ck_assert(device_result(&d, &order, NULL, d.key));
  ck_assert_uint_ge(cd_mono_ms() - begun_ms, 1000);
  ck_assert_uint_eq(ask("GET", "/metrics", NULL, answer, sizeof(answer)), 200);
  ck_assert_ptr_nonnull(strstr(answer, "cordon_device_connections_slowed_total 1\n"));
  device_release(&other);
  device_release(&d);
}
END_TEST

/* Each would be an entry of the audit log for ever. */
START_TEST(made_up_actions_are_not_taken_without_end)
{
  device d;
  cd_order order = {.kind = CD_ORDER_RELEASE, .generation = 1};
  cd_err err = {0};
  unsigned taken = 0;
  enrolled(&d, "desk-1");
  device_ready(&d, &p);
  for (int i = 0; i < 130; i++) {
    ck_assert_int_eq(cd_id_make(order.action, &err), CD_OK);
    order.generation++;
    taken += device_result(&d, &order, NULL, d.key) ? 1 : 0;
  }
  ck_assert_uint_ge(taken, 60);
  ck_assert_uint_le(taken, 120); /* a minute may have ended meanwhile */
  device_release(&d);
}
END_TEST

/* Who connects and sends no request does not keep devices, or other people, out. */
START_TEST(connections_without_a_request_take_no_places_of_others)
{
  static tls_end idle[CON_CROWD_ADDRESS + 8];
  device d;
  http_answer a;
  const struct timespec pause = {.tv_nsec = 20000000};
  unsigned open = 0;
  enrolled(&d, "desk-1");
  for (unsigned i = 0; i < CON_CROWD_ADDRESS + 8; i++)
    open += tls_connect(&idle[i], p.people, p.ca, NULL, NULL) ? 1 : 0;
  ck_assert_uint_le(open, CON_CROWD_ADDRESS);
  ck_assert_uint_ge(open, CON_CROWD_ADDRESS - 2); /* one just answered may still be there */
  device_ready(&d, &p);
  for (unsigned i = 0; i < CON_CROWD_ADDRESS + 8; i++)
    tls_close(&idle[i]);
  for (int waited = 0;; waited += 20) {
    http_ask(p.people, p.ca, "GET", "/metrics", NULL, NULL, &a);
    bool good = a.status == 200;
    http_release(&a);
    if (good)
      break;
    ck_assert_int_lt(waited, PATIENCE_MS);
    (void)nanosleep(&pause, NULL);
  }
  for (unsigned i = 0; i < CON_CROWD_ADDRESS / 2; i++)
    ck_assert(tls_connect(&idle[i], p.people, p.ca, NULL, NULL));
  for (unsigned i = 0; i < CON_CROWD_ADDRESS / 2; i++)
    tls_close(&idle[i]);
  device_release(&d);
}
END_TEST

static const char *const hostile[] = {
    "",
    "x",
    "[]",
    "{}",
    "{\"jsonrpc\":\"2.0\"}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"mark\",\"params\":{\"mark\":\"x\"}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nothing\",\"params\":{}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{}}",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"};

START_TEST(hostile_messages_do_not_end_it)
{
  device d;
  enrolled(&d, "desk-1");
  ck_assert_uint_eq(device_connect(&d, &p), 101);
  (void)ws_send(&d.ws, CD_WS_TEXT, cd_str_from(hostile[_i]));
  device_ready(&d, &p);
  device_release(&d);
}
END_TEST

START_TEST(a_message_has_a_ceiling)
{
  device d;
  cd_ws_event event = {0};
  cd_buf large = CD_BUF_INIT(2 * CD_MESSAGE_MAX);
  enrolled(&d, "desk-1");
  ck_assert_uint_eq(device_connect(&d, &p), 101);
  for (size_t i = 0; i < CD_MESSAGE_MAX + 1; i++)
    cd_buf_add_char(&large, ' ');
  (void)ws_send(&d.ws, CD_WS_TEXT, cd_buf_view(&large));
  if (ws_next(&d.ws, &event)) {
    ck_assert_int_eq(event.type, CD_WS_CLOSE);
    ck_assert_uint_eq(event.close_code, CD_WS_CLOSE_TOO_BIG);
  }
  cd_buf_release(&large);
  device_release(&d);
}
END_TEST

int main(void)
{
  (void)signal(SIGPIPE, SIG_IGN); /* the other end may hang up */
  Suite *s = suite_create("console.devices");
  TCase *t = tcase_create("devices");
  tcase_add_checked_fixture(t, set_up, tear_down);
  tcase_set_timeout(t, 120);
  tcase_add_test(t, an_order_goes_out_and_its_result_comes_back);
  tcase_add_test(t, a_preflight_goes_out_and_its_result_comes_back);
  tcase_add_test(t, an_order_waits_for_its_device);
  tcase_add_test(t, another_keys_result_is_refused_and_changes_nothing);
  tcase_add_test(t, a_device_that_fell_behind_is_ordered_anew);
  tcase_add_test(t, a_restored_console_goes_on_above_its_device);
  tcase_add_test(t, a_local_release_is_taken_over);
  tcase_add_test(t, a_release_code_is_shown_once_while_it_is_of_use);
  tcase_add_test(t, a_release_by_code_is_learned_and_respected);
  tcase_add_test(t, a_device_that_is_ordered_anew_gets_another_code);
  tcase_add_test(t, a_renewal_keeps_everything_but_the_lease);
  tcase_add_test(t, an_isolation_ordered_anew_overrides_the_preflight_as_before);
  tcase_add_test(t, a_lease_that_has_ended_is_wanted_no_more);
  tcase_add_test(t, the_three_values_are_shown);
  tcase_add_test(t, a_token_is_used_up);
  tcase_add_test(t, a_lost_answer_costs_no_use_of_the_token);
  tcase_add_test(t, the_same_key_enrols_as_the_same_device);
  tcase_add_test(t, a_replaced_certificate_is_refused);
  tcase_add_test(t, a_revoked_device_is_cut_off_and_refused);
  tcase_add_test(t, a_foreign_ca_is_refused);
  tcase_add_test(t, without_a_certificate_there_is_nothing);
  tcase_add_test(t, another_path_or_protocol_is_refused);
#ifdef SIGNER
  tcase_add_test(t, a_new_device_ca_locks_nobody_out);
#endif
  tcase_add_test(t, a_clone_is_noticed);
  tcase_add_test(t, a_dead_connection_gives_way);
  tcase_add_loop_test(t, hostile_messages_do_not_end_it, 0, sizeof(hostile) / sizeof(hostile[0]));
  tcase_add_test(t, a_message_has_a_ceiling);
  tcase_add_test(t, connections_without_a_request_take_no_places_of_others);
  tcase_add_test(t, descriptors_are_as_many_as_allowed);
  tcase_add_test(t, a_certificate_is_renewed_once_in_a_connection);
  tcase_add_test(t, a_flood_is_read_slowly);
  tcase_add_test(t, made_up_actions_are_not_taken_without_end);
  suite_add_tcase(s, t);
  SRunner *r = srunner_create(s);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
