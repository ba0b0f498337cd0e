# The layout of the plugin ABI is what the golden file says (64-bit systems), and the core's status numbers are the ABI's.
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
  add_executable(abi_offsets abi_offsets.c)
  target_link_libraries(abi_offsets PRIVATE cordon::flags cordon::abi)
  add_test(NAME build_abi_layout_is_the_golden_one
    COMMAND abi_offsets ${CMAKE_CURRENT_SOURCE_DIR}/abi_offsets.golden)
  set_tests_properties(build_abi_layout_is_the_golden_one PROPERTIES LABELS build TIMEOUT 60)
endif()

# Compiling it is the test.
add_library(abi_numbers OBJECT abi_numbers.c)
target_link_libraries(abi_numbers PRIVATE cordon::flags cordon::abi cordon::base)
