#!/bin/sh
# Break-glass: a device that is isolated and reaches no console is released with the code that somebody read out, by
# somebody who is nobody there; the console learns of it when it is back, and leaves it at that.
LAB_CONSOLE_PLACE=yes
. "$(dirname "$0")/lib.sh"

fleet() {
  on console cordon "$@" </dev/null
}

connected() {
  fleet device show "$1" | grep -q '^Connection  connected'
}

# fleet_value COMMAND... -- PATH: a value of a command's JSON.
last_action() {
  fleet actions --limit "${2:-1}" --json | "$json" "value.*.$1"
}

read_code() {
  fleet action code "$1" --json --comment 'caller known by voice' >"$work/shown" && "$json" code <"$work/shown" >"$work/code"
}

refused_to_show() {
  ! fleet action code "$1" --json >"$work/again" && grep -q "$2" "$work/again"
}

# as_nobody_with TEXT ARGS...: writes a file for nobody on desk-1, and releases with it as nobody.
as_nobody_with() {
  printf '%s\n' "$1" | on desk-1 sh -c 'umask 077; cat >/var/tmp/code; chown nobody /var/tmp/code'
  on desk-1 setpriv --reuid nobody --regid nogroup --clear-groups cordon local release --code-file /var/tmp/code </dev/null
}

refused_with() {
  ! as_nobody_with "$1" >"$work/refusal" 2>&1 && grep -q "$2" "$work/refusal"
}

# The code, typed at a terminal once it is asked for: what was typed before that is thrown away.
type_when_asked() {
  within 20 grep -qs 'Release code: ' "$work/typed"
  cat "$work/code"
}

typed() {
  type_when_asked | on desk-1 script -qec 'cordon local release --code' /dev/null >"$work/typed" 2>&1
}

no_trace() {
  plain=$(tr -d '-' <"$work/code")
  on desk-1 grep -rqaF -e "$(cat "$work/code")" -e "$plain" /var/log /var/lib/cordon && return 1
  on console grep -rqaF -e "$(cat "$work/code")" -e "$plain" /var/log /var/lib/cordon-console /var/lib/cordon-signer && return 1
  return 0
}

console_wants() {
  same "$(fleet device show desk-1 --json | "$json" cordon.wanted.state=isolate.value)" "$1"
}

logged_who() {
  on console sqlite3 /var/lib/cordon-console/console.db \
    "select who, detail from audit where what = 'action.code' and action = '$1'" </dev/null >"$work/entry"
  grep -qF 'lab|{"comment":"caller known by voice"}' "$work/entry"
}

lab up
fact 'desk-1 is enrolled and connected' connected desk-1
fact 'the console isolates it' fleet isolate desk-1 --comment 'lab test' --wait
action=$(last_action id)
fact 'the code is shown' read_code "$action"
fact 'and not again, with who saw it' refused_to_show "$action" "was shown to 'lab' at 20"
on console lab-console kill
fact 'the console is gone, and the device is isolated' really isolated
fact 'a mistyped code is told apart' refused_with 'QQQQQ-QQQQQ-QQQQQ-QQQQ' 'is mistyped'
fact 'a code of another device too' refused_with '05012-34567-89ABC-DEFGT' 'is of another device'
fact 'still isolated' really isolated
fact 'the right code releases it for nobody, with no console' as_nobody_with "$(cat "$work/code")"
fact 'and everything is open' really released
fact 'a used code says so' refused_with "$(cat "$work/code")" 'was used already'

on console lab-console start
fact 'the console is back' within 60 connected desk-1
fact 'and learns who released it' within 30 same_text 'last_action requestor' 'code (nobody)'
fact 'it wants it released' console_wants released
fact 'and the device stays so' really released
fact 'the audit log says who saw the code' logged_who "$action"
fact 'and is whole' fleet audit verify
fact 'the code of a past isolation is not shown' refused_to_show "$action" 'a code is shown once'

# Where it is configured, root needs it too; typed at a terminal this time.
on desk-1 sed -i 's/"release": "group"/"release": "code"/' /etc/cordon/cordond.json
on desk-1 lab-agent stop
on desk-1 lab-agent start
fact 'desk-1 is connected again' within 60 connected desk-1
fact 'it is isolated once more' fleet isolate desk-1 --comment 'lab test' --wait
action=$(last_action id)
fact 'its code is another one' read_code "$action"
never 'root cannot release it without' release desk-1
fact 'and it stays isolated' really isolated
fact 'root types the code' typed
never 'and it is not to be seen there' grep -qF "$(cat "$work/code")" "$work/typed"
fact 'everything is open' really released
# docs/operator.md, "Without the agent".
fact 'it is isolated a last time' fleet isolate desk-1 --comment 'lab test' --wait
on desk-1 lab-agent kill
fact 'without its agent it stays isolated' really isolated
on desk-1 sh -c 'nft list tables | grep cordon | sed s/^/delete\ / | nft -f -' </dev/null
fact 'by hand it is released' really released
on desk-1 lab-agent start
fact 'the agent wants what its journal says' within 30 really isolated
fact 'until the console releases it' within 60 fleet release desk-1 --comment 'lab test' --wait
fact 'and all is open' really released

fact 'no code is in any log, journal or database' no_trace

facts_end
