"""Usage: check_package.py FOLDER

Is a package that was written into a folder whole: every file of the manifest is there with its hash and size, no other is; every table is
CSV by RFC 4180 with as many fields in every row; the report is XML with a row for each item; no field begins as a formula does.
Prints what is wrong.
"""
import csv
import hashlib
import json
import os
import sys
import xml.etree.ElementTree as xml

folder = sys.argv[1]
wrong = 0
FOLDERS = ["Autoruns", "Installed programs", "Network connections", "Prefetch files", "Processes", "Scheduled tasks", "Security event log",
           "Services", "Windows Server Message Block (SMB) sessions", "System Information", "Temp Directories", "Users and Groups",
           "WdSupportLogs"]


def complain(text):
    global wrong
    wrong += 1
    print(text)


def is_number(text):
    return text.lstrip("-").isdigit()


def check_table(name, path):
    with open(path, "rb") as file:
        data = file.read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        complain(f"{name}: no UTF-8: {error}")
        return
    if text and not text.endswith("\r\n"):
        complain(f"{name}: its last row has no end")
    rows = list(csv.reader(text.splitlines(keepends=True), strict=True))
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            complain(f"{name}: row {i + 1} has {len(row)} fields, the header has {len(rows[0])}")
            break
        for field in row:
            if field[:1] in ("=", "+", "-", "@", "\t", "\r") and not is_number(field):
                complain(f"{name}: row {i + 1}: a formula: {field[:40]!r}")
                break


manifest = json.load(open(os.path.join(folder, "manifest.json"), encoding="utf-8"))
if manifest["format"] != "cordon-package/1":
    complain("the format is another one")
named = {"manifest.json"}
for item in manifest["items"]:
    if set(item) != {"name", "folder", "item", "source", "start", "ms", "bytes", "sha256", "status", "error", "cap"}:
        complain(f"{item}: other members than it has to have")
    if item["status"] not in ("ok", "partial", "denied", "absent", "error"):
        complain(f"{item}: no such status")
    if item["status"] != "ok" and not item["error"]:
        complain(f"{item['name']}: {item['status']} without a sentence")
    if not item["name"]:
        continue
    if item["name"] in named:
        complain(f"{item['name']}: twice")
    named.add(item["name"])
    path = os.path.join(folder, item["name"])
    with open(path, "rb") as file:
        data = file.read()
    if len(data) != item["bytes"] or hashlib.sha256(data).hexdigest() != item["sha256"]:
        complain(f"{item['name']}: it is not what the manifest says")
    if path.endswith(".csv"):
        check_table(item["name"], path)
found = {os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names}
for name in sorted(found ^ named):
    complain(f"{name}: only in the {'folder' if name in found else 'manifest'}")
for name in FOLDERS:
    if not os.path.isdir(os.path.join(folder, name)):
        complain(f"there is no folder {name}")

sheet = "{urn:schemas-microsoft-com:office:spreadsheet}"
tree = xml.parse(os.path.join(folder, "CollectionSummaryReport.xls")).getroot()
tables = tree.findall(f"{sheet}Worksheet/{sheet}Table")
rows = tables[1].findall(f"{sheet}Row")
if len(rows) != len(manifest["items"]):
    complain(f"the report has {len(rows)} rows, header included, for {len(manifest['items'])} items, itself included")
for row in rows:
    if len(row.findall(f"{sheet}Cell")) != 12:
        complain("a row of the report has not 12 cells")
print(f"{len(named)} files, {wrong} wrong")
sys.exit(1 if wrong else 0)
