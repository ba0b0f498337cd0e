#!/bin/sh
# Boots of a device: what is isolated is isolated before its network comes up, by the units' own commands in their order,
# and not one packet passes before the agent runs; what is released comes up released.
# shellcheck disable=SC2016 # commands that same_text evaluates later
. "$(dirname "$0")/lib.sh"

restored=agent.restored.outcome
state=/var/lib/cordon

# Packets that desk-1 sends, and programs on it that try to, from before its network is up.
chatter() {
  on desk-1 sh -c 'cat >/var/tmp/talk <<END
t4 tcp 10.77.0.1 22
u4 udp 10.77.0.1 7
i4 icmp 10.77.0.1 0
d4 dns 10.77.0.1 53
t6 tcp fd77::1 22
u6 udp fd77::1 7
i6 icmp fd77::1 0
f4 tcp 198.18.0.1 22
END
    echo 0 >/var/tmp/rounds
    setsid sh -c "n=0; while :; do lab-probe batch --timeout 200 </var/tmp/talk >/var/tmp/talked.new
      mv /var/tmp/talked.new /var/tmp/talked; n=\$((n + 1)); echo \$n >/var/tmp/rounds; done" </dev/null >/dev/null 2>&1 &'
}

# Others knock all the time: whatever gets in is answered, and the answer counted.
knock() {
  on desk-2 sh -c 'printf "%s\n" "t4 tcp 10.77.0.11 22" "u4 udp 10.77.0.11 7" "i4 icmp 10.77.0.11 0" "t6 tcp fd77::11 22" \
      "u6 udp fd77::11 7" "i6 icmp fd77::11 0" >/var/tmp/knocks
    setsid sh -c "while :; do lab-probe batch --timeout 100 </var/tmp/knocks >/dev/null; done" </dev/null >/dev/null 2>&1 &'
}

rounds() {
  on desk-1 cat /var/tmp/rounds
}

talked_on() {
  [ "$(rounds)" -ge $(($1 + 3)) ]
}

# boot_to_network NAME: power, units, network. The device's own attempts go on all the time; three rounds of them, whole,
# come after the network is up.
boot_to_network() {
  fact "$1: power" lab reboot desk-1 power
  fact "$1: the network is down" on desk-1 sh -c '[ "$(cat /sys/class/net/eth0/operstate)" != up ] && ! ip -brief link show up | grep -q .'
  fact "$1: units" lab reboot desk-1 units
  cp "$work/said" "$work/units"
  on internet nft delete table netdev tap 2>/dev/null || true
  tap_wire
  chatter
  fact "$1: the network comes up" lab reboot desk-1 network
  talked=$(rounds)
  fact "$1: programs try to talk" within 20 talked_on "$talked"
}

unit_said() {
  grep -q "$1" "$work/units" && return 0
  cat "$work/units"
  return 1
}

told() {
  on desk-1 cat /run/cordon/restore.json | "$json" "$1"
}

last_log() {
  on desk-1 tail -n 40 /var/log/units.log | grep -q "$1"
}

cut_before_agent() {
  fact "$1: the device is isolated before its agent runs" really isolated
  fact "$1: not one packet came out" same_text wire_count 0
}

agent_takes_it_up() {
  fact "$1: the agent starts" lab reboot desk-1 agent
  fact "$1: it is settled" within 30 settled desk-1
  fact "$1: wanted isolated" says desk-1 "$wanted" isolated
  fact "$1: proven" within 30 says desk-1 "$proven" holds
  fact "$1: status says what the boot did" says desk-1 "$restored" "$2"
  fact "$1: no drift" says desk-1 states.state=isolate.drift.count 0
  fact "$1: still not one packet came out" same_text wire_count 0
}

lab up
on desk-1 sh -c 'mkdir -p /etc/systemd/system/sysinit.target.wants &&
  ln -sf /usr/lib/systemd/system/nftables.service /etc/systemd/system/sysinit.target.wants/'
# The console of the fallback.
on desk-1 sh -c "sed -i 's/\"addresses\": \[\]/\"addresses\": [\"10.77.0.1:8443\", \"[fd77::1]:8443\"]/' /etc/cordon/cordond.json"
fact 'the console is configured' on desk-1 grep -q 10.77.0.1:8443 /etc/cordon/cordond.json
knock
fact 'nftables.service begins with a flush' on desk-1 grep -q '^flush ruleset' /etc/nftables.conf
fact 'the units are in order' same_text 'on desk-1 lab-units --order | tr "\n" " "' \
  'nftables.service cordon-isolation.service '

