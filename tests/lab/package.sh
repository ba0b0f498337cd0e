#!/bin/sh
# An investigation package on its way home: ordered at the console, made on the device, sent, fetched and verified; and again
# while agent, channel or console is killed in the middle of it. It arrives whole, once, and nothing of it stays on the device.
LAB_CONSOLE_PLACE=yes
. "$(dirname "$0")/lib.sh"

fleet() {
  on console cordon "$@" </dev/null
}

connected() {
  says desk-1 console.connection connected
}

last_action() {
  fleet actions --limit 1 --json | "$json" "value.0.$1"
}

# What hides the lab from its devices is mounted below /var/tmp, where no other file system is entered: a package is partial, which the
# command says by its exit code.
or_partial() {
  or_rc=0
  "$@" || or_rc=$?
  [ $or_rc = 0 ] || [ $or_rc = 7 ]
}

# collected FILE: ordered, waited for, and fetched.
collected() {
  or_partial fleet collect desk-1 -o "$1" --comment 'lab test' --timeout 60
}

fetched() {
  or_partial fleet collect --id "$1" -o "$2" --timeout 60
}

verified() {
  on console cordon package verify "$1" </dev/null | grep -q 'every file is what the manifest says'
}

is_the_devices() {
  digest=$(on console sha256sum "$1" </dev/null | cut -d ' ' -f 1)
  fleet action show "$(last_action id)" --json | grep -qF "\"digest\":\"sha256:$digest\""
}

spool_is_empty() {
  [ -z "$(on desk-1 ls /var/lib/cordon/spool </dev/null)" ]
}

no_more_than_one() {
  [ "$(on console sh -c "ls /var/lib/cordon-console/packages | grep -c '$1'" </dev/null)" = 1 ]
}

agent_gone() {
  ! on desk-1 pidof cordond </dev/null >/dev/null
}

console_gone() {
  ! on console pidof cordon-console </dev/null >/dev/null
}

succeeded() {
  same "$(last_action status)" Succeeded
}

logged_link() {
  on console sqlite3 /var/lib/cordon-console/console.db \
    "select count(*) from audit where what = 'action.package' and who = 'lab'" </dev/null >"$work/links"
  [ "$(cat "$work/links")" -ge 1 ]
}

ordered() {
  fleet collect desk-1 --comment 'lab test' >/dev/null
}

lab up
fact 'desk-1 is connected' within 30 connected
fact 'a package is made, sent home and fetched' collected /var/tmp/a.zip
fact 'each of its files is what its manifest says' verified /var/tmp/a.zip
fact 'and it is the one that the device has signed for' is_the_devices /var/tmp/a.zip
fact 'nothing of it is left on the device' within 10 spool_is_empty
fact 'who was given the link is in the audit log' logged_link
never 'a file that is there is not replaced' collected /var/tmp/a.zip

# The agent, in the middle of sending; then its channel; then when the console has it and the agent does not know.
n=0
for fault in collect.chunk_sent=kill:2 collect.channel_chunk=kill:2 collect.package_arrived=kill; do
  n=$((n + 1))
  on desk-1 lab-agent stop
  on desk-1 lab-agent start "CORDON_FAULT=$fault"
  fact "$fault: desk-1 is connected" within 30 connected
  fact "$fault: a package is ordered" ordered
  case $fault in
  collect.channel_chunk=*) ;;
  *)
    fact "$fault: the agent dies" within 30 agent_gone
    on desk-1 lab-agent start
    ;;
  esac
  id=$(last_action id)
  fact "$fault: the package arrives all the same" fetched "$id" "/var/tmp/b$n.zip"
  fact "$fault: it is whole" verified "/var/tmp/b$n.zip"
  fact "$fault: it is the one that was signed for" is_the_devices "/var/tmp/b$n.zip"
  fact "$fault: nothing of it is left on the device" within 30 spool_is_empty
done

