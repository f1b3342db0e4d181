# SPDX-License-Identifier: Apache-2.0
"""What is broken, in turn, and which alerts must fire then. A break is a
context: it is broken inside, and mended behind it."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

from cluster import plan
from cluster.plan import ROOT
from cluster.process import Process
from support.canary import Canary
from support.cluster import ENVIRONMENT, bin_dir, free_ports
from support.fake_broker import FakeBroker, History
from support.load import StippleLoad
from support.wait import until

STATE, LEADER, STANDBY = "stipple_broker_state", 3, 0


def url(port):
    return f"http://127.0.0.1:{port}"


def broker_that(day, state):
    return until(lambda: next(
        (broker for broker in day.made.kinds("broker")
         if day.value(broker, STATE) == state), None), 60, f"state {state}")


@contextlib.contextmanager
def frozen(*processes):
    for process in processes:
        process.freeze()
    try:
        yield
    finally:
        for process in processes:
            process.thaw()


@contextlib.contextmanager
def running(day, *processes):
    """More of them than the cluster has, watched like the others."""
    for process in processes:
        process.start()
        day.watch.watch(process)
    try:
        yield
    finally:
        for process in processes:
            day.watch.forget(process)
            process.end()


def standby_frozen(day):
    return frozen(broker_that(day, STANDBY))


def brokers_frozen(day):
    return frozen(*day.made.kinds("broker"))


def persisters_frozen(day):
    return frozen(*day.made.kinds("persister"))


def redis_frozen(day):
    return frozen(day.made["redis"])


@contextlib.contextmanager
def redis_full(day):
    day.made.redis_cli("config", "set", "maxmemory", "1")
    try:
        yield
    finally:
        day.made.redis_cli("config", "set", "maxmemory", "0")


@contextlib.contextmanager
def redis_kicks(day):
    """It ends the brokers' connections again and again, and comes back with a
    policy by which it may drop keys."""
    day.made.redis_cli("config", "set", "maxmemory", "1gb")
    day.made.redis_cli("config", "set", "maxmemory-policy", "allkeys-lru")
    ended = threading.Event()

    def kick():
        while not ended.wait(1):
            day.made.redis_cli("client", "kill", "type", "normal")
    thread = threading.Thread(target=kick)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        day.made.redis_cli("config", "set", "maxmemory-policy", "noeviction")
        day.made.redis_cli("config", "set", "maxmemory", "0")
        day.made.redis_cli("client", "kill", "type", "normal")


def edge_frozen(day):
    """Its viewers are nobody's any more."""
    return frozen(day.made["edge-2"])


def canary_killed(day):
    @contextlib.contextmanager
    def killed():
        day.canary.process.kill()
        try:
            yield
        finally:
            day.canary.start()
    return killed()


def more_edge(day, name, **settings):
    port, metrics = free_ports(2)
    own = {"host": "127.0.0.1", "port": port,
           "brokers": ",".join(day.made.broker_ends), **settings}
    return port, plan.member(day.made.bin, name, own, [metrics], [port],
                             day.made.folder, ENVIRONMENT)


@contextlib.contextmanager
def edge_deaf(day):
    """One that knows no broker that there is."""
    _, edge = more_edge(day, "edge-deaf", brokers="ipc://run/nobody")
    with running(day, edge):
        yield


@contextlib.contextmanager
def edge_slow(day):
    """A tick of three seconds, as of one with far too many viewers."""
    port, edge = more_edge(day, "edge-slow", tick_min_ms=3000,
                           tick_max_ms=3000)
    with running(day, edge):
        bird = Canary(day.made.folder, url(port), "--token-key-file",
                      day.made.token_key_file, variant="release",
                      name="canary-slow")
        with running(day, bird.process):
            yield


