#!/bin/sh
# Builds the libraries of the Windows agent as static libraries for x86_64-w64-mingw32, from Debian's source packages:
#   sh packaging/deps/windows.sh [NAME]...
# Without names all of them; each one that is there, built from these very lines, is left alone. They lie under
# ${CORDON_CACHE:-$HOME/.cache/cordon}/deps/windows-x86_64, with what each was built from in sources/NAME. The last line of the output
# is that folder. The mark of time and the folder of the build do not show in the libraries: the same sources give the same bytes.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# The first that has the package.
suites=${CORDON_WINDOWS_SUITES:-trixie bookworm}
mirror=${CORDON_WINDOWS_MIRROR:-}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
target=$cache/deps/windows-x86_64
triple=x86_64-w64-mingw32
jobs=$(getconf _NPROCESSORS_ONLN)
all="libuv mbedtls cjson zlib check libarchive sqlite curl"
work=
export SOURCE_DATE_EPOCH=0 LC_ALL=C TZ=UTC

say() {
  printf 'windows: %s\n' "$*" >&2
}

fail() {
  say "$*"
  exit 1
}

clean_up() {
  if [ -n "$work" ]; then
    rm -rf "$work"
  fi
}

# shellcheck source=packaging/deps/source.sh
. "$here/source.sh"

# The digest of how a library is built: one whose recipe has changed since is built again.
recipe() {
  sed -n -e '/^flags() {/,/^}/p' -e '/^with_cmake() {/,/^}/p' -e "/^build_$1() {/,/^}/p" "$here/windows.sh" |
    cat - "$here/windows.toolchain.cmake" | sha256sum | cut -d ' ' -f 1
}

have_built_it() {
  [ -f "$target/sources/$1" ] && grep -qx "recipe $(recipe "$1")" "$target/sources/$1"
}

# The name of the Debian source package.
package_of() {
  case $1 in
  libuv) echo libuv1 ;;
  sqlite) echo sqlite3 ;;
  *) echo "$1" ;;
  esac
}

flags() {
  echo "-O2 -g0 -fstack-protector-strong -D_WIN32_WINNT=0x0A00 -ffile-prefix-map=$work=deps"
}

# with_cmake NAME OPTION...: configures, builds and installs $work/NAME into $work/out.
with_cmake() {
  name=$1
  shift
  cmake -S "$work/$name" -B "$work/build-$name" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$here/windows.toolchain.cmake" \
    -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="$(flags)" -DCMAKE_INSTALL_PREFIX="$work/out" -DCMAKE_INSTALL_LIBDIR=lib \
    -DBUILD_SHARED_LIBS=OFF "$@" &&
    cmake --build "$work/build-$name" --parallel "$jobs" &&
    cmake --install "$work/build-$name"
}

# pc NAME VERSION CFLAGS LIBS: what pkg-config says of a library that is only ever linked statically.
pc() {
  mkdir -p "$work/out/lib/pkgconfig"
  cat >"$work/out/lib/pkgconfig/$1.pc" <<END
prefix=\${pcfiledir}/../..
Name: $1
Description: $1, static
Version: $2
Cflags: -I\${prefix}/include $3
Libs: -L\${prefix}/lib $4
END
}

build_libuv() {
  with_cmake libuv -DLIBUV_BUILD_SHARED=OFF -DLIBUV_BUILD_TESTS=OFF -DLIBUV_BUILD_BENCH=OFF &&
    { [ -f "$work/out/lib/libuv.a" ] || mv "$work/out/lib/libuv_a.a" "$work/out/lib/libuv.a"; } &&
    pc libuv "$version" -D_WIN32_WINNT=0x0A00 \
      "-luv -lpsapi -luser32 -ladvapi32 -liphlpapi -luserenv -lws2_32 -ldbghelp -lole32 -lshell32"
}

build_mbedtls() {
  with_cmake mbedtls -DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF -DMBEDTLS_FATAL_WARNINGS=OFF \
    -DUSE_STATIC_MBEDTLS_LIBRARY=ON -DUSE_SHARED_MBEDTLS_LIBRARY=OFF
}

