/* The plugins found in the plugin folder, whether each may be used, and why not. Nothing is loaded
 * here. */
#ifndef AGENT_REGISTRY_H
#define AGENT_REGISTRY_H

#include <stdbool.h>
#include <uv.h>

#include "config.h"
#include "manifest.h"

struct agent_slot;

typedef struct agent_plugin {
  agent_manifest manifest;
  bool usable;                  /* trusted, for this system, library in order */
  char reason[CD_ERR_TEXT_MAX]; /* why not */
  char library[CD_PATH_MAX];
  cd_digest digest; /* of the library, as the trust list has it */
  char digest_text[CD_DIGEST_TEXT_MAX];
  struct agent_slot *slots[AGENT_CAP_COUNT]; /* the supervisor's */
} agent_plugin;

typedef struct agent_registry {
  agent_plugin *plugins[CD_PLUGINS_MAX];
  unsigned count;
} agent_registry;

/* Reads every NAME.json of the folder. A manifest that is bad is an entry with its reason, not a
 * failure; a folder or a trust list that cannot be read is a failure only if it is not just absent.
 */
CD_MUST_USE cd_code agent_registry_load(agent_registry *r, const char *folder,
                                        const char *trust_file, cd_err *err);
void agent_registry_release(agent_registry *r);
/* The one of that id that may be used, else the first that may not. */
agent_plugin *agent_registry_find(const agent_registry *r, const char *id);

/* Opens the library and checks owner, mode, parents and digest on the descriptor that is returned;
 * the caller closes it. Blocks for the hashing. */
CD_MUST_USE cd_code agent_plugin_open(const agent_plugin *p, uv_os_fd_t *ret_file, cd_err *err);

#endif
