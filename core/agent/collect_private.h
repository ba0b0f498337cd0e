/* What collect.c (orders, what is kept) and collect_run.c (the one that runs) share; nobody else
 * includes it. */
#ifndef AGENT_COLLECT_PRIVATE_H
#define AGENT_COLLECT_PRIVATE_H

#include "collect.h"
#include "host_read.h"
#include "protocol/digest.h"
#include "spool.h"

#define COLLECT_GRACE_S 20u /* beyond the budget that the plugin knows, to finish its manifest */

/* The one that runs. */
typedef struct collect_run {
  agent_job *job;
  uint64_t budget_s;
  uv_file file; /* of the package; -1: none */
  bool packed;  /* the host has said that it is finished */
  agent_op_package place;
  host_package package;
  /* in the pool */
  uv_work_t hashing;
  cd_digest digest;
  uint64_t size;
  cd_code hashed;
  cd_err hash_err;
  bool kept;
} collect_run;

struct agent_collect {
  agent_jobs *jobs;
  agent_supervisor *sup;
  agent_journal *journal;
  const agent_config *config;
  agent_spool spool;
  const char *(*device)(void *owner);
  void *owner;
  collect_run run;
};

/* collect_run.c */
extern const agent_job_kind collect_kind;
void collect_run_release(collect_run *r);

#endif
