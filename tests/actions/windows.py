"""Usage: windows.py BUILD NATIVE [PREFIX]

The suite against cordond.exe under Wine, with the console of Linux (tests/windows/bed.py). BUILD is one of the preset windows, NATIVE one of dev.
Without PREFIX it makes a prefix of its own. Needs root.
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "windows"))

import bed as wine  # noqa: E402
import suite  # noqa: E402
from device import Device, Failed, must, until  # noqa: E402

HELD_S = 3  # within which a process answers that is not suspended
PLUGINS = (
    "tests/plugins/zoo_good",
    "plugins/windows/cordon-windows",
    "plugins/windows/collect/cordon-windows-collect",
    "plugins/windows/remediate/cordon-windows-remediate",
)
PROVIDERS = {
    "isolate": ["org.cordon.test.good"],
    "facts": ["org.cordon.windows"],
    "collect": ["org.cordon.windows.collect"],
    "remediate": ["org.cordon.windows.remediate"],
}


class WineDevice(Device):
    """Isolation is the zoo's: Wine has no filter. Everything else is what Windows gets."""

    lacks = frozenset({"scan"})
    separator = "\\"

    def __init__(self, bed, build):
        self.bed = bed
        self.plant = os.path.join(build, "tests", "windows", "plugin_plant.exe")
        self.planted = {}
        self.said = []
        self.folder = f"cordon-actions-{os.getpid()}"
        for path in (self.scratch(""), self.temporary("")):
            os.makedirs(self.here(path), exist_ok=True)

    def here(self, path):
        """A path of the device as this machine has it."""
        must(path[1:3] == ":\\", f"'{path}' is no path of Windows")
        return os.path.join(self.bed.prefix.drive, *path[3:].split("\\"))

    def cordon(self, *words, timeout=180):
        # What is about a file alone knows no console.
        console = [] if words[0] == "package" else ["--config", self.bed.console.config]
        done = wine.run([self.bed.console.programs["cordon"], *words, *console], timeout)
        return done.code, done.out, done.err

    def scratch(self, name):
        return f"C:\\{self.folder}\\{name}"

    def temporary(self, name):
        return f"C:\\windows\\Temp\\{name}"

    def write(self, path, content):
        with open(self.here(path), "wb") as file:
            file.write(content)

    def read(self, path):
        try:
            with open(self.here(path), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def start_process(self):
        """It stays until its input ends, and says its number as Windows has it."""
        with tempfile.NamedTemporaryFile(delete=False) as said:
            process = subprocess.Popen(self.bed.prefix.words(self.plant, "-", "STAY"), stdin=subprocess.PIPE, stdout=said, stderr=subprocess.DEVNULL)
        self.said.append(said.name)
        words = until(30, "the planted process starts", lambda: self.lines(said.name) and self.lines(said.name)[0].split())
        self.planted[int(words[1])] = (process, said.name)
        return int(words[1])

    @staticmethod
    def lines(path):
        """Whole ones."""
        with open(path, encoding="ascii") as file:
            return file.read().split("\n")[:-1]

    def runs(self, number):
        return self.planted[number][0].poll() is None

    def held(self, number):
        """It gives back each line that it gets: not while it is suspended."""
        process, said = self.planted[number]
        before = len(self.lines(said))
        process.stdin.write(b"?\n")
        process.stdin.flush()
        try:
            return not until(HELD_S, "it answers", lambda: len(self.lines(said)) > before)
        except Failed:
            return True

    def identity(self, number, processes):
        row = next((r for r in processes if r["pid"] == str(number)), None)
        must(row is not None, f"process {number} is not in the package")
        return ["--start", row["start"]]

    def stop_agent(self):
        self.bed.agent.kill()

    def start_agent(self):
        self.bed.agent.start()

    def local_status(self):
        return self.bed.agent.local("status", "--json").json()

    def local_actions(self):
        return self.bed.agent.local("actions", "--json").json()["actions"]

    def plant_service(self):
        name = f"{self.folder}-service"
        self.bed.prefix.run("sc", "create", name, "binPath=", "C:\\windows\\system32\\svchost.exe -k planted", "start=", "auto")
        return name

    def service_starts(self, name):
        return "0x2" in self.bed.prefix.run("reg", "query", f"HKLM\\System\\CurrentControlSet\\Services\\{name}", "/v", "Start").text

    def startup_item(self):
        path = "C:\\ProgramData\\Microsoft\\Windows\\Start Menu\\Programs\\Startup\\evil.bat"
        os.makedirs(os.path.dirname(self.here(path)), exist_ok=True)
        return path

    def cut(self):
        self.bed.console.relay.cut()

    def mend(self):
        self.bed.console.relay.mend()

    def give(self, local_name, text):
        path = self.bed.console.path(local_name)
        wine.write(path, text)
        return path

    def fetch(self, local_name):
        path = self.bed.console.path(local_name)
        return path, lambda: path

    def end(self):
        for process, _ in self.planted.values():
            process.kill()
            process.wait(20)
        for path in self.said:
            os.unlink(path)


def main():
    build, native = (os.path.abspath(path) for path in sys.argv[1:3])
    prefix = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else os.path.join(build, "wine-actions")
    try:
        with wine.Bed(prefix, build, native, make=len(sys.argv) <= 3, plugins=PLUGINS, providers=PROVIDERS) as bed:
            device = WineDevice(bed, build)
            try:
                return 1 if suite.run(device) else 0
            finally:
                device.end()
    except (Failed, wine.Failed) as why:
        print(f"NOT OK - {why}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
