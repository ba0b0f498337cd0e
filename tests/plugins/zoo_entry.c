/* The entry of a member that has none of its own. */
#include "zoo.h"

static const char *const provides[] = {CORDON_EXT_ISOLATE, NULL};

CORDON_EXPORT const cordon_plugin_entry cordon_plugin_entry_1 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = CORDON_ABI_MAJOR,
    .abi_minor = CORDON_ABI_MINOR,
    .concurrency = 1,
    .id = ZOO_ID,
    .version = "1.0.0",
    .provides = provides,
    .create = zoo_create,
};
