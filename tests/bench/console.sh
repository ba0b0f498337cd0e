#!/bin/sh
# The benchmarks' part at the lab's console: orders that go the whole way to desk-1 and back. The lab's places share one clock.
# Prints raw numbers, a line each, as device.sh does.
#
#   console.sh latency RUNS PAUSE_S     `enforced MS`, `proven MS`, `told MS`, `isolate_wall MS`, `release_wall MS`
set -eu

answer=/tmp/bench.json

wall_ms() {
  echo $(($(date +%s%N) / 1000000))
}

# ordered NAME isolate|release: gives the order, waits for its end, prints the wall time of the command.
ordered() {
  began=$(wall_ms)
  cordon "$2" desk-1 --comment benchmark --wait --json >$answer 2>/dev/null
  echo "$1 $(($(wall_ms) - began))"
}

# between NAME PATH: from the order's arrival at the console to the time at the path.
between() {
  lab-json created "$2" <$answer | awk -F '[T:Z]' -v name="$1" '
    { at[NR] = ($2 * 3600 + $3 * 60 + $4) * 1000 }
    END { spent = at[2] - at[1]; if (spent < 0) spent += 86400000; printf "%s %d\n", name, spent }'
}

if [ "${1:-}" != latency ] || [ $# != 3 ]; then
  echo 'usage: console.sh latency RUNS PAUSE_S' >&2
  exit 2
fi
left=$2
pause_s=$3
while [ "$left" -gt 0 ]; do
  left=$((left - 1))
  ordered isolate_wall isolate
  between enforced evidence.enforced.at
  between proven evidence.proven.at
  between told updated
  ordered release_wall release
  # Each command asks for a token of its own, and the console gives sixty in a minute: two seconds at the least. After
  # five the device has ended the plugin's host.
  sleep "$pause_s"
done
