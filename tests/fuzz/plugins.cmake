# What the nftables plugin reads: parameters from the agent, listings of a table that anybody with root may have edited, and netlink.
foreach(subject params listing netlink)
  cordon_fuzz(fuzz_isolate_${subject} SOURCES fuzz_isolate_${subject}.c LINK cordon_nftables_parts)
endforeach()
