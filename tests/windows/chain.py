"""Usage: chain.py PREFIX SOURCE BUILD NATIVE

A device's whole life by its installer, under Wine, with the console of Linux: installed with a token, enrolled, a package, a file in quarantine,
ordered about, killed, cut off, repaired, kept while it is isolated, upgraded, uninstalled. PREFIX is made here and removed.
"""
import csv
import json
import os
import re
import shutil
import sys

import enrol
from bed import NO_TOOLS, Console, Failed, Prefix, digest, must, read, run, until, write

SERVICE = r"HKLM\System\CurrentControlSet\Services\cordond"
UNPROVEN = 7  # what Wine lacks makes a package partial
FAILED = (1603 % 256, 1627 % 256)  # Windows says 1603; Wine tells on which function it failed


class Machine:
    """What the installer makes of the prefix, in the words of bed.Agent."""

    def __init__(self, prefix, console, source, build, work):
        self.prefix, self.console, self.source, self.build, self.work = prefix, console, source, build, work
        self.programs = os.path.join(prefix.drive, "Program Files", "Cordon")
        self.data = os.path.join(prefix.drive, "ProgramData", "Cordon")
        self.place = self.data

    def installer(self, version):
        out = os.path.join(self.work, f"{version}.msi")
        done = run(["sh", os.path.join(self.source, "packaging/msi/build.sh"), "--with-kill-points", "--version", version, self.build, out], 180)
        must(done.code == 0, f"the installer could not be built: {done.text[-800:]}")
        return out

    def msi(self, *words, codes=(0,)):
        log = os.path.join(self.prefix.drive, "log.txt")
        if os.path.exists(log):
            os.unlink(log)
        done = self.prefix.run("msiexec", *words, "/qn", "/l*v", "C:\\log.txt")
        with open(log, "rb") as file:
            said = file.read().replace(b"\0", b"").decode("utf-8", "replace")
        must(done.code in codes, f"msiexec {' '.join(words)} ended with {done.code}: {said[-1500:]}\n{self.log()[-800:]}")
        return said

    def log(self):
        return read(os.path.join(self.data, "cordond.log"))

    def local(self, *words, code=0, timeout=120):
        done = self.prefix.run(os.path.join(self.programs, "cordon.exe"), "local", *words, timeout=timeout)
        must(code is None or done.code == code, f"cordon local {' '.join(words)} ended with {done.code}: {done.text[-800:]}\n{self.log()[-1500:]}")
        return done

    def service(self, word):
        """start or stop, by Wine's own tool; waits until it is so."""
        self.prefix.run("net", word, "cordond")
        if word == "stop":
            until(40, "the service has stopped", lambda: not self.prefix.processes("cordond.exe"))
        else:
            until(40, "the service answers", lambda: self.local("status", code=None).code == 0)

    def kill(self):
        """kill -9 of the agent; what it started ends with it, and the service manager (a person, under Wine) starts it again."""
        self.prefix.kill("cordond.exe")
        until(20, "what the agent started is gone", lambda: not self.channels() and not self.prefix.processes("cordon-plugin-host.exe"))

    def channels(self):
        return self.prefix.processes("cordon-channel.exe")

    def kill_channel(self):
        self.prefix.kill("cordon-channel.exe")

    def enrol(self, token, *words, code=0):
        return self.local("enroll", "--token-file", wide(token), "--timeout", "60", *words, code=code)

    def registered(self):
        return self.prefix.run("reg", "query", SERVICE).code == 0

    def still_run(self):
        """The agent's processes that do not end. What the installer has ended is gone a moment after it says so."""
        try:
            until(20, "they end", lambda: not self.prefix.processes("cordond.exe"))
        except Failed:
            pass
        return self.prefix.processes("cordond.exe")

    def left(self, *folders):
        found = [path for path in (self.programs, *folders) if os.path.exists(path)] + self.still_run()
        return found + ([SERVICE] if self.registered() else [])

    def add_provider(self):
        """As an administrator adds one: its files, its digests, and that it provides. The service takes it up when it starts."""
        folder = os.path.join(self.programs, "plugins")
        library, manifest = (shutil.copy(os.path.join(self.build, f"tests/plugins/zoo_good{ending}"), folder) for ending in (".dll", ".json"))
        trust = os.path.join(self.data, "plugins.trust.json")
        known = json.loads(read(trust))
        known["plugins"].append({"id": enrol.GOOD, "library": digest(library), "manifest": digest(manifest)})
        write(trust, json.dumps(known), 0o644)
        config = os.path.join(self.data, "cordond.json")
        settings = json.loads(read(config))
        settings["providers"]["isolate"] = [enrol.GOOD]
        write(config, json.dumps(settings), 0o644)
        return [library, manifest]


