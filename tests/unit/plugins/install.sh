#!/bin/sh
# Usage: install.sh CMAKE BUILD. What `cmake --install` leaves in /etc/cordon: the configuration only where there is none, and a trust
# list with the digests of the installed files, in which other people's entries stay.
set -eu

cmake=$1
build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DESTDIR="$work/root"
etc=$DESTDIR/etc/cordon
fail() {
  echo "$*"
  exit 1
}
install() {
  "$cmake" --install "$build" --prefix /usr >"$work/log" 2>&1 || {
    cat "$work/log"
    fail "the installation failed"
  }
}

# Each digest that the list gives for an id must be that of the installed file.
expect_digests() {
  for name in cordon-linux cordon-linux-collect cordon-linux-notify cordon-linux-remediate cordon-nftables cordon-clamav; do
    for kind in so json; do
      file=$(find "$DESTDIR/usr" -name "$name.$kind")
      [ -n "$file" ] || fail "$name.$kind was not installed"
      digest=$(sha256sum "$file" | cut -d' ' -f1)
      grep -q "sha256:$digest" "$etc/plugins.trust.json" || fail "the trust list lacks the digest of $name.$kind"
    done
  done
}

install
[ "$(stat -c %a "$etc/cordond.json" "$etc/plugins.trust.json" | sort -u)" = 644 ] || fail "the modes are not 644"
expect_digests
# What plugins ask for, their unit lets them have.
unit=$(find "$DESTDIR" -name cordond.service)
caps=$(grep -o 'BIT(CAP_[A-Z_]*' "$(dirname "$0")/../../../platform/linux/capability.c" | cut -c5-)
for cap in $caps; do
  grep -q "^CapabilityBoundingSet=.*$cap\b" "$unit" || fail "the unit of the agent lets no plugin have $cap"
done
! grep -q '^ProtectKernelModules=yes' "$unit" || fail "the unit of the agent hides kernel modules"
# What needs no network gets none.
for name in cordon-linux-remediate cordon-clamav; do
  grep -q '"network": false' "$(find "$DESTDIR/usr" -name "$name.json")" || fail "$name asks for the network"
done

echo '{}' >"$etc/cordond.json"
zeros=$(printf '%064d' 0)
printf '{"plugins":[{"id":"org.cordon.linux","library":"sha256:%s","manifest":"sha256:%s"},' "$zeros" "$zeros" \
  >"$etc/plugins.trust.json"
printf '{"id":"org.example.acme","library":"sha256:%s","manifest":"sha256:%s"}]}' "$zeros" "$zeros" >>"$etc/plugins.trust.json"
install
[ "$(cat "$etc/cordond.json")" = '{}' ] || fail "an existing configuration was overwritten"
expect_digests
grep -q '"org.example.acme"' "$etc/plugins.trust.json" || fail "the entry of another plugin was lost"
[ "$(grep -c "$zeros" "$etc/plugins.trust.json")" = 2 ] || fail "an old entry of ours is still there"
[ "$(grep -c '"id"' "$etc/plugins.trust.json")" = 7 ] || fail "there are not seven entries"

echo 'nonsense' >"$etc/plugins.trust.json"
if "$cmake" --install "$build" --prefix /usr >"$work/log" 2>&1; then
  fail "a trust list that cannot be read was overwritten"
fi
[ "$(cat "$etc/plugins.trust.json")" = nonsense ] || fail "a trust list that cannot be read was changed"
echo "the configuration stays, the trust list is that of the installed files"
