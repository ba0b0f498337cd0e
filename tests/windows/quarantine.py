"""Usage: quarantine.py WORK DRIVE LIBRARY PLANT PREFIX

Files, start-up folders and tasks: each operation of the plugin, its undo, and both again, after a kill at each step too. Files are looked at
where they lie for Linux, not by what the plugin says. Prints what is wrong.
"""
import hashlib
import json
import os
import subprocess
import sys
import threading
import time

from drive import Driver

work, drive, library, plant, prefix = sys.argv[1:6]
disk = os.path.join(prefix, "drive_c")
state = os.path.join(work, "state")
name = f"cordon-quarantine-{os.getpid()}"
place = os.path.join(disk, name)
store = os.path.join(state, "quarantine")
wrong = 0
count = 0
WAIT_S = 120
MIB = 1024 * 1024
OK, PARTIAL, INVALID, UNSUPPORTED, DENIED, NOTFOUND, CONFLICT, IO = 0, 1, -1, -2, -4, -5, -6, -11

os.makedirs(state, exist_ok=True)
os.makedirs(place)
os.environ["DRIVE_CONFIG"] = json.dumps({"state_dir": "Z:" + state.replace("/", "\\")})
driver = Driver(work, drive, library, "cordon.remediate/1")


def must(condition, text):
    global wrong
    if not condition:
        wrong += 1
        print(text)


def at(*parts):
    return "\\".join(["C:", name, *parts])


def wine(words, **environment):
    """Output goes to a file: what Wine starts besides would hold on to a pipe."""
    with open(os.path.join(work, f"said{threading.get_ident()}"), "w+", encoding="utf-8", errors="replace") as file:
        subprocess.run(["wine", *words], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, timeout=WAIT_S, check=False,
                       env={**os.environ, **environment})
        file.seek(0)
        return file.read()


def call(function, params, undo=None, **environment):
    """The document that plugin_drive writes; of a plugin that was killed only the undo records."""
    global count
    count += 1
    if not environment:
        return driver.call(function, params, undo)[1]
    folder = os.path.join(work, f"out{count}")
    os.mkdir(folder)
    with open(os.path.join(work, "params.json"), "w", encoding="utf-8") as file:
        json.dump(params, file)
    words = [drive, library, "cordon.remediate/1", function, "Z:" + folder, "@Z:" + os.path.join(work, "params.json")]
    if undo is not None:
        with open(os.path.join(work, "undo.json"), "w", encoding="utf-8") as file:
            json.dump(undo, file)
        words.append("@Z:" + os.path.join(work, "undo.json"))
    said = wine(words, **environment)
    records = []
    if os.path.exists(folder + ".undo"):
        records = json.load(open(folder + ".undo", encoding="utf-8"))
    try:
        document = json.load(open(folder + ".json", encoding="utf-8"))
    except (OSError, ValueError) as error:
        must("CORDON_FAULT" in environment, f"{function} {params}: {error} {said[-300:]}")
        return {"status": None, "result": None, "undo": records, "sentence": ""}
    must("=kill" not in environment.get("CORDON_FAULT", ""), f"{environment.get('CORDON_FAULT')} was not reached by {params}")
    return document


def order(operation, target, action="A1", **more):
    environment = {k: v for k, v in more.items() if k.isupper()}
    options = {k: v for k, v in more.items() if not k.isupper()}
    return call("run", {"operation": operation, "action": action, "target": target, **options}, **environment)


def take(path, action, **more):
    return order("file.quarantine", {"path": path}, action, **more)


def take_back(records, **environment):
    return call("undo", {"operation": "undo", "action": "U1", "target": {"action": "A1"}}, records, **environment)


