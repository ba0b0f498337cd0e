#!/bin/sh
# install.sh WORK: npm's ws into the folder WORK, once for each lock file. Exits with 77 where it cannot be had.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$1

skip() {
  echo "skipped: $*"
  exit 77
}

command -v node >/dev/null || skip "node is not installed, so npm's ws cannot be the other end"
command -v npm >/dev/null || skip "npm is not installed, so npm's ws cannot be the other end"
mkdir -p "$work"
if ! cmp -s "$here/package-lock.json" "$work/installed-lock.json"; then
  cp "$here/package.json" "$here/package-lock.json" "$work/"
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund) >"$work/npm.log" 2>&1 ||
    skip "npm ci could not install ws: $(grep -m 1 'npm error' "$work/npm.log" || tail -n 1 "$work/npm.log")"
  cp "$here/package-lock.json" "$work/installed-lock.json"
fi
