#!/bin/sh
# A thousand isolations and releases (CORDON_SOAK_ORDERS): each one succeeds and is proven, nothing drifts, and neither the agent nor
# the provider's process grows.
# shellcheck disable=SC2016 # expanded on the device, or by same_text
. "$(dirname "$0")/lib.sh"
. "$tests/holdings.sh"

: "${CORDON_SOAK_ORDERS:=1000}"
warm_up=20

# rounds COUNT: prints how many were not as they must be.
rounds() {
  on desk-1 sh -c 'left=$1 bad=0
    while [ "$left" -gt 0 ]; do
      left=$((left - 1))
      cordon local isolate --comment soak --json >/var/tmp/round 2>&1 &&
        [ "$(lab-json action.result.proven.value </var/tmp/round)" = holds ] &&
        cordon local release --comment soak --json >/var/tmp/round 2>&1 &&
        [ "$(lab-json action.result.enforced.value </var/tmp/round)" = released ] || bad=$((bad + 1))
    done
    echo "$bad"' sh "$1" </dev/null
}

lab up
fact "the first $warm_up rounds are good" same "$(rounds $warm_up)" 0
fact 'isolate succeeds' isolate desk-1
quiet_holdings desk-1 >"$work/early"
fact 'release succeeds' release desk-1
fact "$CORDON_SOAK_ORDERS rounds are good" same "$(rounds "$CORDON_SOAK_ORDERS")" 0
fact 'isolate succeeds again' isolate desk-1
quiet_holdings desk-1 >"$work/late"
cat "$work/early" "$work/late"
fact 'descriptors and threads are as many as before, and memory no more' not_grown "$work/early" "$work/late"
fact 'nothing drifted' says desk-1 states.state=isolate.drift.count 0
fact 'no plugin was ever at fault' same_text \
  'on desk-1 cordon local plugins --json | "$json" "plugins.*.strikes" | tr " " "\n" | sort -u' 0
fact 'the newest actions all ended well' same_text \
  'on desk-1 cordon local actions --limit 500 --json | "$json" "actions.*.status" | tr " " "\n" | sort -u' Succeeded
fact 'the device is isolated' really isolated
fact 'release succeeds again' release desk-1
fact 'everything is open' really released

facts_end
