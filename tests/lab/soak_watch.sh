#!/bin/sh
# Watching for long: who changes rules again and again, ours and others', is noticed each time, and neither the agent nor the
# provider's process grows. CORDON_SOAK_SECONDS (1800) is how long.
# shellcheck disable=SC2016 # expanded on the device
. "$(dirname "$0")/lib.sh"

: "${CORDON_SOAK_SECONDS:=1800}"
warm_up=20
memory_grows_kb=4096 # the allocator keeps what the largest listing took

drift() {
  agent_value desk-1 states.state=isolate.drift.count
}

drifted_past() {
  [ "$(drift)" -gt "$1" ]
}

repaired() {
  same "$(on desk-1 nft -s list table inet cordon 2>/dev/null)" "$(cat "$work/rules")"
}

# Descriptors, threads and private memory in kB of each of the agent's processes.
holdings() {
  on desk-1 sh -c 'for p in $(pidof cordond) $(pgrep -f "^/usr/libexec/cordon/cordon-plugin-host org.cordon.nftables "); do
    echo "$p $(ls /proc/$p/fd | wc -l) $(ls /proc/$p/task | wc -l) $(awk "/^Private_/ { s += \$2 } END { print s }" /proc/$p/smaps_rollup)"
  done' | sort -n
}

# Between two operations: what an operation holds while it runs is no growth.
quiet_holdings() {
  one=
  tries=0
  while [ $tries -lt 40 ]; do
    two=$(holdings)
    [ "$(echo "$one" | cut -d ' ' -f 1-3)" = "$(echo "$two" | cut -d ' ' -f 1-3)" ] && break
    one=$two
    tries=$((tries + 1))
    sleep 0.5
  done
  echo "$two"
}

# One round: a table of ours that goes, and twenty changes that are none of our business.
round() {
  count=$(drift)
  on desk-1 sh -c 'i=0; while [ $i -lt 20 ]; do
    nft add table inet other && nft delete table inet other || exit 1
    i=$((i + 1))
  done; nft delete table inet cordon' && within 10 drifted_past "$count" && within 10 repaired
}

not_grown() {
  paste -d ' ' "$work/early" "$work/late" | awk -v most="$memory_grows_kb" '
    $1 != $5 || $2 != $6 || $3 != $7 || $8 > $4 + most { print "early and late: " $0; bad = 1 }
    END { exit bad || NR == 0 }'
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
  [ $rounds = $warm_up ] && quiet_holdings >"$work/early"
done
quiet_holdings >"$work/late"
cat "$work/early" "$work/late"
fact "each of $rounds times it was noticed and repaired" same "$bad" 0
fact 'each time was one drift' same "$(drift)" "$rounds"
fact 'the same processes hold the same descriptors and threads, and no more memory' not_grown
fact 'no plugin was ever at fault' same_text 'on desk-1 cordon local plugins --json | "$json" "plugins.*.strikes"' '0 0'
fact 'release succeeds' release desk-1

facts_end
