#!/bin/sh
# Who takes the rules away, all of them or one, is noticed at once, and the rules are back before a deadline.
# shellcheck disable=SC2016 # commands that same_text evaluates later
. "$(dirname "$0")/lib.sh"

deadline_s=${REPAIR_S:-20}

drift() {
  agent_value desk-1 states.state=isolate.drift.count
}

drifted_past() {
  [ "$(drift)" -gt "$1" ]
}

ours() {
  on desk-1 nft -s list table inet cordon
}

repaired() {
  same "$(ours 2>/dev/null)" "$(cat "$work/rules")"
}

# tampered NAME SHELL-COMMAND: done on desk-1 as root, noticed, repaired, proven.
tampered() {
  count=$(drift)
  fact "$1: can be done" on desk-1 sh -c "$2"
  fact "$1: is noticed and counted within $deadline_s s" within "$deadline_s" drifted_past "$count"
  fact "$1: the rules are back within $deadline_s s" within "$deadline_s" repaired
  fact "$1: status says isolated and proven" within 20 sh -c "
    [ \"\$(sh '$tree/packaging/lab.sh' exec desk-1 -- cordon local status --json </dev/null |
      '$json' $enforced $proven | tr '\n' ' ')\" = 'isolated holds ' ]"
  fact "$1: the device is isolated" really isolated
}

# The handle of the first rule of a chain that has this text.
rule_handle='rule() { nft -a list chain inet cordon $1 | grep -F -- "$2" | sed -n "1s/.*# handle //p"; }'

lab up
fact 'isolate succeeds' isolate desk-1
fact 'the rules are there' sh -c "sh '$tree/packaging/lab.sh' exec desk-1 -- nft -s list table inet cordon >'$work/rules'"

tampered 'flush ruleset' 'nft flush ruleset'
tampered 'the table is deleted' 'nft delete table inet cordon'
tampered 'the table is emptied' 'nft flush table inet cordon'
tampered 'one chain is emptied' 'nft flush chain inet cordon input'
tampered 'a rule is removed' "$rule_handle"'; nft delete rule inet cordon output handle "$(rule output "oif \"lo\"")"'
tampered 'a rule that accepts is put on top' 'nft insert rule inet cordon output accept'
tampered 'a rule is appended' 'nft add rule inet cordon input accept'
tampered 'the policy is turned round' 'nft "add chain inet cordon input { policy accept; }"'
tampered 'the table is made dormant' 'nft "add table inet cordon { flags dormant; }"'

count=$(drift)
fact 'a table of somebody else comes and goes' on desk-1 sh -c 'nft add table inet other &&
  nft "add chain inet other input { type filter hook input priority 0; }" && nft delete table inet other'
tampered 'the table is deleted again' 'nft delete table inet cordon'
fact 'the foreign table was no drift' same_text drift $((count + 1))
fact 'status names the last drift' same_text 'agent_value desk-1 states.state=isolate.drift.last | grep -c T' 1

count=$(drift)
on desk-1 lab-agent stop
fact 'while the agent is stopped, the rules can be flushed' on desk-1 nft flush ruleset
fact 'the agent starts' on desk-1 lab-agent start
fact 'and repairs them' within 20 repaired
fact 'and the device is isolated' really isolated

fact 'release succeeds' release desk-1
fact 'everything is open' really released
fact 'nothing comes back after the release' same_text 'on desk-1 nft list tables' ''
fact 'history: an isolation and a release, nothing else' same_text \
  'on desk-1 cordon local actions --json | "$json" "actions.*.kind"' 'release isolate'

facts_end
