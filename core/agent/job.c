#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "job_private.h"

#include "base/banned.h"

cd_code agent_jobs_new(agent_supervisor *sup, agent_journal *journal,
                       const agent_jobs_events *events, void *owner, agent_jobs **ret_jobs,
                       cd_err *err)
{
  agent_jobs *jobs = calloc(1, sizeof(*jobs));
  if (jobs == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the queues of jobs");
  jobs->sup = sup;
  jobs->journal = journal;
  jobs->events = events;
  jobs->owner = owner;
  *ret_jobs = jobs;
  return CD_OK;
}

void agent_jobs_add(agent_jobs *jobs, const agent_job_kind *kind, void *self)
{
  agent_job *job = &jobs->job[kind->capability];
  job->jobs = jobs;
  job->kind = kind;
  job->self = self;
  (void)uv_timer_init(jobs->sup->loop, &job->retry);
  job->retry.data = job;
}

void agent_jobs_stop(agent_jobs *jobs)
{
  if (jobs == NULL || jobs->stopping)
    return;
  jobs->stopping = true;
  for (int i = 0; i < AGENT_CAP_COUNT; i++) {
    if (jobs->job[i].kind != NULL)
      uv_close((uv_handle_t *)&jobs->job[i].retry, NULL);
  }
}

void agent_jobs_free(agent_jobs *jobs)
{
  if (jobs == NULL)
    return;
  for (int i = 0; i < AGENT_CAP_COUNT; i++)
    job_release(&jobs->job[i]);
  free(jobs);
}

/* ---- the queue ---- */

static void kick(agent_job *job)
{
  cd_err err = {0};
  agent_action *a = NULL;
  agent_jobs *jobs = job->jobs;
  if (job->kind == NULL || job->action != NULL || jobs->stopping || jobs->sup->stopping)
    return;
  cd_code rc = agent_journal_next(jobs->journal, job->kind->capability, &a, &err);
  if (rc == CD_OK)
    job_begin(job, a);
  else if (rc != CD_E_NOTFOUND)
    cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "%s", err.text);
}

void agent_jobs_kick(agent_jobs *jobs, agent_capability cap)
{
  kick(&jobs->job[cap]);
}

const agent_action *agent_jobs_running(const agent_jobs *jobs, agent_capability cap)
{
  return jobs->job[cap].action;
}

/* One that had begun may have done anything; one of this device's had somebody who waited for it,
 * and who is gone, wherever it stands in the queue. */
static bool close_left_open(agent_job *job, agent_action *a, cd_err *err)
{
  char sentence[CD_ERR_TEXT_MAX];
  if (a->status == AGENT_IN_PROGRESS) {
    (void)snprintf(sentence, sizeof(sentence), "outcome unknown: %s", job->kind->unknown);
    job_end_as(a, CD_E_INTERNAL, sentence);
    if (job->kind->left_open != NULL)
      job->kind->left_open(job->self, a->id);
  } else {
    (void)snprintf(sentence, sizeof(sentence), "the agent ended before it had begun; %s",
                   job->kind->not_begun);
    job_end_as(a, CD_E_CANCELLED, sentence);
  }
  return agent_journal_ended(job->jobs->journal, a, NULL, NULL, err) == CD_OK;
}

static void start(agent_job *job)
{
  for (unsigned i = 0; i < AGENT_JOBS_WAITING_MAX + 1; i++) {
    cd_err err = {0};
    agent_action *a = NULL;
    cd_code rc = agent_journal_left_open(job->jobs->journal, job->kind->capability, &a, &err);
    bool closed = rc == CD_OK && close_left_open(job, a, &err);
    if (closed)
      cd_log(CD_AREA_AGENT, CD_LOG_WARN, "%s action=%s: %s", agent_kind_name(a->kind), a->id,
             a->sentence);
    else if (err.text[0] != '\0' && rc != CD_E_NOTFOUND)
      cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "%s", err.text);
    agent_action_free(a);
    if (!closed)
      break;
  }
  kick(job);
}

void agent_jobs_start(agent_jobs *jobs)
{
  for (int i = 0; i < AGENT_CAP_COUNT; i++) {
    if (jobs->job[i].kind != NULL)
      start(&jobs->job[i]);
  }
}

