#!/bin/sh
# Benchmarks of the agent on a lab device, alone and with the lab's console, and of a console with a fleet: sh tests/bench/run.sh.
# Needs root, and the packages of `packaging/deps/install.sh bench`. The numbers stand in docs/architecture.md.
#
# The agent for Windows is measured where there is a build of the presets `windows` and `dev` (BENCH_WINDOWS, BENCH_NATIVE), under Wine.
#
# Builds the release unless LAB_BUILD_DIR names a build. BENCH_RUNS (100) isolations with a resident plugin host,
# BENCH_COLD (10) with one that has to be started, BENCH_IDLE_S (60) seconds of watching everybody do nothing,
# BENCH_DEVICES (2000) at the console.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
runs=${BENCH_RUNS:-100}
cold_runs=${BENCH_COLD:-10}
idle_s=${BENCH_IDLE_S:-60}
fleet=${BENCH_DEVICES:-2000}
[ $# = 0 ] || {
  echo 'usage: sh tests/bench/run.sh; it takes its numbers from the environment: see its first lines' >&2
  exit 2
}
[ "$(id -u)" = 0 ] || {
  echo 'tests/bench/run.sh needs root: it starts a lab' >&2
  exit 1
}
work=$(mktemp -d /var/tmp/cordon-bench.XXXXXX)
LAB_DIR=$work/lab
LAB_DEMO=no
: "${LAB_RELAY_PORT:=$((20000 + $$ % 12000))}"
export LAB_DIR LAB_DEMO LAB_RELAY_PORT

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

# target TEXT VALUE LIMIT UNIT: whether it is met; a value that is none is not.
target() {
  awk -v text="$1" -v value="$2" -v limit="$3" -v unit="$4" 'BEGIN {
    met = value ~ /^[0-9.]+$/ && value + 0 <= limit + 0
    printf "  %-52s %9s %9s %-4s %s\n", text, value, limit, unit, met ? "met" : "NOT MET"
  }'
}

# quantile FILE NAME Q
quantile() {
  sed -n "s/^$2 //p" "$work/$1" | sort -n | awk -v q="$3" '
    { value[NR] = $1 }
    END { if (!NR) print "none"; else { i = int(q * NR + 0.999999); print value[i < 1 ? 1 : i] } }'
}

# spread FILE NAME TEXT: a row with the count, the median, and from the least to the most.
spread() {
  sed -n "s/^$2 //p" "$work/$1" | sort -n | awk -v text="$3" '
    { value[NR] = $1 }
    END { if (NR) printf "  %-44s %5d %9.2f  from %.2f to %.2f\n", text, NR, value[int((NR + 1) / 2)], value[1], value[NR]
          else printf "  %-44s  none\n", text }'
}

# share FILE NAME: milliseconds of processor time in the idle time, in percent of a core.
share() {
  value "$1" "$2" | awk -v s="$idle_s" '{ printf "%.3f\n", $1 / s / 10 }'
}

# ratio FILE ONE OTHER: of the medians.
ratio() {
  awk -v one="$(quantile "$1" "$2" 0.5)" -v other="$(quantile "$1" "$3" 0.5)" '
    BEGIN { if (other + 0 > 0) printf "%.2f\n", one / other; else print "none" }'
}

kilobytes() {
  awk -v kb="$1" 'BEGIN { if (kb == "") print "none"; else printf "%.2f\n", kb / 1024 }'
}

# In a network space of its own, on the loopback only.
run_fleet() {
  unshare --net sh -c 'ip link set lo up && exec "$@"' sh "$1" "$fleet" "$idle_s" 2>"$work/fleet.log"
}

