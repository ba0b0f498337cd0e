"""Usage: collect_facts.py FOLDER PORT DISK [ACTION]

Whether the package in FOLDER has what plant.sh planted on DISK, and says of what Wine lacks or pretends that it is unsupported.
ACTION is the one that the package is of, made by an agent; without it the plugin alone has made it. Prints what is wrong.
"""
import csv
import glob
import hashlib
import json
import os
import sys

folder, port, disk = sys.argv[1:4]
action = sys.argv[4] if len(sys.argv) > 4 else None
wrong = 0
checked = 0


def must(condition, text):
    global wrong, checked
    checked += 1
    if not condition:
        wrong += 1
        print(text)


def rows(name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        must(False, f"{name} is not there")
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def has(table, /, **fields):
    """A row with these fields, and those of them that end with a star begin so."""
    def same(got, want):
        return got.startswith(want[:-1]) if want.endswith("*") else got == want
    found = [r for r in rows(table) if all(same(r.get(k) or "", v) for k, v in fields.items())]
    must(found, f"{table}: no row with {fields}")
    return found[0] if found else {}


def text(name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        must(False, f"{name} is not there")
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


manifest = json.load(open(os.path.join(folder, "manifest.json"), encoding="utf-8"))
items = manifest["items"]
if action is None:
    result = json.load(open(folder + ".json", encoding="utf-8"))
    must(manifest["action"] == "7" and manifest["device"] == "dev-1", "the manifest is of another action")
    must(result["status"] == 1 and "not complete" in result["sentence"], f"the result is {result['status']}: {result['sentence']}")
else:
    must(manifest["action"] == action, f"the manifest is of another action: {manifest['action']}")


def status(name, want, words=""):
    found = [i for i in items if i["name"] == name]
    must(found and found[0]["status"] == want and words in (found[0]["error"] or ""),
         f"{name}: not {want} with '{words}' but {[(i['status'], i['error']) for i in found]}")


# ---- autoruns
run = "Autoruns/Run.csv"
machine = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run"
has(run, hive="HKLM", key=machine, value="CordonMachine", type="REG_SZ", data="C:\\evil\\machine.exe /x", key_written="20*")
has(run, hive="HKLM (32)", value="CordonMachine32", data="C:\\evil\\machine32.exe")
has(run, hive="HKU\\S-1-5-21-1-2-3-1001", user="loggedoff", value="LoggedOff", data="C:\\evil\\logged_off.exe -hidden")
has("Autoruns/RunOnce.csv", hive="HKU\\*", value="CordonUser", type="REG_EXPAND_SZ", data="%SystemRoot%\\evil.exe")
has("Autoruns/RunOnce.csv", hive="HKU\\S-1-5-21-1-2-3-1001", type="(not found)")
has("Autoruns/Image File Execution Options.csv", key="*", value="Debugger", data="cmd.exe")
has("Autoruns/Session Manager.csv", value="BootExecute", type="REG_MULTI_SZ", data="autocheck autochk * | evilnative")
has("Autoruns/Shell open ms-settings.csv", value="DelegateExecute")
has("Autoruns/Services.csv", value="ServiceDll", data="%SystemRoot%\\evil.dll")
status("Autoruns/AMSI Providers.csv.absent.txt", "absent", "not found")
must("not found" in text("Autoruns/AMSI Providers.csv.absent.txt"), "the text of a missing key does not say so")
has("Autoruns/hives.csv", sid="S-1-5-21-1-2-3-1001", hive="loaded from a copy")
has("Autoruns/hives.csv", sid="S-1-5-21-1-2-3-1002", user="broken", hive="the hive of a logged-off user was not loaded*")
has("Autoruns/hives.csv", sid="S-1-5-21-1-2-3-1003", user="gone", hive="the hive of a logged-off user was not loaded*")
status("Autoruns/hives.csv", "partial", "was not loaded")
status(run, "partial", "was not loaded")
has("Autoruns/startup_folders.csv", user="(all users)", path="C:\\ProgramData\\*", size="9")
has("Autoruns/startup_folders.csv", user="loggedoff", sha256=hashlib.sha256(b"one").hexdigest())
must(text("Autoruns/loggedoff PowerShell_profile.ps1") == "planted profile", "a profile of PowerShell 7 is another")
must(text("Autoruns/user scripts.ini") == "planted script", "a script of the group policy is another")
has("Autoruns/bits_jobs.csv", name="Evil update", state="suspended", files="1", url="http://planted.example/evil.exe", local_file="C:\\evil\\fetched.exe")
must(sum(i["folder"] == "Autoruns" for i in items) > 90, "there are few autoruns")

# ---- processes, sockets, names
me = has("Processes/processes.csv", name="planted.exe", path="C:\\planted.exe", user="*")
must(me.get("command", "").endswith("stay") and me.get("sid", "").startswith("S-1-5-21-") and me.get("integrity") and me.get("started"),
     f"the planted process is told of by halves: {me}")
with open(os.path.join(disk, "planted.exe"), "rb") as file:
    must(me.get("sha256") == hashlib.sha256(file.read()).hexdigest(), "its SHA-256 is another")
has("Processes/modules.csv", process="planted.exe", path="C:\\windows\\system32\\WS2_32.dll")
has("Network connections/ActiveNetConnections.csv", protocol="tcp", local_address="127.0.0.1", local_port=port, state="listening")
must("203.0.113.7 planted.example" in text("Network connections/hosts"), "hosts lacks the planted line")
has("Network connections/FirewallExecutionLog.csv", kind="rule", name="Evil", text="v2.30|Action=Allow|*")
must("planted" in text("Network connections/pfirewall.log"), "the log of the firewall is not there")
has("Network connections/IpConfig.csv", name="address", value="127.0.0.1/8")
must(rows("Network connections/Arp.csv") != [], "there are no neighbours")

# ---- services, tasks, users
has("Services/services.csv", name="CordonEvil", start="automatic", command="C:\\windows\\system32\\svchost.exe -k evil",
    library="C:\\windows\\evil.dll", sha256="*", state="stopped")
svchost = hashlib.sha256(open(os.path.join(disk, "windows/system32/svchost.exe"), "rb").read()).hexdigest()
has("Services/services.csv", name="CordonEvil", sha256=svchost)
must(rows("Services/drivers.csv") != [], "there are no drivers")
has("Scheduled tasks/tasks.csv", **{"from": "file"}, path="\\Evil\\one", author="Evil & Söhne", user="S-1-5-18",
    run_level="HighestAvailable", hidden="true", actions="C:\\evil\\task.exe -q <now>", triggers="LogonTrigger Enabled=true", whole="yes")
has("Scheduled tasks/tasks.csv", path="\\Evil\\cut", whole="no")
must(rows("Users and Groups/users.csv") != [], "there are no users")
has("Installed programs/programs.csv", hive="HKLM", key="EvilTool", name="'=EvilTool")

# ---- files
temp = "Temp Directories/loggedoff Temp.csv"
base = "C:\\users\\loggedoff\\AppData\\Local\\Temp\\"
has(temp, path=base + "deep\\=evil, one.exe", type="file", size="9", kind="program", sha256=hashlib.sha256(b"MZplanted").hexdigest(),
    written="20*")
has(temp, path=base + "deep", type="folder")
# Of more than 260 units. Wine does not tell where the handle of such a file leads, so that it is not read, and that is said.
long = "\\".join(["0" * 100] * 2) + "\\" + "0" * 40 + ".exe"
deep = has(temp, path=base + long, type="file", size="6")
must(deep.get("owner") and deep["owner"] == has(temp, path=base + "deep")["owner"], f"whose a file of a long path is: {deep}")
must(deep.get("sha256") in ("(not read)", hashlib.sha256(b"MZdeep").hexdigest()), f"a file of a long path: {deep}")
out = has(temp, path=base + "way_out.txt")
must(out.get("sha256") == "(not read)" or out.get("type") == "link", f"a link out of a profile was followed: {out}")
has("Prefetch files/PrefetchFilesList.csv", name="EVIL.EXE-1A2B3C4D.pf", size="10")
must(text("Prefetch files/EVIL.EXE-1A2B3C4D.pf") == "MAMplanted", "the file of Prefetch is another")
must(text("WdSupportLogs/MPLog-1.log") == "planted log of Defender", "Defender's log is another")
has("System Information/SystemInformation.csv", name="version", value="10.0.*")
has("System Information/volumes.csv", root="C:\\", type="fixed")
must(os.path.getsize(os.path.join(folder, "CollectionSummaryReport.xls")) > 10000, "the report is short")

# ---- what Wine lacks or pretends: never an empty success
unsupported = {
    "Network connections/ActiveNetConnections.csv": ("partial", "process 0"),
    "Network connections/Arp.csv": ("partial", "GetIpNetTable2"),
    "Network connections/DnsCache.csv.error.txt": ("error", "unsupported here"),
    "Processes/processes.csv": ("partial", "signatures are unsupported here"),
    "Services/services.csv": ("partial", "unsupported here"),
    "Scheduled tasks/tasks.csv": ("partial", "the rows are of the files"),
    "Users and Groups/users.csv": ("partial", "unsupported here"),
    "Users and Groups/groups.csv.error.txt": ("error", "not one group"),
    "Users and Groups/logon_sessions.csv.error.txt": ("error", "unsupported here"),
    "Users and Groups/sessions.csv.error.txt": ("error", "unsupported here"),
    "Windows Server Message Block (SMB) sessions/SMBInboundSessions.csv.error.txt": ("error", "unsupported here"),
    "Windows Server Message Block (SMB) sessions/SMBOutboundSession.csv.error.txt": ("error", "unsupported here"),
    "Windows Server Message Block (SMB) sessions/shares.csv.error.txt": ("error", "unsupported here"),
    "Security event log/Security.evtx.error.txt": ("error", "says yes and writes no log"),
    "WdSupportLogs/Windows Defender Operational.evtx.error.txt": ("error", "unsupported here"),
    "System Information/hotfixes.csv": ("partial", "unsupported here"),
    "System Information/antivirus.csv.error.txt": ("error", "unsupported here"),
    "Autoruns/bits_jobs.csv": ("partial", "of a job: its owner, what it runs when it ends"),
    "Autoruns/wmi_subscriptions.csv": ("partial", "unsupported here"),
    temp: ("partial", "unsupported here: the streams of"),
}
for name, (want, words) in unsupported.items():
    status(name, want, words)
# A table without a row is an answer only where the system has one, and then something says so.
may_be_empty = {"Network connections/routes.csv"}
for item in items:
    if item["status"] == "ok" and item["name"].endswith(".csv") and item["name"] not in may_be_empty and item["folder"] != "Autoruns":
        must(rows(item["name"]) != [], f"{item['name']} is an empty success")

# ---- nothing is left behind
must(not glob.glob(os.path.join(disk, "windows/[Tt]emp/cordon-*")), "a private folder was left")
print(f"{checked} facts, {wrong} wrong")
sys.exit(1 if wrong else 0)
