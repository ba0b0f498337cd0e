#!/bin/sh
# The lab's own promises: devices that are machines of their own, commands that do what they say, and a host that
# looks the same before, during and after.
# shellcheck disable=SC2016 # commands that same_text evaluates later
#
# The host, here, is a network and a mount space of the test's own with something in them, so that what others do on
# this machine meanwhile is not taken for the lab's doing.
if [ "${1:-}" != inside ] && [ "$(id -u)" = 0 ]; then
  exec unshare --net --mount --propagation unchanged sh "$0" inside
fi
. "$(dirname "$0")/lib.sh"

LAB_AGENT=no
export LAB_AGENT

# What a lab must never change on the machine that it runs on.
host_picture() {
  {
    ip address
    ip route
    ip -6 route
    nft -s list ruleset
    cat /proc/self/mountinfo
    ls -la /run/netns 2>&1 || true
    cat /etc/hosts /etc/resolv.conf /etc/hostname /etc/passwd /etc/group /etc/machine-id 2>&1 || true
    hostname
    ip netns list
  } | sed 's/valid_lft .*//' >"$work/$1"
}

unchanged() {
  diff "$work/host-before" "$work/$1"
}

# Processes in the network spaces of the lab, or with its folder in their command line.
processes_of_lab() {
  for folder in /proc/[0-9]*; do
    if grep -qxF -- "$(readlink "$folder/ns/net" 2>/dev/null)" "$work/spaces" ||
      tr '\0' ' ' <"$folder/cmdline" 2>/dev/null | grep -qF -- "$LAB_DIR"; then
      echo "${folder#/proc/}"
    fi
  done
}

ip link set lo up
ip address add 198.51.100.1/24 dev lo
ip link add veth-host type veth peer name veth-peer
nft -f - <<END
table inet host {
  chain input { type filter hook input priority 0; policy accept; counter; }
}
END
echo none >"$work/spaces"
host_picture host-before
never 'status refuses while there is no lab' lab status
never 'exec refuses while there is no lab' lab exec desk-1 -- true
fact 'down is content while there is no lab' lab down

fact 'up starts the lab' lab up
host_picture host-during
fact 'the host looks the same while the lab is up' unchanged host-during
fact 'up again says that it is up already' sh -c "sh '$tree/packaging/lab.sh' up | grep -q 'up already'"
fact 'the folder is for root only' same_text 'stat -c %a "$LAB_DIR"' 700

for place in desk-1 desk-2 server-1 internet; do
  fact "$place has its own name" same_text "on $place hostname" "$place"
  fact "$place has an init that reaps" same_text "on $place ps -o comm= -p 1" tini
