# One case of the fault matrix: a device is brought to where an operation begins, something is armed to die and something
# is wrong around it, the console orders, what died is started again, what was wrong is put right, and the truth is looked
# at from all sides. Read by fault_matrix.sh, whose workers each have a device ($device), its id ($id) and a folder ($w).
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # variables of fault_matrix.sh, and what `read` sets

fault_rest_s=90
journal=/var/lib/cordon/journal.db

# ---- the console, over its API ----

ask_token() {
  curl -s --max-time 10 --cacert "$LAB_CA" -o "$w/oauth" --data-urlencode grant_type=client_credentials \
    --data-urlencode "client_id=$LAB_CLIENT_ID" --data-urlencode "client_secret=$LAB_CLIENT_SECRET" \
    "$LAB_CONSOLE/lab/oauth2/v2.0/token" && "$json" access_token <"$w/oauth" >"$w/token"
}

call() {
  curl -s --max-time 10 --cacert "$LAB_CA" -o "$w/answer" -w '%{http_code}' -X "$1" -H 'Content-Type: application/json' \
    -H "Authorization: Bearer $(cat "$w/token")" ${3:+-d "$3"} "$LAB_CONSOLE/api/$2" || true
}

# api METHOD PATH [BODY]: sets `code`, and leaves the answer in $w/answer. A token ends with the console that gave it.
api() {
  code=$(call "$@")
  if [ "$code" = 401 ] && ask_token; then
    code=$(call "$@")
  fi
  case $code in
  2*) ;;
  *) return 1 ;;
  esac
}

# rows SQL: what the console's database says, read as its own user.
rows() {
  on console setpriv --reuid cordon-console --regid cordon-console --init-groups -- \
    sqlite3 -readonly -cmd '.timeout 5000' /var/lib/cordon-console/console.db "$1" </dev/null
}

# ---- looking ----

local_says() {
  "$json" "$1" <"$w/status"
}

machine_says() {
  "$json" "$1" <"$w/machine"
}

# The console first: what is over there was over on the device before, and the device's own word is asked for after that.
look_around() {
  api GET "cordon/devices/$id" && cp "$w/answer" "$w/machine" &&
    on "$device" cordon local status --json </dev/null >"$w/status" 2>/dev/null &&
    on "$device" cordon local actions --limit 500 --json </dev/null >"$w/actions" 2>/dev/null
}

# Everybody is there, nothing is open, the three values agree with one another, and the console says the same.
rests() {
  look_around || return 1
  "$json" 'states.state=isolate.wanted.value' 'states.state=isolate.enforced.value' 'states.state=isolate.proven.value' \
    'console.connection' 'console.results_waiting' <"$w/status" | tr '\n' ' ' >"$w/local"
  "$json" 'wanted.state=isolate.value' 'states.state=isolate.wanted.value' 'states.state=isolate.enforced.value' \
    'states.state=isolate.proven.value' 'connected' 'pending.#' <"$w/machine" | tr '\n' ' ' >"$w/there"
  read -r wanted enforced proven connection waiting <"$w/local"
  read -r wished told_wanted told_enforced told_proven connected pending <"$w/there"
  restless="wanted $wished, device: $wanted $enforced $proven $connection $waiting, told: $told_wanted $told_enforced $told_proven, connected $connected, pending $pending"
  [ "$connection $waiting $connected $pending" = 'connected 0 true 0' ] || return 1
  [ "$wished" != - ] || wished=released
  case $wished/$wanted/$enforced/$proven in
  isolated/isolated/isolated/holds | released/released/released/released) ;;
  *) return 1 ;;
  esac
  [ "$told_wanted $told_enforced $told_proven" = "$wanted $enforced $proven" ] && operation_rests &&
    ! "$json" 'actions.*.status' <"$w/actions" | grep -qE 'Pending|InProgress'
}

