#!/bin/sh
# The whole chain: an order given at the console cuts a real device off, and lets it back; each process of the chain dies
# on the way; a device that is away waits for its order; and nobody who writes to the console's database makes a device act.
LAB_CONSOLE_PLACE=yes
. "$(dirname "$0")/lib.sh"

fleet() {
  on console cordon "$@" </dev/null
}

# fleet_shows DEVICE TEXT: what the console holds of the device.
fleet_shows() {
  fleet device show "$1" | tee "$work/shown" | grep -q "$2"
}

connected() {
  fleet device show "$1" | grep -q '^Connection  connected'
}

audit_breaks() {
  ! fleet audit verify >"$work/said" 2>&1 && grep -q "$1" "$work/said"
}

database() {
  on console sqlite3 /var/lib/cordon-console/console.db "$@" </dev/null
}

lab up
fact 'each device is enrolled and connected' connected desk-1
fact 'and another' connected server-1
fact 'an order at the console isolates desk-1, and is proven' fleet isolate desk-1 --comment 'lab test' --wait
look during
facts_cut during 'isolated from the console'
fact 'the isolated device stays connected' connected desk-1
fact 'its agent names the order as its own last one' says desk-1 "$enforced" isolated
fact 'the console has the evidence' sh -c "sh '$tree/packaging/lab.sh' exec console -- cordon actions --json | grep -q Succeeded"
fact 'an order at the console releases it' fleet release desk-1 --comment 'lab test' --wait
fact 'and everything is open again' really released

fact 'a named set of exclusions is let through' fleet isolate desk-1 --selective default --comment 'lab test' --wait
fact 'the exclusion works' on desk-1 lab-probe http 10.77.0.21 80
unreached 'nothing else of that host does' on desk-1 lab-probe tcp 10.77.0.21 22
fact 'full follows on selective' fleet isolate desk-1 --comment 'lab test' --wait
unreached 'and the exclusion is gone' on desk-1 lab-probe http 10.77.0.21 80

