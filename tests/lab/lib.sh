# What every lab test begins with: a lab of its own, facts that are counted, and an end that leaves nothing behind.
# shellcheck shell=sh
#
# A test is a list of facts: `fact NAME COMMAND...` holds if the command succeeds, `never NAME COMMAND...` if it fails,
# `unreached NAME ... lab-probe ...` if the probe says so.
# The test ends with `facts_end`. It is skipped (77) for anybody but root.
set -eu

if [ "$(id -u)" != 0 ]; then
  echo 'skipped: a lab needs root'
  exit 77
fi

tests=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$tests/../.." && pwd)
work=$(mktemp -d /var/tmp/cordon-lab-test.XXXXXX)
: "${LAB_BUILD_DIR:=$tree/.build/dev}"
: "${LAB_PROBE_MS:=2000}"
LAB_DIR=$work/lab
LAB_DEMO=no
# Tests that need a console say so; each of their labs has a port of its own on the loopback.
: "${LAB_CONSOLE_PLACE:=no}"
LAB_RELAY_PORT=$((20000 + $$ % 12000))
export LAB_CONSOLE_PLACE LAB_RELAY_PORT
export LAB_BUILD_DIR LAB_PROBE_MS LAB_DIR LAB_DEMO
json=$LAB_BUILD_DIR/tests/lab/tools/lab-json
held=0
failed=0
ended=no

lab() {
  sh "$tree/packaging/lab.sh" "$@"
}

# on PLACE COMMAND ...
on() {
  on_place=$1
  shift
  lab exec "$on_place" -- "$@"
}

# What a test has outside of its lab, for it to take away; the lab is down by then.
test_leaves() {
  :
}

test_end() {
  rc=$?
  [ "$ended" = yes ] || echo "NOT OK - the test ended before its last fact"
  trap - EXIT INT TERM HUP
  if [ $rc != 0 ] && [ -d "$LAB_DIR" ]; then
    echo "the end of cordond's log on desk-1:"
    on desk-1 tail -n "${LAB_LOG_LINES:-40}" /var/log/cordond.log 2>&1 || true
    if on console test -e /var/log/cordon-console.log 2>/dev/null; then
      echo "and of the console's:"
      on console tail -n "${LAB_LOG_LINES:-40}" /var/log/cordon-console.log 2>&1 || true
    fi
  fi
  lab down >/dev/null 2>&1 || echo "the lab in $LAB_DIR could not be removed" >&2
  test_leaves
  rm -rf --one-file-system "$work"
  exit $rc
}
trap 'test_end' EXIT
trap 'exit 1' INT TERM HUP

count_fact() {
  if [ "$1" = 0 ]; then
    held=$((held + 1))
    echo "ok - $2"
  else
    failed=$((failed + 1))
    echo "NOT OK - $2"
    sed 's/^/    /' "$work/said" | head -n 30
  fi
}

fact() {
  fact_name=$1
  shift
  fact_rc=0
  "$@" >"$work/said" 2>&1 || fact_rc=1
  count_fact $fact_rc "$fact_name"
}

never() {
  fact_name=$1
  shift
  fact_rc=0
  "$@" >"$work/said" 2>&1 && fact_rc=1
  count_fact $fact_rc "$fact_name"
}

# unreached NAME ... lab-probe ...: the probe ran and says that nothing came back (1), and not that it could not run.
unreached() {
  fact_name=$1
  shift
  fact_rc=0
  "$@" >"$work/said" 2>&1 || fact_rc=$?
  if [ "$fact_rc" = 1 ]; then
    count_fact 0 "$fact_name"
  else
    echo "exit code $fact_rc" >>"$work/said"
    count_fact 1 "$fact_name"
  fi
}

facts_end() {
  ended=yes
  echo
  echo "$held facts hold, $failed do not"
  [ "$failed" = 0 ] && [ "$held" -gt 0 ]
}

# within SECONDS COMMAND ...: as soon as it succeeds.
within() {
  within_until=$(($(date +%s) + $1))
  shift
  while ! "$@"; do
    [ "$(date +%s)" -lt "$within_until" ] || return 1
    sleep 0.1
  done
}

same() {
  [ "$1" = "$2" ] && return 0
  echo "'$1' is not '$2'"
  return 1
}

# look NAME: measures the whole matrix once, to be asked about with `every`.
look() {
  lab matrix --raw >"$work/$1"
}

# every LOOK OUTCOME CONDITION: each probe of that look that meets the awk condition over from, to, family and kind ended so; OUTCOME is
# `reached`, or `cut`: nothing came back at all. At least one probe must meet the condition.
every() {
  awk -v want="$2" '
    { from = $1; to = $2; family = $3; kind = $4; outcome = $5 }
    !('"$3"') { next }
    { asked++ }
    outcome == "reached" { got = "reached" }
    outcome ~ /^(refused|reset|denied|unreachable|timeout)$/ { got = "cut" }
    outcome !~ /^(reached|refused|reset|denied|unreachable|timeout)$/ { got = "neither" }
    got != want { print "not " want ": " $0; wrong++ }
    END { if (!asked) print "no probe meets the condition"; exit !asked || wrong }
  ' "$work/$1"
}

