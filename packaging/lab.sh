#!/bin/sh
# The lab: three devices and an internet on this machine, to isolate and look at. `lab.sh help` says how.
#
# Each device is a machine of its own to what runs in it: network, file, process and name spaces, found by the process
# id of its init. They hang on a bridge that lives in the internet's network space, so that this machine's own network,
# its mounts, /etc and /run/netns stay as they are. All that is kept lies in one folder, which `down` removes.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
LAB_DIR=${LAB_DIR:-/var/lib/cordon-lab}
lab_build=${LAB_BUILD_DIR:-$here/.build/${LAB_PRESET:-release}}
lab_agent=${LAB_AGENT:-yes}
lab_console=${LAB_CONSOLE_PLACE:-$lab_agent}
devices='desk-1 desk-2 server-1'
places="$devices internet"
all_places="$places console"
internet4=10.77.0.1
internet6=fd77::1
far4=198.18.0.1
far6=2001:2::1
relay_port=${LAB_RELAY_PORT:-38443}
starters=
inner_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

usage() {
  cat <<END
usage: sh packaging/lab.sh COMMAND

  up                    install what is needed, build, start the devices, isolate and release desk-1 once
  status                who reaches whom right now, and what each device's agent says
  matrix [--raw]        only who reaches whom; raw: a line for each probe
  exec PLACE -- CMD...  run a command on desk-1, desk-2, server-1, internet or console
  reboot DEVICE [STAGE] switch a device off and on again; with a STAGE only that one, in this order:
                        power (its network is down), units (what comes before the network), network, agent
  env                   shell assignments: eval "\$(sh packaging/lab.sh env)"
  down                  remove every trace

Variables: LAB_DIR, where the lab lives (default /var/lib/cordon-lab); LAB_PRESET, what to build (default release);
LAB_BUILD_DIR, take this build as it is and install nothing; LAB_DEMO=no, only start; LAB_AGENT=no, devices without
Cordon; LAB_CONSOLE_PLACE=no, no console, devices that are not enrolled; LAB_PROBE_MS, how long a probe waits (default 800);
LAB_RELAY_PORT, the port of 127.0.0.1 at which the console is reached from the host (default 38443).
END
}

say() {
  echo "lab: $*"
}

die() {
  echo "lab: $*" >&2
  exit 1
}

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

need_root() {
  [ "$(id -u)" = 0 ] || die "'$1' needs root, because it works with name spaces: try 'sudo sh packaging/lab.sh $1'"
}

host_number() {
  case $1 in
  internet) echo 1 ;;
  console) echo 2 ;;
  desk-1) echo 11 ;;
  desk-2) echo 12 ;;
  server-1) echo 21 ;;
  *) die "there is no '$1' in the lab; there are $all_places" ;;
  esac
}

# Processes: by number and start time, so that a number that now belongs to a stranger is never taken for a device.

