# The JSON reader and writer: what comes from plugins, peers, files and, later, the network.
cordon_fuzz(fuzz_json SOURCES fuzz_json.c LINK cordon::base)
cordon_fuzz(fuzz_entry_name SOURCES fuzz_entry_name.c LINK cordon::base)
