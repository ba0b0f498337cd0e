/* Orders of the console: what is taken is in the journal, what is refused has its signed result and
 * changes nothing, and a cancel ends what has not begun. */
#include "remote_order.h"

#include "protocol/result.h"

#define CD_TEST_SUITE_H /* place.h has a suite of its own */
#include "../protocol/fixture.h"
#include "entries.h"
#include "place.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

typedef struct world {
  keys k;
  agent_config config;
  agent_enrolment enrolment;
  agent_journal *journal;
  agent_judge judge;
  cd_buf statement;
} world;

static cd_err err;

static void open_world(world *w)
{
  *w = (world){.statement = CD_BUF_INIT(4096)};
  keys_make(&w->k);
  cd_statement s = sample_statement(&w->k);
  sign_statement(&s, w->k.root, &w->statement);
  agent_config_init(&w->config);
  w->journal = open_journal();
  agent_journal_reporting(w->journal, true);
  (void)cd_str_copy(w->enrolment.device, sizeof(w->enrolment.device), CD_STR(DEVICE));
  w->enrolment.root = *cd_key_public(w->k.root);
  cd_public_key_id(&w->enrolment.root, w->enrolment.root_id);
  w->enrolment.device_key = w->k.device;
  w->judge = (agent_judge){.journal = w->journal,
                           .config = &w->config,
                           .enrolment = &w->enrolment,
                           .clock_trusted = true,
                           .now_ms = NOW_MS};
}

static void close_world(world *w)
{
  agent_journal_close(w->journal);
  agent_config_release(&w->config);
  cd_buf_release(&w->statement);
  keys_free(&w->k);
}

static agent_verdict judge(world *w, const cd_order *o, const cd_key *key)
{
  agent_verdict v = {0};
  cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
  sign_order(o, key, &jws);
  agent_judge_order(&w->judge, cd_buf_view(&jws), cd_buf_view(&w->statement), &v);
  cd_buf_release(&jws);
  return v;
}

/* The `index`-th result of the outbox; it must be good. cd_result_release(). */
static cd_result result_at(world *w, unsigned index)
{
  int64_t after = 0;
  agent_outgoing o = {0};
  cd_result r = {0};
  for (unsigned i = 0; i <= index; i++) {
    agent_outgoing_release(&o);
    ck_assert_int_eq(agent_journal_outbox_next(w->journal, after, &o, &err), CD_OK);
    after = o.seq;
  }
  ck_assert_ptr_nonnull(o.jws);
  ck_assert_msg(cd_result_verify(cd_str_from(o.jws), cd_key_public(w->k.device), CD_STR(DEVICE), &r,
                                 &err) == CD_OK,
                "%s", err.text);
  agent_outgoing_release(&o);
  return r;
}

static unsigned results(world *w)
{
  unsigned count = 0;
  ck_assert_int_eq(agent_journal_outbox_count(w->journal, &count, &err), CD_OK);
  return count;
}

START_TEST(an_order_is_in_the_journal_when_it_is_accepted)
{
  world w;
  agent_action *a = NULL;
  open_world(&w);
  cd_order o = sample_order();
  agent_verdict v = judge(&w, &o, w.k.order);
  ck_assert_msg(v.accepted, "%s", v.sentence);
  ck_assert_int_eq(v.kind, CD_ORDER_ISOLATE);
  ck_assert_str_eq(v.action, ACTION);
  expect_wanted(w.journal, true, 7, ACTION);
  ck_assert_int_eq(agent_journal_next(w.journal, AGENT_CAP_ISOLATE, &a, &err), CD_OK);
  ck_assert(a->console);
  ck_assert_str_eq(a->user, o.requestor);
  ck_assert_ptr_nonnull(strstr(a->params, "\"type\":\"full\""));
  ck_assert_ptr_nonnull(strstr(a->params, "\"mark\":"));
  agent_action_free(a);
  ck_assert_uint_eq(results(&w), 0);
  close_world(&w);
}
END_TEST

