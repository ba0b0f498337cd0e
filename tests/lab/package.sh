#!/bin/sh
# An investigation package on its way home: ordered at the console, made on the device, sent, fetched and verified; and again
# while agent, channel or console is killed in the middle of it. It arrives whole, once, and nothing of it stays on the device.
LAB_CONSOLE_PLACE=yes
. "$(dirname "$0")/lib.sh"

fleet() {
  on console cordon "$@" </dev/null
}

connected() {
  fleet device show desk-1 | grep -q '^Connection  connected'
}

last_action() {
  fleet actions --limit 1 --json | "$json" "value.0.$1"
}

# collected FILE: ordered, waited for, and fetched.
collected() {
  fleet collect desk-1 -o "$1" --comment 'lab test' --timeout 60
}

fetched() {
  fleet collect --id "$1" -o "$2" --timeout 60
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

facts_end
