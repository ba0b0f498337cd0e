#!/bin/sh
# kill -9 at every named point of isolate, release and repair, in cordond and in the plugin host: after a restart the
# device is as ordered, the history has one true outcome for each order, nothing ran twice, and no success is claimed
# that is not so.
#
#   crash_matrix.sh SHARD/SHARDS: every SHARDS-th point, beginning with the SHARD-th
#   crash_matrix.sh POINT=ACTION[:N] ...: just these
#
# The points come from the sources, so that a new one is covered the day it is written.
# shellcheck disable=SC2154 # variables that `read_case` sets
. "$(dirname "$0")/lib.sh"

case ${1:-1/1} in
*=*) shard= ;;
*) shard=${1:-1/1} ;;
esac

if ! grep -q '^CORDON_FAULT_POINTS:BOOL=ON$' "$LAB_BUILD_DIR/CMakeCache.txt"; then
  echo 'skipped: this build has no fault points'
  ended=yes
  exit 77
fi

# Not to be reached here, and reached in tests/integration: nftables is one transaction and notes no undo; the journal of
# a running lab is up to date; this lab has no console, and no boot. Packages (collect.*) are tests/integration/test_collect.c's.
out_of_reach='host.undo_wait journal.undo_synced journal.before_migration restore.applied restore.before_apply restore.rotated
code.ordered code.counted code.refused_before_commit'

# A point is passed more than once; these are the later times that are worth a crash of their own. In a host the counts
# begin anew with each process.
later='host.before_start=kill:2 host.before_start=kill:3 host.before_start=kill:4 host.before_end=kill:2
host.before_end=kill:3 host.before_end=kill:4 journal.commit=kill:2 journal.commit=kill:3 journal.commit=kill:4
journal.commit=fail journal.commit=fail:2 journal.commit=fail:3 journal.commit=fail:4'

faults() {
  grep -rhoE '(CD|SUP)_FAULT_(POINT|FAILS)\("[^"]+"' "$tree/core/agent" "$tree/core/host" "$tree/plugins" |
    sed 's/.*"\(.*\)"/\1/' | grep -v -e '^remote\.' -e '^collect\.' | sort -u |
    while read -r point; do
      case " $(echo "$out_of_reach" | tr '\n' ' ') " in
      *" $point "*) ;;
      *) echo "$point=kill" ;;
      esac
    done
  echo "$later" | tr ' ' '\n'
}

# Sets what crash_case.sh printed as variables.
read_case() {
  generation_before='' wanted_before='' where='' code='' wanted='' enforced='' proven='' generation='' new='' status='' kind='' ended_at='' sentence='' trouble='' quarantined=''
  while read -r key value; do
    case $key in
    generation_before) generation_before=$value ;;
    wanted_before) wanted_before=$value ;;
    where) where=$value ;;
    code) code=$value ;;
    wanted) wanted=$value ;;
    enforced) enforced=$value ;;
    proven) proven=$value ;;
    generation) generation=$value ;;
    new) new=$value ;;
    status) status=$value ;;
    kind) kind=$value ;;
    ended) ended_at=$value ;;
    sentence) sentence=$value ;;
    quarantined) quarantined=$value ;;
    trouble) trouble="$trouble$value; " ;;
    esac
  done <"$work/case"
}

target_of() {
  case $1 in
  release) echo released ;;
  *) echo isolated ;;
  esac
}

wrong=
blame() {
  wrong="$wrong$*; "
}

# judge OPERATION: everything that must hold after the case just read; prints what does not.
judge() {
  wrong=$trouble
  target=$(target_of "$1")
  case $quarantined in
  '' | 'wanted isolated, held released, told released fails' | 'wanted isolated, held isolated, told isolated fails') ;;
  *) blame "in quarantine: $quarantined" ;;
  esac
  [ "$device" = "$wanted" ] || blame "the device is $device, wanted is $wanted"
  [ "$enforced" = "$wanted" ] || blame "enforced is said to be $enforced, wanted is $wanted"
  case $wanted/$proven in
  isolated/holds | released/released) ;;
  *) blame "proven is said to be $proven, wanted is $wanted" ;;
  esac
  [ "$generation" = $((generation_before + new)) ] || blame "generation $generation after $generation_before and $new orders"
  case $1/$new in
  repair/0 | isolate/0 | release/0) [ "$wanted" = "$wanted_before" ] || blame "no order, but wanted went from $wanted_before to $wanted" ;;
  isolate/1 | release/1) judge_action "$1" ;;
  *) blame "$new new actions in the history" ;;
  esac
  if [ "$code" = 0 ] && { [ "$new" != 1 ] || [ "$status" != Succeeded ]; }; then
    blame "the client was told of a success, the history says '$status'"
  fi
  [ -z "$wrong" ] && return 0
  echo "$wrong"
  return 1
}

judge_action() {
  [ "$kind" = "$1" ] || blame "the action is of kind $kind"
  [ "$ended_at" != null ] || blame 'the action has no end'
  case $status in
  Succeeded) [ "$device" = "$target" ] || blame "a success is claimed, but the device is $device" ;;
  Failed)
    [ "$where" = host ] || [ "$where" = nowhere ] || blame "the order is on record, but a restarted agent did not carry it out"
    [ "$sentence" != null ] || blame 'a failure without a reason'
    ;;
  *) blame "the action ended as '$status'" ;;
  esac
}

prepare() {
  initial=isolated
  [ "$1" != isolate ] || initial=released
  says desk-1 $wanted_path $initial >/dev/null && return 0
  if [ $initial = isolated ]; then
    isolate desk-1
  else
    release desk-1
  fi >"$work/said" 2>&1
}

wanted_path=states.state=isolate.wanted.value
lab up
if [ -z "$shard" ]; then
  printf '%s\n' "$@"
else
  faults | awk -v shard="${shard%/*}" -v shards="${shard#*/}" 'NR % shards == shard % shards'
fi >"$work/faults"
: >"$work/table"
: >"$work/reached"
while read -r fault <&3; do
  for operation in isolate release repair; do
    prepare $operation || true
    on desk-1 sh -s "$fault" $operation <"$tests/crash_case.sh" >"$work/case" 2>"$work/case.errors" ||
      echo "trouble the case did not run to its end: $(tail -n 1 "$work/case.errors")" >>"$work/case"
    read_case
    device=$(reality | head -n 1)
    fact "$operation with $fault: died at $where, ${status:-not recorded}, $device" judge $operation
    verdict=good
    [ -z "$wrong" ] || verdict=WRONG
    [ "$where" = nowhere ] || echo "$fault" >>"$work/reached"
    printf '%-34s %-8s %-8s %-13s %-9s %-9s %s\n' "$fault" $operation "$where" "${status:--}" "$wanted" "$device" \
      "$verdict${quarantined:+, provider was quarantined}" >>"$work/table"
  done
done 3<"$work/faults"

while read -r fault <&3; do
  case $fault in
  *fail*) ;; # a failed commit need not end a process
  *) fact "$fault is reached by isolate, release or repair" grep -qxF -- "$fault" "$work/reached" ;;
  esac
done 3<"$work/faults"

printf '\n%-34s %-8s %-8s %-13s %-9s %-9s %s\n' fault during died history wanted device verdict
cat "$work/table"
facts_end
