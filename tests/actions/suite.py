"""The cases. Each takes a device, and raises Failed with a sentence where a fact is not so."""
import csv
import hashlib
import io
import json
import time
import traceback
import zipfile

from device import Failed, must, until

FOLDERS = (
    "Autoruns",
    "Installed programs",
    "Network connections",
    "Prefetch files",
    "Processes",
    "Scheduled tasks",
    "Security event log",
    "Services",
    "Windows Server Message Block (SMB) sessions",
    "System Information",
    "Temp Directories",
    "Users and Groups",
    "WdSupportLogs",
)
STATUSES = {"ok", "partial", "absent", "denied", "error"}
CASES = []


def case(sentence):
    def take(run):
        CASES.append((sentence, run))
        return run

    return take


def succeeded(answer, kind):
    code, action, said = answer
    must(action["type"] == kind, f"the action is a {action['type']}, not a {kind}")
    must(action["status"] == "Succeeded" and code == 0, f"{kind} ended as {action['status']} with exit code {code}: {said[-1500:]}")
    return action


def failed(answer, word):
    """It ended, not well, and says why in one sentence."""
    code, action, said = answer
    must(action["status"] == "Failed" and code not in (0, 2), f"it ended as {action['status']} with exit code {code}: {said[-1000:]}")
    must(word in said, f"'{word}' is not said: {said[-1000:]}")
    return action


def without(device, capability, answer):
    """True if the device lacks it, after it has said so."""
    if capability not in device.lacks:
        return False
    failed(answer, capability)
    return True


def evidence(device, action):
    return json.dumps(device.action(action["id"]))


# ---- who it is ----


@case("it is in the list with its system, and connected")
def is_there(device):
    machine = device.machine()
    must(machine["healthStatus"] == "Active", f"its health is {machine['healthStatus']}")
    must(machine["osPlatform"] and machine["lastSeen"], f"it does not say what it is: {machine}")
    must(device.connected(), "it is not connected")


@case("tags are given and taken, and the second time changes nothing")
def tags(device):
    machine = device.machine()["id"]
    for _ in range(2):
        device.ask("tag", "add", machine, "seized")
        must(device.machine()["machineTags"].count("seized") == 1, f"the tags are {device.machine()['machineTags']}")
    device.ask("tag", "remove", machine, "seized")
    must("seized" not in device.machine()["machineTags"], "the tag is still there")


# ---- isolation ----


@case("it is isolated, says so here and there, and is released")
def isolation(device):
    machine = device.machine()["id"]
    succeeded(device.order("isolate", machine), "Isolate")
    must(device.isolation() == "isolated", f"the device itself says {device.isolation()}")
    must(device.connected(), "it has lost its console")
    succeeded(device.order("release", machine), "Unisolate")
    must(device.isolation() == "released", f"the device itself says {device.isolation()}")


@case("an isolation outlives a kill -9 of the agent")
def isolation_outlives(device):
    machine = device.machine()["id"]
    succeeded(device.order("isolate", machine), "Isolate")
    device.stop_agent()
    device.start_agent()
    until(60, "it is connected again", device.connected)
    must(device.isolation() == "isolated", "the isolation is forgotten")
    succeeded(device.order("release", machine), "Unisolate")


@case("an order waits for a device that is off, and is carried out once it is back")
def waits(device):
    machine = device.machine()["id"]
    device.stop_agent()
    until(60, "it is not connected any more", lambda: not device.connected())
    _, action, _ = device.order("isolate", machine, wait=False)
    must(action["status"] == "Pending", f"an order for a device that is off is {action['status']}")
    device.start_agent()
    until(90, "the isolation has ended", lambda: device.action(action["id"])["status"] not in ("Pending", "InProgress"))
    must(device.action(action["id"])["status"] == "Succeeded", f"it ended otherwise: {evidence(device, action)[:1500]}")
    succeeded(device.order("release", machine), "Unisolate")


