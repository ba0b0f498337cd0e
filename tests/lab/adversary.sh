#!/bin/sh
# What somebody with root tries on an isolated device, and what comes of it, measured: a table of tricks, which
# docs/security.md has as well. Times are told and not judged; what is judged is whether each trick ended as the page says.
#
# `cut`: nothing arrived. `cut after N ms`: of what ran before, the last packet arrived N ms after the order had reached
# the agent. `not prevented`: it arrived; then the row says by what it is noticed, if it is.
# shellcheck disable=SC2016 # commands that other shells evaluate later
. "$(dirname "$0")/lib.sh"

page=$tree/docs/security.md
table=$work/table
sink=7777
inner=172.20.0.2
mark=0xc0d10001
mac=
untried=nothing
service=lab-adversary-${work##*.}.service
: >"$table"

test_leaves() {
  rmdir "/sys/fs/cgroup/$service" 2>/dev/null || rmdir "/sys/fs/cgroup/unified/$service" 2>/dev/null || true
}

# ---- measuring ----

# send PLACE LABEL ARGUMENTS ...: on and on, in the background.
send() {
  send_on=$1
  shift
  on "$send_on" sh -c 'setsid lab-trick send "$@" >"/var/tmp/trick-$1" 2>&1 </dev/null &' sh "$@"
}

# From the container.
send_inside() {
  on desk-1 sh -c 'setsid nsenter -t "$(cat /run/inner.pid)" -n lab-trick send "$@" >"/var/tmp/trick-$1" 2>&1 </dev/null &' sh "$@"
}

send_from_macvlan() {
  on desk-1 sh -c 'setsid nsenter -t "$(cat /run/macvlan.pid)" -n lab-trick send "$@" >"/var/tmp/trick-$1" 2>&1 </dev/null &' sh "$@"
}

stop_sending() {
  on desk-1 sh -c 'pkill -x lab-trick || true'
}

# How many of a label have arrived (2), or when the last one did (3), wherever.
arrived() {
  on internet cat /var/tmp/sink >"$work/arrivals"
  on desk-2 cat /var/tmp/sink >>"$work/arrivals"
  on desk-1 cat /var/tmp/sink >>"$work/arrivals" 2>/dev/null || true
  # Times are compared as text: they are all of one length, and too long for the numbers of some awks.
  awk -v label="$1" -v field="$2" '
    $1 != label { next }
    field == 2 { found += $2 }
    field == 3 && $3 "" > found "" { found = $3 }
    END { print found == "" ? 0 : found }' "$work/arrivals"
}

arrives() {
  [ "$(arrived "$1" 2)" -gt "${2:-0}" ]
}

all_arrive() {
  for label in "$@"; do
    arrives "$label" || {
      echo "nothing of $label has arrived"
      return 1
    }
  done
}

# A moment in which what is not cut would arrive dozens of times.
a_moment() {
  sleep 0.5
}

# ---- judging ----

# row TRICK CLASS RESULT: CLASS is cut, after or open, what this row has to be.
row() {
  case $3 in
  cut | 'cut, '*) class='cut' ;;
  'cut after '*) class=after ;;
  *) class=open ;;
  esac
  [ "$2" != after ] || [ $class != cut ] || class=after
  fact "$1: $3" same $class "$2"
  echo "| $1 | $3 |" >>"$table"
}

# flow TRICK CLASS LABEL: of a flow from before the order.
flow() {
  last=$(arrived "$3" 3)
  before=$(arrived "$3" 2)
  a_moment
  if [ "$(arrived "$3" 2)" != "$before" ]; then
    row "$1" "$2" "not prevented${4:+, $4}"
  elif [ "$last" -le "$ordered_ms" ]; then
    row "$1" "$2" cut
  else
    row "$1" "$2" "cut after $((last - ordered_ms)) ms"
  fi
}

# tried TRICK CLASS LABEL IF-OPEN [IF-CUT]: of something that began on the isolated device.
tried() {
  a_moment
  if arrives "$3"; then
    row "$1" "$2" "not prevented${4:+, $4}"
  else
    row "$1" "$2" "cut${5:+, $5}"
  fi
}

