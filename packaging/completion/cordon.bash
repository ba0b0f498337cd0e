# Completion of cordon(1) for bash. Needs nothing but bash itself.

# Ids that the agent knows, by the name of their member; nothing when it does not answer at once. What it says is not
# trusted: only what looks like an id is offered.
_cordon_ids() {
  cordon local "$1" --json --timeout 1 2>/dev/null | grep -oE '"id":"[A-Za-z0-9._-]+"' | cut -d '"' -f 4
}

_cordon_words() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do
    COMPREPLY+=("$word")
  done < <(compgen -W "$1" -- "$2")
}

_cordon_files() {
  local file
  COMPREPLY=()
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do
    COMPREPLY+=("$file")
  done < <(compgen -f -- "$1")
}

_cordon_verify() {
  if [[ $1 == -* ]]; then
    _cordon_words "--root --json --help" "$1"
  else
    _cordon_files "$1"
  fi
}

_cordon_package() {
  if [[ $2 == -* ]]; then
    _cordon_words "$1" "$2"
  else
    _cordon_files "$2"
  fi
}

_cordon_local() {
  local current=$1 command=$2 common="--timeout --json --help --socket"
  local order="--comment --no-wait --progress $common" lease="--for --lost-console --unreachable"
  case $command in
  status | plugins | policy) _cordon_words "$common" "$current" ;;
  isolate) _cordon_words "--selective --dry-run --force $lease $order" "$current" ;;
  renew) _cordon_words "$lease $order" "$current" ;;
  release) _cordon_words "--code --code-file $order" "$current" ;;
  enroll) _cordon_words "--token-file --console --tags $common" "$current" ;;
  collect) _cordon_words "--output --profile --list --overwrite --budget --id --comment --progress $common" "$current" ;;
  scan) _cordon_words "--quick --full --path --cpu --budget $order" "$current" ;;
  actions) _cordon_words "--limit --id $common" "$current" ;;
  quarantine) _cordon_words "--force --stop $order" "$current" ;;
  process) _cordon_words "stop suspend resume --force $order" "$current" ;;
  service | timer | cron | user | module | task) _cordon_words "disable enable --force $order" "$current" ;;
  startup) _cordon_words "remove restore --force $order" "$current" ;;
  find-quarantine) _cordon_words "--force $order" "$current" ;;
  restore | undo)
    if [[ $current == -* ]]; then
      _cordon_words "--force $order" "$current"
    else
      _cordon_words "$(_cordon_ids actions)" "$current"
    fi
    ;;
  unquarantine)
    if [[ $current == -* ]]; then
      _cordon_words "$common" "$current"
    else
      _cordon_words "$(_cordon_ids plugins)" "$current"
    fi
    ;;
  esac
}

# Names of the fleet's devices; nothing when the console does not answer at once.
_cordon_devices() {
  cordon device list --json --timeout 2 2>/dev/null | grep -oE '"computerDnsName":"[A-Za-z0-9._-]+"' | cut -d '"' -f 4
}

_cordon_device_or() {
  if [[ $2 == -* ]]; then
    _cordon_words "$1" "$2"
  else
    _cordon_words "$(_cordon_devices)" "$2"
  fi
}

# DEVICE KIND VERB WHAT, of which the first three are known.
_cordon_remediate() {
  if [[ $1 == -* ]]; then
    _cordon_words "--force --start --boot --text $2" "$1"
    return
  fi
  case $COMP_CWORD in
  2) _cordon_words "$(_cordon_devices)" "$1" ;;
  3) _cordon_words "service timer user module cron process task startup" "$1" ;;
  4)
    case ${COMP_WORDS[3]} in
    process) _cordon_words "stop suspend resume" "$1" ;;
    startup) _cordon_words "remove restore" "$1" ;;
    *) _cordon_words "disable enable" "$1" ;;
    esac
    ;;
  esac
}

