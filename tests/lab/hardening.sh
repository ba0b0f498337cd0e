#!/bin/sh
# What other programs of a system do to firewalls and networks in the course of a day, and what becomes of the agent's own
# parts, neither opens an isolated device nor counts as drift: firewalld, a container engine's restart, the plugin host's
# end, the agent's upgrade, links and addresses that come. With LAB_SOAK_S, also the loops, for so many seconds.
# shellcheck disable=SC2016 # commands that other shells evaluate later
. "$(dirname "$0")/lib.sh"
REALITY_MS=400

guarded() {
  on desk-1 nft list table inet cordon_guard >/dev/null 2>&1
}

guard_gone() {
  ! guarded
}

drifts() {
  agent_value desk-1 states.state=isolate.drift.count
}

proven_at() {
  agent_value desk-1 states.state=isolate.proven.at
}

proven_anew() {
  [ "$(proven_at)" != "$1" ] && says desk-1 "$proven" holds
}

undisturbed() {
  fact "$1: it is isolated" really isolated
  fact "$1: and proven" within 20 says desk-1 "$proven" holds
  fact "$1: which was no drift" same "$(drifts)" "${2:-0}"
}

lab up
fact 'isolate succeeds' isolate desk-1
fact 'the guard is held' guarded

# ---- the parts of the agent ----

at=$(proven_at)
on desk-1 pkill -KILL -f '^[^ ]*cordon-plugin-host org.cordon.nftables'
fact 'the plugin host was killed: the guard is made again' within 20 guarded
undisturbed 'after the end of the plugin host'
on desk-1 lab-agent stop
fact 'the agent is stopped: the guard goes with its host' within 10 guard_gone
fact 'and the device stays isolated' really isolated
on desk-1 sh -c 'cp /usr/sbin/cordond /usr/sbin/cordond.new && mv -f /usr/sbin/cordond.new /usr/sbin/cordond'
on desk-1 lab-agent start
fact 'another file of the agent is started: the guard is back' within 20 guarded
undisturbed 'after the upgrade'
on desk-1 sh -c 'cp /usr/sbin/cordond /usr/sbin/cordond.new && mv -f /usr/sbin/cordond.new /usr/sbin/cordond'
# lab-agent would not know it, whose file is another by now.
on desk-1 sh -c 'kill -KILL "$(lab-agent pid)"; while pidof cordond cordon-plugin-host >/dev/null; do sleep 0.05; done'
on desk-1 lab-agent start
fact 'replaced while it ran, killed and started: the guard is back' within 20 guarded
undisturbed 'after the second upgrade'

# ---- the network ----

for change in 'ip addr add 10.77.5.1/32 dev eth0' 'ip route add 198.18.5.0/24 via 10.77.0.1' \
  'ip link add more0 type veth peer name more1' 'ip link set eth0 mtu 1400'; do
  sleep 1.1
  at=$(proven_at)
  on desk-1 sh -c "$change"
  fact "$change: it is proven anew" within 10 proven_anew "$at"
done
undisturbed 'after changes of the network'

# ---- a container engine ----

restart_engine() {
  on desk-1 sh -s "$1" <<'END'
set -e
for tool in iptables-$1 ip6tables-$1; do
  for table in filter nat; do
    $tool -t $table -F
    $tool -t $table -X
  done
  $tool -P FORWARD ACCEPT
  $tool -N ENGINE
  $tool -A FORWARD -j ENGINE
  $tool -A ENGINE -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  $tool -A ENGINE -j ACCEPT
  $tool -t nat -A POSTROUTING -o eth0 -j MASQUERADE
done
iptables-$1-save >/run/engine.rules
iptables-$1-restore </run/engine.rules
END
}

for variant in nft legacy; do
  if on desk-1 sh -c "iptables-$variant -S >/dev/null 2>&1 && ip6tables-$variant -t nat -S >/dev/null 2>&1"; then
    fact "an engine rewrites filter and nat, iptables-$variant" restart_engine $variant
    fact 'and does it again' restart_engine $variant
    undisturbed "after an engine's restart, iptables-$variant"
  else
    echo "no fact about iptables-$variant: this kernel has none"
  fi
