#!/bin/sh
# The people at a device are told that it was isolated and released: on a desktop with a real message bus, at terminals
# of real logins, in their language, once each; and whoever logs in later.
# shellcheck disable=SC2016 # commands that same_text and the device's shell evaluate later
. "$(dirname "$0")/lib.sh"

# A login at a terminal of its own, whose screen is kept in a file. login(1) writes the record that who(1) reads.
log_in() {
  on desk-1 sh -c 'tail -f /dev/null |
    setsid script --quiet --flush --command "env LANG=$2 login -p -f $1" "/var/tmp/screen-$1" >/dev/null 2>&1 &' \
    sh "$1" "$2" </dev/null
}

sees() {
  on desk-1 grep -qF "$2" "/var/tmp/$1"
}

logged_in() {
  on desk-1 who | grep -q "^$1 "
}

shown() {
  on desk-1 grep -cF "$2" "/var/tmp/$1" || true
}

told() {
  says desk-1 notice.event "$1" && says desk-1 notice.failed 0 && says desk-1 notice.told "$2"
}

lab up
fact 'a contact is configured' on desk-1 sed -i 's/"contact": ""/"contact": "call 4711"/' /etc/cordon/cordond.json
on desk-1 lab-agent stop
on desk-1 lab-agent start
fact 'there are users' on desk-1 sh -c 'useradd -m -u 2001 hanako && useradd -m -u 2002 alice && useradd -m -u 2003 bob && touch /run/utmp'
fact 'before: nobody was told anything' says desk-1 notice null

# Hanako has a desktop, as a login manager would leave it.
on desk-1 sh -c 'install -d -m 755 /run/user && install -d -m 700 -o 2001 -g 2001 /run/user/2001 && mkdir -p /run/systemd/sessions &&
  printf "UID=2001\nTYPE=wayland\nCLASS=user\nLEADER=1\n" >/run/systemd/sessions/1'
on desk-1 sh -c 'setsid setpriv --reuid 2001 --regid 2001 --clear-groups env -i LANG=ja_JP.UTF-8 PATH=/usr/bin HOME=/home/hanako \
  dbus-daemon --session --nofork --nopidfile --nosyslog --address=unix:path=/run/user/2001/bus </dev/null >/var/tmp/bus 2>&1 &' </dev/null
fact 'a session bus runs' within 30 on desk-1 test -S /run/user/2001/bus
on desk-1 sh -c ': >/var/tmp/desktop; setsid setpriv --reuid 2001 --regid 2001 --clear-groups env -i \
  LANG=ja_JP.UTF-8 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/2001/bus /usr/local/bin/lab-desktop </dev/null >/var/tmp/desktop 2>&1 &' </dev/null
fact 'a desktop runs on it' within 30 sees desktop ready
log_in alice en_US.UTF-8
log_in bob ja_JP.UTF-8
fact 'alice is logged in' within 30 logged_in alice
fact 'bob is logged in' within 30 logged_in bob

fact 'isolate succeeds' isolate desk-1
fact 'the status says that three were told' within 30 told isolated 3
fact 'the desktop shows it in Japanese' within 10 sees desktop 'この端末はネットワークから隔離されました'
fact 'and whom to ask' sees desktop 'お問い合わせ: call 4711'
fact 'one terminal shows it in English' within 10 sees screen-alice 'This device is isolated from the network'
fact 'the other in Japanese' within 10 sees screen-bob 'この端末はネットワークから隔離されました'
fact 'who logs in later sees it' on desk-1 grep -q 'isolated from the network' /run/motd.d/cordon
fact 'and everybody may read that' same_text 'on desk-1 stat -c %a /run/motd.d/cordon' 644

fact 'the rules are taken away' on desk-1 nft delete table inet cordon
fact 'and come back' within 20 really isolated
on desk-1 lab-agent kill
on desk-1 lab-agent start
fact 'after drift and a restart the device is isolated' within 20 says desk-1 "$enforced" isolated
fact 'isolating again succeeds' isolate desk-1

fact 'release succeeds' release desk-1
fact 'the status says that three were told of the release' within 30 told released 3
fact 'the desktop shows the release' within 10 sees desktop 'この端末の隔離は解除されました'
fact 'the terminal shows the release' within 10 sees screen-alice 'This device is no longer isolated'
fact 'the isolation was told once' same_text 'shown desktop 隔離されました' 1
fact 'at the terminals as well' same_text 'shown screen-alice "is isolated from"' 1
never 'who logs in later is told nothing' on desk-1 test -e /run/motd.d/cordon

on desk-1 pkill -x lab-desktop
fact 'isolate succeeds with a desktop that shows nothing' isolate desk-1
fact 'which is said' within 30 sh -c "
  sh '$tree/packaging/lab.sh' exec desk-1 -- cordon local status </dev/null | grep -q '^Users .*told in 2 sessions.*1 could not be told'"
fact 'release succeeds' release desk-1

facts_end