# The commands of the fleet: the words typed so far without the current one decide.
_cordon_fleet() {
  local current=$1 first=$2 second=$3 common="--config --timeout --json --help"
  local order="--comment --ticket --wait --tag --preview --expect --progress $common" job="--comment --ticket --wait --progress $common" lease="--for --lost-console --unreachable"
  case $first in
  isolate) _cordon_device_or "--selective --dry-run --force $lease $order" "$current" ;;
  renew) _cordon_device_or "$lease --comment --ticket --wait --progress $common" "$current" ;;
  release) _cordon_device_or "$order" "$current" ;;
  collect) _cordon_device_or "--comment --ticket --wait --progress --output --overwrite --profile --list --budget --id $common" "$current" ;;
  scan) _cordon_device_or "--quick --full --path --cpu --budget $job" "$current" ;;
  quarantine) _cordon_device_or "--sha1 --path --force --stop $job" "$current" ;;
  remediate) _cordon_remediate "$current" "$job" ;;
  restore | undo) _cordon_words "$job" "$current" ;;
  alerts) _cordon_words "--device --status --limit $common" "$current" ;;
  actions) _cordon_words "--device --limit $common" "$current" ;;
  *)
    case "$first $second" in
    "device list") _cordon_words "--tag $common" "$current" ;;
    "device show" | "tag add" | "tag remove") _cordon_device_or "$common" "$current" ;;
    "action show") _cordon_words "$common" "$current" ;;
    "alert show") _cordon_words "$common" "$current" ;;
    "alert resolve") _cordon_words "--comment --classification --determination $common" "$current" ;;
    "action code") _cordon_words "--comment $common" "$current" ;;
    "action cancel") _cordon_words "--comment $common" "$current" ;;
    "action report") _cordon_words "--output --overwrite $common" "$current" ;;
    "action verify") _cordon_verify "$current" ;;
    "enroll-token create") _cordon_words "--uses --for --tag --may-tag --note --output --overwrite $common" "$current" ;;
    "enroll-token list" | "enroll-token revoke") _cordon_words "$common" "$current" ;;
    "policy list" | "policy show" | "exclusions list" | "exclusions show" | "collection list" | "collection show") _cordon_words "$common" "$current" ;;
    "policy set" | "exclusions set" | "collection set")
      if [[ $current == -* ]]; then
        _cordon_words "--comment $common" "$current"
      else
        _cordon_files "$current"
      fi
      ;;
    "policy assign" | "policy unassign" | "policy remove" | "exclusions remove" | "collection remove") _cordon_words "--comment $common" "$current" ;;
    "package verify") _cordon_package "--report --root --json --help" "$current" ;;
    "package list") _cordon_package "--json --help" "$current" ;;
    "package extract") _cordon_package "--output --json --help" "$current" ;;
    "audit verify") _cordon_words "--head $common" "$current" ;;
    esac
    ;;
  esac
}

# The second words of a group.
_cordon_group() {
  case $1 in
  local) echo "status isolate renew release collect scan quarantine restore undo find-quarantine process service timer cron user module task startup actions plugins unquarantine policy enroll" ;;
  device) echo "list show" ;;
  tag) echo "add remove" ;;
  alert) echo "show resolve" ;;
  action) echo "show cancel code report verify" ;;
  enroll-token) echo "create list revoke" ;;
  audit) echo "verify" ;;
  policy) echo "list show set assign unassign remove" ;;
  exclusions | collection) echo "list show set remove" ;;
  package) echo "verify list extract" ;;
  esac
}

_cordon() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local names="local device isolate renew release collect scan quarantine remediate restore undo alerts alert tag actions action enroll-token audit policy package exclusions collection" group
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _cordon_words "$names help --version --help" "$current"
    return
  fi
  group=$(_cordon_group "${COMP_WORDS[1]}")
  if [[ ${COMP_WORDS[1]} == help ]]; then
    if ((COMP_CWORD == 2)); then
      _cordon_words "$names exit-codes help" "$current"
    elif ((COMP_CWORD == 3)); then
      _cordon_words "$(_cordon_group "$previous")" "$current"
    fi
    return
  fi
  if [[ " $names " != *" ${COMP_WORDS[1]} "* ]]; then
    return
  fi
  if [[ -n $group ]] && ((COMP_CWORD == 2)); then
    _cordon_words "$group --help" "$current"
    return
  fi
  case $previous in
  --socket | --config | --output | -o | --report | --token-file | --code-file) _cordon_files "$current" ;;
  --selective | --list)
    if [[ ${COMP_WORDS[1]} == local ]]; then
      _cordon_files "$current"
    fi
    ;;
  --id) _cordon_words "$(_cordon_ids actions)" "$current" ;;
  --device) _cordon_words "$(_cordon_devices)" "$current" ;;
  --status) _cordon_words "New InProgress Resolved" "$current" ;;
  --classification) _cordon_words "TruePositive InformationalExpectedActivity FalsePositive" "$current" ;;
  --profile) _cordon_words "standard extended custom" "$current" ;;
  --lost-console | --unreachable) _cordon_words "keep release:" "$current" ;;
  --comment | --limit | --timeout | --ticket | --tag | --uses | --for | --note | --head | --budget | --path | --cpu | --sha1 | --start | --boot | --text | --determination) ;;
  *)
    if [[ ${COMP_WORDS[1]} == local ]]; then
      _cordon_local "$current" "${COMP_WORDS[2]}"
    else
      _cordon_fleet "$current" "${COMP_WORDS[1]}" "${COMP_WORDS[2]-}"
    fi
    ;;
  esac
}

complete -F _cordon cordon
