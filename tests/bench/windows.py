#!/usr/bin/env python3
"""The benchmarks' part about the agent for Windows, under Wine, with the console of Linux. Prints raw numbers, a line each; tests/bench/run.sh makes tables
of them.

    windows.py SOURCE BUILD NATIVE RUNS SECONDS   of a build of the preset `windows`, stripped as the installer has it, and of the console of NATIVE:

`start_ms N`, from the start of cordond.exe until it takes orders, RUNS times; `wine_kb N`, the private memory of a program for Windows that only waits, as Linux
counts it: what Wine itself has in each; `agent_kb N` and `channel_kb N`, of the two processes of an agent that is enrolled, connected and does nothing, likewise;
`cpu_ms N`, of both, in SECONDS of doing nothing; `package_ms N`, `cordon.exe local collect`, RUNS times; `home_ms N`, `cordon collect` at the console until the
package is there and verified, RUNS times; `package_bytes N`; `package_files N`; `program_bytes N`, of cordond.exe; `msi_bytes N`.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "windows"))
import bed  # noqa: E402
from bed import Failed, must, read, run, until  # noqa: E402

PROGRAMS = ("core/agent/cordond", "core/host/cordon-plugin-host", "core/channel/cordon-channel", "core/ctl/cordon")
COLLECT = "plugins/windows/collect/cordon-windows-collect"


def stripped(build, to):
    """What of the build is shipped, as it is shipped."""
    for name in [program + ".exe" for program in PROGRAMS] + [COLLECT + ".dll", COLLECT + ".json"]:
        target = os.path.join(to, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(os.path.join(build, name), target)
        if not name.endswith(".json"):
            subprocess.run(["x86_64-w64-mingw32-strip", target], check=True)
    return to


def private_kb(pid):
    return sum(int(kb) for kb in re.findall(r"^Private_\w+:\s+(\d+) kB", read(f"/proc/{pid}/smaps_rollup"), re.M))


def cpu_ms(pids):
    ticks = [read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in ticks) * 1000 // os.sysconf("SC_CLK_TCK")


def timed(name, what):
    began = time.monotonic()
    what()
    print(f"{name} {(time.monotonic() - began) * 1000:.0f}", flush=True)


def waiting_program(prefix, build, work):
    """The memory of a program that only waits."""
    said = os.path.join(work, "said")
    with open(said, "wb") as out:
        words = prefix.words(os.path.join(build, "tests/windows/plugin_plant.exe"), "C:\\users\\Public", "stay")
        idle = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL)
    try:
        until(60, "a program that waits", lambda: read(said).strip())
        print(f"wine_kb {private_kb(idle.pid)}", flush=True)
    finally:
        idle.stdin.close()
        idle.wait(20)


def starts(agent, runs):
    for _ in range(runs):
        agent.kill()
        timed("start_ms", agent.start)


def idles(agent, seconds):
    pids = [agent.process.pid, *agent.channels()]
    must(len(pids) == 2, f"the agent is {len(pids)} processes")
    before = cpu_ms(pids)
    time.sleep(seconds)
    print(f"cpu_ms {cpu_ms(pids) - before}")
    for name, pid in zip(("agent_kb", "channel_kb"), pids):
        print(f"{name} {private_kb(pid)}", flush=True)


def packages(console, agent, device, runs):
    out = os.path.join(agent.place, "package.zip")
    home = console.path("package.zip")
    for _ in range(runs):
        timed("package_ms", lambda: agent.local("collect", "-o", agent.at("package.zip"), "--overwrite", code=None, timeout=300))
        must(os.path.exists(out), "there is no package")
    for _ in range(runs):
        words = ("collect", device, "--comment", "bench", "-o", home, "--overwrite", "--timeout", "240")
        timed("home_ms", lambda: console.cordon(*words, code=None, timeout=270))
        must(os.path.exists(home), "there is no package at the console")
    print(f"package_bytes {os.stat(out).st_size}")
    print(f"package_files {len(zipfile.ZipFile(out).namelist())}", flush=True)


def installer(source, build, work):
    out = os.path.join(work, "cordon.msi")
    done = run(["sh", os.path.join(source, "packaging/msi/build.sh"), "--with-kill-points", build, out], 180)
    must(done.code == 0, f"the installer could not be built: {done.text[-500:]}")
    print(f"msi_bytes {os.stat(out).st_size}")


def measure(source, build, native, runs, seconds, work):
    bed.PAUSE_S = 0.01
    shipped = stripped(build, os.path.join(work, "build"))
    parts = {"plugins": [COLLECT], "providers": {"collect": ["org.cordon.windows.collect"]}}
    with bed.Bed(os.path.join(work, "wine"), shipped, native, make=True, **parts) as one:
        waiting_program(one.prefix, build, work)
        starts(one.agent, runs)
        until(60, "the device is connected", one.console.connected)
        idles(one.agent, seconds)
        packages(one.console, one.agent, one.console.device()["id"], runs)
    print(f"program_bytes {os.stat(os.path.join(shipped, 'core/agent/cordond.exe')).st_size}")
    installer(source, build, work)


def main(source, build, native, runs, seconds):
    with tempfile.TemporaryDirectory(prefix="cordon-bench.", dir="/var/tmp") as work:
        measure(source, build, native, int(runs), int(seconds), work)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:6]))
    except Failed as why:
        print(f"windows.py: {why}", file=sys.stderr)
        sys.exit(1)
