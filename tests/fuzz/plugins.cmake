# What the nftables plugin reads: parameters from the agent, listings of a table that anybody with root may have edited, and netlink.
foreach(subject params listing netlink survey)
  cordon_fuzz(fuzz_isolate_${subject} SOURCES fuzz_isolate_${subject}.c LINK cordon_nftables_parts)
endforeach()
# What the Linux plugin reads from files that others write.
cordon_fuzz(fuzz_linux_notify SOURCES fuzz_linux_notify.c LINK cordon_linux_notify_parts)
cordon_fuzz(fuzz_linux_facts SOURCES fuzz_linux_facts.c LINK cordon_linux_parts)
cordon_fuzz(fuzz_linux_collect SOURCES fuzz_linux_collect.c LINK cordon_linux_collect_parts)
cordon_fuzz(fuzz_linux_rpm SOURCES fuzz_linux_rpm.c LINK cordon_linux_collect_parts)
target_compile_definitions(fuzz_linux_rpm PRIVATE _GNU_SOURCE)
cordon_fuzz(fuzz_linux_remediate SOURCES fuzz_linux_remediate.c LINK cordon_linux_remediate_parts)
cordon_fuzz(fuzz_linux_items SOURCES fuzz_linux_items.c LINK cordon_linux_collect_parts)
cordon_fuzz(fuzz_clamav SOURCES fuzz_clamav.c LINK cordon_clamav_parts)
# What the Windows plugin reads of the registry and of the files of tasks.
cordon_fuzz(fuzz_windows_decoders SOURCES fuzz_windows_decoders.c LINK cordon_windows_decoders)