# The newest action, whole, and when it was ordered.
read_action() {
  on desk-1 cordon local actions --json </dev/null >"$work/actions"
  action=$("$json" actions.0.id <"$work/actions")
  on desk-1 cordon local actions --id "$action" --json </dev/null >"$work/action"
  created=$("$json" action.created <"$work/action")
  ordered_ms=$(date -d "$created" +%s%3N)
}

drift_note() {
  agent_value desk-1 states.state=isolate.drift.note
}

drift() {
  agent_value desk-1 states.state=isolate.drift.count
}

drifted_past() {
  [ "$(drift)" -gt "$1" ]
}

is_proven() {
  says desk-1 "$enforced" isolated && says desk-1 "$proven" holds
}

# ---- the places ----

sink_on() {
  on "$1" sh -c "setsid lab-trick sink $sink /var/tmp/sink >/dev/null 2>&1 </dev/null &"
}

# A container behind the device, as an engine makes one: a bridge's veth, masquerade, a port of the device's sent in.
make_container() {
  on desk-1 sh -s "$sink" "$inner" <<'END'
set -eu
unshare --net sh -c 'echo $$ >/run/inner.pid; exec sleep 600' </dev/null >/dev/null 2>&1 &
while [ ! -s /run/inner.pid ]; do sleep 0.05; done
pid=$(cat /run/inner.pid)
ip link add inner0 type veth peer name eth0 netns "$pid"
ip addr add 172.20.0.1/24 dev inner0
ip link set inner0 up
nsenter -t "$pid" -n sh -c "ip link set lo up; ip addr add $2/24 dev eth0; ip link set eth0 up; ip route add default via 172.20.0.1"
echo 1 >/proc/sys/net/ipv4/ip_forward
nft -f - <<RULES
table ip engine {
  chain post { type nat hook postrouting priority 100; ip saddr 172.20.0.0/24 oifname "eth0" masquerade; }
  chain pre { type nat hook prerouting priority -100; iifname "eth0" udp dport 8080 dnat to $2:$1; }
}
RULES
setsid nsenter -t "$pid" -n lab-trick sink "$1" /var/tmp/sink </dev/null >/dev/null 2>&1 &
END
}

# An interface of its own on top of the device's, in a namespace of its own.
make_macvlan() {
  on desk-1 sh -s <<'END'
set -eu
unshare --net sh -c 'echo $$ >/run/macvlan.pid; exec sleep 600' </dev/null >/dev/null 2>&1 &
while [ ! -s /run/macvlan.pid ]; do sleep 0.05; done
pid=$(cat /run/macvlan.pid)
ip link add mv0 link eth0 type macvlan
ip link set mv0 netns "$pid"
nsenter -t "$pid" -n sh -c 'ip link set lo up; ip addr add 10.77.0.99/24 dev mv0; ip link set mv0 up'
END
}

lab up
on desk-1 lab-agent stop
on desk-1 sed -i 's|"addresses": \[\]|"addresses": ["10.77.0.1:8443"]|' /etc/cordon/cordond.json
on desk-1 lab-agent start
sink_on internet
sink_on desk-2
# What goes to ports where something else listens is counted as well.
on internet nft -f - <<END
table inet lab_sink {
  chain pre { type nat hook prerouting priority -110;
    ip saddr 10.77.0.11 udp dport 53 redirect to :$sink
    ip saddr 10.77.0.11 ip daddr 10.77.0.1 tcp dport 8443 redirect to :$sink
  }
}
END
make_container
make_macvlan
on desk-1 ping -c 1 -W 5 10.77.0.1 >/dev/null
mac=$(on desk-1 ip neigh show 10.77.0.1 | sed 's/.*lladdr \([^ ]*\).*/\1/')

# ---- what runs when the order comes ----

send desk-1 c2 tcp 10.77.0.1 $sink
send desk-1 c2-again tcp fd77::1 $sink --again
send desk-1 udp-53 udp 10.77.0.1 $sink --from-port 53
send desk-1 dns udp 198.18.0.1 53
send desk-1 ipv6 udp fd77::1 $sink
send desk-1 raw raw 10.77.0.1 $sink
send desk-1 packet packet 10.77.0.1 $sink eth0 "$mac"
send_inside inside-tcp tcp 10.77.0.1 $sink --again
send_inside inside-udp udp 10.77.0.1 $sink
send internet into udp 10.77.0.11 8080
send_from_macvlan macvlan udp 10.77.0.1 $sink
flows='c2 c2-again udp-53 dns ipv6 raw packet inside-tcp inside-udp into macvlan'
# shellcheck disable=SC2086 # a list
fact 'before: all of it arrives' within 20 all_arrive $flows