@contextlib.contextmanager
def door_narrow(day):
    """Room for two, and thirty want in."""
    port, edge = more_edge(day, "edge-narrow", max_connections=2)
    with running(day, edge):
        until(lambda: day.value(edge, "stipple_edge_ready") == 1, 60, "ready")
        api = type(day.made.api)(port)
        crowd = StippleLoad([api], day.made.token_key_file, 30, 0, 0, 3600)
        try:
            yield
        finally:
            crowd.stop()


@contextlib.contextmanager
def board_wrong(day):
    """An edge that errs on purpose: each third digest is not its board's."""
    edge = subprocess.Popen(
        [sys.executable, os.path.join(ROOT, "tests/support/fake_edge.py"),
         "--fault", "wrong_digest=3"], stdout=subprocess.PIPE, text=True)
    secret = os.path.join(day.made.folder, "fake-secret")
    with open(secret, "w") as file:
        file.write("0123456789abcdef" * 4)
    bird = Canary(day.made.folder, url(int(edge.stdout.readline())),
                  "--secret-file", secret, variant="release",
                  name="canary-wrong")
    try:
        with running(day, bird.process):
            yield
    finally:
        edge.kill()
        edge.wait()
        edge.stdout.close()


@contextlib.contextmanager
def two_redis(day):
    """A broker of this canvas that was given another Redis."""
    folder = day.made.folder
    os.makedirs(os.path.join(folder, "redis-2"), exist_ok=True)
    other = plan.redis(name="redis-2", folder=folder, env=ENVIRONMENT)
    stray = plan.member(
        day.made.bin, "broker-stray",
        {"bind": "ipc://run/broker-stray", "redis": "unix:run/redis-2.sock",
         "restore": "never"}, free_ports(1), (), folder, ENVIRONMENT)
    other.start()
    try:
        with running(day, stray):
            yield
    finally:
        other.end()


@contextlib.contextmanager
def _persister_of(day, name, broker):
    """A persister with a store of its own, and a broker that says what it is
    told to."""
    folder = os.path.join(day.made.folder, name)
    os.makedirs(os.path.join(folder, "logs"), exist_ok=True)
    process = Process(f"persister-{name}", [
        os.path.join(bin_dir("release"), "stipple-persister"), "--brokers",
        "ipc://b0,ipc://b1", "--store", "sqlite:history.db", "--bind",
        "ipc://q", "--flush-ms", "20", "--metrics-port", *free_ports()],
        folder=folder, env=ENVIRONMENT)
    process.metrics_ports = [int(process.argv[-1])]
    broker.append(FakeBroker(folder, "b0", 1, History().add(500, 3)))
    broker[0].start()
    try:
        with running(day, process):
            until(lambda: broker[0].word and broker[0].word[1] == 500, 60,
                  "its store is level")
            # Seen by Prometheus before it moves, or it does not move.
            until(lambda: day.watch.value("stipple_persister_checkpoint",
                                          process.name) == 500, 60)
            yield folder, process
    finally:
        for one in broker:
            one.finish()


@contextlib.contextmanager
def histories_forked(day):
    """Another leader, whose history parted from the store's at 300."""
    brokers = []
    with _persister_of(day, "replaced", brokers) as (folder, _):
        brokers[0].active = 0
        winner = History().add(500, 3).fork(300).add(400, 5)
        brokers.append(FakeBroker(folder, "b1", 7, winner))
        brokers[1].start()
        yield


@contextlib.contextmanager
def another_canvas(day):
    """A leader of another canvas, which has nothing in common."""
    brokers = []
    with _persister_of(day, "forked", brokers) as (folder, _):
        brokers[0].active = 0
        brokers.append(FakeBroker(folder, "b1", 7, History(
            b"another canvas 1").add(3000, 5)))
        brokers[1].start()
        yield


