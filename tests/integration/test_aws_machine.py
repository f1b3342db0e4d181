# SPDX-License-Identifier: Apache-2.0
"""The helpers of a machine on EC2 (packaging/aws) against stand-ins of `aws`,
of the instance's metadata and of systemd: names are claimed one machine each,
hooks wait for the process, logs are split as CloudWatch takes them."""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time

import pytest

from support.cluster import ROOT, bin_dir
from support.files import write_whole

SCRIPTS = os.path.join(ROOT, "packaging", "aws")
ZONE = "stipple.internal"

# `aws` with a zone, machines and a log group in one JSON file. It takes a
# change of records whole or not at all, as Route 53 does.
AWS = r'''#!@PYTHON@
import fcntl, json, os, sys
argv = sys.argv[1:]
lock = open(os.environ["WORLD"] + ".lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
world = json.load(open(os.environ["WORLD"]))
option = lambda name: argv[argv.index(name) + 1]
world["asked"].append(argv)

def save():
    # Whole or not at all: the test reads it meanwhile.
    with open(os.environ["WORLD"] + ".new", "w") as file:
        json.dump(world, file)
    os.rename(file.name, os.environ["WORLD"])

def fail(why):
    save()
    sys.stderr.write("An error occurred (%s) when calling\n" % why)
    sys.exit(254)

verb = argv[1]
if verb == "get-secret-value":
    name = option("--secret-id")
    if "/keys/" in name and name not in world["secrets"]:
        fail("ResourceNotFoundException")
    print(world["secrets"].get(name, "a-secret-of-thirty-two-bytes-or-more"))
elif verb == "put-secret-value":
    world["secrets"][option("--secret-id")] = open(option("--secret-string")[7:]).read().rstrip("\n")
elif verb == "get-parameter":
    print("10.40.0.0/16,198.51.100.0/24")
elif verb == "list-resource-record-sets":
    print(world["zone"].get(option("--start-record-name"), ""))
elif verb == "describe-instances":
    print("\t".join(world["living"]))
elif verb == "change-resource-record-sets":
    zone = dict(world["zone"])
    for change in json.loads(option("--change-batch"))["Changes"]:
        record = change["ResourceRecordSet"]
        name, address = record["Name"], record["ResourceRecords"][0]["Value"]
        if change["Action"] == "DELETE":
            if zone.get(name) != address:
                fail("InvalidChangeBatch")
            del zone[name]
        elif name in zone:
            fail("InvalidChangeBatch")
        else:
            zone[name] = address
    world["zone"] = zone
elif verb == "put-log-events":
    events = json.load(open(option("--log-events")[7:]))
    size = sum(len(e["message"].encode()) + 26 for e in events)
    span = events[-1]["timestamp"] - events[0]["timestamp"]
    if world.get("refuse") and any(world["refuse"] in e["message"] for e in events):
        fail("InvalidParameterException")
    if world.get("away"):
        fail("ServiceUnavailableException")
    if size > 1048576 or span > 86400000 or len(events) > 10000:
        fail("InvalidParameterException")
    world["logged"] += [e["message"] for e in events]
elif verb == "complete-lifecycle-action" and world["not_yet"]:
    world["not_yet"] -= 1
    fail("ValidationError): No active Lifecycle Action found (")
save()
'''
CURL = r'''#!/bin/sh
for last; do :; done
case $last in
*api/token) echo token ;;
*instance-id) echo "i-$ADDRESS" ;;
*local-ipv4) echo "$ADDRESS" ;;
*target-lifecycle-state) cat "$WORLD.lifecycle" ;;
*/readyz) [ -e "$WORLD.ready" ] ;;
*) cat "$WORLD.metrics" ;;
esac
'''


