#!/usr/bin/env python3
"""A scan beside that of the engine's own client: scan.py BUILD [PAIRS [FILES]]. Prints raw numbers, a line each.

The same FILES (10000), copies of this machine's own, for both; `clamdscan --multiscan --fdpass` and ours alternate, PAIRS (5) times, with no
share of the processors held back and clamd's memory of clean files off: `ours MS`, `theirs MS` and `ratio N` of the pair. Then
`first MS`: from the command to the first percent, and `cancel MS`: from Ctrl-C to the end of the action, after which `after CPU_MS` is what
clamd still works within a second.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scan"))
from bed import Bed, until

build = sys.argv[1]
pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
count = int(sys.argv[3]) if len(sys.argv) > 3 else 10000
SIZE_MAX = 4 * 1024 * 1024


def plant(bed):
    made = 0
    total = 0
    for folder in ("/usr/lib", "/usr/share", "/usr/include", "/usr/bin"):
        for at, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(files):
                path = os.path.join(at, name)
                if made == count:
                    return total
                if os.path.islink(path) or not os.path.isfile(path) or not 0 < os.path.getsize(path) <= SIZE_MAX:
                    continue
                to = bed.data / "tree" / str(made % 100) / str(made)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, to)
                total += os.path.getsize(path)
                made += 1
    return total


def ours(bed):
    began = time.monotonic()
    action, _ = bed.agent.scan("--path", str(bed.data / "tree"), "--cpu", "100", timeout=600)
    took = time.monotonic() - began
    scan = action["result"]["scan"]
    assert scan["complete"] and scan["files_scanned"] == count, scan
    return took


def theirs(bed):
    began = time.monotonic()
    done = subprocess.run(["clamdscan", "-c", str(bed.clamd.conf), "--multiscan", "--fdpass", "--quiet", str(bed.data / "tree")],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert done.returncode == 0, done.returncode
    return time.monotonic() - began


def begin(bed):
    """The scan's process, the moment it began and that of its first percent."""
    began = time.monotonic()
    p = bed.agent.begin_scan("--path", str(bed.data / "tree"), "--cpu", "100")
    for line in p.stderr:
        event = json.loads(line)
        if event.get("step") == "scan" and event.get("total", 0) > 0:
            return p, began, time.monotonic()
    raise AssertionError("no percent came")


with Bed(build, conf={"DisableCache": "yes", "ExitOnOOM": "no"}) as bed:
    print("bytes", plant(bed), flush=True)
    bed.clamd.start()
    bed.agent.start()
    theirs(bed)  # so that all is in memory
    for _ in range(pairs):
        mine, other = ours(bed), theirs(bed)
        print(f"ours {mine * 1000:.0f}\ntheirs {other * 1000:.0f}\nratio {mine / other:.3f}", flush=True)
    p, began, first = begin(bed)
    print(f"first {(first - began) * 1000:.0f}", flush=True)
    time.sleep(0.5)
    stopped = time.monotonic()
    p.send_signal(signal.SIGINT)
    until("it has ended", bed.agent.cancelled, 20)
    print(f"cancel {(time.monotonic() - stopped) * 1000:.0f}", flush=True)
    before = bed.clamd.cpu_s()
    time.sleep(1)
    print(f"after {(bed.clamd.cpu_s() - before) * 1000:.0f}", flush=True)
    p.communicate(timeout=20)
