/* Jobs: what runs once and holds no state (a package, a scan, a remediation). Each kind has a queue
 * of its own: one at a time, in the order of the orders; the kinds wait neither for each other nor
 * for the states of the device. An order is on record before it begins. One that was cut short is
 * Failed, "outcome unknown", and never run again. What differs between the kinds are the hooks. */
#ifndef AGENT_JOB_H
#define AGENT_JOB_H

#include <uv.h>

#include "action.h"
#include "base/buf.h"
#include "journal.h"
#include "platform/peer.h"
#include "protocol/limits.h"
#include "supervisor.h"

typedef struct agent_jobs agent_jobs;
typedef struct agent_job agent_job;
struct host_package;

#define AGENT_JOBS_WAITING_MAX 8 /* of one kind, given on this device */
/* The order, and what is said beside it. */
#define AGENT_JOB_PARAMS_MAX (CD_PARAMETERS_MAX + 32u * 1024u)

typedef struct agent_jobs_events {
  /* The action has begun or ended. */
  void (*on_action)(void *owner, const agent_action *a);
  /* `step` of docs/ipc.md; total 0: unknown; `what` may be empty. */
  void (*on_step)(void *owner, const agent_action *a, const char *step, uint64_t done,
                  uint64_t total, cd_str what);
} agent_jobs_events;

/* One kind of job. `self` is what was given with it. Only `prepare` and `write` must be there. */
typedef struct agent_job_kind {
  agent_kind kind;
  agent_capability capability;
  const char *step;      /* what its progress is called: "collect" */
  const char *plural;    /* "packages" */
  const char *not_begun; /* of one that never began: "nothing was collected" */
  const char *cut_short; /* of one that was ended in the middle: "nothing of it is kept" */
  const char *unknown;   /* of one that the end of the agent has cut short */
  /* It is on record as begun, and nobody was asked yet. */
  cd_code (*ready)(void *self, agent_job *job, cd_err *err);
  /* What to ask this provider: fills in all but events and owner of `order` (function is run unless
   * changed). `params` is an empty buffer to write into; `order` may point to what lives until the
   * hook `discard` or `over`. A failure passes the provider over. */
  cd_code (*prepare)(void *self, agent_job *job, const agent_plugin *p, agent_op_order *order,
                     cd_buf *params, cd_err *err);
  void (*package)(void *self, agent_job *job, const struct host_package *package);
  void (*record)(void *self, agent_job *job, cd_str json);
  /* The undo record must be on disk when it returns; NULL: it goes to the journal under the
   * capability and the plugin. */
  cd_code (*undo)(void *self, agent_job *job, cd_str record, cd_err *err);
  /* Nothing of this attempt is kept. */
  void (*discard)(void *self, agent_job *job);
  /* The operation has ended, neither passed over nor stopped with the agent: sets the outcome with
   * agent_job_fail() or agent_job_say(). NULL: as the provider says. */
  void (*judge)(void *self, agent_job *job, const agent_op_end *end);
  /* True: there is more to do, and agent_job_over() comes later. */
  bool (*finish)(void *self, agent_job *job);
  /* Members of the action's result. */
  void (*write)(void *self, const agent_job *job, cd_jw *w);
  /* The outcome is on record: what was kept for the run is let go. */
  void (*over)(void *self, agent_job *job);
  /* One of an agent before this one was left open. */
  void (*left_open)(void *self, const char *action_id);
} agent_job_kind;

/* A kind's queue, and the one that runs. For the hooks; nobody else reads it. */
struct agent_job {
  agent_jobs *jobs;
  const agent_job_kind *kind; /* NULL: no such jobs here */
  void *self;
  uv_timer_t retry;     /* an outcome that could not be recorded */
  agent_action *action; /* NULL: none runs */
  agent_op *op;
  agent_plugin *asked;
  unsigned provider; /* to ask next */
  cd_buf reasons;    /* why providers were passed over */
  cd_buf result;     /* the plugin's */
  cd_code code;      /* the outcome so far */
  cd_err why;
  bool by_request; /* it was cancelled here */
  bool changes;    /* who is asked has noted an undo record: nobody else is asked any more */
};

/* Everything given must outlive it. */
CD_MUST_USE cd_code agent_jobs_new(agent_supervisor *sup, agent_journal *journal,
                                   const agent_jobs_events *events, void *owner,
                                   agent_jobs **ret_jobs, cd_err *err);
/* Before the start; `kind` and `self` must outlive the jobs. */
void agent_jobs_add(agent_jobs *jobs, const agent_job_kind *kind, void *self);
/* Ends what an agent before this one has left open. */
void agent_jobs_start(agent_jobs *jobs);

/* What somebody on this device asks for; `params` is a JSON object. */
typedef struct agent_job_request {
  agent_capability capability;
  cd_str params;
  cd_str comment;
  const pf_identity *who;
} agent_job_request;

/* Records the order; the caller then kicks (so that it can listen first). */
CD_MUST_USE cd_code agent_jobs_order(agent_jobs *jobs, const agent_job_request *request,
                                     char ret_id[CD_ID_SIZE], cd_err *err);
void agent_jobs_kick(agent_jobs *jobs, agent_capability cap);
/* CD_E_CONFLICT: it has ended; CD_E_UNSUPPORTED: it is no job. Its end comes as on_action. */
CD_MUST_USE cd_code agent_jobs_cancel(agent_jobs *jobs, const char *id, cd_err *err);
/* The action that runs now; NULL: none. */
const agent_action *agent_jobs_running(const agent_jobs *jobs, agent_capability cap);
/* What runs ends with the supervisor. */
void agent_jobs_stop(agent_jobs *jobs); /* NULL is fine */
void agent_jobs_free(agent_jobs *jobs); /* NULL is fine; after the loop is empty */

/* ---- for the hooks ---- */

void agent_job_fail(agent_job *job, cd_code code, const char *sentence);
void agent_job_cancelled(agent_job *job); /* fails it as cancelled, in the kind's words */
/* The outcome is what the provider said. */
void agent_job_say(agent_job *job, const agent_op_end *end);
void agent_job_step(agent_job *job, const char *step, uint64_t done, uint64_t total, cd_str what);
/* The outcome is set: records it, and lets the next one begin. */
void agent_job_over(agent_job *job);

#endif
