"""Usage: send.py PREFIX BUILD NATIVE

Packages of a Windows device on their way home to the console of Linux: one of a prefix in which facts were planted, looked up in what the console
hands out; then large ones, of which the way is cut, the channel, the agent or the console is killed in the middle: the upload goes on where it stopped,
and what is fetched is what the device had. PREFIX is made here and removed.
"""
import json
import os
import re
import subprocess
import sys

from bed import HERE, Bed, Failed, Prefix, digest, must, read, run, until, write

COLLECT = "org.cordon.windows.collect"
ZOO = "org.cordon.test.collects"
MANY = 24 * 1024 * 1024  # bytes that do not get smaller
MIDDLE = 9 * 1024 * 1024
UNPROVEN = 7

PLANT = """
here=$1 WINEPREFIX=$2 disk=$2/drive_c work=$3 plant=$4
export WINEPREFIX WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
PATH=$PATH:/usr/lib/wine
set -eu
. "$here/plant.sh"
plant_all >&2
echo planted
read -r end || :
"""


class Planted:
    """The prefix, made by plant.sh; what listens in it ends with this."""

    def __init__(self, path, build, work):
        self.path, self.work = os.path.abspath(path), work
        words = ["sh", "-c", PLANT, "plant", HERE, self.path, work, os.path.join(build, "tests/windows/plugin_plant.exe")]
        self.said = os.path.join(work, "planted")
        with open(self.said, "wb") as out, open(os.path.join(work, "plant.log"), "wb") as err:
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=out, stderr=err)
        try:
            until(240, "the facts are planted", self.is_done)
        except BaseException:
            self.end()
            raise
        self.port = read(os.path.join(work, "port")).split()[0]

    def is_done(self):
        must(self.process.poll() is None, f"nothing was planted: {read(os.path.join(self.work, 'plant.log'))[-800:]}")
        return "planted" in read(self.said)

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        Prefix(self.path, make=False)._script("end", timeout=90)


def spooled(bed):
    folder = os.path.join(bed.agent.place, "state", "spool")
    return [os.path.join(folder, name) for name in os.listdir(folder)]


def stages(bed, action):
    """From which byte the package went home each time that it began to, of how many; of all starts of the agent."""
    log = "".join(read(os.path.join(bed.agent.place, f"log-{i}")) for i in range(1, bed.agent.starts + 1))
    return [(int(a), int(b)) for a, b in re.findall(rf"action={action}: its package goes home, from byte (\d+) of (\d+)", log)]


def facts(bed, planted):
    """The whole way with the real collector, and what was planted."""
    path = bed.console.path("facts.zip")
    done = bed.console.cordon("collect", bed.device, "--comment", "facts", "-o", path, "--timeout", "240", "--json", code=None, timeout=270)
    must(done.code == UNPROVEN, f"collect ended with {done.code}; what Wine lacks makes a package partial: {done.text[-800:]}")
    must(os.stat(path).st_mode & 0o077 == 0, "the package is open for others")
    unpacked = bed.console.path("facts")
    for words in (("verify", path), ("extract", path, "-o", unpacked)):
        told = run([bed.console.programs["cordon"], "package", *words], 60)
        must(told.code == 0, f"package {words[0]} ended with {told.code}: {told.text}")
    manifest = json.loads(read(os.path.join(unpacked, "manifest.json")))
    must(manifest["device"] == bed.device, f"the package is of another device: {manifest['device']}")
    for words in (("whole_zip.py", path, unpacked), ("collect_facts.py", unpacked, planted.port, bed.prefix.drive, manifest["action"])):
        told = run([sys.executable, os.path.join(HERE, words[0]), *words[1:]], 60)
        must(told.code == 0, f"{words[0]}: {told.text[-1500:]}")
    until(30, "the device keeps nothing that has arrived", lambda: not spooled(bed))


def use_zoo(bed):
    bed.agent.kill()
    path = os.path.join(bed.agent.place, "cordond.json")
    config = json.loads(read(path))
    config["providers"]["collect"] = [ZOO]
    config["plugins"]["settings"] = {ZOO: {"does": "much", "bytes": MANY}}
    write(path, json.dumps(config))
    bed.agent.start()
    until(60, "the device is connected", bed.console.connected)


def cut(bed):
    bed.console.relay.cut()
    bed.console.relay.go_on()
    until(60, "the console notices", lambda: not bed.console.connected())
    bed.console.relay.mend()


def kill_channel(bed):
    bed.agent.kill_channel()
    bed.console.relay.go_on()


def kill_agent(bed):
    bed.agent.kill()
    bed.console.relay.go_on()
    bed.agent.start()


def kill_console(bed):
    bed.console.kill("console")
    bed.console.relay.go_on()
    bed.console.start()


def resumes(bed, what):
    """`what` happens in the middle of an upload."""
    relay = bed.console.relay
    path = bed.console.path(f"{what.__name__}.zip")
    relay.hold_after(MIDDLE)
    before = relay.passed
    action = bed.console.cordon("collect", bed.device, "--comment", what.__name__, "--json").json()["id"]
    until(120, "the upload is in the middle", relay.holds)
    kept = spooled(bed)
    must(len(kept) == 1 and kept[0].endswith(f"{action}.zip"), f"the device keeps {kept}")
    was = digest(kept[0])
    size = os.stat(kept[0]).st_size
    what(bed)
    until(120, "the package has arrived, and the device keeps none", lambda: not spooled(bed))
    begun = stages(bed, action)
    must(len(begun) >= 2 and begun[0] == (0, size), f"the upload began {begun}")
    must(0 < begun[-1][0] < size, f"the upload does not go on where it stopped: {begun}")
    sent = relay.passed - before
    must(sent < size + MIDDLE // 2, f"{sent} bytes were sent for a package of {size}")
    done = bed.console.cordon("collect", "--id", action, "-o", path, "--timeout", "60")
    must(digest(path) == was, f"what is fetched is not what the device had: {done.text}")
    os.unlink(path)


def main(prefix, build, native):
    work = subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip()
    planted = Planted(prefix, build, work)
    try:
        plugins = ["plugins/windows/collect/cordon-windows-collect", "tests/plugins/zoo_collects"]
        with Bed(prefix, build, native, tags=["lab"], plugins=plugins, providers={"collect": [COLLECT]}) as bed:
            bed.device = bed.console.device()["id"]
            facts(bed, planted)
            print("windows_send: facts", flush=True)
            use_zoo(bed)
            for what in (cut, kill_channel, kill_agent, kill_console):
                resumes(bed, what)
                print(f"windows_send: {what.__name__}", flush=True)
    finally:
        planted.end()
        subprocess.run(["rm", "-rf", work], check=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:4]))
    except Failed as why:
        print(f"windows_send: {why}")
        sys.exit(1)
