# The libraries we build on: what for, which licence and who keeps them is in docs/dependencies.md.
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive>=3.6)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.85)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
  pkg_check_modules(NFTABLES REQUIRED IMPORTED_TARGET libnftables)
  pkg_check_modules(DBUS REQUIRED IMPORTED_TARGET dbus-1)
  pkg_check_modules(NETTLE REQUIRED IMPORTED_TARGET nettle)
  pkg_check_modules(LIBWEBSOCKETS REQUIRED IMPORTED_TARGET libwebsockets)
  pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET libssl libcrypto)
endif()

if(WIN32)
  pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
endif()

# mbedTLS 3.6: CORDON_DEPS_DIR if it is set, else what packaging/deps/mbedtls.sh keeps in its cache, else
# the system's where it is that. 2.28 has another API and is out of support, so it is never taken.
if(DEFINED ENV{CORDON_CACHE})
  set(cordon_cache $ENV{CORDON_CACHE})
else()
  set(cordon_cache $ENV{HOME}/.cache/cordon)
endif()
find_package(MbedTLS 3.6 CONFIG QUIET
  PATHS ${CORDON_DEPS_DIR} ${cordon_cache}/deps/mbedtls-3.6 NO_DEFAULT_PATH)
if(NOT MbedTLS_FOUND)
  find_package(MbedTLS 3.6 CONFIG QUIET)
endif()
if(NOT MbedTLS_FOUND)
  message(FATAL_ERROR
    "mbedTLS 3.6 was not found: run 'sh packaging/deps/mbedtls.sh', which builds it into its cache, or set "
    "CORDON_DEPS_DIR to the folder where it is installed")
endif()
