#!/bin/sh
# Systems differ by folder: no code outside of platform/windows, plugins/windows, their tests and the ABI's header asks the compiler
# which one it is for: sh seams.sh SOURCE
set -u

cd "$1" || exit 1
found=$(find core platform plugins tests packaging -name '*.[ch]' ! -path 'platform/windows/*' ! -path 'plugins/windows/*' ! -path '*/windows/*' \
  ! -path 'plugins/include/cordon/plugin.h' -exec grep -nE '(ifdef|ifndef|defined|elif).*(_WIN32|_WIN64|__MINGW32__|__MINGW64__|__CYGWIN__|__APPLE__)' {} +)
[ -z "$found" ] || {
  printf 'what is of one system belongs into its folder:\n%s\n' "$found"
  exit 1
}
