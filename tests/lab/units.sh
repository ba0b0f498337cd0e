#!/bin/sh
# lab-units, inside a lab device: what a service manager would do before the network comes up, by the units themselves.
#
#   lab-units [--order]     runs the commands of the units that come before network-pre.target, in the order of their
#                           After= and Before=; with --order only prints their names in that order
#
# Ours is always enabled; another one is when it is linked in sysinit.target.wants, as `systemctl enable` does it.
# Prints a line for each unit. A unit that fails is no reason to stop, here as there.
set -eu

folder=/usr/lib/systemd/system
wants=/etc/systemd/system/sysinit.target.wants

# values UNIT KEY: each value of the key, a line each.
values() {
  sed -n "s/^$2=//p" "$folder/$1"
}

words() {
  values "$1" "$2" | tr ' ' '\n' | grep . || true
}

is_early() {
  words "$1" Before | grep -qx network-pre.target
}

enabled() {
  echo cordon-isolation.service
  for link in "$wants"/*.service; do
    [ ! -e "$link" ] || basename "$link"
  done
}

early() {
  enabled | sort -u | while read -r unit; do
    [ ! -f "$folder/$unit" ] || ! is_early "$unit" || echo "$unit"
  done
}

# Pairs for tsort: what comes first, and what comes then.
pairs() {
  for unit in $units; do
    echo "$unit $unit"
    words "$unit" After | sed "s/\$/ $unit/"
    words "$unit" Before | sed "s/^/$unit /"
  done
}

in_order() {
  pairs | tsort | while read -r unit; do
    case " $units " in
    *" $unit "*) echo "$unit" ;;
    esac
  done
}

# With `|` one of them has to hold, without each.
conditions_hold() {
  any=
  one=
  for path in $(words "$1" ConditionPathExists); do
    case $path in
    '|'*)
      any=yes
      [ ! -e "${path#?}" ] || one=yes
      ;;
    *) [ -e "$path" ] || return 1 ;;
    esac
  done
  [ -z "$any" ] || [ -n "$one" ]
}

now_ms() {
  echo $(($(date +%s%N) / 1000000))
}

run_unit() {
  for name in $(words "$1" RuntimeDirectory); do
    mkdir -p "/run/$name"
  done
  values "$1" ExecStart | while read -r command; do
    began=$(now_ms)
    code=0
    # shellcheck disable=SC2086 # the words of the command
    setsid env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 $command </dev/null >>/var/log/units.log 2>&1 || code=$?
    echo "$1: exit $code after $(($(now_ms) - began)) ms"
  done
}

units=$(early | tr '\n' ' ')
if [ "${1:-}" = --order ]; then
  in_order
  exit 0
fi
for unit in $(in_order); do
  if conditions_hold "$unit"; then
    run_unit "$unit"
  else
    echo "$unit: skipped, no condition holds"
  fi
done
