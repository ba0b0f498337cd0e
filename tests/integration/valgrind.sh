#!/bin/sh
# Usage: valgrind.sh [BUILD [ACTIONS]]. An agent and its plugin hosts under valgrind isolate and release a network space
# of their own, 200 actions in all; every process must end without an error and without a definite leak.
# Ends with 77 (skipped) where it is not root or valgrind is not installed.
set -eu

if [ "${CORDON_VALGRIND_INSIDE:-}" != yes ]; then
  [ "$(id -u)" -eq 0 ] || exit 77
  command -v valgrind >/dev/null || exit 77
  CORDON_VALGRIND_INSIDE=yes exec unshare --net --mount --propagation private -- sh "$0" "$@"
fi

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=${1:-$root/.build/dev}
actions=${2:-200}
work=$build/valgrind
agent=
state=

fail() {
  echo "$*" >&2
  tail -n 40 "$work/agent.log" >&2 || true
  exit 1
}

clean_up() {
  if [ -n "$agent" ]; then
    kill -TERM "$agent" 2>/dev/null || true
    wait "$agent" 2>/dev/null || true
  fi
  rm -rf "$state"
}

cordon() {
  "$build/core/ctl/cordon" local "$@" --socket "$work/run/control.sock"
}

digest() {
  sha256sum "$1" | cut -d ' ' -f 1
}

rm -rf "$work"
mkdir -p "$work/plugins" "$work/run" "$work/logs"
chmod 755 "$work" "$work/plugins" "$work/run"
# Plugins run as another user, whose valgrind writes a log as well.
chmod 1777 "$work/logs"
trap clean_up EXIT
state=$(mktemp -d /run/cordon-valgrind.XXXXXX)
chmod 711 "$state"

ip link set lo up
ip link add eth0 type veth peer name far0
ip address add 10.99.0.2/24 dev eth0
ip address add fd99::2/64 dev eth0 nodad
ip link set eth0 up
ip link set far0 up
ip route add default via 10.99.0.1
ip route add default via fd99::1

# The provider with room for valgrind's own memory, which counts as the plugin's; and without what valgrind
# does not let a program do: lowering its limit of descriptors. Its host is one that loads no system call filter.
# shellcheck disable=SC3045 # dash and bash have -n
ulimit -n 1024
files=$(valgrind --quiet sh -c 'ulimit -H -n')
cp "$build/plugins/providers/nftables/cordon-nftables.so" "$work/plugins"
sed 's/"memory_mb": [0-9]*/"memory_mb": 4096/; s/"cpu_s": [0-9]*/"cpu_s": 3600/; s/"files": [0-9]*/"files": '"$files"'/
  s/"\([a-z]*\)": \([0-9]*0000\)\([ ,}]\)/"\1": 120000\3/g' \
  "$build/plugins/providers/nftables/cordon-nftables.json" >"$work/plugins/cordon-nftables.json"
cat >"$work/trust.json" <<END
{ "plugins": [ { "id": "org.cordon.nftables",
    "library": "sha256:$(digest "$work/plugins/cordon-nftables.so")",
    "manifest": "sha256:$(digest "$work/plugins/cordon-nftables.json")" } ] }
END
cat >"$work/cordond.json" <<END
{ "providers": { "isolate": ["org.cordon.nftables"] }, "plugins": { "user": "nobody" } }
END
cat >"$work/selective.json" <<END
{ "exclusions": [ { "direction": "out", "address": "198.51.100.0/24", "protocol": "tcp", "port": "443" } ] }
END
chmod 644 "$work"/*.json "$work/plugins"/*

valgrind --quiet --trace-children=yes --vgdb=no --suppressions="$root/tests/integration/valgrind.supp" \
  --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=99 \
  --log-file="$work/logs/%p" \
  "$build/core/agent/cordond" --config "$work/cordond.json" --trust "$work/trust.json" --state-dir "$state" \
  --run-dir "$work/run" --plugin-dir "$work/plugins" --plugin-host "$build/tests/integration/host_without_filter" \
  >"$work/agent.log" 2>&1 &
agent=$!
tries=600
until cordon status >/dev/null 2>&1; do
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ] || ! kill -0 "$agent" 2>/dev/null; then
    fail 'the agent does not answer'
  fi
  sleep 0.1
done

count=0
while [ "$count" -lt "$actions" ]; do
  case $((count % 4)) in
  0) set -- isolate ;;
  2) set -- isolate --selective "$work/selective.json" ;;
  *) set -- release ;;
  esac
  cordon "$@" --timeout 300 >"$work/out" 2>&1 || fail "action $((count + 1)), $*, failed: $(cat "$work/out")"
  count=$((count + 1))
done
cordon plugins >/dev/null

kill -TERM "$agent"
code=0
wait "$agent" || code=$?
agent=
[ "$code" -eq 0 ] || fail "the agent ended with $code"
logs=$(find "$work/logs" -type f | wc -l)
[ "$logs" -ge 2 ] || fail "only $logs processes ran under valgrind"
# Lines of `==PID==` are complaints about the program; those of `--PID--` say what valgrind itself does not know,
# such as Landlock, which the host then does without.
if grep -rhq '^==' "$work/logs"; then
  grep -rh '^==' "$work/logs"
  fail 'valgrind has complaints, see above'
fi
echo "$count actions, $logs processes, no complaints"
