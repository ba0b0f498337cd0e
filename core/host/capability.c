/* The tables behind capability.h. */
#include "capability.h"

#include "cordon/plugin.h"

#include <string.h>

#include "base/banned.h"

static const ph_function state_functions[] = {
    {.name = "probe", .offset = offsetof(cordon_state, probe)},
    {.name = "apply", .offset = offsetof(cordon_state, apply)},
    {.name = "release", .offset = offsetof(cordon_state, release)},
    {.name = "query", .offset = offsetof(cordon_state, query)},
    {.name = "verify", .offset = offsetof(cordon_state, verify)},
    {.name = "watch",
     .offset = offsetof(cordon_state, watch),
     .optional = true,
     .background = true},
};

static const ph_function job_functions[] = {
    {.name = "probe", .offset = offsetof(cordon_job, probe)},
    {.name = "run", .offset = offsetof(cordon_job, run)},
    {.name = "undo", .offset = offsetof(cordon_job, undo), .optional = true},
};

#define PH_STATE(text, ext)                                                                        \
  {                                                                                                \
    .name = (text), .id = (ext), .functions = state_functions,                                     \
    .count = sizeof(state_functions) / sizeof(state_functions[0]),                                 \
    .table_size = sizeof(cordon_state)                                                             \
  }
#define PH_JOB(text, ext, packages)                                                                \
  {                                                                                                \
    .name = (text), .id = (ext), .functions = job_functions,                                       \
    .count = sizeof(job_functions) / sizeof(job_functions[0]), .table_size = sizeof(cordon_job),   \
    .packs = (packages)                                                                            \
  }

static const ph_capability capabilities[] = {
    PH_STATE("isolate", CORDON_EXT_ISOLATE),     PH_STATE("restrict", CORDON_EXT_RESTRICT),
    PH_JOB("facts", CORDON_EXT_FACTS, false),    PH_JOB("scan", CORDON_EXT_SCAN, false),
    PH_JOB("collect", CORDON_EXT_COLLECT, true), PH_JOB("remediate", CORDON_EXT_REMEDIATE, false),
    PH_JOB("notify", CORDON_EXT_NOTIFY, false),  PH_JOB("respond", CORDON_EXT_RESPOND, false),
};

const ph_capability *ph_capability_find(cd_str name)
{
  for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
    if (cd_str_eq_cstr(name, capabilities[i].name))
      return &capabilities[i];
  }
  return NULL;
}

const ph_function *ph_function_find(const ph_capability *capability, const char *name)
{
  for (size_t i = 0; i < capability->count; i++) {
    if (strcmp(capability->functions[i].name, name) == 0)
      return &capability->functions[i];
  }
  return NULL;
}
