"""An agent with the provider for ClamAV, and a clamd with a tiny signature database of its own, in a folder that goes away again."""
import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

WAIT_S = 60
# Empty folders over those of this machine; the tests' own is put back.
ALONE = """set -e
kept="$2/kept"
mkdir -p "$kept"
mount --bind "$1" "$kept"
for d in /tmp /var/tmp /root /opt /dev/shm /var/www /srv; do
  test ! -d "$d" || mount -t tmpfs none "$d"
done
mkdir -p "$1"
mount --bind "$kept" "$1"
shift 2
exec "$@"
"""
# A small device: a file system of its own with the agent's programs and what they are linked with, another one in it, and one of another
# program, which nobody serves: whoever looks into it waits for ever.
SMALL = """set -e
root="$1" bed="$2" far="$3" files="$4"
shift 4
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$root"
mkdir -p "$root/proc" "$root/dev" "$root/tmp" "$root/etc" "$root/srv" "$root/far" "$root$bed"
for f in $files; do
  mkdir -p "$root$(dirname "$f")"
  cp -L "$f" "$root$f"
done
cp /etc/passwd /etc/group "$root/etc/"
mount -t proc none "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$bed" "$root$bed"
mount -t tmpfs none "$root/srv"
printf %s "$PLANTED" | tee "$root/srv/second" >"$root/etc/first"
test "$far" = none || mount -i -t fuse -o "fd=$far,rootmode=40000,user_id=0,group_id=0" none "$root/far"
exec chroot "$root" "$@"
"""
HARMLESS = b"cordon-harmless-marker-5d1c7f"


