"""What the suite asks of a device. linux.py and windows.py have one each."""
import json
import time

POLL_S = 0.2
ORDER_S = 120


class Failed(Exception):
    """A fact that is not so."""


def must(condition, text):
    if not condition:
        raise Failed(text)


def until(seconds, what, true):
    """What true() returns once it is something; `what` is the sentence of when it never is."""
    end = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(POLL_S)


class Device:
    """One device of a console's fleet.

    lacks: capabilities that it has no provider of, by the word of the order. separator: of its paths.
    """

    lacks = frozenset()
    separator = "/"

    # ---- what each system has its own way of ----

    def cordon(self, *words, timeout=ORDER_S + 60):
        """Runs the command of the console's side: (exit code, output, errors)."""
        raise NotImplementedError

    def scratch(self, name):
        """A path of the device, in a folder of the test's own that exists."""
        raise NotImplementedError

    def temporary(self, name):
        """The same in a folder of temporary files, which a package looks into."""
        raise NotImplementedError

    def write(self, path, content):
        raise NotImplementedError

    def read(self, path):
        """The bytes, or None if there is no file."""
        raise NotImplementedError

    def start_process(self):
        """One that stays until it is ended: its number."""
        raise NotImplementedError

    def runs(self, number):
        raise NotImplementedError

    def held(self, number):
        """Whether it is suspended: it is there, and does nothing."""
        raise NotImplementedError

    def identity(self, number, processes):
        """Words that name a process in an order; `processes`: rows of the package's table."""
        raise NotImplementedError

    def stop_agent(self):
        """kill -9."""
        raise NotImplementedError

    def start_agent(self):
        raise NotImplementedError

    def local_status(self):
        """cordon local status --json, of the device's own."""
        raise NotImplementedError

    def local_actions(self):
        """cordon local actions --json: what the device itself says that it did."""
        raise NotImplementedError

    def plant_service(self):
        """The name of one that starts with the system."""
        raise NotImplementedError

    def service_starts(self, name):
        """Whether it would start with the system."""
        raise NotImplementedError

    def startup_item(self):
        """The path of a file that would be started at the next login, in a folder that exists."""
        raise NotImplementedError

    def cut(self):
        """Nothing gets from the device to its console any more."""
        raise NotImplementedError

    def mend(self):
        raise NotImplementedError

    def give(self, local_name, text):
        """Puts a file where the command can read it: its path there."""
        raise NotImplementedError

    def fetch(self, local_name):
        """A path of this machine for a file that the command writes, and one of its own for reading it here."""
        raise NotImplementedError

    # ---- what is the same ----

    def ask(self, *words, code=0, timeout=ORDER_S + 60):
        got, out, err = self.cordon(*words, timeout=timeout)
        must(code is None or got == code, f"cordon {' '.join(words)} ended with {got}, not {code}: {(out + err)[-1200:]}")
        return out

    def json(self, *words):
        return json.loads(self.ask(*words, "--json"))

    def machine(self):
        machines = self.json("device", "list")["machines"]
        must(machines, "the console has no device")
        wanted = [m for m in machines if self.name is None or m["computerDnsName"].split(".")[0].lower() == self.name]
        must(len(wanted) == 1, f"the console has {len(wanted)} such devices: {machines}")
        return wanted[0]

    name = None

    def order(self, *words, wait=True):
        """Gives an order and, unless told otherwise, waits for its end: (exit code, the action as the console has it, all that was said)."""
        before = self.last_action()
        more = ["--wait", "--timeout", str(ORDER_S)] if wait else []
        code, out, err = self.cordon(*words, "--comment", "a test of all devices", *more)
        after = self.last_action()
        must(after and (not before or after["id"] != before["id"]), f"cordon {' '.join(words)} gave no order: {(out + err)[-800:]}")
        return code, after, out + err

    def last_action(self):
        found = self.json("actions", "--limit", "1")["value"]
        return found[0] if found else None

    def action(self, number):
        return self.json("action", "show", number)

    def ended(self, number, seconds=ORDER_S):
        """Waits for the end of an action: the action."""
        until(seconds, f"action {number} ends", lambda: self.action(number)["status"] not in ("Pending", "InProgress"))
        return self.action(number)

    def connected(self):
        text = self.ask("device", "show", self.machine()["id"])
        return text.split("Connection", 1)[-1].split("\n", 1)[0].strip() == "connected"

    def isolation(self):
        """What is wanted of it, as the device itself says."""
        return next(s for s in self.local_status()["states"] if s["state"] == "isolate")["wanted"]["value"]
