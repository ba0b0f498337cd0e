#!/bin/sh
# A full isolation cuts everything that must be cut, at once and for established flows too, leaves alive what the
# device itself needs, touches nobody else, and is taken back without a trace.
# shellcheck disable=SC2016 # commands that same_text evaluates later
. "$(dirname "$0")/lib.sh"

# Packets that came in past the filter, as the device's own stack counted them: datagrams, echo requests, connections.
came_in() {
  on desk-1 cat /proc/net/snmp /proc/net/snmp6 | awk '
    $1 ~ /^(Udp|Icmp|Tcp):$/ && $2 !~ /^[0-9-]/ { split($0, head); next }
    $1 ~ /^(Udp|Icmp|Tcp):$/ { for (i = 2; i <= NF; i++) value[$1 head[i]] = $i }
    NF == 2 { value[$1] = $2 }
    END {
      print "udp4", value["Udp:InDatagrams"], "udp6", value["Udp6InDatagrams"], "icmp4", value["Icmp:InEchos"],
        "icmp6", value["Icmp6InEchos"], "tcp", value["Tcp:PassiveOpens"]
    }'
}

# What an isolation of a device must not change on the machine that the lab runs on.
host_network() {
  ip address | sed 's/valid_lft .*//'
  ip route
  ip -6 route | sed 's/ expires [^ ]*//'
  nft -s list ruleset
}

neighbour_is() {
  on "$1" ip neigh show "$2" dev eth0 | grep -q "$3"
}

# Forgets the neighbour's address and asks for it again.
ask_neighbour() {
  on desk-1 ip neigh replace "$1" lladdr 02:77:00:00:00:01 dev eth0 nud probe &&
    within 10 neighbour_is desk-1 "$1" REACHABLE
}

isolate_told() {
  isolate desk-1 --json >"$work/isolated"
}

# told PATH VALUE: what isolate answered.
told() {
  same "$("$json" "$1" <"$work/isolated")" "$2"
}

ended_at_least() {
  ended_sockets=$("$json" action.result.apply.sockets_ended <"$work/isolated")
  [ "$ended_sockets" -ge "$1" ] && return 0
  echo "$ended_sockets sockets were ended"
  return 1
}

host_network >"$work/host-before"
lab up
look before
fact 'before: everybody reaches everybody' every before reached 1

follow out4 desk-1 10.77.0.1
follow out6 desk-1 fd77::1
follow in4 desk-2 10.77.0.11
follow in6 desk-2 fd77::11
for flow in 'out4 desk-1' 'out6 desk-1' 'in4 desk-2' 'in6 desk-2'; do
  # shellcheck disable=SC2086 # two words
  fact "before: the download $flow runs" within 15 follows_well $flow
done
fact 'before: an old datagram flow lives' on desk-1 lab-probe udp 10.77.0.1 7 --from-port 5555
fact 'before: so does one from port 68' on desk-1 lab-probe udp 10.77.0.1 7 --from-port 68
fact 'before: and one from port 53 to desk-1' on internet lab-probe udp 10.77.0.11 7 --from-port 53
fact 'before: and one from port 67' on internet lab-probe udp 10.77.0.11 7 --from-port 67
tap_wire

fact 'isolate succeeds' isolate_told
fact 'status: isolation is wanted' says desk-1 "$wanted" isolated
fact 'status: isolation is enforced' says desk-1 "$enforced" isolated
fact 'status: isolation is proven' says desk-1 "$proven" holds
fact 'status: of the full kind' says desk-1 states.state=isolate.wanted.type full
fact 'the answer: succeeded' told action.status Succeeded
fact 'the answer: verify holds' told action.result.verify.holds true
fact 'the answer: eight probes, each blocked by us' told 'action.result.verify.probes.*.outcome' \
  'blocked blocked blocked blocked blocked blocked blocked blocked'
# The two that only receive; those that send can get their reset from the rules before anybody ends them.
fact 'the answer: the sockets of two downloads at least were ended' ended_at_least 2

