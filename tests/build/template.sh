#!/bin/sh
# Usage: template.sh SOURCE BUILD WORK. Walks the path of docs/writing-a-plugin.md: builds plugins/template outside the
# tree against what an installation holds, trusts it, and has a real agent isolate and release with it.
# Ends with 77 (skipped) where it is not root: the agent trusts only what root or its own user owns.
set -eu

source=$1
build=$2
work=$3
agent=
state=

fail() {
  echo "$*" >&2
  if [ -f "$work/agent.log" ]; then
    sed 's/^/cordond: /' "$work/agent.log" >&2
  fi
  exit 1
}

clean_up() {
  if [ -n "$agent" ]; then
    kill -TERM "$agent" 2>/dev/null || true
    wait "$agent" 2>/dev/null || true
  fi
  rm -rf "$state"
}

# wait_for SECONDS COMMAND...
wait_for() {
  end=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$end" ] || return 1
    kill -0 "$agent" 2>/dev/null || fail "the agent has ended"
    sleep 0.1
  done
}

cordon() {
  "$build/core/ctl/cordon" local "$@" --socket "$work/run/control.sock"
}

answers() {
  cordon status >/dev/null 2>&1
}

# says WORD: the last output has it.
says() {
  grep -qF -- "$1" "$work/out" || fail "no '$1' in the output:
$(cat "$work/out")"
}

digest() {
  sha256sum "$1" | cut -d ' ' -f 1
}

[ "$(id -u)" -eq 0 ] || exit 77
rm -rf "$work"
mkdir -p "$work/plugins" "$work/run"
chmod 755 "$work" "$work/plugins" "$work/run"
trap clean_up EXIT
# The plugin runs as another user, who must get to its private folder: a build may lie where only root gets.
state=$(mktemp -d /run/cordon-template.XXXXXX)
chmod 711 "$state"

DESTDIR=$work/root cmake --install "$build" >/dev/null
cp -R "$source/plugins/template" "$work/my-plugin"
cmake -S "$work/my-plugin" -B "$work/my-plugin/build" -DCORDON_INCLUDE_DIR="$work/root/usr/include" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_C_FLAGS=-Werror >"$work/build.log" 2>&1 || fail "the template does not configure: $(cat "$work/build.log")"
cmake --build "$work/my-plugin/build" >>"$work/build.log" 2>&1 ||
  fail "the template does not build: $(cat "$work/build.log")"
grep -q "CORDON_INCLUDE_DIR:PATH=$work/root/usr/include" "$work/my-plugin/build/CMakeCache.txt" ||
  fail 'it was not built against the installed header'

DESTDIR=$work/root cmake --install "$work/my-plugin/build" >>"$work/build.log" 2>&1 ||
  fail "the template does not install: $(cat "$work/build.log")"
# Where Cordon's own plugins were installed, the agent looks for a vendor's.
installed=$(dirname "$(find "$work/root" -name isolate_acme.so)")
[ -f "$installed/cordon-nftables.json" ] || fail "the template was installed in '$installed', not beside Cordon's plugins"
install -m 644 "$installed/isolate_acme.so" "$installed/isolate_acme.json" "$work/plugins"
cat >"$work/trust.json" <<END
{ "plugins": [ { "id": "org.example.isolate-acme",
    "library": "sha256:$(digest "$work/plugins/isolate_acme.so")",
    "manifest": "sha256:$(digest "$work/plugins/isolate_acme.json")" } ] }
END
cat >"$work/cordond.json" <<END
{ "providers": { "isolate": ["org.example.isolate-acme"] }, "plugins": { "user": "nobody" } }
END
chmod 644 "$work/trust.json" "$work/cordond.json"

"$build/core/agent/cordond" --config "$work/cordond.json" --trust "$work/trust.json" --state-dir "$state" \
  --run-dir "$work/run" --plugin-dir "$work/plugins" --plugin-host "$build/core/host/cordon-plugin-host" \
  >"$work/agent.log" 2>&1 &
agent=$!
wait_for 30 answers || fail 'the agent does not answer after 30 s'

cordon plugins >"$work/out" 2>&1 || fail "cordon local plugins failed: $(cat "$work/out")"
says org.example.isolate-acme

# It isolates, and the agent says that nothing has proven it: exit code 7.
code=0
cordon isolate --comment 'a first plugin' >"$work/out" 2>&1 || code=$?
[ "$code" -eq 7 ] || fail "cordon local isolate ended with $code, not 7 (unproven): $(cat "$work/out")"
says 'this plugin has no probes yet'
cordon status --json >"$work/out" 2>&1
says '"value":"isolated"'
[ -f "$state/plugins/org.example.isolate-acme/policy" ] || fail 'the product holds no policy'

code=0
printf '{"exclusions":[{"direction":"out","address":"192.0.2.1"}]}' >"$work/exclusions.json"
cordon isolate --selective "$work/exclusions.json" >"$work/out" 2>&1 || code=$?
[ "$code" -ne 0 ] || fail 'a selective isolation was accepted'
says 'exclusions'

cordon release >"$work/out" 2>&1 || fail "cordon local release failed: $(cat "$work/out")"
[ ! -e "$state/plugins/org.example.isolate-acme/policy" ] || fail 'the product still holds the policy after the release'
