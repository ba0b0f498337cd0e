#!/bin/sh
# Files taken into quarantine and given back by the plugin for Windows, under Wine: sh quarantine.sh PREFIX DRIVE LIBRARY PLANT PYTHON
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix=$1
drive=$2
library=$3
plant=$4
python=$5
WINEPREFIX=$prefix
export WINEPREFIX WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
PATH=$PATH:/usr/lib/wine
work=$(mktemp -d)

clean_up() {
  rm -rf "$work" "$prefix"/drive_c/cordon-quarantine-*
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

"$python" "$here/quarantine.py" "$work" "$drive" "$library" "$plant" "$prefix"
