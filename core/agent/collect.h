/* Investigation packages: one at a time, in the order of the orders, beside whatever the states of
 * the device do. An order is on record before it begins. One that was cut short is Failed, "outcome
 * unknown", and never made again; a package is whole and hashed, or it is not there. */
#ifndef AGENT_COLLECT_H
#define AGENT_COLLECT_H

#include "action.h"
#include "journal.h"
#include "platform/peer.h"
#include "state.h"
#include "supervisor.h"

typedef struct agent_collect agent_collect;

#define AGENT_COLLECTS_WAITING_MAX 8

/* What is asked for; `budget_s` and `max_bytes` 0: as the configuration says. */
typedef struct agent_collect_request {
  const char *profile; /* "standard", "extended" or "custom" */
  cd_str list;         /* of the profile custom: a collection list that was checked */
  uint64_t budget_s;
  uint64_t max_bytes;
  cd_str comment;
  const pf_identity *who;
} agent_collect_request;

/* Everything given must outlive it. Of the events on_action and on_step are used. `device`: the
 * device's id now, or NULL. */
CD_MUST_USE cd_code agent_collect_new(agent_supervisor *sup, agent_journal *journal,
                                      const agent_config *config, const char *state_dir,
                                      const agent_state_events *events, void *owner,
                                      agent_collect **ret_collect, cd_err *err);
void agent_collect_device(agent_collect *c, const char *(*device)(void *owner));
/* Ends what an agent before this one has left open. */
void agent_collect_start(agent_collect *c);
/* Records the order; the caller then kicks (so that it can listen first). */
CD_MUST_USE cd_code agent_collect_order(agent_collect *c, const agent_collect_request *request,
                                        char ret_id[CD_ID_SIZE], cd_err *err);
void agent_collect_kick(agent_collect *c);
/* CD_E_CONFLICT: it has ended; CD_E_UNSUPPORTED: it is no package. Its end comes as on_action. */
CD_MUST_USE cd_code agent_collect_cancel(agent_collect *c, const char *id, cd_err *err);
/* A piece of a package that is kept, and its whole size. */
CD_MUST_USE cd_code agent_collect_read(agent_collect *c, const char *id, uint64_t offset,
                                       size_t max, cd_buf *out, uint64_t *ret_size, cd_err *err);
/* It was fetched: the package is removed. */
void agent_collect_forget(agent_collect *c, const char *id);
/* The next package behind `after` (empty: the first) that a console has asked for; false: there is
 * none. */
bool agent_collect_next_home(agent_collect *c, const char *after, char ret_id[CD_ID_SIZE]);
/* Whether what is collected now was asked for by the console. */
bool agent_collect_for_console(const agent_collect *c);
/* What runs ends with the supervisor. */
void agent_collect_stop(agent_collect *c);
void agent_collect_free(agent_collect *c); /* NULL is fine; after the loop is empty */

#endif
