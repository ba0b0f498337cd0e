/* The policy of the fleet on this device: verified, put on record, laid over the configuration, and
 * put back by itself if it leads away from the console.
 *
 * What an administrator wrote into cordond.json stays, and is overridden only in the members that
 * the policy has. A policy that changes where the console is found, or who provides what, is on
 * trial: unless the console is reached with it within `policy.trial_s`, the one before it is in
 * force again, and the console is told. Nothing here isolates or releases. */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include "base/json.h"
#include "base/status.h"
#include "protocol/order.h"
#include "protocol/result.h"

typedef struct agent agent;
typedef struct agent_policy agent_policy;

/* Reads the journal and lays what is in force over agent->config, which must be what the file
 * says. The remote must be there. A policy on record that cannot be used is left aside, and said.
 */
CD_MUST_USE cd_code agent_policy_new(agent *a, agent_policy **ret_policy, cd_err *err);
/* After everything else has started. */
void agent_policy_start(agent_policy *p);
void agent_policy_stop(agent_policy *p);
void agent_policy_free(
    agent_policy *p); /* NULL is fine; after the loop has run the close callbacks */

typedef struct agent_policy_verdict {
  bool accepted;
  cd_refusal refusal;
  char sentence[CD_ERR_TEXT_MAX];
} agent_policy_verdict;

/* From the console. Everything is synced when it returns; what depends on it is kicked a moment
 * later, so that the answer is on its way before the connection goes. */
void agent_policy_take(agent_policy *p, cd_str policy_jws, cd_str key_jws, int64_t now_ms,
                       agent_policy_verdict *ret_verdict);
/* The console was reached. */
void agent_policy_reached(agent_policy *p);
/* The device belongs to another console now. */
void agent_policy_enrolled(agent_policy *p);

/* For the report; NULL is fine. */
void agent_policy_standing(const agent_policy *p, cd_policy_standing *ret_standing);
/* The answer to `policy` of docs/ipc.md. */
void agent_policy_write(const agent_policy *p, cd_jw *w);

#endif
