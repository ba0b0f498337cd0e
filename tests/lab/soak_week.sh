#!/bin/sh
# A week of isolation in a few minutes: as many proofs as the timer makes in a week at its five minutes, each brought about by a change
# of the network as a lease or a link brings it, and once a day everything is flushed. Each proof comes and holds, each flush is one
# drift that is mended, and neither the agent nor the provider's process grows. CORDON_SOAK_PROOFS (2016) is how many.
# shellcheck disable=SC2016 # expanded on the device, or by same_text
. "$(dirname "$0")/lib.sh"
. "$tests/holdings.sh"

: "${CORDON_SOAK_PROOFS:=2016}"
a_day=288
warm_up=20

# proofs COUNT: prints how many did not come, or did not hold. A change is made, and undone with the next one.
proofs() {
  on desk-1 sh -c 'left=$1 bad=0 verb=add before=
    state() { cordon local status --json 2>/dev/null | lab-json states.state=isolate.proven.at states.state=isolate.proven.value | tr "\n" " "; }
    before=$(state)
    while [ "$left" -gt 0 ]; do
      left=$((left - 1))
      ip address $verb 10.77.9.9/32 dev eth0
      [ $verb = add ] && verb=del || verb=add
      tries=400
      now=$(state)
      while [ "$now" = "$before" ] || [ "${now#* }" != "holds " ]; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { bad=$((bad + 1)); break; }
        sleep 0.05
        now=$(state)
      done
      before=$now
    done
    echo "$bad"' sh "$1" </dev/null
}

drift() {
  agent_value desk-1 states.state=isolate.drift.count
}

drifted_to() {
  [ "$(drift)" = "$1" ]
}

lab up
fact 'isolate succeeds' isolate desk-1
fact "the first $warm_up proofs come and hold" same "$(proofs $warm_up)" 0
quiet_holdings desk-1 >"$work/early"
left=$CORDON_SOAK_PROOFS
bad=0
days=0
while [ "$left" -gt 0 ]; do
  part=$((left < a_day ? left : a_day))
  bad=$((bad + $(proofs $part)))
  left=$((left - part))
  days=$((days + 1))
  on desk-1 nft flush ruleset
  within 20 drifted_to $days || bad=$((bad + 1))
done
fact "each of $CORDON_SOAK_PROOFS proofs came and held, and each of $days flushes was mended" same "$bad" 0
fact 'and was one drift' same "$(drift)" "$days"
quiet_holdings desk-1 >"$work/late"
cat "$work/early" "$work/late"
fact 'descriptors and threads are as many as before, and memory no more' not_grown "$work/early" "$work/late"
fact 'the device is isolated' really isolated
fact 'release succeeds' release desk-1

facts_end
