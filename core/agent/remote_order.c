#include "remote_order.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "protocol/result.h"
#include "protocol/terms.h"

#include "base/banned.h"

/* ---- parameters ---- */

static void write_endpoint(cd_jw *w, const agent_endpoint *e)
{
  cd_jw_obj(w, NULL);
  cd_jw_cstr(w, "address", e->address);
  cd_jw_u64(w, "port", e->port);
  cd_jw_end_obj(w);
}

static bool is_configured(const agent_config *c, const agent_endpoint *e)
{
  for (unsigned i = 0; i < c->console_count; i++) {
    if (c->console[i].port == e->port &&
        cd_str_eq_cstr(cd_str_from(e->address), c->console[i].address))
      return true;
  }
  return false;
}

/* What the administrator wrote comes first, and then where the consoles' names led to. */
static cd_code write_console(const agent_config *c, agent_journal *j, cd_jw *w, cd_err *err)
{
  agent_endpoint known[AGENT_ENDPOINTS_MAX];
  unsigned count = 0;
  cd_code rc = agent_journal_console(j, NULL, 0, known, AGENT_ENDPOINTS_MAX, &count, err);
  unsigned written = c->console_count;
  cd_jw_arr(w, "console");
  for (unsigned i = 0; i < c->console_count; i++)
    write_endpoint(w, &c->console[i]);
  for (unsigned i = 0; i < count && written < AGENT_ENDPOINTS_MAX; i++) {
    if (is_configured(c, &known[i]))
      continue;
    write_endpoint(w, &known[i]);
    written++;
  }
  cd_jw_end_arr(w);
  return rc;
}

cd_code agent_isolate_params(const agent_config *config, agent_journal *journal, bool selective,
                             const cd_json *exclusions, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "type", selective ? "selective" : "full");
  cd_code rc = write_console(config, journal, &w, err);
  if (rc != CD_OK)
    return rc;
  cd_jw_arr(&w, "resolvers");
  for (unsigned i = 0; i < config->resolver_count; i++)
    cd_jw_cstr(&w, NULL, config->resolvers[i]);
  cd_jw_end_arr(&w);
  cd_jw_u64(&w, "mark", config->mark);
  /* Only where it is asked for: a provider refuses what it does not know. */
  if (config->strict)
    cd_jw_bool(&w, "strict", true);
  if (selective) {
    cd_jw_value(&w, "exclusions", exclusions);
  } else {
    cd_jw_arr(&w, "exclusions");
    cd_jw_end_arr(&w);
  }
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the parameters", err);
}

static cd_code order_params(const agent_judge *judge, const cd_order *o, cd_buf *out,
                            cd_buf *ret_terms, bool *ret_force, cd_err *err)
{
  static const char *const judgements[] = {"policy", "warn", NULL};
  int judgement = 0;
  cd_terms terms;
  cd_json_doc *doc = NULL;
  cd_str type = {0};
  cd_json exclusions = {0};
  if (o->kind == CD_ORDER_RELEASE) {
    cd_buf_add_cstr(out, "{}");
    return cd_buf_status(out, "the parameters", err);
  }
  if (agent_kind_is_job(agent_kind_of_order(o->kind))) {
    cd_buf_add_str(out, o->parameters);
    return cd_buf_status(out, "the parameters", err);
  }
  cd_code rc = cd_json_parse(o->parameters, CD_PARAMETERS_MAX, "the parameters", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "type", CD_WORD_MAX, &type);
  cd_json_arr(&root, "exclusions", CD_EXCLUSIONS_MAX, &exclusions);
  (void)cd_json_opt_enum(&root, "preflight", judgements, &judgement);
  cd_terms_read(&root, &terms);
  rc = cd_json_done(&root, err);
  *ret_force = judgement == 1;
  if (rc == CD_OK && o->kind == CD_ORDER_ISOLATE)
    rc = cd_terms_print(&terms, ret_terms, err);
  if (rc == CD_OK)
    rc = agent_isolate_params(judge->config, judge->journal, cd_str_eq(type, CD_STR("selective")),
                              &exclusions, out, err);
  cd_json_free(doc);
  return rc;
}