wire=$(wire_count)
inside=$(came_in)
in4=$(followed in4 desk-2)
in6=$(followed in6 desk-2)
look during
facts_cut during during
fact 'during: nothing but neighbour discovery left desk-1 on the wire' same_text wire_count "$wire"
fact 'during: no packet from outside got into desk-1' same_text came_in "$inside"
fact 'during: the IPv4 download from desk-1 stands still' same_text 'followed in4 desk-2' "$in4"
fact 'during: the IPv6 download from desk-1 stands still' same_text 'followed in6 desk-2' "$in6"
fact 'during: the IPv4 download on desk-1 was ended' grep -qE '^ended E(CONNABORTED|CONNRESET|PIPE)$' <<END
$(followed out4 desk-1)
END
fact 'during: the IPv6 download on desk-1 was ended' grep -qE '^ended E(CONNABORTED|CONNRESET|PIPE)$' <<END
$(followed out6 desk-1)
END
fact 'during: no connected socket is left on desk-1' \
  same_text 'on desk-1 ss -Htu state connected "not dst 127.0.0.0/8 and not dst [::1]" | grep -v TIME-WAIT' ''
unreached 'during: the old datagram flow is dead' on desk-1 lab-probe udp 10.77.0.1 7 --from-port 5555
unreached 'during: DNS over TCP is cut' on desk-1 lab-probe dnstcp 10.77.0.1 53
unreached 'during: nobody reaches the console'\''s port, none being configured' on desk-1 lab-probe tcp 10.77.0.1 8443
unreached 'during: a mark opens nothing, no console being configured' on desk-1 lab-probe tcp 10.77.0.1 8443 --mark 0xc0d10001
unreached 'during: source port 53 opens nothing' on internet lab-probe udp 10.77.0.11 7 --from-port 53
unreached 'during: source port 67 opens nothing' on internet lab-probe udp 10.77.0.11 7 --from-port 67
unreached 'during: source port 68 opens nothing but DHCP' on desk-1 lab-probe udp 10.77.0.1 7 --from-port 68

for address in 127.0.0.1 ::1 10.77.0.11 fd77::11; do
  for probe in 'tcp 22' 'udp 7' 'icmp 0' 'http 80' 'dns 53'; do
    fact "during: desk-1 reaches itself, ${probe% *} at $address" on desk-1 lab-probe "${probe% *}" "$address" "${probe#* }"
  done
done
fact 'during: ARP is alive' ask_neighbour 10.77.0.1
fact 'during: neighbour discovery is alive' ask_neighbour fd77::1
on desk-2 ip neigh flush dev eth0
on desk-2 lab-probe icmp fd77::11 0 --timeout 200 >"$work/said" || true
on desk-2 lab-probe icmp 10.77.0.11 0 --timeout 200 >"$work/said" || true
fact 'during: desk-1 answers who asks for its IPv6 address' neighbour_is desk-2 fd77::11 02:77:00:00:00:11
fact 'during: desk-1 answers who asks for its IPv4 address' neighbour_is desk-2 10.77.0.11 02:77:00:00:00:11
fact 'during: DHCP can be renewed' on desk-1 lab-probe udp 10.77.0.1 67 --from-port 68
fact 'during: DHCPv6 can be renewed' on desk-1 lab-probe udp fe80::1%eth0 547 --from-port 546

fact 'isolate again changes nothing and succeeds' isolate desk-1
fact 'and is still proven' says desk-1 "$proven" holds
fact 'and still in force' really isolated

fact 'release succeeds' release desk-1
fact 'status: release is wanted' says desk-1 "$wanted" released
fact 'status: release is enforced' says desk-1 "$enforced" released
look after
fact 'after: everybody reaches everybody' every after reached 1
follow again desk-1 10.77.0.1
fact 'after: a download runs' within 15 follows_well again desk-1
fact 'after: no table is left' same_text 'on desk-1 nft list tables' ''
fact 'release again changes nothing and succeeds' release desk-1
fact 'history: four actions, each ended well' same_text \
  'on desk-1 cordon local actions --json | "$json" "actions.*.status"' 'Succeeded Succeeded Succeeded Succeeded'
fact 'no drift was counted' says desk-1 states.state=isolate.drift.count 0

host_network >"$work/host-after"
fact 'the host has the addresses, routes and rules of before' diff "$work/host-before" "$work/host-after"

facts_end