done

# ---- firewalld ----

firewall() {
  on desk-1 firewall-cmd "$@" </dev/null
}

if on desk-1 sh -c 'command -v firewalld && command -v dbus-daemon' >/dev/null; then
  on desk-1 sh -c 'mkdir -p /run/dbus && dbus-daemon --system --fork --nopidfile
    setsid firewalld --nofork --nopid >/var/log/firewalld.out 2>&1 </dev/null &'
  fact 'firewalld starts' within 30 firewall --state
  undisturbed 'beside firewalld'
  fact 'firewalld reloads' firewall --reload
  undisturbed 'after its reload'
  fact 'firewalld reloads completely' firewall --complete-reload
  undisturbed 'after its complete reload'
  fact 'firewalld panics' firewall --panic-on
  fact 'panic: it is isolated' really isolated
  fact 'and is calm again' firewall --panic-off
  undisturbed 'after its panic'
  on desk-1 pkill -f 'firewalld --nofork'
  fact 'firewalld ends' within 20 sh -c "! sh '$tree/packaging/lab.sh' exec desk-1 -- nft list table inet firewalld"
  undisturbed 'after the end of firewalld'
else
  echo 'no fact about firewalld: it is not installed'
fi

# ---- the loops ----

if [ -n "${LAB_SOAK_S:-}" ]; then
  on internet sh -c 'setsid lab-trick sink 7777 /var/tmp/sink >/dev/null 2>&1 </dev/null &'
  until_s=$(($(date +%s) + LAB_SOAK_S))
  while [ "$(date +%s)" -lt "$until_s" ]; do
    on desk-1 sh -c 'setsid lab-trick send gap udp 10.77.0.1 7777 >/dev/null 2>&1 </dev/null &'
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      on desk-1 sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do nft flush ruleset; done'
    done
    on desk-1 pkill -x lab-trick
    if on desk-1 sh -c 'command -v firewalld && command -v dbus-daemon' >/dev/null; then
      on desk-1 sh -c 'setsid firewalld --nofork --nopid >/var/log/firewalld.out 2>&1 </dev/null &'
      within 30 firewall --state >/dev/null 2>&1 || true
      firewall --complete-reload >/dev/null
      on desk-1 pkill -f 'firewalld --nofork'
    fi
    on desk-1 pkill -KILL -f '^[^ ]*cordon-plugin-host org.cordon.nftables' || true
    fact 'loop: the guard is back' within 70 guarded
    fact 'loop: it is isolated' really isolated
    on desk-1 cordon local unquarantine org.cordon.nftables </dev/null >/dev/null
  done
  fact 'nothing came through while the rules were flushed' sh -c "! sh '$tree/packaging/lab.sh' exec internet -- grep '^gap' /var/tmp/sink"
fi

# ---- strict, and a link that comes ----

fact 'release succeeds' release desk-1
fact 'and takes the guard away' guard_gone
on desk-1 lab-agent stop
on desk-1 sed -i 's|"strict": false|"strict": true|' /etc/cordon/cordond.json
on desk-1 lab-agent start
fact 'isolate succeeds, strictly' isolate desk-1
count=$(drifts)
on desk-1 sh -c 'unshare --net sh -c "echo \$\$ >/run/inner.pid; exec sleep 600" </dev/null >/dev/null 2>&1 &
  while [ ! -s /run/inner.pid ]; do sleep 0.05; done
  ip link add inner0 type veth peer name eth0 netns "$(cat /run/inner.pid)"'
fact 'a link that comes is covered at once' within 10 on desk-1 sh -c 'nft list table netdev cordon_strict | grep -q "egress device \"inner0\""'
undisturbed 'strict, with a link that came' "$count"
fact 'release succeeds again' release desk-1
fact 'and leaves nothing behind' sh -c "! sh '$tree/packaging/lab.sh' exec desk-1 -- nft list tables | grep cordon"
fact 'and everything is open' really released

facts_end
