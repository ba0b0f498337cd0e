#!/bin/sh
# The benchmarks' inner part about investigation packages, run inside a lab device. Prints raw numbers, a line each; tests/bench/run.sh
# makes tables of them.
#
#   package.sh PROCESSES FILES RUNS JOURNAL   with so many processes three times, and then:
#     plain_   nothing else
#     used_    a device in use: so many files, of which a hundredth is in /tmp, and the journal JOURNAL, as systemd-journal-remote reads it
#     temp_    all of these files in /tmp, and no journal
#   For each run of the profile `standard`, one after the other, `wall MS`, `zip MS`, which is zip -r of the same bytes, and `ratio N` of
#   the two; before them `bytes N`, `zip_bytes N` of the package and `other_bytes N` of the other zip; behind them `cpu MS` of a run and
#   `rss KB`, the most of the collector up to there. At the end `extended MS` and beside it `find MS`: find | sha256sum of the same
#   programs; `tree MS`: zip -r of the files in /tmp.
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

# measure PREFIX: the device as it is now.
measure() {
  unpack
  echo "$1bytes $(du -sb "$work/content" | cut -f 1)"
  echo "$1zip_bytes $(stat -c %s "$work/package.zip")"
  echo "$1other_bytes $(stat -c %s "$work/other.zip")"
  measure_before=$(($(ticks)))
  beside "$1"
  echo "$1cpu $((($(($(ticks))) - measure_before) * 10 / runs))"
  echo "$1rss $(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(host)/status")"
}

# files FOLDER FROM TO: small ones with numbers for names, a thousand in a folder.
files() {
  python3 - "$@" <<'END'
import os, sys
for i in range(int(sys.argv[2]), int(sys.argv[3])):
    folder = f"{sys.argv[1]}/{i // 1000}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/file number {i}", "w") as file:
        file.write(str(i) * 20)
END
}

zip_tree() {
  rm -f "$work/other.zip"
  zip -qr "$work/other.zip" /tmp/bench
}

mkdir -p "$work"
cp "$4" "$work/journal"
# What the machine that the lab runs on has in /var/tmp is none of the device's.
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
i=0
while [ $i -lt "$processes" ]; do
  sleep 9999 >/dev/null 2>&1 &
  i=$((i + 1))
done
measure plain_

files /tmp/bench 0 $((files / 100))
files /srv/bench $((files / 100)) "$files"
mkdir -p /var/log/journal/bench
/lib/systemd/systemd-journal-remote -o /var/log/journal/bench/system.journal "$work/journal" >"$work/said" 2>&1 || {
  cat "$work/said" >&2
  exit 1
}
measure used_

rm -rf /srv/bench /var/log/journal/bench
files /tmp/bench $((files / 100)) "$files"
measure temp_
# The first that reads the programs would wait for the disk, and the second not.
hash_programs >/dev/null 2>&1
timed extended collect extended
timed find hash_programs
timed tree zip_tree
