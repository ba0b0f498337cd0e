#!/bin/sh
# The benchmarks' inner part about keeping an isolation, run inside a lab device that is isolated. Prints raw numbers, a line each;
# tests/bench/run.sh makes tables of them.
#
#   repair.sh flush RUNS      after `nft flush ruleset`: `restored MS` until the rules are back, `proven_again MS` until they are proven
#   repair.sh proof PROOFS    `proof_ms MS`, processor time of all the agent's processes for one proof, at an interval of 5 s
set -eu

answer=/tmp/bench.repair.json
config=/etc/cordon/cordond.json

now_ms() {
  echo $(($(date +%s%N) / 1000000))
}

# wait_for COMMAND...: for at most 10 s, as fast as it can be asked.
wait_for() {
  wait_end=$(($(now_ms) + 10000))
  while ! "$@"; do
    [ "$(now_ms)" -lt "$wait_end" ] || {
      echo "repair.sh: not within 10 s: $*" >&2
      return 1
    }
  done
}

rules_are_there() {
  nft list table inet cordon >/dev/null 2>&1
}

state() {
  cordon local status --json >$answer 2>/dev/null
  lab-json "states.state=isolate.$1" <$answer
}

# Milliseconds of the day, as the status has its times.
proven_at() {
  state proven.at | awk -F '[T:Z]' '{ print ($2 * 3600 + $3 * 60 + $4) * 1000 }'
}

proven_since() {
  [ "$(proven_at)" != "$1" ] && [ "$(lab-json states.state=isolate.proven.value <$answer)" = holds ]
}

flush() {
  left=$1
  while [ "$left" -gt 0 ]; do
    left=$((left - 1))
    before=$(proven_at)
    nft flush ruleset
    began=$(now_ms)
    wait_for rules_are_there
    echo "restored $(($(now_ms) - began))"
    wait_for proven_since "$before"
    echo "proven_again $(($(now_ms) - began))"
  done
}

cpu_ms() {
  for pid in $(pidof cordond cordon-channel cordon-plugin-host); do
    sed 's/.*) //' "/proc/$pid/stat"
  done | awk -v tick="$(getconf CLK_TCK)" '{ sum += $12 + $13 } END { print sum * 1000 / tick }'
}

proof() {
  lab-agent stop
  sed -i 's/"interval_s": [0-9]*/"interval_s": 5/' $config
  lab-agent start
  before=$(proven_at)
  wait_for proven_since "$before"
  spent=$(cpu_ms)
  left=$1
  while [ "$left" -gt 0 ]; do
    left=$((left - 1))
    # The agent answers in between, which costs as well: so it is asked once a proof, and not in a loop.
    sleep 5
  done
  echo "proof_ms $(($(cpu_ms) - spent)) $1" | awk '{ print $1, $2 / $3 }'
}

"$1" "$2"
