"""Usage: remediate_chain.py PREFIX BUILD NATIVE

Remediations of a Windows device by orders of the console, each taken back by another: what is on its disk and in its registry is looked at for
Linux, and what the console says of it must agree. One is killed in the middle, one undone after the agent was started anew.
"""
import hashlib
import os
import subprocess
import sys

from bed import Bed, Failed, must, read, run, until

PLUGIN = "org.cordon.windows.remediate"
KEY = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run"
EVIL = b"MZ malware of a fleet\n" * 500


def sha1(data):
    return hashlib.sha1(data).hexdigest()


class Place:
    """A folder of the device, and what was planted there."""

    def __init__(self, bed):
        self.name = f"remediate-chain-{os.getpid()}"
        self.path = os.path.join(bed.prefix.drive, self.name)
        os.makedirs(self.path)

    def at(self, name):
        return f"C:\\{self.name}\\{name}"

    def write(self, name, data=EVIL):
        path = os.path.join(self.path, name)
        with open(path, "wb") as file:
            file.write(data)
        os.utime(path, (981173106, 981173106))
        return path


def same(path, data=EVIL):
    if not os.path.exists(path):
        return False
    with open(path, "rb") as file:
        return file.read() == data and os.stat(path).st_mtime == 981173106


def last(bed):
    return bed.console.cordon("actions", "--json", "--limit", "1").json()["value"][0]


def does(bed, *words, code=0):
    """An order and its end; its action."""
    done = bed.console.order(*words)
    must(done.code == code, f"cordon {' '.join(words)} ended with {done.code}: {done.text[-1500:]}")
    return done, last(bed)["id"]


def fails(bed, *words):
    """An order that the device refuses; what is said of it."""
    done = bed.console.order(*words)
    must(done.code not in (0, 2) and "Failed" in done.text, f"cordon {' '.join(words)} ended with {done.code}: {done.text[-1500:]}")
    return done


def undone(bed, action, verb="undo"):
    return does(bed, verb, action)[0]


def files(bed):
    path = bed.place.write("evil one.exe")
    done, action = does(bed, "quarantine", bed.device, "--path", bed.place.at("evil one.exe"))
    done.says("Undo        available").says("nothing is at")
    must(not os.path.exists(path), "the file is there still")
    bed.agent.kill()
    bed.agent.start()
    until(60, "the device is connected again", bed.console.connected)
    undone(bed, action, "restore").says("is at its place again")
    must(same(path), "the file is not as it was")
    done = fails(bed, "quarantine", bed.device, "--path", "/etc/passwd")
    done.says("no absolute path of a file on a disk of this device")
    must(os.path.exists("/etc/passwd"), "a file of Linux is gone")
    done = bed.console.order("quarantine", bed.device, "--path", "evil one.exe")
    must(done.code == 2 and "--path must be absolute" in done.err, f"a path that is none was ordered: {done.text}")


def killed(bed):
    """The plugin's process ends between its steps: what is on record by then is enough."""
    path = bed.place.write("cut short.exe")
    for point in ("remediate.noted", "remediate.unlinked"):
        bed.agent.kill()
        bed.agent.start(fault=f"{point}=kill")
        until(60, "the device is connected again", bed.console.connected)
        done = bed.console.order("quarantine", bed.device, "--path", bed.place.at("cut short.exe"))
        must(done.code != 0, f"{point}: a plugin that was killed has ended well: {done.text}")
        action = last(bed)["id"]
        must(os.path.exists(path) == (point == "remediate.noted"), f"{point}: the kill was elsewhere")
        bed.agent.kill()
        bed.agent.start()
        until(60, "the device is connected again", bed.console.connected)
        undone(bed, action)
        must(same(path), f"{point}: the file is not as it was")


