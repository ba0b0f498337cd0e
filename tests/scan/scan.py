#!/usr/bin/env python3
"""Scans by a real clamd: scan.py BUILD [NAME...]. Each function below is a fact; those of a name that was given, or all but those that take minutes."""
import base64
import hashlib
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bed import HARMLESS, WAIT_S, Bed, eicar, until

try:
    from jsonschema import Draft202012Validator as Validator
except ImportError:
    Validator = None

BUILD = sys.argv[1]
SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "config/schemas"
SCHEMA = {**json.loads((SCHEMAS / "scan.results.schema.json").read_text()), "$ref": "#/$defs/run"}


def result_of(action):
    result = action["result"]["scan"]
    if Validator is not None:
        Validator(SCHEMA).validate(result)
    return result


def path_of(item):
    path = item["path"]
    if isinstance(path, str):
        return os.fsencode(path)
    text = path["base64"]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def paths_of(items):
    return {path_of(i): i for i in items}


def zipped(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("inside.txt", content)
    return out.getvalue()


def finds_what_is_there_and_says_what_it_did_not_look_at():
    with Bed(BUILD) as bed:
        bed.clamd.start()
        bed.agent.start()
        data = bed.data
        found = [bed.write("eicar.com", eicar()), bed.write("note.txt", b"x" * 1000 + HARMLESS),
                 bed.write("packed.zip", zipped(HARMLESS)), bed.write("/".join(["d"] * 40) + "/deep", eicar()),
                 bed.write("new\nline: OK", HARMLESS), bed.write("a: FOUND", HARMLESS)]
        raw = os.fsencode(data) + b"/bad\xff\xfename"
        with open(raw, "wb") as f:
            f.write(HARMLESS)
        for i in range(20):
            bed.write(f"clean/{i}", os.urandom(100))
        bed.write("empty", b"")
        outside = bed.folder / "outside"
        outside.write_bytes(eicar())
        (data / "link").symlink_to(outside)
        (data / "linked").symlink_to(bed.folder)
        os.link(data / "eicar.com", data / "same")
        os.mkfifo(data / "fifo")
        os.mknod(data / "null", 0o600 | 0o020000, os.makedev(1, 3))
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(data / "socket"))
        large = data / "large"
        with open(large, "wb") as f:
            f.write(HARMLESS)
            f.truncate(150 * 1024 * 1024)
        deeper = data
        for i in range(140):
            deeper = deeper / "e"
        os.makedirs(deeper)
        action, code = bed.agent.scan("--path", str(data), "--cpu", "100")
        assert action["status"] == "Succeeded" and action["outcome"] == "partial", action
        assert code == 7, code
        r = result_of(action)
        names = paths_of(r["findings"])
        want = {os.fsencode(p) for p in found} | {raw}
        same = os.fsencode(data / "same")
        first = os.fsencode(data / "eicar.com")
        assert set(names) - {same, first} == want - {first}, (names, want)
        assert (same in names) != (first in names), names
        one = names.get(same) or names[first]
        assert one["signature"] == "Cordon.Test.Eicar.UNOFFICIAL", one
        assert one["sha256"] == "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f", one
        assert one["sha1"] == "3395856ce81f2b7382dee72602f798b642f14140", one
        assert one["owner"] == {"uid": 0, "name": "root"} and one["size"] == 68 and one["deleted"] is False, one
        missed = paths_of(r["not_scanned"])
        assert missed[os.fsencode(large)]["reason"] == "too_large", missed
        assert missed[os.fsencode(large)]["size"] == 150 * 1024 * 1024, missed
        assert r["not_scanned_reasons"] == {"too_large": 1, "depth": 1}, r
        assert r["complete"] is False and r["not_scanned_total"] == 2, r
        assert r["files_planned"] == r["files_scanned"] == 20 + 1 + 7, r
        assert r["left_out"]["special_files"] == 3, r
        assert r["engine"]["name"] == "ClamAV" and r["database"]["signatures"] == 2, r
        assert abs(r["database"]["built_ms"] / 1000 - time.time()) < 600, r


