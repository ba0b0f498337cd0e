#!/bin/sh
# kill -9 of the console, the signer and the channel at every named point of an order's way, and the network cut while the agent or the
# channel stands at one: afterwards the history is true at both ends, nothing happened twice, and the device is as ordered.
#
#   chain_kills.sh quick          each point once, for the tier that lands
#   chain_kills.sh SHARD/SHARDS   also each later time that a point is passed, and failing commits: every SHARDS-th, from the SHARD-th on
#   chain_kills.sh CASE ...       just these: PART:POINT=ACTION[:N], or cut:POINT
#
# The points come from the sources, so that a new one is covered the day it is written.
# shellcheck disable=SC2154 # wanted, enforced: of lib.sh
LAB_CONSOLE_PLACE=yes
. "$(dirname "$0")/lib.sh"

if ! grep -q '^CORDON_FAULT_POINTS:BOOL=ON$' "$LAB_BUILD_DIR/CMakeCache.txt"; then
  echo 'skipped: this build has no fault points'
  ended=yes
  exit 77
fi

# Passed when keys are made (tests/unit/console), at enrolment and where an order is refused (tests/integration), and with
# policies (fault_matrix.sh).
out_of_reach='signer.file.written remote.before_enrolment remote.enrolment_synced remote.answer_before_commit remote.before_policy remote.before_policy_ack remote.policy_before_commit remote.policy_changed remote.policy_synced'

fleet() {
  on console cordon "$@" </dev/null
}

# The device's own word: to ask the console over and over wears its limit out.
connected() {
  says desk-1 console.connection connected >/dev/null 2>&1
}

# slowly SECONDS COMMAND ...: for questions to the console.
slowly() {
  slowly_until=$(($(date +%s) + $1))
  shift
  while ! "$@"; do
    [ "$(date +%s)" -lt "$slowly_until" ] || return 1
    sleep 0.3
  done
}

points() {
  grep -rhoE 'CD_FAULT_(POINT|FAILS)\("[^"]+"' "$@" | sed 's/.*"\(.*\)"/\1/' | grep -v '^collect\.' | sort -u | while read -r point; do
    case " $out_of_reach " in
    *" $point "*) ;;
    *) echo "$point" ;;
    esac
  done
}

part_of() {
  case $1 in
  console.* | store.*) echo console ;;
  signer.*) echo signer ;;
  channel.*) echo channel ;;
  *) echo "no part has the point $1" >&2 && return 1 ;;
  esac
}

# Beside a commit or an answer that has a point already: the fault matrix has these, with every operation.
beside='^console\.|^store\.before_commit$|^signer\.(heard|before_answer|answered|order_judged|before_commit|committed)$'
beside="$beside|^channel\.(before_order_ack|order_passed|result_acked|welcomed)\$"

# What the console commits: the action, that it was handed over, that it was taken, its end.
quick_cases() {
  for point in $(points "$tree/core/console" "$tree/core/channel" | grep -vE "$beside"); do
    echo "$(part_of "$point"):$point=kill:$(first_time "$point")"
  done
  for point in remote.order_synced channel.order channel.result; do
    echo "cut:$point"
  done
}

# The times before are the console's start and the device's contact.
first_time() {
  case $1 in
  store.*) echo "${STORE_FIRST:-4}" ;;
  *) echo 1 ;;
  esac
}

all_cases() {
  for point in $(points "$tree/core/console" "$tree/core/channel"); do
    echo "$(part_of "$point"):$point=kill:1"
  done
  for point in store.commit=kill store.committed=kill store.commit=fail; do
    for time in 2 3 4 5 6 7 8; do
      echo "console:$point:$time"
    done
  done
  for point in $(points "$tree/core/channel"); do
    echo "cut:$point"
  done
  grep -rhoE 'CD_FAULT_POINT\("remote[^"]+"' "$tree/core/agent" | sed 's/.*"\(.*\)"/cut:\1/' | sort -u | while read -r case; do
    case " $out_of_reach " in
    *" ${case#cut:} "*) ;;
    *) echo "$case" ;;
    esac
  done
}

# ---- what is known

