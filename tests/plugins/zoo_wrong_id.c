/* Says another id than its manifest. */
#include "zoo.h"

cordon_status zoo_act(const char *call, const cordon_request *req, bool *ret_done)
{
  return CORDON_OK;
}

static const char *const provides[] = {CORDON_EXT_ISOLATE, NULL};

CORDON_EXPORT const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = CORDON_ABI_MAJOR,
    .concurrency = 1,
    .id = "org.cordon.test.somebody-else",
    .version = "1.0.0",
    .provides = provides,
    .create = zoo_create,
};
