/* For an ABI that does not exist yet: only another symbol. */
#include "cordon/plugin.h"

extern CORDON_EXPORT const cordon_plugin_entry cordon_plugin_entry_2;

CORDON_EXPORT const cordon_plugin_entry cordon_plugin_entry_2 = {
    .struct_size = sizeof(cordon_plugin_entry),
    .abi_major = 2,
    .concurrency = 1,
    .id = ZOO_ID,
    .version = "1.0.0",
};
