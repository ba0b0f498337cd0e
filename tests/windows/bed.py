"""What the tests of the agent for Windows stand on: the console of Linux with its signer, a way to it that can be cut, and the agent under Wine.

See README.md in this folder. Everything here waits for a fact with a deadline, and raises Failed with a sentence when it does not come.
"""
import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
import ssl

HERE = os.path.dirname(os.path.abspath(__file__))
PERMISSIONS = (
    "Machine.Read.All,Machine.ReadWrite.All,Machine.Isolate,Machine.CollectForensics,Machine.Scan,Machine.StopAndQuarantine,Machine.ReleaseCode,"
    "Cordon.Enroll,Cordon.Revoke,Cordon.Audit.Read,Cordon.Policy,Cordon.Collection,Cordon.Remediate,Alert.ReadWrite.All"
)
SIGNER_UID = 1  # daemon; the console is nobody
NO_TOOLS = 77
PAUSE_S = 0.1


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
        time.sleep(PAUSE_S)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def write(path, text, mode=0o600):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)


def digest(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.sha256(file.read()).hexdigest()


class Answer:
    """How a command ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def text(self):
        return (self.out + self.err).replace("\r", "")

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise Failed(f"no JSON ({error}): {self.text[-500:]}") from error

    def says(self, text):
        must(text in self.text, f"'{text}' is not said: {self.text[-800:]}")
        return self


def run(words, timeout, env=None):
    """Output goes to files: what Wine starts besides would hold on to a pipe."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=timeout, check=False, env=env)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"{' '.join(words[-4:])} did not end within {timeout} s") from late
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        return Answer(done.returncode, *texts)


def free_port():
    """Below those that the system gives out by itself."""
    for i in range(200):
        port = 10000 + (os.getpid() * 7 + i * 13 + time.monotonic_ns() // 1000) % 20000
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failed("no port is free")


class Relay:
    """127.0.0.1:port leads to `target`, unless it is cut: then nobody is there, and what was under way is broken."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.listener = None
        self.pairs = []
        self.passed = 0  # bytes towards the target
        self.limit = None  # cuts by itself when so many have passed
        self.hold_at = None  # and lets nothing more through to the target
        self.free = threading.Event()
        self.lock = threading.Lock()
        self.mend()

    def mend(self):
        if self.listener is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(16)
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self):
        with self.lock:
            listener, self.listener = self.listener, None
            pairs, self.pairs = self.pairs, []
        if listener is not None:
            # A thread that waits in accept() goes on holding the port otherwise.
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        for one in pairs:
            for end in one:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def cut_after(self, count):
        """Cuts by itself when `count` more bytes have gone to the target."""
        self.limit = self.passed + count

    def hold_after(self, count):
        """Lets nothing more through when `count` more bytes have gone to the target, until go_on(). Nothing is broken."""
        self.free.clear()
        self.hold_at = self.passed + count

    def holds(self):
        return self.hold_at is not None and self.passed >= self.hold_at

    def go_on(self):
        self.hold_at = None
        self.free.set()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target), timeout=10)
                far.settimeout(None)
            except OSError:
                if self.listener is not listener:
                    return
                continue
            with self.lock:
                self.pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink, sink is far), daemon=True).start()

    def _pump(self, source, sink, counted):
        try:
            while data := source.recv(65536):
                if counted:
                    self.passed += len(data)
                    if self.limit is not None and self.passed >= self.limit:
                        self.limit = None
                        self.cut()
                        break
                    if self.holds():
                        self.free.wait(120)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Proxy(Relay):
    """An HTTP proxy that asks for a name and a password, and leads every CONNECT to `target`."""

    def __init__(self, target, user, password):
        self.secret = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        super().__init__(target)

    def _pump(self, source, sink, counted):
        if counted:
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    more = source.recv(1)
                    if not more or len(head) > 8192:
                        return
                    head += more
                good = head.startswith(b"CONNECT ") and f"authorization: {self.secret}".lower().encode() in head.lower()
                answer = b"HTTP/1.1 200 OK\r\n\r\n" if good else b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"
                source.sendall(answer)
                if not good:
                    sink.close()
                    source.close()
                    return
            except OSError:
                return
        super()._pump(source, sink, counted)


class Console:
    """cordon-console and cordon-signer of the build for Linux, each as an account of its own; devices come by way of `relay`."""

    def __init__(self, native):
        if os.geteuid() != 0:
            raise SystemExit(NO_TOOLS)
        self.folder = tempfile.mkdtemp(prefix="cordon-bed.", dir="/run")
        os.chmod(self.folder, 0o755)
        self.running = {}
        self.programs = {}
        # The other accounts need not reach the folder of the build.
        for name, where in (("console", "core/console/cordon-console"), ("signer", "core/console/signer/cordon-signer"), ("cordon", "core/ctl/cordon")):
            source = os.path.join(native, where)
            if not os.path.exists(source):
                shutil.rmtree(self.folder)
                raise Failed(f"{source} is missing: build the preset dev first")
            self.programs[name] = shutil.copy(source, os.path.join(self.folder, "cordon" if name == "cordon" else f"cordon-{name}"))
        self.people, self.agents = free_port(), free_port()
        self.people_relay = Relay(self.people)
        self.relay = Relay(self.agents)
        self._configure()
        self._ask("console", "--config", self.path("console.json"), "init")
        group = os.stat(self.path("data")).st_gid
        for name, mode in (("signer", 0o700), ("run", 0o755)):
            os.mkdir(self.path(name), mode)
            os.chown(self.path(name), SIGNER_UID, group)
        self.group = group
        self._ask("signer", "--init", self.path("signer"), user=SIGNER_UID)
        self.start()
        self.ca = self.path("ca.pem")
        self.config = self.application("tests", PERMISSIONS)

    def path(self, name):
        return os.path.join(self.folder, name)

    def _configure(self):
        config = {
            "data_dir": self.path("data"),
            "user": "nobody",
            "people": {"listen": f"127.0.0.1:{self.people}", "url": f"https://127.0.0.1:{self.people_relay.port}"},
            "agents": {"listen": f"127.0.0.1:{self.agents}", "addresses": [f"localhost:{self.relay.port}"]},
            "names": ["127.0.0.1", "localhost"],
            "signer": {"socket": self.path("run/signer.sock"), "user": "daemon"},
            "limits": {"per_minute": 100000, "per_hour": 1000000},
            "exclusions": [{"name": "default", "exclusions": [{"direction": "out", "address": "192.0.2.1"}]}],
            "log": "all=info,devices=debug",
        }
        write(self.path("console.json"), json.dumps(config), 0o644)
        signer = {"database": self.path("data/console.db"), "socket": self.path("run/signer.sock"), "console_user": "nobody"}
        write(self.path("signer.json"), json.dumps(signer), 0o644)

    def _words(self, name, words, user):
        words = [self.programs[name], *words]
        if user is not None:
            words = ["setpriv", f"--reuid={user}", f"--regid={self.group}", "--clear-groups", "--pdeathsig=KILL", *words]
        return words

    def _ask(self, name, *words, user=None):
        done = run(self._words(name, words, user), 60)
        must(done.code == 0, f"cordon-{name} {' '.join(words)} ended with {done.code}: {done.text[-500:]}")
        return done

    def start(self):
        """Both, or the one that does not run."""
        if "signer" not in self.running:
            if os.path.exists(self.path("run/signer.sock")):
                os.unlink(self.path("run/signer.sock"))
            words = ["--dir", self.path("signer"), "--config", self.path("signer.json")]
            self._launch("signer", words, SIGNER_UID)
            until(30, "the signer listens", lambda: os.path.exists(self.path("run/signer.sock")))
        if "console" not in self.running:
            self._launch("console", ["--config", self.path("console.json")], None)
            until(30, "the console answers", self._answers)

    def _launch(self, name, words, user):
        with open(self.path(f"{name}.log"), "ab") as log:
            self.running[name] = subprocess.Popen(self._words(name, words, user), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _answers(self):
        must(self.running["console"].poll() is None, f"the console has ended: {read(self.path('console.log'))[-800:]}")
        # Its CA is the second certificate of the chain that it shows.
        chain = read(self.path("data/tls.pem")).split("-----BEGIN CERTIFICATE-----")
        if len(chain) < 3:
            return False
        write(self.path("ca.pem"), "-----BEGIN CERTIFICATE-----" + chain[2], 0o644)
        try:
            context = ssl.create_default_context(cafile=self.path("ca.pem"))
            with urllib.request.urlopen(f"https://127.0.0.1:{self.people}/healthz", timeout=5, context=context) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def kill(self, name):
        """console or signer, as a power cut would; start() brings it back."""
        process = self.running.pop(name)
        process.kill()
        process.wait(20)

    def end(self):
        self.relay.cut()
        self.people_relay.cut()
        for name in list(self.running):
            self.kill(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return read(self.path("console.log"))

    # ---- the fleet, as a person has it ----

    def application(self, name, permissions, ca=None):
        """A configuration for the command, of an application with these permissions."""
        out = self.path(f"data/{name}.app")
        self._ask("console", "--config", self.path("console.json"), "app", "create", "--name", name, "--permissions", permissions, "--out", out)
        app = json.loads(read(out))
        config = self.path(f"{name}.json")
        write(config, json.dumps({"console": f"https://127.0.0.1:{self.people}", "ca": ca or self.ca, "client_id": app["client_id"], "client_secret": app["client_secret"]}))
        return config

    def cordon(self, *words, code=0, timeout=120):
        """The native command; code None: whatever it ends with."""
        done = run([self.programs["cordon"], *words, "--config", self.config], timeout)
        must(code is None or done.code == code, f"cordon {' '.join(words)} ended with {done.code}, not {code}: {done.text[-1500:]}")
        return done

    def token(self, path, *words):
        """A token file at this path; words such as '--uses', '3', '--tag', 'lab'."""
        if os.path.exists(path):
            os.unlink(path)
        self.cordon("enroll-token", "create", "--for", "1h", *words, "-o", path)
        return path

    def devices(self):
        return self.cordon("device", "list", "--json").json()["machines"]

    def device(self):
        """The only one there is, or None."""
        machines = self.devices()
        must(len(machines) < 2, f"there are {len(machines)} devices")
        return machines[0] if machines else None

    def connected(self):
        """The device, while it is connected."""
        one = self.device()
        return one if one is not None and "\nConnection  connected\n" in self.cordon("device", "show", one["id"]).out else None

    def order(self, *words, seconds=60):
        """Gives an order that waits for its end; the answer, whatever it is."""
        return self.cordon(*words, "--comment", "test", "--wait", "--timeout", str(seconds), code=None, timeout=seconds + 30)


class Prefix:
    """A prefix of Wine of its own, or one that a fixture has made."""

    def __init__(self, path, make=True):
        self.path = os.path.abspath(path)
        self.drive = os.path.join(self.path, "drive_c")
        self.made = make
        if make:
            done = self._script("make", timeout=240)
            must(done.code == 0, f"the prefix could not be made: {done.text[-500:]}")

    def _script(self, *words, timeout):
        return run(["sh", os.path.join(HERE, "wine.sh"), self.path, *words], timeout)

    def words(self, program, *words):
        return ["sh", os.path.join(HERE, "wine.sh"), self.path, "run", program, *words]

    def run(self, program, *words, timeout=120):
        return run(self.words(program, *words), timeout)

    def processes(self, program):
        """The numbers, on Linux, of the processes of this prefix whose program's path ends so: agent-1\\cordon-channel.exe."""
        found = []
        for number in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{number}/cmdline", "rb") as file:
                    first = file.read().split(b"\0")[0].decode("utf-8", "replace")
                with open(f"/proc/{number}/environ", "rb") as file:
                    mine = f"WINEPREFIX={self.path}".encode() in file.read().split(b"\0")
            except OSError:
                continue
            if mine and f"\\{first}".replace("/", "\\").endswith(f"\\{program}"):
                found.append(int(number))
        return found

    def kill(self, program):
        """kill -9 of all of those; fails when there is none. Returns when they are gone."""
        numbers = self.processes(program)
        must(numbers, f"no {program} runs")
        for number in numbers:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                pass
        until(20, f"{program} is gone", lambda: not set(numbers) & set(self.processes(program)))

    def end(self):
        if self.made:
            self._script("end", timeout=90)


class Agent:
    """cordond.exe in a folder of the prefix, started by hand: no service and no installer.

    plugins: names of libraries of the build with their manifests beside them, such as 'tests/plugins/zoo_good'.
    providers, settings: as the configuration has them; more: other members of it.
    """

    def __init__(self, prefix, build, plugins=(), providers=None, settings=None, more=None):
        self.prefix = prefix
        self.name = f"agent-{os.getpid()}"
        self.place = os.path.join(prefix.drive, self.name)
        self.process = None
        self.starts = 0
        shutil.rmtree(self.place, ignore_errors=True)
        os.makedirs(os.path.join(self.place, "plugins"))
        for program in ("agent/cordond", "host/cordon-plugin-host", "channel/cordon-channel", "ctl/cordon"):
            shutil.copy(os.path.join(build, f"core/{program}.exe"), self.place)
        trusted = []
        for plugin in plugins:
            base = os.path.join(self.place, "plugins", os.path.basename(plugin))
            for ending in (".dll", ".json"):
                shutil.copyfile(os.path.join(build, plugin + ending), base + ending)
            manifest = json.loads(read(base + ".json"))
            trusted.append({"id": manifest["id"], "library": digest(base + ".dll"), "manifest": digest(base + ".json")})
        config = {
            "providers": providers or {},
            "plugins": {"user": "", "settings": settings or {}},
            "console": {"channel_user": ""},
            "local": {"group": ""},
            "log": "all=info,channel=debug,remote=debug",
            **(more or {}),
        }
        write(os.path.join(self.place, "cordond.json"), json.dumps(config))
        write(os.path.join(self.place, "trust.json"), json.dumps({"plugins": trusted}))

    def at(self, name):
        return f"C:\\{self.name}\\{name}"

    def start(self, fault=None):
        """fault: a kill point, such as remote.result_sent=kill."""
        words = ["--config", self.at("cordond.json"), "--trust", self.at("trust.json"), "--state-dir", self.at("state"), "--run-dir", self.at("run")]
        words += ["--plugin-dir", self.at("plugins"), "--plugin-host", self.at("cordon-plugin-host.exe"), "--channel", self.at("cordon-channel.exe")]
        env = {**os.environ, **({"CORDON_FAULT": fault} if fault else {})}
        self.starts += 1
        with open(os.path.join(self.place, f"log-{self.starts}"), "wb") as log:
            self.process = subprocess.Popen(self.prefix.words(os.path.join(self.place, "cordond.exe"), *words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        until(60, "the agent starts", self._started)

    def _started(self):
        must(self.process.poll() is None, f"the agent ended: {self.log()[-800:]}")
        return "agent: started" in self.log()

    def log(self):
        """Of the last start."""
        return read(os.path.join(self.place, f"log-{self.starts}"))

    def kill(self):
        """kill -9, and what the agent has started is gone with it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None
        until(20, "what the agent started is gone", lambda: not self.channels() and not self.hosts())

    def channels(self):
        return self.prefix.processes(f"{self.name}\\cordon-channel.exe")

    def hosts(self):
        return self.prefix.processes(f"{self.name}\\cordon-plugin-host.exe")

    def kill_channel(self):
        self.prefix.kill(f"{self.name}\\cordon-channel.exe")

    def ended(self, seconds=60):
        """Waits until it ends by itself, as at a kill point."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"the agent did not end within {seconds} s") from late
        self.kill()

    def local(self, *words, code=0, timeout=120):
        """cordon.exe local; code None: whatever it ends with."""
        pipe = f"\\\\.\\pipe\\cordon-controlC--{self.name}-run"
        done = self.prefix.run(os.path.join(self.place, "cordon.exe"), "local", *words, "--socket", pipe, timeout=timeout)
        must(code is None or done.code == code, f"cordon local {' '.join(words)} ended with {done.code}, not {code}: {done.text[-800:]}\n{self.log()[-1500:]}")
        return done

    def enrol(self, token, *words, code=0):
        return self.local("enroll", "--token-file", "Z:" + token.replace("/", "\\"), "--timeout", "60", *words, code=code)

    def remove(self):
        try:
            self.kill()
        finally:
            shutil.rmtree(self.place, ignore_errors=True)


class Bed:
    """with Bed(...) as bed: bed.console, bed.prefix and bed.agent, enrolled and connected; all of it is gone afterwards."""

    def __init__(self, prefix, build, native, make=False, tags=(), enrolled=True, **agent):
        self.asked = (prefix, build, native, make, tags, enrolled, agent)
        self.console = self.prefix = self.agent = None

    def __enter__(self):
        prefix, build, native, make, tags, enrolled, agent = self.asked
        try:
            self.console = Console(native)
            self.prefix = Prefix(prefix, make)
            self.agent = Agent(self.prefix, build, **agent)
            self.agent.start()
            if enrolled:
                token = self.console.token(self.console.path("token.json"), *[word for tag in tags for word in ("--tag", tag)])
                self.agent.enrol(token)
                until(60, "the device is connected", self.console.connected)
        except BaseException:
            self.__exit__(Failed, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for name, one in (("agent", self.agent), ("console", self.console)):
                if one is not None:
                    print(f"---- the end of the {name}'s log\n{one.log()[-3000:]}")
        for one in (self.agent and self.agent.remove, self.prefix and self.prefix.end, self.console and self.console.end):
            if one:
                one()
        return False
