# What takes foreign bytes apart, for any system.
add_library(cordon_windows_decoders STATIC
  ${CMAKE_CURRENT_LIST_DIR}/reg_text.c ${CMAKE_CURRENT_LIST_DIR}/task_xml.c)
target_include_directories(cordon_windows_decoders PUBLIC ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(cordon_windows_decoders PUBLIC cordon::support PRIVATE cordon::flags)