# api PATH: with one token for as long as it is good, for token requests have a limit.
api() {
  on console sh -s "$1" <<'END'
umask 077
ask() {
  curl -s --fail --max-time 5 --cacert /etc/cordon/ca.pem -H "Authorization: Bearer $(cat /run/api.token)" "https://console:8443$1"
}
[ -s /run/api.token ] && ask "$1" && exit 0
id=$(lab-json client_id </etc/cordon/operator.json)
curl -s --fail --max-time 5 --cacert /etc/cordon/ca.pem --data grant_type=client_credentials --data "client_id=$id" \
  --data-urlencode client_secret@/etc/cordon/operator.plain https://console:8443/lab/oauth2/v2.0/token |
  lab-json access_token >/run/api.token
ask "$1"
END
}

# shellcheck disable=SC2016 # $top is OData's
actions_path='/api/machineactions?$top=1000'

# The console's action with this comment: sets found, id, status.
look_up() {
  api "$actions_path" >"$work/fleet.actions" 2>/dev/null || return 1
  found=$("$json" 'value.*.requestorComment' <"$work/fleet.actions" | tr ' ' '\n' | grep -cxF -- "$1") || true
  id=$("$json" "value.requestorComment=$1.id" <"$work/fleet.actions")
  status=$("$json" "value.requestorComment=$1.status" <"$work/fleet.actions")
}

ended() {
  look_up "$1" && case $status in
  Pending | InProgress | -) return 1 ;;
  esac
}

count_actions() {
  at_console=$(api "$actions_path" | "$json" 'value.#')
  at_device=$(on desk-1 cordon local actions --limit 200 --json </dev/null | "$json" 'actions.#')
}

wrong=
blame() {
  wrong="$wrong$*; "
}

# judge COMMENT TARGET CONSOLE_BEFORE DEVICE_BEFORE
judge() {
  wrong=
  look_up "$1" || blame 'the console does not answer'
  [ "$found" = 1 ] || blame "$found actions at the console"
  [ "$status" = Succeeded ] || blame "the console has it as $status"
  on desk-1 cordon local actions --limit 200 --json </dev/null >"$work/device.actions"
  told=$("$json" "actions.id=$id.status" <"$work/device.actions")
  [ "$told" = Succeeded ] || blame "the device has it as $told"
  ! "$json" 'actions.*.status' <"$work/device.actions" | grep -qE 'Pending|InProgress' || blame 'an action is open on the device'
  count_actions
  [ $((at_console - $3)) = 1 ] || blame "$((at_console - $3)) new actions at the console"
  [ $((at_device - $4)) = 1 ] || blame "$((at_device - $4)) new actions on the device"
  says desk-1 $wanted_path "$2" >/dev/null || blame 'the device wants something else'
  device=$(reality | head -n 1)
  [ "$device" = "$2" ] || blame "the device is $device"
  fleet audit verify >/dev/null 2>&1 || blame 'the audit log does not verify'
  [ -z "$wrong" ] && return 0
  echo "$wrong"
  return 1
}

# ---- the cases

# Sets target and operation: the other one than what is in force.
next_operation() {
  if says desk-1 $wanted_path isolated >/dev/null; then
    operation=release
    target=released
  else
    operation=isolate
    target=isolated
  fi
}

channel_deaths() {
  on desk-1 grep -c 'cordon-channel.*starting another' /var/log/cordond.log || true
}

has_died() {
  case $1 in
  channel) [ "$(channel_deaths)" -gt "$deaths" ] ;;
  *) ! on console lab-console runs "$1" ;;
  esac
}

start_with() {
  case $1 in
  channel)
    deaths=$(channel_deaths)
    on desk-1 lab-agent stop
    on desk-1 lab-agent start CORDON_FAULT="$2"
    ;;
  *)
    on console lab-console kill-one "$1"
    on console lab-console start-one "$1" CORDON_FAULT="$2"
    ;;
  esac
}

start_well() {
  case $1 in
  channel)
    on desk-1 lab-agent kill
    on desk-1 lab-agent start
    ;;
  *)
    on console lab-console kill-one "$1"
    on console lab-console start-one "$1"
    ;;
  esac
}

order() {
  timeout 20 sh "$tree/packaging/lab.sh" exec console -- cordon "$operation" desk-1 --comment "$comment" </dev/null >"$work/order" 2>&1
}

# An operator who got no answer looks, and orders again if there is nothing.
order_once_more() {
  look_up "$comment" && [ "$found" != 0 ] && return 0
  slowly 30 order
}

