#!/bin/sh
# Drives the bash completion without a terminal: sets the words as bash would, calls the function that `complete` names,
# and compares what it offers. Arguments: the source folder, the program `cordon`.
set -u
command -v bash >/dev/null || exit 77
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# A `cordon` that answers like an agent with two plugins and an action, and with an id that is none.
cat >"$work/cordon" <<'END'
#!/bin/sh
case "$*" in
"local plugins --json --timeout 1") echo '{"plugins":[{"id":"org.cordon.nftables"},{"id":"com.example.x"},{"id":"$(touch pwned)"}]}' ;;
"device list --json --timeout 2") echo '{"machines":[{"id":"x","computerDnsName":"desk-1.lab"},{"computerDnsName":"$(touch pwned)"}]}' ;;
"local actions --json --timeout 1") echo '{"actions":[{"id":"0193-a"},{"id":"0193-b"}]}' ;;
esac
END
chmod +x "$work/cordon"
: >"$work/policy.json"
mkdir "$work/folder"

cat >"$work/drive.bash" <<'END'
set -u
source "$1/packaging/completion/cordon.bash"
[[ $(complete -p cordon) == "complete -F _cordon cordon" ]] || { echo "complete -p cordon: $(complete -p cordon)"; exit 1; }
failed=0
# expect WANTED WORD...: the last word is being completed.
expect() {
  local wanted=$1
  shift
  COMP_WORDS=(cordon "$@")
  COMP_CWORD=$#
  COMPREPLY=()
  _cordon
  if [[ "${COMPREPLY[*]-}" != "$wanted" ]]; then
    echo "cordon $*: offered '${COMPREPLY[*]-}', wanted '$wanted'"
    failed=1
  fi
}
names="local device isolate renew release collect scan quarantine remediate restore undo alerts alert tag actions action enroll-token audit policy package exclusions collection"
common="--config --timeout --json --help"
order="--comment --ticket --wait --tag --preview --expect --progress $common"
lease="--for --lost-console --unreachable"
expect "$names help --version --help" ""
expect "local" "lo"
expect "actions action" act
expect "list show --help" device ""
expect "add remove --help" tag ""
expect "show cancel code report verify --help" action ""
expect "create list revoke --help" enroll-token ""
expect "verify --help" audit ""
expect "verify list extract --help" package ""
expect "policy.json" package verify po
expect "--output --json --help" package extract --
expect "standard extended custom" local collect --profile ""
expect "policy.json" local collect -o po
expect "desk-1.lab" isolate ""
expect "--selective --dry-run --force $lease $order" isolate --
expect "$lease --comment --ticket --wait --progress $common" renew --
expect "keep release:" isolate desk-1 --lost-console ""
expect "" renew desk-1 --for ""
expect "$order" release -
expect "desk-1.lab" collect d
expect "desk-1.lab" device show d
expect "--tag $common" device list ""
expect "desk-1.lab" tag add ""
expect "--device --limit $common" actions ""
expect "desk-1.lab" actions --device ""
expect "$common" action show ""
expect "--comment $common" action cancel ""
expect "--output --overwrite $common" action report ""
expect "policy.json" action report -o po
expect "policy.json" action verify po
expect "--root --json --help" action verify --
expect "policy.json" enroll-token create --output po
expect "--uses --for --tag --may-tag --note --output --overwrite $common" enroll-token create ""
expect "$common" enroll-token revoke ""
expect "--head $common" audit verify ""
expect "" isolate --selective ""
expect "" isolate desk-1 --comment ""
expect "status isolate renew release collect scan quarantine restore undo find-quarantine process service timer cron user module task startup actions plugins unquarantine policy enroll --help" local ""
expect "list show set assign unassign remove --help" policy ""
expect "list show set remove --help" exclusions ""
expect "--comment $common" policy set --
expect "policy.json" policy set desks po
expect "policy.json" exclusions set lab po
expect "list show set remove --help" collection ""
expect "policy.json" collection set po
expect "--comment $common" policy assign --
expect "status startup" local st
expect "" nonsense ""
expect "--timeout --json --help --socket" local status ""
expect "--json" local status --j
expect "--selective --dry-run --force $lease --comment --no-wait --progress --timeout --json --help --socket" local isolate ""
expect "$lease --comment --no-wait --progress --timeout --json --help --socket" local renew --
expect "--code --code-file --comment --no-wait --progress --timeout --json --help --socket" local release --
expect "--limit --id --timeout --json --help --socket" local actions ""
expect "policy.json" local isolate --selective po
expect "folder" local isolate --selective fo
expect "" local isolate --comment ""
expect "0193-a 0193-b" local actions --id ""
expect "org.cordon.nftables com.example.x" local unquarantine ""
expect "service timer user module cron process task startup" remediate desk-1 ""
expect "stop suspend resume" remediate desk-1 process ""
expect "disable enable" remediate desk-1 cron ""
expect "com.example.x" local unquarantine com
expect "--json" local unquarantine --j
expect "$names exit-codes help" help ""
expect "list show" help device ""
expect "status isolate renew release collect scan quarantine restore undo find-quarantine process service timer cron user module task startup actions plugins unquarantine policy enroll" help local ""
expect "" help exit-codes ""
exit $failed
END

cd "$work" && PATH=$work:$PATH bash --norc "$work/drive.bash" "$1" || exit 1
if [ -e pwned ]; then
  echo "an id was run as a command"
  exit 1
fi

# Every command and option that the program itself names is offered somewhere.
words=$("$2" help; for c in status isolate renew release collect scan quarantine restore undo find-quarantine process service timer cron user module task startup actions plugins unquarantine policy enroll; do "$2" help local "$c"; done
  for c in "device list" "device show" isolate renew release collect "tag add" "tag remove" actions "action show" "action cancel" "action code" "action report" "action verify" \
    "enroll-token create" "enroll-token list" "enroll-token revoke" "audit verify" "policy list" "policy show" "policy set" \
    "policy assign" "policy unassign" "policy remove" "exclusions list" "exclusions show" "exclusions set" "exclusions remove" "collection list" "collection show" "collection set" "collection remove"; do
    # shellcheck disable=SC2086 # the words of a command
    "$2" help $c
  done)
for option in $(printf '%s\n' "$words" | grep -oE '^  --[a-z-]+' | sort -u); do
  grep -q -e "$option" "$1/packaging/completion/cordon.bash" || {
    echo "the completion lacks $option"
    exit 1
  }
done