start_time_of() {
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2086 # the fields of /proc/PID/stat after the name
  set -- ${line##*) }
  shift 19
  echo "$1"
}

is_ours() {
  [ "$(cat "$LAB_DIR/.cordon-lab" 2>/dev/null)" = "$(cat /proc/sys/kernel/random/boot_id)" ]
}

# pid_of PLACE: the process id of its init, if it runs.
pid_of() {
  is_ours || return 1
  { read -r pid started <"$LAB_DIR/$1/pid"; } 2>/dev/null || return 1
  [ "$(start_time_of "$pid")" = "$started" ] || return 1
  echo "$pid"
}

is_gone() {
  ! pid_of "$1" >/dev/null
}

# enter PLACE COMMAND ...: runs it there, with a clean environment. The lock must not be inherited by what stays.
enter() {
  where=$1
  shift
  init=$(pid_of "$where") || die "$where does not run; 'sh packaging/lab.sh up' starts the lab"
  nsenter -t "$init" -n -m -p -u -i -r -w -- env -i PATH="$inner_path" HOME=/root USER=root LOGNAME=root \
    LANG=C.UTF-8 TERM="${TERM:-dumb}" "$@" 9<&-
}

# Building.

# step TEXT COMMAND ...: runs it with its output in a log, and shows the end of that if it fails.
step() {
  text=$1
  shift
  printf 'lab: %s ... ' "$text"
  began=$(date +%s)
  if ! "$@" >"$LAB_DIR/log" 2>&1 </dev/null; then
    echo 'failed'
    tail -n 40 "$LAB_DIR/log" >&2
    die "$text failed: see above"
  fi
  echo "done, $(($(date +%s) - began)) s"
}

build_mbedtls() {
  sh "$here/packaging/deps/mbedtls.sh" | tee "$LAB_DIR/mbedtls"
}

build_tree() {
  (
    cd "$here"
    CORDON_DEPS_DIR=$(tail -n 1 "$LAB_DIR/mbedtls")
    export CORDON_DEPS_DIR
    cmake --preset "${LAB_PRESET:-release}" -DCORDON_LAB=ON
    cmake --build --preset "${LAB_PRESET:-release}"
  )
}

stage_tree() {
  mkdir -p "$LAB_DIR/stage/usr/local/bin" "$LAB_DIR/stage/usr/local/sbin"
  if [ "$lab_agent" = yes ]; then
    DESTDIR="$LAB_DIR/stage" cmake --install "$lab_build"
  fi
  for tool in lab-serve lab-probe lab-trick lab-json lab-desktop; do
    install -m 755 "$lab_build/tests/lab/tools/$tool" "$LAB_DIR/stage/usr/local/bin/$tool"
  done
  install -m 755 "$here/tests/lab/agent.sh" "$LAB_DIR/stage/usr/local/sbin/lab-agent"
  install -m 755 "$here/tests/lab/units.sh" "$LAB_DIR/stage/usr/local/sbin/lab-units"
  install -m 755 "$here/tests/lab/console.sh" "$LAB_DIR/stage/usr/local/sbin/lab-console"
}

build_all() {
  if [ -z "${LAB_BUILD_DIR:-}" ]; then
    step 'installing packages' sh "$here/packaging/deps/install.sh" lab
    step 'building mbedTLS, unless that was done before' build_mbedtls
    step 'building Cordon' build_tree
  fi
  step 'staging the installation' stage_tree
}

# Starting.

write_names() {
  {
    echo '127.0.0.1 localhost'
    echo '::1 localhost ip6-localhost'
    for place in $all_places; do
      number=$(host_number "$place")
      echo "10.77.0.$number $place"
      echo "fd77::$number $place"
    done
    echo "$far4 far"
    echo "$far6 far"
  } >"$LAB_DIR/$1/hosts"
  printf 'nameserver %s\nnameserver %s\n' "$internet4" "$internet6" >"$LAB_DIR/$1/resolv.conf"
}

is_ready() {
  grep -qx ready "$LAB_DIR/$1/ready" 2>/dev/null
}

# Makes the name spaces of a place; await_place waits until its init runs.
launch_place() {
  mkdir -p "$LAB_DIR/$1"
  rm -f "$LAB_DIR/$1/ready" "$LAB_DIR/$1/pid"
  write_names "$1"
  setsid unshare --net --mount --pid --uts --ipc --fork --kill-child --propagation private \
    sh "$here/tests/lab/device.sh" "$1" "$LAB_DIR/$1" "$LAB_DIR/stage" "$LAB_DIR" \
    </dev/null >"$LAB_DIR/$1/log" 2>&1 9<&- &
  starters="$starters $!"
}

await_place() {
  wait_until 30 is_ready "$1" && pid_of "$1" >/dev/null && return 0
  cat "$LAB_DIR/$1/log" >&2
  die "$1 did not start within 30 s: see above"
}

net_of() {
  nsenter -t "$(pid_of "$1")" -n ip -batch -
}

wire_internet() {
  net_of internet <<END
link set lo up
address add $far4/32 dev lo
address add $far6/128 dev lo nodad
link add br0 address 02:77:00:00:00:01 type bridge forward_delay 0 mcast_snooping 0
link set br0 up
address add $internet4/24 dev br0
address add $internet6/64 dev br0 nodad
address add fe80::1/64 dev br0 nodad
END
}

# One veth pair: the bridge's end stays with the internet, the device's end is made in the device's space at once, and
# is down.
plug_device() {
  number=$(host_number "$1")
  net_of internet <<END
link add v-$1 type veth peer name eth0 address 02:77:00:00:00:$number netns $(pid_of "$1")
link set v-$1 addrgenmode none master br0 up
END
}

raise_network() {
  number=$(host_number "$1")
  net_of "$1" <<END
link set lo up
address add 10.77.0.$number/24 dev eth0
address add fd77::$number/64 dev eth0 nodad
link set eth0 up
route add default via $internet4
route add default via $internet6
END
}

wire_device() {
  plug_device "$1"
  raise_network "$1"
}

serves() {
  grep -qx ready "$LAB_DIR/$1/serve" 2>/dev/null
}

# Everything that can be asked for over the network. Beside the matrix's services: DHCP's ports, for what must stay
# open, and 8443 as the console's.
start_services() {
  number=$(host_number "$1")
  addresses="--address 127.0.0.1 --address ::1 --address 10.77.0.$number --address fd77::$number"
  extra=
  if [ "$1" = internet ]; then
    addresses="$addresses --address $far4 --address $far6 --address fe80::1%br0"
    extra='echo/tcp/8443 echo/udp/8443 echo/udp/67 echo/udp/547 echo/tcp/9000 echo/tcp/9001'
  fi
  # shellcheck disable=SC2086 # lists of words
  enter "$1" sh -c 'setsid "$@" &' sh lab-serve --name "$1" --answer4 "10.77.0.$number" --answer6 "fd77::$number" $addresses \
    echo/tcp/22 echo/udp/7 http/tcp/80 dns/udp/53 dns/tcp/53 $extra </dev/null >"$LAB_DIR/$1/serve" 2>&1
  wait_until 10 serves "$1" && return 0
  cat "$LAB_DIR/$1/serve" >&2
  die "$1 serves nothing after 10 s: see above"
}

finish_device() {
  await_place "$1"
  wire_device "$1"
  start_services "$1"
  if [ "$lab_agent" = yes ]; then
    enter "$1" lab-agent start </dev/null
  fi
}

# The console: its programs, and a way to them from this machine's loopback, which `env` tells.
finish_console() {
  await_place console
  wire_device console
  enter console lab-console setup </dev/null >"$LAB_DIR/console/setup" 2>&1 || {
    cat "$LAB_DIR/console/setup" >&2
    die 'the console could not be set up: see above'
  }
  enter console lab-console start </dev/null
  (umask 077 && enter console cat /etc/cordon/operator.json >"$LAB_DIR/operator.json")
  start_relay
}

# The relay's process id and when it started, so that a stranger who got the number later is left alone.
relay_runs() {
  is_ours || return 1
  { read -r relay relay_start <"$LAB_DIR/relay.pid"; } 2>/dev/null || return 1
  [ "$(start_time_of "$relay")" = "$relay_start" ]
}

relay_listens() {
  grep -q 'listening on' "$LAB_DIR/relay.log" 2>/dev/null
}

start_relay() {
  setsid socat -d -d TCP4-LISTEN:"$relay_port",bind=127.0.0.1,reuseaddr,fork \
    EXEC:"nsenter -t $(pid_of console) -n socat STDIO TCP4\:10.77.0.2\:8443" </dev/null >"$LAB_DIR/relay.log" 2>&1 9<&- &
  relay=$!
  echo "$relay $(start_time_of "$relay" || true)" >"$LAB_DIR/relay.pid"
  wait_until 10 relay_listens || {
    cat "$LAB_DIR/relay.log" >&2
    die "nothing could listen on 127.0.0.1:$relay_port: name another port in LAB_RELAY_PORT"
  }
}

stop_relay() {
  if relay_runs; then
    # It leads a group of its own: with it go those that carry open connections.
    kill -TERM "-$relay" 2>/dev/null || kill -TERM "$relay" 2>/dev/null || true
  fi
}

# Each device with a token of its own, made and used in files that only root reads.
enrol_device() {
  enter console cordon enroll-token create --uses 1 --for 1h -o "/run/token-$1" </dev/null >/dev/null
  enter console cat "/run/token-$1" | enter "$1" sh -c 'umask 077; cat >/run/enroll-token'
  enter console rm -f "/run/token-$1"
  enter "$1" cordon local enroll --token-file /run/enroll-token </dev/null >"$LAB_DIR/$1/enrol" 2>&1 || {
    cat "$LAB_DIR/$1/enrol" >&2
    die "$1 could not be enrolled: see above"
  }
  enter "$1" rm -f /run/enroll-token
}

enrol_all() {
  for device in $devices; do
    enrol_device "$device"
  done
}

stop_place() {
  victim=$(pid_of "$1") || return 0
  kill -KILL "$victim" 2>/dev/null || true
  wait_until 20 is_gone "$1" || die "process $victim, the init of $1, still runs 20 s after SIGKILL"
}

# Ends everything of this lab and removes its folder. Silent, and fine with a lab that is half there.
remove_all() {
  stop_relay
  for place in $all_places; do
    stop_place "$place"
  done
  rm -rf --one-file-system "$LAB_DIR"
}

on_failed_up() {
  trap - EXIT INT TERM HUP
  echo 'lab: up did not finish; removing what it had made' >&2
  # A place that was just being started may have no process id on file yet; its init ends with its starter.
  for starter in $starters; do
    kill -KILL "$starter" 2>/dev/null || true
  done
  stop_relay
  wait 2>/dev/null || true
  remove_all
}

lock() {
  exec 9<"$LAB_DIR"
  flock -n 9 || die "another lab.sh is at work on $LAB_DIR"
}

runs_count() {
  count=0
  for place in $all_places; do
    if pid_of "$place" >/dev/null; then
      count=$((count + 1))
    fi
  done
  echo "$count"
}

# Refuses a folder that has anything in it that is not a lab.
claim_folder() {
  if [ -d "$LAB_DIR" ] && [ ! -f "$LAB_DIR/.cordon-lab" ] && [ -n "$(ls -A "$LAB_DIR")" ]; then
    die "$LAB_DIR is not empty and is no lab: name another folder in LAB_DIR"
  fi
  mkdir -p "$LAB_DIR"
  chmod 700 "$LAB_DIR"
  lock
  running=$(runs_count)
  all=5
  [ "$lab_console" = yes ] || all=4
  if [ "$running" = $all ]; then
    say "the lab is up already, in $LAB_DIR. 'down' ends it, 'status' shows it."
    exit 0
  fi
  if [ -f "$LAB_DIR/.cordon-lab" ]; then
    say "an earlier lab in $LAB_DIR does not run any more ($running of $all places do): starting anew"
    stop_relay
    for place in $all_places; do
      stop_place "$place"
    done
    find "$LAB_DIR" -xdev -mindepth 1 -delete
  fi
}

command_up() {
  need_root up
  claim_folder
  trap 'on_failed_up' EXIT
  trap 'exit 1' INT TERM HUP
  cat /proc/sys/kernel/random/boot_id >"$LAB_DIR/.cordon-lab"
  build_all
  echo "$lab_build" >"$LAB_DIR/build"
  echo "$lab_agent" >"$LAB_DIR/agent"
  for place in $places; do
    launch_place "$place"
  done
  [ "$lab_console" != yes ] || launch_place console
  await_place internet
  wire_internet
  start_services internet
  for device in $devices; do
    finish_device "$device"
  done
  if [ "$lab_console" = yes ]; then
    finish_console
    enrol_all
  fi
  running=$places
  [ "$lab_console" != yes ] || running=$all_places
  say "$running run"
  if [ "${LAB_DEMO:-yes}" = yes ] && [ "$lab_agent" = yes ]; then
    demonstrate
  fi
  trap - EXIT INT TERM HUP
}

command_down() {
  need_root down
  if [ ! -d "$LAB_DIR" ]; then
    say "there is no lab in $LAB_DIR"
    return 0
  fi
  [ -f "$LAB_DIR/.cordon-lab" ] || die "$LAB_DIR is no lab: nothing was removed"
  lock
  remove_all
  say "gone: the devices, their networks and $LAB_DIR"
}

# Looking.

# Prints the probes of one place to all others, for lab-probe batch.
probes_from() {
  for to in $places far; do
    case $1/$to in
    "$to/$1" | internet/far) continue ;;
    esac
    if [ "$to" = far ]; then
      to4=$far4 to6=$far6
    else
      number=$(host_number "$to")
      to4=10.77.0.$number to6=fd77::$number
    fi
    for family in v4 v6; do
      address=$to4
      [ "$family" = v4 ] || address=$to6
      printf '%s %s %s %s\n' "$to/$family/tcp" tcp "$address" 22 "$to/$family/udp" udp "$address" 7 \
        "$to/$family/icmp" icmp "$address" 0 "$to/$family/dns" dns "$address" 53 "$to/$family/http" http "$address" 80
    done
  done
}

