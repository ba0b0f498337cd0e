#!/bin/sh
# Builds mbedTLS 3.6 as a static, position-independent library from Debian's source package, for systems
# whose own mbedTLS is older. Keeps the result under ${CORDON_CACHE:-$HOME/.cache/cordon}/deps and does
# nothing when it is there. The last line of the output is the folder to find it in.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
suite=${CORDON_MBEDTLS_SUITE:-trixie}
mirror=${CORDON_MBEDTLS_MIRROR:-}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
target=$cache/deps/mbedtls-3.6
work=

say() {
  printf 'mbedtls: %s\n' "$*" >&2
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

# True if the development package of the system is 3.6 or later (but not 4: that is another API).
system_has_it() {
  version=$(dpkg-query -W -f '${Version}' libmbedtls-dev 2>/dev/null) || return 1
  [ -n "$version" ] && dpkg --compare-versions "$version" ge 3.6 && dpkg --compare-versions "$version" lt 4
}

have_built_it() {
  [ -f "$target/SOURCE" ] && [ -f "$target/lib/libmbedcrypto.a" ] &&
    [ -f "$target/lib/cmake/MbedTLS/MbedTLSConfig.cmake" ]
}

source_version() {
  sed -n 's/^#define MBEDTLS_VERSION_STRING  *"\(.*\)".*/\1/p' "$work/source/include/mbedtls/build_info.h"
}

build() {
  say "building mbedTLS $(source_version), about a minute"
  {
    cmake -S "$work/source" -B "$work/build" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
      -DCMAKE_INSTALL_PREFIX="$work/out" -DCMAKE_INSTALL_LIBDIR=lib \
      -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
      -DCMAKE_C_FLAGS="-fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$work=mbedtls" \
      -DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF -DMBEDTLS_FATAL_WARNINGS=OFF \
      -DUSE_STATIC_MBEDTLS_LIBRARY=ON -DUSE_SHARED_MBEDTLS_LIBRARY=OFF &&
      cmake --build "$work/build" --parallel "$(getconf _NPROCESSORS_ONLN)" &&
      cmake --install "$work/build"
  } >"$work/log" 2>&1 || {
    tail -n 40 "$work/log" >&2
    fail "the build failed; the end of its log is above"
  }
}

if system_has_it; then
  say "the system's own mbedTLS $version will do"
  echo /usr
  exit 0
fi
if have_built_it; then
  echo "$target"
  exit 0
fi

for tool in apt-get dpkg-source cmake cc; do
  command -v "$tool" >/dev/null || fail "$tool is missing: run 'sh packaging/deps/install.sh build' first"
done
mkdir -p "$cache/deps"
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
# Beside the target, so that the finished tree moves there in one step.
work=$(mktemp -d "$cache/deps/.mbedtls.XXXXXX")

use_suite "$suite"
fetch_source mbedtls source || fail "the source package mbedtls of $suite could not be fetched from $mirror"
case $(source_version) in
3.6.*) ;;
*) fail "$suite has mbedTLS $(source_version), but 3.6 is needed: set CORDON_MBEDTLS_SUITE to a suite that has it" ;;
esac
build
{
  printf 'mbedTLS %s from Debian %s, %s\n' "$(source_version)" "$suite" "$mirror"
  (cd "${orig%/*}" && sha256sum "${orig##*/}")
} >"$work/out/SOURCE"

if ! mv -T "$work/out" "$target" 2>/dev/null; then
  # Something half-made is in the way, or another run was faster; its result is as good as ours.
  if ! have_built_it; then
    rm -rf "$target"
    mv -T "$work/out" "$target"
  fi
fi
say "$(head -n 1 "$target/SOURCE")"
echo "$target"
