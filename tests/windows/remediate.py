"""Usage: remediate.py WORK DRIVE LIBRARY PACKAGE PID

Each operation of the plugin, its undo, and both again, against what Wine's own tools say. Prints what is wrong.
"""
import csv
import json
import os
import subprocess
import sys

from drive import Driver

work, drive, library, package = sys.argv[1:5]
os.environ["DRIVE_CONFIG"] = json.dumps({"state_dir": "Z:" + os.path.join(work, "state")})
os.mkdir(os.path.join(work, "state"))
pid = int(sys.argv[5])
wrong = 0
count = 0
WAIT_S = 60
driver = Driver(work, drive, library, "cordon.remediate/1")


def must(condition, text):
    global wrong
    if not condition:
        wrong += 1
        print(text)


def wine(*words):
    """Output goes to a file: what Wine starts besides would hold on to a pipe."""
    with open(os.path.join(work, "said"), "w+", encoding="utf-8", errors="replace") as file:
        subprocess.run(["wine", *words], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, timeout=WAIT_S, check=False)
        file.seek(0)
        return file.read()


def query(path, name):
    """What reg says of a value: what it is, or that there is none. Anything else is no answer, neither to 'is it there' nor to
    'is it gone', and is shown; then it is asked again, twice at most."""
    for _ in range(3):
        said = wine("reg", "query", path, "/v", name)
        if name in said or "Unable to find" in said:
            return said
        print(f"reg did not answer for {path} {name}: {said!r}")
    must(False, f"reg did not say whether {path} {name} is there")
    return said


def call(function, params, undo=None):
    """The document that plugin_drive writes."""
    global count
    count += 1
    return driver.call(function, params, undo)[1]


def order(operation, target, **more):
    return call("run", {"operation": operation, "action": "A1", "target": target, **more})


def take_back(records):
    return call("undo", {"operation": "undo", "action": "A2", "target": {"action": "A1"}}, records)


def outcomes(document):
    return [s["outcome"] for s in (document["result"] or {}).get("steps", [])]


# ---- a value of Run
key = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run"


def value():
    out = query(key, "Evil one")
    return out.split("REG_EXPAND_SZ")[1].strip() if "REG_EXPAND_SZ" in out else None


wine("reg", "add", key, "/v", "Evil one", "/t", "REG_EXPAND_SZ", "/d", "%SystemRoot%\\evil.exe -a", "/f")
must(value() == "%SystemRoot%\\evil.exe -a", "the value was not planted")
target = {"path": key, "name": "Evil one"}
done = order("startup.remove", target)
must(done["status"] == 0 and outcomes(done) == ["done"] and done["result"]["undo"] == "available", f"remove: {done}")
must(value() is None, "the value is still there")
again = order("startup.remove", target)
must(again["status"] == 0 and outcomes(again) == ["already"] and again["undo"] == [], f"remove again: {again}")
must(f"there is no value '{target['name']}' in" in json.dumps(again), f"remove again does not name the value: {again}")
back = take_back(done["undo"])
must(back["status"] == 0 and outcomes(back) == ["done"] and value() == "%SystemRoot%\\evil.exe -a", f"put back: {back}")
must(outcomes(take_back(done["undo"])) == ["already"], "put back again is not 'already'")
wine("reg", "add", key, "/v", "Evil one", "/t", "REG_SZ", "/d", "another", "/f")
other = take_back(done["undo"])
must(other["status"] == -6 and "another" in query(key, "Evil one"), f"another's value was overwritten: {other}")
for path in ("HKLM\\SOFTWARE\\Evil", "HKLM\\SYSTEM\\CurrentControlSet\\Control", "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run", "Run"):
    bad = order("startup.remove", {"path": path, "name": "x"})
    must(bad["status"] == -1 and bad["undo"] == [], f"{path} was taken for a start-up item: {bad}")

# ---- a hive that is not loaded: what plant.sh put into it is there still, so that this is no success
off = "HKU\\S-1-5-21-1-2-3-1001\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"
bad = order("startup.remove", {"path": off, "name": "LoggedOff"})
must(bad["status"] == -3 and "not loaded" in bad["sentence"] and "S-1-5-21-1-2-3-1001" in bad["sentence"] and bad["undo"] == [], f"a hive that is not loaded: {bad}")
bad = take_back([{"v": 1, "do": "value.put", "path": off, "name": "LoggedOff", "type": 1, "data": "6100"}])
must(bad["status"] == -3 and "not loaded" in bad["sentence"], f"put back into a hive that is not loaded: {bad}")

