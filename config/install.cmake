# Part of `cmake --install`: writes the configuration where there is none, and the trust list. Given: cordon_sysconf, cordon_plugin_dir,
# cordon_plugins, cordon_default.
#
# The digests are those of the installed files: whatever changes the libraries later, such as stripping them for a package, must make the
# list anew.
cmake_policy(VERSION 3.25)

# Where a folder of the installation really is: absolute, or below the prefix, and all of it below DESTDIR.
function(cordon_place folder ret)
  if(IS_ABSOLUTE "${folder}")
    set(${ret} "$ENV{DESTDIR}${folder}" PARENT_SCOPE)
  else()
    set(${ret} "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/${folder}" PARENT_SCOPE)
  endif()
endfunction()

cordon_place("${cordon_sysconf}/cordon" etc)
cordon_place("${cordon_plugin_dir}" plugins)
set(readable OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
set(config "${etc}/cordond.json")
set(trust "${etc}/plugins.trust.json")

if(EXISTS "${config}")
  message(STATUS "Kept: ${config}")
else()
  file(COPY "${cordon_default}" DESTINATION "${etc}" FILE_PERMISSIONS ${readable})
  message(STATUS "Written: ${config}")
endif()

# Ours first, with the digests of what was just installed.
set(entries)
set(ours)
foreach(name ${cordon_plugins})
  file(READ "${plugins}/${name}.json" manifest)
  string(JSON id GET "${manifest}" id)
  file(SHA256 "${plugins}/${name}.so" library_digest)
  file(SHA256 "${plugins}/${name}.json" manifest_digest)
  list(APPEND ours "${id}")
  list(APPEND entries
    "    { \"id\": \"${id}\",\n      \"library\": \"sha256:${library_digest}\",\n      \"manifest\": \"sha256:${manifest_digest}\" }")
endforeach()

# Then those that the administrator trusts besides, as they are.
set(count 0)
if(EXISTS "${trust}")
  file(READ "${trust}" old)
  string(JSON count ERROR_VARIABLE error LENGTH "${old}" plugins)
  if(error)
    message(FATAL_ERROR "${trust} is no trust list (${error}); repair it or take it away, for it may hold plugins that you trust")
  endif()
endif()
if(count GREATER 0)
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON id GET "${old}" plugins ${i} id)
    string(JSON entry GET "${old}" plugins ${i})
    if(NOT id IN_LIST ours)
      list(APPEND entries "    ${entry}")
    endif()
  endforeach()
endif()

list(JOIN entries ",\n" entries)
file(WRITE "${trust}.new" "{\n  \"plugins\": [\n${entries}\n  ]\n}\n")
file(CHMOD "${trust}.new" PERMISSIONS ${readable})
file(RENAME "${trust}.new" "${trust}")
message(STATUS "Written: ${trust}")