boot_to_network 'released'
fact 'released: the step says so' unit_said '^cordon-isolation.service: exit 0'
fact 'released: everything is open' really released
never 'released: packets come out, so the count can tell' same_text wire_count 0
fact 'released: the agent starts' lab reboot desk-1 agent
fact 'released: the boot did nothing' says desk-1 agent.restored null

fact 'isolate succeeds' isolate desk-1
boot_to_network 'isolated'
fact 'isolated: nftables.service came first' unit_said '^nftables.service: exit 0'
fact 'isolated: the step ended well' unit_said '^cordon-isolation.service: exit 0'
fact 'isolated: from the rule file' same_text 'told source' current
cut_before_agent 'isolated'
agent_takes_it_up 'isolated' restored
fact 'isolated: the rules are flushed' on desk-1 nft flush ruleset
fact 'isolated: that is drift, though the boot put them there' within 20 says desk-1 states.state=isolate.drift.count 1

fact 'no journal: it is overwritten' on desk-1 sh -c "lab-agent stop; head -c 65536 /dev/urandom >$state/journal.db; rm -f $state/journal.db-wal"
boot_to_network 'no journal'
fact 'no journal: from the rule file' same_text 'told source' current
cut_before_agent 'no journal'
agent_takes_it_up 'no journal' restored

fact 'file damaged: it is cut' on desk-1 sh -c "lab-agent stop; head -c 100 $state/restore/current.json >$state/cut &&
  cat $state/cut >$state/restore/current.json"
boot_to_network 'file damaged'
fact 'file damaged: the step says that it fell back' unit_said '^cordon-isolation.service: exit 3'
fact 'file damaged: from the journal' same_text 'told source' journal
fact 'file damaged: and the log tells why' last_log 'not a line of JSON and a line with its digest'
cut_before_agent 'file damaged'
agent_takes_it_up 'file damaged' fallback

fact 'nothing readable: file and journal are damaged' on desk-1 sh -c "lab-agent stop; echo >$state/restore/current.json
  chmod 600 $state/restore/current.json; echo no >$state/journal.db; rm -f $state/journal.db-wal"
boot_to_network 'nothing readable'
fact 'nothing readable: the built-in isolation' same_text 'told source' builtin
fact 'nothing readable: the log says so' last_log 'as a full isolation that lets through only the consoles'
cut_before_agent 'nothing readable'
for console in 10.77.0.1 fd77::1; do
  fact "nothing readable: the agent would reach the console at $console" \
    on desk-1 lab-probe tcp $console 8443 --mark 3234922497 --timeout 2000
  unreached "nothing readable: others do not reach $console" on desk-1 lab-probe tcp $console 8443 --timeout 300
  unreached "nothing readable: the agent reaches no other port of $console" \
    on desk-1 lab-probe tcp $console 22 --mark 3234922497 --timeout 300
done
fact 'nothing readable: the agent starts' lab reboot desk-1 agent
fact 'nothing readable: nothing is opened' really isolated
fact 'release succeeds' release desk-1
fact 'everything is open' really released

fact 'isolate succeeds again' isolate desk-1
fact 'no configuration: it is broken' on desk-1 sh -c 'lab-agent stop; mv /etc/cordon/cordond.json /etc/cordon/kept; echo { >/etc/cordon/cordond.json'
boot_to_network 'no configuration'
cut_before_agent 'no configuration'
on desk-1 mv /etc/cordon/kept /etc/cordon/cordond.json
agent_takes_it_up 'no configuration' restored

library=$(on desk-1 find /usr/lib -name cordon-nftables.so)
fact 'no provider: its library is away' on desk-1 sh -c "lab-agent stop; mv $library /var/tmp/away"
boot_to_network 'no provider'
fact 'no provider: the step failed, and the boot went on' unit_said '^cordon-isolation.service: exit 1'
fact 'no provider: the log tells why' last_log 'could not be put in force'
on desk-1 mv /var/tmp/away "$library"
fact 'no provider: the agent starts' lab reboot desk-1 agent
fact 'no provider: and isolates' within 30 really isolated
fact 'no provider: status says that the boot could not' says desk-1 "$restored" failed

fact 'release succeeds in the end' release desk-1
boot_to_network 'released again'
fact 'released again: everything is open' really released
fact 'released again: the agent starts' lab reboot desk-1 agent
fact 'released again: the boot did nothing' says desk-1 agent.restored null

facts_end
