"""plugin_drive as one process that takes order after order: to start a program under Wine takes longer than most operations."""
import json
import os
import select
import subprocess
import time

WAIT_S = 90


class Driver:
    count = 0  # of all calls, whose files lie beside each other

    def __init__(self, work, drive, library, extension, above=()):
        """`above`: a program that starts it, with its arguments."""
        self.work = work
        self.said = open(os.path.join(work, "drive.log"), "ab")
        self.process = subprocess.Popen(["wine", *above, ("Z:" if above else "") + drive, library, extension, "serve", "Z:" + work], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.said)

    def close(self):
        """What Wine starts besides may hold on to the pipes: only the process is waited for."""
        self.process.stdin.close()
        try:
            self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WAIT_S)
        self.process.stdout.close()
        self.said.close()

    def _file(self, name, document):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        return "@Z:" + path

    def _answer(self):
        end = time.monotonic() + WAIT_S
        answer = b""
        while not answer.endswith(b"\n"):
            if not select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
                raise RuntimeError(f"no answer within {WAIT_S} s")
            some = os.read(self.process.stdout.fileno(), 64)
            if not some:
                raise RuntimeError("plugin_drive ended")
            answer += some

    def call(self, function, params, undo=None, cancel=-1, budget_ms=300000):
        """The folder of its files, and the document that plugin_drive writes."""
        Driver.count += 1
        folder = os.path.join(self.work, f"call{os.getpid()}.{Driver.count}")
        os.mkdir(folder)
        line = [function, "Z:" + folder, self._file("params.json", params), "" if undo is None else self._file("undo.json", undo), str(cancel),
                str(budget_ms)]
        self.process.stdin.write(("\t".join(line) + "\n").encode())
        self.process.stdin.flush()
        self._answer()
        with open(folder + ".json", encoding="utf-8") as file:
            return folder, json.load(file)
