#!/bin/sh
# While a device is isolated: its exclusions change, and then the console moves to another address that a policy names. The
# isolation goes on all the while: what stays excluded flows without a break, and what is cut stays cut to the last packet.
LAB_CONSOLE_PLACE=yes
# shellcheck disable=SC2016 # commands that same_text evaluates later
. "$(dirname "$0")/lib.sh"

fleet() {
  on console cordon "$@" </dev/null
}

fleet_shows() {
  fleet device show "$1" | tee "$work/shown" | grep -q "$2"
}

connected() {
  fleet_shows desk-1 '^Connection  connected'
}

proven() {
  says desk-1 "$proven" holds
}

# exclusions ADDRESS...: the set `lab` keeps the web servers of these reachable.
exclusions() {
  for address in "$@"; do
    printf '{"direction":"out","address":"%s","protocol":"tcp","port":"80"}\n' "$address"
  done | paste -sd , - | sed 's/.*/{"exclusions":[&]}/' | on console tee /tmp/exclusions.json >/dev/null
  fleet exclusions set lab /tmp/exclusions.json --comment 'lab test'
}

policy() {
  printf '%s\n' "$1" | on console tee /tmp/policy.json >/dev/null
  fleet policy set default /tmp/policy.json --comment 'lab test'
}

# fleet_json DEVICE TEXT: the console's own document of the device has it.
fleet_json() {
  fleet device show "$1" --json | grep -qF "$2"
}

whose_agents() {
  on desk-1 cordon local policy </dev/null | grep -E '^console.agents +policy 1 +\["10.77.0.3:8444"\]'
}

in_rules() {
  on desk-1 nft list table inet cordon </dev/null | grep -qF "$1"
}

at_new_address() {
  on desk-1 cordon local status --json </dev/null | grep -qF '10.77.0.3 port 8444'
}

in_force() {
  fleet_shows desk-1 "^Policy  *in force default version $1, wanted default version $1\$"
}

# The isolation of desk-1 by the generation and the action that it goes on under.
generation() {
  agent_value desk-1 states.state=isolate.wanted.generation
}

# Somebody on desk-1 who never stops trying to get out, and a count of what came onto the wire of it.
try_to_get_out() {
  on internet nft -f - <<END
table netdev tap {
  chain desk1 {
    type filter hook ingress device "v-desk-1" priority 0; policy accept;
    ip daddr 10.77.0.12 counter
  }
}
END
  on desk-1 sh -c "setsid sh -c 'while :; do lab-probe udp 10.77.0.12 7; lab-probe tcp 10.77.0.12 22; sleep 0.05; done' \
    >/dev/null 2>&1 </dev/null &" </dev/null
}

got_out() {
  on internet nft list chain netdev tap desk1 | awk '$1 == "ip" { print $6 }'
}

lab up
fact 'desk-1 is enrolled and connected' connected
fact 'a set of exclusions is made' exclusions 10.77.0.1 10.77.0.21
fact 'desk-1 is isolated with it' fleet isolate desk-1 --selective lab --comment 'lab test' --wait
fact 'one exclusion works' on desk-1 lab-probe http 10.77.0.1 80
fact 'and the other' on desk-1 lab-probe http 10.77.0.21 80
unreached 'nothing else does' on desk-1 lab-probe http fd77::1 80

try_to_get_out
follow kept desk-1 10.77.0.1
follow gone desk-1 10.77.0.21
fact 'a download runs over an exclusion that stays' within 15 follows_well kept desk-1
fact 'and one over an exclusion that goes' within 15 follows_well gone desk-1

# 1. The exclusions change.
first=$(generation)
fact 'the set is changed' exclusions 10.77.0.1 fd77::1
is_next() {
  same "$(generation)" $((first + 1)) && settled desk-1
}
fact 'an order of the next generation is carried out' within 30 is_next
fact 'and proven' within 15 proven
fact 'what was added works' on desk-1 lab-probe http fd77::1 80
unreached 'what was taken out is cut' on desk-1 lab-probe http 10.77.0.21 80
fact 'its download was ended' within 5 same_text 'followed gone desk-1 | cut -d " " -f 1' ended
at=$(followed kept desk-1)
fact 'the download over what stayed goes on' within 15 follows_well kept desk-1 "$((${at%%[!0-9]*} + 8192))"
fact 'the console names the set' fleet_json desk-1 '"exclusions":"lab"'
never 'a set that is in use is not removed' fleet exclusions remove lab --comment 'lab test'

# 2. The console moves.
second=$(generation)
fact 'the console has a second address' on console ip address add 10.77.0.3/24 dev eth0
unreached 'which the isolation does not let through' on desk-1 lab-probe tcp 10.77.0.3 8444
fact 'a policy names it' policy '{"console":{"agents":["10.77.0.3:8444"]}}'
fact 'the device takes it, reaches the console with it, and says so' within 60 in_force 1
fact 'cordon local policy says whose it is' whose_agents
fact 'the isolation is the same order' same "$(generation)" "$second"
fact 'its rules have the new address' in_rules 10.77.0.3
fact 'and no drift was counted' says desk-1 states.state=isolate.drift.count 0
# It comes back at the new address alone.
on console lab-console kill-one console
on console sh -c 'sed "s/^10\.77\.0\.2/10.77.0.3/; /^fd77::2/d" /etc/hosts >/tmp/hosts && cat /tmp/hosts >/etc/hosts'
on console ip address flush dev eth0 scope global
on console ip address add 10.77.0.3/24 dev eth0
on console lab-console start-one console
fact 'the device comes to the console at its new address' within 120 at_new_address
fact 'it is connected' within 30 connected
fact 'the isolation holds' within 30 proven
at=$(followed kept desk-1)
fact 'the download goes on all the time' within 15 follows_well kept desk-1 "$((${at%%[!0-9]*} + 8192))"
fact 'not one packet got out to who is not excluded' same_text got_out 0
fact 'a release gets there' fleet release desk-1 --comment 'lab test' --wait
fact 'and everything is open again' really released
some_got_out() {
  [ "$(got_out)" -gt 0 ]
}
fact 'which the count of packets would have shown' within 10 some_got_out
fact 'the audit log is whole' fleet audit verify

facts_end