# Tricks that take more than sending do work where nothing cuts them.
turn_console() {
  on desk-1 nft "table ip turn { chain o { type nat hook output priority $1; ip daddr 10.77.0.1 tcp dport 8443 dnat to 10.77.0.12:$sink; }; }"
}
rewrite_console() {
  on desk-1 nft "table ip rewrite { chain o { type route hook output priority 500; ip daddr 10.77.0.1 tcp dport 8443 ip daddr set 10.77.0.12; }; }"
}
# No connection comes of it, only opening packets: they are counted where they arrive.
on desk-2 nft "table ip tap { chain c { type filter hook prerouting priority -300; tcp dport 8443 counter; }; }"
rewritten() {
  on desk-2 nft list chain ip tap c | awk '{ for (i = 1; i < NF; i++) if ($i == "packets") print $(i + 1) }'
}
rewritten_past() {
  [ "$(rewritten)" -gt "$1" ]
}
turn_console -150
send desk-1 turn-before tcp 10.77.0.1 8443 --again --mark $mark
fact 'before: the way to the console can be turned' within 10 on desk-2 grep -q turn-before /var/tmp/sink
on desk-1 nft delete table ip turn
rewrite_console
send desk-1 rewrite-before tcp 10.77.0.1 8443 --again --mark $mark
fact 'before: an address can be rewritten' within 10 rewritten_past 0
on desk-1 nft delete table ip rewrite
send desk-1 exfil-before tcp 10.77.0.1 8443 --again --mark $mark
fact 'before: the console is reached' within 10 arrives exfil-before

fact 'isolate succeeds' isolate desk-1
read_action
holder=$("$json" 'action.result.verify.details.packet_sockets.*.name' <"$work/action" | grep -c lab-trick)
fact 'the evidence names the holder of the packet socket' same "$holder" 1
fact 'the sockets of the container were ended, and counted' sh -c "'$json' 'action.result.apply.details.namespaces.*.ended' <'$work/action' | grep -q '[1-9]'"
fact 'the evidence names the interface on top of another' sh -c "'$json' 'action.result.verify.details.stacked_links.*.kind' <'$work/action' | grep -q macvlan"
fact 'people are shown all of it' sh -c "sh '$tree/packaging/lab.sh' exec desk-1 -- cordon local actions --id '$action' </dev/null |
  grep -E '^(Packets|Namespaces|Stacked) ' | wc -l | grep -qx 3"
a_moment
flow 'an established connection (C2), TCP' after c2
flow 'the same, connecting anew over and over, IPv6' after c2-again
flow 'UDP from source port 53' after udp-53
flow 'DNS to a foreign resolver' after dns
flow 'IPv6 only, UDP' after ipv6
flow 'raw sockets with headers of their own' after raw
flow 'a container that goes through the device, TCP' after inside-tcp
flow 'a container that goes through the device, UDP' after inside-udp
flow 'from outside into a container (DNAT)' after into
flow 'packet sockets (AF_PACKET)' open packet 'detected as a packet socket in the evidence, with process and user; cut by strict'
flow 'an interface on top of another (macvlan)' open macvlan 'detected as an interface in the evidence, with its process; cut by strict'
stop_sending
on internet pkill -x -f 'lab-trick send.*' || true

# ---- what is tried on the isolated device ----

count=$(drift)
send desk-1 gap udp 10.77.0.1 $sink
on desk-1 sh -c 'setsid sh -c "while :; do nft flush ruleset; nft delete table inet cordon; done" >/dev/null 2>&1 </dev/null & echo $! >/run/loop.pid'
sleep 1
a_moment
fact 'deleting rules in a loop is counted as drift' drifted_past "$count"
noticed="detected as drift ($(drift_note | sed 's/.*(\(.*\)).*/\1/; s/, process [0-9]*//'))"
on desk-1 sh -c 'kill $(cat /run/loop.pid)'
fact 'and repaired once it is over' within 10 is_proven
tried 'deleting rules, `flush ruleset`, in a loop' cut gap "$noticed" "$noticed"

