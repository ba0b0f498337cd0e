# The libraries we build on: what for, which licence and who keeps them is in docs/dependencies.md.
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
  pkg_check_modules(NFTABLES REQUIRED IMPORTED_TARGET libnftables)
  pkg_check_modules(NETTLE REQUIRED IMPORTED_TARGET nettle)
endif()

# mbedTLS 3.6: the system's where it is that, else what packaging/deps/mbedtls.sh built.
find_package(MbedTLS 3.6 CONFIG QUIET PATHS ${CORDON_DEPS_DIR} NO_DEFAULT_PATH)
if(NOT MbedTLS_FOUND)
  find_package(MbedTLS 3.6 CONFIG QUIET)
endif()
if(NOT MbedTLS_FOUND)
  message(FATAL_ERROR
    "mbedTLS 3.6 was not found: run 'sh packaging/deps/mbedtls.sh' and set CORDON_DEPS_DIR to the folder it prints")
endif()
