/* A session with the console: who we are, the token, and calls of its API. The token lives in this
 * process's memory only. */
#ifndef CTL_FLEET_SESSION_H
#define CTL_FLEET_SESSION_H

#include "command.h"

#include "base/json.h"

#define FLEET_PATH_MAX 2000u /* what follows the console's address */
#define FLEET_TIMEOUT_S 30u  /* for a command that asks and ends */
#define FLEET_WAIT_S 120u    /* with --wait, if nothing else is said */
#define FLEET_REQUEST_S 30u  /* for one request at most */

typedef struct fleet_session fleet_session;

/* Reads the configuration and the options --config and --timeout; asks nothing yet. */
CD_MUST_USE ctl_exit fleet_open(const ctl_context *ctx, const ctl_args *args,
                                fleet_session **ret_session, cd_err *err);
void fleet_close(fleet_session *s); /* NULL is fine */

typedef struct fleet_call {
  const char *method;
  const char *path; /* "/api/machines" */
  cd_str body;      /* a JSON object; empty: none */
  bool changes;     /* when the answer stays away, what was asked for may go on: CTL_EXIT_WAITING */
} fleet_call;

/* Asks, with a token, once more with a new one after a 401, and again after a 429 when the console
 * said how long to wait and the deadline leaves the time. CTL_EXIT_DONE: *ret_doc is the answer of
 * a 2xx, NULL for one without a body; cd_json_free() it. Else the exit code and its sentence. */
CD_MUST_USE ctl_exit fleet_ask(fleet_session *s, const fleet_call *call, cd_json_doc **ret_doc,
                               cd_err *err);

/* The root that the configuration names; empty: none. */
const char *fleet_root(const fleet_session *s);
/* So many bytes, from `offset` on, of what a link of the console's leads to; no token goes with it.
 * CTL_EXIT_DONE with any status of HTTP; the caller releases ret_answer->body. */
struct fleet_answer;
CD_MUST_USE ctl_exit fleet_part(fleet_session *s, const char *path, uint64_t offset, uint64_t len,
                                struct fleet_answer *ret_answer, cd_err *err);

/* Until the deadline; 0: it has passed. */
uint64_t fleet_left_ms(const fleet_session *s);
/* Waits so long, or to the deadline; false: interrupted. */
bool fleet_wait_ms(fleet_session *s, uint64_t ms);
/* Whether one came. */
bool fleet_interrupted(fleet_session *s);
/* From here on an interrupt is told, not obeyed. */
void fleet_watch_interrupts(fleet_session *s);

#endif
