/* Policies on a device: taken once and kept, laid over the configuration, put back by itself when
 * they lead away from the console, and never a reason to isolate or to release. */
#include "console.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOLVER "{\"console\":{\"resolvers\":[\"192.0.2.53\"]}}"

static const driver_options good = {.providers = {"good"}};
static const driver_options hasty = {.providers = {"good"}, .trial_s = 5};

typedef struct pair {
  console *c;
  driver *d;
} pair;

static bool is_connected(driver *d, const void *context)
{
  driver_reply r = driver_request(d, "status", "{}");
  bool yes = strcmp(driver_at(r.result, "console.connection"), "connected") == 0;
  driver_reply_release(&r);
  return yes;
}

static pair begin(const driver_options *options)
{
  pair p = {.c = console_new(), .d = driver_new(options)};
  char *token = console_token(p.c);
  cd_buf params = CD_BUF_INIT(128 * 1024);
  driver_start(p.d, NULL);
  cd_buf_addf(&params, "{\"token\":%s}", token);
  driver_reply r = driver_request(p.d, "enroll", cd_buf_cstr(&params));
  ck_assert_msg(r.ok, "%s", r.sentence);
  driver_reply_release(&r);
  cd_buf_release(&params);
  free(token);
  driver_wait(p.d, is_connected, NULL, "the device is connected");
  return p;
}

static void end(pair *p)
{
  driver_stop(p->d);
  driver_free(p->d);
  console_free(p->c);
}

typedef struct awaited {
  console *c;
  uint64_t version;
  uint64_t refused;
  bool trial;
  unsigned index;
  const char *device; /* what it was */
} awaited;

static bool stands(driver *d, const void *context)
{
  const awaited *a = context;
  cd_policy_standing s = console_policy(a->c);
  return s.known && s.version == a->version && s.refused == a->refused && s.trial == a->trial;
}

static void wait_standing(pair *p, uint64_t version, uint64_t refused)
{
  awaited a = {.c = p->c, .version = version, .refused = refused};
  driver_wait(p->d, stands, &a, "the console is told of the policy");
}

static bool has_ack(driver *d, const void *context)
{
  const awaited *a = context;
  bool accepted = false;
  cd_refusal refusal = CD_REFUSAL_NONE;
  return console_acked(a->c, a->index, &accepted, &refusal);
}

static void expect_ack(pair *p, unsigned index, cd_refusal expected)
{
  bool accepted = false;
  cd_refusal refusal = CD_REFUSAL_NONE;
  awaited a = {.c = p->c, .index = index};
  driver_wait(p->d, has_ack, &a, "the policy is answered");
  ck_assert(console_acked(p->c, index, &accepted, &refusal));
  ck_assert_msg(refusal == expected, "%s", cd_refusal_name(refusal));
  ck_assert(accepted == (expected == CD_REFUSAL_NONE));
}

/* A value as `cordon local policy` gives it, and whose it is: "policy [\"a\"]". */
static void expect_value(driver *d, const char *name, const char *source, const char *first)
{
  char path[64];
  driver_reply r = driver_request(d, "policy", "{}");
  ck_assert_msg(r.ok, "%s", r.sentence);
  for (int i = 0;; i++) {
    (void)snprintf(path, sizeof(path), "values.%d.name", i);
    const char *at = driver_at(r.result, path);
    ck_assert_msg(at[0] != '\0', "there is no value '%s'", name);
    if (strcmp(at, name) != 0)
      continue;
    (void)snprintf(path, sizeof(path), "values.%d.source", i);
    ck_assert_str_eq(driver_at(r.result, path), source);
    (void)snprintf(path, sizeof(path), "values.%d.value%s", i, first != NULL ? ".0" : "");
    if (first != NULL)
      ck_assert_str_eq(driver_at(r.result, path), first);
    break;
  }
  driver_reply_release(&r);
}

static void expect_policy(driver *d, const char *path, const char *value)
{
  driver_reply r = driver_request(d, "policy", "{}");
  ck_assert_str_eq(driver_at(r.result, path), value);
  driver_reply_release(&r);
}

START_TEST(a_policy_is_taken_reported_and_kept)
{
  pair p = begin(&good);
  expect_policy(p.d, "version", "0");
  expect_value(p.d, "console.resolvers", "default", NULL);
  expect_value(p.d, "providers.isolate", "file", "org.cordon.test.good");
  console_send_policy(p.c, 7, RESOLVER, false);
  expect_ack(&p, 0, CD_REFUSAL_NONE);
  wait_standing(&p, 7, 0);
  expect_value(p.d, "console.resolvers", "policy", "192.0.2.53");
  expect_value(p.d, "providers.isolate", "file", "org.cordon.test.good");
  driver_kill(p.d);
  driver_start(p.d, NULL);
  expect_policy(p.d, "version", "7");
  expect_policy(p.d, "name", "servers");
  expect_policy(p.d, "trial", "false");
  expect_value(p.d, "console.resolvers", "policy", "192.0.2.53");
  ck_assert_uint_eq(console_forgeries(p.c), 0);
  end(&p);
}
END_TEST

