"""Usage: enrol.py PREFIX BUILD NATIVE

cordond.exe enrols with the console of Linux over mutual TLS, is ordered about by it, and what it did comes back signed, once, whatever is killed or
cut meanwhile. What is wrong is refused with one sentence, and changes nothing.
"""
import json
import os
import sqlite3
import sys

from bed import Bed, Failed, Proxy, must, read, run, until, write

GOOD = "org.cordon.test.good"


def results(bed, action):
    """How many results of it the console has recorded. Its log is read as the signer reads it, not written to."""
    store = sqlite3.connect(f"file:{bed.console.path('data/console.db')}?mode=ro", uri=True, timeout=20)
    try:
        return store.execute("select count(*) from audit where action = ? and what = 'action.result'", (action,)).fetchone()[0]
    finally:
        store.close()


def state(bed):
    return bed.agent.local("status", "--json").json()


def connected_again(bed):
    return bed.console.connected() and state(bed)["console"]["connection"] == "connected"


def last_action(bed):
    return bed.console.cordon("actions", "--json", "--limit", "1").json()["value"][0]


def ended_well(bed, kind):
    """The newest action is of this kind, has ended well, and its result was recorded once and acknowledged."""
    action = until(60, f"the {kind} ends", lambda: last_action(bed) if last_action(bed)["status"] not in ("Pending", "InProgress") else None)
    must(action["status"] == "Succeeded" and action["type"] == kind, f"the {kind} ended otherwise: {action}")
    until(30, "the device has no result left", lambda: state(bed)["console"]["results_waiting"] == 0)
    must(results(bed, action["id"]) == 1, f"the result of {action['id']} is recorded {results(bed, action['id'])} times")
    return action


def enrols(bed, tags):
    """Who it is, and that nothing of its keys stands on the disk as it is."""
    device = bed.console.device()
    must(device["osPlatform"].startswith("Windows"), f"the platform is {device['osPlatform']}")
    must(sorted(device["machineTags"]) == tags, f"the tags are {device['machineTags']}")
    must(state(bed)["console"]["device"] == device["id"], "the device calls itself otherwise")
    folder = os.path.join(bed.agent.place, "state")
    for name in ("enrolment.json", "device.key"):
        with open(os.path.join(folder, name), "rb") as file:
            kept = file.read()
        must(kept and not any(word in kept for word in (b"PRIVATE KEY", b"BEGIN", b"tls_key")), f"{name} is not sealed")
        must(os.stat(os.path.join(folder, name)).st_mode & 0o007 == 0, f"{name} is open for everybody")
    secret = json.loads(read(bed.console.path("token.json")))["token"]
    must(secret not in bed.agent.log() and secret not in bed.console.log(), "the token is in a log")
    up = [line for line in bed.agent.log().splitlines() if "cordon-channel" in line and " is up: " in line]
    must(up and all('"job":true,"administrators":false' in line for line in up), f"the channel was started with more than it may have: {up}")
    return device["id"]


def obeys(bed):
    """Orders, and what their signed results say was measured."""
    done = bed.console.order("isolate", bed.device)
    must(done.code == 0, f"the isolation: {done.text}")
    done.says("enforced isolated   proven holds").says("blocked   0 -> 1")
    ended_well(bed, "Isolate")
    bed.console.cordon("device", "show", bed.device).says("enforced isolated   proven holds")
    done = bed.console.order("release", bed.device)
    must(done.code == 0, f"the release: {done.text}")
    ended_well(bed, "Unisolate")
    bed.console.cordon("tag", "add", bed.device, "hinzugefügt")
    must("hinzugefügt" in bed.console.device()["machineTags"], "a tag is not added")


def kills(bed):
    """kill -9 of each side of the link at points on the way of an order."""
    before = bed.agent.channels()
    bed.agent.kill_channel()
    until(60, "another channel connects", lambda: set(bed.agent.channels()) - set(before) and connected_again(bed))
    wishes = ("isolate", "Isolate"), ("release", "Unisolate")
    for i, point in enumerate(("remote.before_order", "remote.order_synced", "agent.after_apply", "remote.result_sent")):
        word, kind = wishes[i % 2]
        bed.agent.kill()
        bed.agent.start(fault=f"{point}=kill")
        until(60, "the device is connected", bed.console.connected)
        bed.console.cordon(word, bed.device, "--comment", point)
        bed.agent.ended()
        bed.agent.start()
        ended_well(bed, kind)
    # The channel with the order, or with the result, in its hands. The fault is in each that the agent starts.
    for i, point in enumerate(("channel.order_passed", "channel.result", "channel.result_said")):
        word, kind = wishes[i % 2]
        bed.agent.kill()
        bed.agent.start(fault=f"{point}=kill")
        until(60, "the device is connected", bed.console.connected)
        before = bed.agent.channels()
        bed.console.cordon(word, bed.device, "--comment", point)
        until(60, f"the channel dies at {point}", lambda: not set(before) & set(bed.agent.channels()))
        bed.agent.kill()
        bed.agent.start()
        ended_well(bed, kind)
    bed.console.order("release", bed.device)
    ended_well(bed, "Unisolate")