@contextlib.contextmanager
def store_emptied(day):
    """What the log has let go and the store has no more is lost."""
    persisters = day.made.kinds("persister")
    leader = broker_that(day, LEADER)
    until(lambda: day.value(leader, "stipple_broker_trims_total") > 0, 120,
          "the log was trimmed")
    for persister in persisters:
        persister.stop()
    history = os.path.join(day.made.folder, "history.db")
    for end in ("", "-wal", "-shm"):
        if os.path.exists(history + end):
            os.rename(history + end, f"{history}.whole{end}")
    for persister in persisters:
        persister.start()
    try:
        yield
    finally:
        for persister in persisters:
            persister.stop()
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(history + end)
            if os.path.exists(f"{history}.whole{end}"):
                os.rename(f"{history}.whole{end}", history + end)
        for persister in persisters:
            persister.start()


class Slow(threading.Thread):
    """Bytes either way, `delay` seconds late."""

    def __init__(self, to, delay):
        super().__init__(daemon=True)
        self.to, self.delay = to, delay
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.door.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self.carry, args=pair,
                                     daemon=True).start()

    def carry(self, source, sink):
        late = []  # (when it goes on, bytes)
        more = threading.Condition()

        def deliver():
            while True:
                with more:
                    more.wait_for(lambda: late)
                    due, part = late.pop(0)
                time.sleep(max(0, due - time.monotonic()))
                try:
                    sink.sendall(part)
                except OSError:
                    return
                if not part:
                    with contextlib.suppress(OSError):
                        sink.shutdown(socket.SHUT_WR)
                    return
        threading.Thread(target=deliver, daemon=True).start()
        part = b"more"
        while part:
            try:
                part = source.recv(65536)
            except OSError:
                part = b""
            with more:
                late.append((time.monotonic() + self.delay, part))
                more.notify()


@contextlib.contextmanager
def network_slow(day):
    slow = Slow(day.made.api.port, 0.8)
    slow.start()
    bird = Canary(day.made.folder, url(slow.port), "--token-key-file",
                  day.made.token_key_file, variant="release",
                  name="canary-far")
    try:
        with running(day, bird.process):
            yield
    finally:
        slow.door.close()


# (what, break, alerts that must fire, one of the short form). HistoryHole ends
# with a store put back whole; those of histories come last.
BREAKS = [
    ("the standby hangs", standby_frozen, ["NoStandby", "ProcessDown"], True),
    ("both brokers hang", brokers_frozen, ["NoLeader"], True),
    ("the persisters hang", persisters_frozen,
     ["NoPersister", "StoreBehind", "LogFilling", "LogFull",
      "PlacementsUnavailable", "CanaryUnanswered"], True),
    ("Redis hangs", redis_frozen, ["RedisAway"], True),
    ("Redis is full", redis_full, ["RedisFull"], False),
    ("Redis ends connections, and may drop keys", redis_kicks,
     ["RedisLost", "RedisMayEvict"], False),
    ("an edge hangs with its viewers", edge_frozen, ["ViewersFell"], True),
    ("the canary is killed", canary_killed, ["CanaryDown"], False),
    ("the way to the edge is slow", network_slow, ["CanarySlow"], False),
    ("an edge shows another board", board_wrong, ["CanaryWrong"], False),
    ("an edge hears nobody", edge_deaf, ["EdgeDeaf", "EdgeNotReady"], True),
    ("an edge is too slow", edge_slow, ["EdgeTickSlow", "FreshnessSlow"],
     False),
    ("an edge has no room", door_narrow, ["DoorRefuses"], False),
    ("a broker has another Redis", two_redis, ["TwoLeaders"], False),
    ("two histories part", histories_forked, ["HistoryReplaced"], False),
    ("a store of another canvas", another_canvas, ["HistoryForked"], False),
    ("the store is emptied", store_emptied, ["HistoryHole"], False),
]
# No break of a running cluster makes these on purpose in a minute: their
# expressions are only evaluated.
NOT_FIRED = {"MirrorDamaged", "HistoryLost"}
# Said for an hour after it happened.
LASTING = {"HistoryReplaced", "HistoryLost"}
