#!/bin/sh
# What an isolation would meet: each finding on a device that really has it, none on one that has nothing, and nothing
# changed by looking. A tunnel that carries the way to the console is refused for, and whoever says so goes on.
LAB_CONSOLE_PLACE=yes
. "$(dirname "$0")/lib.sh"

fleet() {
  on console cordon "$@" </dev/null
}

connected() {
  fleet device show "$1" | grep -q '^Connection  connected'
}

# looked DEVICE [OPTION...]: its dry run, as JSON in $work/looked; the command's own exit code is in $work/code.
looked() {
  looked_on=$1
  shift
  looked_code=0
  on "$looked_on" cordon local isolate --dry-run --json "$@" </dev/null >"$work/looked" || looked_code=$?
  echo $looked_code >"$work/code"
  cat "$work/looked"
}

preflight=action.result.preflight

# of_look PATH: a value of the last look.
of_look() {
  "$json" "$preflight.$1" <"$work/looked"
}

# finds CHECK SEVERITY WORDS: in the last look.
finds() {
  same "$(of_look "findings.check=$1.severity")" "$2" && of_look "findings.check=$1.sentence" | grep -F -- "$3"
}

finds_no() {
  same "$(of_look "findings.check=$1.severity")" -
}

finds_nothing() {
  same "$(of_look 'findings.#')" 0
}

# exits CODE COMMAND...: what it said is in $work/told.
exits() {
  exits_wanted=$1
  shift
  exits_code=0
  "$@" >"$work/told" 2>&1 || exits_code=$?
  cat "$work/told"
  same "$exits_code" "$exits_wanted"
}

untouched() {
  really released && says desk-1 "$wanted" released && says desk-1 "$enforced" released
}

rules_of() {
  on "$1" nft list ruleset | cksum
}

lab up
fact 'the device is enrolled and connected' connected desk-1

# Nothing there.
before=$(rules_of desk-1)
fact 'a clean device is looked at' looked desk-1
fact 'nothing is found' finds_nothing
fact 'nothing would be cut' same "$(of_look 'would_cut.connections.#')" 0
fact 'and an isolation would go ahead' same "$(of_look verdict)" go
fact 'for people it says so too' sh -c "sh '$tree/packaging/lab.sh' exec desk-1 -- cordon local isolate --dry-run |
  grep -q 'Nothing was changed. An isolation would go ahead.'"
fact 'a console hears the same' sh -c "sh '$tree/packaging/lab.sh' exec console -- cordon isolate desk-1 --dry-run |
  grep -q 'An isolation of desk-1 would go ahead.'"
fact 'the rules are untouched' same "$(rules_of desk-1)" "$before"
fact 'by tag: each device with it' sh -c "
  sh '$tree/packaging/lab.sh' exec console -- cordon tag add desk-1 here >/dev/null &&
  sh '$tree/packaging/lab.sh' exec console -- cordon tag add desk-2 here >/dev/null &&
  sh '$tree/packaging/lab.sh' exec console -- cordon isolate --tag here --dry-run |
  grep -c 'would go ahead' | grep -qx 2"

# A session, as sshd's: a connection from outside to port 22, and a process of its name and title.
on desk-2 sh -c 'setsid sh -c "sleep 600 | nc 10.77.0.11 22" >/dev/null 2>&1 &'
on desk-1 sh -c 'cp /bin/sleep /run/sshd &&
  setsid bash -c "exec -a \"sshd: alice@pts/0\" /run/sshd 600" >/dev/null 2>&1 </dev/null &'
session_is_open() {
  looked desk-1 >/dev/null && finds session_in_use warn 'over SSH from 10.77.0.12 is in use on port 22'
}
fact 'a session over SSH is found' within 20 session_is_open
fact 'with its user' finds session_in_use warn 'of user alice'
fact 'and is among what would be cut' same "$(of_look would_cut.connections.0.remote)" 10.77.0.12
fact 'by the user of the service' same "$(of_look would_cut.services.0.user)" root
fact 'it is a warning: the isolation would go ahead' same "$(cat "$work/code")" 0
printf '%s' '{"exclusions":[{"direction":"in","address":"10.77.0.12","protocol":"tcp","port":"22"}]}' |
  on desk-1 sh -c 'cat >/run/keep.json'
fact 'an isolation that lets it through' looked desk-1 --selective /run/keep.json
fact 'does not meet it' finds_no session_in_use

# Containers, as of Docker, and other owners of rules.
on desk-1 sh -c 'ip link add docker0 type bridge && ip link add c0 type veth peer name c1 && ip link set c0 master docker0 &&
  ip link set docker0 up && sysctl -qw net.ipv4.ip_forward=1'
