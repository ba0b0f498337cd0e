#!/bin/sh
# What is planted on a device is in its investigation package, each thing in the file where an analyst would look for it; what is secret is
# not; and nothing that somebody made to be in the way stops the collection.
. "$(dirname "$0")/lib.sh"

# Prints what the checker says of each fact, and counts it.
check_facts() {
  python3 "$tests/collect_facts.py" "$1" >"$work/facts" 2>"$work/facts_error" || true
  fact 'the checker went through' test ! -s "$work/facts_error"
  while read -r facts_rc facts_name; do
    : >"$work/said"
    count_fact "$facts_rc" "package: $facts_name"
  done <"$work/facts"
}

# Read last before it was written, so that the next who reads it would show.
old='/var/log/auth.log /home/ada/.bash_history /var/tmp/planted-sleeper /var/tmp/planted-script /etc/cron.d'
keeps_times() {
  # shellcheck disable=SC2086
  on desk-1 stat -c '%X %n' $old </dev/null | awk '$1 != 1000000000 { print; late = 1 } END { exit late || NR != 5 }'
}

lab up
on desk-1 sh -c 'cat >/var/tmp/plant.py' <"$tests/collect_plant.py"
on desk-1 sh -c 'setsid python3 /var/tmp/plant.py >/var/tmp/plant.log 2>&1 </dev/null &' </dev/null
fact 'everything is planted' within 60 on desk-1 sh -c 'test -e /var/tmp/planted/ready || { cat /var/tmp/plant.log; false; }'
on desk-1 sh -c 'cp /bin/sh /var/tmp/planted-sleeper
  setsid /var/tmp/planted-sleeper -c "echo >/var/tmp/planted/asleep; sleep 3600; :" >/dev/null 2>&1 </dev/null &' </dev/null
fact 'a program runs' within 10 on desk-1 test -e /var/tmp/planted/asleep
# shellcheck disable=SC2086
on desk-1 touch -a -d @1000000000 $old </dev/null
on desk-2 sh -c 'setsid python3 -c "import socket,time; s = socket.create_connection((\"10.77.0.11\", 445)); time.sleep(3600)" >/dev/null 2>&1 </dev/null &' </dev/null
fact 'another device is connected' within 30 on desk-1 test -e /var/tmp/planted/connected

# What hangs makes it partial, which the command says by its exit code.
on desk-1 cordon local collect -o /var/tmp/package.zip --comment 'lab test' </dev/null >"$work/collect" 2>&1 || true
fact 'a package is made' grep -q '^Status *Succeeded, partial' "$work/collect"
fact 'it is what its manifest says' on desk-1 cordon package verify /var/tmp/package.zip </dev/null
on desk-1 cat /var/tmp/package.zip </dev/null >"$work/package.zip"
mkdir "$work/package"
fact 'it can be taken apart' python3 -m zipfile -e "$work/package.zip" "$work/package"
fact 'every table is a table, every hash is right, the report is XML' python3 "$tree/tests/unit/plugins/check_package.py" "$work/package"
check_facts "$work/package.zip"
fact 'what was read keeps its time of access' keeps_times
fact 'and the collector has no strike' on desk-1 sh -c "! grep -qE 'strike|left behind' /var/log/cordond.log" </dev/null

facts_end
