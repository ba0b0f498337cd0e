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

_cordon_local() {
  local current=$1 command=$2 common="--timeout --json --help --socket"
  local order="--comment --no-wait --progress $common"
  case $command in
  status | plugins) _cordon_words "$common" "$current" ;;
  isolate) _cordon_words "--selective $order" "$current" ;;
  release) _cordon_words "$order" "$current" ;;
  enroll) _cordon_words "--token-file $common" "$current" ;;
  actions) _cordon_words "--limit --id $common" "$current" ;;
  unquarantine)
    if [[ $current == -* ]]; then
      _cordon_words "$common" "$current"
    else
      _cordon_words "$(_cordon_ids plugins)" "$current"
    fi
    ;;
  esac
}

_cordon() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local commands="status isolate release actions plugins unquarantine enroll"
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _cordon_words "local help --version --help" "$current"
    return
  fi
  case ${COMP_WORDS[1]} in
  help)
    if ((COMP_CWORD == 2)); then
      _cordon_words "local exit-codes help" "$current"
    elif ((COMP_CWORD == 3)) && [[ $previous == local ]]; then
      _cordon_words "$commands" "$current"
    fi
    return
    ;;
  local) ;;
  *) return ;;
  esac
  if ((COMP_CWORD == 2)); then
    _cordon_words "$commands --help" "$current"
    return
  fi
  case $previous in
  --selective | --socket | --token-file) _cordon_files "$current" ;;
  --id) _cordon_words "$(_cordon_ids actions)" "$current" ;;
  --comment | --limit | --timeout) ;;
  *) _cordon_local "$current" "${COMP_WORDS[2]}" ;;
  esac
}

complete -F _cordon cordon
