/* The reconciler of one state of the device (isolated): it carries out orders, and keeps the device
 * as the last one wants it.
 *
 * Three values: wanted (the journal), enforced (what the provider's query measured), proven (what
 * its verify showed). Orders run in the order they were recorded, one at a time. Between orders it
 * looks again: at start, on a timer while the state is in force, and when the provider's watch
 * reports a change; what differs is drift: counted, repaired, proven again. While nothing is wanted
 * in force nothing runs. */
#ifndef AGENT_STATE_H
#define AGENT_STATE_H

#include <uv.h>

#include "action.h"
#include "base/json.h"
#include "journal.h"
#include "preflight.h"
#include "protocol/values.h"
#include "restored.h"
#include "supervisor.h"

typedef struct agent_state agent_state;

typedef struct agent_state_events {
  /* The action has begun or ended. */
  void (*on_action)(void *owner, const agent_action *a);
  /* `step` of docs/ipc.md; total 0: unknown; `what` may be empty. */
  void (*on_step)(void *owner, const char *action_id, const char *step, uint64_t done,
                  uint64_t total, cd_str what);
  /* An order or a look has ended: the three values may be others. */
  void (*on_values)(void *owner);
  /* The provider has said what the isolation would meet: adds what it cannot know, and judges. May
   * be NULL. */
  void (*on_preflight)(void *owner, const agent_action *a, agent_preflight *preflight);
} agent_state_events;

/* Reads the journal; nothing runs yet. */
CD_MUST_USE cd_code agent_state_new(agent_supervisor *sup, agent_journal *journal,
                                    agent_capability cap, uint32_t interval_s,
                                    const agent_state_events *events, void *owner,
                                    agent_state **ret_state, cd_err *err);
/* What the boot did, before the start: it is nobody's tampering. */
void agent_state_restored(agent_state *s, const agent_restored *r);
/* Takes up what was left open, or looks what the device holds. */
void agent_state_start(agent_state *s);
/* A new order is in the journal. */
void agent_state_kick(agent_state *s);
/* A plugin was let out of quarantine: what waits for it is tried now. */
void agent_state_unblocked(agent_state *s);
/* Stops looking; what runs ends with the supervisor. Nothing is released. After this and the
 * supervisor's stop the loop has nothing of it. */
void agent_state_stop(agent_state *s);
void agent_state_free(
    agent_state *s); /* NULL is fine; after the loop has run the close callbacks */
/* Whether it is wanted in force. */
bool agent_state_in_force(const agent_state *s);
/* What is wanted was carried out and measured in force, and nothing runs. */
bool agent_state_is_settled(const agent_state *s);
/* An order or a look is under way. */
bool agent_state_is_busy(const agent_state *s);
/* How many packets for a console the rules dropped, by the provider's last word; -1: it does not
 * count them, or was not asked since they were put in force. */
int64_t agent_state_console_dropped(const agent_state *s);
/* The state as docs/ipc.md gives it. */
void agent_state_write(agent_state *s, cd_jw *w);
/* The three values for the console. */
void agent_state_values(agent_state *s, cd_values *ret_values);
/* Where the console is, or another part of the parameters that is the agent's own, has changed:
 * what is in force is replaced by the same isolation with what is known now, in one step. */
void agent_state_refresh(agent_state *s);
/* What is wanted was changed in the journal without an order of its own (one was cancelled): takes
 * it up. */
void agent_state_reread(agent_state *s);

#endif