on desk-1 nft add table inet firewalld
on desk-1 sh -c 'mkfifo /run/nft && (setsid nft -i <>/run/nft >/dev/null 2>&1 &) && echo "add table inet vendor { flags owner; }" >/run/nft'
owned() {
  on desk-1 nft list tables | grep -q 'inet vendor'
}
fact 'a program owns a table' within 10 owned
fact 'the device is looked at with containers and other firewalls' looked desk-1
fact 'containers are found' finds container_host warn 'forwarding is on; bridge docker0 has 1 interface'
fact 'their interfaces are listed' same "$(of_look would_cut.guests.0.interfaces)" c0
fact 'firewalld is found' finds foreign_firewall info 'firewalld has rules on this device'
fact 'so is the table with an owner' grep -q "the nftables table 'vendor' belongs to a program that runs" "$work/looked"
fact 'an isolation succeeds beside all that' isolate desk-1
fact 'and says in its result what it met' sh -c "sh '$tree/packaging/lab.sh' exec desk-1 -- cordon local actions --limit 1 --json |
  '$json' actions.0.id >'$work/id' && sh '$tree/packaging/lab.sh' exec desk-1 -- cordon local actions --id \$(cat '$work/id') |
  grep -q 'warn.*container_host'"
fact 'it is really isolated' really isolated
fact 'and released' release desk-1
lab reboot desk-1
fact 'the device is back' within 60 connected desk-1

# A tunnel on the way to the console: its outer packets go to another address of the console.
on console sh -c 'ip address add 10.77.0.3/24 dev eth0 && ip link add vx0 type vxlan id 7 remote 10.77.0.11 local 10.77.0.3 dstport 4789 &&
  ip address add 10.99.0.2/24 dev vx0 && ip address add fd99::2/64 dev vx0 nodad && ip link set vx0 up'
on desk-1 sh -c 'ip link add vx0 type vxlan id 7 remote 10.77.0.3 dstport 4789 &&
  ip address add 10.99.0.1/24 dev vx0 && ip address add fd99::1/64 dev vx0 nodad && ip link set vx0 up &&
  ip route add 10.77.0.2/32 via 10.99.0.2'
fact 'the device is looked at with half of its ways in a tunnel' looked desk-1
fact 'a way that stays makes it a warning' finds console_tunnel warn 'through a VXLAN overlay on vx0 to 10.77.0.3'
on desk-1 ip -6 route add fd77::2/128 via fd99::2
on desk-1 lab-agent stop
on desk-1 lab-agent start
fact 'the agent reaches its console through the tunnel' within 60 connected desk-1
through_tunnel() {
  on desk-1 sh -c 'ip -s link show vx0' | awk '/RX:/ { getline; exit !($1 > 1000) }'
}
fact 'really through it' within 20 through_tunnel
before=$(rules_of desk-1)
fact 'a dry run from the console says that it would be refused' exits 5 fleet isolate desk-1 --dry-run
fact 'by name' grep -q 'an isolation would be refused: console_tunnel' "$work/told"
fact 'the isolation is refused' exits 5 fleet isolate desk-1 --comment 'lab test' --wait
fact 'by the same name' grep -q 'the preflight refuses, and nothing was changed: console_tunnel' "$work/told"
fact 'nothing was changed' untouched
fact 'not a rule' same "$(rules_of desk-1)" "$before"
fact 'and the device is still connected' connected desk-1
fact 'whoever stands at the device is only warned' looked desk-1
fact 'of the same' finds console_tunnel warn "the tunnel's own packets would be cut"
fact 'unless the policy refuses everybody' on desk-1 sh -c 'lab-agent stop &&
  sed -i "s|\"refuse\": \[\]|\"refuse\": [\"console_tunnel\"]|" /etc/cordon/cordond.json && lab-agent start'
fact 'an order on the device is refused too' exits 5 isolate desk-1
fact 'nothing was changed by it' untouched
fact 'until it is forced' isolate desk-1 --force
fact 'which cuts what it said' really isolated
fact 'and is taken back on the device' release desk-1
on desk-1 ip link delete vx0
fact 'without the tunnel the device is connected again' within 60 connected desk-1
fact 'and a clean one' looked desk-1
fact 'where nothing is found' finds_nothing

# A proxy, and another one that its file names since.
proxy() {
  printf '{"proxy":"%s"}' "$1" | on desk-1 sh -c 'umask 077 && cat >/etc/cordon/proxy.json'
}
on desk-1 lab-agent stop
proxy 10.77.0.1:3128
on desk-1 sed -i 's|"proxy_file": ""|"proxy_file": "/etc/cordon/proxy.json"|' /etc/cordon/cordond.json
fact 'the agent starts with a proxy' on desk-1 lab-agent start
fact 'it is looked at' looked desk-1
fact 'a proxy that is let through is no finding' finds_nothing
proxy 203.0.113.7:3128
fact 'it is looked at with another proxy' looked desk-1
fact 'which is found' finds console_proxy warn 'through the proxy 203.0.113.7:3128'

facts_end