done
never 'desk-1 does not see the host'\''s processes' on desk-1 test -e "/proc/$$/root/$work"
never 'desk-1 does not see the lab'\''s folder' on desk-1 test -e "$LAB_DIR/desk-2"
fact 'two devices have two machine ids' sh -c "
  [ \"\$(sh '$tree/packaging/lab.sh' exec desk-1 -- cat /etc/machine-id)\" != \
    \"\$(sh '$tree/packaging/lab.sh' exec desk-2 -- cat /etc/machine-id)\" ]"
fact 'a device writes to its own file system' on desk-1 sh -c 'echo mine >/etc/mine && echo mine >/var/lib/mine'
never 'the host has not got that file' test -e /etc/mine
never 'another device has not got that file' on desk-2 test -e /etc/mine
never '/sys is read-only' on desk-1 sh -c 'echo x >/sys/kernel/uevent_seqnum'

fact 'exec hands its input through' same_text 'echo hello | on desk-1 cat' hello
fact 'exec hands the exit code through' same_text 'on desk-1 sh -c "exit 7" || echo $?' 7
fact 'exec keeps words apart' same_text 'on desk-1 printf "%s|" "a b" c' 'a b|c|'
fact 'exec gives a clean environment' same_text 'SECRET=1 on desk-1 env | grep -c SECRET || true' 0
never 'exec refuses a place that does not exist' lab exec desk-9 -- true
fact 'env gives the internet'\''s addresses' same_text 'eval "$(lab env)" && echo "$LAB_INTERNET4 $LAB_INTERNET6"' \
  '10.77.0.1 fd77::1'
fact 'env gives the built programs' sh -c "eval \"\$(sh '$tree/packaging/lab.sh' env)\" && command -v lab-probe"

look before
fact 'everybody reaches everybody over everything' every before reached 1
fact 'the matrix has 16 pairs less one of places, 2 families, 5 protocols' same_text "wc -l <$work/before" 150
fact 'DNS answers over TCP too' on desk-1 lab-probe dnstcp "10.77.0.1" 53
fact 'any name is the internet' same_text "on desk-1 getent ahostsv4 any.name.example | sed -n '1s/ .*//p'" 10.77.0.1
fact 'the console'\''s port answers' on desk-1 lab-probe tcp fd77::1 8443
fact 'a datagram from port 68 to port 67 is answered' on desk-1 lab-probe udp 10.77.0.1 67 --from-port 68
unreached 'a port that nobody serves does not answer' on desk-1 lab-probe tcp 10.77.0.1 81
unreached 'the world outside is not there' on internet lab-probe icmp 192.0.2.1 0

old_boot=$(on desk-1 cat /proc/sys/kernel/random/boot_id)
fact 'reboot switches a device off and on' lab reboot desk-1
never 'a rebooted device has a new boot id' same_text 'on desk-1 cat /proc/sys/kernel/random/boot_id' "$old_boot"
fact 'a rebooted device kept its files' on desk-1 grep -q mine /var/lib/mine
look rebooted
fact 'a rebooted device is reached again' every rebooted reached 1

# A process id that went to a stranger: the start time does not fit, so the stranger lives and the device counts as off.
sleep 600 &
stranger=$!
read -r real_pid real_start <"$LAB_DIR/desk-2/pid"
echo "$stranger 1" >"$LAB_DIR/desk-2/pid"
never 'a stale process id is not taken for a device' lab exec desk-2 -- true
look stale
fact 'the matrix says that the device does not run' grep -qx 'desk-2 off' "$work/stale"
echo "$real_pid $real_start" >"$LAB_DIR/desk-2/pid"
fact 'with the right one it is there again' lab exec desk-2 -- true
echo "$stranger 1" >"$LAB_DIR/server-1/pid.stale"
for place in desk-1 desk-2 server-1 internet; do
  readlink "/proc/$(cut -d ' ' -f 1 "$LAB_DIR/$place/pid")/ns/net" >>"$work/spaces"
done
fact 'each place has a network of its own' same_text 'sort -u "$work/spaces" | wc -l' 5
lost=$(cut -d ' ' -f 1 "$LAB_DIR/server-1/pid")

fact 'down ends the lab' lab down
fact 'a stranger was not ended' kill -0 "$stranger"
kill "$stranger"
never 'the folder is gone' test -e "$LAB_DIR"
never 'the devices'\'' inits are gone' test -e "/proc/$lost/root/bin"
fact 'no process of the lab is left' within 10 same_text processes_of_lab ''
fact 'down again is content' lab down
host_picture host-after
fact 'the host looks the same after the lab' unchanged host-after

mkdir "$work/other"
echo precious >"$work/other/file"
never 'up refuses a folder with other things in it' env LAB_DIR="$work/other" sh "$tree/packaging/lab.sh" up
never 'down refuses a folder that is no lab' env LAB_DIR="$work/other" sh "$tree/packaging/lab.sh" down
fact 'and what was in it is still there' grep -qx precious "$work/other/file"
never 'an up that cannot finish fails' env LAB_BUILD_DIR="$work/other" sh "$tree/packaging/lab.sh" up
never 'and leaves no folder' test -e "$LAB_DIR"
fact 'and no process' within 10 same_text processes_of_lab ''

facts_end
