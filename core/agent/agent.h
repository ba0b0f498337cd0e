/* The agent: one object made in main (or in a test), holding everything else. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <uv.h>

#include "collect.h"
#include "config.h"
#include "journal.h"
#include "notice.h"
#include "platform/peer.h"
#include "policy.h"
#include "preflight.h"
#include "probes.h"
#include "protocol/terms.h"
#include "remediate.h"
#include "remote.h"
#include "scan.h"
#include "state.h"
#include "supervisor.h"

/* Where things are; the strings must outlive the agent. */
typedef struct agent_options {
  const char *config_file;
  const char *trust_file;
  const char *state_dir;
  const char *run_dir; /* made if absent; NULL: the control socket's folder must exist */
  const char *control_socket;
  const char *plugin_dir;
  const char *plugin_host;
  const char *channel;
  const char *log; /* what to log; NULL: as the configuration says */
} agent_options;

typedef struct agent_control agent_control;
typedef struct agent_lease agent_lease;

struct agent {
  uv_loop_t *loop;
  agent_options options;
  agent_config config;
  agent_journal *journal;
  agent_supervisor supervisor;
  agent_state *isolate;
  agent_jobs *jobs;
  agent_collect *collect;
  agent_scan *scan;
  agent_remediate *remediate;
  agent_probes *probes;
  agent_notice *notice;
  agent_control *control;
  agent_remote *remote;
  agent_policy *policy;
  agent_lease *lease;
  int64_t started_ms;
  bool damaged;            /* the journal was, and is new */
  agent_restored restored; /* what the boot did */
  void (*on_stopped)(void *owner);
  void *owner;
};

/* Opens everything and begins to reconcile; the control socket comes last. The loop must run
 * afterwards. */
CD_MUST_USE cd_code agent_start(agent *a, uv_loop_t *loop, const agent_options *options,
                                cd_err *err);
/* Ends in order, releasing nothing. on_stopped comes once from the loop; then run the loop until it
 * is empty and call agent_free(). */
void agent_stop(agent *a, void (*on_stopped)(void *owner), void *owner);
void agent_free(agent *a);

/* ---- orders (orders.c) ---- */

/* Who asks for what; `exclusions` is a JSON array or NULL. */
typedef struct agent_order_request {
  agent_kind kind;
  bool selective;
  cd_json *exclusions;
  const cd_terms *terms; /* of an isolation; NULL: the defaults */
  cd_str comment;
  const pf_identity *who;
  bool force; /* whatever the preflight finds, it is only recorded */
} agent_order_request;

#define AGENT_ORDERS_WAITING_MAX 16

/* Records the order; `ret_id` names its action. The caller then kicks the state (so that it can
 * listen first). */
CD_MUST_USE cd_code agent_order(agent *a, const agent_order_request *request,
                                char ret_id[CD_ID_SIZE], cd_err *err);

/* ---- preflight (preflight_agent.c) ---- */

/* Adds what only the agent knows of the isolation that `action` asks for, and judges all of it by
 * the policy. */
void agent_preflight_about(agent *a, const agent_action *action, agent_preflight *p);

/* ---- control (control.c) ---- */

CD_MUST_USE cd_code agent_control_start(agent *a, cd_err *err);
void agent_control_stop(agent *a);
/* Tells whoever waits for the action. */
void agent_control_action(agent *a, const agent_action *action);
void agent_control_step(agent *a, const char *action_id, const char *step, uint64_t done,
                        uint64_t total, cd_str what);
/* Tells whoever waits for the enrolment: `why` it failed, or NULL and the device's id. */
void agent_control_enrolled(agent *a, const cd_err *why, const char *device);

#endif