/* ---- orders ---- */

static cd_code check_waiting(const agent_job *job, cd_err *err)
{
  unsigned waiting = 0;
  cd_code rc =
      agent_journal_unfinished_count(job->jobs->journal, job->kind->capability, &waiting, err);
  if (rc == CD_OK && waiting >= AGENT_JOBS_WAITING_MAX)
    rc = cd_fail(err, CD_E_LIMIT, "%u %s are waiting already, the limit is %d: let them end first",
                 waiting, job->kind->plural, AGENT_JOBS_WAITING_MAX);
  return rc;
}

static cd_code fill(const agent_job *job, agent_action *a, const agent_job_request *r, cd_err *err)
{
  a->kind = job->kind->kind;
  a->state = job->kind->capability;
  a->status = AGENT_PENDING;
  a->created_ms = cd_wall_ms();
  a->user_id = r->who->user_id;
  a->process_id = r->who->process_id;
  (void)cd_str_copy(a->user, sizeof(a->user), cd_str_from(r->who->user));
  if (!agent_text_set(&a->params, r->params) ||
      (r->comment.len > 0 && !agent_text_set(&a->comment, r->comment)))
    return cd_fail(err, CD_E_INTERNAL, "no memory for the order");
  return cd_id_make(a->id, err);
}

cd_code agent_jobs_order(agent_jobs *jobs, const agent_job_request *request,
                         char ret_id[CD_ID_SIZE], cd_err *err)
{
  const agent_job *job = &jobs->job[request->capability];
  agent_action *a = calloc(1, sizeof(*a));
  if (a == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the order");
  cd_code rc = check_waiting(job, err);
  if (rc == CD_OK)
    rc = fill(job, a, request, err);
  if (rc == CD_OK)
    rc = agent_journal_order(jobs->journal, a, NULL, err);
  CD_FAULT_POINT("job.order_synced");
  if (rc == CD_OK)
    (void)cd_str_copy(ret_id, CD_ID_SIZE, cd_str_from(a->id));
  agent_action_free(a);
  return rc;
}

static cd_code cancel_waiting(agent_job *job, agent_action *a, cd_err *err)
{
  char sentence[CD_ERR_TEXT_MAX];
  (void)snprintf(sentence, sizeof(sentence), "it was cancelled before it had begun; %s",
                 job->kind->not_begun);
  job_end_as(a, CD_E_CANCELLED, sentence);
  cd_code rc = agent_journal_ended(job->jobs->journal, a, NULL, NULL, err);
  if (rc == CD_OK)
    job->jobs->events->on_action(job->jobs->owner, a);
  return rc;
}

static cd_code cancel(agent_job *job, agent_action *a, cd_err *err)
{
  bool runs = job->action != NULL && strcmp(job->action->id, a->id) == 0;
  if (agent_action_ended(a))
    return cd_fail(err, CD_E_CONFLICT, "action %s has ended already: %s", a->id,
                   agent_action_status_name(a->status));
  if (a->status == AGENT_PENDING)
    return cancel_waiting(job, a, err);
  if (runs && agent_action_ended(job->action))
    return cd_fail(err, CD_E_CONFLICT, "action %s has ended already: its outcome is being recorded",
                   a->id);
  if (runs && job->op != NULL)
    agent_op_cancel(job->op);
  if (runs)
    job->by_request = true;
  return CD_OK;
}

cd_code agent_jobs_cancel(agent_jobs *jobs, const char *id, cd_err *err)
{
  agent_action *a = NULL;
  cd_code rc = agent_journal_action(jobs->journal, id, &a, err);
  if (rc == CD_E_NOTFOUND)
    rc = cd_fail(err, rc, "there is no action '%s'", id);
  if (rc != CD_OK)
    return rc;
  if (!agent_kind_is_job(a->kind) || jobs->job[a->state].kind == NULL)
    rc = cd_fail(err, CD_E_UNSUPPORTED, "action %s is no job (%s), and cannot be cancelled here",
                 id, agent_kind_name(a->kind));
  else
    rc = cancel(&jobs->job[a->state], a, err);
  agent_action_free(a);
  return rc;
}
