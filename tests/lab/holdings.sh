# What the agent's processes hold on to, for the soaks. Sourced after lib.sh.
# shellcheck shell=sh disable=SC2154 # variables of lib.sh

memory_grows_kb=4096 # the allocator keeps what the largest listing took

# holdings DEVICE: program, descriptors, threads and private memory in kB of cordond and of the provider's process.
holdings() {
  # shellcheck disable=SC2016 # expanded on the device
  on "$1" sh -c 'for p in $(pidof cordond) $(pgrep -f "^/usr/libexec/cordon/cordon-plugin-host org.cordon.nftables "); do
    echo "$(cat /proc/$p/comm) $(ls /proc/$p/fd | wc -l) $(ls /proc/$p/task | wc -l) $(awk "/^Private_/ { s += \$2 } END { print s }" /proc/$p/smaps_rollup)"
  done' </dev/null | sort
}

one_host() {
  # shellcheck disable=SC2016 # expanded on the device
  on "$1" sh -c '[ "$(pidof cordon-plugin-host | wc -w)" = 1 ]' </dev/null
}

# At rest: what an operation holds while it runs is no growth, nor is a host that will end when it is idle long enough.
quiet_holdings() {
  within 30 one_host "$1" || true
  holdings "$1"
}

# not_grown EARLY LATE: files of quiet_holdings.
not_grown() {
  paste -d ' ' "$1" "$2" | awk -v most="$memory_grows_kb" '
    $1 != $5 || $2 != $6 || $3 != $7 || $8 > $4 + most { print "early and late: " $0; bad = 1 }
    END { exit bad || NR == 0 }'
}