START_TEST(a_policy_takes_back_what_the_one_before_said)
{
  pair p = begin(&good);
  console_send_policy(p.c, 1, RESOLVER, false);
  wait_standing(&p, 1, 0);
  console_send_policy(p.c, 2, "{\"local\":{\"isolate\":\"nobody\"}}", false);
  wait_standing(&p, 2, 0);
  expect_value(p.d, "console.resolvers", "default", NULL);
  driver_reply r = driver_request(p.d, "isolate", "{\"type\":\"full\"}");
  ck_assert(!r.ok);
  ck_assert_str_eq(r.status, "denied");
  driver_reply_release(&r);
  console_send_policy(p.c, 3, "{}", false);
  wait_standing(&p, 3, 0);
  driver_isolate_well(p.d);
  end(&p);
}
END_TEST

START_TEST(what_is_no_policy_of_this_device_changes_nothing)
{
  pair p = begin(&good);
  console_send_policy(p.c, 5, RESOLVER, true);
  expect_ack(&p, 0, CD_REFUSAL_FORGED);
  console_send_policy(p.c, 5, "{}", false);
  expect_ack(&p, 1, CD_REFUSAL_NONE);
  console_send_policy(p.c, 4, RESOLVER, false);
  expect_ack(&p, 2, CD_REFUSAL_OLD_GENERATION);
  console_send_policy(p.c, 5, RESOLVER, false);
  expect_ack(&p, 3, CD_REFUSAL_REPLAYED);
  expect_value(p.d, "console.resolvers", "default", NULL);
  /* Good in form, and nonsense to this device. */
  console_send_policy(p.c, 6, "{\"console\":{\"resolvers\":[\"192.0.2.53.9\"]}}", false);
  expect_ack(&p, 4, CD_REFUSAL_PARAMETERS);
  wait_standing(&p, 5, 6);
  cd_policy_standing s = console_policy(p.c);
  ck_assert_ptr_nonnull(strstr(s.sentence, "192.0.2.53.9"));
  ck_assert_uint_eq(s.highest, 5);
  driver_expect_state(p.d, "wanted.generation", "0");
  end(&p);
}
END_TEST

START_TEST(one_that_leads_away_from_the_console_is_put_back)
{
  pair p = begin(&hasty);
  console_send_policy(p.c, 1, "{\"local\":{\"isolate\":\"administrators\"}}", false);
  wait_standing(&p, 1, 0);
  console_set_impostor(p.c, true);
  console_send_policy(p.c, 2, RESOLVER, false);
  expect_ack(&p, 1, CD_REFUSAL_NONE);
  expect_policy(p.d, "trial", "true");
  driver_wait_log(p.d, "policy version 2 is put back");
  expect_policy(p.d, "version", "1");
  expect_policy(p.d, "refused.version", "2");
  expect_value(p.d, "console.resolvers", "default", NULL);
  expect_value(p.d, "local.isolate", "policy", NULL);
  console_set_impostor(p.c, false);
  wait_standing(&p, 1, 2);
  ck_assert_ptr_nonnull(strstr(console_policy(p.c).sentence, "not reached within 5 s"));
  /* It is not taken again under that version, and the next one is. */
  console_send_policy(p.c, 2, RESOLVER, false);
  console_send_policy(p.c, 3, RESOLVER, false);
  wait_standing(&p, 3, 0);
  expect_value(p.d, "console.resolvers", "policy", "192.0.2.53");
  end(&p);
}
END_TEST

/* The trial goes on where the agent was killed, and what is proven stays proven. */
START_TEST(a_trial_survives_the_agent)
{
  pair p = begin(&hasty);
  console_set_impostor(p.c, true);
  console_send_policy(p.c, 2, RESOLVER, false);
  expect_ack(&p, 0, CD_REFUSAL_NONE);
  driver_kill(p.d);
  driver_start(p.d, NULL);
  expect_policy(p.d, "trial", "true");
  driver_wait_log(p.d, "policy version 2 is put back");
  expect_policy(p.d, "version", "0");
  driver_kill(p.d);
  driver_start(p.d, NULL);
  expect_policy(p.d, "version", "0");
  expect_policy(p.d, "highest", "2");
  console_set_impostor(p.c, false);
  wait_standing(&p, 0, 2);
  end(&p);
}
END_TEST

