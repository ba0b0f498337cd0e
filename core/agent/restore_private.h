/* What restore.c (the step) and restore_try.c (one attempt after the other) share; nobody else
 * includes it. */
#ifndef AGENT_RESTORE_PRIVATE_H
#define AGENT_RESTORE_PRIVATE_H

#include "restore.h"

#define RESTORE_REASONS_MAX (2u * 1024u)

typedef struct restore {
  const agent_options *options;
  uv_loop_t loop;
  agent_config config;
  bool configured; /* the configuration could be read */
  agent_supervisor sup;
  restore_read read;
  restore_plan plan;
  cd_buf builtin;    /* parameters */
  unsigned source;   /* of the plan: the one that is being tried */
  unsigned provider; /* the next one to try for it */
  const char *params;
  agent_plugin *plugin;
  bool querying;
  char digest[160]; /* what apply says is in force */
  agent_op *op;
  bool late; /* the operation was cancelled because it took too long */
  uv_timer_t attempt;
  uv_timer_t deadline;
  bool over;
  cd_buf reasons; /* why attempts came to nothing */
  uint64_t began_ms;
  agent_restored done;
} restore;

/* restore_try.c: begins; restore_over() is called once. */
void restore_try(restore *r);
/* restore.c */
void restore_over(restore *r, bool in_force);

#endif
