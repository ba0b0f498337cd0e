#!/bin/sh
# The WebSocket codec against another implementation, in both roles, over loopback:
#   run.sh ws OURS WORK     npm's ws; WORK is a folder for node_modules
#   run.sh lws OURS LWS     libwebsockets
# Exits with 77 where the other implementation cannot be had.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
kind=$1
ours=$2
server=
folder=$(mktemp -d)

clean_up() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap clean_up EXIT

# Starts a server; its first line is its port, and what it says later is read from descriptor 3. A server
# that dies closes the pipe; ctest has the deadline for one that hangs.
start() {
  rm -f "$folder/said"
  mkfifo "$folder/said"
  "$@" >"$folder/said" &
  server=$!
  exec 3<"$folder/said"
  read -r port <&3 || {
    echo "the server did not say its port" >&2
    exit 1
  }
}

case $kind in
ws)
  work=$3
  sh "$here/install.sh" "$work" || exit $?
  peer_server() { exec node "$here/peer.mjs" "$work" server; }
  peer_client() { node "$here/peer.mjs" "$work" client "$1"; }
  connections=15
  all=all
  ;;
lws)
  lws=$3
  peer_server() { exec "$lws" server; }
  peer_client() { "$lws" client "$1"; }
  connections=2
  all=
  ;;
esac

echo "== our client, its server"
start peer_server
# shellcheck disable=SC2086 # empty or one word
"$ours" client "$port" $all
kill "$server"
wait "$server" 2>/dev/null || true

echo "== its client, our server"
start "$ours" server "$connections"
peer_client "$port"
wait "$server" || {
  echo "our server failed" >&2
  exit 1
}
server=
cat <&3
