/* The capabilities of ABI 1 and the functions of their tables, as the agent names them. */
#ifndef AGENT_CAPABILITY_H
#define AGENT_CAPABILITY_H

#include <stdbool.h>

#include "base/str.h"

typedef enum agent_capability {
  AGENT_CAP_ISOLATE = 0,
  AGENT_CAP_RESTRICT,
  AGENT_CAP_FACTS,
  AGENT_CAP_SCAN,
  AGENT_CAP_COLLECT,
  AGENT_CAP_REMEDIATE,
  AGENT_CAP_NOTIFY,
  AGENT_CAP_RESPOND,
  AGENT_CAP_COUNT
} agent_capability;

typedef enum agent_function {
  AGENT_FN_PROBE = 0,
  AGENT_FN_APPLY,
  AGENT_FN_RELEASE,
  AGENT_FN_QUERY,
  AGENT_FN_VERIFY,
  AGENT_FN_WATCH,
  AGENT_FN_RUN,
  AGENT_FN_UNDO,
  AGENT_FN_COUNT
} agent_function;

const char *agent_capability_name(agent_capability cap);      /* "isolate" */
const char *agent_capability_extension(agent_capability cap); /* "cordon.isolate/1" */
bool agent_capability_from_name(cd_str name, agent_capability *ret_cap);
bool agent_capability_from_extension(cd_str id, agent_capability *ret_cap);

const char *agent_function_name(agent_function fn); /* "apply" */
bool agent_function_from_name(cd_str name, agent_function *ret_fn);
/* Milliseconds an operation may take where the manifest says nothing; 0 for watch: as long as it is
 * wanted. */
unsigned agent_function_budget_ms(agent_function fn);
/* Functions that strikes never block: a device must always be able to be released and looked at. */
bool agent_function_always_allowed(agent_function fn);

#endif
