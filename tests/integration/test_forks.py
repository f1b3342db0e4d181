# SPDX-License-Identifier: Apache-2.0
"""A store and a leader whose histories parted: nothing is ever mixed, what wins
takes the other's place, and what lost is kept aside and said."""

import os
import subprocess
import time

import pytest

from support.bus_peers import RECORD
from support.cluster import ENVIRONMENT, bin_dir
from support.fake_broker import FakeBroker, History
from support.history import export
from support.stores import KEYS, CassandraLocal, DynamoLocal, missing_tools
from support.wait import until

REMOTE = {"dynamodb": DynamoLocal, "cassandra": CassandraLocal}
pytestmark = pytest.mark.timeout(240)


class Persister:
    """The real one, of fake brokers."""

    def __init__(self, folder, store="sqlite:history.db"):
        self.folder, self.store = str(folder), store
        self.brokers = []
        self.child = None

    def broker(self, *args, **more):
        made = FakeBroker(self.folder, f"b{len(self.brokers)}", *args, **more)
        made.start()
        self.brokers.append(made)
        return made

    def start(self):
        ends = ",".join(f"ipc://b{i}" for i in range(2))
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.child = subprocess.Popen(
                [os.path.join(bin_dir(), "stipple-persister"), "--brokers",
                 ends, "--store", self.store, "--bind", "ipc://q",
                 "--flush-ms", "20", "--snapshot-ms", "200"],
                cwd=self.folder, stderr=log, env={**os.environ, **ENVIRONMENT})
        return self

    def log(self):
        with open(os.path.join(self.folder, "log")) as file:
            return file.read()

    def kill(self):
        if self.child:
            self.child.kill()
            self.child.wait()
            self.child = None

    def finish(self):
        self.kill()
        for broker in self.brokers:
            broker.finish()

    def rows(self):
        return export(bin_dir(), self.folder, self.store)

    def is_of(self, history):
        wanted = [RECORD.unpack(record) for record in history.records]
        return self.rows() == [(r[0], f"{r[2]:016x}", r[4], r[5], r[6])
                               for r in wanted]

    def verify(self):
        return subprocess.run(
            [os.path.join(bin_dir(), "stipple-persister"), "--verify",
             "--store", self.store, "--brokers", "ipc://nobody"],
            cwd=self.folder, capture_output=True, text=True, timeout=60,
            env={**os.environ, **ENVIRONMENT})


@pytest.fixture
def persister(tmp_path):
    made = Persister(tmp_path)
    yield made
    made.finish()


def level(broker):
    return lambda: broker.word and broker.word[1:] == (
        broker.history.seq, broker.history.chains[-1])


def settled(persister, broker, timeout=30):
    until(level(broker), timeout, "the store is level")
    assert persister.is_of(broker.history)


def test_a_history_is_followed_and_its_chain_confirmed(persister):
    broker = persister.broker(1, History().add(3000, 3))
    persister.start()
    settled(persister, broker)
    broker.history.add(50, 3)
    settled(persister, broker)
    assert "history_forked" not in persister.log()
    assert persister.verify().returncode == 0


@pytest.mark.parametrize("shared, mine, theirs", [
    (2500, 500, 900),   # the winner is longer
    (2500, 500, 500),   # as long
    (2999, 1, 1),       # by one record
    (1, 999, 2000),     # nearly all
])
def test_the_winners_records_take_the_losers_place(persister, shared, mine,
                                                   theirs):
    common = History().add(shared, 3)
    loser = common.fork(shared).add(mine, 4)
    winner = common.fork(shared).add(theirs, 5)
    broker = persister.broker(1, loser)
    persister.start()
    settled(persister, broker)
    broker.active = 0
    until(lambda: "event=idle" in persister.log(), 5)
    other = persister.broker(7, winner, first=1)
    settled(persister, other)
    log = persister.log()
    assert f"event=history_replaced after={shared} records={mine}" in log
    found = persister.verify()
    assert found.returncode == 0, found
    assert f'"replaced":{mine}' in found.stdout
    # It goes on from there.
    winner.add(30, 5)
    settled(persister, other)


def test_a_store_that_is_longer_than_the_winner(persister):
    common = History().add(2000, 3)
    broker = persister.broker(1, common.fork(2000).add(800, 4))
    persister.start()
    settled(persister, broker)
    broker.active = 0
    other = persister.broker(7, common.fork(2000).add(5, 5))
    settled(persister, other)
    assert "event=history_replaced after=2000 records=800" in persister.log()


def test_a_store_that_is_ahead_of_its_own_history_keeps_it(persister):
    history = History().add(2000, 3)
    broker = persister.broker(1, history)
    persister.start()
    settled(persister, broker)
    broker.active = 0
    other = persister.broker(7, history.fork(1500))
    until(lambda: "event=store_ahead" in persister.log(), 10)
    time.sleep(2)
    assert other.word[1] == 2000
    assert persister.is_of(history)
    assert "history_replaced" not in persister.log()
    other.history = history  # it restored itself
    history.add(10, 3)
    settled(persister, other)


def test_a_fork_below_the_leaders_log_is_left_to_a_hand(persister):
    common = History().add(1000, 3)
    loser = common.fork(1000).add(1000, 4)
    broker = persister.broker(1, loser)
    persister.start()
    settled(persister, broker)
    broker.active = 0
    persister.broker(7, common.fork(1000).add(3000, 5), first=1500)
    until(lambda: "no_common_history" in persister.log(), 20)
    time.sleep(1)
    assert persister.is_of(loser)


def test_another_canvas_is_never_written_behind_a_store(persister):
    mine = History().add(1000, 3)
    broker = persister.broker(1, mine)
    persister.start()
    settled(persister, broker)
    broker.active = 0
    persister.broker(7, History(origin=b"another canvas 1").add(3000, 5))
    until(lambda: "no_common_history" in persister.log(), 20)
    time.sleep(1)
    assert persister.is_of(mine)


def test_a_persister_killed_while_it_replaces_starts_again(persister):
    common = History().add(3000, 3)
    broker = persister.broker(1, common.fork(3000).add(3000, 4))
    persister.start()
    settled(persister, broker)
    broker.active = 0
    other = persister.broker(7, common.fork(3000).add(4000, 5))
    for questions in (1, 5, 12):
        until(lambda: other.asked >= questions or level(other)(), 20)
        persister.kill()
        persister.start()
    settled(persister, other)
    assert "records=3000" in persister.log()


@pytest.mark.skipif(bool(missing_tools()), reason=f"{missing_tools()} missing: "
                    "the stores' real servers need Java 17 and Maven")
@pytest.mark.parametrize("kind", sorted(REMOTE))
def test_remote_stores_replace_too(tmp_path, monkeypatch, kind):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    server = REMOTE[kind](tmp_path / "server", keep=kind == "cassandra").start()
    persister = Persister(tmp_path, server.url("forked"))
    try:
        subprocess.run(
            [os.path.join(bin_dir(), "stipple-persister"), "--create-tables",
             "--store", persister.store], check=True, timeout=120,
            env={**os.environ, **ENVIRONMENT})
        common = History().add(1500, 3)
        broker = persister.broker(1, common.fork(1500).add(400, 4))
        persister.start()
        settled(persister, broker, 60)
        broker.active = 0
        other = persister.broker(7, common.fork(1500).add(300, 5))
        settled(persister, other, 60)
        assert "event=history_replaced after=1500 records=400" in \
            persister.log()
        found = persister.verify()
        assert found.returncode == 0, found
        assert '"replaced":400' in found.stdout
    finally:
        persister.finish()
        server.finish()