settle() {
  within 60 connected && order_once_more && slowly 90 ended "$comment"
}

kill_case() {
  part=$1
  fault=$2
  start_with "$part" "$fault"
  # Ready for the order, or dead before it.
  within 20 connected_or_dead || true
  order || true
  died=no
  case $fault in
  *=fail*) ;;
  *)
    if within "${DIES_S:-8}" has_died "$part"; then
      died=yes
    else
      echo "$part did not die at $fault"
    fi
    ;;
  esac
  start_well "$part"
  fact "$operation, $part with $fault: it ends" settle
  fact "$operation, $part with $fault: one true history, the device is $target" judge "$comment" "$target" "$console_before" "$device_before"
  case $fault in
  *=kill*) [ $died = no ] || echo "${fault%%=*}" >>"$work/reached" ;;
  *) echo "${fault%%=*}" >>"$work/reached" ;;
  esac
}

connected_or_dead() {
  has_died "$part" || connected
}

stopped() {
  # shellcheck disable=SC2016 # for the shell over there
  on desk-1 sh -c 'for p in $(pidof cordond cordon-channel); do grep -q "^State:.T" /proc/$p/status && echo $p; done' </dev/null |
    grep -m 1 . >"$work/stopped"
}

# Every other time the cable is out, else packets vanish.
cut_network() {
  if [ $((number % 2)) = 0 ]; then
    on internet ip link set v-desk-1 down
  else
    on console nft -f - <<END
table inet cut {
  chain in { type filter hook input priority 0; ip saddr 10.77.0.11 drop; ip6 saddr fd77::11 drop; }
  chain out { type filter hook output priority 0; ip daddr 10.77.0.11 drop; ip6 daddr fd77::11 drop; }
}
END
  fi
}

mend_network() {
  if [ $((number % 2)) = 0 ]; then
    on internet ip link set v-desk-1 up
  else
    on console nft delete table inet cut
  fi
}

is_enforced() {
  says desk-1 $enforced_path "$target"
}

cut_case() {
  on desk-1 lab-agent stop
  on desk-1 lab-agent start --no-wait CORDON_FAULT="$1=stop"
  part=none
  case $1 in
  channel.opened | remote.ready) ;;
  *) within 20 connected || true ;;
  esac
  order || true
  fact "$operation, cut at $1: it is reached" within 20 stopped
  cut_network
  on desk-1 kill -CONT "$(cat "$work/stopped")"
  case $1 in
  remote.order_synced | remote.before_ack | remote.result_* | channel.acked | channel.result*)
    fact "$operation, cut at $1: the device is $target without the console" within 20 is_enforced
    ;;
  esac
  mend_network
  fact "$operation, cut at $1: it ends" settle
  fact "$operation, cut at $1: one true history, the device is $target" judge "$comment" "$target" "$console_before" "$device_before"
  on desk-1 lab-agent stop
  on desk-1 lab-agent start
  echo "$1" >>"$work/reached"
}

wanted_path=states.state=isolate.wanted.value
enforced_path=states.state=isolate.enforced.value
case ${1:-quick} in
quick) quick_cases ;;
[0-9]*/[0-9]*) all_cases | awk -v shard="${1%/*}" -v shards="${1#*/}" 'NR % shards == shard % shards' ;;
*) printf '%s\n' "$@" ;;
esac >"$work/cases"
: >"$work/reached"
lab up
on console sh -c 'umask 077; tr -d "\n" </etc/cordon/operator.secret >/etc/cordon/operator.plain'
number=0
while read -r case <&3; do
  number=$((number + 1))
  comment=case-$number
  within 60 connected || true
  next_operation
  count_actions
  console_before=$at_console
  device_before=$at_device
  case $case in
  cut:*) cut_case "${case#cut:}" ;;
  *) kill_case "${case%%:*}" "${case#*:}" ;;
  esac
done 3<"$work/cases"

# Later times of a point may be none; the point itself must be there.
sed -e 's/^[a-z]*://' -e 's/[=:].*//' "$work/cases" | sort -u >"$work/wanted_points"
while read -r point <&3; do
  fact "$point is passed on an order's way" grep -qxF -- "$point" "$work/reached"
done 3<"$work/wanted_points"
facts_end
