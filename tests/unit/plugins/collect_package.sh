#!/bin/sh
# Usage: collect_package.sh DUMP PYTHON CHECK PROFILE. The package of this very machine is whole.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" "$folder" "$4" >"$folder.log" || { cat "$folder.log"; rm -f "$folder.log"; exit 1; }
rm -f "$folder.log"
"$2" "$3" "$folder"