/* ---- while the device is isolated ---- */

static bool other_device(driver *d, const void *context)
{
  const awaited *a = context;
  const char *now = driver_device(d, "good");
  return now[0] != '\0' && strcmp(now, a->device) != 0;
}

static void param_of_wanted(driver *d, const char *path, char out[128])
{
  driver_reply r = driver_request(d, "status", "{}");
  (void)snprintf(out, 128, "%s", driver_at(r.result, path));
  driver_reply_release(&r);
}

START_TEST(the_rules_of_an_isolation_follow_the_policy_without_an_order)
{
  char before[256];
  char action[128];
  char now[128];
  char generation[128];
  pair p = begin(&good);
  driver_isolate_well(p.d);
  (void)snprintf(before, sizeof(before), "%s", driver_device(p.d, "good"));
  param_of_wanted(p.d, "states.0.wanted.action", action);
  param_of_wanted(p.d, "states.0.wanted.generation", generation);
  console_send_policy(p.c, 1, "{\"console\":{\"agents\":[\"192.0.2.99:8444\"]}}", false);
  awaited a = {.c = p.c, .device = before};
  driver_wait(p.d, other_device, &a, "the isolation is in force anew");
  driver_wait_state(p.d, "proven.value", "holds");
  wait_standing(&p, 1, 0);
  param_of_wanted(p.d, "states.0.wanted.action", now);
  ck_assert_str_eq(now, action);
  param_of_wanted(p.d, "states.0.wanted.generation", now);
  ck_assert_str_eq(now, generation);
  driver_expect_state(p.d, "drift.count", "0");
  ck_assert_uint_eq(driver_calls(p.d, "good", "release"), 0);
  ck_assert_uint_eq(driver_calls(p.d, "good", "apply"), 2);
  /* A restart finds what it left. */
  (void)snprintf(before, sizeof(before), "%s", driver_device(p.d, "good"));
  driver_kill(p.d);
  driver_start(p.d, NULL);
  driver_wait_state(p.d, "proven.value", "holds");
  ck_assert_str_eq(driver_device(p.d, "good"), before);
  ck_assert_uint_eq(driver_calls(p.d, "good", "apply"), 2);
  /* Away again, and the rules with it. */
  console_send_policy(p.c, 2, "{}", false);
  driver_wait(p.d, other_device, &a, "the isolation is in force anew");
  wait_standing(&p, 2, 0);
  driver_release_well(p.d);
  end(&p);
}
END_TEST

START_TEST(a_policy_that_says_the_same_disturbs_no_isolation)
{
  pair p = begin(&good);
  driver_isolate_well(p.d);
  console_send_policy(p.c, 1, "{\"local\":{\"isolate\":\"administrators\"}}", false);
  wait_standing(&p, 1, 0);
  driver_wait_state(p.d, "proven.value", "holds");
  ck_assert_uint_eq(driver_calls(p.d, "good", "apply"), 1);
  end(&p);
}
END_TEST

static void expect_denied(driver *d, const char *method, const char *params, const char *sentence)
{
  driver_reply r = driver_request(d, method, params);
  ck_assert(!r.ok);
  ck_assert_str_eq(r.status, "denied");
  ck_assert_msg(strstr(r.sentence, sentence) != NULL, "%s", r.sentence);
  driver_reply_release(&r);
}

START_TEST(nobody_may_release_where_the_policy_says_so)
{
  pair p = begin(&good);
  driver_isolate_well(p.d);
  console_send_policy(p.c, 1, "{\"local\":{\"release\":\"nobody\"}}", false);
  wait_standing(&p, 1, 0);
  expect_denied(p.d, "release", "{}", "left to the console");
  expect_denied(p.d, "release", "{\"code\":\"0000-0000-0000-0000-0000\"}", "left to the console");
  expect_denied(p.d, "isolate", "{\"type\":\"selective\",\"exclusions\":[],\"comment\":\"x\"}",
                "may not change that either");
  driver_expect_state(p.d, "enforced.value", "isolated");
  cd_order o = console_order(p.c, CD_ORDER_RELEASE, 9);
  console_send(p.c, &o, false);
  driver_wait_state(p.d, "enforced.value", "released");
  end(&p);
}
END_TEST

/* ---- plugins ---- */

