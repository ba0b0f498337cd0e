cordon_fuzz(fuzz_ctl_response SOURCES fuzz_ctl_response.c LINK cordon::ctl)
cordon_fuzz(fuzz_ctl_fleet SOURCES fuzz_ctl_fleet.c LINK cordon::ctl)
cordon_fuzz(fuzz_ctl_selective SOURCES fuzz_ctl_selective.c LINK cordon::ctl)
cordon_fuzz(fuzz_ctl_package SOURCES fuzz_ctl_package.c LINK cordon::ctl)
