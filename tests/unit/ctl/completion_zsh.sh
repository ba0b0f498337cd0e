#!/bin/sh
# The zsh completion parses, and compinit takes it for `cordon`. Argument: the source folder.
set -u
command -v zsh >/dev/null || exit 77
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/site-functions"
cp "$1/packaging/completion/_cordon" "$work/site-functions/_cordon"
zsh -f -n "$work/site-functions/_cordon" || exit 1
cd "$work" || exit 1
# -u: the build's user need not be root, whose folders compinit would trust.
name=$(WORK=$work zsh -f -c '
  fpath=($WORK/site-functions $fpath)
  autoload -Uz compinit
  compinit -u -d $WORK/dump
  print -r -- ${_comps[cordon]}
  autoload +X -Uz _cordon') || exit 1
if [ "$name" != _cordon ]; then
  echo "compdef knows '$name' for cordon"
  exit 1
fi
