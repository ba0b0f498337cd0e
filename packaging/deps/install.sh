#!/bin/sh
# Installs the Debian packages that Cordon needs: sh packaging/deps/install.sh [build|lab|test|bench|all].
# The lists, with a reason for each package, are beside this script. Says nothing and needs neither root
# nor a network when all of them are there.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
what=${1:-all}

fail() {
  printf 'install: %s\n' "$*" >&2
  exit 1
}

case $what in
build) lists=$here/packages.build.txt ;;
lab) lists="$here/packages.build.txt $here/packages.lab.txt" ;;
bench) lists="$here/packages.build.txt $here/packages.lab.txt $here/packages.bench.txt" ;;
test | all) lists="$here/packages.build.txt $here/packages.lab.txt $here/packages.test.txt" ;;
*)
  echo "usage: sh packaging/deps/install.sh [build|lab|test|bench|all]" >&2
  exit 2
  ;;
esac

wanted() {
  # shellcheck disable=SC2086 # the list of files is meant to split; its folder is checked for spaces below
  sed -e 's/#.*//' -e 's/[[:space:]].*//' -e '/^$/d' $lists
}

# Prints those of the packages that are not installed. A package that another one provides counts as there.
missing() {
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' | sed -n 's/^installed //p' |
    tr -d ',' | sed 's/([^)]*)//g' | tr -s ' ' '\n' | sort -u)
  wanted | sort -u | while read -r package; do
    printf '%s\n' "$installed" | grep -qxF -- "$package" || printf '%s\n' "$package"
  done
}

case $here in
*[[:space:]]*) fail "the path '$here' contains a space; the build does not support that" ;;
esac
command -v dpkg-query >/dev/null || fail "this script is for Debian and its kin; install the packages of $lists by hand"

need=$(missing | tr '\n' ' ')
if [ -z "${need% }" ]; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  fail "these packages are missing and only root can install them (try 'sudo sh packaging/deps/install.sh $what'): $need"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
printf 'install: %s\n' "$need" >&2
# shellcheck disable=SC2086 # one argument per package
if ! apt-get -qq -o DPkg::Lock::Timeout=300 update >"$log" 2>&1 ||
  ! apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 install $need >>"$log" 2>&1; then
  tail -n 30 "$log" >&2
  fail "apt-get failed; the end of its output is above"
fi
left=$(missing | tr '\n' ' ')
[ -z "${left% }" ] || fail "apt-get reported success, but these are still missing: $left"