# Lines `FROM TO FAMILY KIND OUTCOME ERRNO MS`; every place asks at the same time.
measure() {
  scratch=$(mktemp -d "$LAB_DIR/measure.XXXXXX")
  for from in $places; do
    if pid_of "$from" >/dev/null; then
      probes_from "$from" | enter "$from" lab-probe batch --timeout "${LAB_PROBE_MS:-800}" >"$scratch/$from" &
    else
      echo off >"$scratch/$from"
    fi
  done
  wait
  for from in $places; do
    sed "s|^|$from |; s|/| |; s|/| |" "$scratch/$from"
  done
  rm -rf "$scratch"
}

is_up() {
  [ "$(runs_count)" != 0 ]
}

need_up() {
  need_root "$1"
  is_up || die "the lab does not run; 'sh packaging/lab.sh up' starts it"
}

draw_matrix() {
  colour=0
  if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    colour=1
  fi
  measure | awk -v places="$places" -v columns="$places far" -v colour="$colour" -f "$here/tests/lab/matrix.awk"
}

command_matrix() {
  need_up matrix
  if [ "${1:-}" = --raw ]; then
    measure
  else
    draw_matrix
  fi
}

# One line on what the agent of a device says.
agent_line() {
  if ! answer=$(enter "$1" cordon local status --json 2>/dev/null </dev/null); then
    printf '%-10sno answer from its agent\n' "$1"
    return 0
  fi
  echo "$answer" | enter "$1" lab-json states.state=isolate.wanted.value states.state=isolate.enforced.value \
    states.state=isolate.proven.value states.state=isolate.wanted.type states.state=isolate.drift.count |
    {
      read -r wanted
      read -r enforced
      read -r proven
      read -r type
      read -r drift
      [ "$wanted" != isolated ] || wanted="isolated ($type)"
      printf '%-10swanted %-21s enforced %-10s proven %-10s drift %s\n' "$1" "$wanted" "$enforced" "$proven" "$drift"
    }
}