# Its header asks for every function to be exported by whatever library it is linked into, unless it is told to hide them.
build_cjson() {
  with_cmake cjson -DCMAKE_C_FLAGS="$(flags) -DCJSON_HIDE_SYMBOLS" -DENABLE_PUBLIC_SYMBOLS=OFF -DENABLE_CJSON_TEST=OFF \
    -DENABLE_CUSTOM_COMPILER_FLAGS=OFF &&
    pc libcjson "$version" -DCJSON_HIDE_SYMBOLS -lcjson
}

# Debian's archive has no win32 folder, without which its CMake description fails.
build_zlib() {
  mkdir -p "$work/build-zlib" "$work/out/include" "$work/out/lib"
  for part in adler32 compress crc32 deflate gzclose gzlib gzread gzwrite infback inffast inflate inftrees trees uncompr zutil; do
    # shellcheck disable=SC2046 # the flags are meant to split
    "$triple-gcc" $(flags) -I"$work/zlib" -c "$work/zlib/$part.c" -o "$work/build-zlib/$part.o" || return 1
  done
  "$triple-ar" rcsD "$work/out/lib/libz.a" "$work/build-zlib"/*.o &&
    cp "$work/zlib/zlib.h" "$work/zlib/zconf.h" "$work/out/include/" &&
    pc zlib "$version" '' -lz
}

build_check() {
  # Formats of C99, checked as such, not those of msvcrt.
  sed -i 's/__attribute__ ((format (a, b, c)))/__attribute__ ((format (gnu_##a, b, c)))/' "$work/check/src/check.h.in"
  with_cmake check -DCMAKE_C_FLAGS="$(flags) -D__USE_MINGW_ANSI_STDIO=1" -DCHECK_ENABLE_TESTS=OFF -DCHECK_ENABLE_SUBUNIT=OFF -DENABLE_MEMORY_LEAKING_TESTS=OFF \
    -DINSTALL_CHECKMK=OFF &&
    pc check "$version" '' "-lcheck -lpthread"
}

build_libarchive() {
  off=
  for what in OPENSSL MBEDTLS NETTLE LIBB2 LZ4 LZO LZMA ZSTD BZip2 LIBXML2 EXPAT PCREPOSIX PCRE2POSIX CNG ACL XATTR ICONV TAR CPIO \
    CAT UNZIP TEST WERROR; do
    off="$off -DENABLE_$what=OFF"
  done
  # shellcheck disable=SC2086 # one option per word
  with_cmake libarchive $off -DENABLE_ZLIB=ON -DPOSIX_REGEX_LIB=NONE -DENABLE_INSTALL=ON &&
    pc libarchive "$version" -DLIBARCHIVE_STATIC "-larchive -lz"
}

# The amalgamation is made by this machine's tools and compiled for the other.
build_sqlite() {
  mkdir -p "$work/build-sqlite" "$work/out/include" "$work/out/lib"
  (cd "$work/build-sqlite" && ../sqlite/configure --disable-readline --disable-tcl && make sqlite3.c) || return 1
  # shellcheck disable=SC2046 # the flags are meant to split
  "$triple-gcc" $(flags) -DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_DQS=0 -DSQLITE_DEFAULT_MEMSTATUS=0 \
    -DSQLITE_SECURE_DELETE -c "$work/build-sqlite/sqlite3.c" -o "$work/build-sqlite/sqlite3.o" &&
    "$triple-ar" rcsD "$work/out/lib/libsqlite3.a" "$work/build-sqlite/sqlite3.o" &&
    cp "$work/build-sqlite/sqlite3.h" "$work/out/include/" &&
    pc sqlite3 "$version" '' -lsqlite3
}

# HTTPS only. Its TLS is the one that the agent has. mbedTLS 3.6 looks whether the settings of a connection are whole when it is given
# them; curl before 8.9 does that before the last one is made, so the call is moved behind it.
build_curl() {
  awk '
    /^  if\(mbedtls_ssl_setup\(&backend->ssl, &backend->config\)\) \{$/ { moving = 1 }
    moving { held = held $0 "\n"; if (/^  }$/) moving = 0; next }
    /^  mbedtls_ssl_set_bio\(/ { printf "%s", held; held = "" }
    { print }
    END { exit held != "" }
  ' "$work/curl/lib/vtls/mbedtls.c" >"$work/mbedtls.c" && mv "$work/mbedtls.c" "$work/curl/lib/vtls/mbedtls.c" || return 1
  with_cmake curl -DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF -DBUILD_LIBCURL_DOCS=OFF -DBUILD_MISC_DOCS=OFF -DENABLE_CURL_MANUAL=OFF \
    -DHTTP_ONLY=ON -DCURL_USE_MBEDTLS=ON -DCURL_USE_OPENSSL=OFF -DCURL_USE_SCHANNEL=OFF -DCURL_USE_LIBPSL=OFF -DCURL_USE_LIBSSH2=OFF \
    -DUSE_NGHTTP2=OFF -DUSE_LIBIDN2=OFF -DUSE_WIN32_IDN=OFF -DCURL_ZLIB=OFF -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF -DENABLE_ARES=OFF \
    -DCURL_DISABLE_LDAP=ON -DENABLE_UNICODE=ON -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none &&
    pc libcurl "$version" -DCURL_STATICLIB \
      "-lcurl -lmbedtls -lmbedx509 -lmbedcrypto -lws2_32 -lbcrypt -lcrypt32 -ladvapi32 -liphlpapi"
}

fetch() {
  for suite in $suites; do
    use_suite "$suite"
    fetch_source "$1" "$name" && return 0
  done
  fail "the source package $1 could not be fetched from $mirror, suites: $suites"
}

# Fetches, builds and moves one library into the target, its mark last: a build that was cut short leaves none.
make_one() {
  name=$1
  fetch "$(package_of "$name")"
  version=${dsc##*_}
  version=${version%.dsc}
  say "building $name $version"
  rm -rf "$work/out"
  mkdir -p "$work/out"
  upstream=$version
  version=${version%-*}
  "build_$name" >"$work/log-$name" 2>&1 || {
    tail -n 40 "$work/log-$name" >&2
    fail "the build of $name failed; the end of its log is above"
  }
  mkdir -p "$target/sources"
  rm -f "$target/sources/$name"
  # A linker takes an import library before a static one.
  rm -rf "$work/out/share" "$work/out/bin" "$work/out/lib"/*.dll.a
  cp -a "$work/out/." "$target/"
  {
    printf '%s %s from Debian %s, %s\n' "$name" "$upstream" "$suite" "$mirror"
    (cd "${orig%/*}" && sha256sum "${orig##*/}" "${dsc##*/}")
    printf 'recipe %s\n' "$(recipe "$name")"
  } >"$target/sources/.$name"
  mv "$target/sources/.$name" "$target/sources/$name"
}

# shellcheck disable=SC2086 # a word for each
[ $# -gt 0 ] || set -- $all
wanted=
for name in "$@"; do
  case " $all " in
  *" $name "*) ;;
  *) fail "there is no library '$name' here; there are: $all" ;;
  esac
  have_built_it "$name" || wanted="$wanted $name"
done
if [ -n "$wanted" ]; then
  for tool in apt-get dpkg-source cmake ninja make cc tclsh "$triple-gcc" "$triple-ar" flock; do
    command -v "$tool" >/dev/null || fail "$tool is missing: run 'sh packaging/deps/install.sh build' first"
  done
  mkdir -p "$cache/deps"
  trap clean_up EXIT
  trap 'exit 130' INT TERM HUP
  # One at a time: they share the target.
  exec 9>"$cache/deps/.windows.lock"
  flock -w 1800 9 || fail "another run has been building for half an hour"
  work=$(mktemp -d "$cache/deps/.windows.XXXXXX")
  for name in $wanted; do
    have_built_it "$name" || make_one "$name"
  done
fi
echo "$target"