def eicar():
    # In two halves, so that this file is none.
    return (b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*")


def until(what, holds, seconds=WAIT_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = holds()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"it did not come to this: {what}")


class Clamd:
    def __init__(self, folder, **more):
        self.folder = pathlib.Path(folder)
        self.database = self.folder / "db"
        self.database.mkdir(exist_ok=True)
        text = eicar()
        md5 = hashlib.md5(text).hexdigest()
        (self.database / "cordon.hdb").write_text(f"{md5}:{len(text)}:Cordon.Test.Eicar\n")
        (self.database / "cordon.ndb").write_text(f"Cordon.Test.Harmless:0:*:{HARMLESS.hex()}\n")
        self.socket = self.folder / "clamd.sock"
        self.conf = self.folder / "clamd.conf"
        settings = {"DatabaseDirectory": self.database, "LocalSocket": self.socket, "PidFile": self.folder / "clamd.pid",
                    "Foreground": "yes", "SelfCheck": 0, "User": "root", "MaxThreads": 4, "LogFile": self.folder / "clamd.log"}
        settings.update(more)
        self.conf.write_text("".join(f"{k} {v}\n" for k, v in settings.items()))
        self.process = None

    def start(self, memory=None):
        """`memory`: how much of it there is, in bytes of addresses."""
        self.socket.unlink(missing_ok=True)
        limit = None if memory is None else lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        self.process = subprocess.Popen(["clamd", "-c", str(self.conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=limit)
        until("clamd listens", lambda: self.socket.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, (self.folder / "clamd.log").read_text()
        return self

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        if self.process is not None:
            self.process.wait(WAIT_S)

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Agent:
    """`build`: the build folder."""

    def __init__(self, build, folder, clamd, **settings):
        self.folder = pathlib.Path(folder)
        self.build = pathlib.Path(build)
        self.clamd = clamd
        for name in ("etc", "plugins", "state", "bin"):
            (self.folder / name).mkdir()
        self.cordon = self.copy("core/ctl/cordon", "bin/cordon")
        self.daemon = self.copy("core/agent/cordond", "bin/cordond")
        self.host = self.copy("core/host/cordon-plugin-host", "bin/cordon-plugin-host")
        self.channel = self.copy("core/channel/cordon-channel", "bin/cordon-channel")
        trust = {"plugins": [self.plugin("providers/clamav", "cordon-clamav", "org.cordon.clamav"),
                             self.plugin("linux/remediate", "cordon-linux-remediate", "org.cordon.linux.remediate")]}
        (self.folder / "etc/trust.json").write_text(json.dumps(trust))
        mine = {"socket": str(clamd.socket), "config": str(clamd.conf), "restart_s": 20, "hang_s": 3, "answer_s": 3}
        mine.update(settings)
        config = {"providers": {"scan": ["org.cordon.clamav"], "remediate": ["org.cordon.linux.remediate"]},
                  "plugins": {"user": "nobody", "settings": {"org.cordon.clamav": mine}}}
        (self.folder / "etc/cordond.json").write_text(json.dumps(config))
        self.socket = self.folder / "run/control.sock"
        self.process = None

    def plugin(self, folder, name, id):
        """Takes it to the agent's plugins; what the list of trusted ones says of it."""
        library = self.copy(f"plugins/{folder}/{name}.so", f"plugins/{name}.so")
        manifest = self.copy(f"plugins/{folder}/{name}.json", f"plugins/{name}.json")
        os.chmod(manifest, 0o644)
        digest = lambda p: "sha256:" + hashlib.sha256(p.read_bytes()).hexdigest()
        return {"id": id, "library": digest(library), "manifest": digest(manifest)}

    def copy(self, source, target):
        path = self.folder / target
        shutil.copyfile(self.build / source, path)
        os.chmod(path, 0o755)
        return path

    def libraries(self):
        """What the programs are linked with."""
        found = set()
        for program in (self.daemon, self.host, self.channel, self.folder / "plugins/cordon-clamav.so"):
            for line in subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines():
                found |= {word for word in line.split() if word.startswith("/")}
        return sorted(found)

    def small(self, far):
        """The words in front of a command that runs on a small device. `far`: /dev/fuse, opened, or None."""
        root = self.folder.parent / (self.folder.name + ".root")
        root.mkdir()
        return ["unshare", "--mount", "sh", "-c", SMALL, "sh", root, self.folder, "none" if far is None else str(far), " ".join(self.libraries())]

    def start(self, fault=None, alone=None, before=(), keep=()):
        """`alone`: what else is in the folders for temporary files, and in root's home, is not there. `before`: words in front of the
        command; `keep`: descriptors that it gets."""
        env = dict(os.environ)
        if fault is not None:
            env["CORDON_FAULT"] = fault
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [*before, *(["unshare", "--mount", "sh", "-c", ALONE, "sh", alone, self.folder] if alone is not None else []),
             self.daemon, "--config", self.folder / "etc/cordond.json", "--trust", self.folder / "etc/trust.json",
             "--state-dir", self.folder / "state", "--run-dir", self.folder / "run", "--plugin-dir", self.folder / "plugins",
             "--plugin-host", self.host, "--channel", self.channel, "--log", "all=debug"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=env, pass_fds=keep)
        until("the agent serves its socket", lambda: self.find_socket() or self.process.poll() is not None)
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        return self

    def find_socket(self):
        found = list((self.folder / "run").glob("*.sock*")) + list((self.folder / "run").glob("control*"))
        if not found:
            return False
        self.socket = found[0]
        # It may be that of an agent that was killed.
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(str(self.socket)) == 0

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WAIT_S)
        self.log.close()

    def command(self, *words):
        return [self.cordon, "local", *words, "--socket", self.socket]

    def scan(self, *words, timeout=WAIT_S):
        """The action of a scan, and the command's exit code."""
        done = subprocess.run(self.command("scan", *words, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        try:
            document = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"no JSON: {done.stdout[:500]!r} {done.stderr[:500]!r}") from None
        assert "action" in document, document
        return document["action"], done.returncode

    def begin_scan(self, *words):
        return subprocess.Popen(self.command("scan", *words, "--json", "--progress"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def actions(self):
        done = subprocess.run(self.command("actions", "--json"), stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)["actions"]


    def cancelled(self):
        for a in self.actions():
            if a["status"] == "Cancelled":
                done = subprocess.run(self.command("actions", "--json", "--id", a["id"]), stdout=subprocess.PIPE, check=True)
                return json.loads(done.stdout)["action"]
        return None


class Bed:
    def __init__(self, build, conf=None, **settings):
        # Trusted files must not lie below a folder that anybody may write to.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cordon-scan-", dir="/run"))
        os.chmod(self.folder, 0o755)
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="cordon-scan-data-", dir="/var/tmp"))
        self.clamd = Clamd(self.folder, **(conf or {}))
        self.agent = Agent(build, self.folder, self.clamd, **settings)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.agent.stop()
        self.clamd.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)

    def write(self, name, content, mode=0o644):
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.chmod(path, mode)
        return path
