cordon_fuzz(fuzz_ctl_response SOURCES fuzz_ctl_response.c LINK cordon::ctl)
