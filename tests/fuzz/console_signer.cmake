# What cordon-signer reads: the console's requests, and its administrator's configuration.
cordon_fuzz(fuzz_signer_request SOURCES fuzz_signer_request.c LINK cordon::signer)
