#!/bin/sh
# Exclusions by service. The service is a control group that this test makes on this machine, with a process in it: the
# lab has no systemd. Where there is no such hierarchy it is refused, and nothing is changed.
LAB_CONSOLE_PLACE=yes
# shellcheck disable=SC2016 # commands that same_text evaluates later
. "$(dirname "$0")/lib.sh"

groups=/sys/fs/cgroup
[ -e $groups/cgroup.controllers ] || groups=$groups/unified
slice=cordonlab${work##*.}.slice
service=lab-${work##*.}.service

test_leaves() {
  rmdir "$groups/$slice/$service" 2>/dev/null || true
  rmdir "$groups/$slice" 2>/dev/null || true
}

# A unit's start makes its group, and its stop removes that.
start_unit() {
  mkdir "$groups/$slice/$service"
}

stop_unit() {
  while read -r pid; do
    kill -KILL "$pid"
  done <"$groups/$slice/$service/cgroup.procs"
  within 5 rmdir "$groups/$slice/$service" 2>/dev/null
}

mount_groups() {
  on desk-1 mount -t cgroup2 none /sys/fs/cgroup
}

# in_unit COMMAND...: as a process of the service, on desk-1.
in_unit() {
  on desk-1 sh -c 'echo $$ >/sys/fs/cgroup/'"$slice/$service"'/cgroup.procs && exec "$@"' sh "$@"
}

# follow_in_unit NAME ADDRESS: a download of the service that never ends.
follow_in_unit() {
  in_unit sh -c "setsid lab-probe follow $2 80 >/var/tmp/$1 2>&1 </dev/null &" </dev/null
}

goes_on() {
  at=$(followed "$1" desk-1)
  within 15 follows_well "$1" desk-1 "$((${at%%[!0-9]*} + 8192))"
}

fleet() {
  on console cordon "$@" </dev/null
}

connected() {
  fleet device show desk-1 | grep -q '^Connection  connected'
}

proven() {
  says desk-1 "$proven" holds
}

# exclusions TEXT...: the set `lab` is these, and desk-1 follows.
exclusions() {
  printf '{"exclusions":[%s]}\n' "$(IFS=, && echo "$*")" | on console tee /tmp/exclusions.json >/dev/null
  fleet exclusions set lab /tmp/exclusions.json --comment 'lab test'
}

ours='{"direction":"both","service":"'$service'"}'
server='{"direction":"out","address":"10.77.0.21"}'

rules() {
  on desk-1 nft list ruleset | cksum
}

dry_run_names() {
  on desk-1 sh -c "echo '{\"exclusions\":[$ours]}' >/run/keep.json"
  on desk-1 cordon local isolate --selective /run/keep.json --dry-run </dev/null | grep "service_not_running.*$service"
}

refused_for() {
  if fleet isolate desk-1 --selective lab --comment 'lab test' --wait >"$work/refusal" 2>&1; then
    return 1
  fi
  cat "$work/refusal"
  tr -s '\n ' ' ' <"$work/refusal" | grep -qF "$1"
}

no_drift() {
  says desk-1 states.state=isolate.drift.count "${1:-0}"
}

dropped() {
  on desk-1 nft list counter inet cordon dropped_out </dev/null | awk '/packets/ { print $2 }'
}

hide_groups() {
  on desk-1 mount -t tmpfs none /sys/fs/cgroup
}

show_groups() {
  on desk-1 umount /sys/fs/cgroup
}

in_maps() {
  on desk-1 nft list map inet cordon services_out2 </dev/null | grep -F "$service"
}

lab up
fact 'desk-1 is enrolled and connected' connected
mkdir "$groups/$slice"

# 1. Where it cannot be honoured.
fact 'a set with a service is made' exclusions "$ours"
fact 'and shown' sh -c "sh '$tree/packaging/lab.sh' exec console -- cordon exclusions show lab | grep -q 'both $service'"
before=$(rules)
fact 'without the hierarchy of groups it is refused, with the reason' refused_for 'exclusions by service are not possible: the second hierarchy'
fact 'and nothing is changed' same "$(rules)" "$before"
fact 'so everything is open' really released
never 'a name that is none is refused at the console' exclusions '{"direction":"out","service":"../x.service"}'

# 2. It is taken up when it starts, and again when it starts anew.
fact 'the hierarchy is there now' mount_groups
fact 'the dry run names a service that does not run' dry_run_names
fact 'an isolation with it succeeds all the same' fleet isolate desk-1 --selective lab --comment 'lab test' --wait
fact 'everything is cut' really isolated
fact 'the service starts' start_unit
fact 'and reaches the internet' within 15 in_unit lab-probe http 10.77.0.1 80
fact 'over IPv6 as well' in_unit lab-probe http fd77::1 80
unreached 'while others do not' on desk-1 lab-probe http 10.77.0.1 80
unreached 'nor over IPv6' on desk-1 lab-probe http fd77::1 80
fact 'the isolation is proven' within 15 proven
count=$(dropped)
fact 'packets were dropped' test "$count" -gt 0
fact 'the service restarts' stop_unit
fact 'as another group' start_unit
fact 'and reaches the internet again' within 15 in_unit lab-probe http 10.77.0.1 80
fact 'what was dropped still counts' test "$(dropped)" -ge "$count"
fact 'none of that was drift' no_drift
fact 'the guard goes on letting it through' on desk-1 nft delete table inet cordon
fact 'at once' in_unit lab-probe http 10.77.0.1 80
fact 'until the agent has put the rules back' within 15 in_maps
fact 'and counted that as drift' within 15 no_drift 1

# 3. The set changes under a download of the service.
follow_in_unit kept 10.77.0.1
fact 'the service downloads' within 15 follows_well kept desk-1
fact 'the set gets one more' exclusions "$ours" "$server"
fact 'which works' within 30 on desk-1 lab-probe http 10.77.0.21 80
fact 'the download goes on' goes_on kept
fact 'the set loses the service' exclusions "$server"
fact 'its download is ended' within 30 same_text 'followed kept desk-1 | cut -d " " -f 1' ended
unreached 'and it is cut' in_unit lab-probe http 10.77.0.1 80
fact 'what stayed in the set works' on desk-1 lab-probe http 10.77.0.21 80

# 4. Connections from before the isolation.
fact 'release' fleet release desk-1 --comment 'lab test' --wait
fact 'the set has the service again' exclusions "$ours"
follow_in_unit kept 10.77.0.1
follow cut desk-1 10.77.0.1
fact 'two downloads run' within 15 follows_well kept desk-1
fact 'both of them' within 15 follows_well cut desk-1
fact 'isolate' fleet isolate desk-1 --selective lab --comment 'lab test' --wait
fact 'the one of the service goes on' goes_on kept
fact 'the other was ended' within 5 same_text 'followed cut desk-1 | cut -d " " -f 1' ended

# 5. Whoever covers the groups and takes the rules away has them back without the service.
fact 'the isolation is proven and settled before that' within 15 settled desk-1
fact 'root covers the groups' hide_groups
fact 'and deletes the rules' on desk-1 nft delete table inet cordon
fact 'which come back' within 15 on desk-1 nft list table inet cordon
fact 'everything is cut again' really isolated
fact 'the download of the service is ended' within 30 same_text 'followed kept desk-1 | cut -d " " -f 1' ended
fact 'the groups are there again' show_groups
fact 'the service restarts once more' stop_unit
fact 'to be a new group' start_unit
fact 'and reaches the internet' within 15 in_unit lab-probe http 10.77.0.1 80

# 6. A boot: no service is there yet when the rules are put back.
fact 'the isolation is proven and settled' within 15 settled desk-1
fact 'power' lab reboot desk-1 power
fact 'the service is gone with the machine' within 5 rmdir "$groups/$slice/$service"
fact 'the hierarchy is mounted, as before all units' mount_groups
fact 'the units put the isolation back' lab reboot desk-1 units
fact 'without the service' on desk-1 sh -c 'nft list map inet cordon services_out2 && ! nft list map inet cordon services_out2 | grep -q elements'
fact 'the network comes' lab reboot desk-1 network
fact 'and everything is cut' really isolated
fact 'the agent starts' lab reboot desk-1 agent
fact 'and the service' start_unit
fact 'which reaches the internet' within 30 in_unit lab-probe http 10.77.0.1 80
unreached 'while others do not' on desk-1 lab-probe http 10.77.0.1 80
fact 'it is connected' within 30 connected
fact 'and released' fleet release desk-1 --comment 'lab test' --wait

facts_end