def by_hash(bed):
    """StopAndQuarantineFile: what runs is ended and taken, and its copy below Temp."""
    with open(os.path.join(bed.build, "tests/windows/plugin_plant.exe"), "rb") as file:
        program = file.read()
    path = bed.place.write("runs.exe", program)
    copy = os.path.join(bed.prefix.drive, "windows/Temp", bed.place.name + ".tmp")
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    with open(copy, "wb") as file:
        file.write(program)
    stay, said = os.path.join(bed.place.path, "stay"), os.path.join(bed.place.path, "said")
    os.mkfifo(stay)
    with open(said, "wb") as out:
        words = bed.prefix.words(path, "-", "stay")
        runs = subprocess.Popen(["sh", "-c", 'in=$1; shift; exec "$@" <"$in"', "sh", stay, *words], stdout=out, stderr=subprocess.DEVNULL)
    with open(stay, "w", encoding="utf-8") as hold:
        until(60, "the planted process runs", lambda: read(said).endswith("\n"))
        _, number, start = read(said).split()
        done, action = does(bed, "remediate", bed.device, "process", "suspend", number, "--start", start)
        done.says("threads that are held")
        undone(bed, action)
        done = fails(bed, "quarantine", bed.device, "--path", bed.place.at("runs.exe"))
        done.says("runs it and was not to be stopped")
        must(os.path.exists(path) and runs.poll() is None, "a file that runs was touched")
        done, action = does(bed, "quarantine", bed.device, "--sha1", sha1(program))
        must(not os.path.exists(path) and not os.path.exists(copy), f"not all were found: {done.text}")
        done.says("ran it and was ended").says("running programs and libraries")
        until(20, "the planted process ends", lambda: runs.poll() is not None)
        hold.flush()
    done, _ = does(bed, "remediate", bed.device, "process", "stop", number, "--start", start)
    done.says("already")
    undone(bed, action)
    must(same(path, program) and os.path.exists(copy), "what was found did not come back")
    os.unlink(copy)
    done = fails(bed, "quarantine", bed.device, "--sha1", "0" * 40)
    done.says("not found in")


def run_wine(bed, *words):
    """Wine's own tools."""
    environment = {**os.environ, "WINEPREFIX": bed.prefix.path, "WINEDEBUG": "-all", "PATH": os.environ["PATH"] + ":/usr/lib/wine"}
    return run(["wine", *words], 60, env=environment)


def reg(bed, *words):
    return run_wine(bed, "reg", *words)


def start_type(bed, service):
    out = reg(bed, "query", f"HKLM\\SYSTEM\\CurrentControlSet\\Services\\{service}", "/v", "Start").out
    return out.split("REG_DWORD")[1].strip() if "REG_DWORD" in out else out


def has_value(bed):
    return "evil.exe" in reg(bed, "query", KEY, "/v", "Evil one").out


def settings(bed):
    """A value of Run, a service, and what Wine's service of tasks does not do."""
    add = reg(bed, "add", KEY, "/v", "Evil one", "/d", "C:\\evil.exe", "/f")
    must(has_value(bed), f"the value was not planted: {add.text}")
    _, action = does(bed, "remediate", bed.device, "startup", "remove", KEY, "Evil one")
    must(not has_value(bed), "the value is there still")
    undone(bed, action)
    must(has_value(bed), "the value did not come back")
    reg(bed, "delete", KEY, "/v", "Evil one", "/f")
    service = bed.place.name
    run_wine(bed, "sc", "create", service, "binPath=", "C:\\windows\\system32\\svchost.exe -k evil", "start=", "auto")
    must(start_type(bed, service) == "0x2", f"the service was not planted: {start_type(bed, service)}")
    _, action = does(bed, "remediate", bed.device, "service", "disable", service)
    must(start_type(bed, service) == "0x4", "the service is not off")
    undone(bed, action)
    must(start_type(bed, service) == "0x2", "the service is not as it was")
    run_wine(bed, "sc", "delete", service)
    done = fails(bed, "remediate", bed.device, "task", "disable", "\\Cordon\\NoSuchTask")
    done.says("there is no task \\Cordon\\NoSuchTask")
    for words, said in ((("startup", "remove", "HKCU\\Run", "x"), "below HKLM"), (("startup", "remove", KEY), "which VALUE"), (("task", "disable", "Evil"), "path of a task"),
                        (("process", "stop", "12", "--start", "345"), "--start TICKS and --boot ID")):
        done = bed.console.order("remediate", bed.device, *words)
        must(done.code == 2 and said in done.err, f"{words}: ended with {done.code}: {done.text}")
    done = fails(bed, "remediate", bed.device, "process", "stop", "12", "--start", "345", "--boot", "b")
    done.says("ticks since a boot are those of another system")


def main(prefix, build, native):
    with Bed(prefix, build, native, plugins=["plugins/windows/remediate/cordon-windows-remediate"], providers={"remediate": [PLUGIN]}) as bed:
        bed.build = build
        bed.device = bed.console.device()["id"]
        bed.place = Place(bed)
        try:
            for part in (files, killed, by_hash, settings):
                part(bed)
                print(f"windows_remediate_chain: {part.__name__}", flush=True)
        finally:
            run(["rm", "-rf", bed.place.path], 30)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:4]))
    except Failed as why:
        print(f"windows_remediate_chain: {why}")
        sys.exit(1)
