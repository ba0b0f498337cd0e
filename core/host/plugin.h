/* The loaded library: its entry read as data, its instance, and the table of the one capability
 * served here. */
#ifndef PH_PLUGIN_H
#define PH_PLUGIN_H

#include "message.h"

#include "base/status.h"
#include "cordon/plugin.h"
#include "platform/library.h"

#include <uv.h>

#define PH_CONCURRENCY_MAX                                                                         \
  16u /* operations at once; more would be a thread pool, which no capability needs */

/* Copies of the plugin's structs: what its struct_size does not reach is zero. */
typedef struct ph_plugin {
  pf_library *library;
  cordon_plugin_entry entry;
  const cordon_plugin *instance; /* what create() returned; passed back to every function */
  cordon_plugin verbs;
  union {
    cordon_state state;
    cordon_job job;
  } table;
  uint32_t concurrency;
} ph_plugin;

/* Loads the library and compares its entry with SETUP. Runs nothing of the plugin but its
 * constructors. */
CD_MUST_USE cd_code ph_plugin_load(ph_plugin *plugin, uv_os_fd_t library, const ph_setup *setup,
                                   cd_err *err);
/* Calls create() and fetches the capability's table. */
CD_MUST_USE cd_code ph_plugin_create(ph_plugin *plugin, const cordon_host *api,
                                     const ph_setup *setup, cd_err *err);
/* NULL if the plugin's table has no such function. */
cordon_op_fn ph_plugin_function(const ph_plugin *plugin, const ph_function *function);
void ph_plugin_hello(const ph_plugin *plugin, const ph_setup *setup, ph_hello *ret_hello);

#endif