START_TEST(rules_let_the_channel_through_to_where_the_names_led)
{
  static const char led[1][AGENT_ADDRESS_MAX] = {"192.0.2.77"};
  world w;
  agent_action *a = NULL;
  open_world(&w);
  ck_assert_int_eq(agent_journal_console_set(w.journal, "console.example", 8443, led, 1, &err),
                   CD_OK);
  ck_assert_int_eq(agent_config_parse(CD_STR("{\"console\":{\"addresses\":[\"192.0.2.7:443\"]}}"),
                                      "test", &w.config, &err),
                   CD_OK);
  cd_order o = sample_order();
  ck_assert(judge(&w, &o, w.k.order).accepted);
  ck_assert_int_eq(agent_journal_next(w.journal, AGENT_CAP_ISOLATE, &a, &err), CD_OK);
  ck_assert_msg(strstr(a->params, "\"console\":[{\"address\":\"192.0.2.7\",\"port\":443},"
                                  "{\"address\":\"192.0.2.77\",\"port\":8443}]") != NULL,
                "%s", a->params);
  agent_action_free(a);
  close_world(&w);
}
END_TEST

typedef struct refused {
  const char *name;
  void (*change)(cd_order *o);
  bool other_key;
  cd_refusal refusal;
  unsigned results;
} refused;

static void leave(cd_order *o)
{
}

static void expire(cd_order *o)
{
  o->issued_ms = NOW_MS - 2 * DAY_MS;
  o->expires_ms = NOW_MS - DAY_MS;
}

static void be_early(cd_order *o)
{
  o->issued_ms = NOW_MS + DAY_MS;
  o->expires_ms = NOW_MS + 2 * DAY_MS;
}

static void be_old(cd_order *o)
{
  o->generation = 1;
}

static void be_elsewhere(cd_order *o)
{
  (void)cd_str_copy(o->device, sizeof(o->device), CD_STR(OTHER_DEVICE));
}

/* Nothing has changed, and if the order is authentic its result says why. */
static void expect_refused(const refused *row)
{
  world w;
  open_world(&w);
  agent_action *local = place_order(w.journal, AGENT_KIND_RELEASE);
  cd_order o = sample_order();
  row->change(&o);
  agent_verdict v = judge(&w, &o, row->other_key ? w.k.other : w.k.order);
  ck_assert_msg(!v.accepted && v.refusal == row->refusal, "%s: %s (%s)", row->name,
                cd_refusal_name(v.refusal), v.sentence);
  ck_assert_str_ne(v.sentence, "");
  expect_wanted(w.journal, false, 1, local->id);
  ck_assert_uint_eq(count_open(w.journal), 1);
  ck_assert_uint_eq(results(&w), row->results);
  if (row->results > 0) {
    cd_result r = result_at(&w, 0);
    ck_assert_str_eq(r.action, ACTION);
    ck_assert_int_eq(r.status, CD_ACTION_FAILED);
    ck_assert_int_eq(r.outcome, CD_E_DENIED);
    ck_assert_str_eq(r.sentence, v.sentence);
    ck_assert(r.has_order);
    cd_result_release(&r);
    v = judge(&w, &o, w.k.order);
    ck_assert_int_eq(v.refusal, row->refusal == CD_REFUSAL_WRONG_DEVICE ? CD_REFUSAL_WRONG_DEVICE
                                                                        : CD_REFUSAL_REPLAYED);
    ck_assert_uint_eq(results(&w), row->results);
  }
  agent_action_free(local);
  close_world(&w);
}

