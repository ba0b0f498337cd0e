/* Investigation packages: the jobs that make them (job.h), and what is kept of them. A package is
 * whole and hashed, or it is not there. */
#ifndef AGENT_COLLECT_H
#define AGENT_COLLECT_H

#include "job.h"

typedef struct agent_collect agent_collect;

/* What is asked for; `budget_s` and `max_bytes` 0: as the configuration says. */
typedef struct agent_collect_request {
  const char *profile; /* "standard", "extended" or "custom" */
  cd_str list;         /* of the profile custom: a collection list that was checked */
  uint64_t budget_s;
  uint64_t max_bytes;
  cd_str comment;
  const pf_identity *who;
} agent_collect_request;

/* Everything given must outlive it. `device`: the device's id now, or NULL. */
CD_MUST_USE cd_code agent_collect_new(agent_jobs *jobs, agent_supervisor *sup,
                                      agent_journal *journal, const agent_config *config,
                                      const char *state_dir, agent_collect **ret_collect,
                                      cd_err *err);
void agent_collect_device(agent_collect *c, const char *(*device)(void *owner), void *owner);
/* Records the order; the caller then kicks the jobs (so that it can listen first). */
CD_MUST_USE cd_code agent_collect_order(agent_collect *c, const agent_collect_request *request,
                                        char ret_id[CD_ID_SIZE], cd_err *err);
/* A piece of a package that is kept, and its whole size. */
CD_MUST_USE cd_code agent_collect_read(agent_collect *c, const char *id, uint64_t offset,
                                       size_t max, cd_buf *out, uint64_t *ret_size, cd_err *err);
/* Why a package that a console waits for was removed here. CD_E_NOTFOUND: it was not. */
CD_MUST_USE cd_code agent_collect_gone(agent_collect *c, const char *id, cd_buf *out, cd_err *err);
/* It was fetched: the package is removed, and the note of one that was removed before. */
void agent_collect_forget(agent_collect *c, const char *id);
/* The next package behind `after` (empty: the first) that a console has asked for, there or gone;
 * false: there is none. */
bool agent_collect_next_home(agent_collect *c, const char *after, char ret_id[CD_ID_SIZE]);
void agent_collect_free(agent_collect *c); /* NULL is fine; after the jobs */

#endif
