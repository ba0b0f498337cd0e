/* One job: which provider does it, what came of it, and that it is on record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "job_private.h"

#include "base/banned.h"

#define RETRY_MS 1000

static void ask_next(agent_job *job);

void agent_job_fail(agent_job *job, cd_code code, const char *sentence)
{
  job->code = code;
  (void)cd_fail(&job->why, code, "%s", sentence);
}

void agent_job_cancelled(agent_job *job)
{
  job->code = CD_E_CANCELLED;
  (void)cd_fail(&job->why, CD_E_CANCELLED, "it was cancelled; %s", job->kind->cut_short);
}

void agent_job_say(agent_job *job, const agent_op_end *end)
{
  agent_job_fail(job, end->status, end->sentence);
}

void agent_job_step(agent_job *job, const char *step, uint64_t done, uint64_t total, cd_str what)
{
  job->jobs->events->on_step(job->jobs->owner, job->action, step, done, total, what);
}

void job_release(agent_job *job)
{
  agent_action_free(job->action);
  job->action = NULL;
  job->op = NULL;
  job->asked = NULL;
  job->provider = 0;
  cd_buf_release(&job->reasons);
  cd_buf_release(&job->result);
  job->code = CD_OK;
  job->why = (cd_err){0};
  job->by_request = false;
  job->changes = false;
}

static void discard(agent_job *job)
{
  if (job->kind->discard != NULL)
    job->kind->discard(job->self, job);
}

/* ---- the outcome ---- */

static agent_action_status status_of(cd_code code)
{
  if (cd_code_ok(code))
    return AGENT_SUCCEEDED;
  if (code == CD_E_DEADLINE)
    return AGENT_TIMED_OUT;
  return code == CD_E_CANCELLED ? AGENT_CANCELLED : AGENT_FAILED;
}

void job_end_as(agent_action *a, cd_code code, const char *sentence)
{
  a->outcome = code;
  a->status = status_of(code);
  a->ended_ms = cd_wall_ms();
  if (sentence[0] != '\0')
    (void)agent_text_set(&a->sentence, cd_str_from(sentence));
}

static cd_code make_result(agent_job *job, cd_err *err)
{
  cd_jw w;
  cd_buf text = CD_BUF_INIT(CD_RESULT_MAX);
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  job->kind->write(job->self, job, &w);
  if (job->reasons.len > 0)
    cd_jw_str(&w, "passed_over", cd_buf_view(&job->reasons));
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the action's result", err);
  if (rc == CD_OK && !agent_text_set(&job->action->result, cd_buf_view(&text)))
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for the action's result");
  cd_buf_release(&text);
  return rc;
}

static void on_retry(uv_timer_t *timer);

static void record(agent_job *job)
{
  cd_err err = {0};
  agent_action *a = job->action;
  agent_jobs *jobs = job->jobs;
  CD_FAULT_POINT("job.before_outcome");
  cd_code rc = agent_journal_ended(jobs->journal, a, NULL, NULL, &err);
  CD_FAULT_POINT("job.outcome_synced");
  if (rc != CD_OK && rc != CD_E_CONFLICT && !jobs->stopping) {
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR,
           "action %s: its outcome is not on record: %s; trying again in %d ms", a->id, err.text,
           RETRY_MS);
    (void)uv_timer_start(&job->retry, on_retry, RETRY_MS, 0);
    return;
  }
  cd_log(CD_AREA_AGENT, cd_code_ok(a->outcome) ? CD_LOG_INFO : CD_LOG_WARN,
         "%s action=%s: %s (%s)%s%s", agent_kind_name(a->kind), a->id,
         agent_action_status_name(a->status), cd_code_name(a->outcome),
         a->sentence != NULL ? ": " : "", a->sentence != NULL ? a->sentence : "");
  if (!jobs->stopping)
    jobs->events->on_action(jobs->owner, a);
  if (job->kind->over != NULL)
    job->kind->over(job->self, job);
  job_release(job);
  agent_jobs_kick(jobs, job->kind->capability);
}

static void on_retry(uv_timer_t *timer)
{
  record(timer->data);
}

void agent_job_over(agent_job *job)
{
  cd_err err = {0};
  agent_action *a = job->action;
  job_end_as(a, job->code, job->code != CD_OK ? job->why.text : "");
  if (job->asked != NULL)
    (void)agent_text_set(&a->provider, cd_str_from(job->asked->manifest.id));
  if (make_result(job, &err) != CD_OK) {
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "action %s: %s", a->id, err.text);
    (void)agent_text_set(&a->result, CD_STR("{}"));
  }
  record(job);
}

/* ---- the operation ---- */

static void on_progress(void *owner, uint64_t done, uint64_t total, cd_str what)
{
  agent_job *job = owner;
  agent_job_step(job, job->kind->step, done, total, what);
}

static void on_record(void *owner, cd_str json)
{
  agent_job *job = owner;
  if (job->kind->record != NULL)
    job->kind->record(job->self, job, json);
}

static void on_package(void *owner, const struct host_package *package)
{
  agent_job *job = owner;
  if (job->kind->package != NULL)
    job->kind->package(job->self, job, package);
}

