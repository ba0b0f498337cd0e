#!/bin/sh
# How long an isolation lasts, on the whole chain: it ends with its lease, lasts as long as it is renewed, is rolled back when its
# own rules keep the console away, and stays when the console is merely down.
LAB_CONSOLE_PLACE=yes
. "$(dirname "$0")/lib.sh"

fleet() {
  on console cordon "$@" </dev/null
}

# By the agent's word: the console limits how often it is asked.
connected() {
  says "$1" console.connection connected
}

fleet_shows() {
  fleet device show "$1" | tee "$work/shown" | grep -q "$2"
}

logged() {
  on desk-1 grep -q "$1" /var/log/cordond.log
}

last_user() {
  on desk-1 cordon local actions --json --limit 1 </dev/null | "$json" 'actions.*.requestor.user'
}

# Whoever looks after the audit log sees it.
audited() {
  on console sqlite3 /var/lib/cordon-console/console.db "select what from audit" </dev/null | grep -q "$1"
}

# The next order stops the agent when it is on record and nothing was done about it yet: go_on lets it.
stop_at_next_order() {
  on desk-1 lab-agent stop
  on desk-1 lab-agent start CORDON_FAULT=agent.started=stop
}

stopped() {
  # shellcheck disable=SC2016 # expanded on the device
  on desk-1 sh -c 'grep -q "^State:.*stopped" "/proc/$(lab-agent pid)/status"'
}

go_on() {
  # shellcheck disable=SC2016
  on desk-1 sh -c 'kill -CONT "$(lab-agent pid)"'
}

# The console gets another address, and its name leads there.
move_console() {
  on console lab-console kill-one console
  on console ip address del 10.77.0.2/24 dev eth0
  on console ip address add 10.77.0.9/24 dev eth0
  on console ip address del fd77::2/64 dev eth0
  for place in console desk-1; do
    on $place sed -i -e 's/^10\.77\.0\.2 /10.77.0.9 /' -e '/^fd77::2 /d' /etc/hosts
  done
  on console lab-console start-one console
}

lab up
fact 'the device is enrolled and connected' within 30 connected desk-1

fact 'an isolation with a lease is proven' fleet isolate desk-1 --for 4s --comment 'lab test' --wait
fact 'the console shows its end' fleet_shows desk-1 '^Lease       until 20'
fact 'and so does the device' sh -c "sh '$tree/packaging/lab.sh' exec desk-1 -- cordon local status </dev/null | grep -q '^Lease       until 20'"
fact 'it ends by itself' within 40 really released
fact 'by an order of its own' same "$(last_user)" lease
fact 'which the console knows' within 20 fleet_shows desk-1 'enforced released'
fact 'and has on record' audited action.local

since=$(date +%s)
fact 'another lease' fleet isolate desk-1 --for 4s --comment 'lab test' --wait
fact 'is renewed' fleet renew desk-1 --for 1h --comment 'lab test' --wait
first_lease_is_over() {
  [ "$(date +%s)" -gt $((since + 6)) ]
}
fact 'and when it would have ended' within 40 first_lease_is_over
fact 'the device is still isolated' really isolated
fact 'a release ends it' fleet release desk-1 --comment 'lab test' --wait

# The console is merely down.
stop_at_next_order
fact 'an order is taken' fleet isolate desk-1 --unreachable release:10s --comment 'lab test'
fact 'and not carried out yet' within 20 stopped
on console lab-console kill-one console
go_on
fact 'the console is gone when the rules go in, and they are kept' within 60 logged 'the isolation is kept'
fact 'the device is isolated' really isolated
on console lab-console start-one console
on desk-1 pkill -KILL -x cordon-channel # or it would wait for its next attempt
fact 'it comes back through the rules' within 60 connected desk-1
fact 'and is released' fleet release desk-1 --comment 'lab test' --wait

# The console has moved, so that the rules keep it away.
stop_at_next_order
fact 'another order is taken' fleet isolate desk-1 --unreachable release:10s --comment 'lab test'
fact 'and waits' within 20 stopped
move_console
go_on
fact 'rules that keep the console away are rolled back' within 60 logged 'rolled back, attempt 1'
fact 'the console is reached again' within 60 connected desk-1
fact 'and isolates it anew, at the address that it has now' within 60 really isolated
fact 'through these rules it stays connected' within 30 connected desk-1
fact 'and they stay' says desk-1 "$proven" holds
never 'nothing was rolled back twice' logged 'attempt 2'
fact 'a release gets there' fleet release desk-1 --comment 'lab test' --wait

facts_end
