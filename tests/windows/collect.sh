#!/bin/sh
# Investigation packages through the whole agent, under Wine: sh collect.sh PREFIX BUILD PYTHON
# cordond.exe with the real collector and cordon.exe: a package of a prefix in which facts were planted is made, fetched, verified, unpacked and looked through
# (collect_facts.py). Then the spool: what it lets others see, what a kill -9 leaves, its quota, its age, a full disk; with a collector of the zoo, which is quick.
# shellcheck disable=SC2317 # what is called by traps and by until_true
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
WINEPREFIX=$1
build=$2
python=$3
plant=$build/tests/windows/plugin_plant.exe
export WINEPREFIX WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml=' LC_ALL=C.UTF-8
PATH=$PATH:/usr/lib/wine
disk=$WINEPREFIX/drive_c
work=$(mktemp -d)
place=$disk/cordon-collect
spool=$place/state/spool
planted=
agent=

fail() {
  echo "FAILED: $*"
  [ ! -f "$place/log" ] || sed 's/^/  /' "$place/log"
  exit 1
}

clean_up() {
  if [ -n "$agent" ]; then
    kill -9 "$agent" 2>/dev/null
    wait "$agent" 2>/dev/null
  fi
  sh "$here/wine.sh" "$WINEPREFIX" end
  if [ -n "$planted" ]; then
    kill -9 "$planted" 2>/dev/null
    wait "$planted" 2>/dev/null
  fi
  rm -rf "$work"
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

# shellcheck source=tests/windows/plant.sh
. "$here/plant.sh"

# A user whose name no code page of the West has.
plant_foreign_user() {
  mkdir -p "$disk/users/jürgen東/AppData/Local/Temp"
  printf 'MZforeign' >"$disk/users/jürgen東/AppData/Local/Temp/böse 東.exe"
  add "HKLM\\$nt\\ProfileList\\S-1-5-21-1-2-3-1004" ProfileImagePath REG_EXPAND_SZ '%SystemDrive%\users\jürgen東'
  add_all
}

digest() {
  sha256sum "$1" | cut -d ' ' -f 1
}

# A row of the trust list: FILE without its ending, ID.
trusted() {
  printf '{"id":"%s","library":"sha256:%s","manifest":"sha256:%s"}' "$2" "$(digest "$1.dll")" "$(digest "$1.json")"
}

lay_out() {
  mkdir -p "$place/plugins"
  cp "$build/core/agent/cordond.exe" "$build/core/host/cordon-plugin-host.exe" "$build/core/channel/cordon-channel.exe" \
    "$build/core/ctl/cordon.exe" "$place/"
  find "$build/plugins/windows" -name 'cordon-windows-collect.dll' -exec cp {} "$place/plugins/" \;
  find "$build/plugins/windows" -name 'cordon-windows-collect.json' -exec cp {} "$place/plugins/" \;
  cp "$build/tests/plugins/zoo_collects.dll" "$build/tests/plugins/zoo_collects.json" "$place/plugins/"
  printf '{"plugins":[%s,%s]}' "$(trusted "$place/plugins/cordon-windows-collect" org.cordon.windows.collect)" \
    "$(trusted "$place/plugins/zoo_collects" org.cordon.test.collects)" >"$place/trust.json"
}

# configure PROVIDER [COLLECT [SETTINGS]]: the collector, the agent's own settings for packages, those of the zoo's.
configure() {
  printf '{"providers":{"collect":["%s"]},"collect":{%s},"plugins":{"user":"","settings":{"org.cordon.test.collects":{%s}}},"local":{"group":""},"log":"all=debug"}' \
    "$1" "${2:-}" "${3:-}" >"$place/cordond.json"
}

start() {
  : >"$place/log"
  sh "$here/wine.sh" "$WINEPREFIX" run "$place/cordond.exe" --config 'C:\cordon-collect\cordond.json' --trust 'C:\cordon-collect\trust.json' \
    --state-dir 'C:\cordon-collect\state' --run-dir 'C:\cordon-collect\run' --plugin-dir 'C:\cordon-collect\plugins' \
    --plugin-host 'C:\cordon-collect\cordon-plugin-host.exe' --channel 'C:\cordon-collect\cordon-channel.exe' \
    >"$place/log" 2>&1 </dev/null &
  agent=$!
  until_true 30 grep -q 'agent: started' "$place/log" || fail "the agent did not start"
}

gone() {
  ! kill -0 "$agent" 2>/dev/null
}

no_hosts() {
  ! pgrep -f 'cordon-collect.cordon-plugin-host.exe' >/dev/null
}

stop_hard() {
  kill -9 "$agent"
  wait "$agent" 2>/dev/null
  agent=
  until_true 20 no_hosts || fail "a plugin host outlived the agent"
}

cordon() {
  timeout 300 sh "$here/wine.sh" "$WINEPREFIX" run "$place/cordon.exe" "$@" >"$work/out" 2>"$work/err" </dev/null
}

local_command() {
  cordon local "$@" --socket '\\.\pipe\cordon-controlC--cordon-collect-run'
}

# member FILE PATH...: of a file of JSON.
member() {
  "$python" - "$@" <<'END'
import json, sys
at = json.load(open(sys.argv[1], encoding="utf-8"))
for key in sys.argv[2:]:
    at = at[int(key) if isinstance(at, list) else key] if at is not None else None
print("null" if at is None else at)
END
}

in_spool() {
  find "$spool" -type f -name "$1" | wc -l
}

is_begun() {
  [ "$(in_spool '*.part')" = 1 ]
}

# The collector of the zoo has begun with it, and waits.
half_made() {
  is_begun && grep -q 'org.cordon.test.collects: host .* is up' "$place/log"
}

# private PATH: what Wine keeps of its access list. Administrators are a group there.
private() {
  private_mode=$(stat -c %a "$1")
  case $private_mode in
  *0) ;;
  *) fail "others may look into $1: its mode is $private_mode" ;;
  esac
}

