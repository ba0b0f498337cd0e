#!/usr/bin/env python3
"""Prints a journal of a machine in use, in the export format that systemd-journal-remote reads: journal.py ENTRIES.

As many fields as journald gives an entry, and messages that differ as those of a server do: names of clients, numbers, digests of keys. The same
for every run. The format: https://systemd.io/JOURNAL_EXPORT_FORMATS/
"""
import hashlib
import sys

BEGIN_US = 1_760_000_000_000_000
SERVICES = {
    "sshd": ("ssh.service", "/usr/sbin/sshd"),
    "CRON": ("cron.service", "/usr/sbin/cron"),
    "systemd": ("init.scope", "/usr/lib/systemd/systemd"),
    "kernel": None,
    "nginx": ("nginx.service", "/usr/sbin/nginx"),
    "dbus-daemon": ("dbus.service", "/usr/bin/dbus-daemon"),
}
# Every second entry is one of the busiest service.
TURN = ["nginx", "sshd", "nginx", "CRON", "nginx", "systemd", "nginx", "kernel", "nginx", "dbus-daemon"]


def message(name, number, digest):
    client = f"10.{digest[0]}.{digest[1]}.{digest[2]}"
    port = int.from_bytes(digest[3:5], "big")
    return {
        "sshd": f"Accepted publickey for deploy from {client} port {port} ssh2: ED25519 SHA256:{digest.hex()[:43]}",
        "CRON": f"pam_unix(cron:session): session opened for user root(uid=0) by (uid=0), job {number}",
        "systemd": f"Started session-{number}.scope - Session {number} of User deploy.",
        "kernel": f"[UFW BLOCK] IN=eth0 OUT= SRC={client} DST=10.0.0.5 LEN={digest[5]} TTL=52 ID={port} PROTO=TCP SPT={port} DPT=22",
        "nginx": f'{client} - - "GET /api/v1/items/{int.from_bytes(digest[6:9], "big")}?page={digest[9]} HTTP/1.1" 200 {port}',
        "dbus-daemon": f"[system] Successfully activated service 'org.example.s{number % 977}'",
    }[name]


def entry(number, now_us, digest):
    name = TURN[number % len(TURN)]
    fields = {
        "__REALTIME_TIMESTAMP": now_us,
        "__MONOTONIC_TIMESTAMP": now_us - BEGIN_US,
        "_BOOT_ID": "0123456789abcdef0123456789abcdef",
        "_MACHINE_ID": "fedcba9876543210fedcba9876543210",
        "_HOSTNAME": "desk-1",
        "_SOURCE_REALTIME_TIMESTAMP": now_us - digest[10],
        "_TRANSPORT": "journal" if SERVICES[name] else "kernel",
        "PRIORITY": 6,
        "SYSLOG_IDENTIFIER": name,
        "MESSAGE": message(name, number, digest),
    }
    if SERVICES[name]:
        unit, program = SERVICES[name]
        fields |= {
            "_PID": 1000 + int.from_bytes(digest[11:13], "big") % 30000,
            "_UID": 0,
            "_GID": 0,
            "_COMM": name,
            "_EXE": program,
            "_CMDLINE": f"{program} -D",
            "_SYSTEMD_UNIT": unit,
            "_SYSTEMD_CGROUP": f"/system.slice/{unit}",
            "_CAP_EFFECTIVE": "1ffffffffff",
            "_SELINUX_CONTEXT": "unconfined",
        }
    return "".join(f"{key}={value}\n" for key, value in fields.items()) + "\n"


def main():
    now_us = BEGIN_US
    for number in range(int(sys.argv[1])):
        digest = hashlib.sha256(str(number).encode()).digest()
        now_us += 1000 + int.from_bytes(digest[13:16], "big") % 1_000_000
        sys.stdout.write(entry(number, now_us, digest))


if __name__ == "__main__":
    main()