class Stand:
    """In the words of bed.Bed, for what enrol.py looks at."""

    def __init__(self, console, prefix, agent):
        self.console, self.prefix, self.agent = console, prefix, agent
        self.device = None


def wide(path):
    return "Z:" + path.replace("/", "\\")


def url(console):
    return f"https://127.0.0.1:{console.people_relay.port}"


def refused(m, installer):
    """An installation whose token is worth nothing, or is for another console, is undone; the log that says why stays."""
    token = m.console.token(m.console.path("token.json"), "--tag", "lab", "--may-tag", "kiosk,Büro 東京,other")
    wrong = m.console.path("wrong.json")
    write(wrong, json.dumps({**json.loads(read(token)), "token": "A" * 43}))
    m.msi("/i", wide(installer), f"TOKEN_FILE={wide(wrong)}", codes=FAILED)
    must(not m.left(), f"an installation that was refused left {m.left()}")
    must("not enrolled: the console refuses (HTTP 403)" in m.log(), f"its log does not say why: {m.log()[-800:]}")
    m.msi("/i", wide(installer), f"TOKEN_FILE={wide(token)}", "TAGS=domain controllers", codes=FAILED)
    must("does not let a device choose the tag 'domain controllers'" in m.console.log(), "the console does not say why")
    m.msi("/i", wide(installer), f"TOKEN_FILE={wide(token)}", "CONSOLE_URL=https://console.example:8443", codes=FAILED)
    must(not m.left(), f"an installation for another console left {m.left()}")
    must("not enrolled: the token is for" in m.log(), f"its log does not say which console the token is for: {m.log()[-800:]}")
    must(m.console.device() is None, "somebody has enrolled")


def installed(m, bed, installer):
    said = m.msi("/i", wide(installer), f"TOKEN_FILE={wide(m.console.path('token.json'))}", f"CONSOLE_URL={url(m.console)}", "TAGS=kiosk, Büro 東京")
    until(60, "the device is connected", m.console.connected)
    bed.device = enrol.enrols(bed, ["Büro 東京", "kiosk", "lab"])
    secret = json.loads(read(m.console.path("token.json")))["token"]
    must(secret not in said and secret not in m.log(), "the token is in a log")