# Whether packets pass, asked from both ends; prints as `reality` of lib.sh.
packets() {
  probes='out-tcp tcp 10.77.0.1 22\nout-udp udp 10.77.0.1 7\nout-icmp icmp 10.77.0.1 0\nout6-tcp tcp fd77::1 22\nout6-udp udp fd77::1 7\n'
  # shellcheck disable=SC2059 # the probes, line by line
  {
    printf "$probes" | on "$device" lab-probe batch --timeout 500
    printf "$probes" | sed "s/^out/in/; s/10\.77\.0\.1 /10.77.0.$number /; s/fd77::1 /fd77::$number /" |
      on internet lab-probe batch --timeout 500
  } >"$w/seen"
  awk '$2 == "reached" { open++ }
    $2 ~ /^(refused|reset|denied|unreachable|timeout)$/ { cut++ }
    END { print NR == 10 && open == 10 ? "released" : NR == 10 && cut == 10 ? "isolated" : "mixed" }' "$w/seen"
}

# A probe that is late on a busy machine is asked for again; what is open stays open.
packets_say() {
  for try in 1 2 3; do
    seen=$(packets)
    [ "$seen" != "$1" ] || return 0
  done
  return 1
}

# ---- what is wrong ----

cut_console() {
  on internet nft -f - <<END
table netdev cut_$number {
  chain from { type filter hook ingress device "v-$device" priority 0; policy accept; ip daddr 10.77.0.2 drop; ip6 daddr fd77::2 drop; }
  chain to { type filter hook ingress device "v-console" priority 0; policy accept; ip daddr 10.77.0.$number drop; ip6 daddr fd77::$number drop; }
}
END
}

mend_console() {
  on internet nft delete table netdev "cut_$number" 2>/dev/null || true
}

step_clock() {
  echo "$1" | on "$device" sh -c 'cat >/run/lab-clock'
}

# fill PLACE FOLDER, and what is left of the last page.
fill() {
  on "$1" sh -c "cat /dev/zero >$2/fill 2>/dev/null; for i in 1 2 3 4 5 6 7 8; do echo x >$2/fill\$i 2>/dev/null; done; true"
}

empty() {
  on "$1" sh -c "rm -f $2/fill*"
}

# The processes of the device that bear this name, by this machine's numbers.
processes() {
  for p in /proc/[0-9]*; do
    [ "$(readlink "$p/ns/net" 2>/dev/null)" != "$network" ] || [ "$(cat "$p/comm" 2>/dev/null)" != "$1" ] || echo "${p#/proc/}"
  done
}

# A group for the agent of this device in which no process can be made any more.
pids=/sys/fs/cgroup/pids/cordon-lab-$$
[ -e /sys/fs/cgroup/pids/cgroup.procs ] || pids=/sys/fs/cgroup/cordon-lab-$$

have_pids() {
  mkdir "$pids-probe" 2>/dev/null || return 1
  [ -w "$pids-probe/pids.max" ]
  have_rc=$?
  rmdir "$pids-probe"
  return $have_rc
}

no_processes() {
  mkdir "$pids-$number"
  for p in $(processes cordond); do
    echo "$p" >"$pids-$number/cgroup.procs"
  done
  echo 1 >"$pids-$number/pids.max"
  on "$device" pkill -KILL -x cordon-plugin-h || true
}

free_processes() {
  [ -d "$pids-$number" ] || return 0
  echo max >"$pids-$number/pids.max"
}

forget_processes() {
  [ -d "$pids-$number" ] || return 0
  rmdir "$pids-$number" 2>/dev/null && return 0
  # Who was not restarted by the case is in it still.
  on "$device" lab-agent kill && start_agent >>"$w/log" 2>&1
  within 10 rmdir "$pids-$number" 2>/dev/null
}

# What the agent has now, and a page more.
no_memory() {
  # shellcheck disable=SC2016 # expanded on the device
  on "$device" sh -c 'p=$(lab-agent pid); [ -r "/proc/$p/status" ] || exit 0; prlimit --pid "$p" --as=$(($(awk "/^VmSize/ { print \$2 }" "/proc/$p/status") * 1024 + 4096))'
  on "$device" pkill -KILL -x cordon-plugin-h || true
}

