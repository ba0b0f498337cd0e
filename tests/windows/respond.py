"""Usage: respond.py WORK DRIVE LIBRARY SOURCE PORT PID DISK

Each read-out of the plugin against what plugins.sh planted on DISK, its ceilings, its cancel and its deadline, and all of it against its
schema. Prints what is wrong.
"""
import glob
import json
import os
import sys

from drive import Driver
from jsonschema import Draft202012Validator

work, drive, library, source = sys.argv[1:5]
port, pid = int(sys.argv[5]), int(sys.argv[6])
disk = sys.argv[7]
OK, PARTIAL, INVALID, UNSUPPORTED, DENIED, NOTFOUND, CANCELLED, DEADLINE = 0, 1, -1, -2, -4, -5, -7, -8
wrong = 0
checked = 0
with open(os.path.join(source, "config/schemas/respond.schema.json"), encoding="utf-8") as schema_file:
    schema = json.load(schema_file)


def must(condition, text):
    global wrong, checked
    checked += 1
    if not condition:
        wrong += 1
        print(text)


def fits(document, name, what):
    for error in Draft202012Validator({**schema, "$ref": f"#/$defs/{name}"}).iter_errors(document):
        must(False, f"{what}: {error.json_path}: {error.message}")


class Said:
    """The end of an operation: what plugin_drive writes."""

    def __init__(self, function, params, **how):
        self.what = f"{function} {params} {how}"
        folder, end = driver.call(function, params, **how)
        self.status, self.result, self.sentence = end["status"], end["result"], end["sentence"]
        self.records = []
        if os.path.exists(folder + ".records"):
            with open(folder + ".records", encoding="utf-8") as file:
                self.records = [json.loads(line) for line in file]
        if self.result is not None:
            fits(self.result, function, self.what)
        for record in self.records:
            fits(record, "record", self.what)
        if function == "run" and self.result is not None:
            must(self.result["rows"] == len(self.records), f"{self.what}: {self.result['rows']} rows, {len(self.records)} records")

    def ends(self, status, words=""):
        must(self.status == status and words in self.sentence, f"{self.what}: not {status} with '{words}' but {self.status}: {self.sentence}")
        return self

    def has(self, table, **fields):
        """A row with these fields; a text that ends with a star begins so."""
        def same(got, want):
            if isinstance(want, str) and want.endswith("*"):
                return isinstance(got, str) and got.startswith(want[:-1])
            return got == want and type(got) is type(want)
        found = [r["row"] for r in self.records if r["table"] == table and all(k in r["row"] and same(r["row"][k], v) for k, v in fields.items())]
        must(found, f"{self.what}: {table}: no row with {fields}")
        return found[0] if found else {}

    def table(self, name, status, words=""):
        found = [t for t in (self.result or {"tables": []})["tables"] if t["table"] == name]
        must(found and found[0]["status"] == status and words in (found[0]["error"] or ""),
             f"{self.what}: {name}: not {status} with '{words}' but {[(t['status'], t['error']) for t in found]}")


def run(what, how=None, **more):
    return Said("run", {"what": what, **more}, **(how or {}))


driver = Driver(work, drive, library, "cordon.respond/1")


# ---- what there is
read_outs = Said("probe", {}).ends(OK).result["read_outs"]
must({"processes", "connections", "services", "drivers", "registry", "tasks", "persistence", "startup_folders"} <= set(read_outs),
     f"probe tells of {read_outs}")

said = run("processes").ends(PARTIAL, "signatures are unsupported here")
me = said.has("processes", pid=pid, name="planted.exe", path="C:\\planted.exe", user="*", sid="S-1-5-21-*", started="20*", session=1)
must(isinstance(me.get("start"), str) and me["start"].isdigit() and me.get("elevated") in ("yes", "no") and len(me.get("sha256") or "") == 64,
     f"the planted process is told of by halves: {me}")
