# SPDX-License-Identifier: Apache-2.0
"""A data folder that 0.1.0 wrote (tests/fixtures/0.1.0) goes on under today's
binaries, in each store, and a newer one than ours is refused."""

import lzma
import os
import random
import re
import shutil
import sqlite3
import struct
import subprocess
import tarfile

import pytest
import zmq

from support.bus import Player, board
from support.bus_peers import (
    HEAD, RECORD, RECORDS, REPLAY, extend, pack_record)
from support.cluster import ENVIRONMENT, ROOT, bin_dir
from support.fake_broker import CANVAS, FakeBroker, History
from support.history import export
from support.old_stores import load_cassandra, load_dynamodb, rows_of
from support.release import build_release
from support.stores import KEYS, CassandraLocal, DynamoLocal, missing_tools
from support.wait import until

from test_forks import Persister

FIXTURE = os.path.join(ROOT, "tests", "fixtures", "0.1.0")
PLACEMENTS = 3507
REMOTE = {"dynamodb": (DynamoLocal, load_dynamodb),
          "cassandra": (CassandraLocal, load_cassandra)}
pytestmark = pytest.mark.timeout(300)


def unpack_store(folder):
    path = os.path.join(folder, "history.db")
    with lzma.open(os.path.join(FIXTURE, "history.db.xz")) as packed, \
            open(path, "wb") as file:
        file.write(packed.read())
    return path


