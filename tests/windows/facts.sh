#!/bin/sh
# What the plugin for Windows says of a device, under Wine: sh facts.sh PREFIX DRIVE LIBRARY NOTIFY PYTHON. It is held against what this machine
# itself knows, and against the schema's required members. And that the plugin that tells people says of Wine, which has no sessions and
# shows no message, that it is unsupported (test_windows_notify has the rest of it).
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
mkdir "$work/out"
for function in probe run; do
  timeout 60 sh "$here/wine.sh" "$prefix" run "$2" "$4" cordon.notify/1 $function "Z:$work/told" '{"event":"isolated"}' \
    >"$work/log" 2>&1 </dev/null || {
    cat "$work/log"
    exit 1
  }
  grep -q '"status":-2,"result":null,.*unsupported here: WTSEnumerateSessions says yes and lists no session' "$work/told.json" || {
    cat "$work/told.json"
    exit 1
  }
done
timeout 60 sh "$here/wine.sh" "$prefix" run "$2" "$3" cordon.facts/1 run "Z:$work/out" '{}' >"$work/log" 2>&1 </dev/null || {
  cat "$work/log"
  exit 1
}
"$5" - "$work/out.json" "$here/../../config/schemas/facts.results.schema.json" <<'END'
import json, os, re, socket, sys, time
told = json.load(open(sys.argv[1], encoding="utf-8"))
schema = json.load(open(sys.argv[2], encoding="utf-8"))
facts = told["result"]
wrong = [name for name in schema["required"] if name not in facts]
wrong += [name for name in facts if name not in schema["properties"]]
checks = {
    "status": told["status"] == 0,
    "host_name": facts["host_name"].lower() == socket.gethostname().split(".")[0].lower(),
    "os": facts["os"]["system"] == "windows" and re.fullmatch(r"10\.0\.\d+\.\d+", facts["os"]["version"]) and facts["os"]["name"],
    "architecture": facts["architecture"] == "x86_64",
    "machine_id": re.fullmatch(r"[0-9a-f-]{36}", facts["machine_id"] or ""),
    "booted": re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", facts["booted"]) and facts["booted"] < time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    "boot_id": facts["boot_id"] != "",
    "processors": facts["processors"] == os.cpu_count(),
    "memory": facts["memory_bytes"] > 2**28,
    "interfaces": any("127.0.0.1/8" in i["addresses"] for i in facts["interfaces"]) and all({"name", "up", "addresses"} <= set(i) for i in facts["interfaces"]),
    # Wine lists no session: then there is no list, and not one that says that nobody is there.
    "users": "users" not in facts,
}
wrong += [name for name, holds in checks.items() if not holds]
if wrong:
    print("wrong:", wrong)
    print(json.dumps(facts, indent=1))
sys.exit(1 if wrong else 0)
END