run("modules").has("modules", pid=pid, path="C:\\windows\\system32\\WS2_32.dll")
run("connections").ends(PARTIAL, "process 0").has("connections", protocol="tcp", local_address="127.0.0.1", local_port=port, state="listening")
run("services").has("services", name="CordonEvil", start="automatic", state="stopped", command="C:\\windows\\system32\\svchost.exe -k evil",
                    library="C:\\windows\\evil.dll")
must(run("drivers").records, "there are no drivers")
run("tasks").has("tasks", path="\\Evil\\one", author="Evil & Söhne", actions="C:\\evil\\task.exe -q <now>")
run("startup_folders").has("startup_folders", user="(all users)", path="C:\\ProgramData\\*", size=9)

said = run("persistence").ends(PARTIAL)
said.has("Run", hive="HKLM", value="CordonMachine", type="REG_SZ", data="C:\\evil\\machine.exe /x")
said.has("Run", user="loggedoff", value="LoggedOff", data="C:\\evil\\logged_off.exe -hidden")
said.has("startup_folders", user="loggedoff", size=3)
said.table("hives", "partial", "was not loaded")
said.table("AMSI Providers", "absent", "not found")
said.table("wmi_subscriptions", "error", "unsupported here")
must(len(said.result["tables"]) > 90, "there are few tables of persistence")
must(not glob.glob(os.path.join(disk, "windows/[Tt]emp/cordon-*")), "a private folder was left")

# ---- the registry
RUN = "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run"
said = run("registry", path="HKLM\\" + RUN).ends(OK)
said.has("values", name="CordonMachine", type="REG_SZ", data="C:\\evil\\machine.exe /x", bytes=2 * len("C:\\evil\\machine.exe /x\0"))
said.table("keys", "ok")
run("registry", path="hklm (32)\\" + RUN).ends(OK).has("values", name="CordonMachine32")
said = run("registry", path="HKLM\\" + RUN[:-4]).ends(OK)
said.has("keys", name="Run", written="20*")
run("registry", path="HKU").ends(OK).has("keys", name="S-1-5-21-*")
run("registry", path="HKLM\\SOFTWARE\\CordonNotThere").ends(NOTFOUND, "CordonNotThere")
for secret in ("HKLM\\SAM", "HKLM\\security", "HKLM\\SECURITY\\CordonSecret", "HKLM\\SOFTWARE\\CordonLink", "HKLM\\SOFTWARE\\CordonLink\\CordonSecret"):
    said = run("registry", path=secret).ends(DENIED, "secrets of the system")
    must(said.records == [], f"rows of {secret} were told")
said = run("registry", path="HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon")
said.has("values", name="DefaultPassword", data="(a password, which is not told)")
must("hunter2" not in json.dumps(said.records), "a password was told")

# ---- ceilings, the end before the end
said = run("services", max_rows=2).ends(PARTIAL)
must(len(said.records) == 2 and said.result["more"], f"{len(said.records)} rows of 2, more: {said.result['more']}")
said = run("persistence", max_bytes=65536).ends(PARTIAL)
must(said.result["more"] and 0 < said.result["bytes"] <= 65536, f"{said.result['bytes']} bytes of 65536")
said.table("wmi_subscriptions", "partial", "not begun")
said = run("services", {"cancel": 3}).ends(CANCELLED)
must(len(said.records) == 3, f"{len(said.records)} records of 3 before the cancel")
run("processes", {"budget_ms": 1}).ends(DEADLINE, "time")

# ---- what makes no sense
for params in ({}, {"what": "secrets"}, {"what": "registry"}, {"what": "services", "path": "HKLM"}, {"what": "services", "more": 1},
               {"what": "services", "max_rows": 0}, {"what": "services", "max_bytes": 1}, {"what": "registry", "path": "HKCU\\x"},
               {"what": "registry", "path": "HKLM\\" + "x" * 1200}):
    said = Said("run", params).ends(INVALID)
    must(said.records == [], f"{params}: there are rows")

driver.close()
print(f"{checked} facts of read-outs, {wrong} wrong")
sys.exit(1 if wrong else 0)
