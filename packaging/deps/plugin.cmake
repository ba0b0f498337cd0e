# cordon_plugin(NAME SOURCES ... LINK ... MANIFEST file [TEST]): a plugin library NAME.so with its
# manifest beside it. It sees the ABI and plugins/support, nothing of the core.
set(CORDON_PLUGIN_DIR ${CMAKE_INSTALL_LIBDIR}/cordon/plugins)

function(cordon_plugin name)
  cmake_parse_arguments(arg "TEST" "MANIFEST" "SOURCES;LINK" ${ARGN})
  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden)
  target_link_libraries(${name} PRIVATE cordon::flags cordon::abi ${arg_LINK})
  target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL)
  if(arg_MANIFEST)
    configure_file(${arg_MANIFEST} ${CMAKE_CURRENT_BINARY_DIR}/${name}.json @ONLY)
    if(NOT arg_TEST)
      install(TARGETS ${name} LIBRARY DESTINATION ${CORDON_PLUGIN_DIR})
      install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.json DESTINATION ${CORDON_PLUGIN_DIR})
    endif()
  endif()
endfunction()
