#!/bin/sh
# The benchmarks' inner part about investigation packages, run inside a lab device. Prints raw numbers, a line each; tests/bench/run.sh
# makes tables of them.
#
#   package.sh PROCESSES FILES RUNS   so many processes, and so many files in /tmp. For each run of the profile `standard`, one after the
#                                     other, `wall MS`, `zip MS`, which is zip -r of the same bytes, and `ratio N` of the two; the same with
#                                     `plain_` before the files are there; then `cpu MS` of a run, `rss KB`, `zip_bytes N` of the package,
#                                     `other_bytes N` of the other zip, `bytes N`; then `extended MS` and beside it `find MS`: find |
#                                     sha256sum of the same programs; `tree MS`: zip -r of those files themselves
#
# Both read what is in memory and write to the same disk, which has nothing else to write when they begin.
set -eu

processes=$1
files=$2
runs=$3
# In none of the folders that are collected: what is measured is not to find its own files.
work=/var/cache/bench.package

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

# The package that is there, unpacked: what the other zip is made of.
unpack() {
  rm -rf "$work/content"
  mkdir -p "$work/content"
  collect standard >/dev/null 2>&1
  python3 -m zipfile -e "$work/package.zip" "$work/content"
  zip_it
}

# beside PREFIX: runs in turn.
beside() {
  beside_left=$runs
  while [ "$beside_left" -gt 0 ]; do
    beside_left=$((beside_left - 1))
    rm -f "$work/package.zip" "$work/other.zip"
    sync
    timed "$1wall" collect standard >"$work/times"
    sync
    timed "$1zip" zip_it >>"$work/times"
    awk -v prefix="$1" '{ print; ms[NR] = $2 } END { printf "%sratio %.2f\n", prefix, ms[1] / ms[2] }' "$work/times"
  done
}

zip_tree() {
  rm -f "$work/other.zip"
  zip -qr "$work/other.zip" /tmp/bench
}

# What the machine that the lab runs on has in /var/tmp is none of the device's.
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mkdir -p "$work"
i=0
while [ $i -lt "$processes" ]; do
  sleep 9999 >/dev/null 2>&1 &
  i=$((i + 1))
done
unpack
beside plain_
python3 - "$files" <<'END'
import os, sys
for i in range(int(sys.argv[1])):
    folder = f"/tmp/bench/{i // 1000}"
    if i % 1000 == 0:
        os.makedirs(folder)
    with open(f"{folder}/file number {i}", "w") as file:
        file.write(str(i) * 20)
END

unpack
echo "bytes $(du -sb "$work/content" | cut -f 1)"
echo "zip_bytes $(stat -c %s "$work/package.zip")"
echo "other_bytes $(stat -c %s "$work/other.zip")"
before=$(($(ticks)))
beside ''
echo "cpu $((($(($(ticks))) - before) * 10 / runs))"
echo "rss $(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(host)/status")"
# The first that reads the programs would wait for the disk, and the second not.
hash_programs >/dev/null 2>&1
timed extended collect extended
timed find hash_programs
timed tree zip_tree
