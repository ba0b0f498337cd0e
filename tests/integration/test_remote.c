/* Orders from a console: carried out, proven and answered with signed results that are sent until
 * they are acknowledged; what is not an order changes nothing; who is killed comes back. */
#include "console.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const driver_options good = {.providers = {"good"}};

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

static void enrol(pair *p)
{
  char *token = console_token(p->c);
  cd_buf params = CD_BUF_INIT(128 * 1024);
  cd_buf_addf(&params, "{\"token\":%s}", token);
  driver_reply r = driver_request(p->d, "enroll", cd_buf_cstr(&params));
  ck_assert_msg(r.ok, "%s", r.sentence);
  driver_reply_release(&r);
  cd_buf_release(&params);
  free(token);
  driver_wait(p->d, is_connected, NULL, "the device is connected");
}

static pair begin(const driver_options *options)
{
  pair p = {.c = console_new(), .d = driver_new(options)};
  driver_start(p.d, NULL);
  enrol(&p);
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
  const char *action;
  unsigned index;
  unsigned count;
  cd_wanted_value wanted;
} awaited;

static bool has_result(driver *d, const void *context)
{
  const awaited *a = context;
  console_seen seen = {0};
  return console_result(a->c, a->action, &seen) && seen.count >= a->count;
}

static bool has_ack(driver *d, const void *context)
{
  const awaited *a = context;
  bool accepted = false;
  cd_refusal refusal = CD_REFUSAL_NONE;
  return console_acked(a->c, a->index, &accepted, &refusal);
}

static bool has_connections(driver *d, const void *context)
{
  const awaited *a = context;
  return console_connections(a->c) >= a->count;
}

static bool reports_wanted(driver *d, const void *context)
{
  const awaited *a = context;
  return console_wanted(a->c) == a->wanted;
}

static console_seen wait_result(pair *p, const char *action)
{
  console_seen seen = {0};
  awaited a = {.c = p->c, .action = action, .count = 1};
  driver_wait(p->d, has_result, &a, "the console has the result");
  ck_assert(console_result(p->c, action, &seen));
  return seen;
}

START_TEST(an_order_is_carried_out_and_its_result_is_signed)
{
  pair p = begin(&good);
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 5);
  console_send(p.c, &o, false);
  char params[128];
  console_seen seen = wait_result(&p, o.action);
  ck_assert_int_eq(seen.status, CD_ACTION_SUCCEEDED);
  ck_assert_int_eq(seen.outcome, CD_OK);
  ck_assert(seen.has_order);
  ck_assert_uint_eq(seen.generation, 5);
  driver_expect_state(p.d, "proven.value", "holds");
  awaited a = {.c = p.c, .wanted = CD_WANTED_ISOLATED};
  driver_wait(p.d, reports_wanted, &a, "the console was told");
  driver_reply r = driver_request(p.d, "actions", "{}");
  ck_assert_str_eq(driver_at(r.result, "actions.0.requestor.source"), "console");
  ck_assert_str_eq(driver_at(r.result, "actions.0.requestor.user"), "alice");
  driver_reply_release(&r);
  (void)snprintf(params, sizeof(params), "{\"id\":\"%s\"}", o.action);
  r = driver_request(p.d, "action", params);
  (void)snprintf(params, sizeof(params), "%u", console_port(p.c));
  ck_assert_str_eq(driver_at(r.result, "action.params.console.0.address"), "192.0.2.7");
  ck_assert_str_eq(driver_at(r.result, "action.params.console.1.address"), "127.0.0.1");
  ck_assert_str_eq(driver_at(r.result, "action.params.console.1.port"), params);
  driver_reply_release(&r);
  cd_order back = console_order(p.c, CD_ORDER_RELEASE, 6);
  console_send(p.c, &back, false);
  seen = wait_result(&p, back.action);
  ck_assert_int_eq(seen.status, CD_ACTION_SUCCEEDED);
  driver_expect_state(p.d, "enforced.value", "released");
  ck_assert_uint_eq(console_forgeries(p.c), 0);
  end(&p);
}
END_TEST

START_TEST(a_local_order_is_told_with_its_generation)
{
  pair p = begin(&good);
  driver_reply r = driver_isolate(p.d);
  char action[64];
  (void)snprintf(action, sizeof(action), "%s", driver_at(r.result, "action.id"));
  driver_reply_release(&r);
  console_seen seen = wait_result(&p, action);
  ck_assert(!seen.has_order);
  ck_assert_uint_eq(seen.generation, 1);
  console_hang_up(p.c);
  awaited a = {.c = p.c, .count = 2};
  driver_wait(p.d, has_connections, &a, "the device comes back");
  ck_assert_uint_eq(console_generation(p.c), 1);
  end(&p);
}
END_TEST

