/* What policy.c (life) and policy_write.c (words) share; nobody else includes it. */
#ifndef AGENT_POLICY_PRIVATE_H
#define AGENT_POLICY_PRIVATE_H

#include <uv.h>

#include "agent.h"
#include "journal_policy.h"
#include "policy.h"

#define POLICY_SWITCH_MS 500u /* the answer leaves before the connection does */

struct agent_policy {
  agent *agent;
  agent_config file; /* what the administrator wrote */
  char root[CD_KEY_ID_TEXT_MAX];
  agent_policy_record now;
  agent_policy_record before;
  agent_policy_seen seen;
  bool moved; /* the switch that is due also leads to another console */
  bool stopping;
  uv_timer_t change; /* after a policy was taken or put back */
  uv_timer_t trial;
};

#endif