/* ---- results ---- */

/* Of an order that ends as it is judged. */
static cd_code sign_answer(const agent_judge *judge, const cd_order *o, cd_str order_jws,
                           cd_code outcome, const char *sentence, cd_buf *out, cd_err *err)
{
  cd_result r = {.kind = o->kind,
                 .generation = o->generation,
                 .has_order = true,
                 .status = outcome == CD_OK ? CD_ACTION_SUCCEEDED : CD_ACTION_FAILED,
                 .outcome = outcome,
                 .comment = o->comment,
                 .created_ms = cd_wall_ms(),
                 .state_count = judge->value_count};
  memcpy(r.states, judge->values, sizeof(r.states));
  r.started_ms = outcome == CD_OK ? r.created_ms : 0;
  r.ended_ms = r.created_ms;
  (void)cd_str_copy(r.device, sizeof(r.device), cd_str_from(judge->enrolment->device));
  (void)cd_str_copy(r.action, sizeof(r.action), cd_str_from(o->action));
  (void)cd_str_copy(r.requestor, sizeof(r.requestor), cd_str_from(o->requestor));
  (void)cd_str_copy(r.sentence, sizeof(r.sentence), cd_str_from(sentence));
  cd_code rc = cd_jws_digest(order_jws, &r.order, err);
  return rc == CD_OK ? cd_result_sign(&r, judge->enrolment->device_key, &agent_random, out, err)
                     : rc;
}

/* ---- refusals ---- */

static void refuse(agent_verdict *v, cd_refusal refusal, const char *sentence)
{
  v->accepted = false;
  v->refusal = refusal;
  (void)cd_str_copy(v->sentence, sizeof(v->sentence), cd_str_from(sentence));
}

/* The console learns of a refusal from a signed result: what the channel says proves nothing. An
 * order that was answered before has its result, and one that could not be judged may come again.
 */
static void answer_refusal(const agent_judge *judge, cd_str order_jws, cd_str key_jws,
                           agent_verdict *v)
{
  cd_err err = {0};
  cd_order o = {0};
  cd_buf jws = CD_BUF_INIT(cd_jws_max(&cd_jws_result));
  if (v->refusal == CD_REFUSAL_REPLAYED || v->refusal == CD_REFUSAL_INTERNAL ||
      v->refusal == CD_REFUSAL_FORGED || v->refusal == CD_REFUSAL_TOO_LARGE)
    return;
  bool seen = true;
  if (cd_order_claims(key_jws, order_jws, &judge->enrolment->root, &o, &err) != CD_OK)
    return;
  cd_code rc = agent_journal_seen(judge->journal, o.action, &seen, &err);
  if (rc == CD_OK && !seen)
    rc = sign_answer(judge, &o, order_jws, CD_E_DENIED, v->sentence, &jws, &err);
  if (rc == CD_OK && !seen)
    rc = agent_journal_order_answered(judge->journal, o.action, cd_buf_cstr(&jws), NULL, NULL, NULL,
                                      &err);
  if (rc != CD_OK)
    cd_log(CD_AREA_REMOTE, CD_LOG_ERROR, "action=%s: its refusal is not on record: %s", o.action,
           err.text);
  v->answered = rc == CD_OK && !seen;
  (void)cd_str_copy(v->action, sizeof(v->action), cd_str_from(o.action));
  cd_order_release(&o);
  cd_buf_release(&jws);
}

/* ---- isolate, release, preflight ---- */

agent_capability agent_order_capability(cd_order_kind kind)
{
  switch (agent_kind_of_order(kind)) {
  case AGENT_KIND_COLLECT: return AGENT_CAP_COLLECT;
  case AGENT_KIND_SCAN: return AGENT_CAP_SCAN;
  case AGENT_KIND_REMEDIATE: return AGENT_CAP_REMEDIATE;
  default: return AGENT_CAP_ISOLATE;
  }
}