# ---- the values by which something starts without a key of its own
user = next(k.split("\\")[1].strip() for k in wine("reg", "query", "HKU").splitlines() if "\\S-1-5-21-" in k and "_Classes" not in k)
nt = "Software\\Microsoft\\Windows NT\\CurrentVersion"
for path, name in ((f"HKLM\\{nt}\\Image File Execution Options\\sethc.exe", "Debugger"), (f"HKLM\\{nt}\\SilentProcessExit\\evil.exe", "MonitorProcess"),
                   (f"HKLM\\{nt}\\Windows", "AppInit_DLLs"), ("HKLM\\Software\\Microsoft\\Command Processor", "AutoRun"),
                   (f"HKU\\{user}\\Environment", "UserInitMprLogonScript"), (f"HKU\\{user}\\{nt}\\Winlogon", "Shell")):
    wine("reg", "add", path, "/v", name, "/d", "C:\\evil.exe", "/f")
    done = order("startup.remove", {"path": path, "name": name})
    must(done["status"] == 0 and outcomes(done) == ["done"] and "evil.exe" not in query(path, name), f"{path} {name}: {done}")
    back = take_back(done["undo"])
    said = query(path, name)
    must(back["status"] == 0 and "evil.exe" in said, f"{path} {name} did not come back: {back}; reg says {said!r}")
    wine("reg", "delete", path, "/v", name, "/f")
for path, name in ((f"HKLM\\{nt}\\Image File Execution Options\\sethc.exe", "GlobalFlag"), (f"HKLM\\{nt}\\Image File Execution Options", "Debugger"),
                   (f"HKLM\\{nt}\\Winlogon", "Shell"), (f"HKLM\\{nt}\\Winlogon", "Userinit"), (f"HKU\\{user}\\Environment", "Path")):
    bad = order("startup.remove", {"path": path, "name": name})
    must(bad["status"] == -1 and bad["undo"] == [], f"{path} {name} was taken for a start-up item: {bad}")

# ---- a service
def start_type():
    out = query("HKLM\\SYSTEM\\CurrentControlSet\\Services\\CordonEvil", "Start")
    return out.split("REG_DWORD")[1].strip() if "REG_DWORD" in out else out


must(start_type() == "0x2", f"the service was not planted: {start_type()}")
done = order("service.disable", {"name": "CordonEvil"})
must(done["status"] == 0 and "done" in outcomes(done) and start_type() == "0x4", f"disable: {done}, start type {start_type()}")
must({"what": "start type", "measured": "4"} in done["result"]["verified"], f"disable was not verified: {done}")
must(outcomes(order("service.disable", {"name": "CordonEvil"})) == ["already"], "disabled again is not 'already'")
back = take_back(done["undo"])
must(back["status"] == 0 and start_type() == "0x2", f"undo of disable: {back}, start type {start_type()}")
must(order("service.disable", {"name": "NoSuchService"})["status"] == -5, "a service that is not there was found")
must(order("service.disable", {"name": "cordond"})["status"] == -4, "the agent's own service was touched")

# ---- a process
with open(os.path.join(package, "Processes/processes.csv"), encoding="utf-8", newline="") as file:
    start = next((r["start"] for r in csv.DictReader(file) if r["pid"] == str(pid)), "")
must(start.isdigit(), f"processes.csv does not name the planted process: {start!r}")
target = {"pid": pid, "start": start}
other = order("process.stop", {"pid": pid, "start": str(int(start or "1") - 1)})
must(other["status"] == 0 and outcomes(other) == ["already"], f"another process was ended: {other}")
never = order("process.stop", {"pid": pid, "start": str(int(start or "1") + 1)})
must(never["status"] == -5 and "there was no process" in never["sentence"], f"a start that nobody can have had: {never}")
held = order("process.suspend", target)
must(held["status"] == 0 and held["undo"] and outcomes(held) == ["done"], f"suspend: {held}")
must(outcomes(order("process.suspend", target)) == ["already"], "suspended again is not 'already'")
back = take_back(held["undo"])
must(back["status"] == 0 and outcomes(back) == ["done"] and any(v["measured"].startswith("0 of") for v in back["result"]["verified"]), f"resume: {back}")
must(outcomes(take_back(held["undo"])) == ["already"], "resumed again is not 'already'")
gone = order("process.stop", target)
must(gone["status"] == 0 and outcomes(gone) == ["done"] and gone["result"]["undo"].startswith("none because"), f"stop: {gone}")
must(outcomes(order("process.stop", target)) == ["already"], "ended again is not 'already'")
must(order("process.stop", {"pid": 4, "start": "133700000000000000"})["status"] == -4, "a process of the system's was not refused")

# ---- what is no order
for params in ({}, {"operation": "x", "action": "A", "target": {}}, {"operation": "process.stop", "action": "../x", "target": {}},
               {"operation": "process.stop", "action": "A"}, {"operation": "process.stop", "action": "A", "target": {"pid": -1}}):
    bad = call("run", params)
    must(bad["status"] in (-1, -2) and bad["sentence"], f"{params}: {bad}")
for records in ([{"do": "value.put"}], [{"v": 2, "do": "value.put"}], [{"v": 1, "do": "rm"}], [{"v": 1, "do": "value.put", "path": "HKLM\\x", "name": "y"}], "x"):
    bad = take_back(records)
    must(bad["status"] < 0, f"{records} were carried out: {bad}")
probe = call("probe", {})
must("startup.remove" in probe["result"]["operations"] and "cron.disable" not in probe["result"]["operations"], f"probe: {probe}")
driver.close()
print(f"{count} calls, {wrong} wrong")
sys.exit(1 if wrong else 0)
