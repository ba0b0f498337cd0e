#!/bin/sh
# The lab's measurements can fail: hand-made isolations, each with a hole, are loaded into a device, and the checks
# that the other tests rely on find just that hole.
. "$(dirname "$0")/lib.sh"

LAB_AGENT=no
export LAB_AGENT

essential='icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept;'

# hand_made IN OUT: an isolation that lets through what these say.
hand_made() {
  on desk-1 nft -f - <<END
table inet hand
delete table inet hand
table inet hand {
  chain in { type filter hook input priority 20; policy drop; iif lo accept; $essential
    $1
  }
  chain out { type filter hook output priority 20; policy drop; oif lo accept; $essential
    $2
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }
}
END
}

out='from == "desk-1"'
in='to == "desk-1"'
lab up
look before
fact 'open: everybody reaches everybody' every before reached 1
fact 'open: the quick look says so' really released
never 'open: the check for a cut device fails' every before cut "$out"

hand_made '' ''
look tight
facts_cut tight tight
fact 'tight: the quick look says so' really isolated
never 'tight: the check for an open device fails' every tight reached "$out"
tap_wire
fact 'tight: the wire is silent while desk-1 tries' sh -c "
  sh '$tree/packaging/lab.sh' exec desk-1 -- lab-probe batch <'$work/out' >/dev/null"
fact 'tight: and nothing was counted' same "$(wire_count)" 0

hand_made 'meta nfproto ipv6 accept' 'meta nfproto ipv6 accept'
look no6
fact 'IPv6 forgotten: IPv4 is cut' every no6 cut "($out || $in) && family == \"v4\""
never 'IPv6 forgotten: is found out' every no6 cut "$out"
fact 'IPv6 forgotten: all of IPv6 is open' every no6 reached "($out || $in) && family == \"v6\""
never 'IPv6 forgotten: the quick look finds out' really isolated

hand_made '' 'udp dport 53 accept'
look dns
never 'DNS let out: the answer does not come, so it counts as cut' every dns reached "$out && kind == \"dns\""
never 'DNS let out: but the wire shows it' same "$(wire_count)" 0
hand_made 'udp sport 53 accept' 'udp dport 53 accept'
look dns
never 'DNS let through: is found out' every dns cut "$out && kind == \"dns\""
fact 'DNS let through: the rest is cut' every dns cut "($out || $in) && kind != \"dns\""

hand_made 'tcp flags & (syn | ack) == syn | ack accept' 'tcp flags syn accept'
look handshake
never 'a handshake without service is no cut' every handshake cut "$out && kind == \"tcp\""
never 'nor is it a service' every handshake reached "$out && kind == \"tcp\""

on desk-1 nft delete table inet hand
# Connection tracking has to know the flow from its start, as it does where any firewall is in use.
on desk-1 nft -f - <<END
table inet tracking {
  chain input { type filter hook input priority 0; ct state new accept; }
}
END
follow flow desk-1 10.77.0.1
fact 'a download runs' within 15 follows_well flow desk-1
hand_made 'ct state established accept' 'ct state established accept'
look established
facts_cut established 'established flows let through'
size=$(followed flow desk-1)
fact 'established flows let through: the download betrays it' within 15 follows_well flow desk-1 "$((size + 1024))"

on desk-1 nft delete table inet hand
look after
fact 'open again' every after reached 1

facts_end