# What the agent of a device says: says DEVICE PATH VALUE, and a few paths that are asked for often.
agent_value() {
  on "$1" cordon local status --json </dev/null | "$json" "$2"
}

# same_text COMMAND TEXT: the command, given as one string, prints just this.
same_text() {
  same "$(eval "$1")" "$2"
}

says() {
  same "$(agent_value "$1" "$2")" "$3"
}

# shellcheck disable=SC2034 # for the tests
wanted=states.state=isolate.wanted.value
# shellcheck disable=SC2034
enforced=states.state=isolate.enforced.value
# shellcheck disable=SC2034
proven=states.state=isolate.proven.value

isolate() {
  isolate_on=$1
  shift
  on "$isolate_on" cordon local isolate --comment 'lab test' "$@" </dev/null
}

release() {
  on "$1" cordon local release --comment 'lab test' </dev/null
}

# Sets the fact group `everything of desk-1 is cut` over a look; $2 begins the facts' names.
facts_cut() {
  for family in v4 v6; do
    for kind in tcp udp icmp dns http; do
      fact "$2: $kind over $family out of desk-1 is cut" \
        every "$1" cut "from == \"desk-1\" && family == \"$family\" && kind == \"$kind\""
      fact "$2: $kind over $family into desk-1 is cut" \
        every "$1" cut "to == \"desk-1\" && family == \"$family\" && kind == \"$kind\""
    done
  done
  fact "$2: what is behind the default route is cut off too" every "$1" cut 'from == "desk-1" && to == "far"'
  fact "$2: all others reach each other" every "$1" reached 'from != "desk-1" && to != "desk-1"'
}

# Counts what leaves desk-1 on the wire, apart from ARP, neighbour discovery and multicast membership.
tap_wire() {
  on internet nft -f - <<END
table netdev tap {
  chain desk1 {
    type filter hook ingress device "v-desk-1" priority 0; policy accept;
    ether type arp accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept
    counter
  }
}
END
}

wire_count() {
  on internet nft list chain netdev tap desk1 | awk '$1 == "counter" { print $3 }'
}

# A download that never ends, watched from outside its device: follow NAME PLACE ADDRESS.
follow() {
  on "$2" sh -c "setsid lab-probe follow $3 80 >/var/tmp/$1 2>&1 </dev/null &" </dev/null
}

followed() {
  on "$2" sh -c "tail -n 1 /var/tmp/$1" </dev/null
}

follows_well() {
  value=$(followed "$1" "$2")
  case $value in
  '' | *[!0-9]*) return 1 ;;
  esac
  [ "$value" -gt "${3:-8192}" ]
}

# A quick look, where a whole matrix would take too long: does desk-1 reach the internet, do others reach desk-1?
# Prints `released` if everything is open, `isolated` if everything is cut, else the whole list.
reality() {
  for to in 10.77.0.1 fd77::1; do
    printf '%s\n' "out-tcp tcp $to 22" "out-udp udp $to 7" "out-icmp icmp $to 0"
  done >"$work/out"
  sed 's/^out/in/; s/ 10\.77\.0\.1 / 10.77.0.11 /; s/ fd77::1 / fd77::11 /' "$work/out" >"$work/in"
  {
    on desk-1 lab-probe batch --timeout "${REALITY_MS:-2000}" <"$work/out"
    on desk-2 lab-probe batch --timeout "${REALITY_MS:-2000}" <"$work/in"
  } >"$work/seen"
  awk '
    $2 == "reached" { open++ }
    $2 ~ /^(refused|reset|denied|unreachable|timeout)$/ { cut++ }
    { all = all "\n  " $0 }
    END {
      if (open == 12 && NR == 12) print "released"
      else if (cut == 12 && NR == 12) print "isolated"
      else print "mixed" all
    }' "$work/seen"
}

really() {
  same "$(reality)" "$1"
}

# Undisturbed: the agent answers, no action is open, and what is wanted is enforced.
settled() {
  on "$1" cordon local status --json </dev/null >"$work/status" 2>/dev/null || return 1
  on "$1" cordon local actions --limit 500 --json </dev/null >"$work/actions" 2>/dev/null || return 1
  "$json" $wanted $enforced <"$work/status" | {
    read -r settled_wanted
    read -r settled_enforced
    [ "$settled_wanted" = "$settled_enforced" ] || [ "$settled_wanted/$settled_enforced" = -/released ]
  } && ! "$json" 'actions.*.status' <"$work/actions" | grep -qE 'Pending|InProgress'
}
