/* The preflight of a real agent, with a provider that finds what its settings say: what the policy
 * makes of it, for orders of this device and of a console, and that a dry run changes nothing. */
#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FULL "{\"type\":\"full\",\"wait\":true}"
#define FORCED "{\"type\":\"full\",\"force\":true,\"wait\":true}"
#define CERTAIN "\"finding\":\"console_tunnel\",\"severity\":\"refuse\""
#define SESSION "\"finding\":\"session_in_use\""

static driver *begin(const char *settings, const char *policy)
{
  driver *d = driver_new(
      &(driver_options){.providers = {"good"}, .settings = {settings}, .preflight = policy});
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "released");
  return d;
}

static void end(driver *d)
{
  driver_stop(d);
  driver_free(d);
}

/* Who orders on the device itself. */
static const struct local_case {
  const char *settings;
  const char *policy;
  const char *params;
  const char *outcome; /* of the isolation */
  const char *verdict;
  const char *severity; /* of the first finding; "" : there is none */
} local_cases[] = {
    {NULL, NULL, FULL, "ok", "go", ""},
    {SESSION, NULL, FULL, "ok", "go", "warn"},
    {CERTAIN, NULL, FULL, "ok", "go", "warn"},
    {CERTAIN, "{\"refuse\":[\"console_tunnel\"]}", FULL, "conflict", "refuse", "refuse"},
    {CERTAIN, "{\"refuse\":[\"console_tunnel\"]}", FORCED, "ok", "forced", "warn"},
    {SESSION, "{\"refuse\":[\"session_in_use\"]}", FULL, "conflict", "refuse", "refuse"},
    {SESSION, "{\"refuse\":[\"container_host\"]}", FULL, "ok", "go", "warn"},
    {SESSION ",\"severity\":\"info\"", "{\"warn\":[\"session_in_use\"]}", FULL, "ok", "go", "warn"},
    {"\"dry_run\":\"unsupported\"", NULL, FULL, "ok", "go", "info"},
    {"\"dry_run\":\"garbage\"", NULL, FULL, "ok", "go", "info"},
};

/* The dry run says what the isolation then does, and changes nothing. */
START_TEST(the_policy_decides_for_orders_of_this_device)
{
  const struct local_case *c = &local_cases[_i];
  bool refused = strcmp(c->outcome, "conflict") == 0;
  bool blind = c->settings != NULL && strstr(c->settings, "dry_run") != NULL;
  driver *d = begin(c->settings, c->policy);
  driver_reply r = driver_request(d, "preflight", c->params);
  if (blind && strstr(c->settings, "unsupported") != NULL) {
    driver_expect(&r, "Failed", "unavailable", "this one has no dry run", NULL);
  } else {
    driver_expect(&r, "Succeeded", "ok", NULL, NULL);
    ck_assert_str_eq(driver_at(r.result, "action.result.preflight.verdict"), c->verdict);
    ck_assert_str_eq(driver_at(r.result, "action.kind"), "preflight");
    ck_assert_str_eq(driver_at(r.result, "action.generation"), "0");
  }
  driver_reply_release(&r);
  ck_assert_str_eq(driver_device(d, "good"), "");
  ck_assert_uint_eq(driver_calls(d, "good", "apply"), 0);
  driver_expect_state(d, "wanted.value", "released");
  driver_expect_state(d, "wanted.generation", "0");

  r = driver_request(d, "isolate", c->params);
  driver_expect(&r, refused ? "Failed" : "Succeeded", c->outcome,
                refused ? "the preflight refuses, and nothing was changed: " : NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.preflight.verdict"), c->verdict);
  ck_assert_str_eq(driver_at(r.result, "action.result.preflight.findings.0.severity"), c->severity);
  if (blind)
    ck_assert_str_eq(driver_at(r.result, "action.result.preflight.findings.0.check"), "not_seen");
  driver_reply_release(&r);
  ck_assert_uint_eq(driver_calls(d, "good", "apply"), refused ? 0 : 1);
  driver_expect_state(d, "wanted.value", refused ? "released" : "isolated");
  if (refused)
    ck_assert_str_eq(driver_device(d, "good"), "");
  end(d);
}
END_TEST

START_TEST(what_would_be_cut_is_handed_on)
{
  driver *d = begin(SESSION, NULL);
  driver_reply r = driver_request(d, "preflight", FULL);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.preflight.would_cut.connections_left_out"),
                   "7");
  ck_assert_str_eq(driver_at(r.result, "action.result.preflight.findings.0.sentence"),
                   "the zoo has a session_in_use");
  ck_assert_str_eq(driver_at(r.result, "action.provider"), "org.cordon.test.good");
  driver_reply_release(&r);
  end(d);
}
END_TEST

