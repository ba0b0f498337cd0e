#!/bin/sh
# What is marked in the headers of programs and libraries for Windows, and what they load at start: sh programs.sh VERSION FILE...
# ASLR over 64 bits and DEP; only libraries of the system's own; a size that a signature can follow; of a plugin no more is exported than
# the ABI says, and of a program nothing; the version in the resources, and of programs the manifest.
set -u

objdump=x86_64-w64-mingw32-objdump
system='advapi32|bcrypt|crypt32|dbghelp|dnsapi|fwpuclnt|iphlpapi|kernel32|mpr|msvcrt|netapi32|ntdll|ole32|oleaut32|psapi|secur32|shell32|shlwapi|user32|userenv|version|wevtapi|wintrust|ws2_32|wtsapi32'
bad=0
version=$1
shift

complain() {
  echo "$1: $2"
  bad=$((bad + 1))
}

for file in "$@"; do
  head=$("$objdump" -p "$file") || {
    complain "$file" "cannot be read"
    continue
  }
  for mark in HIGH_ENTROPY_VA DYNAMIC_BASE NX_COMPAT; do
    printf '%s\n' "$head" | grep -q "$mark" || complain "$file" "is not marked $mark"
  done
  printf '%s\n' "$head" | grep -q 'Base Relocation Directory \[.reloc\]' || complain "$file" "has no relocations"
  others=$(printf '%s\n' "$head" | sed -n 's/.*DLL Name: //p' | grep -viE "^($system)\.dll\$" | tr '\n' ' ')
  [ -z "$others" ] || complain "$file" "loads what is not the system's: $others"
  exported=$(printf '%s\n' "$head" | sed -n '/^\[Ordinal\/Name Pointer\] Table/,/^$/ s/^[[:space:]]*\[ *[0-9]*\][[:space:]]*//p' | tr '\n' ' ')
  case $file in
  */zoo_*) ;; # some of them are wrong in just that
  *.dll) [ "$exported" = 'cordon_plugin_entry_1 ' ] || complain "$file" "exports not cordon_plugin_entry_1 alone, but: $exported" ;;
  *) [ -z "$exported" ] || complain "$file" "exports: $exported" ;;
  esac
  case $file in
  */zoo_* | */test_*) ;; # of the tests only, without resources
  *)
    strings -el "$file" | grep -qx "$version" || complain "$file" "has not the version $version in its resources"
    case $file in
    *.exe)
      if ! grep -q longPathAware "$file" || ! grep -q activeCodePage "$file"; then
        complain "$file" "has no manifest for long paths and UTF-8"
      fi
      ;;
    esac
    ;;
  esac
  size=$(wc -c <"$file")
  [ $((size % 8)) -eq 0 ] || complain "$file" "its size, $size, is no multiple of 8"
done
[ $# -gt 0 ] || complain "no file" "given"
exit "$bad"
