#!/bin/sh
# Programs for Windows, under Wine, in a prefix of this suite's own: sh wine.sh PREFIX WHAT...
#   make         makes the prefix, as Windows 10, and leaves its server running
#   end          ends the server and what runs in the prefix, and removes the prefix
#   run PROG...  runs a program; its exit code is this script's, modulo 256
# Programs that the server starts would hold on to the output of whoever waits for its end, so they are started without.
set -eu

WINEPREFIX=$1
what=$2
shift 2
export WINEPREFIX WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml=' WINEARCH=win64
# What is on the path when wine's own launcher is not there.
PATH=$PATH:/usr/lib/wine
server=$(command -v wineserver || command -v wineserver64) || {
  echo "wine is missing: run 'sh packaging/deps/install.sh test' first"
  exit 1
}

end() {
  if [ -d "$WINEPREFIX" ]; then
    "$server" -k >/dev/null 2>&1 </dev/null || true
    timeout 20 "$server" -w >/dev/null 2>&1 </dev/null || true
    rm -rf "$WINEPREFIX"
  fi
}

make() {
  end
  mkdir -p "$WINEPREFIX"
  "$server" -p >/dev/null 2>&1 </dev/null
  timeout 120 wine wineboot -i >"$WINEPREFIX/log" 2>&1 </dev/null || return 1
  timeout 60 wine winecfg -v win10 >>"$WINEPREFIX/log" 2>&1 </dev/null || return 1
  # A program that crashes just ends.
  timeout 60 wine reg add 'HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug' /v Debugger /d 'cmd /c exit' /f \
    >>"$WINEPREFIX/log" 2>&1 </dev/null || return 1
  # The service manager that made the prefix starts no service of ours; the next one does.
  "$server" -k >/dev/null 2>&1 </dev/null || true
  timeout 20 "$server" -w >/dev/null 2>&1 </dev/null || true
  "$server" -p >/dev/null 2>&1 </dev/null
  # What the first program brings up would hold on to its output: this one has none.
  timeout 60 wine wineboot >>"$WINEPREFIX/log" 2>&1 </dev/null
}

case $what in
make)
  make || {
    cat "$WINEPREFIX/log"
    echo "the prefix could not be made"
    exit 1
  }
  ;;
end) end ;;
run) exec wine "$@" ;;
*)
  echo "usage: sh wine.sh PREFIX make|end|run PROG..." >&2
  exit 2
  ;;
esac
