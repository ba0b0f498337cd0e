#!/bin/sh
# A full disk refuses neither an isolation nor a release.
# shellcheck disable=SC2016 # commands that same_text evaluates later
. "$(dirname "$0")/lib.sh"

fill() {
  on desk-1 sh -c 'cat /dev/zero >/var/lib/cordon/fill 2>/dev/null; for i in 1 2 3 4 5 6 7 8; do
    echo x >/var/lib/cordon/fill$i 2>/dev/null; done; ! echo more >/var/lib/cordon/more 2>/dev/null'
}

lab up
on desk-1 lab-agent stop
fact 'the state folder is moved to a disk of 16 MiB' on desk-1 sh -c '
  mkdir /var/tmp/state && cp -a /var/lib/cordon/. /var/tmp/state/ &&
  mount -t tmpfs -o size=16m,mode=0700 tmpfs /var/lib/cordon && cp -a /var/tmp/state/. /var/lib/cordon/'
fact 'cordond starts on it' on desk-1 lab-agent start
fact 'the disk is filled to the brim' fill
for round in 1 2 3 4 5; do
  fact "round $round: isolate succeeds" isolate desk-1
  fact "round $round: the device is isolated" really isolated
  fact "round $round: release succeeds" release desk-1
  fact "round $round: everything is open" really released
done
fact 'history: ten actions, each ended well' same_text \
  'on desk-1 cordon local actions --json | "$json" "actions.*.status" | tr " " "\n" | sort | uniq -c | tr -s " "' ' 10 Succeeded'
fact 'the disk is still full' on desk-1 sh -c '! echo more >/var/lib/cordon/more'

fact 'isolate succeeds once more' isolate desk-1
fact 'cordond is killed on the full disk' on desk-1 lab-agent kill
fact 'cordond starts on the full disk' on desk-1 lab-agent start
fact 'and knows what is wanted' says desk-1 "$wanted" isolated
fact 'and the device is isolated' really isolated
fact 'release succeeds once more' release desk-1
fact 'everything is open again' really released

facts_end