START_TEST(a_preflight_beside_an_isolation_leaves_it)
{
  driver *d = begin(SESSION, "{\"refuse\":[\"session_in_use\"]}");
  driver_reply r = driver_request(d, "isolate", FORCED);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  driver_reply_release(&r);
  char device[256];
  (void)snprintf(device, sizeof(device), "%s", driver_device(d, "good"));
  r = driver_request(d, "preflight", FULL);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.preflight.verdict"), "forced");
  driver_reply_release(&r);
  driver_expect_state(d, "wanted.value", "isolated");
  driver_expect_state(d, "wanted.generation", "1");
  driver_expect_state(d, "proven.value", "holds");
  ck_assert_str_eq(driver_device(d, "good"), device);
  driver_release_well(d);
  end(d);
}
END_TEST

/* The same isolation again is a renewal; another one is a new one. */
START_TEST(a_renewal_is_never_refused)
{
  driver *d = begin(SESSION, "{\"refuse\":[\"session_in_use\"]}");
  driver_reply r = driver_request(d, "isolate", FORCED);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  driver_reply_release(&r);
  r = driver_request(d, "isolate", FULL);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.preflight.verdict"), "forced");
  driver_reply_release(&r);
  r = driver_request(d, "renew", "{\"lease_s\":3600,\"wait\":true}");
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.preflight.verdict"), "forced");
  driver_reply_release(&r);
  r = driver_request(d, "isolate",
                     "{\"type\":\"selective\",\"exclusions\":[{\"direction\":\"out\",\"address\":"
                     "\"192.0.2.1\"}],\"wait\":true}");
  driver_expect(&r, "Failed", "conflict", "session_in_use", NULL);
  driver_reply_release(&r);
  driver_expect_state(d, "wanted.type", "full");
  driver_expect_state(d, "enforced.value", "isolated");
  driver_wait_state(d, "proven.value", "holds");
  end(d);
}
END_TEST

START_TEST(a_repair_asks_nobody)
{
  driver *d = begin(SESSION, "{\"refuse\":[\"session_in_use\"]}");
  driver_reply r = driver_request(d, "isolate", FORCED);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  driver_reply_release(&r);
  driver_wait_state(d, "watch", "watching");
  unsigned looked = driver_calls(d, "good", "dry_run");
  driver_set_device(d, "good", NULL);
  driver_wait_state(d, "drift.count", "1");
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "enforced.value", "isolated");
  ck_assert_uint_eq(driver_calls(d, "good", "dry_run"), looked);
  end(d);
}
END_TEST

/* The order is on record with what it wants of the preflight. */
START_TEST(a_forced_order_stays_one_after_a_crash)
{
  driver *d = begin(SESSION, "{\"refuse\":[\"session_in_use\"]}");
  driver_stop(d);
  driver_start(d, "agent.after_preflight=kill");
  driver_call *call = driver_ask(d, "isolate", FORCED);
  driver_wait_exit(d);
  driver_reply r = driver_finish(call);
  driver_reply_release(&r);
  ck_assert_str_eq(driver_device(d, "good"), "");
  driver_start(d, NULL);
  driver_wait_state(d, "proven.value", "holds");
  driver_expect_state(d, "wanted.value", "isolated");
  end(d);
}
END_TEST

/* A provider that dies in its dry run must not keep a device from being isolated. */
START_TEST(a_crash_in_the_dry_run_does_not_stop_an_isolation)
{
  driver *d =
      driver_new(&(driver_options){.providers = {"crash"}, .settings = {"\"at\":\"dry_run\""}});
  driver_start(d, NULL);
  driver_reply r = driver_isolate(d);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.preflight.findings.0.check"), "not_seen");
  driver_reply_release(&r);
  driver_stop(d);
  driver_free(d);
}
END_TEST

/* ---- a console ---- */

static bool is_connected(driver *d, const void *context)
{
  driver_reply r = driver_request(d, "status", "{}");
  bool yes = strcmp(driver_at(r.result, "console.connection"), "connected") == 0;
  driver_reply_release(&r);
  return yes;
}

static void enrol(driver *d, console *c)
{
  char *token = console_token(c);
  cd_buf params = CD_BUF_INIT(128 * 1024);
  cd_buf_addf(&params, "{\"token\":%s}", token);
  driver_reply r = driver_request(d, "enroll", cd_buf_cstr(&params));
  ck_assert_msg(r.ok, "%s", r.sentence);
  driver_reply_release(&r);
  cd_buf_release(&params);
  free(token);
  driver_wait(d, is_connected, NULL, "the device is connected");
}

typedef struct awaited {
  console *c;
  const char *action;
} awaited;

static bool has_result(driver *d, const void *context)
{
  const awaited *a = context;
  console_seen seen = {0};
  return console_result(a->c, a->action, &seen) && seen.count > 0;
}

static console_seen give(driver *d, console *c, const cd_order *o)
{
  console_seen seen = {0};
  const awaited a = {.c = c, .action = o->action};
  console_send(c, o, false);
  driver_wait(d, has_result, &a, "the console has the result");
  ck_assert(console_result(c, o->action, &seen));
  return seen;
}

