#!/bin/sh
# Benchmarks of the agent on a lab device, alone and with the lab's console: sh tests/bench/run.sh. Needs root.
#
# Builds the release unless LAB_BUILD_DIR names a build. BENCH_RUNS (100) isolations with a resident plugin host,
# BENCH_COLD (10) with one that has to be started, BENCH_IDLE_S (20) seconds of watching the agent do nothing.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
runs=${BENCH_RUNS:-100}
cold_runs=${BENCH_COLD:-10}
idle_s=${BENCH_IDLE_S:-20}
[ "$(id -u)" = 0 ] || {
  echo 'tests/bench/run.sh needs root: it starts a lab' >&2
  exit 1
}
work=$(mktemp -d /var/tmp/cordon-bench.XXXXXX)
LAB_DIR=$work/lab
LAB_DEMO=no
export LAB_DIR LAB_DEMO

lab() {
  sh "$root/packaging/lab.sh" "$@"
}

bench_end() {
  rc=$?
  trap - EXIT INT TERM HUP
  lab down >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
  exit $rc
}
trap bench_end EXIT
trap 'exit 1' INT TERM HUP

in_device() {
  lab exec desk-1 -- sh -s "$@" <"$root/tests/bench/device.sh"
}

# quantiles FILE NAME TEXT: a row with the count, the median, the 99th percentile and the worst.
quantiles() {
  sed -n "s/^$2 //p" "$work/$1" | sort -n | awk -v text="$3" '
    { value[NR] = $1 }
    function at(q) { i = int(q * NR + 0.999999); return value[i < 1 ? 1 : i] }
    END { if (NR) printf "  %-44s %5d %9.1f %9.1f %9.1f\n", text, NR, at(0.5), at(0.99), value[NR]
          else printf "  %-44s  none\n", text }'
}

value() {
  sed -n "s/^$2 //p" "$work/$1"
}

latency_table() {
  printf '\n%s\n  %-44s %5s %9s %9s %9s\n' "$2" milliseconds runs p50 p99 max
  quantiles "$1" enforced 'isolate: order to enforced'
  quantiles "$1" proven 'isolate: order to proven by probes'
  quantiles "$1" isolate_wall 'isolate: the whole command'
  quantiles "$1" released 'release: order to released'
  quantiles "$1" release_wall 'release: the whole command'
}

lab up
echo
echo "Cordon benchmarks on $(uname -sr), $(getconf _NPROCESSORS_ONLN) processors, load $(cut -d ' ' -f 1-3 /proc/loadavg)"

in_device idle "$idle_s" 0 >"$work/idle.released"
in_device restore "$runs" >"$work/restore"
in_device latency "$cold_runs" cold >"$work/cold"
in_device hosts >"$work/hosts"
in_device latency "$runs" resident >"$work/resident"
lab exec console -- sh -s latency "$runs" <"$root/tests/bench/console.sh" >"$work/chain"
lab exec desk-1 -- cordon local isolate </dev/null >/dev/null 2>&1
in_device idle "$idle_s" 1 >"$work/idle.isolated"
lab exec desk-1 -- cordon local release </dev/null >/dev/null 2>&1

latency_table cold 'With a plugin host that has to be started'
latency_table resident 'With a plugin host that runs already'

printf '\n%s\n  %-44s %5s %9s %9s %9s\n' 'From the console to the device and back' milliseconds runs p50 p99 max
quantiles chain enforced 'isolate: order at the console to enforced'
quantiles chain proven 'isolate: order at the console to proven'
quantiles chain told 'isolate: until the console has the result'
quantiles chain isolate_wall 'isolate: the whole command, with --wait'
quantiles chain release_wall 'release: the whole command, with --wait'

printf '\n%s\n  %-44s %5s %9s %9s %9s\n' 'A plugin host: process, confinement, library, checks' milliseconds runs p50 p99 max
quantiles hosts cold 'fork to HELLO'

printf '\n%s\n  %-44s %5s %9s %9s %9s\n' 'At boot: cordond --restore' milliseconds runs p50 p99 max
quantiles restore restore 'an isolation is put back in force'
quantiles restore restore_idle 'nothing is wanted'

printf '\n%s\n  %-44s %12s %12s\n' "The agent doing nothing, for $idle_s s" '' released isolated
for row in 'processes:agent processes' 'pss:proportional memory (PSS), KiB' 'uss:private memory (USS), KiB' \
  'rss:resident memory (RSS), KiB' 'wakeups:context switches' 'cpu_ms:processor time, ms'; do
  printf '  %-44s %12s %12s\n' "${row#*:}" "$(value idle.released "${row%%:*}")" "$(value idle.isolated "${row%%:*}")"
done