newest() {
  local_command actions --json || fail "actions: $(cat "$work/err")"
  cp "$work/out" "$work/actions"
}

# The newest action has ended like that, with this sentence.
ended_as() {
  newest
  ended_status=$(member "$work/actions" actions 0 status)
  ended_sentence=$(member "$work/actions" actions 0 sentence)
  case $ended_status/$ended_sentence in
  $1/*"$2"*) ;;
  *) fail "the action is $ended_status: $ended_sentence" ;;
  esac
}

trap clean_up EXIT
trap 'exit 130' INT TERM HUP
plant_all
plant_foreign_user
lay_out

# ---- a whole package
configure org.cordon.windows.collect
start
local_command collect -o 'C:\cordon-collect\whole.zip' --json
rc=$?
cp "$work/out" "$work/collected"
[ -f "$place/whole.zip" ] || fail "there is no package, and the command ended with $rc: $(cat "$work/out" "$work/err")"
[ $rc = 7 ] || fail "collect ended with $rc, and the package is not whole on Wine: $(cat "$work/err")"
action=$(member "$work/collected" action id)
[ "$(member "$work/collected" action status)" = Succeeded ] || fail "the action is not Succeeded: $(cat "$work/out")"
[ "$(member "$work/collected" action provider)" = org.cordon.windows.collect ] || fail "another provider: $(cat "$work/out")"
[ "$(member "$work/collected" action result package bytes)" = "$(stat -c %s "$place/whole.zip")" ] || fail "the package has another size"
[ "$(member "$work/collected" action result package digest)" = "sha256:$(digest "$place/whole.zip")" ] || fail "the package has another digest"
private "$place/whole.zip"
private "$spool"
[ "$(in_spool '*')" = 0 ] || fail "the agent kept a package that was fetched"

cordon package verify 'C:\cordon-collect\whole.zip' || fail "verify: $(cat "$work/out" "$work/err")"
cordon package list 'C:\cordon-collect\whole.zip' || fail "list: $(cat "$work/err")"
grep -q 'CollectionSummaryReport.xls' "$work/out" || fail "the list lacks the report: $(cat "$work/out")"
cordon package extract 'C:\cordon-collect\whole.zip' -o 'C:\cordon-collect\unpacked' || fail "extract: $(cat "$work/err")"
private "$place/unpacked"
"$python" "$here/whole_zip.py" "$place/whole.zip" "$place/unpacked" || fail "the zip is not what was unpacked"
[ -f "$place/unpacked/Temp Directories/jürgen東 Temp.csv" ] || fail "a user whose name is not ASCII is not there: $(ls "$place/unpacked/Temp Directories")"
grep -q 'böse 東.exe' "$place/unpacked/Temp Directories/jürgen東 Temp.csv" || fail "a file whose name is not ASCII is not there"
"$python" "$here/../unit/plugins/check_package.py" "$place/unpacked" >"$work/whole" || fail "$(cat "$work/whole")"
"$python" "$here/collect_facts.py" "$place/unpacked" "$(cut -d ' ' -f 1 "$work/port")" "$disk" "$action" || fail "the planted facts are not there"
printf 'x' | dd of="$place/whole.zip" bs=1 seek=2000 conv=notrunc 2>/dev/null
cordon package verify 'C:\cordon-collect\whole.zip' && fail "a package that was changed is verified"

# ---- by a list: what it names and no more, nothing of the agent's own, and a list that is none
cat >"$place/list.json" <<'END'
{ "name": "web", "version": 3, "items": [
  { "folder": "Temps", "path": "C:\\Users\\*\\AppData\\Local\\Temp\\*.EXE", "why": "CHG-120" },
  { "folder": "Agent", "path": "C:\\cordon-collect\\state\\**\\*", "max_depth": 3, "why": "CHG-120" },
  { "folder": "Linux", "path": "/etc/passwd", "why": "CHG-120" } ] }
END
local_command collect --profile custom --list 'C:\cordon-collect\list.json' -o 'C:\cordon-collect\custom.zip' --json
rc=$?
[ $rc = 7 ] || fail "collect by a list ended with $rc: $(cat "$work/out" "$work/err")"
cordon package extract 'C:\cordon-collect\custom.zip' -o 'C:\cordon-collect\custom' || fail "extract: $(cat "$work/err")"
[ "$(cat "$place/custom/Temps/"*"böse 東.exe")" = MZforeign ] || fail "a file that the list names is not there: $(ls "$place/custom/Temps")"
[ "$(member "$place/custom/manifest.json" profile)/$(member "$place/custom/manifest.json" list_version)" = custom/3 ] ||
  fail "the manifest is of another list: $(cat "$place/custom/manifest.json")"
"$python" - "$place/custom/manifest.json" <<'END' || fail "what the list may not have is not told so"
import json, sys
items = json.load(open(sys.argv[1], encoding="utf-8"))["items"]
agents = [i for i in items if i["folder"] == "Agent" and "*" not in i["source"]]
bad = [i for i in agents if i["status"] != "denied" or "the keys of this agent" not in i["error"]]
foreign = [i for i in items if i["source"] == "/etc/passwd" and i["status"] == "absent"]
print(len(agents), bad, foreign)
sys.exit(0 if agents and not bad and foreign and not any(i["folder"] == "Autoruns" for i in items) else 1)
END
sed 's/C:.*Temp/C:..Temp/' "$place/list.json" >"$place/bad.json"
local_command collect --profile custom --list 'C:\cordon-collect\bad.json' -o 'C:\cordon-collect\bad.zip' &&
  fail "a list that is none was collected by"
grep -q 'items\[0\].path' "$work/err" || fail "what is wrong in a list is not said: $(cat "$work/err")"

# ---- the agent dies in the middle of one
stop_hard
configure org.cordon.test.collects '' '"does":"waits"'
start
local_command collect -o 'C:\cordon-collect\half.zip' &
half=$!
until_true 60 half_made || fail "no package was begun"
private "$(find "$spool" -name '*.part')"
stop_hard
wait $half
[ ! -e "$place/half.zip" ] || fail "half a package was fetched"
start
[ "$(in_spool '*')" = 0 ] || fail "half a package is kept"
ended_as Failed 'outcome unknown'
stop_hard

# ---- the agent dies when it has made a host that has not begun: not even that one stays
CORDON_FAULT=child.created=kill
export CORDON_FAULT
start
unset CORDON_FAULT
local_command collect -o 'C:\cordon-collect\early.zip'
until_true 30 gone || fail "the agent passed child.created"
wait "$agent" 2>/dev/null
until_true 20 no_hosts || fail "a plugin host that had not begun outlived the agent"

# ---- the one who asked dies, then the agent: the package is there, whole
configure org.cordon.windows.collect
start
local_command collect -o 'C:\cordon-collect\left.zip' &
left=$!
until_true 60 is_begun || fail "no package was begun"
pkill -9 -P "$left" 2>/dev/null
kill -9 "$left" 2>/dev/null
wait "$left" 2>/dev/null
pgrep -f 'cordon-collect.cordon.exe local collect' | xargs -r kill -9
is_kept() {
  [ "$(in_spool '*.zip')" = 1 ] && newest && [ "$(member "$work/actions" actions 0 status)" = Succeeded ]
}
until_true 120 is_kept || fail "the package that nobody waits for is not kept"
private "$(find "$spool" -name '*.zip')"
stop_hard
start
made=$(member "$work/actions" actions 0 id)
local_command collect --id "$made" -o 'C:\cordon-collect\made.zip' --json
[ -f "$place/made.zip" ] || fail "the package is not had from an agent that was started again: $(cat "$work/out" "$work/err")"
cordon package verify 'C:\cordon-collect\made.zip' || fail "verify: $(cat "$work/out" "$work/err")"
[ "$(in_spool '*')" = 0 ] || fail "the agent kept a package that was fetched"
stop_hard

# ---- the spool, with a quick collector: kill points
configure org.cordon.test.collects
for point in job.order_synced job.started job.ended collect.kept job.before_outcome job.outcome_synced; do
  CORDON_FAULT=$point=kill
  export CORDON_FAULT
  start
  unset CORDON_FAULT
  local_command collect -o 'C:\cordon-collect\killed.zip'
  until_true 30 gone || fail "the agent passed $point"
  wait "$agent" 2>/dev/null
  until_true 20 no_hosts || fail "a plugin host outlived the agent"
  rm -f "$place/killed.zip"
  start
  newest
  status=$(member "$work/actions" actions 0 status)
  case $status in
  Succeeded)
    [ "$(in_spool '*.zip')" = 1 ] || fail "$point: Succeeded, and there is no package"
    local_command collect --id "$(member "$work/actions" actions 0 id)" -o 'C:\cordon-collect\killed.zip' || fail "$point: $(cat "$work/err")"
    rm -f "$place/killed.zip"
    ;;
  Failed | Cancelled) ;;
  *) fail "$point: the action is $status" ;;
  esac
  [ "$(in_spool '*')" = 0 ] || fail "$point: $status, and something is kept: $(ls "$spool")"
  stop_hard
done

# ---- age and quota
configure org.cordon.test.collects '"max_bytes":4194304,"quota_bytes":8388608,"keep_s":3600,"free_bytes":0'
start
truncate -s 1000 "$spool/01890a5d-ac96-774b-bcce-b302099a8051.zip"
touch -d '2 hours ago' "$spool/01890a5d-ac96-774b-bcce-b302099a8051.zip"
truncate -s 3000000 "$spool/01890a5d-ac96-774b-bcce-b302099a8052.zip" "$spool/01890a5d-ac96-774b-bcce-b302099a8053.zip"
local_command collect -o 'C:\cordon-collect\more.zip' || fail "collect: $(cat "$work/err")"
[ ! -e "$spool/01890a5d-ac96-774b-bcce-b302099a8051.zip" ] || fail "a package that is too old is kept"
[ ! -e "$spool/01890a5d-ac96-774b-bcce-b302099a8052.zip" ] || fail "the oldest is kept beyond the quota"
[ -e "$spool/01890a5d-ac96-774b-bcce-b302099a8053.zip" ] || fail "more than the oldest was removed"
rm -f "$spool"/*.zip
stop_hard

# ---- ceilings: the package's own, and a disk that must keep more than it has
configure org.cordon.test.collects '"max_bytes":4194304,"free_bytes":0' '"does":"much","bytes":20000000'
start
local_command collect -o 'C:\cordon-collect\capped.zip' --json
[ "$(member "$work/out" action result package cap)" = bytes ] || fail "no ceiling was met: $(cat "$work/out" "$work/err")"
[ "$(stat -c %s "$place/capped.zip")" -le 4194304 ] || fail "the package is over its ceiling"
stop_hard
configure org.cordon.windows.collect '"free_bytes":1099511627776'
start
local_command collect -o 'C:\cordon-collect\full.zip' --json
[ "$(member "$work/out" action result package cap)" = 'free space' ] || fail "the disk was filled: $(cat "$work/out" "$work/err")"
cordon package verify 'C:\cordon-collect\full.zip' || fail "what fits is no package: $(cat "$work/out" "$work/err")"
stop_hard

# ---- a collector that dies takes only its own process with it, and leaves nothing
configure org.cordon.test.collects '' '"does":"crash"'
start
local_command collect -o 'C:\cordon-collect\crashed.zip' && fail "a crash is a success"
ended_as Failed 'with exit code 3 in run'
[ ! -e "$place/crashed.zip" ] || fail "there is a package of a collector that crashed"
[ "$(in_spool '*')" = 0 ] || fail "something of it is kept: $(ls "$spool")"
exit 0