static cd_code fill_action(const agent_judge *judge, const cd_accepted *accepted, agent_action *a,
                           cd_err *err)
{
  const cd_order *o = &accepted->order;
  cd_buf params = CD_BUF_INIT(CD_RESULT_MAX);
  cd_buf terms = CD_BUF_INIT(CD_TERMS_TEXT_MAX);
  a->kind = agent_kind_of_order(o->kind);
  a->status = AGENT_PENDING;
  a->state = agent_order_capability(o->kind);
  a->created_ms = cd_wall_ms();
  a->generation = o->generation;
  a->console = true;
  a->order = accepted->digest;
  (void)cd_str_copy(a->id, sizeof(a->id), cd_str_from(o->action));
  (void)cd_str_copy(a->user, sizeof(a->user), cd_str_from(o->requestor));
  cd_code rc = order_params(judge, o, &params, &terms, &a->force, err);
  if (rc == CD_OK && (!agent_text_set(&a->params, cd_buf_view(&params)) ||
                      (terms.len > 0 && !agent_text_set(&a->terms, cd_buf_view(&terms))) ||
                      (o->comment.len > 0 && !agent_text_set(&a->comment, o->comment))))
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for the order");
  cd_buf_release(&params);
  cd_buf_release(&terms);
  return rc;
}

static cd_code check_waiting(const agent_judge *judge, cd_order_kind kind, cd_err *err)
{
  unsigned waiting = 0;
  cd_code rc =
      agent_journal_unfinished_count(judge->journal, agent_order_capability(kind), &waiting, err);
  if (rc == CD_OK && waiting >= AGENT_ORDERS_WAITING_MAX)
    rc = cd_fail(err, CD_E_LIMIT, "%u orders are waiting already, the limit is %d", waiting,
                 AGENT_ORDERS_WAITING_MAX);
  return rc;
}

