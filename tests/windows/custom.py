"""Usage: custom.py WORK DRIVE LIBRARY DISK OUTSIDE

The profile custom of the collector: what a list names on DISK, its ceilings, and what is never taken. OUTSIDE is a file that a link leads
to. Prints what is wrong.
"""
import csv
import json
import os
import sys

from drive import Driver

work, drive, library, disk, outside = sys.argv[1:6]
wrong = 0
checked = 0
KEY = "-----BEGIN PRIVATE KEY-----\n" + "SECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECRETSECR\n" * 3 + "-----END PRIVATE KEY-----\n"


def must(condition, text):
    global wrong, checked
    checked += 1
    if not condition:
        wrong += 1
        print(text)


def plant(name, text):
    path = os.path.join(disk, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def item(path, folder="F", **more):
    return {"folder": folder, "path": path, "why": "CHG-1", **more}


driver = Driver(work, drive, library, "cordon.collect/1")


class Package:
    def __init__(self, items, keep_out=None):
        params = {"profile": "custom", "action": "8", "device": "dev-1", "list": {"name": "web", "version": 7, "items": items}}
        if keep_out is not None:
            params["keep_out"] = keep_out
        self.folder, end = driver.call("run", params)
        self.status, self.sentence = end["status"], end["sentence"]
        self.manifest = {"items": []}
        if self.status >= 0:
            with open(os.path.join(self.folder, "manifest.json"), encoding="utf-8") as file:
                self.manifest = json.load(file)

    def record(self, source, status, words="", name=None):
        found = [i for i in self.manifest["items"] if i["source"] == source]
        must(any(i["status"] == status and words in (i["error"] or "") and (name is None or i["name"] == name) for i in found),
             f"{source}: not {status} with '{words}' but {[(i['name'], i['status'], i['error']) for i in found]}")

    def text(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace", newline="") as file:
                return file.read()
        except OSError as error:
            must(False, f"{name}: {error}")
            return ""


plant("users/loggedoff/Documents/Notes.txt", "of the user")
plant("users/loggedoff/Documents/Zürich.TXT", "umlaut")
plant("users/loggedoff/Documents/other.doc", "no")
plant("data/0.php", "0")
plant("data/a/1.php", "1")
plant("data/a/b/2.php", "2")
plant("data/long.log", "0123456789")
for number in range(8):
    plant(f"data/many/{number}", "x")
plant("data/keys.txt", "before\n" + KEY + "after\n")
protected = plant("users/loggedoff/AppData/Roaming/Microsoft/Protect/S-1/one", "SECRET")
os.link(protected, os.path.join(disk, "data/hard.txt"))
os.symlink(outside, os.path.join(disk, "data/link.txt"))
os.symlink(os.path.dirname(outside), os.path.join(disk, "data/way"))
plant("ProgramData/AgentState/device.txt", "SECRET")
plant("Windows/System32/config/SAM.bak" if os.path.isdir(os.path.join(disk, "Windows")) else "windows/system32/config/SAM.bak", "SECRET")

USER = "C:\\users\\loggedoff\\"
p = Package([
    item("C:\\Users\\*\\documents\\*.txt", "Docs"),
    item("c:\\users\\loggedoff\\Documents\\Z?RICH.*", "One sign"),
    item("C:\\data\\**\\*.php", "Deep", max_depth=1),
    item("C:\\data\\long.log", "Long", max_bytes=4),
    item("C:\\data\\many\\*", "Many", max_files=3),
    item("C:\\data\\keys.txt", "Keys"),
    item("C:\\nothing\\*.log", "None"),
    item("C:\\data\\nothing.log", "None"),
    item("/etc/passwd", "Linux"),
])
must(p.status == 1, f"the result is {p.status}: {p.sentence}")
must(p.manifest.get("profile") == "custom" and p.manifest.get("list") == "web" and p.manifest.get("list_version") == 7,
     "the manifest is of another list")
must('"CHG-1"' in p.text("collection_list.json"), "the list is not in the package")
notes = "C:\\Users\\loggedoff\\Documents\\Notes.txt"
rows = list(csv.DictReader(p.text("Docs/files.csv").splitlines()))
must([r["path"].lower() for r in rows if r["status"] == "ok"] == sorted(r["path"].lower() for r in rows) and len(rows) == 2,
     f"of two documents there are {rows}")
mine = [r for r in rows if r["path"].endswith("Notes.txt")]
must(mine and mine[0]["size"] == "11" and mine[0]["links"] == "1" and mine[0]["written"].startswith("20"), f"the facts of a file: {mine}")
must(mine and p.text(mine[0]["file"]) == "of the user", "the document is another")
must("Z\u00fcrich.TXT" in p.text("One sign/files.csv"), "a letter that is no ASCII has no case, or is not one sign")
p.record("C:\\data\\0.php", "ok")
p.record("C:\\data\\a\\1.php", "ok")
must(not any("2.php" in i["source"] for i in p.manifest["items"]), "a folder too deep was entered")
p.record("C:\\data\\**\\*.php", "partial", "folders deeper than 1")
p.record("C:\\data\\long.log", "partial", "it has 10 bytes, of which these are the last 4")
must(p.text("Long/C__data_long.log") == "6789", "not the last bytes")
p.record("C:\\data\\many\\*", "partial", "more than 3 files match")
p.record("C:\\data\\keys.txt", "partial", "1 private keys")
must(p.text("Keys/C__data_keys.txt") == "before\n(a private key, which is not taken)\nafter\n", "the key is in the package")
p.record("C:\\nothing\\*.log", "absent", "nothing on this device matches")
p.record("C:\\data\\nothing.log", "absent")
p.record("/etc/passwd", "absent", "another system")

# ---- what is never taken
p = Package([
    item("C:\\data\\*.txt"),
    item("C:\\data\\link.txt", "Link"),
    item("C:\\data\\way\\*", "Way"),
    item("C:\\data\\w*\\out*", "Ways"),
    item(USER + "AppData\\Roaming\\Microsoft\\Protect\\**\\*", "Keys", max_depth=3),
    item("C:\\windows\\SYSTEM32\\Config\\sam*", "SAM"),
    item("c:\\programdata\\AGENTSTATE\\*", "Agent"),
], ["C:\\ProgramData\\AgentState"])
must(p.status == 1, f"the result is {p.status}: {p.sentence}")
p.record("C:\\data\\keys.txt", "partial", "1 private keys")
p.record("C:\\data\\hard.txt", "denied", "other names")
p.record("C:\\data\\link.txt", "denied", "behind a link")
p.record("C:\\data\\way\\*", "denied", "behind a link")
for record in p.manifest["items"]:
    if record["folder"] in ("Keys", "SAM", "Agent") and not record["source"].endswith("*"):
        must(record["status"] == "denied" and "secrets are never taken" in record["error"], f"{record['source']}: {record['status']} {record['error']}")
for folder in ("Keys", "SAM", "Agent"):
    must(any(i["folder"] == folder and i["status"] == "denied" for i in p.manifest["items"]), f"nothing was denied of {folder}")
with open(outside, encoding="utf-8") as file:
    hidden = file.read()
for where, _, names in os.walk(p.folder):
    for name in names:
        with open(os.path.join(where, name), encoding="utf-8", errors="replace") as file:
            content = file.read()
            must("SECRET" not in content and hidden not in content, f"{name} has what is never taken")

# ---- what is no list
for bad in ([], [item("C:\\x:stream")], [item("C:\\a\\..\\b")], [item("C:/x")], [item("\\\\server\\share\\x")], [item("C:\\" + "x\\" * 40 + "y")], [item("x")]):
    p = Package(bad)
    must(p.status == -1, f"{bad}: {p.status} {p.sentence}")

driver.close()
print(f"{checked} facts of lists, {wrong} wrong")
sys.exit(1 if wrong else 0)
