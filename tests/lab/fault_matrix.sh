#!/bin/sh
# The fault matrix: every process of the chain (agent, plugin host, channel, console, signer) dies at each named point while
# the console has a device isolated, changed and released; and each of these with the network to the console cut, the clock
# stepped, the disk full, the journal damaged or rolled back, no memory or no processes left. Afterwards the device is as
# the console wants it, by its packets; the three values are true at both ends; each order has one outcome, which is so;
# nothing ran twice; and the console can release it.
#
#   fault_matrix.sh agent | console | conditions   every point of these processes once for each operation; or what is wrong
#   fault_matrix.sh short                          a few of each
#   fault_matrix.sh OPERATION/FAULT/CONDITION ...  just these: isolate/agent.applied=kill/none
#
# The points come from the sources, so that a new one is covered the day it is written.
LAB_CONSOLE_PLACE=yes
. "$(dirname "$0")/lib.sh"
. "$tests/fault_case.sh"

if ! grep -q '^CORDON_FAULT_POINTS:BOOL=ON$' "$LAB_BUILD_DIR/CMakeCache.txt"; then
  echo 'skipped: this build has no fault points'
  ended=yes
  exit 77
fi

operations='isolate renew exclusions policy release'
conditions='cut lost clock-ahead clock-behind disk-full console-full journal-damaged journal-rolled-back no-memory no-processes'
# Of each process a point or two, which the conditions are crossed with in turn.
handful='none agent.started=kill agent.applied=kill host.before_end=kill remote.before_ack=kill channel.order_passed=kill
remote.result_sealed=kill journal.ended_before_commit=kill nftables.before_load=kill console.order_sent=kill signer.kept=kill'

# Not to be reached here: nftables is one transaction and notes no undo, the journals are up to date, the keys are there
# and the devices enrolled, and no order is refused: tests/integration and tests/unit have these. Orders given on the device
# and repairs are crash_matrix.sh's; release codes and the boot have labs of their own. Packages (collect.*) are none of
# these operations: tests/integration/test_collect.c kills at each of their points.
out_of_reach='host.undo_wait journal.undo_synced journal.before_migration agent.undo_moved signer.file.written
remote.before_enrolment remote.enrolment_synced code.ordered code.counted code.refused_before_commit restore.applied
restore.before_apply restore.rotated agent.before_order agent.order_synced journal.order_before_commit agent.before_repair
remote.answer_before_commit'

# A point that is passed more than once in a case: the later times.
later_device='journal.commit=fail journal.commit=fail:3 host.before_end=kill:2 host.before_end=kill:3 host.before_start=kill:2
agent.before_apply=kill:2 agent.applied=kill:2 agent.after_query=kill:2 agent.after_verify=kill:2'
later_console='store.before_commit=kill:3 store.before_commit=kill:5 store.committed=kill:4 signer.before_answer=kill:3'

points() {
  known=$(echo "$out_of_reach" | tr '\n' ' ')
  # shellcheck disable=SC2086 # a list of folders
  (cd "$tree" && grep -rhoE '(CD|SUP)_FAULT_(POINT|FAILS)\("[^"]+"' $1) | sed 's/.*"\(.*\)"/\1/' | grep -v '^collect\.' | sort -u |
    while read -r point; do
      case " $known " in
      *" $point "*) ;;
      *) echo "$point=kill" ;;
      esac
    done
}

cross() {
  while read -r fault; do
    for operation in $operations; do
      echo "$operation/$fault/none"
    done
  done
}

# Each condition with each operation, without a fault and with two of the handful.
pairs() {
  turn=0
  # shellcheck disable=SC2086
  set -- $handful
  for condition in $conditions; do
    for operation in $operations; do
      echo "$operation/none/$condition"
      for _ in 1 2; do
        turn=$((turn % ($# - 1) + 1))
        eval "fault=\${$((turn + 1))}"
        echo "$operation/$fault/$condition"
      done
    done
  done
}

# One of each: process, operation and condition.
short_list='isolate/agent.applied=kill/none release/host.before_end=kill/none exclusions/nftables.loaded=kill/none
isolate/channel.order_passed=kill/lost release/remote.result_sealed=kill/cut isolate/none/clock-behind
release/none/clock-ahead exclusions/agent.started=kill/journal-damaged
policy/journal.commit=kill/none renew/agent.outcome_synced=kill/none isolate/none/journal-rolled-back
isolate/none/disk-full release/none/no-memory isolate/none/no-processes'

list() {
  case ${1:-short} in
  agent) {
    points 'core/agent core/host core/channel plugins'
    echo "$later_device" | tr ' ' '\n'
  } | cross ;;
  console) {
    points core/console
    echo "$later_console" | tr ' ' '\n'
  } | cross ;;
  conditions) pairs ;;
  short) echo "$short_list" | tr ' ' '\n' ;;
  *) printf '%s\n' "$@" ;;
  esac
}