/* Nothing has changed after an order that is none. */
static void expect_refused(pair *p, const cd_order *o, bool forged, cd_refusal expected)
{
  bool accepted = true;
  cd_refusal refusal = CD_REFUSAL_NONE;
  awaited a = {.c = p->c};
  console_send(p->c, o, forged);
  driver_wait(p->d, has_ack, &a, "the order is answered");
  ck_assert(console_acked(p->c, 0, &accepted, &refusal));
  ck_assert(!accepted);
  ck_assert_msg(refusal == expected, "%s", cd_refusal_name(refusal));
  driver_expect_state(p->d, "wanted.value", "released");
  driver_expect_state(p->d, "wanted.generation", "0");
  ck_assert_str_eq(driver_device(p->d, "good"), "");
}

START_TEST(a_forged_order_changes_nothing)
{
  pair p = begin(&good);
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 1);
  expect_refused(&p, &o, true, CD_REFUSAL_FORGED);
  ck_assert(!console_result(p.c, o.action, NULL));
  end(&p);
}
END_TEST

START_TEST(an_expired_order_changes_nothing)
{
  pair p = begin(&good);
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 1);
  o.issued_ms -= 7200 * 1000;
  o.expires_ms -= 7200 * 1000;
  expect_refused(&p, &o, false, CD_REFUSAL_EXPIRED);
  console_seen seen = wait_result(&p, o.action);
  ck_assert_int_eq(seen.status, CD_ACTION_FAILED);
  ck_assert_int_eq(seen.outcome, CD_E_DENIED);
  end(&p);
}
END_TEST

START_TEST(an_order_for_another_device_changes_nothing)
{
  pair p = begin(&good);
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 1);
  (void)cd_str_copy(o.device, sizeof(o.device), CD_STR("another"));
  expect_refused(&p, &o, false, CD_REFUSAL_WRONG_DEVICE);
  end(&p);
}
END_TEST

START_TEST(an_order_works_once_and_an_older_one_not_at_all)
{
  bool accepted = true;
  cd_refusal refusal = CD_REFUSAL_NONE;
  pair p = begin(&good);
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 5);
  console_send(p.c, &o, false);
  (void)wait_result(&p, o.action);
  console_send(p.c, &o, false);
  cd_order old = console_order(p.c, CD_ORDER_RELEASE, 5);
  console_send(p.c, &old, false);
  awaited a = {.c = p.c, .index = 2};
  driver_wait(p.d, has_ack, &a, "all orders are answered");
  ck_assert(console_acked(p.c, 1, &accepted, &refusal));
  ck_assert(!accepted && refusal == CD_REFUSAL_REPLAYED);
  ck_assert(console_acked(p.c, 2, &accepted, &refusal));
  ck_assert(!accepted && refusal == CD_REFUSAL_OLD_GENERATION);
  driver_expect_state(p.d, "wanted.value", "isolated");
  driver_expect_state(p.d, "proven.value", "holds");
  ck_assert_uint_eq(driver_calls(p.d, "good", "apply"), 1);
  end(&p);
}
END_TEST

START_TEST(a_result_is_sent_until_it_is_acknowledged)
{
  pair p = begin(&good);
  console_set_acks(p.c, false);
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 5);
  console_send(p.c, &o, false);
  (void)wait_result(&p, o.action);
  console_hang_up(p.c);
  awaited a = {.c = p.c, .action = o.action, .count = 2};
  driver_wait(p.d, has_result, &a, "it is sent again in the next connection");
  driver_kill(p.d);
  console_set_acks(p.c, true);
  driver_start(p.d, NULL);
  a.count = 3;
  driver_wait(p.d, has_result, &a, "and again after the agent was killed");
  driver_wait_state(p.d, "proven.value", "holds");
  ck_assert_uint_eq(console_forgeries(p.c), 0);
  console_hang_up(p.c);
  a.count = 4;
  driver_wait(p.d, has_connections, &a, "the device comes back once more");
  console_seen seen = {0};
  ck_assert(console_result(p.c, o.action, &seen));
  ck_assert_uint_eq(seen.count, 3);
  end(&p);
}
END_TEST

START_TEST(a_killed_channel_comes_back_and_disturbs_nothing)
{
  pid_t pid = 0;
  pair p = begin(&good);
  driver_isolate_well(p.d);
  unsigned before = console_connections(p.c);
  ck_assert_uint_eq(driver_channels(p.d, &pid), 1);
  ck_assert_int_eq(kill(pid, SIGKILL), 0);
  awaited a = {.c = p.c, .count = before + 1};
  driver_wait(p.d, has_connections, &a, "another channel connects");
  driver_expect_state(p.d, "proven.value", "holds");
  ck_assert_uint_eq(driver_calls(p.d, "good", "apply"), 1);
  end(&p);
}
END_TEST

START_TEST(a_console_with_another_order_key_is_not_believed)
{
  pair p = begin(&good);
  console_set_impostor(p.c, true);
  console_hang_up(p.c);
  driver_wait_log(p.d, "the connection to the console is given up: the mark is forged");
  unsigned before = console_connections(p.c);
  console_set_impostor(p.c, false);
  awaited a = {.c = p.c, .count = before + 1};
  driver_wait(p.d, has_connections, &a, "the right one is believed again");
  end(&p);
}
END_TEST

