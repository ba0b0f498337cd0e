#!/bin/sh
# `cordon` against the real console and its signer, without a device: tokens, roles, and the audit log, also when its
# database was edited by hand. Arguments: the programs cordon, cordon-console and cordon-signer. Needs root, as the console
# becomes another user.
set -eu
cordon=$1
console=$2
signer=$3
[ "$(id -u)" -eq 0 ] || exit 77
for tool in setpriv sqlite3 node; do
  command -v "$tool" >/dev/null || exit 77
done

# Not below /tmp: what the console reads its keys from must be in folders that nobody else may write to.
work=$(mktemp -d /run/cordon-fleet.XXXXXX)
pids=
finish() {
  code=$?
  for pid in $pids; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  if [ "$code" -ne 0 ]; then
    tail -n 20 "$work"/*.log || true
  fi
  rm -rf "$work"
}
trap finish EXIT
fail() {
  echo "fleet_console: $*"
  exit 1
}

chmod 755 "$work"
# Copies that another user can run.
cp "$console" "$work/cordon-console"
cp "$signer" "$work/cordon-signer"
mkdir "$work/keys" "$work/run"
chown nobody "$work/keys" "$work/run"
# free_port FROM: the first that is free; below the ephemeral ones, and by this process's id, so that nobody takes it before
# the console does.
free_port() {
  # shellcheck disable=SC2016 # the ${} are node's
  node -e 'const look = (port) => {
      const s = require("net").createServer();
      s.on("error", () => look(port + 2)).listen(port, "127.0.0.1", () => s.close(() => console.log(port)));
    };
    look(Number(process.argv[1]));' "$1"
}
people=$(free_port $((7000 + $$ % 1000 * 2)))
agents=$(free_port $((people + 1)))
cat >"$work/console.json" <<END
{"data_dir":"$work/data","user":"nobody",
 "people":{"listen":"127.0.0.1:$people","url":"https://127.0.0.1:$people"},
 "agents":{"listen":"127.0.0.1:$agents","addresses":["127.0.0.1:$agents"]},
 "names":["127.0.0.1","localhost"],"signer":{"socket":"$work/run/signer.sock","user":"nobody"}}
END
cat >"$work/signer.json" <<END
{"database":"$work/data/console.db","socket":"$work/run/signer.sock","console_user":"nobody"}
END
as_nobody() {
  setpriv --reuid nobody --regid "$(id -gn nobody)" --clear-groups "$@"
}
"$work/cordon-console" --config "$work/console.json" init >"$work/init.log" 2>&1
as_nobody "$work/cordon-signer" --init "$work/keys" >"$work/keys.log" 2>&1
# Not through the function: a shell in between would be what is ended.
setpriv --reuid nobody --regid "$(id -gn nobody)" --clear-groups \
  "$work/cordon-signer" --dir "$work/keys" --config "$work/signer.json" >"$work/signer.log" 2>&1 &
pids="$pids $!"

# A configuration for an application with these permissions.
application() {
  "$work/cordon-console" --config "$work/console.json" app create --name "$1" --permissions "$2" --out "$work/$1.app" >/dev/null
  node -e '
    const [app, url, ca, out] = process.argv.slice(1);
    const a = JSON.parse(require("fs").readFileSync(app));
    require("fs").writeFileSync(out, JSON.stringify({ console: url, ca, client_id: a.client_id, client_secret: a.client_secret }), { mode: 0o600 });
  ' "$work/$1.app" "https://127.0.0.1:$people" "$work/ca.pem" "$work/$1.json"
}
application admin Machine.ReadWrite.All,Machine.Isolate,Cordon.Enroll,Cordon.Audit.Read
application reader Machine.Read.All
"$work/cordon-console" --config "$work/console.json" >"$work/console.log" 2>&1 &
pids="$pids $!"

# run CODE ARGS...: as the application $who; the output is in out and err.
who="admin"
run() {
  wanted=$1
  shift
  code=0
  "$cordon" "$@" --config "$work/$who.json" >"$work/out" 2>"$work/err" || code=$?
  [ "$code" -eq "$wanted" ] || fail "cordon $* ended with $code, not $wanted: $(cat "$work/out" "$work/err")"
}
says() {
  grep -qF -- "$1" "$work/out" "$work/err" || fail "'$1' is not said: $(cat "$work/out" "$work/err")"
}

# It is there when it answers; the CA's certificate is the second of its chain.
until_s=$(($(date +%s) + 60))
until [ -s "$work/data/tls.pem" ] && awk '/BEGIN/ { n++ } n >= 2' "$work/data/tls.pem" >"$work/ca.pem" &&
  "$cordon" device list --config "$work/admin.json" >/dev/null 2>&1; do
  [ "$(date +%s)" -lt "$until_s" ] || fail "the console does not answer within 60 s"
  sleep 0.1
done

run 0 device list
says "No devices."
run 5 isolate desk-1 --comment x
says "there is no device 'desk-1'"
run 5 isolate 0123456789012345678901234567890123456789 --comment x
says "(ResourceNotFound)"
run 0 isolate --tag none --preview
says "0 devices; nothing was done."
run 5 isolate --tag none --comment x
says "no device has the tag 'none', and nothing was done"
run 0 actions
run 5 action show 01936c5e-8f2a-7b3c-9d4e-5f6a7b8c9d0e

run 0 enroll-token create --uses 2 --for 2d --tag 't"ä' --note 'a "note"' -o "$work/token.json"
[ "$(stat -c %a "$work/token.json")" = 600 ] || fail "the token file is open"
run 0 enroll-token list
says "2 left, 0 used"
id=$(grep -oE '^[0-9a-f-]{36}' "$work/out")
run 0 enroll-token revoke "$id"
run 0 enroll-token list
says "revoked"

run 0 audit verify --json
# shellcheck disable=SC2016 # the ${} are node's
head=$(node -e 'const h = JSON.parse(require("fs").readFileSync(process.argv[1])).head; console.log(`${h.sequence}:${h.digest}`)' "$work/out")
run 0 audit verify --head "$head"
says "it contains the known head"

who="reader"
run 0 device list
run 4 isolate --tag none --comment x
says "(Machine.Isolate)"
run 4 enroll-token list
run 4 audit verify
who="admin"

# Edited by hand.
sqlite3 "$work/data/console.db" "UPDATE audit SET who = 'somebody' WHERE sequence = 2"
run 1 audit verify
says "wrong from entry 2 on"
echo "fleet_console: ok"