# Its memory on a small disk, and limits that a test does not reach.
configure_console() {
  on console lab-console stop
  on console sed -i 's/"orders_per_minute": 600/"orders_per_minute": 6000/' /etc/cordon/signer.json
  on console sh -c 'mkdir /var/tmp/state && cp -a /var/lib/cordon-console/. /var/tmp/state/ &&
    mount -t tmpfs -o size=48m,mode=0750 tmpfs /var/lib/cordon-console && chown cordon-console: /var/lib/cordon-console &&
    cp -a /var/tmp/state/. /var/lib/cordon-console/'
  on console lab-console start </dev/null
}

# The state of each agent is on a small disk of its own, to be filled.
configure_device() {
  on "$1" lab-agent stop
  on "$1" sh -c 'mkdir /var/tmp/state && cp -a /var/lib/cordon/. /var/tmp/state/ &&
    mount -t tmpfs -o size=48m,mode=0711 tmpfs /var/lib/cordon && cp -a /var/tmp/state/. /var/lib/cordon/'
  on "$1" lab-agent start </dev/null
}

number_of() {
  case $1 in
  desk-1) echo 11 ;;
  desk-2) echo 12 ;;
  *) echo 21 ;;
  esac
}

# worker DEVICE: the cases of $w/cases, one after the other.
worker() {
  device=$1
  number=$(number_of "$1")
  w=$work/$1
  case_number=0 over=0
  network=$(readlink "/proc/$(cut -d ' ' -f 1 "$LAB_DIR/$device/pid")/ns/net")
  id=$(agent_value "$device" console.device)
  ask_token
  assign_policy || echo "no policy: $code $(cat "$w/answer")"
  operation=policy
  within 60 rests || echo "not at rest in the beginning: $restless"
  while IFS=/ read -r operation fault condition <&3; do
    over=0 again=0
    run_case "$operation" "$fault" "$condition"
  done 3<"$w/cases"
}

devices='desk-1 desk-2 server-1'
list "$@" >"$work/all"
# Console and signer are everybody's: who kills them has the lab for itself.
if grep -qE '/(console|store|signer)\.|/console-full' "$work/all" && ! grep -qvE '/(console|store|signer)\.|/console-full' "$work/all"; then
  devices=desk-1
fi
lab up
configure_console
for device in $devices; do
  configure_device "$device"
  mkdir "$work/$device"
  : >"$work/$device/rows"
  : >"$work/$device/wrongs"
done
[ "$devices" != desk-1 ] || {
  on desk-2 lab-agent stop
  on server-1 lab-agent stop
}
eval "$(lab env)"
if ! have_pids; then
  echo 'note: no group of processes can be made here, so that no-processes is left out'
  grep -v '/no-processes$' "$work/all" >"$work/some" || true
  mv "$work/some" "$work/all"
fi
if [ -z "$clock_library" ]; then
  echo 'note: libfaketime is not installed, so that the clock is not stepped'
  grep -v '/clock-' "$work/all" >"$work/some" || true
  mv "$work/some" "$work/all"
fi
# What disturbs all comes last, on one device, when the others are done.
grep -E '/(console|store|signer)\.|/console-full' "$work/all" >"$work/alone" || true
grep -vE '/(console|store|signer)\.|/console-full' "$work/all" | awk -v folder="$work" -v names="$devices" '
  BEGIN { count = split(names, name, " "); for (i in name) printf "" >(folder "/" name[i] "/cases") }
  { print >(folder "/" name[(NR - 1) % count + 1] "/cases") }'

for device in $devices; do
  (set +e && worker "$device") >"$work/$device/out" 2>&1 &
done
wait
if [ -s "$work/alone" ]; then
  cp "$work/alone" "$work/desk-1/cases"
  (set +e && worker desk-1) >>"$work/desk-1/out" 2>&1 || true
fi

rmdir "$pids"-* 2>/dev/null || true
asked=$(wc -l <"$work/all")
for device in $devices; do
  while IFS='|' read -r row <&3 && read -r why <&4; do
    echo "$why" >"$work/why"
    fact "$(echo "$row" | tr -s ' ')" same_text "cat '$work/why'" ''
  done 3<"$work/$device/rows" 4<"$work/$device/wrongs"
  cat "$work/$device/rows" >>"$work/table"
done
fact "all $asked cases were run to their end" same_text "wc -l <'$work/table'" "$asked"
fact 'the audit log is whole' on console cordon audit verify

# A point that nobody dies at is not tested.
for fault in $(case ${1:-short} in agent | console) cut -d / -f 2 "$work/all" | sort -u ;; esac); do
  case $fault in
  *=kill) fact "$fault is reached" sh -c "grep -F '| $fault ' '$work/table' | grep -qv '| nowhere '" ;;
  esac
done

case ${1:-short} in
*/*) table=$work/cases.txt ;;
*) table=$LAB_BUILD_DIR/fault_matrix_${1:-short}.txt ;;
esac
head=$(printf '%-10s | %-36s | %-19s | %-7s | %-12s | %-8s | %-8s | %s' operation fault condition died history wanted device verdict)
{
  echo "$head"
  echo "$head" | sed 's/[^|]/-/g'
  sort "$work/table"
} >"$table"
echo
cat "$table"
[ -z "${FAULT_TIMES:-}" ] || cat "$work"/*/times "$work"/*/orders "$work"/*/out
facts_end
