# The tests of the programs for Windows: each program is started by CMake's emulator, under Wine, in one prefix that is made before the
# first of them and removed after the last. Those that bring machines into the world (fork, sockets of Unix) stay with Linux.
set(cordon_prefix ${CMAKE_BINARY_DIR}/wine)
set(CMAKE_CROSSCOMPILING_EMULATOR sh ${CMAKE_CURRENT_SOURCE_DIR}/windows/wine.sh ${cordon_prefix} run)

add_test(NAME wine_prefix COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/windows/wine.sh ${cordon_prefix} make)
add_test(NAME wine_prefix_ends COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/windows/wine.sh ${cordon_prefix} end)
set_tests_properties(wine_prefix PROPERTIES FIXTURES_SETUP wine LABELS windows TIMEOUT 240)
set_tests_properties(wine_prefix_ends PROPERTIES FIXTURES_CLEANUP wine LABELS windows TIMEOUT 60)

add_subdirectory(unit/agent)
add_subdirectory(unit/base)
add_subdirectory(unit/ipc)
add_subdirectory(unit/platform)
add_subdirectory(unit/protocol)
add_subdirectory(unit/ctl)
add_subdirectory(plugins)
add_subdirectory(windows)