def during(point, meanwhile, go):
    """The document of `go`, whose plugin waits at the point until `meanwhile` is over."""
    gate = os.path.join(work, f"gate{count}")
    document = {"status": None, "result": None, "undo": [], "sentence": ""}
    thread = threading.Thread(target=lambda: document.update(go(CORDON_FAULT=f"{point}=stop", CORDON_FAULT_GATE="Z:" + gate)))
    thread.start()
    until = time.monotonic() + 60
    while not os.path.exists(gate) and thread.is_alive() and time.monotonic() < until:
        time.sleep(0.02)
    if os.path.exists(gate):
        meanwhile()
        os.unlink(gate)
    else:
        must(False, f"{point} was not reached")
    thread.join(WAIT_S)
    return document


def outcomes(document):
    return [s["outcome"] for s in (document["result"] or {}).get("steps", [])]


def measured(document, what):
    return next((v["measured"] for v in (document["result"] or {}).get("verified", []) if v["what"] == what), None)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(MIB), b""):
            digest.update(piece)
    return digest.hexdigest()


def snapshot(path):
    """All that Wine keeps of a file. Of an access list it makes a mode, and of that the list, but not there and back for groups and execution."""
    s = os.lstat(path)
    return {"sha256": sha256(path), "mode": oct(s.st_mode & 0o170606), "uid": s.st_uid, "gid": s.st_gid, "mtime": s.st_mtime_ns // 100, "size": s.st_size}


def is_as(path, before):
    return os.path.exists(path) and snapshot(path) == before


def write(file_name, data, mode=0o644, when=1000000000):
    path = os.path.join(place, file_name)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    os.utime(path, ns=(when * 10**9, when * 10**9 + 123456700))
    return path


def containers():
    return sorted(os.listdir(store)) if os.path.isdir(store) else []


def described_path(action):
    path = os.path.join(store, action + ".json")
    return json.load(open(path, encoding="utf-8"))["path"] if os.path.exists(path) else None


def leftovers():
    return [f for f in os.listdir(place) if f.startswith(".cordon-")]


EVIL = b"MZ malware\n" * 1000

# ---- taken, again, given back, again
path = write("evil one.exe", EVIL, 0o755)
before = snapshot(path)
planned = take(at("evil one.exe"), "D1", DRIVE_DRY_RUN="1")
must(planned["status"] == OK and outcomes(planned) == ["planned"] and os.path.exists(path) and not containers(), f"dry run: {planned}")
done = take(at("evil one.exe"), "A1")
must(done["status"] == OK and done["result"]["undo"] == "available", f"quarantine: {done}")
must(outcomes(done) == ["done", "done"], f"quarantine: {done}")
must(not os.path.exists(path), "the file is still there")
must(measured(done, "path") == f"nothing is at '{at('evil one.exe')}'", f"quarantine: the path was not looked at: {done}")
must(containers() == ["A1.data", "A1.json"], f"containers: {containers()}")
sealed = open(os.path.join(store, "A1.data"), "rb").read() if os.path.exists(os.path.join(store, "A1.data")) else b""
must(len(sealed) == len(EVIL) and EVIL[:16] not in sealed, "the bytes in the container are as they were")
described = json.load(open(os.path.join(store, "A1.json"), encoding="utf-8")) if containers() else {"file": {}}
must(described.get("path") == at("evil one.exe") and described.get("sha256") == before["sha256"], f"description: {described}")
must(described["file"].get("sddl", "").startswith("O:"), f"whose it was is not kept: {described}")
must(before["sha256"] in (measured(done, "container") or ""), f"the container was not read back: {done}")
again = take(at("EVIL ONE.exe"), "A2")
must(again["status"] == OK and outcomes(again) == ["already"] and again["undo"] == [], f"again: {again}")
back = take_back(done["undo"])
must(back["status"] == OK and "done" in outcomes(back), f"undo: {back}")
must(os.path.exists(path) and snapshot(path) == before, f"not as it was: {snapshot(path) if os.path.exists(path) else None}, {before}")
must((measured(back, "metadata") or "").startswith("owner, group"), f"what came back was not looked at: {back}")
must(containers() == ["A1.json"] and not leftovers(), f"left over: {containers()} {leftovers()}")
key = json.load(open(os.path.join(store, "A1.json"), encoding="utf-8"))["key"]
must(set(key) == {"0"}, "the key is kept after the file was given back")
must(outcomes(take_back(done["undo"])) == ["already"], "given back again is not 'already'")

# ---- by file.restore, and what is in the way
take(at("evil one.exe"), "A3")
blocker = write("evil one.exe", b"another")
other = order("file.restore", {"action": "A3"}, "R1")
must(other["status"] == CONFLICT and open(blocker, "rb").read() == b"another", f"another's file was overwritten: {other}")
os.unlink(blocker)
back = order("file.restore", {"action": "A3"}, "R1")
must(back["status"] == OK and os.path.exists(path) and snapshot(path) == before, f"restore: {back}")
must(order("file.restore", {"action": "NONE"}, "R1")["status"] == NOTFOUND, "what was never taken was restored")

# ---- digests
bad = order("file.quarantine", {"path": at("evil one.exe"), "sha256": "0" * 64}, "A4")
must(bad["status"] == CONFLICT and bad["undo"] == [] and os.path.exists(path), f"another file was taken: {bad}")
must("A4.data" not in containers() and "A4.json" not in containers(), "a container of what was refused is kept")
good = order("file.quarantine", {"path": at("evil one.exe"), "sha256": before["sha256"].upper()}, "A5")
must(good["status"] == OK and not os.path.exists(path), f"the file that was meant: {good}")
# altered meanwhile
data = os.path.join(store, "A5.data")
whole = open(data, "rb").read()
open(data, "wb").write(b"x" + whole[1:])
bad = take_back(good["undo"])
must(bad["status"] == IO and not os.path.exists(path) and not leftovers(), f"altered bytes came back: {bad}")
bad = take(at("evil one.exe"), "A6")
must(bad["status"] == IO and "not whole" in bad["sentence"], f"'already' of what is not whole: {bad}")
open(data, "wb").write(whole)
must(take_back(good["undo"])["status"] == OK and snapshot(path) == before, "the whole container was not given back")

# ---- what cannot be given back as it was is told: Wine sets no time of creation
take(at("evil one.exe"), "A7")
description = os.path.join(store, "A7.json")
kept = json.load(open(description, encoding="utf-8"))
kept["file"]["created"] = "130000000000000000"
json.dump(kept, open(description, "w", encoding="utf-8"))
back = order("file.restore", {"action": "A7"}, "R2")
must(back["status"] == PARTIAL and measured(back, "metadata") == "it has other times" and "failed" in outcomes(back), f"other times: {back}")
must(snapshot(path) == before and os.path.exists(description), "the file is not back, or what is missing is not on record")

# ---- an owner that cannot be given back costs nothing else
path = write("evil one.exe", EVIL, 0o606)
before = snapshot(path)
take(at("evil one.exe"), "A8")
description = os.path.join(store, "A8.json")
kept = json.load(open(description, encoding="utf-8"))
raw = bytearray.fromhex(kept["file"]["descriptor"])
owner = int.from_bytes(raw[4:8], "little")
last = owner + 4 + 4 * raw[owner + 1]
raw[last:last + 4] = (987654).to_bytes(4, "little")
kept["file"]["descriptor"] = raw.hex()
json.dump(kept, open(description, "w", encoding="utf-8"))
back = order("file.restore", {"action": "A8"}, "R3")
must(back["status"] == PARTIAL and "another owner" in (measured(back, "metadata") or "") and "failed" in outcomes(back), f"another owner: {back}")
must(is_as(path, before), f"the access list did not come back: {before}")


# ---- a description that is not what was meant
def alter():
    document = json.load(open(os.path.join(store, "G1.json"), encoding="utf-8"))
    document["file"]["written"] = str(int(document["file"]["written"]) + 1)
    json.dump(document, open(os.path.join(store, "G1.json"), "w", encoding="utf-8"))


bad = during("remediate.described", alter, lambda **e: take(at("evil one.exe"), "G1", **e))
must(bad["status"] == IO and "read again" in bad["sentence"] and bad["undo"] == [], f"another description: {bad}")
must(is_as(path, before) and not [c for c in containers() if c.startswith("G1")], f"taken with a description of something else: {containers()}")

# ---- while the copy is written nobody moves it or writes to it; whose it is comes last
done = take(at("evil one.exe"), "G2")
copy = os.path.join(place, ".cordon-G2")


def meddle():
    must(os.path.exists(copy), "there is no copy beside the place")
    wine(["cmd", "/c", "move", at(".cordon-G2"), at("moved")])
    wine(["cmd", "/c", "copy", "/y", at("known.txt"), at(".cordon-G2")])
    must(os.path.exists(copy) and not os.path.exists(os.path.join(place, "moved")), "the copy was moved while it was written")


def look():
    must(os.path.exists(path) and os.stat(path).st_mode & 0o006 == 0, "it was its owner's again before it was looked at where it lies")


write("known.txt", b"another")
back = during("remediate.copy", meddle, lambda **e: take_back(done["undo"], **e))
must(back["status"] == OK and is_as(path, before) and not leftovers(), f"meddled with: {back}")
done = take(at("evil one.exe"), "G3")
back = during("remediate.renamed", look, lambda **e: take_back(done["undo"], **e))
must(back["status"] == OK and is_as(path, before), f"looked at: {back}")

# ---- a file that may only be read, and the folder that is gone
path = write("locked.dll", EVIL, 0o444)
before = snapshot(path)
done = take(at("locked.dll"), "B1")
must(done["status"] == OK and not os.path.exists(path), f"read-only: {done}")
must(take_back(done["undo"])["status"] == OK and snapshot(path) == before, "read-only did not come back as it was")
os.mkdir(os.path.join(place, "deep"))
path = write("deep/x.bin", EVIL)
done = take(at("deep", "x.bin"), "B2")
os.rmdir(os.path.join(place, "deep"))
bad = take_back(done["undo"])
must(bad["status"] == NOTFOUND and "folder" in bad["sentence"], f"the folder is gone: {bad}")
os.mkdir(os.path.join(place, "deep"))
must(take_back(done["undo"])["status"] == OK and os.path.exists(path), "not given back after the folder was made again")

# ---- an empty one, and letters of no code page
for file_name in ("empty", "böse файл 悪.exe"):
    path = write(file_name, b"" if file_name == "empty" else EVIL)
    before = snapshot(path)
    done = take(at(file_name), "C1")
    must(done["status"] == OK and not os.path.exists(path), f"{file_name}: {done}")
    must(take_back(done["undo"])["status"] == OK and os.path.exists(path) and snapshot(path) == before, f"{file_name} did not come back")

# ---- a large one
path = os.path.join(place, "large.bin")
with open(path, "wb") as file:
    for i in range(150):
        file.write(hashlib.sha256(str(i).encode()).digest() * (MIB // 32))
before = snapshot(path)
done = take(at("large.bin"), "L1")
must(done["status"] == OK and not os.path.exists(path), f"150 MiB: {done}")
back = take_back(done["undo"])
must(back["status"] == OK and os.path.exists(path) and snapshot(path) == before, f"150 MiB did not come back: {back}")
os.unlink(path)

# ---- what is no plain file by its own path
secret = os.path.join(work, "secret")
open(secret, "w", encoding="utf-8").write("of this machine")
os.symlink(secret, os.path.join(place, "way_out"))
os.symlink(place, os.path.join(disk, name + "-link"))
write("evil.exe", EVIL)
for target in (at("way_out"), f"C:\\{name}-link\\evil.exe", at("deep"), "Z:\\dev\\null"):
    bad = take(target, "N1")
    must(bad["status"] in (INVALID, DENIED) and bad["undo"] == [], f"{target} was taken: {bad}")
os.unlink(os.path.join(disk, name + "-link"))
must(os.path.exists(secret) and os.path.exists(os.path.join(place, "evil.exe")), "what a link leads to was removed")
for target in ("evil.exe", "C:evil.exe", "\\\\server\\share\\x", "C:\\a\\..\\b", "C:\\", at("evil.exe") + ":stream", "/etc/passwd", "\\\\?\\C:\\x", ""):
    bad = take(target, "N2")
    must(bad["status"] == INVALID and bad["sentence"], f"{target} was taken for a path: {bad}")
must(take(at("nothing"), "N3")["status"] == NOTFOUND, "what is not there was taken")

# ---- hard links keep the bytes
os.link(os.path.join(place, "evil.exe"), os.path.join(place, "second name"))
done = take(at("evil.exe"), "H1")
must(done["status"] == PARTIAL and "left" in outcomes(done), f"hard links: {done}")
must((measured(done, "other names") or "").startswith("1, of which 0 were found; that they are listed is unsupported here"), f"hard links: {done}")
must(take_back(done["undo"])["status"] == OK, "a file with hard links did not come back")
os.unlink(os.path.join(place, "second name"))

# ---- what is Windows', and the agent's own
system = os.path.join(disk, "windows/system32", name + ".dll")
open(system, "wb").write(EVIL)
bad = take(f"C:\\windows\\system32\\{name}.dll", "W1")
must(bad["status"] == DENIED and "force" in bad["sentence"] and os.path.exists(system), f"a part of Windows was taken: {bad}")
done = take(f"C:\\windows\\system32\\{name}.dll", "W1", force=True)
must(done["status"] == OK and not os.path.exists(system), f"forced: {done}")
must(take_back(done["undo"])["status"] == OK and os.path.exists(system), "what was forced did not come back")
os.unlink(system)
bad = take("Z:" + os.path.join(store, "A1.json").replace("/", "\\"), "W2", force=True)
must(bad["status"] == DENIED and "own" in bad["sentence"], f"the agent's own was taken: {bad}")


# ---- what runs
def run_planted(program, how="stay"):
    stay, port = os.path.join(work, f"stay{count}"), os.path.join(work, f"port{count}")
    os.mkfifo(stay)
    with open(port, "w", encoding="utf-8") as out:
        process = subprocess.Popen(["sh", "-c", 'exec wine "$1" - "$3" <"$2"', "sh", program, stay, how], stdout=out, stderr=subprocess.DEVNULL)
    hold = open(stay, "w", encoding="utf-8")
    until = time.monotonic() + 60
    while not open(port, encoding="utf-8").read().endswith("\n"):
        if time.monotonic() > until or process.poll() is not None:
            must(False, "the process was not planted")
            break
        time.sleep(0.05)
    return process, hold


program = os.path.join(place, "runs.exe")
with open(plant, "rb") as file:
    write("runs.exe", file.read(), 0o755)
before = snapshot(program)
planted, hold = run_planted(program)
bad = take(at("runs.exe"), "P1")
must(bad["status"] == CONFLICT and "stop" in bad["sentence"] and outcomes(bad) == ["left"], f"a file that runs: {bad}")
must(os.path.exists(program) and planted.poll() is None and "P1.json" not in containers(), "a file that runs was touched")
bad = order("file.quarantine", {"path": at("runs.exe"), "sha256": "0" * 64}, "P2", stop=True)
must(bad["status"] == CONFLICT and planted.poll() is None, f"a process was ended for a file that is another: {bad}")
done = take(at("runs.exe"), "P3", stop=True)
must(done["status"] == OK and not os.path.exists(program), f"stop: {done}")
try:
    planted.wait(20)
except subprocess.TimeoutExpired:
    must(False, "the process runs still")
    planted.kill()
hold.close()
must(take_back(done["undo"])["status"] == OK and snapshot(program) == before, "the program did not come back")

# ---- what runs and lets nobody open its file
planted, hold = run_planted(program, "held")
for more in ({}, {"stop": True, "DRIVE_DRY_RUN": "1"}):
    bad = take(at("runs.exe"), "P4", **more)
    must(bad["status"] == CONFLICT and "held open" in bad["sentence"] and bad["undo"] == [] and planted.poll() is None, f"a file that is held: {bad}")
bad = order("file.quarantine", {"path": at("runs.exe"), "sha256": before["sha256"]}, "P5", stop=True)
must(bad["status"] == CONFLICT and planted.poll() is None, f"a process was ended for a file whose bytes cannot be read: {bad}")
done = take(at("runs.exe"), "P6", stop=True)
must(done["status"] == OK and not os.path.exists(program), f"a file that is held, with stop: {done}")
try:
    planted.wait(20)
except subprocess.TimeoutExpired:
    must(False, "the process that holds its file runs still")
    planted.kill()
hold.close()
must(take_back(done["undo"])["status"] == OK and snapshot(program) == before, "a program that was held did not come back")
# another in its place, once who ran it has ended
planted, hold = run_planted(program, "held")
aside = write("aside.exe", EVIL)
bad = during("remediate.ended", lambda: os.rename(aside, program), lambda **e: take(at("runs.exe"), "P8", stop=True, **e))
must(bad["status"] == CONFLICT and "another file" in bad["sentence"] and bad["undo"] == [], f"another file was taken: {bad}")
must(os.path.exists(program) and sha256(program) == hashlib.sha256(EVIL).hexdigest(), "what was put in its place is gone")
try:
    planted.wait(20)
except subprocess.TimeoutExpired:
    must(False, "the process that holds its file runs still")
    planted.kill()
hold.close()
with open(plant, "rb") as file:
    write("runs.exe", file.read(), 0o755)

# of those that run it nobody is ended if one must be left alone: here one that runs from the plugin's own folder
linked = os.path.join(place, "linked.exe")
os.link(plant, linked)
own, own_hold = run_planted(plant)
count += 1
for how in ("stay", "held"):
    planted, hold = run_planted(linked, how)
    count += 1
    bad = take(at("linked.exe"), "P9", stop=True)
    must(bad["status"] == DENIED and "the agent's own" in bad["sentence"] and "done" not in outcomes(bad), f"{how}: the agent's own runs it: {bad}")
    must(planted.poll() is None and own.poll() is None and os.path.exists(linked), f"{how}: a process was ended for a file that is left")
    hold.close()
    planted.wait(20)
own_hold.close()
own.wait(20)
os.unlink(linked)

# ---- a short name is as good as the long one, but for protection
os.makedirs(os.path.join(place, "a long folder name"), exist_ok=True)
path = write("a long folder name/x.exe", EVIL)
bad = take(at("a long folder name", "x.exe").upper(), "P7")
must(bad["status"] == OK and described_path("P7") == at("a long folder name", "x.exe"), f"the real name is not kept: {bad} {described_path('P7')}")
must(take_back(bad["undo"])["status"] == OK and os.path.exists(path), "a file that was named otherwise did not come back")

# ---- by its SHA-1, among what runs and in the places
sha1 = hashlib.sha1(open(program, "rb").read()).hexdigest()
user = next(u for u in sorted(os.listdir(os.path.join(disk, "users"))) if u != "Public")
# Wine's Downloads is a link to that of whoever runs this.
copies = [os.path.join(disk, "users", user, "AppData/Local/Temp/deep er", name + " copy.exe"), os.path.join(disk, "windows/Temp", name + ".tmp")]
for copy in copies:
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    with open(program, "rb") as source, open(copy, "wb") as to:
        to.write(source.read())
planted, hold = run_planted(program)
known = write("known.exe", open(program, "rb").read())
found = order("file.find_quarantine", {"sha1": sha1.upper()}, "F1", known=[at("known.exe"), at("no such")])
must(found["status"] in (OK, PARTIAL) and found["result"]["undo"] == "available", f"find: {found}")
for file in (program, known, *copies):
    must(not os.path.exists(file), f"{file} was not found: {found}")
must("known findings" in (measured(found, "looked at") or ""), f"find does not say where it looked: {found}")
try:
    planted.wait(20)
except subprocess.TimeoutExpired:
    must(False, "the process runs still after it was found")
    planted.kill()
hold.close()
back = take_back(found["undo"])
must(back["status"] == OK and all(os.path.exists(f) for f in (program, known, *copies)), f"found files did not come back: {back}")
for copy in copies:
    os.unlink(copy)
os.rmdir(os.path.dirname(copies[0]))
none = order("file.find_quarantine", {"sha1": "0" * 40}, "F2")
must(none["status"] == NOTFOUND and "not found in" in none["sentence"] and none["undo"] == [], f"find of nothing: {none}")

# ---- the same order again, as after a kill, counts anew and keeps what it took before
one, two = os.path.join(disk, "windows/Temp", name + " one.tmp"), os.path.join(disk, "windows/Temp", name + " two.tmp")
found = []
for file in (one, two):
    with open(file, "wb") as to:
        to.write(name.encode() * 100)
    found.append(order("file.find_quarantine", {"sha1": hashlib.sha1(name.encode() * 100).hexdigest()}, "F3"))
    must(found[-1]["status"] in (OK, PARTIAL) and not os.path.exists(file), f"find, the same order: {found[-1]}")
back = take_back(found[0]["undo"] + found[1]["undo"])
must(back["status"] == OK and os.path.exists(one) and os.path.exists(two), f"what the same order took twice did not come back: {back}")
os.unlink(one)
os.unlink(two)

# ---- start-up folders
folder = os.path.join(disk, "users", user, "AppData/Roaming/Microsoft/Windows/Start Menu/Programs/StartUp")
os.makedirs(folder, exist_ok=True)
item = os.path.join(folder, name + ".lnk")
open(item, "wb").write(b"a link")
windows_path = "C:\\" + os.path.relpath(item, disk).replace("/", "\\")
done = order("startup.remove", {"path": windows_path}, "S1")
must(done["status"] == OK and not os.path.exists(item), f"startup.remove: {done}")
back = order("startup.restore", {"path": windows_path}, "S2")
must(back["status"] == OK and os.path.exists(item), f"startup.restore: {back}")
done = order("startup.remove", {"path": windows_path}, "S3")
must(take_back(done["undo"])["status"] == OK and os.path.exists(item), "a start-up item did not come back")
os.unlink(item)
bad = order("startup.remove", {"path": at("evil.exe")}, "S4")
must(bad["status"] == INVALID and os.path.exists(os.path.join(place, "evil.exe")), f"no start-up item: {bad}")
key = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run"
must(order("startup.restore", {"path": key, "name": "x"}, "S5")["status"] == UNSUPPORTED, "a value was restored by its path")

# ---- tasks: Wine's service has no switch, and that is what is said
for target in ({"name": "NoPath"}, {"name": ""}, {}):
    bad = order("task.disable", target, "T1")
    must(bad["status"] == INVALID and bad["sentence"], f"{target}: {bad}")
tasks = next((t for t in (os.path.join(disk, "windows/system32", d) for d in ("tasks", "Tasks")) if os.path.isdir(t)), "")
if tasks:
    os.makedirs(os.path.join(tasks, name))
    xml = ('<?xml version="1.0" encoding="UTF-16"?><Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"><Triggers></Triggers>'
           "<Settings><Enabled>true</Enabled></Settings><Actions><Exec><Command>C:\\evil.exe</Command></Exec></Actions></Task>")
    with open(os.path.join(tasks, name, "one"), "wb") as file:
        file.write(b"\xff\xfe" + xml.encode("utf-16-le"))
    off = order("task.disable", {"name": f"\\{name}\\one"}, "T0")
    must(off["status"] == UNSUPPORTED and "unsupported here" in off["sentence"] and measured(off, "enabled") == "yes", f"task.disable: {off}")
    must(outcomes(take_back(off["undo"])) == ["already"], "a task that was not switched was taken back")
    must(outcomes(order("task.enable", {"name": f"\\{name}\\one"}, "T0")) == ["already"], "a task that is on was switched on")
    os.unlink(os.path.join(tasks, name, "one"))
    os.rmdir(os.path.join(tasks, name))
must(tasks, "the prefix has no folder of tasks")
gone = order("task.disable", {"name": "\\Cordon\\NoSuchTask"}, "T2")
must(gone["status"] == NOTFOUND and gone["undo"] == [], f"a task that is not there: {gone}")

# ---- what runs from the agent's folder, here that of plugin_drive
planted, hold = run_planted(plant)
pid, start = open(os.path.join(work, f"port{count}"), encoding="utf-8").read().split()[1:3]
for operation in ("process.stop", "process.suspend"):
    bad = order(operation, {"pid": int(pid), "start": start}, "X0")
    must(bad["status"] == DENIED and "agent's own" in bad["sentence"] and bad["undo"] == [] and planted.poll() is None, f"{operation} of the agent's own: {bad}")
hold.close()
planted.wait(20)

# ---- who started the plugin host, and what else that started
above = write("above.exe", open(plant, "rb").read(), 0o755)
said = os.path.join(work, "above")
under = Driver(work, drive, library, "cordon.remediate/1", [above, "-", "above", "Z:" + said])
must(under.call("probe", {})[1]["status"] == OK, "no plugin below another program")
for which, line in zip(("the parent", "its other child"), open(said, encoding="ascii").read().splitlines()):
    pid, start = line.split()
    bad = under.call("run", {"operation": "process.stop", "action": "X2", "target": {"pid": int(pid), "start": start}})[1]
    must(bad["status"] == DENIED and "agent's own" in bad["sentence"], f"{which} was ended: {bad}")
under.close()

# ---- processes as another system has them
bad = order("process.stop", {"pid": 12, "start": 345, "boot": "b"}, "X1")
must(bad["status"] == INVALID and "1601" in bad["sentence"], f"ticks were taken for a moment: {bad}")

# ---- the same order again, by when another file is at the path
first = write("twice.exe", b"the first")
must(take(at("twice.exe"), "T1")["status"] == OK, "the first was not taken")
write("twice.exe", b"the second")
bad = take(at("twice.exe"), "T1")
must(bad["status"] == CONFLICT and "container T1 keeps" in bad["sentence"] and open(first, "rb").read() == b"the second", f"sealed over: {bad}")
os.unlink(first)
must(order("file.restore", {"action": "T1"}, "T2")["status"] == OK and open(first, "rb").read() == b"the first", "the first did not come back")

# ---- a kill at each step: taken back by the records alone, or ordered again and then taken back
evil = os.path.join(place, "evil.exe")
os.chmod(evil, 0o444)
before = snapshot(evil)
DOING = ["remediate.data", "remediate.sealed", "remediate.noted", "remediate.unlinked", "remediate.kept"]
UNDOING = ["remediate.copy", "remediate.restoring", "remediate.renamed", "remediate.placed", "remediate.spent"]


def same(when):
    must(os.path.exists(evil) and snapshot(evil) == before and not leftovers(), f"{when}: {leftovers()} {snapshot(evil) if os.path.exists(evil) else 'gone'}")


for i, point in enumerate(DOING):
    killed = take(at("evil.exe"), f"K{i}", CORDON_FAULT=f"{point}=kill")
    for _ in range(2):
        back = take_back(killed["undo"])
        must(back["status"] == OK, f"undo after {point}: {back}")
        same(f"undone after a kill at {point}")
    killed = take(at("evil.exe"), f"M{i}", CORDON_FAULT=f"{point}=kill")
    second = take(at("evil.exe"), f"O{i}")
    must(second["status"] == OK and not os.path.exists(evil), f"again after {point}: {second}")
    must(take_back(second["undo"])["status"] == OK and take_back(killed["undo"])["status"] == OK, f"both undone after {point}")
    same(f"done again and undone after a kill at {point}")
for i, point in enumerate(UNDOING):
    done = take(at("evil.exe"), f"V{i}")
    take_back(done["undo"], CORDON_FAULT=f"{point}=kill")
    back = take_back(done["undo"])
    must(back["status"] == OK, f"undone again after {point}: {back}")
    same(f"undone again after a kill at {point}")
must(not [c for c in containers() if c.endswith((".data", ".new"))], f"bytes are left in the containers: {containers()}")

driver.close()
print(f"{count} calls, {wrong} wrong")
sys.exit(1 if wrong else 0)
