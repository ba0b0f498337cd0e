# What cordon-plugin-host reads from the agent.
cordon_fuzz(fuzz_host_messages
  SOURCES fuzz_host_messages.c
    ${CMAKE_SOURCE_DIR}/core/host/capability.c
    ${CMAKE_SOURCE_DIR}/core/host/message.c
  LINK cordon::base cordon::ipc cordon::platform cordon::abi)
target_include_directories(fuzz_host_messages PRIVATE ${CMAKE_SOURCE_DIR}/core/host)