on desk-1 nft -f - <<END
table inet games {
  chain first { type filter hook output priority -400; policy accept; accept; }
  chain last { type filter hook output priority 300; policy accept; accept; }
}
END
stop_sending
send desk-1 games udp 10.77.0.1 $sink
tried 'chains that accept everything, before and after ours' cut games ''
on desk-1 nft delete table inet games

send desk-1 marked udp 10.77.0.1 $sink --mark $mark
on desk-1 nft 'table inet lender { chain o { type route hook output priority -200; meta mark set 0xc0d10001; }; }'
send desk-1 lent tcp 10.77.0.1 $sink --again
tried 'the mark of the agent, set by a program, to others' cut marked ''
tried 'the mark of the agent, lent by another table, to others' cut lent ''
on desk-1 nft delete table inet lender
stop_sending

for priority in -150 -100 100 500; do
  turn_console $priority
  send desk-1 "turn$priority" tcp 10.77.0.1 8443 --again --mark $mark
  a_moment
  stop_sending
  on desk-1 nft delete table ip turn
done
# The console's own part of it, before a rule was there, is no matter: who else got it is.
turned=$(on desk-2 awk '/^turn-?[0-9]/ { printf " %s", $1 }' /var/tmp/sink)
if [ -z "$turned" ]; then turned="cut"; else turned="not prevented:$turned"; fi
row 'the way to the console turned elsewhere (DNAT), priorities -150 to 500' cut "$turned"

# try_rewriting TRICK CLASS
try_rewriting() {
  rewrite_console
  count=$(rewritten)
  send desk-1 rewrite tcp 10.77.0.1 8443 --again --mark $mark
  a_moment
  if rewritten_past "$count"; then
    row "$1" "$2" 'not prevented: opening packets leave, no connection comes of them; cut by strict'
  else
    row "$1" "$2" cut
  fi
  stop_sending
  on desk-1 nft delete table ip rewrite
}
try_rewriting 'an address rewritten behind our chains (chain of type route, priority 500)' open

send desk-1 exfil tcp 10.77.0.1 8443 --again --mark $mark
tried 'the address of the console itself as a way out, with the mark' open exfil 'ends at the port of the console, which asks for the certificate of a device'
send desk-1 exfil-plain tcp 10.77.0.1 8443 --again
tried 'the address of the console itself as a way out, without' cut exfil-plain ''
stop_sending

if on desk-1 sh -c 'mkdir -p /run/cg && mount -t cgroup2 none /run/cg && mkdir /run/cg/lab-adversary' 2>/dev/null; then
  on desk-1 sh -c 'echo $(lab-agent pid) >/run/cg/lab-adversary/cgroup.procs
    sh -c "echo \$\$ >/run/cg/lab-adversary/cgroup.procs; exec setsid lab-trick send cgroup udp 10.77.0.1 7777" >/dev/null 2>&1 </dev/null &' || true
  tried 'moving into the cgroup of the agent' cut cgroup ''
  stop_sending
  on desk-1 sh -c 'for p in $(cat /run/cg/lab-adversary/cgroup.procs); do echo $p >/run/cg/cgroup.procs; done; rmdir /run/cg/lab-adversary; umount /run/cg' || true
  on desk-1 sh -c 'mount -t cgroup2 none /sys/fs/cgroup && mkdir "/sys/fs/cgroup/$1" &&
    echo "{\"exclusions\":[{\"direction\":\"out\",\"service\":\"$1\"}]}" >/run/service.json' sh "$service"
  fact 'isolate with a service excluded' isolate desk-1 --selective /run/service.json
  on desk-1 sh -c 'echo $$ >"/sys/fs/cgroup/$1/cgroup.procs"; exec setsid lab-trick send service udp 10.77.0.1 7777 >/dev/null 2>&1 </dev/null &' sh "$service"
  tried 'moving into the cgroup of an excluded service' open service 'passes as that service'
  stop_sending
  fact 'isolate without' isolate desk-1
  on desk-1 umount /sys/fs/cgroup
else
  echo 'no row about cgroups: they cannot be mounted here'
  untried=cgroup
