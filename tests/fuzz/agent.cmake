# What cordond reads: files of the administrator and of plugins, requests of anybody on the machine, and what a plugin host says.
foreach(target fuzz_manifest fuzz_control_request fuzz_agent_messages fuzz_agent_channel fuzz_agent_preflight fuzz_restore)
  cordon_fuzz(${target} SOURCES ${target}.c LINK cordon::agent)
endforeach()
