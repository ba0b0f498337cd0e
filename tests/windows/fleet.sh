#!/bin/sh
# cordon.exe, under Wine, against the console of the other system, over HTTPS with its CA pinned:
#   sh fleet.sh PREFIX CORDON.EXE NATIVE-BUILD
# The console, its signer and the devices are programs of the native build (console_stand). Needs root, as they do.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix=$1
cordon=$2
native=$3
stand=$native/tests/integration/console/console_stand
console=$native/core/console/cordon-console
fail() {
  echo "windows_fleet: $*"
  exit 1
}
[ "$(id -u)" -eq 0 ] || exit 77
for tool in node openssl; do
  command -v "$tool" >/dev/null || exit 77
done
for program in "$stand" "$console"; do
  [ -x "$program" ] || fail "$program is missing: build the preset dev first"
done

work=$(mktemp -d /run/cordon-windows.XXXXXX)
pid=
finish() {
  code=$?
  # It ends when nobody can write to it any more.
  exec 8>&-
  [ -z "$pid" ] || wait "$pid" || true
  if [ "$code" -ne 0 ]; then
    tail -n 20 "$work/stand.log" || true
  fi
  rm -rf "$work"
}
trap finish EXIT
mkfifo "$work/hold"
"$stand" "$work/ready" <"$work/hold" >"$work/stand.log" 2>&1 &
pid=$!
exec 8>"$work/hold"
until_s=$(($(date +%s) + 60))
until [ -s "$work/ready" ]; do
  kill -0 "$pid" 2>/dev/null || fail "the console has ended"
  [ "$(date +%s)" -lt "$until_s" ] || fail "there is no console within 60 s"
  sleep 0.1
done
config=$(cat "$work/ready")
folder=$(dirname "$config")

# The CA's certificate is the second of the console's chain. The names are those of Windows; one has an umlaut.
ca="$work/Zertifikat ä.pem"
awk '/BEGIN/ { n++ } n >= 2' "$folder/data/tls.pem" >"$ca"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/other.key" -out "$work/other.pem" -days 2 -subj /CN=other 2>/dev/null
# application NAME PERMISSIONS CA: NAME.json, a configuration.
application() {
  "$console" --config "$config" app create --name "$1" --permissions "$2" --out "$work/$1.app" >/dev/null
  # shellcheck disable=SC2016 # the ${} are node's
  node -e '
    const fs = require("fs");
    const [app, config, ca, out] = process.argv.slice(1);
    const a = JSON.parse(fs.readFileSync(app));
    const port = JSON.parse(fs.readFileSync(config)).people.listen.split(":").pop();
    fs.writeFileSync(out, JSON.stringify({ console: `https://127.0.0.1:${port}`, ca: "Z:" + ca.replaceAll("/", "\\"),
      client_id: a.client_id, client_secret: a.client_secret }), { mode: 0o600 });
  ' "$work/$1.app" "$config" "$3" "$work/$1.json"
}
application admin Machine.ReadWrite.All,Machine.Isolate,Cordon.Enroll,Cordon.Audit.Read "$ca"
application reader Machine.Read.All "$ca"
application astray Machine.Read.All "$work/other.pem"

# run CODE ARGS...: as the application $who; bare: without a console. The output is in out and err.
who="admin"
run() {
  bare "$@" --config "Z:$work/$who.json"
}
bare() {
  wanted=$1
  shift
  code=0
  sh "$here/wine.sh" "$prefix" run "$cordon" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
  [ "$code" -eq "$wanted" ] || fail "cordon $* ended with $code, not $wanted: $(cat "$work/out" "$work/err")"
  if grep -q "$(printf '\r')" "$work/out" "$work/err"; then
    fail "cordon $* writes carriage returns"
  fi
}
says() {
  grep -qF -- "$1" "$work/out" "$work/err" || fail "'$1' is not said: $(cat "$work/out" "$work/err")"
}
# json EXPRESSION: it holds of the output, which is one document, d.
json() {
  node -e 'const d = JSON.parse(require("fs").readFileSync(process.argv[1]));
    if (!eval(process.argv[2])) { console.log(JSON.stringify(d, null, 1)); process.exit(1); }' "$work/out" "$1" ||
    fail "not so: $1"
}

# closed FILE: Wine shows what an access list gives to everybody in the last digit of the mode; administrators have the one before.
closed() {
  case $(stat -c %a "$1") in
  *0) ;;
  *) fail "$1 is open: $(stat -c %a "$1")" ;;
  esac
}

# Devices, and how they are named.
run 0 device list --json
json 'd.machines.length === 2'
run 0 device list
says desk-1
says desk-2
run 0 device show desk-1
says desk-1
run 5 device show desk-9
says "there is no device 'desk-9'"

# Tags, with letters that no code page of the console has.
run 0 tag add desk-1 'Büro 東京'
run 0 device list --tag 'Büro 東京'
says desk-1
run 0 device show desk-1
says 'Büro 東京'
run 0 tag remove desk-1 'Büro 東京'
run 0 device list --tag 'Büro 東京'
says "No devices."

# An order that is carried out, and what remains of it. The device's evidence proves nothing, and the exit code says so.
run 7 isolate desk-1 --comment 'ä test' --wait --json
json 'JSON.stringify(d).includes("Succeeded")'
run 0 actions
says desk-1
says "Isolate (Full)"
id=$(grep -oE '[0-9a-f]{8}-[0-9a-f-]{27}' "$work/out" | head -n 1)
run 0 action show "$id"
says 'ä test'
run 0 action report "$id" -o "Z:$work/report.json"
closed "$work/report.json"
bare 0 action verify "Z:$work/report.json"
run 7 release desk-1 --comment back --wait
# One for a device that is off stays an order.
run 0 isolate desk-2 --comment off
run 0 actions
says desk-2
run 0 audit verify

# Secrets: made for their user alone, and refused when they are open.
run 0 enroll-token create --uses 1 --for 2d -o "Z:$work/token.json"
closed "$work/token.json"
ln -s nowhere "$work/link.json"
run 1 enroll-token create --uses 1 --for 2d -o "Z:$work/link.json"
says "is there already"
[ ! -e "$work/nowhere" ] || fail "a link was followed"
chmod 644 "$work/admin.json"
run 5 device list
says "not trusted"
chmod 600 "$work/admin.json"

# Who may not, and what is not the console.
who=reader
run 0 device list
run 4 isolate desk-1 --comment x
says "(Machine.Isolate)"
who=astray
run 3 device list
says "what answers is not shown to be the console"
who="admin"
run 2 device
run 2 isolate
# Nobody is there.
who=reader
sed 's|:[0-9][0-9]*"|:9"|' "$work/reader.json" >"$work/gone.json"
chmod 600 "$work/gone.json"
who=gone
run 3 device list
says "cannot reach the console"

# The agent of this device.
bare 3 local status
says 'cordon-control'
echo "windows_fleet: ok"