class Machine:
    """One machine's root, and the world it shares with the others."""

    def __init__(self, folder, role, address):
        self.root, self.address = folder / address, address
        self.world = folder / "world"
        (self.root / "etc/stipple").mkdir(parents=True)
        (self.root / "usr/lib").mkdir(parents=True)
        os.symlink(SCRIPTS, self.root / "usr/lib/stipple")
        values = {"AWS_REGION": "eu-central-1", "ROLE": role, "CLUSTER": "stipple", "GROUP": f"stipple-{role}",
                  "LOG_GROUP": "/x", "CLUSTER_SECRET": "s", "STIPPLE_IMG": "", "STORE": "dynamodb:stipple",
                  "STORE_SECRET": "-", "REDIS_SECRET": "r", "REDIS_HOST": "redis.test", "REDIS_USER": "u", "DNS_ZONE": "Z1", "DNS_DOMAIN": ZONE, "TRUSTED_PROXIES": "/stipple/edge/x"}
        if role == "edge":
            values["DNS_DOMAIN"] = ""
        (self.root / "etc/stipple/aws.env").write_text("".join(f"{k}='{v}'\n" for k, v in values.items()))

    def start(self, script, **more):
        env = {**os.environ, "PATH": f"{self.world.parent}/bin:{os.environ['PATH']}", "WORLD": str(self.world),
               "ADDRESS": self.address, "STIPPLE_ROOT": str(self.root), "STIPPLE_POLL_S": "0.1", "STIPPLE_BEAT_S": "1",
               **more}
        return subprocess.Popen([os.path.join(SCRIPTS, script)], env=env, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, script, code=0, **more):
        process = self.start(script, **more)
        said = process.communicate(timeout=60)[0]
        assert process.returncode == code, said
        return said

    def env(self, role):
        text = (self.root / f"run/stipple/{role}.env").read_text()
        return dict(line.split("=", 1) for line in text.splitlines())


