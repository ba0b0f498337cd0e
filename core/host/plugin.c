/* Loading and checking a plugin. Everything that is read here was written by somebody else: sizes
 * are honoured, pointers that may be absent are tested; a pointer that lies is a crash of this
 * process and of nothing more. */
#include "plugin.h"

#include <string.h>

#include "base/banned.h"

#define PH_PROVIDES_MAX 64u /* entries of `provides` that are looked at */

/* The size of a struct up to and with `member`: what a plugin must have of it. */
#define UP_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/* Copies the smaller of both sizes. False if the plugin's struct does not reach `needed`. */
static bool copy_sized(void *to, size_t to_size, const void *from, size_t needed)
{
  uint32_t struct_size = 0;
  memcpy(&struct_size, from, sizeof(struct_size));
  if (struct_size < needed)
    return false;
  memset(to, 0, to_size);
  memcpy(to, from, struct_size < to_size ? struct_size : to_size);
  return true;
}

static bool provides(const cordon_plugin_entry *entry, const char *id)
{
  if (entry->provides == NULL)
    return false;
  for (size_t i = 0; i < PH_PROVIDES_MAX && entry->provides[i] != NULL; i++) {
    if (strcmp(entry->provides[i], id) == 0)
      return true;
  }
  return false;
}

static cd_code check_entry(const cordon_plugin_entry *entry, const ph_setup *setup, cd_err *err)
{
  if (entry->abi_major != CORDON_ABI_MAJOR)
    return cd_fail(err, CD_E_UNSUPPORTED, "'%s' is for plugin ABI %u, this host speaks ABI %d",
                   setup->library, (unsigned)entry->abi_major, CORDON_ABI_MAJOR);
  if (entry->id == NULL || strcmp(entry->id, setup->plugin) != 0)
    return cd_fail(err, CD_E_CONFLICT, "'%s' calls itself '%.*s', but its manifest says '%s'",
                   setup->library, (int)PH_ID_MAX, entry->id != NULL ? entry->id : "nothing",
                   setup->plugin);
  if (entry->version == NULL || strcmp(entry->version, setup->version) != 0)
    return cd_fail(err, CD_E_CONFLICT, "'%s' is version '%.*s', but its manifest says '%s'",
                   setup->library, (int)PH_VERSION_MAX,
                   entry->version != NULL ? entry->version : "nothing", setup->version);
  if (!provides(entry, setup->capability->id))
    return cd_fail(err, CD_E_CONFLICT, "'%s' does not provide '%s', although its manifest says so",
                   setup->library, setup->capability->id);
  if (entry->concurrency == 0)
    return cd_fail(err, CD_E_INVALID, "'%s' allows 0 operations at once; it must be at least 1",
                   setup->library);
  if (entry->create == NULL)
    return cd_fail(err, CD_E_INVALID, "'%s' has no create function", setup->library);
  return CD_OK;
}

cd_code ph_plugin_load(ph_plugin *plugin, uv_os_fd_t library, const ph_setup *setup, cd_err *err)
{
  const void *address = NULL;
  cd_code rc = pf_library_load(library, setup->library, &plugin->library, err);
  if (rc != CD_OK)
    return rc;
  rc = pf_library_data(plugin->library, "cordon_plugin_entry_1", &address, err);
  if (rc == CD_E_NOTFOUND)
    return cd_fail(err, CD_E_UNSUPPORTED,
                   "'%s' has no symbol cordon_plugin_entry_1: it is no plugin for ABI %d",
                   setup->library, CORDON_ABI_MAJOR);
  if (rc != CD_OK)
    return rc;
  if (!copy_sized(&plugin->entry, sizeof(plugin->entry), address,
                  UP_TO(cordon_plugin_entry, create)))
    return cd_fail(err, CD_E_INVALID,
                   "the entry of '%s' says a struct_size below %zu and so has no create function",
                   setup->library, UP_TO(cordon_plugin_entry, create));
  plugin->concurrency = plugin->entry.concurrency < PH_CONCURRENCY_MAX ? plugin->entry.concurrency
                                                                       : PH_CONCURRENCY_MAX;
  return check_entry(&plugin->entry, setup, err);
}

static cd_code take_table(ph_plugin *plugin, const ph_setup *setup, cd_err *err)
{
  const ph_capability *capability = setup->capability;
  const void *table = plugin->verbs.get_extension(plugin->instance, capability->id);
  if (table == NULL)
    return cd_fail(err, CD_E_CONFLICT,
                   "plugin '%s' gives no table for '%s', although its entry lists it",
                   setup->plugin, capability->id);
  if (!copy_sized(&plugin->table, capability->table_size, table, UP_TO(cordon_state, probe)))
    return cd_fail(err, CD_E_INVALID, "the table for '%s' of plugin '%s' says a struct_size of 0",
                   capability->id, setup->plugin);
  for (size_t i = 0; i < capability->count; i++) {
    const ph_function *function = &capability->functions[i];
    if (!function->optional && ph_plugin_function(plugin, function) == NULL)
      return cd_fail(err, CD_E_INVALID, "the table for '%s' of plugin '%s' has no '%s'",
                     capability->id, setup->plugin, function->name);
  }
  return CD_OK;
}

cd_code ph_plugin_create(ph_plugin *plugin, const cordon_host *api, const ph_setup *setup,
                         cd_err *err)
{
  plugin->instance = plugin->entry.create(api, setup->config, setup->config_len);
  if (plugin->instance == NULL)
    return cd_fail(err, CD_E_UNAVAILABLE, "plugin '%s' cannot serve '%s' on this machine",
                   setup->plugin, setup->capability->name);
  if (!copy_sized(&plugin->verbs, sizeof(plugin->verbs), plugin->instance,
                  UP_TO(cordon_plugin, get_extension)) ||
      plugin->verbs.get_extension == NULL)
    return cd_fail(err, CD_E_INVALID, "what create of plugin '%s' returned has no get_extension",
                   setup->plugin);
  return take_table(plugin, setup, err);
}

cordon_op_fn ph_plugin_function(const ph_plugin *plugin, const ph_function *function)
{
  cordon_op_fn call = NULL;
  memcpy(&call, (const char *)&plugin->table + function->offset, sizeof(call));
  return call;
}

void ph_plugin_hello(const ph_plugin *plugin, const ph_setup *setup, ph_hello *ret_hello)
{
  *ret_hello = (ph_hello){.plugin = setup->plugin,
                          .version = setup->version,
                          .abi_minor = plugin->entry.abi_minor,
                          .concurrency = plugin->concurrency};
  size_t filled = 0;
  for (size_t i = 0; i < setup->capability->count; i++) {
    const ph_function *function = &setup->capability->functions[i];
    if (ph_plugin_function(plugin, function) != NULL)
      ret_hello->functions[filled++] = function->name;
  }
}