static cd_code take_change(const agent_judge *judge, const cd_accepted *accepted, cd_err *err)
{
  agent_order_source source = {.root = judge->enrolment->root_id,
                               .key_generation = accepted->key_generation};
  agent_action *a = calloc(1, sizeof(*a));
  if (a == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the order");
  cd_code rc = check_waiting(judge, accepted->order.kind, err);
  if (rc == CD_OK)
    rc = fill_action(judge, accepted, a, err);
  if (rc == CD_OK) {
    agent_wanted wanted = {.known = true,
                           .isolated = a->kind == AGENT_KIND_ISOLATE,
                           .generation = a->generation,
                           .since_ms = a->created_ms};
    (void)cd_str_copy(wanted.action, sizeof(wanted.action), cd_str_from(a->id));
    wanted.params = wanted.isolated ? a->params : NULL;
    wanted.terms = wanted.isolated ? a->terms : NULL;
    CD_FAULT_POINT("remote.before_order");
    bool changes = cd_order_kind_state(accepted->order.kind) != CD_STATE_NONE;
    rc = agent_journal_order_taken(judge->journal, a, changes ? &wanted : NULL, &source, err);
    CD_FAULT_POINT("remote.order_synced");
  }
  agent_action_free(a);
  return rc;
}

/* ---- cancel ---- */

typedef struct open_action {
  const char *except;
  agent_wanted wanted; /* of the newest that has not ended; known if there is one */
  cd_code rc;
  cd_err err;
} open_action;

static void look_for_open(void *context, const agent_action *a)
{
  open_action *o = context;
  if (o->wanted.known || agent_action_ended(a) || a->state != AGENT_CAP_ISOLATE ||
      a->kind == AGENT_KIND_PREFLIGHT || cd_str_eq_cstr(cd_str_from(a->id), o->except))
    return;
  agent_wanted w = {.known = true,
                    .isolated = a->kind == AGENT_KIND_ISOLATE,
                    .since_ms = a->created_ms,
                    .params = a->kind == AGENT_KIND_ISOLATE ? a->params : NULL,
                    .terms = a->kind == AGENT_KIND_ISOLATE ? a->terms : NULL};
  (void)cd_str_copy(w.action, sizeof(w.action), cd_str_from(a->id));
  o->rc = agent_wanted_copy(&o->wanted, &w, &o->err);
}

/* What is wanted once the cancelled order is gone: what the newest of the others asks for, or what
 * was settled. The generation stays: it never goes back. *ret_change is false if another order made
 * what is wanted now. */
static cd_code wanted_without(const agent_judge *judge, const agent_action *a, agent_wanted *ret,
                              bool *ret_change, cd_err *err)
{
  agent_wanted now = {0};
  open_action others = {.except = a->id};
  cd_code rc = agent_journal_wanted(judge->journal, a->state, &now, err);
  *ret_change = rc == CD_OK && cd_str_eq_cstr(cd_str_from(a->id), now.action);
  if (*ret_change) {
    rc = agent_journal_actions(judge->journal, 2 * AGENT_ORDERS_WAITING_MAX, NULL, look_for_open,
                               &others, err);
    if (rc == CD_OK && others.rc != CD_OK)
      rc = cd_fail(err, others.rc, "%s", others.err.text);
    if (rc == CD_OK && others.wanted.known)
      rc = agent_wanted_copy(ret, &others.wanted, err);
    else if (rc == CD_OK)
      rc = agent_journal_settled(judge->journal, a->state, ret, err);
    ret->known = true;
    ret->generation = now.generation;
    if (ret->since_ms == 0)
      ret->since_ms = cd_wall_ms();
  }
  agent_wanted_release(&others.wanted);
  agent_wanted_release(&now);
  return rc;
}

typedef struct cancel {
  char target[CD_ID_SIZE];
  agent_action *action; /* of the target; NULL: not known */
  cd_code outcome;
  const char *sentence;
  bool stop; /* it runs, and can be stopped */
} cancel;

static cd_code read_cancel(const agent_judge *judge, const cd_order *o, cancel *c, cd_err *err)
{
  cd_json_doc *doc = NULL;
  cd_str id = {0};
  cd_code rc = cd_json_parse(o->parameters, CD_PARAMETERS_MAX, "the parameters", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "action", CD_ID_SIZE - 1, &id);
  rc = cd_json_done(&root, err);
  (void)cd_str_copy(c->target, sizeof(c->target), id);
  cd_json_free(doc);
  if (rc == CD_OK)
    rc = agent_journal_action(judge->journal, c->target, &c->action, err);
  return rc == CD_E_NOTFOUND ? CD_OK : rc;
}

static void decide_cancel(cancel *c)
{
  agent_action *a = c->action;
  c->outcome = CD_OK;
  c->sentence = "";
  if (a == NULL) {
    c->sentence = "the action is not known here: there was nothing to cancel";
  } else if (agent_action_ended(a)) {
    c->sentence = "the action had ended already: there was nothing to cancel";
  } else if (a->status == AGENT_IN_PROGRESS && agent_kind_is_job(a->kind)) {
    c->stop = true;
    c->sentence = "what runs is told to stop; how it ended, its own result says";
  } else if (a->status == AGENT_IN_PROGRESS) {
    c->outcome = CD_E_CONFLICT;
    c->sentence = "the action has begun, and what has begun is carried to its end";
  } else {
    a->status = AGENT_CANCELLED;
    a->outcome = CD_E_CANCELLED;
    a->ended_ms = cd_wall_ms();
    (void)agent_text_set(&a->sentence, CD_STR("it was cancelled before it began"));
    return;
  }
  agent_action_free(a);
  c->action = NULL;
}

static cd_code take_cancel(const agent_judge *judge, const cd_accepted *accepted, cd_str order_jws,
                           agent_verdict *v, cd_err *err)
{
  cancel c = {0};
  bool change = false;
  agent_wanted wanted = {0};
  cd_buf jws = CD_BUF_INIT(cd_jws_max(&cd_jws_result));
  agent_order_source source = {.root = judge->enrolment->root_id,
                               .key_generation = accepted->key_generation};
  cd_code rc = read_cancel(judge, &accepted->order, &c, err);
  if (rc == CD_OK) {
    decide_cancel(&c);
    if (c.action != NULL)
      rc = wanted_without(judge, c.action, &wanted, &change, err);
  }
  if (rc == CD_OK)
    rc = sign_answer(judge, &accepted->order, order_jws, c.outcome, c.sentence, &jws, err);
  if (rc == CD_OK)
    rc = agent_journal_order_answered(judge->journal, accepted->order.action, cd_buf_cstr(&jws),
                                      c.action, change ? &wanted : NULL, &source, err);
  if (rc == CD_OK && c.stop)
    (void)cd_str_copy(v->stopped, sizeof(v->stopped), cd_str_from(c.target));
  if (rc == CD_OK && c.action != NULL)
    (void)cd_str_copy(v->cancelled, sizeof(v->cancelled), cd_str_from(c.target));
  v->answered = rc == CD_OK;
  agent_wanted_release(&wanted);
  agent_action_free(c.action);
  cd_buf_release(&jws);
  return rc;
}

/* ---- the judge ---- */

typedef struct memory {
  agent_journal *journal;
  bool failed;
  cd_err err;
} memory;

static bool is_seen(void *context, const char *action)
{
  memory *m = context;
  bool seen = true;
  if (agent_journal_seen(m->journal, action, &seen, &m->err) != CD_OK)
    m->failed = true;
  return seen;
}

static cd_code recall(const agent_judge *judge, cd_order_known *known, cd_err *err)
{
  agent_wanted wanted = {0};
  cd_code rc = agent_journal_key_generation(judge->journal, judge->enrolment->root_id,
                                            &known->key_generation, err);
  if (rc == CD_OK)
    rc = agent_journal_wanted(judge->journal, AGENT_CAP_ISOLATE, &wanted, err);
  known->generations[CD_STATE_ISOLATE] = wanted.generation;
  (void)cd_str_copy(known->held[CD_STATE_ISOLATE], CD_ID_SIZE, cd_str_from(wanted.action));
  agent_wanted_release(&wanted);
  return rc;
}

static cd_code take(const agent_judge *judge, const cd_accepted *accepted, cd_str order_jws,
                    agent_verdict *v, cd_err *err)
{
  if (accepted->order.kind == CD_ORDER_CANCEL)
    return take_cancel(judge, accepted, order_jws, v, err);
  return take_change(judge, accepted, err);
}

void agent_judge_order(const agent_judge *judge, cd_str order_jws, cd_str key_jws,
                       agent_verdict *ret_verdict)
{
  agent_verdict v = {0};
  cd_err err = {0};
  cd_accepted accepted = {0};
  cd_refusal refusal = CD_REFUSAL_INTERNAL;
  memory m = {.journal = judge->journal};
  cd_order_known known = {.device = cd_str_from(judge->enrolment->device),
                          .seen = is_seen,
                          .context = &m,
                          .now_ms = judge->now_ms,
                          .clock_trusted = judge->clock_trusted};
  cd_code rc = recall(judge, &known, &err);
  if (rc == CD_OK)
    rc = cd_order_accept(key_jws, order_jws, &judge->enrolment->root, &known, &accepted, &refusal,
                         &err);
  if (rc != CD_OK) {
    refuse(&v, m.failed ? CD_REFUSAL_INTERNAL : refusal, m.failed ? m.err.text : err.text);
    answer_refusal(judge, order_jws, key_jws, &v);
    *ret_verdict = v;
    return;
  }
  (void)cd_str_copy(v.action, sizeof(v.action), cd_str_from(accepted.order.action));
  v.accepted = true;
  v.kind = accepted.order.kind;
  rc = take(judge, &accepted, order_jws, &v, &err);
  if (rc != CD_OK)
    refuse(&v, CD_REFUSAL_INTERNAL, err.text);
  cd_order_release(&accepted.order);
  *ret_verdict = v;
}
