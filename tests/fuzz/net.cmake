# core/net: what it reads itself; the rest is core/protocol's and mbedTLS's.
cordon_fuzz(fuzz_http_body SOURCES fuzz_http_body.c LINK cordon::net)
target_include_directories(fuzz_http_body PRIVATE ${CMAKE_SOURCE_DIR}/core/net)