def is_cut(bed):
    """No way to the console: an order waits, and is carried out when there is one again."""
    bed.console.relay.cut()
    until(60, "the device notices", lambda: state(bed)["console"]["connection"] != "connected")
    why = state(bed)["console"]
    must("localhost" in why["sentence"] or f"port {bed.console.relay.port}" in why["sentence"], f"what is wrong is not said: {why}")
    bed.console.cordon("isolate", bed.device, "--comment", "while it is away")
    must(last_action(bed)["status"] == "Pending", "an order for a device that is away does not wait")
    bed.console.relay.mend()
    until(60, "the device comes back", lambda: connected_again(bed))
    ended_well(bed, "Isolate")
    # The network goes while the result is on its way: it comes later, once.
    bed.console.relay.cut()
    until(60, "the device notices", lambda: state(bed)["console"]["connection"] != "connected")
    bed.console.kill("console")
    bed.console.start()
    bed.console.relay.mend()
    until(60, "the device comes back to another console", lambda: connected_again(bed))
    bed.console.order("release", bed.device)
    ended_well(bed, "Unisolate")


def goes_through_a_proxy(bed):
    """There is no other way; what the proxy wants stands in a file of its own, and a wrong password is told of."""
    config = os.path.join(bed.agent.place, "cordond.json")
    kept = read(config)
    wanted = json.loads(kept)
    wanted["console"]["proxy_file"] = bed.agent.at("proxy.json")
    proxy = Proxy(bed.console.agents, "cordon", "s3cret-word")
    bed.console.relay.cut()
    write(config, json.dumps(wanted))
    for password, right in (("another-word", False), ("s3cret-word", True)):
        bed.agent.kill()
        write(os.path.join(bed.agent.place, "proxy.json"), json.dumps({"proxy": f"127.0.0.1:{proxy.port}", "user": "cordon", "password": password}))
        bed.agent.start()
        if right:
            until(60, "the device comes through the proxy", lambda: connected_again(bed))
        else:
            until(60, "a wrong password is told of", lambda: "refused the user name and password" in bed.agent.log())
        must(password not in bed.agent.log(), "the password is in the log")
    bed.console.order("isolate", bed.device)
    ended_well(bed, "Isolate")
    bed.console.order("release", bed.device)
    ended_well(bed, "Unisolate")
    bed.agent.kill()
    proxy.cut()
    bed.console.relay.mend()
    write(config, kept)
    bed.agent.start()
    until(60, "it goes straight again", lambda: connected_again(bed))


def refuses(bed):
    """What is wrong is told in one sentence; the device stays what it is."""
    console = bed.console
    good = json.loads(read(console.token(console.path("other.json"))))
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", console.path("astray.key"), "-out", console.path("astray.pem"), "-days", "2", "-subj", "/CN=astray"], 30)
    astray = read(console.path("astray.pem"))
    rows = (
        ("used up", json.loads(read(console.path("token.json"))), (), "refused"),
        ("unknown", {**good, "token": "A" * 43}, (), "refused"),
        ("another CA of the console's", {**good, "tls_ca": astray}, (), "certificate"),
        ("another CA of devices", {**good, "ca": astray}, (), "the console's answer is refused"),
        ("another console", good, ("--console", "https://console.example:8443"), "not for https://console.example:8443"),
        ("no token", {"version": 1}, (), "token"),
    )
    for what, token, words, said in rows:
        write(console.path("wrong.json"), json.dumps(token))
        done = bed.agent.enrol(console.path("wrong.json"), *words, code=None)
        if what == "used up":
            # A device that comes again with the token that it enrolled with takes no other use of it.
            must(done.code == 0, f"the same device does not enrol again: {done.text}")
            continue
        must(done.code != 0 and said in done.err, f"{what}: ended with {done.code}: {done.text}")
        must(done.err.strip().count("\n") == 0, f"{what}: more than a sentence: {done.err}")
    # The console did enrol it each time that it was asked with a token worth something, and goes by its newest certificate.
    bed.agent.enrol(console.path("other.json"))
    until(60, "it is connected", lambda: connected_again(bed))
    must(console.device()["id"] == bed.device, "it is another device now")


def unseals(bed):
    """A file that was sealed by another machine, or by nobody, is no enrolment; the agent says so and runs."""
    bed.agent.kill()
    path = os.path.join(bed.agent.place, "state", "enrolment.json")
    with open(path, "rb") as file:
        kept = file.read()
    with open(path, "wb") as file:
        file.write(kept[:-20] + bytes(20))
    bed.agent.start()
    must("not sealed with the key of this machine" in bed.agent.log(), "a seal that was changed is taken")
    must(not state(bed)["console"]["enrolled"], "it is enrolled by a file that was changed")
    bed.agent.kill()
    with open(path, "wb") as file:
        file.write(kept)
    bed.agent.start()
    until(60, "it is what it was", lambda: connected_again(bed))


def main(prefix, build, native):
    with Bed(prefix, build, native, tags=["lab"], plugins=["tests/plugins/zoo_good"], providers={"isolate": [GOOD]}) as bed:
        bed.device = enrols(bed, ["lab"])
        for part in (obeys, kills, is_cut, goes_through_a_proxy, refuses, unseals):
            part(bed)
            print(f"windows_enrol: {part.__name__}", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:4]))
    except Failed as why:
        print(f"windows_enrol: {why}")
        sys.exit(1)
