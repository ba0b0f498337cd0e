#!/bin/sh
# Remediations as a person orders them on a device: cordon.exe, cordond.exe, the plugin host and the plugin for Windows, under Wine:
# sh remediate_agent.sh PREFIX BUILD
# Each is ordered, seen in the prefix, taken back, and seen again; one after the agent was killed. Programs and state lie in the prefix.
# shellcheck disable=SC2317 # what is called by traps and by until_true
set -u

prefix=$1
build=$2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
name=remediate-$$
place=$prefix/drive_c/$name
# Beside it: what lies with the programs is the agent's own.
work=$place-work
key='HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run'
agent=
planted=

fail() {
  printf 'FAILED: %s\n' "$*"
  [ ! -f "$place/log" ] || tail -n 40 "$place/log" | sed 's/^/  /'
  exit 1
}

clean_up() {
  for process in $agent $planted; do
    kill -9 "$process" 2>/dev/null
    wait "$process" 2>/dev/null
  done
  run wine reg delete "$key" /v "$name" /f >/dev/null 2>&1 </dev/null
  rm -rf "$place" "$work" "${startup:-$place/none}"
}

# until_true SECONDS COMMAND...: polls.
until_true() {
  left=$(($1 * 20))
  shift
  while ! "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.05
  done
}

digest() {
  sha256sum "$1" | cut -d ' ' -f 1
}

# run WINE PROGRAM...: the first word is for the reader.
run() {
  shift
  timeout 60 sh "$here/wine.sh" "$prefix" run "$@"
}

lay_out() {
  mkdir -p "$place/plugins" "$work"
  cp "$build/core/agent/cordond.exe" "$build/core/host/cordon-plugin-host.exe" "$build/core/channel/cordon-channel.exe" \
    "$build/core/ctl/cordon.exe" "$place/"
  cp "$build/plugins/windows/remediate/cordon-windows-remediate.dll" "$build/plugins/windows/remediate/cordon-windows-remediate.json" \
    "$place/plugins/"
  printf '%s' '{"providers":{"remediate":["org.cordon.windows.remediate"]},"plugins":{"user":"","settings":{}},"local":{"group":""},"log":"all=info"}' \
    >"$place/cordond.json"
  printf '{"plugins":[{"id":"org.cordon.windows.remediate","library":"sha256:%s","manifest":"sha256:%s"}]}' \
    "$(digest "$place/plugins/cordon-windows-remediate.dll")" "$(digest "$place/plugins/cordon-windows-remediate.json")" >"$place/trust.json"
}

# The path of the folder as Windows says it.
at() {
  printf 'C:\\%s\\%s' "$name" "$1"
}

start() {
  : >"$place/log"
  sh "$here/wine.sh" "$prefix" run "$place/cordond.exe" --config "$(at cordond.json)" --trust "$(at trust.json)" \
    --state-dir "$(at state)" --run-dir "$(at run)" --plugin-dir "$(at plugins)" --plugin-host "$(at cordon-plugin-host.exe)" \
    --channel "$(at cordon-channel.exe)" >"$place/log" 2>&1 </dev/null &
  agent=$!
  until_true 30 grep -q 'agent: started' "$place/log" || fail "the agent did not start"
}

# order WORDS...: what it says is in out and err; the action's id in $action.
order() {
  timeout 90 sh "$here/wine.sh" "$prefix" run "$place/cordon.exe" local "$@" --comment test --socket "\\\\.\\pipe\\cordon-controlC--$name-run" \
    >"$place/out" 2>"$place/err" </dev/null
  code=$?
  action=$(sed -n 's/^Action .*remediate, \([0-9a-zA-Z-]*\).*/\1/p' "$place/out")
  return "$code"
}

said() {
  cat "$place/out" "$place/err"
}

value() {
  run wine reg query "$key" /v "$name" 2>/dev/null </dev/null | grep -q evil.exe
}

trap clean_up EXIT
trap 'exit 130' INT TERM HUP
lay_out
start

