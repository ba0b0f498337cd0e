#!/bin/sh
# The WebSocket client over TLS against servers that others wrote, with and without a proxy that others wrote:
#   run.sh ws OURS WORK     npm's ws on node; WORK is a folder for node_modules
#   run.sh lws OURS LWS     libwebsockets on OpenSSL
# Exits with 77 where the other implementation cannot be had.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
peers=$here/../../protocol/ws_peer
kind=$1
ours=$2
server=
proxy=
folder=$(mktemp -d)

clean_up() {
  for pid in $server $proxy; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap clean_up EXIT

skip() {
  echo "skipped: $*"
  exit 77
}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect WHAT SENTENCE-PART ARGUMENT...: what our client says at last.
expect() {
  what=$1
  part=$2
  shift 2
  said=$("$ours" talk "$@" 2>&1) || true
  case $said in
  *"$part"*) echo "ok: $what: $said" ;;
  *) fail "$what: '$said', expected '$part'" ;;
  esac
}

# start_proxy [LINE]: tinyproxy with one more line of configuration; its port is in proxy_port.
start_proxy() {
  proxy_port=$("$ours" port)
  printf 'Port %s\nListen 127.0.0.1\nTimeout 60\nMaxClients 10\nConnectPort %s\nLogLevel Info\n%s\n' \
    "$proxy_port" "$port" "${1:-}" >"$folder/tinyproxy.conf"
  : >"$folder/tinyproxy.log"
  tinyproxy -d -c "$folder/tinyproxy.conf" >"$folder/tinyproxy.log" 2>&1 &
  proxy=$!
  tries=0
  until grep -q 'main loop' "$folder/tinyproxy.log"; do
    kill -0 "$proxy" 2>/dev/null || fail "tinyproxy ended: $(cat "$folder/tinyproxy.log")"
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "tinyproxy is not ready: $(cat "$folder/tinyproxy.log")"
    sleep 0.05
  done
}

stop_proxy() {
  kill "$proxy"
  wait "$proxy" 2>/dev/null || true
  proxy=
}

command -v tinyproxy >/dev/null || skip "tinyproxy is not installed"
"$ours" certs "$folder"

case $kind in
ws)
  sh "$peers/install.sh" "$3" || exit $?
  peer_server() { exec node "$peers/peer.mjs" "$work" server "$folder"; }
  work=$3
  ;;
lws)
  lws=$3
  peer_server() { exec "$lws" server "$folder"; }
  ;;
esac

mkfifo "$folder/said"
peer_server >"$folder/said" &
server=$!
exec 3<"$folder/said"
read -r port <&3 || fail "the server did not say its port"

expect "by name" talked console.test "$port" "$folder" device
expect "by address" talked 127.0.0.1 "$port" "$folder" device
expect "another name" "is for another name" other.test "$port" "$folder" device
expect "a certificate of a foreign CA" "certificate" console.test "$port" "$folder" foreign

start_proxy
expect "through a proxy" talked 127.0.0.1 "$port" "$folder" device "$proxy_port"
stop_proxy

start_proxy "BasicAuth user s3cret-word"
expect "with credentials" talked 127.0.0.1 "$port" "$folder" device "$proxy_port" user s3cret-word
expect "with wrong ones" "refused the user name and password" \
  127.0.0.1 "$port" "$folder" device "$proxy_port" user wrong
expect "with none" "none are configured" 127.0.0.1 "$port" "$folder" device "$proxy_port"
closed=$("$ours" port)
expect "where the proxy may not go" "the proxy would not connect" \
  127.0.0.1 "$closed" "$folder" device "$proxy_port" user s3cret-word
stop_proxy