command_status() {
  need_up status
  draw_matrix
  if [ "$(cat "$LAB_DIR/agent" 2>/dev/null)" != no ]; then
    echo
    for device in $devices; do
      agent_line "$device"
    done
  fi
}

command_exec() {
  need_root exec
  [ $# -ge 1 ] || die "exec needs a place and a command: exec desk-1 -- ip addr"
  target=$1
  shift
  [ "${1:-}" != -- ] || shift
  [ $# -ge 1 ] || die "exec $target: no command was given"
  host_number "$target" >/dev/null
  enter "$target" "$@"
}

# The stages of a boot. What is early runs by the units themselves, in their order.
boot_power() {
  stop_place "$1"
  launch_place "$1"
  await_place "$1"
  plug_device "$1"
}

boot_units() {
  if [ "$lab_agent" = yes ]; then
    enter "$1" lab-units </dev/null
  fi
}

boot_network() {
  raise_network "$1"
  start_services "$1"
}

boot_agent() {
  if [ "$lab_agent" = yes ]; then
    enter "$1" lab-agent start </dev/null
  fi
}

command_reboot() {
  need_up reboot
  case " $devices " in
  *" ${1:-} "*) ;;
  *) die "reboot needs one of: $devices" ;;
  esac
  case ${2:-all} in
  all) stages='power units network agent' ;;
  power | units | network | agent) stages=$2 ;;
  *) die "a boot has no stage '$2', only power, units, network and agent" ;;
  esac
  lock
  lab_agent=$(cat "$LAB_DIR/agent")
  for stage in $stages; do
    "boot_$stage" "$1"
  done
  [ $# -gt 1 ] || say "$1 runs again"
}

