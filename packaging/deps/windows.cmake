# What the programs for Windows are made with besides flags.cmake: where they may lie in memory, what is marked in their headers, and
# their resources. gcc has no Control Flow Guard; clang has, so it is asked for where the compiler knows it.
include(CheckCCompilerFlag)
check_c_compiler_flag(-mguard=cf CORDON_HAS_GUARD)
check_c_compiler_flag(-fcf-protection=full CORDON_HAS_CF_PROTECTION)

# Everything that is not the system's is linked in. The import libraries of the system end in .a as well.
set(CMAKE_FIND_LIBRARY_SUFFIXES .a)

# 10.0 is the first Windows that is supported. C99's printf, not that of msvcrt.
target_compile_definitions(cordon_flags INTERFACE
  _WIN32_WINNT=0x0A00 WINVER=0x0A00 NTDDI_VERSION=0x0A000000 WIN32_LEAN_AND_MEAN UNICODE _UNICODE __USE_MINGW_ANSI_STDIO=1 CORDON_PRINTF=gnu_printf
  _FORTIFY_SOURCE=2)
if(CORDON_HAS_GUARD)
  target_compile_options(cordon_flags INTERFACE -mguard=cf)
  target_link_options(cordon_flags INTERFACE -mguard=cf)
endif()
if(CORDON_HAS_CF_PROTECTION)
  target_compile_options(cordon_flags INTERFACE -fcf-protection=full)
endif()
# ASLR over all 64 bits, DEP.
target_link_options(cordon_flags INTERFACE
  -Wl,--dynamicbase -Wl,--high-entropy-va -Wl,--nxcompat -Wl,--no-insert-timestamp -static -static-libgcc
  -fstack-protector-strong)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  # Nothing after the last section: the size is a multiple of 512, as a signature wants one of 8.
  target_link_options(cordon_flags INTERFACE -s)
endif()

# cordon_resources(TARGET): the version and, for programs, the manifest.
function(cordon_resources name)
  set_property(GLOBAL APPEND PROPERTY CORDON_PROGRAMS ${name})
  get_target_property(type ${name} TYPE)
  set(resource_manifest 0)
  set(resource_type VFT_DLL)
  set(resource_file ${name}.dll)
  if(type STREQUAL "EXECUTABLE")
    set(resource_manifest 1)
    set(resource_type VFT_APP)
    set(resource_file ${name}.exe)
  endif()
  set(resource_name ${name})
  string(REPLACE "." "," resource_version "${PROJECT_VERSION},0")
  configure_file(${CMAKE_SOURCE_DIR}/platform/windows/resource.rc.in ${CMAKE_CURRENT_BINARY_DIR}/${name}.rc @ONLY)
  target_sources(${name} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${name}.rc)
  set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/${name}.rc PROPERTIES
    OBJECT_DEPENDS ${CMAKE_SOURCE_DIR}/platform/windows/program.manifest
    INCLUDE_DIRECTORIES ${CMAKE_SOURCE_DIR}/platform/windows)
endfunction()

# cordon_events(TARGET): the texts of the events that the service writes.
find_program(CORDON_WINDMC ${cordon_triple}-windmc REQUIRED)
function(cordon_events name)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/events)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${folder}/events.rc ${folder}/MSG00409.bin
    COMMAND ${CORDON_WINDMC} -h ${folder} -r ${folder} ${CMAKE_SOURCE_DIR}/platform/windows/events.mc
    DEPENDS ${CMAKE_SOURCE_DIR}/platform/windows/events.mc VERBATIM)
  target_sources(${name} PRIVATE ${folder}/events.rc)
  set_source_files_properties(${folder}/events.rc PROPERTIES OBJECT_DEPENDS ${folder}/MSG00409.bin INCLUDE_DIRECTORIES ${folder})
endfunction()
