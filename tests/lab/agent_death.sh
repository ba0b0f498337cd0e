#!/bin/sh
# The agent killed, stopped, or gone with the whole device: what was isolated stays isolated, and the history is true.
# shellcheck disable=SC2016 # commands that same_text evaluates later
. "$(dirname "$0")/lib.sh"

history() {
  on desk-1 cordon local actions --json </dev/null | "$json" 'actions.*.id' 'actions.*.status'
}

lab up
fact 'isolate succeeds' isolate desk-1
before=$(history)

fact 'cordond and its hosts are killed' on desk-1 lab-agent kill
fact 'killed: the device is isolated' really isolated
fact 'cordond starts again' on desk-1 lab-agent start
fact 'restarted: the device is isolated' really isolated
fact 'restarted: status says so' within 20 settled desk-1
fact 'restarted: proven anew' within 20 says desk-1 "$proven" holds
fact 'restarted: the history is what it was' same_text history "$before"
fact 'restarted: no drift, since nothing differed' says desk-1 states.state=isolate.drift.count 0

fact 'cordond is stopped in order' on desk-1 lab-agent stop
fact 'stopped: the device is isolated' really isolated
fact 'cordond starts once more' on desk-1 lab-agent start

fact 'the plugin hosts are killed' on desk-1 sh -c 'kill -9 $(pidof cordon-plugin-host)'
fact 'hosts killed: the device is isolated' really isolated
fact 'hosts killed: flushed rules come back, so the watch was started again' on desk-1 sh -c 'nft flush ruleset'
fact 'hosts killed: the device is isolated again' within 20 really isolated

fact 'the device is switched off and on' lab reboot desk-1
fact 'rebooted: isolated again by its agent' within 20 really isolated
fact 'rebooted: status says so' within 20 settled desk-1
fact 'rebooted: the history is what it was' same_text history "$before"

fact 'cordond is killed again' on desk-1 lab-agent kill
fact 'cordond starts a last time' on desk-1 lab-agent start
fact 'release succeeds' release desk-1
fact 'released: everything is open' really released
fact 'cordond is killed while nothing is wanted' on desk-1 lab-agent kill
fact 'it starts' on desk-1 lab-agent start
fact 'and the device stays open' really released
fact 'history: two actions, each ended well' same_text \
  'on desk-1 cordon local actions --json | "$json" "actions.*.status"' 'Succeeded Succeeded'

facts_end
