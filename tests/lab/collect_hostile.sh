#!/bin/sh
# A device that does not hold still for an investigation: little memory, many files and processes, files that grow and vanish, a full
# disk, and somebody who cancels at any moment. The package comes whole, or it says what is missing.
#
# Usage: collect_hostile.sh [FILES PROCESSES CANCELS]
# shellcheck disable=SC2016 # what the device is to expand
. "$(dirname "$0")/lib.sh"

files=${1:-10000}
processes=${2:-300}
cancels=${3:-3}

collected() {
  on desk-1 cordon local collect -o "$1" --overwrite --comment 'lab test' </dev/null >"$work/collect" 2>&1 || true
  grep -qE '^Status *Succeeded' "$work/collect"
}

unpacked() {
  rm -rf "$work/package"
  on desk-1 cat "$1" </dev/null >"$work/package.zip"
  mkdir "$work/package"
  python3 -m zipfile -e "$work/package.zip" "$work/package"
  python3 "$tree/tests/unit/plugins/check_package.py" "$work/package"
}

# honest NAME COUNT TEXT: a table has so many rows with the text, or the manifest says that it is not whole.
honest() {
  python3 - "$work/package" "$@" <<'PY'
import json, sys
folder, name, count, text = sys.argv[1:]
record = next(i for i in json.load(open(folder + "/manifest.json"))["items"] if i["name"] == name)
rows = sum(text in line for line in open(folder + "/" + name, errors="replace"))
print(name, record["status"], record["error"], rows, "rows")
assert rows >= int(count) or (record["status"] == "partial" and record["error"])
assert rows > 0
PY
}

spool_is_empty() {
  [ -z "$(on desk-1 ls /var/lib/cordon/spool </dev/null)" ]
}

no_strike() {
  on desk-1 sh -c "! grep -qE 'strike|killed by signal' /var/log/cordond.log" </dev/null
}

lab up
on desk-1 lab-agent stop
# The manifest says how much memory it may have, and the trust list which manifest it is.
on desk-1 sh -eu <<'END'
trust=/etc/cordon/plugins.trust.json
for plugin in /usr/lib/*/cordon/plugins/cordon-linux-collect.json; do
  before=$(sha256sum "$plugin" | cut -d ' ' -f 1)
  sed -i 's/"memory_mb": 512/"memory_mb": 64/' "$plugin"
  sed -i "s/$before/$(sha256sum "$plugin" | cut -d ' ' -f 1)/" $trust
done
END
on desk-1 lab-agent start
fact 'the collector has 64 MB' within 20 on desk-1 sh -c 'for p in $(pidof cordon-plugin-host); do grep -q "^Max address space *67108864 " /proc/$p/limits && exit 0; done; false' </dev/null

on desk-1 sh -eu -c "cat >/var/tmp/hostile.py" <<'PY'
import os, sys, time
files, processes = map(int, sys.argv[1:])
os.makedirs("/tmp/many")
for i in range(files):
    os.close(os.open(f"/tmp/many/planted-{i}", os.O_CREAT | os.O_WRONLY))
for i in range(processes):
    if os.fork() == 0:
        os.execv("/bin/sh", ["sh", "-c", "read x", "planted-process", "x" * 2000])
def forks():
    while True:
        if os.fork() == 0:
            os._exit(0)
        os.waitpid(-1, 0)
def grows():
    with open("/var/log/auth.log", "ab", buffering=0) as log:
        while log.tell() < 100 << 20:
            log.write(b"x" * 65535 + b"\n")
            time.sleep(0.001)
def vanishes():
    while True:
        for i in range(200):
            with open(f"/tmp/vanishes-{i}", "w") as file:
                file.write("x" * 5000)
        for i in range(200):
            os.unlink(f"/tmp/vanishes-{i}")
for work in (forks, grows, vanishes):
    if os.fork() == 0:
        work()
        os._exit(0)
with open("/var/tmp/hostile.new", "w") as file:
    file.write(str(os.getpid()))
os.rename("/var/tmp/hostile.new", "/var/tmp/hostile")
time.sleep(3600)
PY
on desk-1 sh -c "mkfifo /var/tmp/never; setsid python3 /var/tmp/hostile.py $files $processes >/var/tmp/hostile.log 2>&1 <>/var/tmp/never &" </dev/null
fact 'the device is hostile' within 120 on desk-1 test -e /var/tmp/hostile
fact 'a package is made all the same' collected /var/tmp/a.zip
fact 'it is what its manifest says' unpacked /var/tmp/a.zip
fact 'every file in temp is in it, or it says that some are not' honest 'Temp Directories/tmp.csv' "$files" /tmp/many/planted-
fact 'every process is in it, or it says that some are not' honest 'Processes/processes.csv' "$processes" planted-process
fact 'a log that grows has its end, or what there was' honest 'Security event log/auth.log' 1 x
fact 'and the collector has no strike' no_strike

# All of it is one session.
on desk-1 sh -c 'kill -KILL -"$(cat /var/tmp/hostile)"' </dev/null

# Somebody cancels: a moment later each time.
n=0
while [ $n -lt "$cancels" ]; do
  n=$((n + 1))
  on desk-1 sh -c "rm -f /var/tmp/c.zip; timeout --foreground -s INT 0.$((n * 9 / cancels))5 cordon local collect -o /var/tmp/c.zip --comment 'lab test'" </dev/null >"$work/cancelled" 2>&1 || true
  fact "cancel $n: it ended in words" grep -qE 'Status|cancel|interrupted' "$work/cancelled"
  fact "cancel $n: nothing is left on the device" within 30 spool_is_empty
done
fact 'and the collector has no strike' no_strike
fact 'a package is made after that' collected /var/tmp/a.zip

# No room: it says so, and the agent lives.
on desk-1 lab-agent stop
on desk-1 sh -c 'mkdir /var/tmp/state && cp -a /var/lib/cordon/. /var/tmp/state/ &&
  mount -t tmpfs -o size=16m,mode=0711 tmpfs /var/lib/cordon && cp -a /var/tmp/state/. /var/lib/cordon/' </dev/null
on desk-1 lab-agent start
on desk-1 sh -c 'cat /dev/zero >/var/lib/cordon/fill 2>/dev/null' </dev/null || true
collected /var/tmp/f.zip || true
fact 'on a full disk it ends in words' grep -qiE 'room|space|free|ceiling|cap' "$work/collect"
fact 'with nothing left of it' within 30 spool_is_empty
fact 'and the agent lives' on desk-1 cordon local status </dev/null

facts_end
