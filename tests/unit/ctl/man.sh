#!/bin/sh
# The manual pages have no warnings from whichever formatter is here. Argument: the source folder.
set -u
found=77
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
for page in "$1"/docs/man/cordon.1 "$1"/docs/man/cordond.8; do
  if command -v mandoc >/dev/null; then
    found=0
    mandoc -T lint -W warning "$page" || exit 1
  fi
  if command -v man >/dev/null && command -v groff >/dev/null; then
    found=0
    LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" >/dev/null 2>"$work/warnings" || {
      cat "$work/warnings"
      exit 1
    }
    if [ -s "$work/warnings" ]; then
      cat "$work/warnings"
      exit 1
    fi
  fi
done
exit $found