# What the cordon command of this machine needs for the lab's console.
env_of_console() {
  need_root env
  ca=$(printf '%s' "$LAB_DIR/ca.pem" | sed "s/'/'\\\\''/g")
  enter console cat /etc/cordon/ca.pem >"$LAB_DIR/ca.pem"
  id=$(enter console lab-json client_id <"$LAB_DIR/operator.json")
  secret=$(enter console lab-json client_secret <"$LAB_DIR/operator.json")
  cat <<END
LAB_CONSOLE='https://127.0.0.1:$relay_port'
LAB_CA='$ca'
LAB_CLIENT_ID='$id'
LAB_CLIENT_SECRET='$secret'
CORDON_CONSOLE="\$LAB_CONSOLE"
CORDON_CA="\$LAB_CA"
CORDON_CLIENT_ID="\$LAB_CLIENT_ID"
CORDON_CLIENT_SECRET="\$LAB_CLIENT_SECRET"
export LAB_CONSOLE LAB_CA LAB_CLIENT_ID LAB_CLIENT_SECRET
export CORDON_CONSOLE CORDON_CA CORDON_CLIENT_ID CORDON_CLIENT_SECRET
END
}

command_env() {
  if [ -r "$LAB_DIR/build" ]; then
    lab_build=$(cat "$LAB_DIR/build")
  fi
  quoted=$(printf '%s' "$lab_build" | sed "s/'/'\\\\''/g")
  programs=
  for folder in core/ctl core/agent core/host tests/lab/tools; do
    programs="$programs'$quoted/$folder':"
  done
  cat <<END
PATH=$programs"\$PATH"
LAB_INTERNET4='$internet4'
LAB_INTERNET6='$internet6'
export PATH LAB_INTERNET4 LAB_INTERNET6
END
  if [ -r "$LAB_DIR/relay.pid" ]; then
    env_of_console
  fi
}

