/* The end of a run: the outcome on disk, the world told, and on to the next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "state_private.h"

#include "base/banned.h"

#define RETRY_RECORD_MS 1000

static void write_results(const state_run *r, cd_jw *w)
{
  static const agent_function told[] = {AGENT_FN_APPLY, AGENT_FN_RELEASE, AGENT_FN_QUERY,
                                        AGENT_FN_VERIFY};
  for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
    if (r->results[told[i]].len > 0)
      cd_jw_raw(w, agent_function_name(told[i]), cd_buf_view(&r->results[told[i]]));
  }
}

static cd_code make_result(agent_state *s, agent_action *a, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(2 * CD_RESULT_MAX);
  cd_jw w;
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  state_write_measured(s, true, &w);
  cd_jw_cstr(&w, "previous", s->settled.isolated ? "isolated" : "released");
  cd_jw_u64(&w, "attempts", s->run.all_attempts);
  if (s->run.reasons.len > 0)
    cd_jw_str(&w, "passed_over", cd_buf_view(&s->run.reasons));
  if (s->run.preflight != NULL)
    agent_preflight_write(s->run.preflight, &w);
  write_results(&s->run, &w);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the action's result", err);
  if (rc == CD_OK && !agent_text_set(&a->result, cd_buf_view(&text)))
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for the action's result");
  cd_buf_release(&text);
  return rc;
}

static void fill_outcome(agent_state *s, agent_action *a)
{
  cd_err err = {0};
  const cd_err *failure = &s->run.failure;
  a->outcome = failure->code;
  a->status = cd_code_ok(failure->code) ? AGENT_SUCCEEDED : AGENT_FAILED;
  a->ended_ms = cd_wall_ms();
  if (failure->code != CD_OK)
    (void)agent_text_set(&a->sentence, cd_str_from(failure->text));
  if (s->run.plugin != NULL)
    (void)agent_text_set(&a->provider, cd_str_from(s->run.plugin->manifest.id));
  if (make_result(s, a, &err) != CD_OK) {
    /* Losing the evidence must not lose the outcome. */
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "action %s: %s; it is recorded without evidence", a->id,
           err.text);
    (void)agent_text_set(&a->result, CD_STR("{}"));
  }
}

/* What the order asked for, as a wanted value. */
static cd_code as_wanted(const agent_state *s, const agent_action *a, agent_wanted *ret,
                         cd_err *err)
{
  agent_wanted w = {.known = true,
                    .isolated = s->run.isolate,
                    .generation = a->generation,
                    .since_ms = a->created_ms};
  (void)cd_str_copy(w.action, sizeof(w.action), cd_str_from(a->id));
  if (s->run.isolate) {
    w.params = s->run.params;
    w.terms = a->terms;
  }
  return agent_wanted_copy(ret, &w, err);
}

/* An order that could not be carried out gives way to what was settled before; generations never go
 * back. */
static cd_code give_way(const agent_state *s, const agent_action *a, agent_wanted *ret, cd_err *err)
{
  cd_code rc = agent_wanted_copy(ret, &s->settled, err);
  ret->generation = a->generation;
  ret->known = true;
  if (ret->since_ms == 0)
    ret->since_ms = a->created_ms;
  return rc;
}

static cd_code record(agent_state *s, agent_action *a, cd_err *err)
{
  if (a->kind == AGENT_KIND_PREFLIGHT)
    return agent_journal_ended(s->journal, a, NULL, NULL, err);
  agent_wanted settled = {0};
  agent_wanted wanted = {0};
  bool stands = cd_code_ok(s->run.failure.code) || s->run.kept;
  bool newest = s->wanted.generation == a->generation;
  cd_code rc = stands ? as_wanted(s, a, &settled, err) : give_way(s, a, &wanted, err);
  if (rc == CD_OK) {
    CD_FAULT_POINT("agent.before_outcome");
    rc = agent_journal_ended(s->journal, a, stands ? &settled : NULL,
                             !stands && newest ? &wanted : NULL, err);
    CD_FAULT_POINT("agent.outcome_synced");
  }
  if (rc == CD_OK && stands)
    rc = agent_wanted_copy(&s->settled, &settled, err);
  /* Whoever hears of the outcome is told the values with it. */
  if (rc == CD_OK && !stands && newest)
    rc = agent_wanted_copy(&s->wanted, &wanted, err);
  agent_wanted_release(&settled);
  agent_wanted_release(&wanted);
  return rc;
}

static void over(agent_state *s)
{
  state_run *r = &s->run;
  agent_action_free(r->action);
  r->action = NULL;
  r->active = false;
  if (s->events->on_values != NULL)
    s->events->on_values(s->owner);
  state_next(s);
}

static void on_record_timer(uv_timer_t *timer);

static void end_action(agent_state *s)
{
  cd_err err = {0};
  agent_action *a = s->run.action;
  /* The newest order may have come while this one ran. */
  if (agent_journal_wanted(s->journal, s->cap, &s->wanted, &err) != CD_OK)
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s", err.text);
  cd_code rc = record(s, a, &err);
  if (rc != CD_OK && rc != CD_E_CONFLICT) {
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR,
           "action %s: its outcome is not on record: %s; trying again in %d ms", a->id, err.text,
           RETRY_RECORD_MS);
    (void)uv_timer_start(&s->timer, on_record_timer, RETRY_RECORD_MS, 0);
    return;
  }
  cd_log(CD_AREA_RECONCILE, a->status == AGENT_SUCCEEDED ? CD_LOG_INFO : CD_LOG_WARN,
         "%s action=%s: %s (%s)%s%s", agent_kind_name(a->kind), a->id,
         agent_action_status_name(a->status), cd_code_name(a->outcome),
         a->sentence != NULL ? ": " : "", a->sentence != NULL ? a->sentence : "");
  if (!cd_code_ok(s->run.failure.code) && a->kind != AGENT_KIND_PREFLIGHT)
    s->look_due = true;
  s->failures = 0;
  s->events->on_action(s->owner, a);
  over(s);
}

static void on_record_timer(uv_timer_t *timer)
{
  end_action(timer->data);
}

static void end_look(agent_state *s)
{
  const cd_err *failure = &s->run.failure;
  if (cd_code_ok(failure->code)) {
    s->failures = 0;
    /* What was told during this look is for the next. */
    if (!s->look_due)
      s->changed_by[0] = '\0';
  } else {
    s->failures++;
    cd_log(CD_AREA_RECONCILE, CD_LOG_ERROR, "%s: %s; looking again later",
           agent_capability_name(s->cap), failure->text);
  }
  over(s);
}

void state_conclude(agent_state *s)
{
  if (s->run.action == NULL) {
    end_look(s);
    return;
  }
  fill_outcome(s, s->run.action);
  end_action(s);
}