# The process that reads the network has nothing: what the kernel says of each of its threads.
# shellcheck disable=SC2016 # for the shell over there
shut_in() {
  on desk-1 sh -eu -c 'pid=$(pgrep -x cordon-channel)
    uid=$(id -u cordon-channel)
    for status in /proc/$pid/task/*/status; do
      grep -qx "Uid:	$uid	$uid	$uid	$uid" "$status"
      for set in Inh Prm Eff Bnd Amb; do grep -qx "Cap$set:	0000000000000000" "$status"; done
      grep -qx "NoNewPrivs:	1" "$status"
      grep -qx "Seccomp:	2" "$status"
    done
    [ "$(find / -xdev -user cordon-channel 2>/dev/null | head -n 1)" = "" ]' </dev/null
}
fact 'the channel has a user of its own, no capability and a filter of calls, and owns no file' shut_in

# kill -9 of each process while the device is isolated.
on console lab-console kill-one console
fact 'the console died: the device stays isolated' really isolated
on console lab-console start-one console
fact 'and comes back to it' within 60 connected desk-1
on console lab-console kill-one signer
on console lab-console start-one signer
killed=$(on desk-1 pgrep -x cordon-channel)
on desk-1 kill -KILL "$killed"
# Another process, and connected: not the dead one's connection, which the console may still hold.
another_channel() {
  now=$(on desk-1 pgrep -x cordon-channel) && [ "$now" != "$killed" ] && says desk-1 console.connection connected && connected desk-1
}
fact 'signer and channel died: the device stays isolated' really isolated
fact 'and the channel comes back through the rules' within 60 another_channel
on desk-1 lab-agent kill
fact 'the agent died: the device stays isolated' really isolated
on desk-1 lab-agent start
fact 'and comes back through the rules' within 60 connected desk-1
fact 'the device is switched off and on' lab reboot desk-1
fact 'and comes back through the rules that its boot put back' within 60 connected desk-1
fact 'the console is told so' within 30 fleet_shows desk-1 'put back in force at boot'
fact 'a release gets there after all that' fleet release desk-1 --comment 'lab test' --wait
fact 'and everything is open once more' really released

# A device that is away.
on desk-1 lab-agent stop
fact 'an order for a device that is away is taken' fleet isolate desk-1 --comment 'lab test, later'
fact 'it waits' sh -c "sh '$tree/packaging/lab.sh' exec console -- cordon actions --limit 1 | grep -q Pending"
fact 'and the device is open meanwhile' really released
on desk-1 lab-agent start
fact 'it is carried out at the next contact' within 60 really isolated
fact 'a release follows' fleet release desk-1 --comment 'lab test' --wait

# A local release is the device's own, and the console learns of it.
fact 'isolated once more' fleet isolate desk-1 --comment 'lab test' --wait
fact 'released on the device itself' release desk-1
fact 'the console knows within seconds' within 30 fleet_shows desk-1 'enforced released'

# Whoever holds the database: an action without its entry, wanted as if it had been asked for.
fact 'the audit log is whole' fleet audit verify
signer_refused() {
  on console grep -q 'action=0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01: refused' /var/log/cordon-signer.log
}
on console lab-console kill-one console
database "insert into action(id, device, kind, state, type, scope, requestor, comment, ticket, source, parameters, status,
    created, updated, expires, generation, audit_sequence, audit_digest)
  select '0198d2a0-5c31-7a10-8c55-2f6d3a1b9e01', device, kind, state, type, scope, requestor, comment, ticket, source, parameters, 1,
    created, updated, expires + 86400000, generation + 100, audit_sequence, audit_digest
  from action where type = 'Isolate' order by number desc limit 1"
on console lab-console start-one console
fact 'the signer refuses an action that its log does not record' within 60 signer_refused
fact 'and the device does not act on it' really released
# What is wanted, and who may ask, as rows that nobody's entry stands behind.
wanted_refused() {
  on console grep -q 'what the database wants of it is not what the audit log says' /var/log/cordon-console.log
}
made_up_token() {
  on console curl -sk https://console:8443/t/oauth2/v2.0/token -d grant_type=client_credentials -d resource=x \
    -d client_id=0198d2a0-5c31-7a10-8c55-2f6d3a1b9e02 -d client_secret=made-up </dev/null | grep -q invalid_client
}
database "update wanted set value = 2, type = 'full', parameters = '{\"type\":\"full\",\"exclusions\":[]}', value_generation = 999"
on desk-1 lab-agent kill
on desk-1 lab-agent start
fact 'a wish that somebody wrote into the database shows' within 60 wanted_refused
fact 'and the device does not act on it' really released
database "insert into app select '0198d2a0-5c31-7a10-8c55-2f6d3a1b9e02', 'made up',
    x'$(printf made-up | sha256sum | cut -d' ' -f1)', permissions, created, 0 from app limit 1"
fact 'an application that somebody wrote into it gets no token' made_up_token
database "update audit set detail = replace(detail, 'lab test', 'lab pest') where action != '' and detail like '%lab test%'"
fact 'edited entries show' audit_breaks entry

# What is left of the lab is its own; a number that went to a stranger is not.
sleep 600 &
stranger=$!
read -r relay relay_start <"$LAB_DIR/relay.pid"
echo "$stranger $relay_start" >"$LAB_DIR/relay.pid"
network=$(readlink "/proc/$(cut -d ' ' -f 1 "$LAB_DIR/console/pid")/ns/net")
in_console_network() {
  for space in /proc/[0-9]*/ns/net; do
    [ "$(readlink "$space" 2>/dev/null)" != "$network" ] || echo "$space"
  done
}
fact 'down ends the lab' lab down
fact 'a stranger with the number of the relay was not ended' kill -0 "$stranger"
kill "$stranger"
kill -TERM "-$relay" || true
fact 'nobody is left in the network of the console' within 10 same_text in_console_network ''

facts_end
