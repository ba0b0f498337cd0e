#!/bin/sh
# Builds mbedTLS 3.6 as a static, position-independent library from Debian's source package, for systems
# whose own mbedTLS is older. Keeps the result under ${CORDON_CACHE:-$HOME/.cache/cordon}/deps and does
# nothing when it is there. The last line of the output is the folder to find it in.
set -eu

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

# True if the development package of the system is 3.6 or later (but not 4: that is another API).
system_has_it() {
  version=$(dpkg-query -W -f '${Version}' libmbedtls-dev 2>/dev/null) || return 1
  [ -n "$version" ] && dpkg --compare-versions "$version" ge 3.6 && dpkg --compare-versions "$version" lt 4
}

have_built_it() {
  [ -f "$target/SOURCE" ] && [ -f "$target/lib/libmbedcrypto.a" ] &&
    [ -f "$target/lib/cmake/MbedTLS/MbedTLSConfig.cmake" ]
}

# The mirror the machine already uses for Debian, so that a site with a mirror of its own needs no setting.
find_mirror() {
  if [ -z "$mirror" ]; then
    # shellcheck disable=SC2016 # the $(..) is apt's own format, not the shell's
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
      sed -n 's/ Debian$//p' | head -n 1) || mirror=
  fi
  mirror=${mirror:-http://deb.debian.org/debian}
  mirror=${mirror%/}
}

# Runs apt-get with lists, state, cache and sources of our own. The system's apt.conf (a proxy, say) still
# counts; its sources and lists are neither read nor changed.
private_apt() {
  apt-get -qq \
    -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
    -o Dir::State="$work/state" -o Dir::State::Lists="$work/lists" \
    -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$work/cache" \
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

# Fetches the source package (its signature chain ends at the installed keyring) and unpacks it.
fetch() {
  find_mirror
  [ -f "$keyring" ] || fail "the keyring $keyring is missing: install the package debian-archive-keyring"
  say "fetching the source of $suite from $mirror"
  mkdir -p "$work/state/lists/partial" "$work/lists/partial" "$work/cache/archives/partial"
  printf 'deb-src [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" >"$work/sources.list"
  private_apt update || fail "the source list of $suite could not be fetched from $mirror"
  (cd "$work" && private_apt source --download-only mbedtls) ||
    fail "the source package mbedtls of $suite could not be fetched from $mirror"
  orig=$(find "$work" -maxdepth 1 -name 'mbedtls_*.orig.tar.*' ! -name '*.asc')
  dsc=$(find "$work" -maxdepth 1 -name 'mbedtls_*.dsc')
  if [ ! -f "$orig" ] || [ ! -f "$dsc" ]; then
    fail "the source package mbedtls of $suite is not one archive and one .dsc"
  fi
  # apt has checked both against the signed list already; dpkg-source only unpacks and patches.
  (cd "$work" && dpkg-source --no-check -x "$dsc" source >/dev/null)
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

fetch
case $(source_version) in
3.6.*) ;;
*) fail "$suite has mbedTLS $(source_version), but 3.6 is needed: set CORDON_MBEDTLS_SUITE to a suite that has it" ;;
esac
build
{
  printf 'mbedTLS %s from Debian %s, %s\n' "$(source_version)" "$suite" "$mirror"
  (cd "$work" && sha256sum "${orig##*/}")
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
