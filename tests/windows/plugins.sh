#!/bin/sh
# The plugins for Windows, under Wine: sh plugins.sh PREFIX DRIVE PLANT COLLECT REMEDIATE RESPOND PYTHON
# Facts are planted in the prefix, which is made here and removed; the plugin collects through the ABI, and each of them has to be in the package; each source that Wine
# lacks or pretends to have has to say so (collect_facts.py). With CORDON_KEEP the package is copied to the folder of that name.
# The same facts are read out (respond.py), and files are collected by a list (custom.py).
# Then what was planted is remediated, and that is taken back (remediate.py).
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
WINEPREFIX=$1
drive=$2
plant=$3
library=$4
remediate=$5
respond=$6
python=$7
export WINEPREFIX WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
PATH=$PATH:/usr/lib/wine
disk=$WINEPREFIX/drive_c
work=$(mktemp -d)
planted=

# The end of the server is that of every process of the prefix.
clean_up() {
  sh "$here/wine.sh" "$WINEPREFIX" end
  if [ -n "$planted" ]; then
    kill -9 "$planted" 2>/dev/null || true
    wait "$planted" 2>/dev/null || true
  fi
  if [ -n "${CORDON_KEEP:-}" ]; then
    rm -f "$work/stay"
    cp -r "$work" "$CORDON_KEEP"
  fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# shellcheck source=tests/windows/plant.sh
. "$here/plant.sh"

plant_all
out=$work/out
mkdir "$out"
timeout 100 wine "$drive" "$library" cordon.collect/1 run "Z:$out" '{"profile":"standard","action":"7","device":"dev-1"}' \
  >"$work/log" 2>&1 </dev/null || {
  cat "$work/log"
  exit 1
}
"$python" "$here/../unit/plugins/check_package.py" "$out" >"$work/whole" || {
  cat "$work/whole"
  exit 1
}
"$python" "$here/collect_facts.py" "$out" "$(cut -d ' ' -f 1 "$work/port")" "$disk"
"$python" "$here/respond.py" "$work" "$drive" "$respond" "$here/../.." "$(cut -d ' ' -f 1 "$work/port")" "$(cut -d ' ' -f 2 "$work/port")" "$disk"
"$python" "$here/custom.py" "$work" "$drive" "$library" "$disk" "$work/outside"
"$python" "$here/remediate.py" "$work" "$drive" "$remediate" "$out" "$(cut -d ' ' -f 2 "$work/port")"