@pytest.fixture
def old_store(tmp_path, monkeypatch):
    """old_store(kind, folder): the URL of a store with 0.1.0's rows."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    servers = []

    def make(kind, folder):
        if kind == "sqlite":
            unpack_store(folder)
            return "sqlite:history.db"
        if missing_tools():
            pytest.skip(f"{missing_tools()} missing: Java 17 and Maven")
        server, load = REMOTE[kind]
        servers.append(server(tmp_path / "server", keep=kind == "cassandra"))
        url = servers[-1].start().url("old")
        made = run_persister(folder, "--create-tables", "--store", url)
        assert made.returncode == 0, made
        load(servers[-1].port, "old",
             rows_of(os.path.join(FIXTURE, f"{kind}.json.xz")))
        return url
    yield make
    for server in servers:
        server.finish()


def number(path, text):
    with sqlite3.connect(path) as store:
        return store.execute(text).fetchone()[0]


def run_persister(folder, *words):
    return subprocess.run(
        [os.path.join(bin_dir(), "stipple-persister"), *words], cwd=folder,
        capture_output=True, text=True, timeout=120,
        env={**os.environ, **ENVIRONMENT})


def verify(folder, store="sqlite:history.db", brokers="ipc://nobody"):
    return run_persister(folder, "--verify", "--store", store,
                         "--brokers", brokers)


class Packed(History):
    """What the store of 0.1.0 holds, as a leader that was upgraded tells it."""

    def __init__(self, records):
        super().__init__()
        self.take(records)

    def take(self, records):
        for record in records:
            self.records.append(record)
            self.chains.append(extend(self.chains[-1], record))

    def add(self, count, color):
        shown = {}
        for fields in map(RECORD.unpack, self.records):
            shown[fields[4:6]] = fields[6]
        for i in range(count):
            record = pack_record(self.seq + 1, color, i, i % 100, i // 100,
                                 color, shown.get((i % 100, i // 100), 0))
            self.take([record])
        return self


def test_it_is_read_as_it_is(tmp_path):
    path = unpack_store(tmp_path)
    found = verify(tmp_path)
    assert found.returncode == 0, found
    assert f'"records":{PLACEMENTS}' in found.stdout
    assert len(export(bin_dir(), tmp_path)) == PLACEMENTS
    assert number(path, "PRAGMA user_version") == 1


def test_it_is_brought_up_and_goes_on(tmp_path):
    path = unpack_store(tmp_path)
    before = export(bin_dir(), tmp_path)
    persister = Persister(tmp_path)
    try:
        # A leader that stands at the same seq but says no chain yet.
        broker = FakeBroker(str(tmp_path), "b0", 9, History())
        broker.chains = False
        broker.canvas = {**CANVAS, "board": {
            "width": 100, "height": 60, "bits": 4, "epoch": 1}}
        broker.history.records = [b""] * PLACEMENTS
        broker.history.chains = [bytes(16)] * (PLACEMENTS + 1)
        persister.brokers.append(broker)
        broker.start()
        persister.start()
        until(lambda: broker.word and broker.word[1] == PLACEMENTS and
              broker.word[2] != bytes(16), 20, "it tells its chain")
        # The chain is that of its own records, from 0.1.0's beginning.
        history = Packed(stored_records(tmp_path))
        assert broker.word[2] == history.chains[-1]
        broker.history, broker.chains = history, True
        history.add(300, 5)
        settled_after(persister, broker, before)
    finally:
        persister.finish()
    assert number(path, "PRAGMA user_version") == 2
    found = verify(tmp_path)
    assert found.returncode == 0, found


def settled_after(persister, broker, before):
    until(lambda: broker.word[1:] == (broker.history.seq,
                                      broker.history.chains[-1]), 20)
    rows = persister.rows()
    assert rows[:PLACEMENTS] == before
    assert len(rows) == broker.history.seq


def stored_records(folder):
    """The packed records, as the persister gives them to a cold broker."""
    context = zmq.Context.instance()
    socket = context.socket(zmq.ROUTER)
    socket.linger = 0
    socket.bind(f"ipc://{os.path.relpath(os.path.join(folder, 'b1.control'))}")
    try:
        peer = socket.recv_multipart()[0] if socket.poll(10000) else None
        assert peer
        socket.send_multipart([peer, struct.pack("<BQI", REPLAY, 1, 16384)])
        while True:
            assert socket.poll(10000)
            _, message = socket.recv_multipart()
            if message[0] == RECORDS:
                break
    finally:
        socket.close()
    body = message[HEAD.size:]
    return [body[at:at + RECORD.size]
            for at in range(0, len(body), RECORD.size)]


class Folder:
    """A whole folder of 0.1.0: its store and its Redis."""

    end = "ipc://run/broker-1"

    def __init__(self, cluster, old_store, kind):
        self.made = cluster(brokers=1, persisters=1, edges=0, size="100x60")
        self.store = old_store(kind, self.made.folder)
        self.made["persister-1"].argv += ["--store", self.store]
        with tarfile.open(os.path.join(FIXTURE, "redis.tar.xz")) as packed:
            packed.extractall(self.made.folder)
        self.leads = 0

    def rows(self):
        return export(bin_dir(), self.made.folder, self.store)

    def run(self, seed):
        """Started; some hundred placements more, all stored; the last seq."""
        self.made.start()
        self.leads += 1
        until(lambda: self.made["broker-1"].log().count("event=leading ") >=
              self.leads, 60, "the canvas is back")
        one = Player(self.made.folder, self.end, 1000, random.Random(seed),
                     100, 60)
        one.start()
        until(lambda: one.ticket >= 500, 60)
        last = max(one.finish())
        until(lambda: self.made["persister-1"].metrics()
              ["stipple_persister_checkpoint"] >= last, 60, "all is stored")
        return last

    def verify(self):
        found = verify(self.made.folder, self.store, self.end)
        assert found.returncode == 0, found
        assert '"live":"equal"' in found.stdout

    def use(self, folder, *keys):
        """Programs of another release, and how it is told its keys."""
        for name in ("broker-1", "persister-1"):
            argv = self.made[name].argv
            argv[0] = os.path.join(folder, os.path.basename(argv[0]))
            at = argv.index("--name") + 2
            argv[at:at + 2] = keys or ["--key-file", "keys/" +
                                       name.split("-")[0] + ".key"]


@pytest.mark.parametrize("kind", ["sqlite", *REMOTE])
def test_the_whole_folder_goes_on(cluster, old_store, kind):
    folder = Folder(cluster, old_store, kind)
    before = folder.rows()
    assert before == rows_of_sqlite(folder.made.folder)
    last = folder.run(1)
    assert board(folder.made.folder, folder.end)[0] == last
    rows = folder.rows()
    assert rows[:PLACEMENTS] == before
    assert len(rows) == last
    folder.verify()


@pytest.mark.parametrize("kind", ["sqlite", *REMOTE])
def test_back_to_0_1_0_and_forward_again(cluster, old_store, kind):
    """As docs/operations.md says it: with an empty Redis, from the store."""
    old = build_release("0.1.0", "stipple-broker", "stipple-persister")
    folder = Folder(cluster, old_store, kind)
    made = folder.made
    with open(os.path.join(made.folder, "old-secret"), "w") as file:
        file.write("0123456789abcdef" * 4)
    folder.run(1)
    made.stop()
    first = folder.rows()
    shutil.rmtree(os.path.join(made.folder, "redis"))
    os.makedirs(os.path.join(made.folder, "redis"))
    folder.use(old, "--secret-file", "old-secret")
    folder.run(2)
    made.stop()
    second = folder.rows()
    assert second[:len(first)] == first and len(second) > len(first)
    folder.use(bin_dir())
    last = folder.run(3)
    folder.verify()
    rows = folder.rows()
    assert rows[:len(second)] == second
    assert [row[0] for row in rows] == list(range(1, last + 1))


def rows_of_sqlite(folder):
    """0.1.0 wrote the same placements into each store."""
    other = os.path.join(folder, "other")
    os.makedirs(other)
    unpack_store(other)
    return export(bin_dir(), other)


def test_a_newer_store_is_refused_in_one_line(tmp_path):
    path = unpack_store(tmp_path)
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA user_version = 9")
    found = verify(tmp_path)
    assert found.returncode == 1
    assert "is of format 9, and this program knows up to 2" in found.stderr
    assert number(path, "PRAGMA user_version") == 9


def meta_of(made):
    words = made.redis_cli("hgetall", "{stipple}:meta").splitlines()
    return dict(zip(words[::2], words[1::2]))


def scripts_run(made):
    found = re.search(r"cmdstat_evalsha:calls=(\d+)",
                      made.redis_cli("info", "commandstats"))
    return int(found[1]) if found else 0


def test_a_newer_redis_is_refused_in_one_line(cluster):
    made = cluster(brokers=1, persisters=0, edges=0,
                   broker={"restore": "never"})
    broker = made["broker-1"]
    made.start()
    until(lambda: "event=leading " in broker.log(), 30)
    assert broker.stop() == 0
    made.redis_cli("hset", "{stipple}:meta", "format", "9")
    before = meta_of(made)
    broker.start()
    until(lambda: "event=redis_format" in broker.log(), 30)
    # However often it asks, it is said once.
    asked = scripts_run(made)
    until(lambda: scripts_run(made) >= asked + 3, 30)
    assert broker.metrics()["stipple_broker_leading"] == 0
    assert broker.log().count("event=leading ") == 1
    assert broker.log().count("event=redis_format") == 1
    assert meta_of(made) == before