show() {
  printf '\n== %s\n\n' "$1"
}

# The main job, once, with the proof before one's eyes.
demonstrate() {
  show 'Before: everybody reaches everybody'
  draw_matrix
  show 'cordon local isolate, on desk-1'
  enter desk-1 cordon local isolate --comment 'lab: a demonstration' </dev/null
  show 'During: nobody reaches desk-1, and desk-1 reaches nobody'
  command_status
  show 'cordon local release, on desk-1'
  enter desk-1 cordon local release --comment 'lab: the demonstration is over' </dev/null
  show 'After: as before'
  command_status
  cat <<END

Next, for example:
  sh packaging/lab.sh exec desk-1 -- cordon local isolate
  sh packaging/lab.sh status
  sh packaging/lab.sh exec desk-1 -- nft list ruleset
  sh packaging/lab.sh exec desk-1 -- cordon local actions
  sh packaging/lab.sh exec desk-1 -- cordon local release
  sh packaging/lab.sh exec desk-2 -- sh
  sh packaging/lab.sh down
END
}

refuse() {
  usage >&2
  echo "lab: $*" >&2
  exit 2
}

command=${1:-help}
[ $# = 0 ] || shift
case $command in
up | down | status | env)
  [ $# = 0 ] || refuse "'$command' takes no arguments, but '$1' was given"
  "command_$command"
  ;;
matrix | exec | reboot) "command_$command" "$@" ;;
help | -h | --help) usage ;;
*) refuse "there is no command '$command'" ;;
esac
