#!/bin/sh
# The benchmarks' inner part about investigation packages, run inside a lab device. Prints raw numbers, a line each; tests/bench/run.sh
# makes tables of them.
#
#   package.sh PROCESSES FILES RUNS   so many processes and files in /tmp; then, for each run of the profile `standard`, `wall MS`, and beside
#                                     it `zip MS`: zip -r of the same bytes; at the end `cpu MS` of a run, `rss KB`, `zip_bytes N`,
#                                     `bytes N`; then `extended MS` and beside it `find MS`: find | sha256sum of the same programs;
#                                     `tree MS`: zip -r of those files themselves
set -eu

processes=$1
files=$2
runs=$3
work=/var/tmp/bench.package

now_ms() {
  echo $(($(date +%s%N) / 1000000))
}

# timed NAME COMMAND...
timed() {
  timed_name=$1
  timed_from=$(now_ms)
  shift
  "$@" >"$work/said" 2>&1 || {
    cat "$work/said" >&2
    return 1
  }
  echo "$timed_name $(($(now_ms) - timed_from))"
}

collect() {
  cordon local collect -o "$work/package.zip" --overwrite --profile "$1" </dev/null
}

# The process that collects, and its processor time in ticks of 10 ms.
host() {
  pgrep -o -f 'cordon-plugin-host org.cordon.linux.collect'
}

ticks() {
  cut -d ' ' -f 14,15 "/proc/$(host)/stat" | tr ' ' '+'
}

hash_programs() {
  find / -xdev \( -path /proc -o -path /sys -o -path /dev \) -prune -o -type f -perm /111 -print0 | xargs -0 sha256sum
}

zip_it() {
  rm -f "$work/other.zip"
  (cd "$work/content" && zip -qr "$work/other.zip" .)
}

zip_tree() {
  rm -f "$work/other.zip"
  zip -qr "$work/other.zip" /tmp/bench
}

mkdir -p "$work/content"
i=0
while [ $i -lt "$processes" ]; do
  sleep 9999 >/dev/null 2>&1 &
  i=$((i + 1))
done
python3 - "$files" <<'END'
import os, sys
for i in range(int(sys.argv[1])):
    folder = f"/tmp/bench/{i // 1000}"
    if i % 1000 == 0:
        os.makedirs(folder)
    with open(f"{folder}/file number {i}", "w") as file:
        file.write(str(i) * 20)
END

collect standard >/dev/null 2>&1
python3 -m zipfile -e "$work/package.zip" "$work/content"
echo "bytes $(du -sb "$work/content" | cut -f 1)"
echo "zip_bytes $(stat -c %s "$work/package.zip")"
before=$(($(ticks)))
i=0
while [ $i -lt "$runs" ]; do
  timed wall collect standard
  timed zip zip_it
  i=$((i + 1))
done
echo "cpu $((($(($(ticks))) - before) * 10 / runs))"
echo "rss $(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(host)/status")"
timed extended collect extended
timed find hash_programs
timed tree zip_tree
