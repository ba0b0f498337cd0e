#!/bin/sh
# The benchmarks' inner part, run inside a lab device so that nothing but the agent is measured. Prints raw numbers, a line each;
# tests/bench/run.sh makes tables of them.
#
#   device.sh latency RUNS cold|resident     `enforced MS`, `proven MS`, `isolate_wall MS`, `released MS`, `release_wall MS`
#   device.sh restore RUNS                   `restore MS`, `restore_idle MS`: the step of the boot, isolated and released
#   device.sh hosts                          `cold MS` for each plugin host started so far
#   device.sh idle SECONDS HOSTS             `pss KB`, `uss KB`, `rss KB`, `processes N`, `wakeups N`, `cpu_ms N`
#   device.sh other SECONDS NAME             the same of another agent, as its package ships it: zabbix_agentd or collectd
set -eu

answer=/tmp/bench.json

wall_ms() {
  echo $(($(date +%s%N) / 1000000))
}

# The agent ends a plugin host that nobody needs after 5 s.
wait_hosts() {
  tries=400
  while [ "$(pidof cordon-plugin-host | wc -w)" != "$1" ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.05
  done
}

# ordered NAME isolate|release: gives the order, prints the wall time of the command.
ordered() {
  began=$(wall_ms)
  cordon local "$2" --json >$answer 2>/dev/null
  echo "$1 $(($(wall_ms) - began))"
}

# between NAME PATH: from the order's arrival to the time at the path.
between() {
  lab-json action.created "$2" <$answer | awk -F '[T:Z]' -v name="$1" '
    { at[NR] = ($2 * 3600 + $3 * 60 + $4) * 1000 }
    END { spent = at[2] - at[1]; if (spent < 0) spent += 86400000; printf "%s %d\n", name, spent }'
}

latency() {
  left=$1
  while [ "$left" -gt 0 ]; do
    left=$((left - 1))
    [ "$2" = resident ] || wait_hosts 0
    ordered isolate_wall isolate
    between enforced action.result.enforced.at
    between proven action.result.proven.at
    ordered release_wall release
    between released action.result.enforced.at
  done
}

# step NAME: the boot's step as a whole, from fork to exit.
step() {
  began=$(date +%s%N)
  cordond --restore 2>/dev/null
  echo "$1 $((($(date +%s%N) - began) / 100000))" | awk '{ print $1, $2 / 10 }'
}

# As a boot finds it: no agent, no table.
restore() {
  cordon local isolate >/dev/null 2>&1
  lab-agent stop
  left=$1
  while [ "$left" -gt 0 ]; do
    left=$((left - 1))
    nft delete table inet cordon
    step restore
  done
  lab-agent start
  cordon local release >/dev/null 2>&1
  lab-agent stop
  left=$1
  while [ "$left" -gt 0 ]; do
    left=$((left - 1))
    step restore_idle
  done
  lab-agent start
}

measured='cordond cordon-channel cordon-plugin-host'

agent_processes() {
  # shellcheck disable=SC2086 # a list of names
  pidof $measured | tr ' ' '\n'
}

memory() {
  for pid in $(agent_processes); do
    cat "/proc/$pid/smaps_rollup"
  done | awk '
    $1 == "Pss:" { pss += $2; processes++ }
    $1 == "Rss:" { rss += $2 }
    $1 ~ /^Private_/ { uss += $2 }
    END { print "pss", pss; print "uss", uss; print "rss", rss; print "processes", processes }'
}

# Context switches of every thread, and processor time in milliseconds.
activity() {
  for pid in $(agent_processes); do
    cat /proc/"$pid"/task/*/status
    sed 's/^/cpu: /' /proc/"$pid"/task/*/schedstat
  done | awk '/ctxt_switches:/ { n += $2 } /^cpu:/ { cpu += $2 / 1000000 } END { print n + 0, cpu + 0 }'
}

watch() {
  memory
  # shellcheck disable=SC2046 # two numbers
  set -- "$1" $(activity)
  sleep "$1"
  # shellcheck disable=SC2046
  set -- "$@" $(activity)
  echo "wakeups $(($4 - $2))"
  awk -v before="$3" -v after="$5" 'BEGIN { printf "cpu_ms %.1f\n", after - before }'
}

# At rest there is no host, or the one that watches over the isolation.
idle() {
  wait_hosts "$2"
  watch "$1"
}

runs() {
  pidof "$measured" >/dev/null
}

# What it does in its first seconds is not idle.
other() {
  measured=$2
  case $2 in
  zabbix_agentd)
    install -d -o zabbix /run/zabbix
    zabbix_agentd -c /etc/zabbix/zabbix_agentd.conf >/dev/null 2>&1 </dev/null
    ;;
  collectd) collectd -C /etc/collectd/collectd.conf >/dev/null 2>&1 </dev/null ;;
  esac
  tries=100
  until runs; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
  sleep 10
  watch "$1"
  pkill -TERM -x "$2"
}

case $1 in
latency) latency "$2" "$3" ;;
restore) restore "$2" ;;
hosts) sed -n 's/.*: host [0-9]* is up after \([0-9]*\) us$/\1/p' /var/log/cordond.log | awk '{ print "cold", $1 / 1000 }' ;;
idle) idle "$2" "$3" ;;
other) other "$2" "$3" ;;
esac