@case("an order that the network keeps away is carried out once it is mended, and once")
def cut_off(device):
    machine = device.machine()["id"]
    before = {a["id"] for a in device.local_actions()}
    try:
        device.cut()
        until(150, "the console notices", lambda: not device.connected())
        _, action, _ = device.order("isolate", machine, wait=False)
        must(action["status"] == "Pending", f"an order that cannot get there is {action['status']}")
    finally:
        device.mend()
    ended = device.ended(action["id"], 150)
    must(ended["status"] == "Succeeded" and device.isolation() == "isolated", f"it ended otherwise: {evidence(device, action)[:1500]}")
    until(60, "it is connected again", device.connected)
    succeeded(device.order("release", machine), "Unisolate")
    done = [a["kind"] for a in device.local_actions() if a["id"] not in before]
    must(sorted(done) == ["isolate", "release"], f"the device did for these two orders: {done}")


@case("an order that waits is cancelled, and not carried out later")
def cancelled(device):
    machine = device.machine()["id"]
    device.stop_agent()
    until(60, "it is not connected any more", lambda: not device.connected())
    _, action, _ = device.order("isolate", machine, wait=False)
    device.ask("action", "cancel", action["id"], "--comment", "not meant")
    must(device.action(action["id"])["status"] == "Cancelled", f"it is {device.action(action['id'])['status']}")
    device.start_agent()
    until(60, "it is connected again", device.connected)
    must(device.isolation() == "released", "it was carried out all the same")


@case("an action has a report that the command verifies")
def report(device):
    action = next(a for a in device.json("actions")["value"] if a["type"] == "Unisolate" and a["status"] == "Succeeded")
    ours, here = device.fetch("report.json")
    device.ask("action", "report", action["id"], "-o", ours, "--overwrite")
    must(here and action["id"] in open(here(), encoding="utf-8").read(), "the report does not name its action")


# ---- the investigation package ----


def rows(package, name):
    return list(csv.DictReader(io.StringIO(package.read(name).decode("utf-8"))))


def collect(device, *words):
    """The package that the console has, as a ZipFile."""
    machine = device.machine()["id"]
    ours, here = device.fetch("package.zip")
    code, out, err = device.cordon("collect", machine, *words, "--comment", "a test", "--wait", "-o", ours, "--overwrite", timeout=300)
    action = device.last_action()
    must(action["type"] == "CollectInvestigationPackage" and action["status"] == "Succeeded", f"it ended as {action['status']} with exit code {code}: {(out + err)[-1500:]}")
    device.ask("package", "verify", ours)
    return zipfile.ZipFile(here())


@case("a package comes home with every folder, and each file is what the manifest says")
def package(device):
    planted = device.temporary("dropped.bin")
    device.write(planted, b"dropped by a test")
    number = device.start_process()
    with collect(device) as got:
        names = set(got.namelist())
        for folder in FOLDERS:
            must(any(name.startswith(folder + "/") for name in names), f"the package has no folder '{folder}'")
        must("CollectionSummaryReport.xls" in names, "the package has no report")
        items = json.loads(got.read("manifest.json"))["items"]
        for item in items:
            must(item["status"] in STATUSES, f"{item['name']} is {item['status']}")
            must(item["status"] == "ok" or item["error"] or item["status"] == "absent", f"{item['name']} is {item['status']} without a word")
            if item.get("sha256") and item["name"] in names:
                must(hashlib.sha256(got.read(item["name"])).hexdigest() == item["sha256"], f"{item['name']} has another SHA-256")
        temporary = b"".join(got.read(n) for n in names if n.startswith("Temp Directories/") and n.endswith(".csv"))
        must(b"dropped.bin" in temporary and hashlib.sha256(b"dropped by a test").hexdigest().encode() in temporary, "the planted file is not in the package")
        device.processes = rows(got, "Processes/processes.csv")
        must(any(row["pid"] == str(number) for row in device.processes), f"process {number} is not in the package")
    device.victim = number


