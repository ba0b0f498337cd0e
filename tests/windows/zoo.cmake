# The zoo as DLLs, and the host with each of them.
function(zoo_windows_test name)
  cordon_test(${name} SOURCES ${ARGN} ${CMAKE_SOURCE_DIR}/tests/plugins/driver.c
    LINK cordon::base cordon::ipc cordon::platform LABEL windows TIMEOUT 180)
  add_dependencies(${name} zoo cordon-plugin-host)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/plugins)
  target_compile_options(${name} PRIVATE ${zoo_shim})
  target_compile_definitions(${name} PRIVATE ZOO_SUFFIX=".dll" ZOO_NOTHING="NUL"
    CORDON_HOST="$<TARGET_FILE:cordon-plugin-host>" ZOO_FOLDER="${CMAKE_CURRENT_BINARY_DIR}")
endfunction()
zoo_windows_test(test_host ${CMAKE_SOURCE_DIR}/tests/plugins/test_host.c)
zoo_windows_test(test_zoo ${CMAKE_SOURCE_DIR}/tests/plugins/test_zoo.c)
