#!/bin/sh
# The systemd units: in order for systemd itself, where that is installed, and with what a boot depends on.
#   units.sh FOLDER-OF-UNITS
set -eu

folder=$1
work=$(mktemp -d /tmp/cordon-units.XXXXXX)
trap 'rm -rf "$work"' EXIT INT TERM

fail() {
  echo "$*" >&2
  exit 1
}

# has UNIT KEY WORD: the word is among the key's.
has() {
  sed -n "s/^$2=//p" "$folder/$1" | tr ' ' '\n' | grep -qx -- "$3" || fail "$1: $2= does not name $3"
}

# The network waits for it.
has cordon-isolation.service Before network-pre.target
has cordon-isolation.service Wants network-pre.target
has cordon-isolation.service WantedBy sysinit.target
has cordon-isolation.service After nftables.service
has cordon-isolation.service After local-fs.target
has cordon-isolation.service DefaultDependencies no
has cordon-isolation.service Type oneshot
has cordon-isolation.service RemainAfterExit yes
has cordond.service After cordon-isolation.service
if grep -q '^ExecStop' "$folder/cordon-isolation.service"; then
  fail 'cordon-isolation.service has an ExecStop: an upgrade would release devices'
fi
for unit in cordon-isolation.service cordond.service; do
  grep -q '^ExecStart=/.*/cordond' "$folder/$unit" || fail "$unit does not start cordond"
done

if ! command -v systemd-analyze >/dev/null; then
  echo 'systemd-analyze is not installed: its part is skipped'
  exit 0
fi
# It wants the programs to be there; they are installed later.
for unit in cordon-isolation.service cordond.service; do
  sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$folder/$unit" >"$work/$unit"
done
# Enabled, and with all that a boot starts, so that it can see a circle.
mkdir "$work/sysinit.target.wants" "$work/multi-user.target.wants"
ln -s ../cordon-isolation.service "$work/sysinit.target.wants/"
ln -s ../cordond.service "$work/multi-user.target.wants/"
target=$(find /usr/lib/systemd/system /lib/systemd/system -name multi-user.target 2>/dev/null | head -n 1)

# Of ours nothing may be said at all; other people's units are not our business.
look() {
  SYSTEMD_UNIT_PATH=$work: systemd-analyze verify --man=no "$work/cordon-isolation.service" "$work/cordond.service" \
    ${target:+"$target"} >"$work/said" 2>&1 || true
  if grep -E 'cordon-isolation|cordond|cycle' "$work/said"; then
    fail "systemd-analyze says something about the units, with $1"
  fi
}

look 'the nftables.service of this system'
# As others have it: late, with the default dependencies.
cat >"$work/nftables.service" <<END
[Unit]
Wants=network-pre.target
Before=network-pre.target
[Service]
Type=oneshot
ExecStart=/bin/true
END
ln -s ../nftables.service "$work/multi-user.target.wants/"
look 'an nftables.service that comes after sysinit.target'