fi

count=$(drift)
send desk-1 stopped udp 10.77.0.1 $sink
on desk-1 sh -c 'kill -STOP $(lab-agent pid); nft flush ruleset'
a_moment
on desk-1 sh -c 'kill -CONT $(lab-agent pid)'
tried 'stopping the agent (SIGSTOP), then `flush ruleset`' cut stopped '' 'detected as drift when it goes on'
fact 'which is noticed when it goes on' within 20 drifted_past "$count"
fact 'and mended' within 20 is_proven

on desk-1 lab-agent kill
a_moment
tried 'killing the agent (SIGKILL)' cut stopped ''
flushed_ms=$(date +%s%3N)
on desk-1 nft flush ruleset
fact 'flushed with no agent: it arrives' within 10 arrives stopped
on desk-1 lab-agent start
fact 'and is cut again once the agent is back' within 20 is_proven
last=$(arrived stopped 3)
row 'killing the agent, then `flush ruleset` before it is started again' open \
  "not prevented until the agent is back (open for $((last - flushed_ms)) ms here), detected as drift"
stop_sending

send desk-1 hosts udp 10.77.0.1 $sink
on desk-1 sh -c 'setsid sh -c "while :; do pkill -KILL -x cordon-plugin-h; nft flush ruleset; done" >/dev/null 2>&1 </dev/null & echo $! >/run/loop.pid'
sleep 1
on desk-1 sh -c 'kill $(cat /run/loop.pid)'
fact 'after killing the plugin host in a loop it is isolated again' within 60 is_proven
fact 'which was noticed' sh -c "sh '$tree/packaging/lab.sh' exec desk-1 -- cordon local plugins </dev/null | grep -qi quarantine"
passed=$(arrived hosts 2)
row 'killing the plugin host and `flush ruleset` in a loop, for 1 s' open \
  "not prevented in the gaps ($passed packets of about 250), detected as strikes of the plugin"
stop_sending
fact 'release succeeds' release desk-1

# ---- strict ----

on desk-1 cordon local unquarantine org.cordon.nftables </dev/null
on desk-1 lab-agent stop
on desk-1 sed -i 's|"strict": false|"strict": true|' /etc/cordon/cordond.json
on desk-1 lab-agent start
send desk-1 packet-strict packet 10.77.0.1 $sink eth0 "$mac"
send_from_macvlan macvlan-strict udp 10.77.0.1 $sink
fact 'before strict: both arrive' within 10 all_arrive packet-strict macvlan-strict
fact 'isolate succeeds, strictly' isolate desk-1
read_action
a_moment
flow 'packet sockets, with strict' after packet-strict
flow 'an interface on top of another (macvlan), with strict' after macvlan-strict
try_rewriting 'an address rewritten behind our chains, with strict' cut
fact 'a device with strict is proven' within 10 is_proven
fact 'release succeeds once more' release desk-1
fact 'and everything is open' really released

# ---- the table ----

{
  echo '| trick | result |'
  echo '| --- | --- |'
  cat "$table"
} >"$work/adversary.md"
echo
cat "$work/adversary.md"
cp "$work/adversary.md" "$LAB_BUILD_DIR/adversary.md"

# Numbers differ from run to run and from machine to machine; what they are numbers of must not.
plain() {
  sed "/$untried/d; s/[0-9][0-9]* ms/N ms/g; s/([0-9]* packets/(N packets/; s/cut after N ms/cut/" "$1"
}
sed -n '/<!-- adversary: begin -->/,/<!-- adversary: end -->/{ /<!--/d; p; }' "$page" >"$work/page.md"
plain "$work/adversary.md" >"$work/measured"
plain "$work/page.md" >"$work/written"
if [ -n "${CORDON_UPDATE_PAGE:-}" ]; then
  awk -v file="$work/adversary.md" '
    /<!-- adversary: begin -->/ { print; while ((getline line <file) > 0) print line; skip = 1; next }
    /<!-- adversary: end -->/ { skip = 0 }
    !skip { print }' "$page" >"$work/page.new"
  cat "$work/page.new" >"$page"
else
  fact 'docs/security.md has the table as it was measured' diff -u "$work/written" "$work/measured"
fi

facts_end
