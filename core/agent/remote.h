/* The agent's side of the console: keeps the channel running, introduces the device, judges what
 * comes, reports what is. Nothing here stands in the way of a local order, and nothing of it being
 * away, hanging or lying disturbs an isolation. */
#ifndef AGENT_REMOTE_H
#define AGENT_REMOTE_H

#include "action.h"
#include "base/json.h"
#include "base/status.h"
#include "control_read.h"
#include "enrolment.h"

typedef struct agent agent;
typedef struct agent_remote agent_remote;

/* Reads the enrolment; nothing runs yet. An enrolment that cannot be read leaves the device without
 * a console, and says so. */
CD_MUST_USE cd_code agent_remote_new(agent *a, agent_remote **ret_remote, cd_err *err);
void agent_remote_start(agent_remote *r);
/* The loop has nothing of it once its process has ended. */
void agent_remote_stop(agent_remote *r);
void agent_remote_free(agent_remote *r); /* NULL is fine; after the loop is empty */

/* Something has happened here. */
void agent_remote_action(agent_remote *r, const agent_action *action);
void agent_remote_step(agent_remote *r, const char *action_id, const char *step, uint64_t done,
                       uint64_t total, cd_str what);
void agent_remote_values(agent_remote *r);
void agent_remote_facts(agent_remote *r);

/* The configuration names other consoles: those that are left are remembered, the others
 * forgotten. */
void agent_remote_consoles(agent_remote *r);
/* Connects again, with what the configuration says now. */
void agent_remote_again(agent_remote *r, const char *why);
/* How the device stands with policy has changed. */
void agent_remote_policy(agent_remote *r);
/* NULL: the device is not enrolled. */
const agent_enrolment *agent_remote_enrolment(const agent_remote *r);

bool agent_remote_is_enrolled(const agent_remote *r);
/* What kept a console away may be gone: looks for one again at once, unless there is one that
 * answers. `stuck`: the one that there seems to be does not. */
void agent_remote_redial(agent_remote *r, bool stuck);
/* A console's name, where no console is known by its address; else NULL. */
const char *agent_remote_named(const agent_remote *r);
/* The device's id; NULL: it is not enrolled. */
const char *agent_remote_device(const agent_remote *r);

/* Member "console" of `status`. */
void agent_remote_write(const agent_remote *r, cd_jw *w);

/* Enrols with the contents of a token file (enrol.c). The end comes to agent_control_enrolled(). */
CD_MUST_USE cd_code agent_remote_enrol(agent_remote *r, control_enrolment *wish, cd_err *err);

#endif
