/* What job.c (the queues) and job_run.c (the one that runs) share; nobody else includes it. */
#ifndef AGENT_JOB_PRIVATE_H
#define AGENT_JOB_PRIVATE_H

#include "job.h"

#define JOB_REASONS_MAX 4096u

struct agent_jobs {
  agent_supervisor *sup;
  agent_journal *journal;
  const agent_jobs_events *events;
  void *owner;
  bool stopping;
  agent_job job[AGENT_CAP_COUNT];
};

/* job_run.c: takes over the action; ends in job_recorded(). */
void job_begin(agent_job *job, agent_action *a);
void job_release(agent_job *job);
void job_end_as(agent_action *a, cd_code code, const char *sentence);

#endif