def clean_is_said_of_what_was_scanned_alone():
    with Bed(BUILD) as bed:
        bed.clamd.start()
        bed.agent.start()
        bed.write("a", b"nothing")
        action, code = bed.agent.scan("--path", str(bed.data))
        assert code == 0 and action["outcome"] == "ok" and result_of(action)["complete"] is True, action
        action, code = bed.agent.scan("--path", str(bed.data / "absent"))
        assert code == 7 and result_of(action)["not_scanned_reasons"] == {"not_found": 1}, action
        os.mkfifo(bed.data / "fifo")
        action, code = bed.agent.scan("--path", str(bed.data / "fifo"))
        assert code == 7 and result_of(action)["not_scanned_reasons"] == {"special": 1}, action
        action, code = bed.agent.scan("--path", "/proc/self")
        assert code == 7 and result_of(action)["not_scanned_reasons"] == {"file_system": 1}, action
        said = subprocess.run(bed.agent.command("scan", "--path", str(bed.data)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert said.returncode == 0 and b"Nothing was found: all files were scanned" in said.stdout, said
        assert said.stderr.count(b"scan 3/3") == 1, said
        said = subprocess.run(bed.agent.command("scan", "--quick", "--full"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert said.returncode == 2, said


def who_runs_it_is_found_though_it_is_deleted():
    with Bed(BUILD) as bed:
        bed.clamd.start()
        bed.agent.start(alone=bed.data)
        program = bed.data / "sleeper"
        shutil.copyfile("/bin/sleep", program)
        with open(program, "ab") as f:
            f.write(HARMLESS)
        os.chmod(program, 0o755)
        other = bed.data / "kept"
        shutil.copyfile(program, other)
        os.chmod(other, 0o755)
        running = [subprocess.Popen([program, "120"]), subprocess.Popen([other, "120"])]
        try:
            program.unlink()
            action, _ = bed.agent.scan("--quick", "--cpu", "100", timeout=200)
            names = paths_of(result_of(action)["findings"])
            gone = names[os.fsencode(program)]
            assert gone["deleted"] is True and [p["pid"] for p in gone["processes"]] == [running[0].pid], gone
            assert gone["processes"][0]["name"] == "sleeper" and gone["processes"][0]["user"] == "root", gone
            start = pathlib.Path(f"/proc/{running[0].pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
            assert gone["processes"][0]["start"] == int(start), gone
            assert [p["pid"] for p in names[os.fsencode(other)]["processes"]] == [running[1].pid], names
        finally:
            for p in running:
                p.kill()
                p.wait()


def slow_tree(bed, files=600, size=60000):
    content = os.urandom(size)
    for i in range(files):
        bed.write(f"tree/{i % 50}/{i}", i.to_bytes(8, "big") + content)


def a_cancel_stops_the_work():
    with Bed(BUILD, conf={"CacheSize": 1}) as bed:
        bed.clamd.start()
        bed.agent.start()
        slow_tree(bed)
        p = bed.agent.begin_scan("--path", str(bed.data), "--cpu", "20")
        try:
            for line in p.stderr:
                event = json.loads(line)
                if event.get("step") == "scan" and event.get("total", 0) > 0 and event["done"] > 0:
                    assert event["total"] == 600, event
                    break
            began = time.monotonic()
            p.send_signal(signal.SIGINT)
            assert p.wait(20) == 1, p.stdout.read()
        finally:
            p.kill()
            p.wait()
        action = until("it has ended", bed.agent.cancelled, 10)
        assert time.monotonic() - began < 2.5, time.monotonic() - began
        before = bed.clamd.cpu_s()
        time.sleep(0.5)
        assert bed.clamd.cpu_s() - before < 0.1, bed.clamd.cpu_s() - before
        r = result_of(action)
        assert r["complete"] is False and r["not_scanned_reasons"]["cancelled"] > 0, r
        assert r["files_scanned"] + r["not_scanned_total"] == 600, r


def the_share_of_the_processors_is_kept():
    with Bed(BUILD, conf={"CacheSize": 1}) as bed:
        bed.clamd.start()
        bed.agent.start()
        slow_tree(bed, files=600)  # some seconds: the end of a pause weighs little then
        before = bed.clamd.cpu_s()
        action, _ = bed.agent.scan("--path", str(bed.data), "--cpu", "10")
        used = bed.clamd.cpu_s() - before
        took = result_of(action)["elapsed_ms"] / 1000
        share = used / took / os.cpu_count()
        assert share < 0.13, (used, took, share)


def without_clamd_it_says_what_to_do():
    with Bed(BUILD) as bed:
        bed.agent.start()
        action, code = bed.agent.scan("--quick")
        assert action["status"] == "Failed" and action["outcome"] == "unavailable", action
        assert "clamav-daemon" in action["sentence"] and "clamav-freshclam" in action["sentence"], action["sentence"]
        for f in bed.clamd.database.iterdir():
            f.unlink()
        action, code = bed.agent.scan("--quick")
        assert "freshclam" in action["sentence"], action["sentence"]


def a_stranger_at_the_socket_gets_no_file():
    with Bed(BUILD) as bed:
        script = ("import os, socket, sys\n"
                  "os.setgid(65534); os.setuid(65534)\n"
                  "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o777); s.listen(8)\n"
                  "print('ready', flush=True)\n"
                  "while True:\n"
                  "  c, _ = s.accept(); d = c.recv(4096); print(repr(d), flush=True)\n")
        spot = bed.folder / "spot"
        spot.mkdir()
        os.chmod(spot, 0o777)
        with Bed(BUILD, socket=str(spot / "sock")) as other:
            p = subprocess.Popen([sys.executable, "-c", script, str(spot / "sock")], stdout=subprocess.PIPE)
            try:
                assert p.stdout.readline() == b"ready\n"
                other.agent.start()
                other.write("a", b"secret")
                action, _ = other.agent.scan("--path", str(other.data))
                assert action["status"] == "Failed" and action["outcome"] == "denied", action
                assert "it is given no file" in action["sentence"], action
            finally:
                p.kill()
                rest = p.stdout.read()
                p.wait()
            assert b"FILDES" not in rest and b"VERSION" not in rest, rest


FAKE = """import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o777); s.listen(8); print('ready', flush=True)
while True:
    c, _ = s.accept()
    got = b''
    while True:
        data, fds, _, _ = socket.recv_fds(c, 4096, 64)
        for f in fds:
            os.close(f); print('file', flush=True)
        if not data:
            break
        got += data
        if got == b'zVERSION\\0':
            c.sendall(b'ClamAV 1.4.6\\0')
"""


def asked_ahead(files, size, cpu):
    """How many files an engine that does not answer is given."""
    with Bed(BUILD, hang_s=1) as bed:
        p = subprocess.Popen([sys.executable, "-c", FAKE, str(bed.clamd.socket)], stdout=subprocess.PIPE)
        count = 0
        try:
            assert p.stdout.readline() == b"ready\n"
            bed.agent.start()
            for i in range(files):
                with open(bed.write(str(i), i.to_bytes(8, "big")), "r+b") as f:
                    f.truncate(size)
            # Until it is said to hang: it got by then what it gets.
            action, _ = bed.agent.scan("--path", str(bed.data), "--cpu", str(cpu))
            assert "hangs" in action["sentence"], action
        finally:
            p.kill()
            count = p.stdout.read().count(b"file")
            p.wait()
        return count


def small_files_wait_in_its_queue_and_large_ones_do_not():
    window = min(2 * os.cpu_count(), 4)
    assert asked_ahead(100, 1000, 100) == 4 * window
    assert asked_ahead(10, 8 << 20, 100) == window
    assert asked_ahead(100, 1000, 50) == window


def all_local_file_systems_are_scanned_and_no_others():
    with Bed(BUILD) as bed:
        far = None
        root = pathlib.Path(f"{bed.folder}.root")
        try:
            far = os.open("/dev/fuse", os.O_RDWR)
        except OSError as e:
            print(f"        without a file system of another program: {e}")
        os.environ["PLANTED"] = HARMLESS.decode()
        try:
            bed.clamd.start()
            bed.agent.start(before=bed.agent.small(far), keep=() if far is None else (far,))
            action, code = bed.agent.scan("--full", "--cpu", "100")
            r = result_of(action)
        finally:
            bed.agent.stop()
            if far is not None:
                os.close(far)
            root.rmdir()
        assert set(paths_of(r["findings"])) >= {b"/etc/first", b"/srv/second"}, r
        assert not [p for p in paths_of(r["findings"]) if p.startswith((b"/proc", b"/dev", b"/far"))], r
        assert code == 7 and action["status"] == "Succeeded", action
        # The agent's own journal is written to meanwhile.
        assert set(r["not_scanned_reasons"]) <= {"changed", "vanished"}, r
        assert r["files_scanned"] >= len(bed.agent.libraries()), r
        left = {i["path"]: i["type"] for i in r["left_out"]["file_systems"]}
        assert far is None or left.get("/far") == "fuse", left
        assert not [p for p in left if p in ("/srv", str(bed.folder))], left


def without_memory_nothing_is_called_clean():
    with Bed(BUILD, conf={"ExitOnOOM": "yes", "MaxThreads": 2}, restart_s=2) as bed:
        # It maps a file whole.
        for i in range(4):
            with open(bed.write(str(i), i.to_bytes(8, "big") + HARMLESS), "r+b") as f:
                f.truncate(60 << 20)
        bed.clamd.start()
        peak = int(next(s for s in pathlib.Path(f"/proc/{bed.clamd.process.pid}/status").read_text().splitlines() if s.startswith("VmPeak")).split()[1])
        bed.clamd.stop()
        bed.clamd.start(memory=(peak << 10) + (24 << 20))
        bed.agent.start()
        action, code = bed.agent.scan("--path", str(bed.data), "--cpu", "100")
        r = result_of(action)
        assert code != 0 and r["complete"] is False and r["not_scanned_total"] > 0, action
        assert set(r["not_scanned_reasons"]) <= {"engine_error", "engine_limits"}, r
        assert r["files_scanned"] + r["not_scanned_total"] == 4, r


def soak_its_time_is_kept_and_what_is_left_is_told():
    with Bed(BUILD, conf={"CacheSize": 1}) as bed:
        bed.clamd.start()
        bed.agent.start()
        slow_tree(bed, files=20000, size=20000)
        began = time.monotonic()
        action, code = bed.agent.scan("--path", str(bed.data), "--cpu", "1", "--budget", "60", timeout=120)
        took = time.monotonic() - began
        r = result_of(action)
        assert 55 < took < 75, took
        assert code == 7 and action["status"] == "Succeeded" and action["outcome"] == "partial", action
        assert "the time of the scan was over" in action["sentence"], action
        assert r["not_scanned_reasons"]["time"] > 0 and r["files_scanned"] + r["not_scanned_total"] == 20000, r


def one_that_hangs_is_said_to_hang():
    with Bed(BUILD, conf={"CacheSize": 1}) as bed:
        bed.clamd.start()
        bed.agent.start()
        slow_tree(bed)
        p = bed.agent.begin_scan("--path", str(bed.data), "--cpu", "30")
        for line in p.stderr:
            if json.loads(line).get("step") == "scan" and json.loads(line).get("done", 0) > 0:
                break
        bed.clamd.process.send_signal(signal.SIGSTOP)
        out, _ = p.communicate(timeout=30)
        action = json.loads(out)["action"]
        assert action["status"] == "Failed" and "clamd hangs" in action["sentence"], action
        assert result_of(action)["complete"] is False and result_of(action)["not_scanned_reasons"]["engine_error"] > 0, action
        action, _ = bed.agent.scan("--path", str(bed.data))
        assert action["outcome"] == "unavailable" and "does not answer" in action["sentence"], action


def a_cancel_does_not_wait_for_one_that_hangs():
    with Bed(BUILD, answer_s=10) as bed:
        bed.clamd.start()
        bed.agent.start()
        bed.write("a", b"nothing")
        bed.clamd.process.send_signal(signal.SIGSTOP)
        p = bed.agent.begin_scan("--path", str(bed.data))
        try:
            at = str(bed.clamd.socket)
            # The agent's look at what the provider can do asks clamd too.
            until("it has begun", lambda: [a for a in bed.agent.actions() if a["status"] == "InProgress"], 10)
            until("clamd is asked", lambda: pathlib.Path("/proc/net/unix").read_text().count(at) > 1, 10)
            began = time.monotonic()
            p.send_signal(signal.SIGINT)
            p.communicate(timeout=20)
        finally:
            p.kill()
            p.wait()
        until("it has ended", bed.agent.cancelled, 10)
        assert time.monotonic() - began < 2, time.monotonic() - began


def one_that_is_started_again_goes_on():
    with Bed(BUILD, conf={"CacheSize": 1}) as bed:
        bed.clamd.start()
        bed.agent.start()
        slow_tree(bed, files=400)
        found = bed.write("zz/found", eicar())
        p = bed.agent.begin_scan("--path", str(bed.data), "--cpu", "60")
        for line in p.stderr:
            if json.loads(line).get("step") == "scan" and json.loads(line).get("done", 0) > 0:
                break
        bed.clamd.stop()
        time.sleep(0.3)
        bed.clamd.start()
        out, _ = p.communicate(timeout=60)
        action = json.loads(out)["action"]
        r = result_of(action)
        assert action["status"] == "Succeeded" and r["complete"] is True and r["files_scanned"] == 401, action
        assert list(paths_of(r["findings"])) == [os.fsencode(found)], r


def one_that_does_not_come_back_fails():
    with Bed(BUILD, conf={"CacheSize": 1}, restart_s=2) as bed:
        bed.clamd.start()
        bed.agent.start()
        slow_tree(bed)
        bed.write("000", eicar())
        p = bed.agent.begin_scan("--path", str(bed.data), "--cpu", "30")
        for line in p.stderr:
            if json.loads(line).get("step") == "scan" and json.loads(line).get("done", 0) > 0:
                break
        bed.clamd.stop()
        out, _ = p.communicate(timeout=30)
        action = json.loads(out)["action"]
        assert action["status"] == "Failed" and "did not come back within 2 s" in action["sentence"], action
        r = result_of(action)
        assert r["complete"] is False and r["files_scanned"] + r["not_scanned_total"] == 601, r


def what_vanishes_and_changes_is_told_or_gone():
    with Bed(BUILD, conf={"CacheSize": 1}) as bed:
        bed.clamd.start()
        bed.agent.start()
        slow_tree(bed, files=1200)
        over = threading.Event()

        def churn():
            i = 0
            while not over.is_set():
                for folder in (bed.data / "tree").iterdir():
                    for f in list(folder.iterdir())[:5]:
                        f.unlink(missing_ok=True)
                    i += 1
                    link = folder / f"link{i}"
                    link.symlink_to("/etc")
                    os.rename(link, folder / "swap")
                time.sleep(0.01)

        t = threading.Thread(target=churn)
        t.start()
        try:
            action, _ = bed.agent.scan("--path", str(bed.data), "--cpu", "100")
        finally:
            over.set()
            t.join()
        r = result_of(action)
        assert action["status"] == "Succeeded", action
        assert set(r["not_scanned_reasons"]) <= {"vanished", "changed"}, r
        assert not [p for p in paths_of(r["not_scanned"]) if p.startswith(b"/etc")], r


def what_grows_while_it_is_scanned_was_not_scanned():
    with Bed(BUILD) as bed:
        bed.clamd.start()
        bed.agent.start()
        growing = bed.write("growing", os.urandom(20 * 1024 * 1024))
        bed.write("still", b"nothing")
        over = threading.Event()

        def grow():
            with open(growing, "ab", buffering=0) as f:
                while not over.is_set():
                    f.write(b"more")
                    time.sleep(0.001)

        t = threading.Thread(target=grow)
        t.start()
        try:
            action, code = bed.agent.scan("--path", str(bed.data), "--cpu", "100")
        finally:
            over.set()
            t.join()
        r = result_of(action)
        assert code == 7 and r["not_scanned_reasons"] == {"changed": 1} and r["files_scanned"] == 1, r


def one_that_was_cut_short_is_not_run_again():
    with Bed(BUILD, conf={"CacheSize": 1}) as bed:
        bed.clamd.start()
        bed.agent.start("job.ended=kill")
        bed.write("a", eicar())
        p = bed.agent.begin_scan("--path", str(bed.data))
        bed.agent.process.wait(30)
        p.communicate(timeout=30)
        bed.agent.start()
        actions = bed.agent.actions()
        assert len(actions) == 1 and actions[0]["status"] == "Failed", actions
        assert actions[0]["sentence"].startswith("outcome unknown"), actions


def what_a_scan_has_found_is_found_by_its_digest():
    with Bed(BUILD) as bed:
        bed.clamd.start()
        bed.agent.start(alone=bed.data)
        # No search looks here of its own.
        place = bed.folder / "found"
        place.mkdir()
        sha1 = hashlib.sha1(eicar()).hexdigest()
        for name in ("one", b"t\xffwo"):
            pathlib.Path(os.fsdecode(os.fsencode(place) + b"/" + os.fsencode(name))).write_bytes(eicar())
        bed.agent.scan("--path", str(place))
        done = subprocess.run(bed.agent.command("find-quarantine", sha1, "--json"), stdout=subprocess.PIPE, timeout=WAIT_S)
        action = json.loads(done.stdout)["action"]
        # Partial where a program of this machine runs with a library that is deleted.
        assert action["outcome"] in ("ok", "partial") and "2 known findings" in done.stdout.decode(), action
        assert os.listdir(place) == [], os.listdir(place)


def locked_zip(data):
    """A zip whose member says that it is encrypted: bit 0 of the flags, in both of its headers."""
    whole = bytearray(zipped(data))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        whole[whole.index(mark) + at] |= 1
    return bytes(whole)


def what_the_engine_leaves_out_in_files_is_told():
    with Bed(BUILD) as bed:
        bed.clamd.start()
        bed.agent.start()
        bed.write("locked.zip", locked_zip("nothing" * 99))
        action, code = bed.agent.scan("--path", str(bed.data))
        assert code == 0 and result_of(action)["engine"]["untold"] == ["limits", "encrypted"], action
        said = subprocess.run(bed.agent.command("scan", "--path", str(bed.data)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert b"without a word, as it is set: what is beyond its limits, what is encrypted" in said.stdout, said
    told = {"AlertExceedsMax": "yes", "AlertEncrypted": "yes"}
    with Bed(BUILD, conf=told) as bed:
        bed.clamd.start()
        bed.agent.start()
        bed.write("locked.zip", locked_zip("nothing" * 99))
        # That it tells what is too large in a zip would be news: then it need not be said any more.
        bed.write("large.zip", zipped("A" * (101 << 20)))
        action, code = bed.agent.scan("--path", str(bed.data))
        r = result_of(action)
        assert code == 7 and r["engine"]["untold"] == ["limits"] and r["not_scanned_reasons"] == {"encrypted": 1}, action
        assert r["findings_total"] == 0 and r["complete"] is False, r
    with Bed(BUILD, conf={**told, "AlertEncryptedDoc": "no", "ScanArchive": "no"}) as bed:
        bed.clamd.start()
        bed.agent.start()
        bed.write("a", b"nothing")
        action, _ = bed.agent.scan("--path", str(bed.data))
        assert result_of(action)["engine"]["untold"] == ["archives", "limits", "encrypted"], action


def main():
    facts = [v for k, v in globals().items() if callable(v) and getattr(v, "__module__", "") == "__main__" and
             k not in ("main", "result_of", "path_of", "paths_of", "zipped", "slow_tree", "asked_ahead", "locked_zip")]
    asked = sys.argv[2:]
    failed = 0
    if os.getuid() != 0:
        print("not root: an agent cannot be made")
        return 77
    if shutil.which("clamd") is None:
        print("there is no clamd")
        return 77
    for fact in facts:
        if fact.__name__ not in asked if asked else fact.__name__.startswith("soak_"):
            continue
        began = time.monotonic()
        try:
            fact()
            print(f"ok      {fact.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        except Exception:
            failed += 1
            print(f"not ok  {fact.__name__}\n{traceback.format_exc()}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
