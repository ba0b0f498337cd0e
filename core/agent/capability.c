#include "capability.h"

#include <stddef.h>

static const struct {
  const char *name;
  const char *extension;
} capabilities[AGENT_CAP_COUNT] = {
    [AGENT_CAP_ISOLATE] = {"isolate", "cordon.isolate/1"},
    [AGENT_CAP_RESTRICT] = {"restrict", "cordon.restrict/1"},
    [AGENT_CAP_FACTS] = {"facts", "cordon.facts/1"},
    [AGENT_CAP_SCAN] = {"scan", "cordon.scan/1"},
    [AGENT_CAP_COLLECT] = {"collect", "cordon.collect/1"},
    [AGENT_CAP_REMEDIATE] = {"remediate", "cordon.remediate/1"},
    [AGENT_CAP_NOTIFY] = {"notify", "cordon.notify/1"},
    [AGENT_CAP_RESPOND] = {"respond", "cordon.respond/1"},
};

static const struct {
  const char *name;
  unsigned budget_ms;
  bool always_allowed;
} functions[AGENT_FN_COUNT] = {
    [AGENT_FN_PROBE] = {"probe", 10000, false},    [AGENT_FN_APPLY] = {"apply", 30000, false},
    [AGENT_FN_RELEASE] = {"release", 30000, true}, [AGENT_FN_QUERY] = {"query", 10000, true},
    [AGENT_FN_VERIFY] = {"verify", 30000, true},   [AGENT_FN_WATCH] = {"watch", 0, false},
    [AGENT_FN_RUN] = {"run", 30000, false},        [AGENT_FN_UNDO] = {"undo", 30000, true},
};

const char *agent_capability_name(agent_capability cap)
{
  return capabilities[cap].name;
}

const char *agent_capability_extension(agent_capability cap)
{
  return capabilities[cap].extension;
}

bool agent_capability_from_name(cd_str name, agent_capability *ret_cap)
{
  for (int i = 0; i < AGENT_CAP_COUNT; i++) {
    if (cd_str_eq_cstr(name, capabilities[i].name)) {
      *ret_cap = (agent_capability)i;
      return true;
    }
  }
  return false;
}

bool agent_capability_from_extension(cd_str id, agent_capability *ret_cap)
{
  for (int i = 0; i < AGENT_CAP_COUNT; i++) {
    if (cd_str_eq_cstr(id, capabilities[i].extension)) {
      *ret_cap = (agent_capability)i;
      return true;
    }
  }
  return false;
}

const char *agent_function_name(agent_function fn)
{
  return functions[fn].name;
}

bool agent_function_from_name(cd_str name, agent_function *ret_fn)
{
  for (int i = 0; i < AGENT_FN_COUNT; i++) {
    if (cd_str_eq_cstr(name, functions[i].name)) {
      *ret_fn = (agent_function)i;
      return true;
    }
  }
  return false;
}

unsigned agent_function_budget_ms(agent_function fn)
{
  return functions[fn].budget_ms;
}

bool agent_function_always_allowed(agent_function fn)
{
  return functions[fn].always_allowed;
}
