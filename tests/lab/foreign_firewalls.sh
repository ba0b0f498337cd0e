#!/bin/sh
# Other people's firewall rules, whatever they allow and whenever they come, do not open an isolated device, and are
# still there after its release.
# shellcheck disable=SC2016 # commands that same_text evaluates later
. "$(dirname "$0")/lib.sh"

iptables_works() {
  on desk-1 sh -c "iptables-$1 -S >/dev/null && ip6tables-$1 -S >/dev/null"
}

iptables_accept() {
  on desk-1 sh -c "for tool in iptables-$1 ip6tables-$1; do
    for chain in INPUT OUTPUT FORWARD; do \$tool -I \$chain -j ACCEPT || exit 1; done; done"
}

iptables_rules() {
  on desk-1 sh -c "iptables-$1 -S; ip6tables-$1 -S" | grep -c -- '-j ACCEPT'
}

# A table that allows everything, before and after ours.
accept_table() {
  for priority in -400 -150 0 19 20 21 300; do
    cat <<END
table inet foreign$(echo $priority | tr - m) {
  chain input { type filter hook input priority $priority; policy accept; ct state established,related accept; accept; }
  chain output { type filter hook output priority $priority; policy accept; ct state established,related accept; accept; }
}
END
  done | on desk-1 nft -f -
}

accept_tables() {
  on desk-1 nft list tables | grep -c foreign
}

is_cut() {
  look "$1"
  facts_cut "$1" "$2"
  fact "$2: isolation is proven" says desk-1 "$proven" holds
}

variants=nft
lab up
if iptables_works legacy; then
  variants='nft legacy'
else
  echo 'no fact about iptables-legacy: this kernel has no ip_tables'
fi

for variant in $variants; do
  fact "iptables-$variant accepts everything" iptables_accept "$variant"
done
fact 'a foreign table accepts everything at seven priorities' accept_table
follow kept desk-1 10.77.0.1
fact 'a download runs' within 15 follows_well kept desk-1
fact 'isolate succeeds beside them' isolate desk-1
is_cut there 'with foreign rules there before'
fact 'the download was ended although the foreign rules accept what is established' grep -q '^ended' <<END
$(followed kept desk-1)
END
fact 'release succeeds' release desk-1
fact 'everything is open again' really released
for variant in $variants; do
  fact "the rules of iptables-$variant are still there" same_text "iptables_rules $variant" 6
done
fact 'the foreign tables are still there' same_text accept_tables 7

lab reboot desk-1
fact 'isolate succeeds on a device without foreign rules' isolate desk-1
for variant in $variants; do
  fact "iptables-$variant accepts everything, while isolated" iptables_accept "$variant"
done
fact 'a foreign table accepts everything, while isolated' accept_table
is_cut later 'with foreign rules that came later'
fact 'a foreign table gives everybody the mark' on desk-1 nft -f - <<END
table inet lender {
  chain output { type route hook output priority -200; meta mark set 0xc0d10001; }
}
END
fact 'which opens nothing' really isolated
fact 'a foreign table redirects what goes out' on desk-1 nft -f - <<END
table ip redirector {
  chain output { type nat hook output priority -150; tcp dport 22 dnat to 10.77.0.1:9000; }
}
END
fact 'which opens nothing either' really isolated
fact 'none of this counted as drift' says desk-1 states.state=isolate.drift.count 0
fact 'release succeeds once more' release desk-1
fact 'the foreign tables are there again' same_text accept_tables 7

facts_end
