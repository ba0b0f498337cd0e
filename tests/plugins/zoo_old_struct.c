/* Built against an older header: a table without `watch`, a plugin struct without `cancel` and
 * `destroy`. What lies behind them in memory is poison. */
#include "zoo.h"

#include <stddef.h>
#include <string.h>

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  return CORDON_OK;
}

static union {
  cordon_state state;
  unsigned char bytes[sizeof(cordon_state)];
} old_table;

static union {
  cordon_plugin plugin;
  unsigned char bytes[sizeof(cordon_plugin)];
} old_plugin;

static const void *CORDON_CALL get_extension(const cordon_plugin *p, const char *id)
{
  return strcmp(id, CORDON_EXT_ISOLATE) == 0 ? &old_table : NULL;
}

static const cordon_plugin *CORDON_CALL create(const cordon_host *h, const char *config, size_t len)
{
  if (zoo_create(h, config, len) == NULL)
    return NULL;
  (void)memset(&old_table, 0xa5, sizeof(old_table));
  (void)memcpy(&old_table, &zoo_table, offsetof(cordon_state, watch));
  old_table.state.struct_size = offsetof(cordon_state, watch);
  (void)memset(&old_plugin, 0xa5, sizeof(old_plugin));
  old_plugin.plugin.struct_size = offsetof(cordon_plugin, cancel);
  old_plugin.plugin.get_extension = get_extension;
  return &old_plugin.plugin;
}

static const char *const provides[] = {CORDON_EXT_ISOLATE, NULL};

CORDON_EXPORT const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = offsetof(cordon_plugin_entry, create) + sizeof(void *),
    .abi_major = CORDON_ABI_MAJOR,
    .concurrency = 1,
    .id = ZOO_ID,
    .version = "1.0.0",
    .provides = provides,
    .create = create,
};