@case("a package whose agent is killed over it comes home all the same, or the action says that it does not")
def package_killed(device):
    machine = device.machine()["id"]
    # It is quick, and the kill may come too late: then it proves nothing.
    for _ in range(8):
        _, action, _ = device.order("collect", machine, wait=False)
        until(30, "the collecting begins", lambda: device.action(action["id"])["status"] != "Pending")
        device.stop_agent()
        in_time = device.action(action["id"])["status"] == "InProgress"
        device.start_agent()
        ended = device.ended(action["id"], 180)
        said = ended.get("sentence") or ""
        must(ended["status"] == "Succeeded" or (ended["status"] == "Failed" and said), f"it ended as {ended['status']}: {said}")
        until(60, "it is connected again", device.connected)
        if in_time:
            break
    must(in_time, "each package was home before the agent was killed")
    if ended["status"] == "Succeeded":
        ours, here = device.fetch("killed.zip")
        device.ask("collect", "--id", action["id"], "-o", ours, "--overwrite", code=None)
        device.ask("package", "verify", ours)
        must(zipfile.is_zipfile(here()), "what came home is no package")


@case("a package of a list has what the list names, and nothing else")
def package_of_list(device):
    path = device.scratch("named.txt")
    device.write(path, b"named by a list")
    device.write(device.scratch("other.txt"), b"named by nobody")
    items = [{"folder": "Named", "path": path, "why": "a test"}]
    given = device.give("list.json", json.dumps({"name": "actions", "version": 1, "items": items}))
    device.ask("collection", "set", given, "--comment", "a test")
    with collect(device, "--profile", "custom", "--list", "actions") as got:
        contents = {name: got.read(name) for name in got.namelist()}
    must(any(b"named by a list" == content for content in contents.values()), f"the named file is not in the package: {sorted(contents)}")
    must(not any(b"named by nobody" in content for content in contents.values()), "a file that nobody named is in the package")
    must(not any(name.startswith("Processes/") for name in contents), "it has more than the list names")


# ---- remediation ----


@case("a process is suspended, and goes on when that is taken back")
def suspended(device):
    machine = device.machine()["id"]
    words = device.identity(device.victim, device.processes)
    must(not device.held(device.victim), "it was suspended before")
    held = succeeded(device.order("remediate", machine, "process", "suspend", str(device.victim), *words), "Remediate")
    must("verified" in evidence(device, held) and device.runs(device.victim), "the process has ended, or nothing was measured")
    must(device.held(device.victim), "it is told to be suspended, and goes on")
    _, _, said = device.order("remediate", machine, "process", "suspend", str(device.victim), *words)
    must("already" in said, f"the second time is told otherwise: {said[-800:]}")
    succeeded(device.order("undo", held["id"]), "Remediate")
    must(device.runs(device.victim) and not device.held(device.victim), "the process has ended, or does not go on")


@case("a process is ended by its identity, and no other is")
def process(device):
    machine = device.machine()["id"]
    words = device.identity(device.victim, device.processes)
    wrong = list(words)
    at = wrong.index("--start") + 1
    wrong[at] = str(int(wrong[at]) - 1)
    _, action, said = device.order("remediate", machine, "process", "stop", str(device.victim), *wrong)
    must(device.runs(device.victim), f"a process of another start was ended: {said[-600:]}")
    must("was ended" not in said, f"it says that it ended something: {said[-600:]}")
    action = succeeded(device.order("remediate", machine, "process", "stop", str(device.victim), *words), "Remediate")
    until(20, "the process is gone", lambda: not device.runs(device.victim))
    must("verified" in evidence(device, action), "the action does not say what was measured")


