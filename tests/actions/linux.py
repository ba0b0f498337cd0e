"""Usage: linux.py BUILD

The suite against desk-1 of a lab of its own, with the lab's console. Needs root.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import suite
from device import Device, Failed, must, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAB = os.path.join(ROOT, "packaging", "lab.sh")


class Desk(Device):
    name = "desk-1"
    lacks = frozenset({"scan"})

    def __init__(self, build):
        self.work = tempfile.mkdtemp(prefix="cordon-actions.", dir="/var/tmp")
        self.env = {
            **os.environ,
            "LAB_BUILD_DIR": build,
            "LAB_DIR": os.path.join(self.work, "lab"),
            "LAB_DEMO": "no",
            "LAB_CONSOLE_PLACE": "yes",
            "LAB_RELAY_PORT": str(20000 + os.getpid() % 12000),
        }

    def up(self):
        done = subprocess.run(["sh", LAB, "up"], env=self.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
        must(done.returncode == 0, f"the lab did not come up: {done.stderr.decode()[-800:]}")
        # What is searched for a file by its digest, so that it does not take as long as this machine is large.
        for folder in ("/root", "/opt", "/srv", "/var/tmp", "/usr/local/lib", "/usr/local/share"):
            self.on("desk-1", "sh", "-c", 'test ! -d "$1" || mount -t tmpfs none "$1"', "sh", folder)
        self.on("desk-1", "mkdir", "-p", "/srv/test")
        until(60, "the device is connected", self.connected)

    def down(self):
        subprocess.run(["sh", LAB, "down"], env=self.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
        shutil.rmtree(self.work, ignore_errors=True)

    def on(self, place, *words, code=0, given=b"", timeout=60):
        done = subprocess.run(["sh", LAB, "exec", place, "--", *words], env=self.env, input=given, capture_output=True, timeout=timeout, check=False)
        must(code is None or done.returncode == code, f"{' '.join(words)} on {place} ended with {done.returncode}: {done.stderr.decode('utf-8', 'replace')[-500:]}")
        return done

    def cordon(self, *words, timeout=180):
        done = self.on("console", "cordon", *words, code=None, timeout=timeout)
        return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")

    def scratch(self, name):
        return f"/srv/test/{name}"

    def temporary(self, name):
        return f"/tmp/{name}"

    def write(self, path, content):
        self.on("desk-1", "sh", "-c", 'cat >"$1"', "sh", path, given=content)

    def read(self, path):
        done = self.on("desk-1", "cat", path, code=None)
        return done.stdout if done.returncode == 0 else None

    def start_process(self):
        done = self.on("desk-1", "sh", "-c", "setsid sleep 900 >/dev/null 2>&1 </dev/null & echo $!")
        return int(done.stdout)

    def runs(self, number):
        return self.on("desk-1", "test", "-e", f"/proc/{number}/exe", code=None).returncode == 0

    def stat(self, number):
        """The fields of /proc/N/stat behind the name: the state is the first."""
        return self.on("desk-1", "cat", f"/proc/{number}/stat").stdout.decode().rsplit(")", 1)[1].split()

    def held(self, number):
        return self.stat(number)[0] == "T"

    def identity(self, number, processes):
        boot = self.on("desk-1", "cat", "/proc/sys/kernel/random/boot_id").stdout.decode().strip()
        return ["--start", self.stat(number)[19], "--boot", boot]

    def stop_agent(self):
        self.on("desk-1", "lab-agent", "kill")

    def start_agent(self):
        self.on("desk-1", "lab-agent", "start")

    def local_status(self):
        return json.loads(self.on("desk-1", "cordon", "local", "status", "--json").stdout)

    def local_actions(self):
        return json.loads(self.on("desk-1", "cordon", "local", "actions", "--json").stdout)["actions"]

    def plant_service(self):
        unit = b"[Service]\nExecStart=/bin/sleep 900\n[Install]\nWantedBy=multi-user.target\n"
        self.write("/etc/systemd/system/planted.service", unit)
        self.on("desk-1", "mkdir", "-p", "/etc/systemd/system/multi-user.target.wants")
        self.on("desk-1", "ln", "-sf", "../planted.service", "/etc/systemd/system/multi-user.target.wants/planted.service")
        return "planted.service"

    def service_starts(self, name):
        """By its files, which is what a boot reads: no systemd runs here. What Cordon bars one with is a drop-in."""
        script = 'cd /etc/systemd/system && test -L "multi-user.target.wants/$1" && test -e "multi-user.target.wants/$1" && test -z "$(ls -A "$1.d" 2>/dev/null)"'
        return self.on("desk-1", "sh", "-c", script, "sh", name, code=None).returncode == 0

    def startup_item(self):
        return "/etc/profile.d/evil.sh"

    def cut(self):
        self.on("internet", "ip", "link", "set", "v-desk-1", "down")
        # Either would hear of it a minute later only.
        for place, others in (("console", ("10.77.0.11", "[fd77::11]")), ("desk-1", ("10.77.0.2", "[fd77::2]"))):
            for address in others:
                self.on(place, "ss", "-K", "dst", address)

    def mend(self):
        self.on("internet", "ip", "link", "set", "v-desk-1", "up")

    def give(self, local_name, text):
        path = f"/var/tmp/{local_name}"
        self.on("console", "sh", "-c", 'cat >"$1"', "sh", path, given=text.encode())
        return path

    def fetch(self, local_name):
        path = f"/var/tmp/{local_name}"
        here = os.path.join(self.work, local_name)

        def bring():
            with open(here, "wb") as file:
                file.write(self.on("console", "cat", path).stdout)
            return here

        return path, bring


def main():
    if os.geteuid() != 0:
        print("skipped: a lab needs root")
        return 77
    desk = Desk(os.path.abspath(sys.argv[1]))
    try:
        desk.up()
        return 1 if suite.run(desk) else 0
    except Failed as why:
        print(f"NOT OK - {why}")
        return 1
    finally:
        desk.down()


if __name__ == "__main__":
    sys.exit(main())