# The console, while it comes, and when it is whole and not told yet.
on desk-1 lab-agent stop
on desk-1 lab-agent start
for fault in collect.console_chunk=kill:2 collect.console_kept=kill; do
  n=$((n + 1))
  on console lab-console kill
  on console lab-console start-one signer
  on console lab-console start-one console "CORDON_FAULT=$fault"
  fact "$fault: desk-1 is connected" within 60 connected
  fact "$fault: a package is ordered" ordered
  fact "$fault: the console dies" within 30 console_gone
  on console lab-console kill
  on console lab-console start
  fact "$fault: desk-1 is connected again" within 60 connected
  fact "$fault: the action has succeeded" succeeded
  id=$(last_action id)
  fact "$fault: the package arrives all the same" fetched "$id" "/var/tmp/b$n.zip"
  fact "$fault: it is whole" verified "/var/tmp/b$n.zip"
  fact "$fault: there is one, and no part of it" no_more_than_one "$id"
  fact "$fault: nothing of it is left on the device" within 30 spool_is_empty
done

# What the device and the console's disk do to it between two tries: the action says what is missing, and the agent stays connected.
shown() {
  fleet action show "$1" | grep '^Way home' | grep -qF "$2"
}

# What `cordon action show` says, once it is noted: each command asks for a token, and the console gives sixty in a minute.
noted() {
  on console sqlite3 /var/lib/cordon-console/console.db "select bad, sentence from package where action = '$1'" </dev/null |
    grep -qF "$2"
}

part_of() {
  on console stat -c %s "$kept/$1.part" </dev/null
}

two_chunks_came() {
  [ "$(part_of "$1")" = 131072 ]
}

restarted() {
  on desk-1 lab-agent stop
  on desk-1 lab-agent start "$@"
  fact "$point: desk-1 is connected" within 60 connected
}

# begun POINT: a package of which a part is at the console, and the agent is not there.
begun() {
  point=$1
  restarted CORDON_FAULT=collect.chunk_sent=stop:2
  fact "$point: a package is ordered" ordered
  id=$(last_action id)
  fact "$point: a part has come" within 30 two_chunks_came "$id"
  on desk-1 lab-agent kill
}

spool=/var/lib/cordon/spool
kept=/var/lib/cordon-console/packages

begun 'the rest is cut off on the device'
on desk-1 truncate -s "$(part_of "$id")" "$spool/$id.zip"
restarted
fact "$point: the try ends" within 30 noted "$id" '1|the package ended before all of it had come'
fact "$point: the action says so" shown "$id" 'the last try ended: the package ended before all of it had come'
restarted
fact "$point: the second ends" within 30 noted "$id" '2|'
restarted
fact "$point: the third ends" within 30 noted "$id" '3|'
fact "$point: it is given up" shown "$id" 'no more of it is taken, after 3 tries'
never "$point: nobody waits for it" fetched "$id" /var/tmp/none.zip
fact "$point: desk-1 is connected still" connected

begun 'less than what has come is on the device'
on desk-1 truncate -s 1000 "$spool/$id.zip"
restarted
fact "$point: the try ends" within 30 noted "$id" 'the console has kept more of it than there is'
fact "$point: the action says so" shown "$id" 'the console has kept more of it than there is'
fact "$point: desk-1 is connected still" connected

begun 'the device is isolated before the rest'
on desk-1 lab-agent start
fact "$point: it is isolated" fleet isolate desk-1 --comment 'lab test' --wait --timeout 60
fact "$point: the package arrives all the same" fetched "$id" /var/tmp/isolated.zip
fact "$point: it is whole" verified /var/tmp/isolated.zip
fact "$point: it is released" fleet release desk-1 --comment 'lab test' --wait --timeout 60

point="the console's disk is full"
on console mount -t tmpfs -o "size=64k,mode=0700,uid=$(on console stat -c %u $kept </dev/null)" tmpfs $kept
fact "$point: a package is ordered" ordered
id=$(last_action id)
fact "$point: the try ends" within 30 noted "$id" 'no space left on device'
fact "$point: the action says so" shown "$id" 'a package could not be written: no space left on device'
on console umount $kept
restarted
fact "$point: once it is not, the package arrives" fetched "$id" /var/tmp/disk.zip
fact "$point: it is whole" verified /var/tmp/disk.zip

facts_end
