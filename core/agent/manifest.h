/* A plugin's manifest and the trust list: what the agent knows of a plugin without loading it.
 * Schemas: config/schemas/manifest.schema.json and trust.schema.json. Parsers are pure functions.
 */
#ifndef AGENT_MANIFEST_H
#define AGENT_MANIFEST_H

#include <stdint.h>

#include "base/limits.h"
#include "base/status.h"
#include "capability.h"
#include "config.h"
#include "protocol/digest.h"

typedef struct agent_manifest {
  char id[AGENT_ID_MAX];
  char version[41];
  char description[201];
  char library[128]; /* a file name, no path */
  char install_hint[201];
  bool this_system;    /* meant for the OS we run on */
  uint32_t provides;   /* bit per agent_capability */
  uint32_t privileges; /* PF_PRIV_* */
  bool no_network;     /* it makes no sockets but local ones */
  uint32_t memory_mb;
  uint32_t cpu_s;
  uint32_t processes;
  uint32_t files;
  uint32_t file_mb;
  uint32_t budget_ms[AGENT_FN_COUNT];
} agent_manifest;

CD_MUST_USE cd_code agent_manifest_parse(cd_str text, const char *name,
                                         agent_manifest *ret_manifest, cd_err *err);

typedef struct agent_trust_entry {
  char id[AGENT_ID_MAX];
  cd_digest library;
  cd_digest manifest;
} agent_trust_entry;

typedef struct agent_trust {
  agent_trust_entry entries[CD_PLUGINS_MAX];
  unsigned count;
} agent_trust;

CD_MUST_USE cd_code agent_trust_parse(cd_str text, const char *name, agent_trust *ret_trust,
                                      cd_err *err);
/* NULL if the id is not listed. */
const agent_trust_entry *agent_trust_find(const agent_trust *t, const char *id);

#endif