static cd_code on_undo(void *owner, cd_str record, cd_err *err)
{
  agent_job *job = owner;
  job->changes = true;
  if (job->kind->undo != NULL)
    return job->kind->undo(job->self, job, record, err);
  return agent_supervisor_undo(job->jobs->sup, job->asked, job->kind->capability, record, err);
}

/* The next provider may be able to, if this one has left everything as it was. */
static bool is_passed_over(const agent_job *job, const agent_op_end *end)
{
  return !end->misbehaved && !job->changes &&
         (end->status == CD_E_UNAVAILABLE || end->status == CD_E_UNSUPPORTED);
}

static void judge(agent_job *job, const agent_op_end *end)
{
  if (job->jobs->sup->stopping) {
    char sentence[CD_ERR_TEXT_MAX];
    (void)snprintf(sentence, sizeof(sentence), "the agent was stopped meanwhile; %s",
                   job->kind->cut_short);
    agent_job_fail(job, CD_E_CANCELLED, sentence);
    discard(job);
  } else if (job->kind->judge != NULL) {
    job->kind->judge(job->self, job, end);
  } else if (job->by_request && !cd_code_ok(end->status)) {
    agent_job_cancelled(job);
  } else {
    agent_job_say(job, end);
  }
}

static void on_end(void *owner, const agent_op_end *end)
{
  agent_job *job = owner;
  job->op = NULL;
  CD_FAULT_POINT("job.ended");
  if (is_passed_over(job, end) && !job->by_request && !job->jobs->sup->stopping) {
    agent_reason_add(&job->reasons, job->asked->manifest.id, end->sentence);
    discard(job);
    ask_next(job);
    return;
  }
  cd_buf_add_str(&job->result, end->result);
  judge(job, end);
  if (job->kind->finish == NULL || !job->kind->finish(job->self, job))
    agent_job_over(job);
}

static const agent_op_events events = {.on_progress = on_progress,
                                       .on_record = on_record,
                                       .on_package = on_package,
                                       .on_undo = on_undo,
                                       .on_end = on_end};

/* ---- the start ---- */

static cd_code ask(agent_job *job, agent_plugin *p, cd_err *err)
{
  cd_buf params = CD_BUF_INIT(AGENT_JOB_PARAMS_MAX);
  agent_op_order order = {.function = AGENT_FN_RUN};
  cd_code rc = job->kind->prepare(job->self, job, p, &order, &params, err);
  if (rc == CD_OK) {
    order.params = cd_buf_view(&params);
    order.events = &events;
    order.owner = job;
    job->asked = p;
    rc = agent_supervisor_run(job->jobs->sup, p, job->kind->capability, &order, &job->op, err);
  }
  if (rc != CD_OK)
    discard(job);
  cd_buf_release(&params);
  return rc;
}

static void nobody_is_left(agent_job *job)
{
  char sentence[CD_ERR_TEXT_MAX];
  (void)snprintf(sentence, sizeof(sentence), "the configuration names no provider of %s",
                 agent_capability_name(job->kind->capability));
  agent_job_fail(job, CD_E_UNAVAILABLE,
                 job->reasons.len > 0 ? cd_buf_cstr(&job->reasons) : sentence);
  job->asked = NULL;
  agent_job_over(job);
}

static void ask_next(agent_job *job)
{
  for (;;) {
    const char *id = NULL;
    bool more = false;
    cd_err err = {0};
    agent_plugin *p = agent_supervisor_provider(job->jobs->sup, job->kind->capability,
                                                job->provider++, &id, &more);
    if (!more) {
      nobody_is_left(job);
      return;
    }
    agent_job_step(job, "provider", job->provider, 0, cd_str_from(id));
    if (p == NULL)
      agent_reason_add(&job->reasons, id, "it is not installed, or does not provide this");
    else if (ask(job, p, &err) == CD_OK)
      return;
    else
      agent_reason_add(&job->reasons, id, err.text);
  }
}

void job_begin(agent_job *job, agent_action *a)
{
  cd_err err = {0};
  job->action = a;
  cd_buf_init(&job->reasons, JOB_REASONS_MAX);
  cd_buf_init(&job->result, CD_RESULT_MAX);
  a->status = AGENT_IN_PROGRESS;
  a->started_ms = cd_wall_ms();
  /* Never begun without it: it is what tells the next agent that it must not be run again. */
  cd_code rc = agent_journal_started(job->jobs->journal, a, &err);
  CD_FAULT_POINT("job.started");
  if (rc == CD_OK) {
    cd_log(CD_AREA_AGENT, CD_LOG_INFO, "%s action=%s user=%s: begun", agent_kind_name(a->kind),
           a->id, a->user);
    job->jobs->events->on_action(job->jobs->owner, a);
    if (job->kind->ready != NULL)
      rc = job->kind->ready(job->self, job, &err);
  }
  if (rc == CD_OK) {
    ask_next(job);
    return;
  }
  agent_job_fail(job, rc, err.text);
  agent_job_over(job);
}
