#!/bin/sh
# One case of the crash matrix, run inside a lab device: starts cordond with a fault, gives the order, starts cordond
# again without the fault, waits until it has come to rest, and prints what can be known from inside, a `NAME VALUE`
# line each. crash_matrix.sh judges.
#
#   crash_case.sh FAULT isolate|release|repair
set -eu

fault=$1
operation=$2
comment="crash at $fault"
log=/var/log/cordond.log
folder=/tmp/crash
mkdir -p $folder

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

ask() {
  cordon local status --json >$folder/status 2>/dev/null && cordon local actions --limit 500 --json >$folder/actions 2>/dev/null
}

is_dead() {
  ! kill -0 "$agent" 2>/dev/null
}

answers_or_dead() {
  is_dead || ask
}

isolate_says() {
  lab-json "states.state=isolate.$1" <$folder/status
}

# No order is open, and what is wanted is enforced and proven.
at_rest() {
  ask && case $(isolate_says wanted.value)/$(isolate_says enforced.value)/$(isolate_says proven.value) in
  isolated/isolated/holds | released/released/released | -/released/released) ;;
  *) false ;;
  esac &&
    ! lab-json 'actions.*.status' <$folder/actions | grep -qE 'Pending|InProgress'
}

at_rest_or_dead() {
  is_dead || at_rest
}

# Noticed, put back and proven: the repair has passed its last point.
repaired_or_dead() {
  is_dead || { ask && [ "$(isolate_says drift.count)" != "$drift" ] && [ "$(isolate_says enforced.value)" = isolated ] &&
    [ "$(isolate_says proven.value)" = holds ]; }
}

strikes_logged() {
  grep -c ': strike ' $log || true
}

ask
echo "generation_before $(isolate_says wanted.generation)"
echo "wanted_before $(isolate_says wanted.value)"
lab-json 'actions.*.id' 'actions.*.status' 'actions.*.ended' <$folder/actions >$folder/history
count_before=$(lab-json 'actions.#' <$folder/actions)
lab-agent stop
strikes=$(strikes_logged)

lab-agent start --no-wait CORDON_FAULT="$fault"
agent=$(lab-agent pid)
where=nowhere
code=-
if ! wait_until 20 answers_or_dead; then
  echo 'trouble cordond neither answered nor died within 20 s'
elif is_dead; then
  where=start
elif [ "$operation" = repair ]; then
  # Its first look may apply the rules again, and would put them back without having seen that they were gone.
  case $fault in
  agent.* | journal.*) wait_until 20 at_rest_or_dead || echo 'trouble cordond came to no rest within 20 s' ;;
  *) wait_until 5 at_rest_or_dead || true ;; # the plugin's host may die of each look, and never get there
  esac
  ask || true
  drift=$(isolate_says drift.count)
  nft flush ruleset
  case $fault in
  agent.* | journal.*)
    wait_until 20 repaired_or_dead || echo "trouble not repaired within 20 s: enforced $(isolate_says enforced.value)," \
      "proven $(isolate_says proven.value), drift $(isolate_says drift.count) after $drift"
    ;;
  *) wait_until 5 repaired_or_dead || true ;; # the plugin's host dies each time it gets there, so there may be no repair
  esac
else
  code=0
  timeout 60 cordon local "$operation" --comment "$comment" >$folder/answer 2>&1 || code=$?
fi
# The client can hear of the end of its connection before the process is gone for good.
if [ $where = nowhere ] && { is_dead || { [ "$code" != 0 ] && [ "$operation" != repair ] && wait_until 2 is_dead; }; }; then
  where=order
fi
if [ $where = nowhere ] && [ "$(strikes_logged)" -gt "$strikes" ]; then
  where=host
fi
lab-agent kill
lab-agent start
# Three deaths of its host within ten minutes put a provider into quarantine, as they should; then the agent must say the
# truth about a device that it cannot put right, and put it right once an operator has lifted the quarantine.
quarantined=no
if ! wait_until 10 at_rest && cordon local plugins --json | lab-json 'plugins.*.quarantined.0' | grep -q '[a-z]'; then
  quarantined=yes
  held=released
  ! nft list table inet cordon >/dev/null 2>&1 || held=isolated
  echo "quarantined wanted $(isolate_says wanted.value), held $held, told $(isolate_says enforced.value) $(isolate_says proven.value)"
  cordon local unquarantine org.cordon.nftables >/dev/null
fi
wait_until 60 at_rest ||
  echo "trouble not at rest within 60 s: $(lab-json 'actions.*.status' <$folder/actions | cut -d ' ' -f 1-3)"

echo "where $where"
echo "code $code"
echo "wanted $(isolate_says wanted.value)"
echo "enforced $(isolate_says enforced.value)"
echo "proven $(isolate_says proven.value)"
echo "generation $(isolate_says wanted.generation)"
new=$(($(lab-json 'actions.#' <$folder/actions) - count_before))
echo "new $new"
if [ $new = 1 ]; then
  lab-json actions.0.status actions.0.kind actions.0.ended actions.0.comment actions.0.sentence <$folder/actions | {
    read -r status
    read -r kind
    read -r ended
    read -r said
    read -r sentence
    echo "status $status"
    echo "kind $kind"
    echo "ended $ended"
    [ "$said" = "$comment" ] || echo "trouble the new action is another one: $said"
    echo "sentence $sentence"
  }
fi
# What was in the history before must be there still, word for word.
for path in id status ended; do
  lab-json "actions.*.$path" <$folder/actions | awk -v skip="$new" '{ for (i = 1; i <= skip; i++) $i = ""; sub(/^ */, ""); print }'
done >$folder/history.now
cmp -s $folder/history $folder/history.now || echo 'trouble the earlier history has changed'
# The next case begins without strikes.
[ $quarantined = yes ] || cordon local unquarantine org.cordon.nftables >/dev/null
