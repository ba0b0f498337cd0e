# The console's memory, its audit log and its side of the signer's socket: a library of its own, because the signer reads the
# same database and links nothing of the server.
file(GLOB store_sources CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/store*.c ${CMAKE_CURRENT_SOURCE_DIR}/audit*.c ${CMAKE_CURRENT_SOURCE_DIR}/signer_client*.c
  ${CMAKE_CURRENT_SOURCE_DIR}/csr.c)
add_library(cordon_console_store STATIC ${store_sources})
add_library(cordon::console_store ALIAS cordon_console_store)
target_include_directories(cordon_console_store PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(cordon_console_store
  PUBLIC cordon::base cordon::ipc cordon::protocol cordon::platform PkgConfig::SQLITE PkgConfig::LIBUV
  PRIVATE cordon::flags MbedTLS::mbedx509 MbedTLS::mbedcrypto)