# The journal as it is now, to be put back later. Only while the agent is stopped.
keep_journal() {
  on "$device" sh -c "rm -rf /var/tmp/kept; mkdir -p /var/tmp/kept; cp -a $journal* /var/tmp/kept/"
}

roll_back_journal() {
  on "$device" sh -c "rm -f $journal*; cp -a /var/tmp/kept/journal.db* /var/lib/cordon/"
}

damage_journal() {
  on "$device" sh -c "head -c 65536 /dev/urandom | dd of=$journal conv=notrunc 2>/dev/null; rm -f $journal-wal $journal-shm"
}

begin_condition() {
  case $1 in
  cut) cut_console ;;
  clock-ahead) step_clock +259200 ;;
  clock-behind) step_clock -259200 ;;
  disk-full) fill "$device" /var/lib/cordon ;;
  console-full) fill console /var/lib/cordon-console ;;
  no-memory) no_memory ;;
  no-processes) no_processes ;;
  esac
}

# The agent itself has to have seen it: the last line of its log is of another day.
clock_was_stepped() {
  case $condition in
  clock-*) ! on "$device" tail -n 1 /var/log/cordond.log | grep -q "^$(date -u +%Y-%m-%d)" ;;
  esac
}

# Just after the order: what the agent answers does not arrive.
middle_condition() {
  case $1 in
  lost) cut_console ;;
  esac
}

# While everything that was armed is dead.
dead_condition() {
  case $1 in
  journal-damaged) damage_journal ;;
  journal-rolled-back) roll_back_journal ;;
  esac
}

end_condition() {
  case $1 in
  cut | lost) mend_console ;;
  disk-full) empty "$device" /var/lib/cordon ;;
  console-full) empty console /var/lib/cordon-console ;;
  no-processes) free_processes ;;
  esac
}

# ---- who dies ----

process_of() {
  case ${1%%=*} in
  console.* | store.*) echo console ;;
  signer.*) echo signer ;;
  channel.*) echo channel ;;
  host.* | nftables.*) echo host ;;
  none) echo none ;;
  *) echo agent ;;
  esac
}

is_alive() {
  case $process in
  console | signer) on console sh -c "kill -0 \$(cat /run/lab-$process.pid)" 2>/dev/null ;;
  *) on "$device" sh -c "kill -0 \$(lab-agent pid)" 2>/dev/null ;;
  esac
}

deaths_logged() {
  on "$device" grep -cE ': strike |cordon-channel ended by signal' /var/log/cordond.log || true
}

# By a strike of the host or an end of the channel too: the agent lives on, and starts them again.
has_died() {
  ! is_alive || [ "$(deaths_logged)" != "$deaths" ]
}

connected_or_dead() {
  has_died || [ "$(agent_value "$device" console.connection 2>/dev/null)" = connected ]
}

# The agent's own clock of the wall; those that count from the boot on are as they are.
clock_library=$(find /usr/lib /usr/lib64 -name libfaketimeMT.so.1 2>/dev/null | head -n 1)
fake_clock="LD_PRELOAD=$clock_library FAKETIME_TIMESTAMP_FILE=/run/lab-clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1"

start_agent() {
  clock=
  case $condition in
  clock-*) clock=$fake_clock ;;
  esac
  # shellcheck disable=SC2086 # a list of words
  on "$device" lab-agent start "$@" $clock </dev/null
}

# arm FAULT: restarts who has the point, with the fault.
arm() {
  deaths=$(deaths_logged)
  step_clock +0
  case $process in
  console | signer)
    on console lab-console kill-one "$process"
    on console lab-console start-one "$process" "CORDON_FAULT=$1" </dev/null
    case $condition in
    clock-* | journal-*)
      on "$device" lab-agent stop
      keep_journal
      start_agent
      ;;
    esac
    ;;
  *)
    on "$device" lab-agent stop
    keep_journal
    start_agent --no-wait "CORDON_FAULT=$1"
    ;;
  esac >>"$w/log" 2>&1
  within 15 connected_or_dead || true
}