# Nothing where it was not built.
run_windows() {
  windows=${BENCH_WINDOWS:-$root/.build/windows}
  : >"$work/windows"
  [ -f "$windows/core/agent/cordond.exe" ] || return 0
  python3 -B "$root/tests/bench/windows.py" "$root" "$windows" "${BENCH_NATIVE:-$root/.build/dev}" 5 "$idle_s" >"$work/windows" 2>"$work/windows.log" ||
    tail -n 5 "$work/windows.log" >&2
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
: "${LAB_BUILD_DIR:=$root/.build/release}"
if [ "$LAB_BUILD_DIR" = "$root/.build/release" ]; then
  (cd "$root" && cmake --preset release -DCORDON_LAB=ON -DCORDON_BENCH=ON && cmake --build --preset release --target bench_fleet) >"$work/build" 2>&1 || {
    tail -n 40 "$work/build" >&2
    exit 1
  }
fi
echo
echo "Cordon benchmarks on $(uname -sr), $(getconf _NPROCESSORS_ONLN) processors, load $(cut -d ' ' -f 1-3 /proc/loadavg)"

in_device idle "$idle_s" 0 >"$work/idle.released"
# Before the many orders that are given on the device: the console takes the results of sixty such in a minute, and the others wait.
lab exec console -- sh -s latency "$runs" 2 <"$root/tests/bench/console.sh" >"$work/chain"
lab exec console -- sh -s latency "$cold_runs" 7 <"$root/tests/bench/console.sh" >"$work/chain_cold"
in_device restore "$runs" >"$work/restore"
for other in zabbix_agentd collectd; do
  in_device other "$idle_s" "$other" >"$work/idle.$other"
done
in_device latency "$cold_runs" cold >"$work/cold"
in_device hosts >"$work/hosts"
in_device latency "$runs" resident >"$work/resident"
lab exec desk-1 -- cordon local isolate </dev/null >/dev/null 2>&1
in_device idle "$idle_s" 1 >"$work/idle.isolated"
lab exec desk-1 -- sh -s flush "$runs" <"$root/tests/bench/repair.sh" >"$work/flush"
lab exec desk-1 -- sh -s proof 6 <"$root/tests/bench/repair.sh" >"$work/proof"
lab exec desk-1 -- cordon local release </dev/null >/dev/null 2>&1
sh "$root/tests/bench/upload.sh" "$root/packaging/lab.sh" 3 >"$work/upload"
python3 "$root/tests/bench/journal.py" 150000 >"$work/journal"
lab exec desk-1 -- sh -s 300 200000 5 "$work/journal" <"$root/tests/bench/package.sh" >"$work/package"
lab down >/dev/null
run_windows
run_fleet "$LAB_BUILD_DIR/tests/bench/bench_fleet" >"$work/fleet" || tail -n 5 "$work/fleet" "$work/fleet.log" >&2

latency_table cold 'With a plugin host that has to be started'
latency_table resident 'With a plugin host that runs already'

printf '\n%s\n  %-44s %5s %9s %9s %9s\n' 'From the console to the device and back' milliseconds runs p50 p99 max
quantiles chain enforced 'isolate: order at the console to enforced'
quantiles chain proven 'isolate: order at the console to proven'
quantiles chain_cold enforced 'the same, the plugin host to be started first'
quantiles chain told 'isolate: until the console has the result'
quantiles chain isolate_wall 'isolate: the whole command, with --wait'
quantiles chain release_wall 'release: the whole command, with --wait'

printf '\n%s\n  %-44s %5s %9s %9s %9s\n' 'A plugin host: process, confinement, library, checks' milliseconds runs p50 p99 max
quantiles hosts cold 'fork to HELLO'

package_table() {
  printf '\n%s\n  %-44s %5s %9s %9s %9s\n' "An investigation package: $2" milliseconds runs p50 p99 max
  quantiles package "$1wall" 'profile standard: the whole command'
  quantiles package "$1zip" 'beside it: zip -r of the same bytes'
  spread package "$1ratio" 'times the wall of zip -r, run by run'
  printf '  %-44s %5s %9s\n' 'processor time of the collector, of a run' '' "$(value package "$1cpu")"
  printf '  %-44s %5s %9s\n' 'bytes, of its zip, of the other zip' '' "$(value package "$1bytes") $(value package "$1zip_bytes") $(value package "$1other_bytes")"
}
package_table plain_ '300 processes'
package_table used_ '300 processes, 200,000 files, a journal'
package_table temp_ '300 processes, 200,000 files in /tmp'
quantiles package tree 'beside it: zip -r of the 200,000 files'
quantiles package extended 'profile extended: the whole command'
quantiles package find 'beside it: find | sha256sum of its programs'

printf '\n%s\n  %-44s %5s %9s %9s %9s\n' 'A package on its way home, from the first byte' milliseconds runs p50 p99 max
quantiles upload upload 'until the console has it, on disk and hashed'
quantiles upload copy 'beside it: socat over mutual TLS, the bytes'
quantiles upload copied 'and until they are on disk and hashed'
printf '  %-44s %5s %9s\n' 'bytes' '' "$(quantile upload upload_bytes 0.5)"

printf '\n%s\n  %-44s %5s %9s %9s %9s\n' 'Kept: after nft flush ruleset, by root' milliseconds runs p50 p99 max
quantiles flush restored 'until the rules are back'
quantiles flush proven_again 'until they are proven again'
printf '  %-44s %5s %9s\n' 'one proof, processor time of all processes' '' "$(value proof proof_ms)"

printf '\n%s\n  %-44s %5s %9s %9s %9s\n' 'At boot: cordond --restore' milliseconds runs p50 p99 max
quantiles restore restore 'an isolation is put back in force'
quantiles restore restore_idle 'nothing is wanted'

printf '\n%s\n  %-36s %12s %12s %12s %12s\n' "Agents doing nothing, for $idle_s s" '' released isolated zabbix-agent collectd
for row in 'processes:processes' 'pss:proportional memory (PSS), KiB' 'uss:private memory (USS), KiB' \
  'rss:resident memory (RSS), KiB' 'wakeups:context switches' 'cpu_ms:processor time, ms'; do
  name=${row%%:*}
  printf '  %-36s %12s %12s %12s %12s\n' "${row#*:}" "$(value idle.released "$name")" "$(value idle.isolated "$name")" \
    "$(value idle.zabbix_agentd "$name")" "$(value idle.collectd "$name")"
done

printf '\n%s\n' "A console with $fleet devices, each with mutual TLS"
for row in 'connected:connected' 'still_connected:connected at the end' 'enrolled_per_s:enrolled in a second, one after the other' \
  'connected_per_s:connected in a second, one after the other' 'rss_empty:console, resident memory (RSS) without devices, KiB' \
  'rss_full:console, RSS with all, KiB' 'per_device:bytes for each device' 'signer_pss:signer, PSS, KiB' \
  'idle_cpu_ms:console, processor time while they are idle, ms'; do
  printf '  %-52s %12s\n' "${row#*:}" "$(value fleet "${row%%:*}")"
done

printf '\n%s\n  %-44s %5s %9s %9s %9s\n' 'The agent for Windows, under Wine' milliseconds runs p50 p99 max
quantiles windows start_ms 'from its start until it takes orders'
quantiles windows package_ms 'profile standard: the whole local command'
quantiles windows home_ms 'the same from the console, fetched and verified'
for row in 'package_bytes:bytes of the package' 'package_files:files in it' 'agent_kb:agent, idle: private memory, KiB' \
  'channel_kb:channel, idle: private memory, KiB' 'wine_kb:in each of them: what Wine has by itself, KiB' \
  "cpu_ms:both: processor time in $idle_s s, ms" 'program_bytes:bytes of cordond.exe' 'msi_bytes:bytes of the installer'; do
  printf '  %-44s %15s\n' "${row#*:}" "$(value windows "${row%%:*}")"
done

printf '\n%-54s %9s %9s\n' Targets measured limit
target 'isolate, order at the console to enforced, p99' "$(quantile chain enforced 0.99)" 50 ms
target 'isolate, order at the console to proven, p99' "$(quantile chain proven 0.99)" 1000 ms
target 'after a flush of all rules, rules back, p99' "$(quantile flush restored 0.99)" 100 ms
target 'all agent processes, PSS, not isolated' "$(kilobytes "$(value idle.released pss)")" 8 MB
target 'agent, not isolated, share of a core' "$(share idle.released cpu_ms)" 0.05 %
target 'agent, isolated, share of a core' "$(share idle.isolated cpu_ms)" 0.05 %
target 'package, peak memory of the collector' "$(kilobytes "$(value package temp_rss)")" 40 MB
target 'package of a device in use, beside zip -r' "$(quantile package used_ratio 0.5)" 1.2 x
target 'the same with all its files in /tmp' "$(quantile package temp_ratio 0.5)" 1.2 x
target 'package extended, beside find | sha256sum' "$(ratio package extended find)" 1.1 x
target 'package on its way home, beside socat and a hash' "$(ratio upload upload copied)" 1.5 x
target "console, memory for each of $fleet devices" "$(kilobytes "$(value fleet per_device)")" 32 KB
[ ! -s "$work/windows" ] || target 'installer for Windows' "$(kilobytes "$(value windows msi_bytes | awk '{ print $1 / 1024 }')")" 6 MB