# ---- a file: taken, still taken after the agent was killed, given back
evil=$work/evil.exe
evil_there="C:\\$name-work\\evil.exe"
printf 'MZ malware' >"$evil"
touch -d '2001-02-03 04:05:06' "$evil"
before=$(digest "$evil") stamp=$(stat -c '%Y %U' "$evil")
order quarantine 'work\evil.exe' && fail "a path that is not absolute was taken: $(said)"
grep -q 'absolute' "$place/err" || fail "it is not said why: $(said)"
order quarantine /etc/passwd && fail "a path of another system was taken: $(said)"
grep -q 'no absolute path of a file on a disk of this device' "$place/out" "$place/err" || fail "it is not said why: $(said)"
order quarantine "$(at trust.json)" --force && fail "the agent's own was taken: $(said)"
grep -q "the agent's own" "$place/out" "$place/err" || fail "it is not said why: $(said)"
order quarantine "$evil_there" || fail "quarantine: $(said)"
taken=$action
[ -n "$taken" ] || fail "the action has no id: $(said)"
[ ! -e "$evil" ] || fail "the file is there still"
grep -q '^Undo  *available' "$place/out" || fail "it is not said that it can be taken back: $(said)"
[ -s "$place/state/plugins/org.cordon.windows.remediate/quarantine/$taken.data" ] || fail "nothing is kept: $(find "$place/state")"
! grep -q 'malware' "$place/state/plugins/org.cordon.windows.remediate/quarantine/$taken.data" || fail "what is kept can be read"

kill -9 "$agent"
wait "$agent" 2>/dev/null
start
order undo "$taken" || fail "undo: $(said)"
[ "$(digest "$evil")" = "$before" ] || fail "the bytes are not what they were"
[ "$(stat -c '%Y %U' "$evil")" = "$stamp" ] || fail "time or owner are not what they were"
order quarantine "$evil_there" || fail "quarantine, the second time: $(said)"
[ ! -e "$evil" ] || fail "the file is there still, the second time"
order restore "$action" || fail "restore: $(said)"
[ "$(digest "$evil")" = "$before" ] || fail "the file was not restored"

# ---- a value of the registry
run wine reg add "$key" /v "$name" /t REG_SZ /d 'C:\evil.exe' /f >/dev/null 2>&1 </dev/null
value || fail "the value was not planted"
order startup remove "$key" && fail "a key without a value was taken"
order startup remove "$key" "$name" || fail "startup remove: $(said)"
taken=$action
! value || fail "the value is there still"
order undo "$taken" || fail "undo of a value: $(said)"
value || fail "the value did not come back"

# ---- a file of a start-up folder
user=$(find "$prefix/drive_c/users" -mindepth 1 -maxdepth 1 -type d ! -name Public | head -n 1)
startup="$user/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/StartUp/$name.lnk"
mkdir -p "$(dirname "$startup")"
printf 'a link' >"$startup"
order startup remove "C:\\users\\$(basename "$user")\\AppData\\Roaming\\Microsoft\\Windows\\Start Menu\\Programs\\StartUp\\$name.lnk" ||
  fail "startup remove of a file: $(said)"
[ ! -e "$startup" ] || fail "the start-up file is there still"
order undo "$action" || fail "undo of a start-up file: $(said)"
[ -e "$startup" ] || fail "the start-up file did not come back"

# ---- what Windows has not, and what Wine has not
order cron disable "$(at 'cordond.json')" 1 && fail "a line of cron was switched off"
grep -q "no operation 'cron.disable'" "$place/out" "$place/err" || fail "it is not said that there is no cron: $(said)"
order task disable '\Cordon\NoSuchTask' && fail "a task that is not there was switched off"
grep -qE 'no task|unsupported' "$place/out" "$place/err" || fail "it is not said what is wrong with the task: $(said)"

# ---- a program that runs, and its process
cp "$build/tests/windows/plugin_plant.exe" "$work/runs.exe"
mkfifo "$place/stay"
sh "$here/wine.sh" "$prefix" run "$work/runs.exe" - stay <"$place/stay" >"$place/port" 2>/dev/null &
planted=$!
exec 8>"$place/stay"
until_true 30 test -s "$place/port" || fail "the process was not planted"
order quarantine "C:\\$name-work\\runs.exe" && fail "a file that runs was taken without stop: $(said)"
grep -q 'runs it and was not to be stopped' "$place/out" || fail "it is not said who runs it: $(said)"
pid=$(tr -d '\r' <"$place/port" | cut -d ' ' -f 2)
order process suspend "$pid" || fail "process suspend: $(said)"
order undo "$action" || fail "undo of suspend: $(said)"
order quarantine "C:\\$name-work\\runs.exe" --stop || fail "quarantine --stop: $(said)"
[ ! -e "$work/runs.exe" ] || fail "the program is there still"
gone() {
  ! kill -0 "$planted"
}
until_true 20 gone || fail "the process runs still"
exec 8>&-
order process stop "$pid" && fail "a process that is not there was named: $(said)"
exit 0
