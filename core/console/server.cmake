# cordon-console. Everything but main.c is a library, so that the tests and the fuzzers reach the pure parts.
file(GLOB server_sources CONFIGURE_DEPENDS *.c)
list(FILTER server_sources EXCLUDE REGEX "/(main|store[a-z_]*|audit[a-z_]*|signer_client[a-z_]*|csr)\\.c$")
add_library(cordon_console STATIC ${server_sources})
add_library(cordon::console ALIAS cordon_console)
target_compile_definitions(cordon_console PUBLIC CORDON_VERSION="${PROJECT_VERSION}")
target_link_libraries(cordon_console
  PUBLIC cordon::console_store PkgConfig::LIBWEBSOCKETS PkgConfig::OPENSSL
  PRIVATE cordon::flags MbedTLS::mbedcrypto)
cordon_program(cordon-console
  SOURCES main.c
  LINK cordon::console
  DESTINATION ${CMAKE_INSTALL_SBINDIR})
target_compile_definitions(cordon-console PRIVATE
  CORDON_CONSOLE_CONFIG="${CMAKE_INSTALL_FULL_SYSCONFDIR}/cordon/cordon-console.json")