static const struct console_case {
  const char *settings;
  const char *policy;
  const char *parameters;
  cd_code outcome;
} console_cases[] = {
    {NULL, NULL, "{\"type\":\"full\",\"exclusions\":[]}", CD_OK},
    {SESSION, NULL, "{\"type\":\"full\",\"exclusions\":[]}", CD_OK},
    {CERTAIN, NULL, "{\"type\":\"full\",\"exclusions\":[]}", CD_E_CONFLICT},
    {CERTAIN, NULL, "{\"type\":\"full\",\"exclusions\":[],\"preflight\":\"policy\"}",
     CD_E_CONFLICT},
    {CERTAIN, NULL, "{\"type\":\"full\",\"exclusions\":[],\"preflight\":\"warn\"}", CD_OK},
    {CERTAIN, "{\"warn\":[\"console_tunnel\"]}", "{\"type\":\"full\",\"exclusions\":[]}", CD_OK},
};

START_TEST(the_policy_decides_for_orders_of_a_console)
{
  const struct console_case *k = &console_cases[_i];
  console *c = console_new();
  driver *d = begin(k->settings, k->policy);
  enrol(d, c);
  cd_order o = console_order(c, CD_ORDER_PREFLIGHT, 0);
  o.parameters = cd_str_from(k->parameters);
  console_seen seen = give(d, c, &o);
  ck_assert_int_eq(seen.status, CD_ACTION_SUCCEEDED);
  ck_assert_uint_eq(seen.generation, 0);
  ck_assert(seen.has_order);
  ck_assert_str_eq(driver_device(d, "good"), "");
  driver_expect_state(d, "wanted.generation", "0");

  o = console_order(c, CD_ORDER_ISOLATE, 5);
  o.parameters = cd_str_from(k->parameters);
  seen = give(d, c, &o);
  ck_assert_int_eq(seen.outcome, k->outcome);
  if (k->outcome == CD_E_CONFLICT)
    ck_assert_ptr_nonnull(strstr(seen.sentence, "console_tunnel: the zoo has a console_tunnel"));
  driver_wait_state(d, "wanted.value", k->outcome == CD_OK ? "isolated" : "released");
  ck_assert_int_eq(driver_device(d, "good")[0] != '\0', k->outcome == CD_OK);
  end(d);
  console_free(c);
}
END_TEST

/* The proxy file names another one than the rules let through. */
START_TEST(a_proxy_that_is_not_let_through_is_refused_for)
{
  console *c = console_new();
  driver *d = begin(NULL, NULL);
  enrol(d, c);
  char proxy[64];
  driver_stop(d);
  (void)snprintf(proxy, sizeof(proxy), "{\"proxy\":\"127.0.0.1:%u\"}", console_port(c));
  driver_configure(d, &(driver_options){.providers = {"good"}, .proxy = proxy});
  driver_start(d, NULL);
  driver_reply r = driver_request(d, "preflight", FULL);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.preflight.findings"), "[]");
  driver_reply_release(&r);
  FILE *file = fopen(driver_path(d, "etc/proxy.json"), "w");
  ck_assert_ptr_nonnull(file);
  ck_assert_int_ge(fputs("{\"proxy\":\"203.0.113.7:3128\"}", file), 0);
  ck_assert_int_eq(fclose(file), 0);
  r = driver_request(d, "preflight", FULL);
  driver_expect(&r, "Succeeded", "ok", NULL, NULL);
  ck_assert_str_eq(driver_at(r.result, "action.result.preflight.findings.0.check"),
                   "console_proxy");
  ck_assert_str_eq(driver_at(r.result, "action.result.preflight.findings.0.severity"), "warn");
  ck_assert_ptr_nonnull(strstr(driver_at(r.result, "action.result.preflight.findings.0.sentence"),
                               "through the proxy 203.0.113.7:3128"));
  driver_reply_release(&r);
  end(d);
  console_free(c);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {what_would_be_cut_is_handed_on,
                                a_preflight_beside_an_isolation_leaves_it,
                                a_renewal_is_never_refused,
                                a_repair_asks_nobody,
                                a_forced_order_stays_one_after_a_crash,
                                a_crash_in_the_dry_run_does_not_stop_an_isolation,
                                a_proxy_that_is_not_let_through_is_refused_for};
  int rc = driver_suite("integration.preflight", tests, COUNT_OF(tests), 300);
  if (rc == 0)
    rc = driver_suite_rounds("integration.preflight.device",
                             the_policy_decides_for_orders_of_this_device, COUNT_OF(local_cases),
                             300);
  if (rc == 0)
    rc = driver_suite_rounds("integration.preflight.console",
                             the_policy_decides_for_orders_of_a_console, COUNT_OF(console_cases),
                             300);
  return rc;
}