class World:
    def __init__(self, folder):
        self.folder, self.file = folder, folder / "world"
        (folder / "bin").mkdir()
        self.tool("aws", AWS.replace("@PYTHON@", sys.executable))
        self.tool("curl", CURL)
        for name in ("chgrp", "getent", "groupadd", "systemctl"):
            self.tool(name, f'#!/bin/sh\necho "{name} $*" >> "$WORLD.said"\n')
        self.set(zone={}, living=[], asked=[], logged=[], not_yet=0,
                 secrets={f"stipple/keys/{role}": f"keys of {role}s" for role in ("persister", "edge")})
        self.side("lifecycle", "InService")

    def tool(self, name, text):
        write_whole(self.folder / "bin" / name, text, 0o755)

    def side(self, name, text):
        write_whole(self.folder / f"world.{name}", text)

    @contextlib.contextmanager
    def locked(self):
        """Nobody else changes it: the lock that `aws` takes."""
        with open(f"{self.file}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def get(self):
        return json.loads(self.file.read_text())

    def set(self, **values):
        with self.locked():
            now = self.get() if self.file.exists() else {}
            write_whole(self.file, json.dumps({**now, **values}))

    def machine(self, role, address):
        living = self.get()["living"]
        self.set(living=living + [address])
        return Machine(self.folder, role, address)

    def asked(self, verb):
        return [argv for argv in self.get()["asked"] if verb in argv]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


# --- names --------------------------------------------------------------------

def test_two_machines_that_boot_at_once_get_two_names(world):
    machines = [world.machine("persister", f"10.0.0.{i}") for i in (1, 2)]
    boots = [machine.start("aws-boot") for machine in machines]
    for boot in boots:
        said = boot.communicate(timeout=60)[0]
        # systemd starts one again that lost both races.
        assert boot.returncode == 0 or "both names" in said, said
    for machine, boot in zip(machines, boots):
        if boot.returncode:
            machine.run("aws-boot")
    names = sorted(machine.env("persister")["STIPPLE_NAME"] for machine in machines)
    assert names == ["persister-1", "persister-2"]
    assert sorted(world.get()["zone"].values()) == ["10.0.0.1", "10.0.0.2"]


def test_a_reboot_keeps_the_name(world):
    first = world.machine("persister", "10.0.0.1")
    world.machine("persister", "10.0.0.2").run("aws-boot")
    first.run("aws-boot")
    name = first.env("persister")["STIPPLE_NAME"]
    first.run("aws-boot")
    assert first.env("persister")["STIPPLE_NAME"] == name == "persister-2"


def test_a_new_machine_takes_the_name_of_the_one_that_died(world):
    for address in ("10.0.0.1", "10.0.0.2"):
        world.machine("persister", address).run("aws-boot")
    world.set(living=["10.0.0.2"])
    third = world.machine("persister", "10.0.0.3")
    third.run("aws-boot")
    assert world.get()["zone"] == {f"persister-1.{ZONE}": "10.0.0.3", f"persister-2.{ZONE}": "10.0.0.2"}


def test_no_name_is_taken_from_a_machine_that_lives(world):
    for address in ("10.0.0.1", "10.0.0.2"):
        world.machine("persister", address).run("aws-boot")
    before = world.get()["zone"]
    said = world.machine("persister", "10.0.0.3").run("aws-boot", code=1)
    assert "both names of persister belong to machines that live" in said
    assert world.get()["zone"] == before


def test_an_edge_learns_whom_to_trust_from_the_parameter(world):
    edge = world.machine("edge", "10.0.0.9")
    edge.run("aws-boot")
    assert edge.env("edge")["STIPPLE_TRUSTED_PROXIES"] == "10.40.0.0/16,198.51.100.0/24"
    assert edge.env("edge")["STIPPLE_NAME"] == "i-10.0.0.9"


# --- keys ---------------------------------------------------------------------

def test_brokers_draw_the_keys_and_the_others_read_theirs(world):
    world.set(secrets={})
    edge = world.machine("edge", "10.0.0.9")
    edge.run("aws-boot", code=254)  # and again, by systemd, until a broker was there
    brokers = [world.machine("broker", f"10.0.0.{i}") for i in (1, 2)]
    path = {"PATH": f"{bin_dir('asan')}:{world.folder}/bin:{os.environ['PATH']}"}
    for broker in brokers:
        broker.run("aws-boot", **path)
    published = world.get()["secrets"]
    assert sorted(published) == ["stipple/keys/edge", "stipple/keys/persister"]
    assert len(world.asked("put-secret-value")) == 2, "the second broker found them"
    edge.run("aws-boot")
    keys = {machine.address: (machine.root / "run/stipple/keys").iterdir() for machine in brokers + [edge]}
    names = {address: sorted(file.name for file in files) for address, files in keys.items()}
    assert names["10.0.0.9"] == ["edge.key"], names
    assert (edge.root / "run/stipple/keys/edge.key").read_text().rstrip("\n") == published["stipple/keys/edge"]
    assert names["10.0.0.1"] == names["10.0.0.2"] and "operator.key" in names["10.0.0.1"]
    assert not (brokers[0].root / "run/stipple/master").exists()
    assert brokers[0].env("broker")["STIPPLE_ADVERTISE"] == f"tcp://broker-1.{ZONE}:7700"


# --- hooks --------------------------------------------------------------------

def completes(world, hook, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if any(hook in argv for argv in world.asked("complete-lifecycle-action")):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("state, works", [(0, True), (1, False), (2, False), (3, True), (4, True)])
def test_a_roll_out_waits_for_a_broker_that_leads_or_stands_by(world, state, works):
    world.side("metrics", f"stipple_broker_state {state}\n")
    hooks = world.machine("broker", "10.0.0.1").start("aws-hooks")
    try:
        assert completes(world, "ready", 60 if works else 1.5) == works
    finally:
        hooks.kill()
        hooks.communicate()


def test_a_long_drain_keeps_its_hook_alive(world):
    # The stop takes as long as it needs to see two heartbeats.
    world.tool("systemctl", '''#!/bin/sh
echo "systemctl $*" >> "$WORLD.said"
for _ in $(seq 600); do
    [ "$(grep -o heartbeat "$WORLD" | wc -l)" -lt 2 ] || exit 0
    sleep 0.1
done
''')
    world.side("lifecycle", "Terminated")
    world.set(not_yet=1)  # the load balancer is not done with it yet
    world.machine("edge", "10.0.0.1").run("aws-hooks")
    asked = [argv[1] for argv in world.get()["asked"]]
    assert (world.folder / "world.said").read_text() == "systemctl stop stipple-edge\n"
    assert asked.count("record-lifecycle-action-heartbeat") >= 2, asked
    assert asked[-2:] == ["complete-lifecycle-action"] * 2, asked


# --- figures and logs ---------------------------------------------------------

def journal(world, lines):
    """`lines`: (seconds ago, text). Handed out once, like journalctl with its
    cursor."""
    now = time.time()
    text = "".join(json.dumps({"__REALTIME_TIMESTAMP": str(int((now - ago) * 1e6)), "MESSAGE": message}) + "\n"
                   for ago, message in lines)
    world.side("journal", text)
    world.tool("journalctl", r'''#!/bin/sh
for word; do case $word in --cursor-file=*) cursor=${word#*=} ;; esac; done
[ "$(cat "$cursor" 2>/dev/null)" = read ] || cat "$WORLD.journal"
echo read > "$cursor"
''')


def report(world, code=0):
    world.side("metrics", "stipple_edge_sessions 120\nstipple_edge_sessions 80\n")
    machine = world.machines if hasattr(world, "machines") else world.machine("edge", "10.0.0.1")
    world.machines = machine
    return machine.run("aws-report", code, STIPPLE_METRICS=str(world.folder / "world.metrics"))


def test_lines_of_two_days_go_in_two_batches(world):
    journal(world, [(100000, "of yesterday"), (50000, "of today"), (1, "now")])
    report(world)
    assert world.get()["logged"] == ["of yesterday", "of today", "now"]
    assert len(world.asked("put-log-events")) == 2


def test_more_than_a_mebibyte_is_split_and_a_huge_line_cut(world):
    lines = [(900 - i, f"{i} " + "x" * 3000) for i in range(800)] + [(1, "y" * 300000)]
    journal(world, lines)
    report(world)
    logged = world.get()["logged"]
    assert [line.split(" ")[0] for line in logged[:800]] == [str(i) for i in range(800)]
    assert logged[800] == "y" * 60000


def test_what_is_refused_for_good_does_not_stop_what_follows(world):
    journal(world, [(100000, "poison"), (1, "after it")])
    world.set(refuse="poison")
    said = report(world)
    assert "refused and is left out" in said
    assert world.get()["logged"] == ["after it"]


def test_a_line_older_than_cloudwatch_takes_is_left_out(world):
    journal(world, [(15 * 86400, "too old"), (1, "now")])
    report(world)
    assert world.get()["logged"] == ["now"]


def test_lines_wait_while_cloudwatch_is_away_and_that_is_said(world):
    journal(world, [(600, "first"), (1, "second")])
    world.set(away=True)
    report(world, code=1)
    assert world.get()["logged"] == []
    world.set(away=False)
    report(world)
    assert world.get()["logged"] == ["first", "second"]
    behind = [word for argv in world.asked("put-metric-data") for word in argv if "LogsBehind" in word]
    values = {int(word.split("Value=")[1].split(",")[0]) for word in behind}
    assert 0 in values and any(590 < value < 700 for value in values), values


def test_what_the_network_card_held_back_is_put_as_growth(world):
    """ENA's allowance counters, of every card that is one."""
    journal(world, [])
    machine = world.machines = world.machine("edge", "10.0.0.1")
    for card in ("eth0", "eth1"):
        (machine.root / f"sys/class/net/{card}/device").mkdir(parents=True)
    (machine.root / "sys/class/net/lo").mkdir()
    world.tool("ethtool", '''#!/bin/sh
[ "$1" = -S ] && cat "$WORLD.card-$2"
''')

    def held(eth0, eth1):
        for card, (bandwidth, packets) in (("eth0", eth0), ("eth1", eth1)):
            world.side(f"card-{card}", f"NIC statistics:\n     tx_timeout: 7\n     bw_in_allowance_exceeded: 0\n"
                       f"     bw_out_allowance_exceeded: {bandwidth}\n     pps_allowance_exceeded: {packets}\n"
                       "     conntrack_allowance_exceeded: 1\n     linklocal_allowance_exceeded: 900\n")
        report(world)
        words = [word for word in world.asked("put-metric-data")[-1] if "PacketsHeld" in word]
        assert len(words) == 2 and all("Unit=Count" in word for word in words), words
        assert any("Name=Cluster,Value=stipple" in word for word in words), "the alarm's dimension"
        return {int(word.split("Value=")[1].split(",")[0]) for word in words}

    assert held((100, 50), (0, 0)) == {0}  # what was before the first look is nobody's news
    assert held((400, 50), (20, 0)) == {320}
    assert held((400, 50), (20, 0)) == {0}


def test_figures_are_put_by_group_cluster_and_process(world):
    world.side("metrics", 'stipple_broker_state 3\nstipple_broker_unconfirmed_records 7\nstipple_broker_leading 1\n'
               'stipple_broker_store_behind_milliseconds 61000\nstipple_broker_redis_full 1\n'
               'stipple_broker_verdicts_total{status="ok"} 50\nstipple_broker_verdicts_total{status="unavailable"} 9\n')
    broker = world.machine("broker", "10.0.0.1")
    (broker.root / "run/stipple").mkdir(parents=True)
    (broker.root / "run/stipple/process").write_text("broker-2\n")
    world.tool("journalctl", "#!/bin/sh\n")
    broker.run("aws-report", STIPPLE_METRICS=str(world.folder / "world.metrics"))
    words = world.asked("put-metric-data")[0]
    for dimensions in ("[{Name=Group,Value=stipple-broker}]", "[{Name=Cluster,Value=stipple}]",
                       "[{Name=Cluster,Value=stipple},{Name=Process,Value=broker-2}]"):
        assert f"MetricName=Leading,Value=1,Unit=Count,Dimensions={dimensions}" in words, words
    assert any("MetricName=Unavailable,Value=0," in word for word in words)
    assert any("MetricName=StoreBehind,Value=61000,Unit=Milliseconds," in word for word in words)
    assert any("MetricName=RedisFull,Value=1," in word for word in words)
