#!/bin/sh
# Watching for long: who changes rules again and again, ours and others', is noticed each time, and neither the agent nor the
# provider's process grows. CORDON_SOAK_SECONDS (1800) is how long.
# shellcheck disable=SC2016 # expanded on the device
. "$(dirname "$0")/lib.sh"
. "$tests/holdings.sh"

: "${CORDON_SOAK_SECONDS:=1800}"
warm_up=20

drift() {
  agent_value desk-1 states.state=isolate.drift.count
}

drifted_past() {
  [ "$(drift)" -gt "$1" ]
}

repaired() {
  same "$(on desk-1 nft -s list table inet cordon 2>/dev/null)" "$(cat "$work/rules")"
}

# One round: a table of ours that goes, and twenty changes that are none of our business.
round() {
  count=$(drift)
  on desk-1 sh -c 'i=0; while [ $i -lt 20 ]; do
    nft add table inet other && nft delete table inet other || exit 1
    i=$((i + 1))
  done; nft delete table inet cordon' && within 10 drifted_past "$count" && within 10 repaired
}

lab up
fact 'isolate succeeds' isolate desk-1
on desk-1 nft -s list table inet cordon >"$work/rules"
until=$(($(date +%s) + CORDON_SOAK_SECONDS))
rounds=0
bad=0
while [ "$(date +%s)" -lt "$until" ] || [ $rounds -le $warm_up ]; do
  round || bad=$((bad + 1))
  rounds=$((rounds + 1))
  [ $rounds = $warm_up ] && quiet_holdings desk-1 >"$work/early"
done
quiet_holdings desk-1 >"$work/late"
cat "$work/early" "$work/late"
fact "each of $rounds times it was noticed and repaired" same "$bad" 0
fact 'each time was one drift' same "$(drift)" "$rounds"
fact 'descriptors and threads are as many as before, and memory no more' not_grown "$work/early" "$work/late"
fact 'no plugin was ever at fault' same_text \
  'on desk-1 cordon local plugins --json | "$json" "plugins.*.strikes" | tr " " "\n" | sort -u' 0
fact 'release succeeds' release desk-1

facts_end