restart() {
  case $process in
  console | signer) on console lab-console kill-one "$process" ;;
  esac
  case $process/$condition in
  console/journal-* | signer/journal-*) on "$device" lab-agent kill ;;
  console/* | signer/*) ;;
  *) on "$device" lab-agent kill ;;
  esac
  dead_condition "$condition"
  case $condition in
  disk-full | no-processes | console-full) end_condition "$condition" ;;
  esac
  case $process in
  console | signer) on console lab-console start-one "$process" </dev/null ;;
  esac
  case $process/$condition in
  console/journal-* | signer/journal-*) start_agent ;;
  console/* | signer/*) ;;
  *) start_agent ;;
  esac
  on "$device" cordon local unquarantine org.cordon.nftables </dev/null || true
}

# ---- the operations ----

order() {
  api POST "machines/$id/$1" "$2"
}

at_rest() {
  within "$fault_rest_s" rests
}

# The set that the device is isolated with, and its policy, which names another address of the console.
set_exclusions() {
  api POST "cordon/exclusions/set-$device" "{\"Comment\":\"$2\",
    \"exclusions\":[{\"direction\":\"out\",\"address\":\"$1\",\"protocol\":\"tcp\",\"port\":\"80\"}]}"
}

set_policy() {
  api POST "cordon/policies/policy-$device" "{\"Comment\":\"$2\",\"body\":{\"console\":{\"agents\":[\"$1:8444\"]}}}"
}

assign_policy() {
  set_policy 10.77.0.3 'before the cases' && api POST "machines/$id/tags" "{\"Value\":\"tag-$device\",\"Action\":\"Add\"}" &&
    api POST "cordon/policies/policy-$device/assign" "{\"Comment\":\"before the cases\",\"tag\":\"tag-$device\",\"rank\":1}"
}

# What the console's own policy and set say now, whatever it answered.
console_has() {
  api GET "$1" && grep -qF "\"$2" "$w/answer"
}

# Where an operation begins; each case ends released.
prepare() {
  ready='{"Comment":"before a case"}'
  case $operation in
  isolate) return 0 ;;
  renew) ready='{"Comment":"before a case","LeaseSeconds":14400}' ;;
  exclusions)
    set_exclusions 198.18.0.1 'before a case' || return 1
    ready="{\"Comment\":\"before a case\",\"IsolationType\":\"Selective\",\"Exclusions\":\"set-$device\"}"
    ;;
  policy) set_policy 10.77.0.3 'before a case' || return 1 ;;
  esac
  order isolate "$ready" && at_rest
}

operate() {
  case $operation in
  isolate) order isolate "{\"Comment\":\"$comment\"}" ;;
  exclusions) set_exclusions 10.77.0.1 "$comment" ;;
  policy) set_policy 10.77.0.4 "$comment" ;;
  renew) api POST "cordon/machines/$id/renew" "{\"Comment\":\"$comment\",\"LeaseSeconds\":28800}" ;;
  release) order unisolate "{\"Comment\":\"$comment\"}" ;;
  esac
}

# What the operation says beside isolated and released.
operation_rests() {
  [ "$operation" = policy ] || return 0
  version=$(machine_says policy.wantedVersion)
  [ "$version" = "$(machine_says policy.reported.version)" ] && [ "$(machine_says policy.why)" = null ]
}

target_of() {
  [ "$operation" = release ] && echo released || echo isolated
}

# When the isolation ends, which both ends know.
lease() {
  machine_says wanted.state=isolate.lease_until
}

check_operation() {
  [ "$(lease)" = "$(local_says states.state=isolate.wanted.lease_until)" ] ||
    blame "the console has the end of the lease as $(lease), the device as $(local_says states.state=isolate.wanted.lease_until)"
  case $operation/$history in
  policy/*) check_policy ;;
  exclusions/Succeeded) check_exclusions 10.77.0.1 198.18.0.1 ;;
  exclusions/*) check_exclusions 198.18.0.1 10.77.0.1 ;; # taken by nobody, or refused by the device
  renew/Succeeded) [ "$(lease)" != "$lease_before" ] || blame "renewed, and it still ends at $lease_before" ;;
  renew/*) [ "$(lease)" = "$lease_before" ] || blame "not renewed, and it ends at $(lease) instead of $lease_before" ;;
  esac
}

# The rules let through what the policy at the console says, and not what it said before.
check_policy() {
  open=10.77.0.4 closed=10.77.0.3
  console_has "cordon/policies/policy-$device" $open || open=10.77.0.3 closed=10.77.0.4
  case $answered/$open in
  2*/10.77.0.3) blame 'the console took the policy and does not have it' ;;
  esac
  history="version"
  on "$device" nft list table inet cordon </dev/null >"$w/rules" 2>/dev/null
  grep -qF "$open" "$w/rules" || blame "the policy names $open, and the rules do not"
  ! grep -qF "$closed" "$w/rules" || blame "the policy does not name $closed, and the rules do"
}

