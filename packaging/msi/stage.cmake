# cmake -DBUILD=DIR -DSTAGE=DIR -P stage.cmake: the files of the installer, as they will lie in the folder of the installation. What the
# build does not have is left out: today's parts are in docs/windows.md.
cmake_policy(VERSION 3.25)
get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)

set(programs ctl/cordon)
# The agent comes with what starts and stops it, and so not before it can run as a service.
if(EXISTS "${BUILD}/core/agent/cordond.exe")
  file(STRINGS "${BUILD}/core/agent/cordond.exe" service REGEX "^ *--service")
  if(service)
    list(APPEND programs agent/cordond host/cordon-plugin-host channel/cordon-channel)
  endif()
endif()
file(REMOVE_RECURSE "${STAGE}")
file(MAKE_DIRECTORY "${STAGE}/plugins")
foreach(program ${programs})
  if(EXISTS "${BUILD}/core/${program}.exe")
    file(COPY "${BUILD}/core/${program}.exe" DESTINATION "${STAGE}")
  endif()
endforeach()
if(NOT EXISTS "${STAGE}/cordon.exe")
  message(FATAL_ERROR "${BUILD} has no cordon.exe: build the preset windows first")
endif()

# A plugin is a library with its manifest beside it, both of one name.
file(GLOB_RECURSE libraries "${BUILD}/plugins/*.dll")
foreach(library ${libraries})
  string(REGEX REPLACE "\\.dll$" ".json" manifest "${library}")
  if(EXISTS "${manifest}")
    file(COPY "${library}" "${manifest}" DESTINATION "${STAGE}/plugins")
  endif()
endforeach()
configure_file("${root}/LICENSE" "${STAGE}/LICENSE.txt" NEWLINE_STYLE CRLF)
