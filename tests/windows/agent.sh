#!/bin/sh
# cordond.exe with a DLL of the zoo as its provider, and cordon.exe over the control pipe, under Wine: sh agent.sh PREFIX BUILD
# Isolates, tries to tell the people at the device, kills the agent where it stands, starts it again, releases. Programs and state lie in the prefix.
# shellcheck disable=SC2317 # what is called by traps and by until_true
set -u

prefix=$1
build=$2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
name=agent-$$
place=$prefix/drive_c/$name
agent=
bad=0

fail() {
  echo "FAILED: $*"
  [ ! -f "$place/log" ] || sed 's/^/  /' "$place/log"
  bad=1
  exit 1
}

clean_up() {
  if [ -n "$agent" ]; then
    kill -9 "$agent" 2>/dev/null
    wait "$agent" 2>/dev/null
  fi
  rm -rf "$place"
}

# until SECONDS COMMAND...: polls.
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

lay_out() {
  mkdir -p "$place/plugins"
  cp "$build/core/agent/cordond.exe" "$build/core/host/cordon-plugin-host.exe" "$build/core/channel/cordon-channel.exe" \
    "$build/core/ctl/cordon.exe" "$place/"
  cp "$build/tests/plugins/zoo_good.dll" "$build/tests/plugins/zoo_good.json" "$build/plugins/windows/notify/cordon-windows-notify.dll" \
    "$build/plugins/windows/notify/cordon-windows-notify.json" "$place/plugins/"
  printf '%s' '{"providers":{"isolate":["org.cordon.test.good"],"notify":["org.cordon.windows.notify"]},"plugins":{"user":"","settings":{}},"local":{"group":""},"log":"all=info"}' \
    >"$place/cordond.json"
  printf '{"plugins":[{"id":"org.cordon.test.good","library":"sha256:%s","manifest":"sha256:%s"},
    {"id":"org.cordon.windows.notify","library":"sha256:%s","manifest":"sha256:%s"}]}' \
    "$(digest "$place/plugins/zoo_good.dll")" "$(digest "$place/plugins/zoo_good.json")" \
    "$(digest "$place/plugins/cordon-windows-notify.dll")" "$(digest "$place/plugins/cordon-windows-notify.json")" >"$place/trust.json"
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

local_command() {
  timeout 60 sh "$here/wine.sh" "$prefix" run "$place/cordon.exe" local "$@" --socket "\\\\.\\pipe\\cordon-controlC--$name-run" \
    >"$place/out" 2>"$place/err" </dev/null
}

hosts() {
  pgrep -f "$name.cordon-plugin-host.exe" >/dev/null
}

no_hosts() {
  ! hosts
}

trap clean_up EXIT
trap 'exit 130' INT TERM HUP
lay_out
start

has_provider() {
  local_command status && grep -q '^isolate  *org.cordon.test.good' "$place/out"
}
until_true 30 has_provider || fail "status does not name the provider: $(cat "$place/out" "$place/err")"

# A second agent over the same state does not start.
timeout 30 sh "$here/wine.sh" "$prefix" run "$place/cordond.exe" --config "$(at cordond.json)" --trust "$(at trust.json)" \
  --state-dir "$(at state)" --run-dir "$(at run)" --plugin-dir "$(at plugins)" --plugin-host "$(at cordon-plugin-host.exe)" \
  --channel "$(at cordon-channel.exe)" >"$place/second" 2>&1 </dev/null && fail "a second agent ran over the same state"
grep -q 'is locked by process' "$place/second" || fail "the second agent does not say why: $(cat "$place/second")"

local_command isolate || fail "isolate: $(cat "$place/err")"
grep -q 'Succeeded' "$place/out" || fail "the isolation did not succeed: $(cat "$place/out")"
grep -rql '^isolated ' "$place/state" || fail "nothing of the isolation is in the plugin's folder"
until_true 10 hosts || fail "no host holds the state"

# Who is at the device would be told now; Wine has no sessions, and the agent says so.
until_true 20 grep -q "notice 'isolated': nobody was told: org.cordon.windows.notify: unsupported here: WTSEnumerateSessions" "$place/log" ||
  fail "the notice that nobody could be told is not in the log"

# The host says what it has: of an administrator nothing, and what did not take.
grep -q 'not confined in all: on Windows' "$place/log" || fail "the agent does not say what was not confined"
! grep -q 'rights of administrators' "$place/log" || fail "a plugin that asks for nothing has an administrator's rights"

# What the agent started ends with it, however it ends.
kill -9 "$agent"
wait "$agent" 2>/dev/null
until_true 20 no_hosts || fail "a plugin host outlived the agent"

start
local_command status || fail "status after the crash: $(cat "$place/err")"
grep -q 'wanted isolated' "$place/out" || fail "the isolation is forgotten: $(cat "$place/out")"
local_command release || fail "release: $(cat "$place/err")"
grep -q 'Succeeded' "$place/out" || fail "the release did not succeed: $(cat "$place/out")"
! grep -rql '^isolated ' "$place/state" || fail "the plugin still holds the state"

# A library that is not the one that was trusted is not loaded.
kill -9 "$agent"
wait "$agent" 2>/dev/null
until_true 20 no_hosts || fail "a plugin host outlived the agent"
printf 'x' >>"$place/plugins/zoo_good.dll"
start
local_command isolate && fail "a library that was changed was used"
grep -q 'has digest' "$place/log" || fail "the agent does not say why"
exit "$bad"