def collected(m, bed):
    """A package of the device, by what the installer has put there."""
    path, unpacked = bed.console.path("package.zip"), bed.console.path("package")
    done = bed.console.cordon("collect", bed.device, "--comment", "chain", "-o", path, "--timeout", "240", code=None, timeout=270)
    must(done.code == UNPROVEN, f"the collection ended with {done.code}: {done.text[-1500:]}")
    for words in (("verify", path), ("extract", path, "-o", unpacked)):
        told = run([bed.console.programs["cordon"], "package", *words], 60)
        must(told.code == 0, f"package {words[0]} ended with {told.code}: {told.text}")
    must(json.loads(read(os.path.join(unpacked, "manifest.json")))["device"] == bed.device, "the package is of another device")
    program = "C:\\Program Files\\Cordon\\cordond.exe"
    for table, fields in (("Services/services", {"name": "cordond", "start": "automatic", "command": f'"{program}" --service'}),
                          ("Processes/processes", {"name": "cordond.exe", "path": program}), ("Installed programs/programs", {"name": "Cordon", "version": "1.2.3"})):
        with open(os.path.join(unpacked, f"{table}.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        must(any(all(row.get(k) == v for k, v in fields.items()) for row in rows), f"{table} has no row with {fields}: {rows[:3]}")


def quarantined(m, bed):
    path, evil = os.path.join(m.prefix.drive, "evil one.exe"), b"MZ malware of a chain\n" * 500
    with open(path, "wb") as file:
        file.write(evil)
    done = bed.console.order("quarantine", bed.device, "--path", "C:\\evil one.exe")
    must(done.code == 0 and not os.path.exists(path), f"the quarantine ended with {done.code}: {done.text[-800:]}")
    done = bed.console.order("undo", enrol.last_action(bed)["id"])
    must(done.code == 0 and os.path.exists(path), f"the undo ended with {done.code}: {done.text[-800:]}")
    with open(path, "rb") as file:
        must(file.read() == evil, "what came back is another file")
    os.unlink(path)


def provided_by_nobody(m, bed):
    """No plugin for Windows isolates: the order fails with that, and nothing is wanted."""
    done = bed.console.order("isolate", bed.device)
    must(done.code not in (0, 2) and "Failed" in done.text, f"an isolation that nobody provides ended with {done.code}: {done.text}")
    done.says("no provider could isolate this device: the configuration names none")
    must("wanted released" in m.local("status").text, f"what failed is wanted: {m.local('status').text}")


def ordered(m, bed):
    m.service("stop")
    files = m.add_provider()
    m.service("start")
    until(60, "it comes back as what it was", lambda: enrol.connected_again(bed))
    enrol.obeys(bed)
    return files


def killed(m, bed):
    """While an order is under way, and while the device is isolated."""
    bed.console.cordon("isolate", bed.device, "--comment", "killed meanwhile")
    m.kill()
    m.service("start")
    enrol.ended_well(bed, "Isolate")
    must("wanted isolated" in m.local("status").out, "the isolation is forgotten")
    before = m.channels()
    m.kill_channel()
    until(60, "another channel connects", lambda: set(m.channels()) - set(before) and enrol.connected_again(bed))
    bed.console.order("release", bed.device)
    enrol.ended_well(bed, "Unisolate")


def product(installer):
    table = run(["msiinfo", "export", installer, "Property"], 30).out.replace("\r", "")
    return next(line.split("\t")[1] for line in table.splitlines() if line.startswith("ProductCode\t"))


def keeps_isolated(m, bed, what):
    until(60, f"it is back {what}", lambda: m.local("status", code=None).code == 0 and enrol.connected_again(bed))
    try:
        until(60, f"it is isolated {what}", lambda: re.search(r"wanted isolated .* enforced isolated +proven holds", m.local("status", code=None).text))
    except Failed as why:
        raise Failed(f"{why}: {m.local('status').text}\n{m.log()[-1500:]}") from why
    must(bed.console.device()["id"] == bed.device, f"it is another device {what}")


def release_by(m, who):
    path = os.path.join(m.data, "cordond.json")
    write(path, json.dumps({**json.loads(read(path)), "local": {"group": "", "release": who}}), 0o644)


def stays(m, bed, installer, what):
    """Nobody here may end the isolation, so nobody here may take the agent away. Wine's installer forgets a product whose removal is undone."""
    m.msi("/x", product(installer), codes=FAILED)
    must(m.registered() and os.path.exists(os.path.join(m.data, "state", "enrolment.json")), f"the agent or its state is gone {what}")
    keeps_isolated(m, bed, what)
    m.msi("/i", wide(installer))
    done = m.prefix.run(os.path.join(m.programs, "cordond.exe"), "--uninstall")
    must(done.code == 1, f"{what}: cordond --uninstall ended with {done.code}")
    done.says("the agent stays: the device is to be isolated, and the policy lets nobody here end that")
    keeps_isolated(m, bed, what)


def repaired(m, bed, installer):
    """While it is isolated; also with a token that is worth nothing, which takes nothing from the device.

    Wine rolls back nothing of a product that was there: what would run then is in the tables (msi.sh)."""
    m.msi("/i", wide(installer), "REINSTALL=ALL", "REINSTALLMODE=amus")
    keeps_isolated(m, bed, "after a repair")
    m.msi("/i", wide(installer), "REINSTALL=ALL", "REINSTALLMODE=amus", f"TOKEN_FILE={wide(m.console.path('wrong.json'))}", codes=FAILED)
    must(m.registered() and m.prefix.processes("cordond.exe"), f"a repair that failed took the agent away: {m.log()[-800:]}")
    keeps_isolated(m, bed, "after a repair that failed")


def guarded(m, bed, installer):
    """The device is isolated from here on, and by the policy of its fleet its console alone ends that."""
    must(bed.console.order("isolate", bed.device).code == 0, "it is not isolated")
    release_by(m, "nobody")
    stays(m, bed, installer, "by the file")
    release_by(m, "administrators")
    policy = bed.console.path("policy.json")
    write(policy, json.dumps({"local": {"release": "nobody"}}))
    bed.console.cordon("policy", "set", "kiosks", policy, "--comment", "test")
    bed.console.cordon("policy", "assign", "kiosks", "kiosk", "10", "--comment", "test")
    until(60, "the policy is in force", lambda: "in force kiosks" in bed.console.cordon("device", "show", bed.device).out)
    stays(m, bed, installer, "by the policy")
    repaired(m, bed, installer)


def upgraded(m, bed, old, new):
    """As Windows does it: the old version is removed and told for which one, which Wine's installer does not do by itself."""
    m.msi("/i", product(old), "REMOVE=ALL", f"UPGRADINGPRODUCTCODE={product(new)}")
    must(not os.path.exists(os.path.join(m.programs, "cordond.exe")) and not m.still_run(), "the old version is there still")
    must(m.registered() and os.path.exists(os.path.join(m.data, "state", "enrolment.json")), "no service or no enrolment is left in the middle")
    m.msi("/i", wide(new))
    keeps_isolated(m, bed, "after the upgrade")


def uninstalled(m, bed, installer, files):
    stays(m, bed, installer, "after the upgrade")
    must(bed.console.order("release", bed.device).code == 0, "it is not released")
    for file in files:
        os.unlink(file)
    m.msi("/x", product(installer))
    must(not m.left(m.data), f"uninstalling left {m.left(m.data)}")
    until(60, "the console notices", lambda: not bed.console.connected())


def chain(prefix, source, build, console, work):
    m = Machine(prefix, console, source, build, work)
    bed = Stand(console, prefix, m)
    old, new = m.installer("1.2.3"), m.installer("1.3.0")
    refused(m, old)
    installed(m, bed, old)
    for part in (collected, quarantined, provided_by_nobody):
        part(m, bed)
    files = ordered(m, bed)
    killed(m, bed)
    enrol.is_cut(bed)
    guarded(m, bed, old)
    upgraded(m, bed, old, new)
    uninstalled(m, bed, new, files)


def main(prefix, source, build, native):
    if os.geteuid() != 0 or not all(shutil.which(tool) for tool in ("wixl", "msibuild")):
        return NO_TOOLS
    console = Console(native)
    try:
        one = Prefix(prefix)
        try:
            chain(one, source, build, console, console.folder)
        finally:
            one.end()
    finally:
        console.end()
    print("windows_chain: ok")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:5]))
    except Failed as why:
        print(f"windows_chain: {why}")
        sys.exit(1)
