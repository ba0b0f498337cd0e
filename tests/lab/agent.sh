#!/bin/sh
# lab-agent, inside a lab device: what a service manager would do with cordond, which has none here.
#
#   lab-agent start [--no-wait] [NAME=VALUE ...]   with these variables in its environment
#   lab-agent stop | kill | pid
set -eu

log=/var/log/cordond.log

# wait_until SECONDS COMMAND ...
wait_until() {
  tries=$(($1 * 20))
  shift
  while ! "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.05
  done
}

answers() {
  cordon local status --json >/dev/null 2>&1
}

# Started is when it answers; it can also have ended, which needs no more waiting.
settled() {
  answers || ! kill -0 "$daemon" 2>/dev/null
}

# A process that is ending loses its program, which pidof goes by, before its locks.
gone() {
  ! { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; } && ! pidof cordond >/dev/null && ! pidof cordon-plugin-host >/dev/null
}

case ${1:-} in
start)
  shift
  wait=yes
  if [ "${1:-}" = --no-wait ]; then
    wait=no
    shift
  fi
  if pidof cordond >/dev/null; then
    echo "lab-agent: cordond is running already, process $(pidof cordond)" >&2
    exit 1
  fi
  setsid env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@" /usr/sbin/cordond </dev/null >>"$log" 2>&1 &
  daemon=$!
  echo $daemon >/run/lab-agent.pid
  if [ "$wait" = yes ] && { ! wait_until 20 settled || ! kill -0 "$daemon" 2>/dev/null; }; then
    echo "lab-agent: cordond does not run and answer within 20 s of its start; the end of $log:" >&2
    tail -n 20 "$log" >&2
    exit 1
  fi
  ;;
stop | kill)
  signal=TERM
  [ "$1" = stop ] || signal=KILL
  pid=$(cat /run/lab-agent.pid 2>/dev/null || true)
  if [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = /usr/sbin/cordond ]; then
    kill -s "$signal" "$pid" 2>/dev/null || true
  else
    pid= # it has ended, and its number may be another's
  fi
  if ! wait_until 20 gone; then
    echo "lab-agent: cordond or a plugin host still runs 20 s after SIG$signal" >&2
    exit 1
  fi
  ;;
pid)
  # Not pidof: between fork and exec a plugin host bears its parent's name.
  cat /run/lab-agent.pid
  ;;
*)
  echo "usage: lab-agent start [--no-wait] [NAME=VALUE ...] | stop | kill | pid" >&2
  exit 2
  ;;
esac