#define REFUSED_TEST(test, ...)                                                                    \
  START_TEST(test)                                                                                 \
  {                                                                                                \
    const refused row = {#test, __VA_ARGS__};                                                      \
    expect_refused(&row);                                                                          \
  }                                                                                                \
  END_TEST

REFUSED_TEST(a_forged_order_is_refused, leave, true, CD_REFUSAL_FORGED, 0)
REFUSED_TEST(an_expired_order_is_refused, expire, false, CD_REFUSAL_EXPIRED, 1)
REFUSED_TEST(an_order_of_tomorrow_is_refused, be_early, false, CD_REFUSAL_NOT_YET_VALID, 1)
REFUSED_TEST(an_order_of_an_older_generation_is_refused, be_old, false, CD_REFUSAL_OLD_GENERATION,
             1)
REFUSED_TEST(an_order_for_another_device_is_refused, be_elsewhere, false, CD_REFUSAL_WRONG_DEVICE,
             1)

/* The journal was lost, and the rule file named what it had put in force. */
START_TEST(an_order_whose_rules_outlived_it_is_taken_again_and_once)
{
  world w;
  open_world(&w);
  cd_order o = sample_order();
  agent_wanted wanted = {.known = true, .isolated = true, .generation = o.generation};
  agent_holder holder = {0};
  (void)cd_str_copy(wanted.action, sizeof(wanted.action), cd_str_from(o.action));
  (void)cd_str_copy(holder.plugin, sizeof(holder.plugin), CD_STR("org.cordon.test.good"));
  ck_assert_int_eq(agent_journal_adopt(w.journal, AGENT_CAP_ISOLATE, &wanted, &holder, &err),
                   CD_OK);
  cd_order other = sample_order();
  other.action[0] = other.action[0] == '0' ? '1' : '0';
  ck_assert_int_eq(judge(&w, &other, w.k.order).refusal, CD_REFUSAL_OLD_GENERATION);
  agent_verdict v = judge(&w, &o, w.k.order);
  ck_assert_msg(v.accepted, "%s", v.sentence);
  ck_assert_int_eq(judge(&w, &o, w.k.order).refusal, CD_REFUSAL_REPLAYED);
  close_world(&w);
}
END_TEST

START_TEST(an_order_works_once)
{
  world w;
  open_world(&w);
  cd_order o = sample_order();
  ck_assert(judge(&w, &o, w.k.order).accepted);
  agent_verdict v = judge(&w, &o, w.k.order);
  ck_assert_int_eq(v.refusal, CD_REFUSAL_REPLAYED);
  o.generation = 9;
  v = judge(&w, &o, w.k.order);
  ck_assert_int_eq(v.refusal, CD_REFUSAL_REPLAYED);
  ck_assert_uint_eq(count_open(w.journal), 1);
  expect_wanted(w.journal, true, 7, ACTION);
  close_world(&w);
}
END_TEST

START_TEST(an_older_key_is_refused_after_a_newer_one)
{
  world w;
  open_world(&w);
  cd_order o = sample_order();
  ck_assert(judge(&w, &o, w.k.order).accepted);
  cd_statement s = sample_statement(&w.k);
  s.generation = 2;
  cd_buf_reset(&w.statement);
  sign_statement(&s, w.k.root, &w.statement);
  (void)cd_str_copy(o.action, sizeof(o.action), CD_STR(OTHER_ACTION));
  o.generation = 8;
  agent_verdict v = judge(&w, &o, w.k.order);
  ck_assert_int_eq(v.refusal, CD_REFUSAL_OLD_KEY);
  expect_wanted(w.journal, true, 7, ACTION);
  close_world(&w);
}
END_TEST

START_TEST(time_is_not_judged_while_nothing_vouches_for_the_clock)
{
  world w;
  open_world(&w);
  w.judge.clock_trusted = false;
  cd_order o = sample_order();
  expire(&o);
  ck_assert(judge(&w, &o, w.k.order).accepted);
  close_world(&w);
}
END_TEST

static cd_order cancel_of(const char *action)
{
  cd_order o = sample_order();
  (void)cd_str_copy(o.action, sizeof(o.action), CD_STR(OTHER_ACTION));
  o.kind = CD_ORDER_CANCEL;
  o.generation = 0;
  o.parameters = cd_str_from(action);
  return o;
}

static cd_order preflight_of(const char *parameters)
{
  cd_order o = cancel_of(parameters);
  o.kind = CD_ORDER_PREFLIGHT;
  return o;
}

START_TEST(a_preflight_is_a_job_that_changes_nothing_wanted)
{
  world w;
  agent_action *a = NULL;
  open_world(&w);
  cd_order o = sample_order();
  ck_assert(judge(&w, &o, w.k.order).accepted);
  cd_order p = preflight_of("{\"type\":\"full\",\"exclusions\":[],\"preflight\":\"warn\"}");
  agent_verdict v = judge(&w, &p, w.k.order);
  ck_assert_msg(v.accepted, "%s", v.sentence);
  ck_assert(!v.answered);
  expect_wanted(w.journal, true, 7, ACTION);
  ck_assert_uint_eq(count_open(w.journal), 2);
  ck_assert_int_eq(agent_journal_action(w.journal, OTHER_ACTION, &a, &err), CD_OK);
  ck_assert_int_eq(a->kind, AGENT_KIND_PREFLIGHT);
  ck_assert(a->force);
  ck_assert_uint_eq(a->generation, 0);
  agent_action_free(a);
  ck_assert(!judge(&w, &p, w.k.order).accepted);
  close_world(&w);
}
END_TEST

/* What stays wanted is the newest of those that change something. */
START_TEST(a_cancel_looks_past_a_preflight)
{
  world w;
  open_world(&w);
  cd_order p = preflight_of("{\"type\":\"full\",\"exclusions\":[]}");
  ck_assert(judge(&w, &p, w.k.order).accepted);
  cd_order o = sample_order();
  ck_assert(judge(&w, &o, w.k.order).accepted);
  cd_order c = cancel_of("{\"action\":\"" ACTION "\"}");
  (void)cd_str_copy(c.action, sizeof(c.action), CD_STR("01936c5e-8f2a-7b3c-9d4e-5f6a7b8c9d77"));
  agent_verdict v = judge(&w, &c, w.k.order);
  ck_assert_msg(v.accepted, "%s", v.sentence);
  expect_wanted(w.journal, false, 7, "");
  ck_assert_uint_eq(count_open(w.journal), 1);
  close_world(&w);
}
END_TEST

START_TEST(a_cancel_ends_what_has_not_begun)
{
  world w;
  agent_action *a = NULL;
  open_world(&w);
  cd_order o = sample_order();
  ck_assert(judge(&w, &o, w.k.order).accepted);
  cd_order c = cancel_of("{\"action\":\"" ACTION "\"}");
  agent_verdict v = judge(&w, &c, w.k.order);
  ck_assert_msg(v.accepted, "%s", v.sentence);
  ck_assert_str_eq(v.cancelled, ACTION);
  expect_wanted(w.journal, false, 7, "");
  ck_assert_uint_eq(count_open(w.journal), 0);
  ck_assert_int_eq(agent_journal_action(w.journal, ACTION, &a, &err), CD_OK);
  ck_assert_int_eq(a->status, AGENT_CANCELLED);
  agent_action_free(a);
  ck_assert_uint_eq(results(&w), 2);
  cd_result r = result_at(&w, 1);
  ck_assert_int_eq(r.kind, CD_ORDER_CANCEL);
  ck_assert_int_eq(r.status, CD_ACTION_SUCCEEDED);
  cd_result_release(&r);
  close_world(&w);
}
END_TEST

START_TEST(a_cancel_leaves_what_has_begun)
{
  world w;
  agent_action *a = NULL;
  open_world(&w);
  cd_order o = sample_order();
  ck_assert(judge(&w, &o, w.k.order).accepted);
  ck_assert_int_eq(agent_journal_next(w.journal, AGENT_CAP_ISOLATE, &a, &err), CD_OK);
  a->status = AGENT_IN_PROGRESS;
  a->started_ms = 5;
  ck_assert_int_eq(agent_journal_started(w.journal, a, &err), CD_OK);
  cd_order c = cancel_of("{\"action\":\"" ACTION "\"}");
  agent_verdict v = judge(&w, &c, w.k.order);
  ck_assert(v.accepted);
  ck_assert_str_eq(v.cancelled, "");
  expect_wanted(w.journal, true, 7, ACTION);
  cd_result r = result_at(&w, 0);
  ck_assert_int_eq(r.status, CD_ACTION_FAILED);
  ck_assert_int_eq(r.outcome, CD_E_CONFLICT);
  cd_result_release(&r);
  agent_action_free(a);
  close_world(&w);
}
END_TEST

START_TEST(a_cancel_of_the_newest_leaves_what_the_one_before_wants)
{
  world w;
  open_world(&w);
  cd_order first = sample_order();
  (void)cd_str_copy(first.action, sizeof(first.action),
                    CD_STR("0198d2a0-5c31-7a10-8c55-2f6d3a1b9e07"));
  first.generation = 6;
  ck_assert(judge(&w, &first, w.k.order).accepted);
  cd_order o = sample_order();
  o.kind = CD_ORDER_RELEASE;
  o.parameters = CD_STR("{}");
  ck_assert(judge(&w, &o, w.k.order).accepted);
  expect_wanted(w.journal, false, 7, ACTION);
  cd_order c = cancel_of("{\"action\":\"" ACTION "\"}");
  ck_assert(judge(&w, &c, w.k.order).accepted);
  expect_wanted(w.journal, true, 7, first.action);
  close_world(&w);
}
END_TEST

START_TEST(a_cancel_of_nothing_is_no_error)
{
  world w;
  open_world(&w);
  cd_order c = cancel_of("{\"action\":\"" ACTION "\"}");
  ck_assert(judge(&w, &c, w.k.order).accepted);
  cd_result r = result_at(&w, 0);
  ck_assert_int_eq(r.status, CD_ACTION_SUCCEEDED);
  ck_assert_str_eq(r.sentence, "the action is not known here: there was nothing to cancel");
  cd_result_release(&r);
  close_world(&w);
}
END_TEST

START_TEST(a_result_says_what_the_journal_says)
{
  world w;
  cd_result r = {0};
  cd_buf jws = CD_BUF_INIT(CD_MESSAGE_MAX);
  open_world(&w);
  agent_action *a = make_action(AGENT_KIND_ISOLATE);
  a->generation = 4;
  a->status = AGENT_FAILED;
  a->outcome = CD_E_UNVERIFIED;
  a->started_ms = 1500;
  a->ended_ms = 2000;
  ck_assert(agent_text_set(&a->sentence, CD_STR("why not")));
  ck_assert(agent_text_set(&a->result, CD_STR("{\"attempts\":2}")));
  ck_assert_int_eq(agent_result_sign(a, &w.enrolment, NULL, 0, &jws, &err), CD_OK);
  ck_assert_int_eq(
      cd_result_verify(cd_buf_view(&jws), cd_key_public(w.k.device), CD_STR(DEVICE), &r, &err),
      CD_OK);
  ck_assert_str_eq(r.action, a->id);
  ck_assert(!r.has_order);
  ck_assert_int_eq(r.status, CD_ACTION_FAILED);
  ck_assert_int_eq(r.outcome, CD_E_UNVERIFIED);
  ck_assert_str_eq(r.sentence, "why not");
  ck_assert_str_eq(r.requestor, "someone");
  ck_assert(cd_str_eq(r.result, CD_STR("{\"attempts\":2}")));
  cd_result_release(&r);
  agent_action_free(a);
  cd_buf_release(&jws);
  close_world(&w);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      an_order_is_in_the_journal_when_it_is_accepted,
      rules_let_the_channel_through_to_where_the_names_led,
      a_forged_order_is_refused,
      an_expired_order_is_refused,
      an_order_of_tomorrow_is_refused,
      an_order_of_an_older_generation_is_refused,
      an_order_for_another_device_is_refused,
      an_order_works_once,
      an_order_whose_rules_outlived_it_is_taken_again_and_once,
      an_older_key_is_refused_after_a_newer_one,
      time_is_not_judged_while_nothing_vouches_for_the_clock,
      a_preflight_is_a_job_that_changes_nothing_wanted,
      a_cancel_looks_past_a_preflight,
      a_cancel_ends_what_has_not_begun,
      a_cancel_leaves_what_has_begun,
      a_cancel_of_the_newest_leaves_what_the_one_before_wants,
      a_cancel_of_nothing_is_no_error,
      a_result_says_what_the_journal_says,
  };
  return run_suite("agent.remote_order", tests, COUNT_OF(tests));
}
