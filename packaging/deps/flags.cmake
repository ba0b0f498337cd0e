# Warnings, hardening and sanitizers, in one interface target that every target of ours links privately.
add_library(cordon_flags INTERFACE)
add_library(cordon::flags ALIAS cordon_flags)

target_compile_options(cordon_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wimplicit-fallthrough
  -Wno-unused-parameter -fvisibility=hidden -fno-common -fstack-protector-strong)
if(CORDON_WERROR)
  target_compile_options(cordon_flags INTERFACE -Werror)
endif()
target_compile_definitions(cordon_flags INTERFACE
  _FILE_OFFSET_BITS=64
  $<$<BOOL:${CORDON_FAULT_POINTS}>:CORDON_FAULT_POINTS>)
if(WIN32)
  include(packaging/deps/windows.cmake)
elseif(NOT CORDON_SANITIZE)
  target_compile_definitions(cordon_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()
if(NOT WIN32)
  target_link_options(cordon_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()

if(CORDON_SANITIZE)
  target_compile_options(cordon_flags INTERFACE
    -fsanitize=${CORDON_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(cordon_flags INTERFACE -fsanitize=${CORDON_SANITIZE})
endif()
if(CORDON_FUZZ)
  target_compile_options(cordon_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# cordon_library(NAME SOURCES ... LINK ...): a static library with the alias cordon::NAME whose
# headers are ${folder}/include; what it does not link it cannot include.
function(cordon_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;PRIVATE" ${ARGN})
  add_library(cordon_${name} STATIC ${arg_SOURCES})
  add_library(cordon::${name} ALIAS cordon_${name})
  target_include_directories(cordon_${name}
    PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
    PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(cordon_${name} PUBLIC ${arg_LINK} PRIVATE cordon::flags ${arg_PRIVATE})
endfunction()

# cordon_program(NAME SOURCES ... LINK ... DESTINATION dir): an executable of ours, installed.
function(cordon_program name)
  cmake_parse_arguments(arg "" "DESTINATION" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE cordon::flags ${arg_LINK})
  if(WIN32)
    cordon_resources(${name})
  endif()
  install(TARGETS ${name} RUNTIME DESTINATION ${arg_DESTINATION})
endfunction()
