#!/bin/sh
# The benchmarks' part about packages on their way home, run beside a lab with a console: desk-1 makes a large package and sends it, and
# beside it as many random bytes go the same way by socat, over mutual TLS as well. Prints raw numbers, a line each.
#
#   upload.sh LAB RUNS   LAB: packaging/lab.sh. `upload_bytes N`; for each run `upload MS`: from the agent's first chunk to the console's
#                        word that it has all of it, on disk and compared with its digest; `copy MS`: socat, to the end of the file;
#                        `copied MS`: and until that is on disk and hashed
set -eu

lab=$1
runs=$2
port=9443
log=/var/log/cordond.log
at=10.77.0.2

on() {
  on_place=$1
  shift
  sh "$lab" exec "$on_place" -- "$@" </dev/null
}

# within SECONDS COMMAND ...
within() {
  within_until=$(($(date +%s) + $1))
  shift
  while ! "$@"; do
    [ "$(date +%s)" -lt "$within_until" ] || return 1
    sleep 0.2
  done
}

# Logs that hardly get smaller, of which the collector takes 32 MiB each.
# shellcheck disable=SC2016
on desk-1 sh -c 'for name in auth.log kern.log syslog messages cron secure; do
  head -c 25000000 /dev/urandom | base64 >/var/log/$name
done'

arrivals() {
  on desk-1 grep -c 'its package has arrived' $log || true
}

one_more() {
  [ "$(arrivals)" -gt "$before" ]
}

# The two lines of the last package: when it began and when it was there, and its bytes.
last_upload() {
  on desk-1 grep -E 'its package (goes home, from byte 0|has arrived)' $log | tail -n 2 | awk '
    function ms(text, part) { split(text, part, /[T:Z]/); return (part[2] * 3600 + part[3] * 60 + part[4]) * 1000 }
    /goes home/ { from = ms($1); bytes = $NF }
    /has arrived/ { spent = ms($1) - from; if (spent < 0) spent += 86400000; printf "upload %d\nupload_bytes %d\n", spent, bytes }'
}

is_listening() {
  on console sh -c "ss -Hltn 'sport = :$port' | grep -q ."
}

copy_gone() {
  ! on console pidof socat >/dev/null
}

now_ms() {
  echo $(($(date +%s%N) / 1000000))
}

copied() {
  on console sh -c "setsid socat -b 65536 -u OPENSSL-LISTEN:$port,reuseaddr,cert=/var/tmp/bench.pem,cafile=/var/tmp/bench.pem,verify=1 \
    CREATE:/var/tmp/bench.copy >/dev/null 2>&1 &"
  within 10 is_listening
  began=$(now_ms)
  on desk-1 socat -b 65536 -u FILE:/var/tmp/bench.bytes \
    "OPENSSL:$at:$port,cert=/var/tmp/bench.pem,cafile=/var/tmp/bench.pem,verify=1,commonname=bench"
  within 60 copy_gone
  echo "copy $(($(now_ms) - began))"
  on console sh -c 'sync /var/tmp/bench.copy && sha256sum /var/tmp/bench.copy >/dev/null'
  echo "copied $(($(now_ms) - began))"
  [ "$(on console stat -c %s /var/tmp/bench.copy)" = "$1" ]
}

on console sh -c "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=bench \
  -keyout /var/tmp/bench.key -out /var/tmp/bench.crt 2>/dev/null && cat /var/tmp/bench.key /var/tmp/bench.crt >/var/tmp/bench.pem"
on console cat /var/tmp/bench.pem | sh "$lab" exec desk-1 -- sh -c 'cat >/var/tmp/bench.pem'
while [ "$runs" -gt 0 ]; do
  runs=$((runs - 1))
  before=$(arrivals)
  on console cordon collect desk-1 --comment benchmark >/dev/null
  within 120 one_more
  numbers=$(last_upload)
  echo "$numbers"
  bytes=$(echo "$numbers" | sed -n 's/^upload_bytes //p')
  on desk-1 sh -c "head -c $bytes /dev/urandom >/var/tmp/bench.bytes"
  copied "$bytes"
done
on desk-1 rm -f /var/tmp/bench.bytes
