#!/bin/sh
# Remediation on a device, by its command line and through the whole agent: the plugin in its own host with its own rights, the undo records in
# the journal. What was there before is there again, to the byte, the nanosecond and the attribute, also after the agent was killed and begun
# anew.
# shellcheck disable=SC2016 # commands that run on the device
. "$(dirname "$0")/lib.sh"

device() {
  on desk-1 "$@" </dev/null
}

# remedy NAME WORDS...: `cordon local WORDS`, and the action's id in $action.
remedy() {
  remedy_name=$1
  shift
  fact "$remedy_name" device cordon local "$@"
  cp "$work/said" "$work/remedied"
  action=$(sed -n 's/^Action *remediate, //p' "$work/remedied")
}

state_of() {
  device python3 /var/tmp/state.py of "$@"
}

# keep NAME PATH...: what is there now; same_state NAME PATH...: it is there again.
keep() {
  keep_name=$1
  shift
  state_of "$@" >"$work/state.$keep_name"
}

same_state() {
  same_name=$1
  shift
  state_of "$@" >"$work/state.now"
  diff "$work/state.$same_name" "$work/state.now"
}

same_text() {
  device cat "$1" | cmp - "$work/text"
}

process_state() {
  device sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status"
}

in_state() {
  same "$(process_state "$1")" "$2"
}

# A process of the device whose parent is its first one.
start_victim() {
  device sh -c "setsid $1 600 >/dev/null 2>&1 </dev/null & echo \$! >/var/tmp/victim"
  device cat /var/tmp/victim
}

lab up

# What is searched for a file, so that it does not take as long as this machine is large.
for folder in /root /opt /srv /var/tmp /usr/local/lib /usr/local/share; do
  device sh -c "test ! -d $folder || mount -t tmpfs none $folder"
done

on desk-1 sh -c 'cat >/var/tmp/state.py' <"$tests/remediate_state.py"

# ---- processes ----

victim=$(start_victim sleep)
remedy 'a process is suspended' process suspend "$victim"
fact 'and stands still' in_state "$victim" T
fact 'that is taken back' device cordon local undo "$action"
fact 'and it goes on' in_state "$victim" S
remedy 'a process is ended' process stop "$victim"
never 'and is gone' device test -e "/proc/$victim/exe"
never 'the first process is left alone' device cordon local process stop 1
agent=$(device sh -c 'for p in /proc/[0-9]*; do case $(readlink $p/exe) in */cordond) echo ${p#/proc/};; esac; done')
never 'the agent is left alone' device cordon local process stop "$agent"

# ---- files ----

device python3 /var/tmp/state.py make /var/tmp/evil
device cp --preserve=all /var/tmp/evil /var/tmp/copy
keep evil /var/tmp/evil
remedy 'a file is taken away' quarantine /var/tmp/evil
taken=$action
fact 'what could not be seen of it is told' grep -q 'trusted' "$work/remedied"
never 'and is not there' device test -e /var/tmp/evil
never 'nor are its bytes anywhere in what the agent keeps' device grep -rq 'malware malware' /var/lib/cordon/plugins
remedy 'the same order again is told' quarantine /var/tmp/evil
fact 'as what it is' grep -q 'already' "$work/remedied"
remedy 'it is given back' restore "$taken"
fact 'as it was' same_state evil /var/tmp/evil
fact 'with the same bytes' device cmp /var/tmp/evil /var/tmp/copy
fact 'giving back again is told' device cordon local restore "$taken"
never "a package's file is not taken" device cordon local quarantine /usr/bin/whoami
fact 'and is there' device test -x /usr/bin/whoami
never 'nor is one behind a link' device sh -c 'ln -s /var/tmp/evil /var/tmp/link; cordon local quarantine /var/tmp/link'
device cp /bin/sleep /var/tmp/runs
victim=$(start_victim /var/tmp/runs)
remedy 'a file that runs is taken, with what runs it' quarantine /var/tmp/runs --stop
never 'which is gone' device test -e "/proc/$victim/exe"
sha1=$(device sha1sum /var/tmp/evil | cut -d' ' -f1)
keep evil /var/tmp/evil
remedy 'a file is found by its digest and taken' find-quarantine "$sha1"
never 'with every copy of it' device sh -c 'test -e /var/tmp/evil || test -e /var/tmp/copy'
fact 'both come back' device cordon local undo "$action"
fact 'as they were' same_state evil /var/tmp/evil
never 'what is nowhere is not found' device cordon local find-quarantine 0123456789012345678901234567890123456789

# ---- what starts by itself ----

device sh -c 'mkdir -p /etc/systemd/system/multi-user.target.wants && printf "[Service]\nExecStart=/var/tmp/evil\n" >/etc/systemd/system/evil.service &&
  ln -s ../evil.service /etc/systemd/system/multi-user.target.wants/evil.service'
remedy 'a service is switched off' service disable evil
never 'nothing starts it' device test -L /etc/systemd/system/multi-user.target.wants/evil.service
fact 'and it would not start' device grep -q '^ConditionPathExists=!/' /etc/systemd/system/evil.service.d/~~cordon-disabled.conf
fact 'that is taken back' device cordon local undo "$action"
fact 'its link is there' same "$(device readlink /etc/systemd/system/multi-user.target.wants/evil.service)" ../evil.service
never 'and nothing else' device test -e /etc/systemd/system/evil.service.d

device sh -c 'printf "# jobs\n* * * * * root /var/tmp/evil\n" >/etc/cron.d/evil'
device cat /etc/cron.d/evil >"$work/text"
remedy 'a line of cron is switched off' cron disable /etc/cron.d/evil 2
never 'and is not the same' same_text /etc/cron.d/evil
fact 'it is switched on' device cordon local cron enable /etc/cron.d/evil 2
fact 'and is the same' same_text /etc/cron.d/evil

device useradd --no-create-home mallory
device sh -c 'echo mallory:secret | chpasswd'
device cat /etc/shadow >"$work/text"
remedy 'a user is disabled' user disable mallory
fact 'who has expired' device sh -c 'grep -q "^mallory:!.*:1:$" /etc/shadow'
fact 'that is taken back' device cordon local undo "$action"
fact 'and the list is as it was' same_text /etc/shadow
never 'root is left alone' device cordon local user disable root

remedy 'a kernel module is kept out' module disable cordon_lab --force
fact 'by a file of modprobe' device grep -q '^install cordon_lab /bin/false' /etc/modprobe.d/cordon-disabled-cordon_lab.conf
fact 'that is taken back' device cordon local undo "$action"
never 'and the file is gone' device test -e /etc/modprobe.d/cordon-disabled-cordon_lab.conf

device sh -c 'echo "curl evil" >/etc/profile.d/evil.sh'
keep startup /etc/profile.d/evil.sh
remedy 'a start-up item is removed' startup remove /etc/profile.d/evil.sh
fact 'and restored' device cordon local startup restore /etc/profile.d/evil.sh
fact 'as it was' same_state startup /etc/profile.d/evil.sh

# ---- the agent's end ----

keep evil /var/tmp/evil
remedy 'a file is taken before the agent ends' quarantine /var/tmp/evil
fact 'the agent is killed' device lab-agent kill
fact 'and begun anew' device lab-agent start
fact 'and gives back what the one before it took' device cordon local undo "$action"
fact 'as it was' same_state evil /var/tmp/evil
never 'nobody but an administrator may' device setpriv --reuid 65534 --regid 65534 --clear-groups cordon local quarantine /var/tmp/evil
fact 'and the plugin has no strike' device sh -c "! grep -qE 'strike|left behind' /var/log/cordond.log"

facts_end