START_TEST(a_distrusted_plugin_is_passed_over_and_still_releases)
{
  static const driver_options two = {.providers = {"good", "chatter"}};
  char digest[128];
  char body[256];
  pair p = begin(&two);
  driver_isolate_well(p.d);
  (void)snprintf(digest, sizeof(digest), "%s", driver_plugin(p.d, "good", "digest"));
  (void)snprintf(body, sizeof(body), "{\"plugins\":{\"distrust\":[\"%s\"]}}", digest);
  console_send_policy(p.c, 1, body, false);
  wait_standing(&p, 1, 0);
  ck_assert_str_eq(driver_plugin(p.d, "good", "trusted"), "false");
  driver_release_well(p.d);
  ck_assert_str_eq(driver_device(p.d, "good"), "");
  driver_isolate_well(p.d);
  ck_assert_str_eq(driver_device(p.d, "good"), "");
  ck_assert_str_ne(driver_device(p.d, "chatter"), "");
  driver_release_well(p.d);
  end(&p);
}
END_TEST

/* ---- what a provider cannot honour ---- */

START_TEST(exclusions_that_no_provider_can_honour_change_nothing)
{
  static const driver_options poor = {.providers = {"good"}, .settings = {"\"lacks\":\"icmp\""}};
  static const char selective[] =
      "{\"type\":\"selective\",\"exclusions\":[{\"direction\":\"out\",\"address\":\"192.0.2.1\","
      "\"protocol\":\"tcp\",\"port\":\"443\"}]}";
  static const char beyond[] =
      "{\"type\":\"selective\",\"exclusions\":[{\"direction\":\"out\",\"address\":\"192.0.2.1\","
      "\"protocol\":\"icmp\"}]}";
  char before[256];
  pair p = begin(&poor);
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 1);
  o.parameters = cd_str_from(selective);
  console_send(p.c, &o, false);
  driver_wait_state(p.d, "proven.value", "holds");
  (void)snprintf(before, sizeof(before), "%s", driver_device(p.d, "good"));
  cd_order more = console_order(p.c, CD_ORDER_ISOLATE, 2);
  more.parameters = cd_str_from(beyond);
  console_send(p.c, &more, false);
  driver_wait_log(p.d, "Failed (unavailable)");
  driver_wait_state(p.d, "wanted.generation", "2");
  driver_wait_state(p.d, "proven.value", "holds");
  driver_expect_state(p.d, "wanted.value", "isolated");
  ck_assert_str_eq(driver_device(p.d, "good"), before);
  end(&p);
}
END_TEST

/* ---- killed ---- */

/* Whatever the point, the device comes to the policy it was given, once. */
static void kill_agent_at(const char *point)
{
  char fault[64];
  pair p = begin(&good);
  driver_isolate_well(p.d);
  driver_stop(p.d);
  (void)snprintf(fault, sizeof(fault), "%s=kill", point);
  driver_spawn(p.d, fault);
  console_send_policy(p.c, 4, "{\"console\":{\"agents\":[\"192.0.2.99:8444\"]}}", false);
  driver_wait_exit(p.d);
  ck_assert_int_eq(p.d->exit_signal, SIGKILL);
  driver_start(p.d, NULL);
  wait_standing(&p, 4, 0);
  driver_wait_state(p.d, "proven.value", "holds");
  driver_expect_state(p.d, "drift.count", "0");
  driver_release_well(p.d);
  ck_assert_uint_eq(console_forgeries(p.c), 0);
  end(&p);
}

#define KILLED(test, point)                                                                        \
  START_TEST(test)                                                                                 \
  {                                                                                                \
    kill_agent_at(point);                                                                          \
  }                                                                                                \
  END_TEST

KILLED(killed_before_the_policy_is_journalled, "remote.before_policy")
KILLED(killed_within_the_transaction, "remote.policy_before_commit")
KILLED(killed_when_the_policy_is_synced, "remote.policy_synced")
KILLED(killed_before_it_is_acknowledged, "remote.before_policy_ack")
KILLED(killed_when_the_rules_are_changed, "remote.policy_changed")

int main(void)
{
  const TTest *const tests[] = {
      a_policy_is_taken_reported_and_kept,
      a_policy_takes_back_what_the_one_before_said,
      what_is_no_policy_of_this_device_changes_nothing,
      one_that_leads_away_from_the_console_is_put_back,
      a_trial_survives_the_agent,
      the_rules_of_an_isolation_follow_the_policy_without_an_order,
      a_policy_that_says_the_same_disturbs_no_isolation,
      nobody_may_release_where_the_policy_says_so,
      a_distrusted_plugin_is_passed_over_and_still_releases,
      exclusions_that_no_provider_can_honour_change_nothing,
      killed_before_the_policy_is_journalled,
      killed_within_the_transaction,
      killed_when_the_policy_is_synced,
      killed_before_it_is_acknowledged,
      killed_when_the_rules_are_changed,
  };
  return driver_suite("integration.policy", tests, COUNT_OF(tests), 120);
}
