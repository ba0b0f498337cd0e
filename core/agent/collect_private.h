/* What collect.c (the queue) and collect_run.c (the one that runs) share; nobody else includes it.
 */
#ifndef AGENT_COLLECT_PRIVATE_H
#define AGENT_COLLECT_PRIVATE_H

#include "collect.h"
#include "host_read.h"
#include "protocol/digest.h"
#include "spool.h"

#define COLLECT_REASONS_MAX 4096u
#define COLLECT_GRACE_S 20u /* beyond the budget that the plugin knows, to finish its manifest */

/* The one that runs. */
typedef struct collect_run {
  agent_action *action; /* NULL: none */
  agent_op *op;
  agent_plugin *asked;
  unsigned provider; /* to ask next */
  uint64_t budget_s;
  uv_file file; /* of the package; -1: none */
  bool packed;  /* the host has said that it is finished */
  host_package package;
  cd_buf reasons; /* why providers were passed over */
  cd_buf result;  /* the plugin's */
  cd_code code;   /* the outcome so far */
  cd_err why;
  bool by_request; /* it was cancelled here */
  /* in the pool */
  uv_work_t hashing;
  cd_digest digest;
  uint64_t size;
  cd_code hashed;
  cd_err hash_err;
  bool kept;
} collect_run;

struct agent_collect {
  agent_supervisor *sup;
  agent_journal *journal;
  const agent_config *config;
  agent_spool spool;
  const agent_state_events *events;
  void *owner;
  const char *(*device)(void *owner);
  collect_run run;
  uv_timer_t retry; /* an outcome that could not be recorded */
  bool stopping;
};

/* collect_run.c: takes over the action; ends in collect_over(). */
void collect_begin(agent_collect *c, agent_action *a);
/* collect.c: the outcome is in run.code and run.why. */
void collect_over(agent_collect *c);

#endif