/* The order is in the journal or it is sent again; it is carried out once either way. */
static void kill_agent_at(const char *point)
{
  char fault[64];
  pair p = begin(&good);
  driver_stop(p.d);
  (void)snprintf(fault, sizeof(fault), "%s=kill", point);
  driver_spawn(p.d, fault);
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 5);
  console_send(p.c, &o, false);
  driver_wait_exit(p.d);
  ck_assert_int_eq(p.d->exit_signal, SIGKILL);
  driver_start(p.d, NULL);
  console_seen seen = wait_result(&p, o.action);
  ck_assert_int_eq(seen.status, CD_ACTION_SUCCEEDED);
  driver_wait_state(p.d, "proven.value", "holds");
  ck_assert_uint_eq(console_forgeries(p.c), 0);
  end(&p);
}

/* What failed gave way to what was before, or goes on: the console learns which from the result. */
START_TEST(a_result_names_what_is_wanted_after_it)
{
  static const driver_options nobody = {.providers = {NULL}};
  pair p = begin(&nobody);
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 1);
  console_send(p.c, &o, false);
  console_seen seen = wait_result(&p, o.action);
  ck_assert_int_eq(seen.status, CD_ACTION_FAILED);
  ck_assert_str_eq(seen.wanted_action, "");
  cd_order back = console_order(p.c, CD_ORDER_RELEASE, 2);
  console_send(p.c, &back, false);
  seen = wait_result(&p, back.action);
  ck_assert_int_eq(seen.status, CD_ACTION_FAILED);
  ck_assert_str_eq(seen.wanted_action, back.action);
  end(&p);
}
END_TEST

/* What it refuses it answers, too. */
START_TEST(killed_before_a_refusal_is_journalled)
{
  pair p = begin(&good);
  driver_stop(p.d);
  driver_spawn(p.d, "remote.answer_before_commit=kill");
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 5);
  o.issued_ms -= 7200 * 1000;
  o.expires_ms -= 7200 * 1000;
  console_send(p.c, &o, false);
  driver_wait_exit(p.d);
  ck_assert_int_eq(p.d->exit_signal, SIGKILL);
  driver_start(p.d, NULL);
  console_seen seen = wait_result(&p, o.action);
  ck_assert_int_eq(seen.status, CD_ACTION_FAILED);
  ck_assert_int_eq(seen.outcome, CD_E_DENIED);
  driver_expect_state(p.d, "wanted.value", "released");
  driver_expect_state(p.d, "wanted.generation", "0");
  ck_assert_str_eq(driver_device(p.d, "good"), "");
  ck_assert_uint_eq(console_forgeries(p.c), 0);
  end(&p);
}
END_TEST

#define KILLED(test, point)                                                                        \
  START_TEST(test)                                                                                 \
  {                                                                                                \
    kill_agent_at(point);                                                                          \
  }                                                                                                \
  END_TEST

KILLED(killed_before_the_order_is_journalled, "remote.before_order")
KILLED(killed_within_the_transaction, "remote.order_before_commit")
KILLED(killed_when_the_order_is_synced, "remote.order_synced")
KILLED(killed_before_it_is_acknowledged, "remote.before_ack")
KILLED(killed_when_the_result_is_signed, "remote.result_sealed")
KILLED(killed_when_the_result_is_sent, "remote.result_sent")
KILLED(killed_when_it_is_ready, "remote.ready")

START_TEST(a_device_comes_back_alone)
{
  pair p = begin(&good);
  driver_kill(p.d);
  cd_order o = console_order(p.c, CD_ORDER_ISOLATE, 5);
  console_send(p.c, &o, false);
  driver_start(p.d, NULL);
  console_seen seen = wait_result(&p, o.action);
  ck_assert_int_eq(seen.status, CD_ACTION_SUCCEEDED);
  ck_assert_uint_eq(driver_channels(p.d, NULL), 1);
  end(&p);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      an_order_is_carried_out_and_its_result_is_signed,
      a_local_order_is_told_with_its_generation,
      a_forged_order_changes_nothing,
      an_expired_order_changes_nothing,
      an_order_for_another_device_changes_nothing,
      an_order_works_once_and_an_older_one_not_at_all,
      a_result_is_sent_until_it_is_acknowledged,
      a_result_names_what_is_wanted_after_it,
      a_killed_channel_comes_back_and_disturbs_nothing,
      a_console_with_another_order_key_is_not_believed,
      killed_before_a_refusal_is_journalled,
      killed_before_the_order_is_journalled,
      killed_within_the_transaction,
      killed_when_the_order_is_synced,
      killed_before_it_is_acknowledged,
      killed_when_the_result_is_signed,
      killed_when_the_result_is_sent,
      killed_when_it_is_ready,
      a_device_comes_back_alone,
  };
  return driver_suite("integration.remote", tests, COUNT_OF(tests), 180);
}