# check_exclusions OPEN CLOSED
check_exclusions() {
  on "$device" lab-probe http "$1" 80 >/dev/null 2>&1 || blame "the exclusion of $1 is not reached"
  ! on "$device" lab-probe http "$2" 80 --timeout 500 >/dev/null 2>&1 || blame "$2 is reached, which is not excluded"
}

# ---- judging ----

blame() {
  wrong="$wrong$*; "
}

# Rows `status results source id` of the console since the case began; ours has the comment.
read_history() {
  rows "select status, (select count(*) from audit where audit.action = action.id and what in ('action.result', 'action.local')),
    case when comment = '$comment' or source = 'Exclusions' then 'ours' else source end, id from action where device = '$id' and number > $last_row
    order by number" | tr '|' ' ' >"$w/history"
  rows "select coalesce(max(number), 0) from action where device = '$id'" >"$w/last"
  new=0 history=- again=0
  while read -r status results source action; do
    if [ "$source" = ours ]; then
      new=$((new + 1))
      history=$(status_name "$status")
    else
      again=$((again + 1))
    fi
    check_action "$status" "$results" "$source" "$action"
  done <"$w/history"
}

status_name() {
  case $1 in
  3) echo Succeeded ;;
  4) echo Failed ;;
  5) echo TimeOut ;;
  6) echo Cancelled ;;
  *) echo "open($1)" ;;
  esac
}

check_action() {
  check_status=$(status_name "$1")
  case $check_status in
  Succeeded | Failed) [ "$2" = 1 ] || blame "action $4 ($3) is $check_status and has $2 results" ;;
  *) blame "action $4 ($3) ended as $check_status" ;;
  esac
  times=$("$json" 'actions.*.id' <"$w/actions" | tr ' ' '\n' | grep -cx -- "$4" || true)
  case $condition/$times in
  */1 | journal-*/0) ;;
  *) blame "action $4 ($3) is $times times in the device's history" ;;
  esac
  if [ "$times" = 1 ] && [ "$("$json" "actions.id=$4.status" <"$w/actions")" != "$check_status" ]; then
    blame "action $4 ($3) is $check_status at the console, and not on the device"
  fi
}

check_order() {
  target=$(target_of)
  case $new in
  0)
    [ "$answered/$operation" = 200/policy ] || [ "${answered#2}" = "$answered" ] || blame 'the console took the order and does not know it'
    [ "$wanted" = "$wanted_before" ] || blame "no order, but wanted went from $wanted_before to $wanted"
    ;;
  1)
    # An order that failed leaves wanted what was wanted before.
    case $history/$wanted in
    Failed/"$wanted_before" | */"$target") ;;
    *) blame "ordered $target, $history, wanted is $wanted" ;;
    esac
    [ "$history" != Succeeded ] || [ "$seen" = "$target" ] || blame "a success is claimed, but the device is $seen"
    ;;
  *) blame "one order is $new actions" ;;
  esac
}