@case("a file is taken and given back as it was; the second time is told as what it is")
def quarantine(device):
    machine = device.machine()["id"]
    path = device.scratch("evil tool.bin")
    content = bytes(range(256)) * 700 + b"the end"
    device.write(path, content)
    taken = succeeded(device.order("quarantine", machine, "--path", path), "Remediate")
    must(device.read(path) is None, "the file is still there")
    must(hashlib.sha256(content).hexdigest() in evidence(device, taken), "the action does not name its SHA-256")
    _, _, said = device.order("quarantine", machine, "--path", path)
    must("already" in said, f"the second time is told otherwise: {said[-800:]}")
    succeeded(device.order("restore", taken["id"]), "Remediate")
    must(device.read(path) == content, "what came back are other bytes")
    again = succeeded(device.order("quarantine", machine, "--path", path), "Remediate")
    device.write(path, b"something else by now")
    failed(device.order("undo", again["id"]), "")
    must(device.read(path) == b"something else by now", "an undo has overwritten what is there by now")


@case("a file is found and taken by its SHA-1, and given back")
def by_digest(device):
    machine = device.machine()["id"]
    path = device.temporary("known tool.bin") if device.separator == "\\" else device.scratch("known tool.bin")
    content = b"known by its digest " * 50
    device.write(path, content)
    taken = device.order("quarantine", machine, "--sha1", hashlib.sha1(content).hexdigest())
    must(taken[1]["status"] == "Succeeded" and taken[0] in (0, 7), f"it ended as {taken[1]['status']}: {taken[2][-1200:]}")
    must(device.read(path) is None, f"the file is still there: {taken[2][-1200:]}")
    succeeded(device.order("restore", taken[1]["id"]), "Remediate")
    must(device.read(path) == content, "what came back are other bytes")


@case("a start-up item is removed and comes back")
def startup(device):
    machine = device.machine()["id"]
    path = device.startup_item()
    device.write(path, b"start me")
    removed = succeeded(device.order("remediate", machine, "startup", "remove", path), "Remediate")
    must(device.read(path) is None, "the item is still there")
    succeeded(device.order("undo", removed["id"]), "Remediate")
    must(device.read(path) == b"start me", "what came back is another")


@case("a service is disabled, and starts again when that is taken back")
def service(device):
    name = device.plant_service()
    must(device.service_starts(name), "it would not start before")
    disabled = succeeded(device.order("remediate", device.machine()["id"], "service", "disable", name), "Remediate")
    must(not device.service_starts(name), "it would start still")
    succeeded(device.order("undo", disabled["id"]), "Remediate")
    must(device.service_starts(name), "it would not start any more")


@case("a file that is not there is said to be not there")
def not_there(device):
    failed(device.order("quarantine", device.machine()["id"], "--path", device.scratch("none")), "none")


@case("what was given by a wrong path is refused before it is sent")
def wrong_path(device):
    code, out, err = device.cordon("quarantine", device.machine()["id"], "--path", "relative/path", "--comment", "x")
    must(code == 2 and "absolute" in err, f"it ended with {code}: {(out + err)[-500:]}")


# ---- what it may lack ----


@case("a scan without an engine fails and says what is missing")
def scan(device):
    answer = device.order("scan", device.machine()["id"], "--quick")
    must(without(device, "scan", answer), "the device has an engine")


@case("who did what is in the audit log, and it is intact")
def audit(device):
    device.ask("audit", "verify")


def run(device):
    """All cases in their order; how many do not hold."""
    bad = 0
    for sentence, one in CASES:
        began = time.monotonic()
        try:
            one(device)
            print(f"ok - {sentence} ({time.monotonic() - began:.1f} s)", flush=True)
        except Failed as why:
            bad += 1
            print(f"NOT OK - {sentence}: {why}", flush=True)
        except Exception:  # a bed that broke is told with where it did
            bad += 1
            print(f"NOT OK - {sentence}:\n{traceback.format_exc()}", flush=True)
    print(f"\n{len(CASES) - bad} facts hold, {bad} do not", flush=True)
    return bad