# Nobody is stranded: the console releases it, whatever has been.
check_release() {
  [ "$wanted" = isolated ] || return 0
  order unisolate '{"Comment":"after a case"}' || blame "a release is not taken: $code $(head -c 200 "$w/answer")"
  at_rest || blame "after a release: $restless"
  packets_say released || blame "STRANDED: released, but the device is $seen"
}

judge() {
  if ! at_rest; then
    blame "no rest within $fault_rest_s s: $restless"
  fi
  wanted_is=$wanted
  packets_say "$wanted" || blame "the device is $seen, wanted is $wanted"
  device_is=$seen
  read_history
  check_order
  check_operation
}

# run_case OPERATION FAULT CONDITION: leaves a row in $w/rows.
run_case() {
  operation=$1 fault=$2 condition=$3
  process=$(process_of "$fault")
  wrong='' restless='' died=nowhere new='?' history='?' device_is='?' wanted_is='?' seen='?' wanted='?'
  case_number=$((case_number + 1))
  comment="case $device $case_number"
  began=$(date +%s)
  prepare || blame "it could not be prepared: $code $(head -c 200 "$w/answer") $restless"
  rests || true
  wanted_before=$wanted
  lease_before=$(lease)
  last_row=$(rows "select coalesce(max(number), 0) from action where device = '$id'")
  arm "$fault"
  has_died && died=start
  begin_condition "$condition"
  operate || true
  answered=$code
  middle_condition "$condition"
  [ "$died" = start ] || wait_for_it
  restart >>"$w/log" 2>&1 || blame "no restart: $(tail -n 1 "$w/log")"
  end_condition "$condition"
  judge
  clock_was_stepped || blame 'the clock was not stepped'
  check_release
  forget_processes || blame 'the group of processes is still in use'
  verdict=good
  [ -z "$wrong" ] || verdict=WRONG
  [ "$again" = 0 ] || history="$history+$again"
  printf '%-10s | %-36s | %-19s | %-7s | %-12s | %-8s | %-8s | %s\n' "$operation" "$fault" "$condition" "$died" "$history" \
    "$wanted_is" "$device_is" "$verdict" >>"$w/rows"
  echo "$wrong" >>"$w/wrongs"
  # What the console ordered by itself is worth a look, and is no fault.
  rows "select type, source, status, sentence from action where device = '$id' and number > $last_row" |
    sed "s|^|$operation $fault $condition: |" >>"$w/orders"
  echo "$operation $fault $condition: $died, $verdict $wrong, $(($(date +%s) - began)) s" >>"$w/times"
  [ -z "$wrong" ] || recover
}


# The fault comes, or the order is over without it.
wait_for_it() {
  patience=6
  case $condition in
  none) ;;
  cut)
    sleep 2 # that long the console cannot be reached
    mend_console
    ;;
  lost) patience=2 ;;
  no-*) patience=4 ;;
  esac
  within $patience over_or_dead || true
  has_died && died=order
}

# With nothing wrong around it, an order that is over leaves the fault two more seconds: some points come after the result.
over_or_dead() {
  has_died && return 0
  case $code in
  2*) api GET "cordon/devices/$id" && [ "$("$json" pending.# <"$w/answer")" = 0 ] && {
    over=$((over + 1))
    [ "$over" -gt 8 ] || [ "$fault" = none ]
  } ;;
  esac
}

# After a case that went wrong the next ones begin where they should.
recover() {
  {
    mend_console
    free_processes
    forget_processes
    on "$device" sh -c 'rm -f /var/lib/cordon/fill*'
    on console sh -c 'rm -f /var/lib/cordon-console/fill*'
    on "$device" lab-agent kill
    condition=none
    start_agent
    order unisolate '{"Comment":"after a case that went wrong"}'
    at_rest
  } >>"$w/log" 2>&1 || true
}
