# SPDX-License-Identifier: Apache-2.0
"""The broker alone with its Redis: edges and persisters are the test's own, so
that each order of events can be had on purpose."""

import os
import random
import shutil
import socket
import threading
import time

import pytest
import zmq

from support import bus_peers as bus
from support.bus_peers import ask, pack_record
from support.stage import BASES, Stage, log_of
from support.wait import Late, until


@pytest.fixture
def zmq_context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def stage(cluster, zmq_context):
    def make(brokers=1, restore="never", start=True, **options):
        settings = {"restore": restore, **options.pop("broker", {})}
        made = cluster(brokers=brokers, persisters=0, edges=0, broker=settings,
                       **options)
        if start:
            made.start()
        return Stage(made, zmq_context)
    return make


def some_places(count, user=None, side=100, colors=16):
    return [(user or random.getrandbits(63), random.getrandbits(32),
             random.randrange(side), random.randrange(side),
             random.randrange(colors)) for _ in range(count)]


# ---- rules ---------------------------------------------------------------

def test_every_place_gets_its_verdict_in_protocol_order(stage):
    s = stage(cooldown_ms=60000)
    s.await_role("leader")
    s.made.redis_cli("sadd", "{stipple}:bans", f"{99:016x}")
    s["broker-1"].kill()
    s["broker-1"].start()
    edge = s.edge()
    edge.wait_beat(2)
    got = edge.place((1, 7, 5, 5, 3), (1, 7, 9, 9, 3), (1, 8, 5, 5, 3),
                     (2, 1, 100, 5, 3), (2, 1, 5, 100, 77), (2, 1, 5, 5, 16),
                     (99, 1, 5, 5, 3), (99, 1, 5, 5, 16), (2, 1, 99, 99, 15))
    assert [status for status, _, _ in got] == [
        bus.OK, bus.DUPLICATE, bus.COOLDOWN, bus.OUT_OF_BOUNDS,
        bus.OUT_OF_BOUNDS, bus.BAD_COLOR, bus.BANNED, bus.BAD_COLOR, bus.OK]
    assert [seq for _, seq, _ in got] == [1, 1, 0, 0, 0, 0, 0, 0, 2]
    remaining = [ms for _, _, ms in got]
    assert remaining[0] == remaining[8] == 60000
    assert remaining[3:8] == [0] * 5
    assert 0 < remaining[1] <= 60000 and 0 < remaining[2] <= 60000


def test_keyless_is_a_duplicate_only_where_it_is_resent(stage):
    edge = stage().edge()
    edge.wait_beat()
    keyless, resent = bus.KEYLESS, bus.KEYLESS | bus.RESENT
    got = edge.place((1, 5, 1, 1, 1, keyless), (1, 5, 1, 1, 2, keyless),
                     (1, 5, 1, 1, 3), (1, 5, 1, 1, 3, resent),
                     (1, 5, 1, 1, 3), (1, 5, 1, 1, 3, bus.RESENT))
    assert [g[:2] for g in got] == [
        (bus.OK, 1), (bus.OK, 2), (bus.OK, 3), (bus.DUPLICATE, 2),
        (bus.DUPLICATE, 3), (bus.DUPLICATE, 3)]
    again = edge.place((1, 5, 1, 1, 1, resent))
    assert again[0][:2] == (bus.DUPLICATE, 2)


def test_resent_is_found_though_not_the_users_last(stage):
    edge = stage().edge()
    edge.wait_beat()
    edge.place(*[(1, n, 1, 1, 1) for n in range(10)])
    got = edge.place(*[(1, n, 1, 1, 1, bus.RESENT) for n in range(11)])
    assert [g[:2] for g in got] == [
        (bus.DUPLICATE, n + 1) for n in range(10)] + [(bus.OK, 11)]


def test_asking_for_the_cooldown_places_nothing_and_is_counted_apart(stage):
    s = stage(cooldown_ms=60000)
    edge = s.edge()
    edge.wait_beat()
    edge.place((1, 7, 5, 5, 3))
    got = edge.place((1, 8, 5, 5, 4, bus.ASK), (2, 1, 5, 5, 4, bus.ASK))
    assert [g[:2] for g in got] == [(bus.OK, 0), (bus.OK, 0)]
    assert 0 < got[0][2] <= 60000 and got[1][2] == 0
    counted = s["broker-1"].metrics()
    assert counted["stipple_broker_asks_total"] == 2
    assert counted['stipple_broker_verdicts_total{status="ok"}'] == 1


def test_cooldowns_and_duplicates_survive_a_restart(stage):
    s = stage(cooldown_ms=60000)
    edge = s.edge()
    edge.wait_beat()
    edge.place((1, 7, 5, 5, 3))
    s["broker-1"].kill()
    s["broker-1"].start()
    edge.wait_beat(2)
    got = edge.place((1, 7, 5, 5, 3), (1, 8, 5, 5, 3), (2, 1, 5, 5, 4))
    assert [g[:2] for g in got] == [(bus.DUPLICATE, 1), (bus.COOLDOWN, 0),
                                    (bus.OK, 2)]
    assert 0 < got[1][2] < 60000


# ---- feed, syncs, settings -------------------------------------------------

def test_feed_and_syncs_show_exactly_the_committed_board(stage):
    s = stage()
    edge, late = s.edge(), s.edge()
    edge.wait_beat()
    edge.load()
    for _ in range(50):
        edge.place(*some_places(200))
    edge.follow(10000)
    assert edge.gaps == 0
    late.load()
    late.follow(10000)
    assert late.board.pixels == edge.board.pixels
    kind, _, diff = late.sync(1, 9990)
    assert kind == "range" and diff[:16] == (9990).to_bytes(
        8, "little") + (10000).to_bytes(8, "little")
    assert late.sync(1, 10000)[2][16:] == b"\0"
    assert late.sync(1, 10001)[0] == "board"
    # Who has seen a higher epoch is answered in one above it.
    with pytest.raises(Late):
        late.sync(2, 5, timeout=1)
    assert late.sync(1, 10001)[1] > 2
    assert s.made.redis_cli("hget", "{stipple}:meta", "seq") == "10000"


def test_settings_are_committed_and_told(stage):
    s = stage()
    edge = s.edge()
    edge.wait_beat()
    edge.load()
    assert s.set("paused", "on")["ok"]
    until(lambda: s.status()["canvas"]["paused"], 3)
    assert edge.place_one(1, 1, 1, 1, 1)[0] == bus.PAUSED
    assert s.set("paused", "off")["ok"] and s.set("cooldown_ms", "50000")["ok"]
    assert s.set("palette", "#000000,#FFFFFF")["ok"]
    assert s.set("tick_ms", "250")["ok"]
    assert edge.place_one(1, 1, 1, 1, 2)[0] == bus.BAD_COLOR
    status, _, cooldown_ms = edge.place_one(1, 1, 1, 1, 1)
    assert (status, cooldown_ms) == (bus.OK, 50000)
    for name, value in (("paused", "maybe"), ("cooldown_ms", "-1"),
                        ("tick_ms", "10001"), ("palette", "red"), ("size", "1x1"),
                        ("palette", ",".join(["#000000"] * 17))):
        answer = s.set(name, value)
        assert not answer["ok"] and answer["error"]
    assert not ask(s.context, s.folder, BASES[0], verb="dance")["ok"]
    edge.follow(1)
    assert edge.canvas["cooldown_ms"] == 50000
    assert edge.canvas["tick_ms"] == 250
    assert edge.canvas["palette"] == ["#000000", "#FFFFFF"]
    s["broker-1"].kill()
    s["broker-1"].start()
    edge.wait_beat(2)
    assert s.status()["canvas"]["cooldown_ms"] == 50000
    assert s.status()["canvas"]["tick_ms"] == 250


def test_malformed_messages_are_counted_and_harm_nothing(stage):
    s = stage()
    edge = s.edge()
    edge.wait_beat()
    control = bus.Link(s.context, zmq.DEALER,
                       bus.endpoint(s.folder, BASES[0], "control"))
    for message in (b"", b"\x10", b"\x10\x02\0" + bytes(26), b"\x99abc",
                    b"\x12" + bytes(5), b"\x15\0", bytes(9000),
                    b"\x10\xff\xff" + bytes(26)):
        edge.ingress.send(message)
        control.send(message)
    edge.ingress.socket.send_multipart([b"a", b"b", b"c"])
    control.socket.send_multipart([b"\x48", b"x"])
    for message in (b"\x40", b"\x42\1", b"\x44", b"\x30", b"\x48",
                    b"\x48{", b"\x48[]", b"\x48{\"verb\":7}"):
        control.send(message)
    assert edge.place_one(1, 1, 1, 1, 1)[:2] == (bus.OK, 1)
    until(lambda: s["broker-1"].metrics()[
        'stipple_broker_malformed_total{channel="control"}'] >= 10, 5)
    assert s["broker-1"].metrics()[
        'stipple_broker_malformed_total{channel="ingress"}'] >= 8


def test_viewers_are_summed_over_edges_heard(stage):
    s = stage()
    one, two = s.edge(), s.edge()
    one.wait_beat()
    one.report(7)
    two.report(5)
    until(lambda: one.wait_beat()["online"] == 12, 5)
    until(lambda: one.wait_beat()["online"] == 0, 8)


# ---- Redis comes and goes --------------------------------------------------

class Load:
    """Places without a pause from a thread of its own; remembers every answer.
    What no answer came to is sent again, as an edge does, on a new epoch."""

    def __init__(self, stage, brokers=1, count=20):
        self.stage, self.brokers, self.count = stage, brokers, count
        self.acknowledged = {}  # (user, request): seq
        self.statuses = {}
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.error = None
        self.thread.start()

    def stop(self):
        self.ended.set()
        self.thread.join(30)
        assert not self.thread.is_alive() and not self.error, self.error
        return self

    def grown(self, by=200):
        before = len(self.acknowledged)
        until(lambda: self.error or len(self.acknowledged) > before + by, 20,
              "acknowledged placements")
        return self

    def _take(self, edges, waiting, epoch):
        for edge in edges:
            while (message := edge.ingress.receive(0.002)):
                if message[0] != bus.VERDICTS:
                    continue
                for t, status, seq, _ in bus.VERDICT.iter_unpack(message[3:]):
                    place = waiting.pop(t, None)
                    if place is None:
                        continue
                    self.statuses[status] = self.statuses.get(status, 0) + 1
                    if status in (bus.OK, bus.DUPLICATE):
                        known = self.acknowledged.setdefault(place[:2], seq)
                        assert known == seq, "acknowledged twice"
            while (message := edge.feed.receive(0)):
                if message[0] == bus.BEAT:
                    beat = int.from_bytes(message[1:5], "little")
                    if beat > epoch[0]:
                        epoch[0], epoch[1] = beat, edge
                        again = [(*p[:5], bus.RESENT) for p in
                                 waiting.values()]
                        waiting.clear()
                        if again:
                            waiting.update(zip(edge.post(again), again))

    def _run(self):
        try:
            edges = [self.stage.edge(i + 1) for i in range(self.brokers)]
            waiting, epoch = {}, [0, None]
            while not self.ended.is_set() or waiting:
                self._take(edges, waiting, epoch)
                if epoch[1] and len(waiting) < 4 * self.count and \
                        not self.ended.is_set():
                    places = some_places(self.count)
                    waiting.update(zip(epoch[1].post(places), places))
            for edge in edges:
                edge.close()
        except BaseException as error:  # shown by stop()
            self.error = error


def check_log(stage, load, whole=True):
    """Nothing acknowledged is missing or doubled; the log has no gap; the board
    in Redis is the log's outcome."""
    records = log_of(stage)
    seqs = [r["seq"] for r in records]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    by_place = {}
    for r in records:
        key = (r["user"], r["request"])
        assert key not in by_place, f"placed twice: {key}"
        by_place[key] = r["seq"]
    if whole:
        assert seqs[0] == 1
        for key, seq in load.acknowledged.items():
            assert by_place[key] == seq
    return records


def redis_board(stage):
    edge = stage.edge()
    edge.wait_beat()
    edge.load()
    return edge


@pytest.mark.timeout(90)
def test_redis_killed_under_load_loses_and_doubles_nothing(stage):
    s = stage()
    load = Load(s)
    for _ in range(3):
        load.grown()
        s["redis"].kill()
        time.sleep(random.random() / 2)
        s["redis"].start()
    load.grown().stop()
    assert load.statuses.get(bus.UNAVAILABLE)
    records = check_log(s, load)
    mirror = redis_board(s).follow(records[-1]["seq"])
    board = {}
    for r in records:
        board[r["x"], r["y"]] = r["color"]
    assert all(mirror.board.at(*k) == v for k, v in board.items())
    # One line on the loss, one on the return: no flood.
    assert s.log_count("redis_lost") == s.log_count("redis_back") == 3


@pytest.mark.timed
def test_placing_is_unavailable_while_redis_is_away(stage):
    s = stage(cooldown_ms=60000)
    edge = s.edge()
    edge.wait_beat()
    edge.load()
    edge.place_one(1, 1, 1, 1, 1)
    s["redis"].kill()
    s.await_role("away")
    began = time.monotonic()
    one, two = edge.place((1, 2, 1, 1, 1), (2, 2, 1, 1, 1))
    assert time.monotonic() - began < 1
    assert one[0] == two[0] == bus.UNAVAILABLE
    assert 50000 < one[2] <= 60000 and two[2] == 0
    edge.follow(1)  # viewing goes on: syncs and beats
    assert edge.sync(1, 0)[0] == "range" and edge.sync()[0] == "board"
    s["redis"].start()
    s.await_role("leader")
    assert edge.place_one(2, 2, 1, 1, 1)[:2] == (bus.OK, 2)


def test_broker_waits_for_a_redis_that_is_away_at_start(stage):
    s = stage(start=False)
    s.made.start("broker-1")
    until(lambda: s.status()["role"] == "standby", 10)
    until(lambda: s["broker-1"].metrics()[
        "stipple_broker_redis_tries_total"] >= 4, 15)
    assert s.status()["role"] == "standby"
    assert s.log_count("redis_lost") == 1
    s.made.start("redis")
    s.await_role("leader")
    assert s.log_count("redis_back") == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("how", ["flush", "kill"])
def test_emptied_redis_is_written_back_from_memory(stage, how):
    s = stage()
    load = Load(s).grown()
    if how == "flush":
        s.made.redis_cli("flushall")
    else:
        s["redis"].kill()
        shutil.rmtree(os.path.join(s.folder, "redis"))
        os.mkdir(os.path.join(s.folder, "redis"))
        s["redis"].start()
    load.grown().stop()
    records = check_log(s, load)
    edge = redis_board(s).follow(records[-1]["seq"])
    s["broker-1"].kill()
    s["broker-1"].start()
    edge.wait_beat(3)
    late = s.edge()
    late.load()
    assert late.board.pixels == edge.board.pixels
    assert s["broker-1"].log().count("digest_wrong") == 0


def test_redis_set_back_is_written_forward(stage):
    """As a fail-over to a replica that lagged: its end is in memory only."""
    s = stage()
    edge = s.edge()
    edge.wait_beat()
    edge.load()
    edge.place(*some_places(300))
    copy = os.path.join(s.folder, "copy")
    shutil.copytree(os.path.join(s.folder, "redis"), copy)
    edge.place(*some_places(500))
    edge.follow(800)
    s["redis"].kill()
    shutil.rmtree(os.path.join(s.folder, "redis"))
    os.rename(copy, os.path.join(s.folder, "redis"))
    s["redis"].start()
    until(lambda: s.log_count("redis_behind"), 10)
    s.await_role("leader")
    assert edge.place_one(1, 1, 1, 1, 1)[:2] == (bus.OK, 801)
    assert [r["seq"] for r in log_of(s)] == list(range(1, 802))
    edge.follow(801)
    s["broker-1"].kill()
    s["broker-1"].start()
    edge.wait_beat(2)
    late = s.edge().load()
    assert late.board.pixels == edge.board.pixels
    assert s.log_count("digest_wrong") == 0


def test_redis_that_refuses_writes_is_waited_for(stage):
    s = stage()
    edge = s.edge()
    edge.wait_beat()
    edge.place_one(1, 1, 1, 1, 1)
    s.made.redis_cli("replicaof", "127.0.0.1", "1")
    edge.post([(2, 1, 1, 1, 2)])
    s.await_role("away")
    assert edge.place_one(3, 1, 1, 1, 3)[0] == bus.UNAVAILABLE
    time.sleep(1.5)
    assert s.log_count("redis_lost") <= 2  # each reason once
    s.made.redis_cli("replicaof", "no", "one")
    assert [v[1:3] for v in edge.verdicts(10)] == [(bus.OK, 2)]
    s.await_role("leader")


def test_redis_that_hangs_is_given_up_and_comes_back(stage):
    s = stage(broker={"redis_timeout_ms": 500})
    edge = s.edge()
    edge.wait_beat()
    edge.place_one(1, 1, 1, 1, 1)
    s["redis"].freeze()
    edge.post([(2, 1, 1, 1, 2)])
    s.await_role("away")
    # What is in doubt is not shown.
    late = s.edge().load()
    assert (late.board.seq, late.board.at(1, 1)) == (1, 1)
    assert late.wait_beat()["digest"] == late.board.digest
    s["redis"].thaw()
    assert [v[1:3] for v in edge.verdicts(10)] == [(bus.OK, 2)]
    s.await_role("leader")
    assert edge.place_one(3, 1, 1, 1, 3)[:2] == (bus.OK, 3)


def test_password_and_database_come_from_the_url(stage):
    s = stage(start=False)
    s.made.start("redis")
    until(lambda: os.path.exists(os.path.join(s.folder, "run/redis.sock")), 5)
    s.made.redis_cli("acl", "setuser", "stipple", "on", ">p@ss", "allkeys",
                     "allcommands")
    s["broker-1"].argv += [
        "--redis", "unix://stipple:p%40ss@" +
        os.path.join(s.folder, "run/redis.sock") + "?db=3"]
    s.made.start("broker-1")
    s.await_role("leader")
    assert s.made.redis_cli("-n", "3", "hget", "{stipple}:meta", "seq") == "0"


# ---- two brokers -----------------------------------------------------------

@pytest.mark.timed
@pytest.mark.timeout(90)
def test_standby_leads_within_the_lease_and_two_seconds(stage):
    s = stage(brokers=2)
    until(lambda: {s.status(1)["role"], s.status(2)["role"]} ==
          {"leader", "standby"}, 10)
    first = 1 if s.status(1)["role"] == "leader" else 2
    load = Load(s, brokers=2).grown()
    s[f"broker-{first}"].kill()
    killed = time.monotonic()
    s.await_role("leader", 3 - first, 5)
    assert time.monotonic() - killed < 5
    load.grown()
    s[f"broker-{first}"].start()
    s.await_role("standby", first)
    load.grown().stop()
    check_log(s, load)


@pytest.mark.timeout(90)
def test_frozen_leader_steps_down_and_its_commits_are_refused(stage):
    s = stage(brokers=2, broker={"lease_ms": 1000})
    until(lambda: {s.status(1)["role"], s.status(2)["role"]} ==
          {"leader", "standby"}, 10)
    first = 1 if s.status(1)["role"] == "leader" else 2
    load = Load(s, brokers=2).grown()
    old = s.edge(first)
    old.place(*some_places(3))
    s[f"broker-{first}"].freeze()
    places = some_places(3)
    old.post(places)
    s.await_role("leader", 3 - first, 4)
    load.grown()
    s[f"broker-{first}"].thaw()
    s.await_role("standby", first)
    load.grown().stop()
    records = check_log(s, load)
    users = {r["user"] for r in records}
    assert not users & {p[0] for p in places}


def test_commit_of_a_stale_epoch_changes_nothing(stage):
    s = stage()
    edge = s.edge()
    edge.wait_beat()
    edge.place_one(1, 1, 1, 1, 1)
    s.made.redis_cli(
        "eval", "redis.call('hincrby', KEYS[1], 'epoch', 1) "
        "redis.call('hset', KEYS[1], 'leader', 'another') "
        "redis.call('set', KEYS[2], 'another', 'px', 60000)",
        "2", "{stipple}:meta", "{stipple}:lease")
    edge.post([(2, 1, 1, 1, 2)])
    with pytest.raises(Late):
        edge.verdicts(1.0)
    assert len(log_of(s)) == 1
    assert s.made.redis_cli("hget", "{stipple}:meta", "seq") == "1"
    assert s.log_count("step_down") == 1


def test_sigterm_hands_the_lease_over_at_once(stage):
    s = stage(brokers=2, broker={"lease_ms": 20000})
    until(lambda: {s.status(1)["role"], s.status(2)["role"]} ==
          {"leader", "standby"}, 10)
    first = 1 if s.status(1)["role"] == "leader" else 2
    load = Load(s, brokers=2).grown()
    assert s[f"broker-{first}"].stop() == 0
    s.await_role("leader", 3 - first, 2)
    load.grown().stop()
    check_log(s, load)


@pytest.mark.timeout(90)
def test_emptied_redis_is_left_to_the_leader_that_remembers(stage):
    """The standby comes first to an empty Redis and must not begin anew."""
    s = stage(brokers=2, restore="auto")
    persister = s.persister(2)
    persister.run(until=lambda: any(g[1] for g in persister.grants))
    first = 1 if s.status(1)["role"] == "leader" else 2
    load = Load(s, brokers=2).grown()
    s["redis"].kill()
    shutil.rmtree(os.path.join(s.folder, "redis"))
    os.mkdir(os.path.join(s.folder, "redis"))
    s[f"broker-{first}"].freeze()
    s["redis"].start()
    persister.run(1.0)
    s[f"broker-{first}"].thaw()
    persister.run(until=lambda: s.status(first)["role"] == "leader")
    load.grown().stop()
    check_log(s, load)


# ---- persisters ------------------------------------------------------------

def test_one_persister_is_granted_until_it_falls_silent(stage):
    s = stage()
    one, two = s.persister(), s.persister()
    one.run(until=lambda: one.active)
    two.run(0.8)
    one.run(0.6)
    assert two.grants and not two.active and one.active
    two.run(until=lambda: two.active)
    one.run(0.3)
    assert not one.active


def test_journal_replay_and_trim_follow_the_checkpoint(stage):
    s = stage(cooldown_ms=0, broker={"log_limit": 1000})
    edge, persister = s.edge(), s.persister()
    edge.wait_beat()
    edge.place(*some_places(700))  # nobody hears the journal
    persister.run(until=lambda: persister.checkpoint == 700)
    for _ in range(4):
        edge.place(*some_places(700))
        persister.run(until=lambda: persister.checkpoint % 700 == 0 and
                      persister.grants[-1][2] == persister.checkpoint)
    persister.run(until=lambda: persister.checkpoint == 3500)
    persister.run(until=lambda: s.status()["log_records"] <= 1300)
    records = log_of(s)
    assert records[-1]["seq"] == 3500 and records[0]["seq"] > 1
    assert [bus.RECORD.unpack(persister.records[i])[0] for i in range(
        1, 3501)] == list(range(1, 3501))


def test_placing_is_refused_rather_than_history_lost(stage):
    s = stage(broker={"log_limit": 1000})
    edge = s.edge()
    edge.wait_beat()
    for _ in range(12):
        got = edge.place(*some_places(100))
    assert {g[0] for g in got} == {bus.UNAVAILABLE}
    assert len(log_of(s)) == 1000
    assert s.log_count("log_full") == 1
    assert s["broker-1"].metrics()["stipple_broker_log_full_total"] == 200
    persister = s.persister()
    persister.run(until=lambda: persister.checkpoint == 1000)
    persister.run(0.8)
    assert edge.place_one(1, 1, 1, 1, 1)[:2] == (bus.OK, 1001)


def test_store_of_another_history_gets_no_grant(stage):
    s = stage()
    edge, persister = s.edge(), s.persister()
    edge.wait_beat()
    persister.checkpoint = 77
    persister.run(1.2)
    assert persister.grants and not any(g[1] for g in persister.grants)
    assert s.log_count("store_is_ahead") == 1


# ---- restoring from the store ----------------------------------------------

def test_new_canvas_waits_for_a_persisters_word(stage):
    s = stage(restore="auto", size="30x20", bits=8, cooldown_ms=1234)
    time.sleep(1)
    assert s.status()["role"] == "restoring"
    persister = s.persister()
    persister.run(until=lambda: s.status()["role"] == "leader")
    canvas = s.status()["canvas"]
    assert (canvas["board"]["width"], canvas["board"]["height"],
            canvas["board"]["bits"]) == (30, 20, 8)
    assert canvas["cooldown_ms"] == 1234


@pytest.mark.timeout(90)
@pytest.mark.parametrize("snapshot_at", [0, 5000, 12000])
def test_empty_redis_is_restored_from_the_store(stage, snapshot_at):
    s = stage(restore="auto", cooldown_ms=60000, broker={"lease_ms": 500})
    edge, persister = s.edge(), s.persister()
    persister.run(until=lambda: persister.active)
    edge.wait_beat()
    edge.load()
    places = []
    for n in range(6):
        batch = some_places(2000)
        assert all(g[0] == bus.OK for g in edge.place(*batch))
        places += batch
        if 2000 * (n + 1) >= snapshot_at and not persister.snapshot \
                and snapshot_at:
            edge.follow(2000 * (n + 1))
            persister.snapshot = (edge.board.seq, edge.canvas,
                                  edge.board.packed())
    edge.follow(12000)
    persister.run(until=lambda: persister.checkpoint == 12000)
    s["broker-1"].kill()
    s["redis"].kill()
    shutil.rmtree(os.path.join(s.folder, "redis"))
    os.mkdir(os.path.join(s.folder, "redis"))
    s.made.start("redis", "broker-1")
    persister.run(30, until=lambda: s.status()["role"] == "leader")
    epoch = edge.wait_beat(2)["epoch"]
    late = s.edge()
    late.load()
    assert late.board.seq == 12000
    assert late.board.pixels == edge.board.pixels
    assert late.sync(epoch - 1, 11990)[0] == "board"
    assert late.sync(epoch, 11990)[0] == "range"
    first, last = places[0], places[-1]
    got = late.place(first, last, (last[0], last[1] ^ 1, 1, 1, 1),
                     (77, 1, 1, 1, 1))
    assert [g[:2] for g in got] == [
        (bus.DUPLICATE, 1), (bus.DUPLICATE, 12000), (bus.COOLDOWN, 0),
        (bus.OK, 12001)]
    assert epoch > persister.epoch - 1


def test_redis_behind_the_store_fetches_the_rest(stage):
    s = stage(restore="auto")
    edge, persister = s.edge(), s.persister()
    persister.run(until=lambda: persister.active)
    edge.wait_beat()
    edge.load()
    edge.place(*some_places(300))
    edge.follow(300)
    copy = os.path.join(s.folder, "copy")
    shutil.copytree(os.path.join(s.folder, "redis"), copy)
    edge.place(*some_places(500))
    edge.follow(800)
    persister.run(until=lambda: persister.checkpoint == 800)
    s["broker-1"].kill()
    s["redis"].kill()
    shutil.rmtree(os.path.join(s.folder, "redis"))
    os.rename(copy, os.path.join(s.folder, "redis"))
    s.made.start("redis", "broker-1")
    persister.run(15, until=lambda: s.status()["role"] == "leader")
    late = s.edge()
    late.wait_beat(2)
    late.load()
    assert late.board.seq == 800
    assert late.board.pixels == edge.board.pixels
    assert late.place_one(1, 1, 1, 1, 1)[:2] == (bus.OK, 801)
    assert len(log_of(s)) == 801


def test_silent_persister_is_asked_again(stage):
    s = stage(restore="auto", broker={"lease_ms": 500})
    persister = s.persister()
    persister.records = {n: pack_record(n, n, 1, n, 1, 5) for n in
                         range(1, 51)}
    persister.checkpoint, persister.epoch = 50, 9
    persister.mute = True
    persister.run(4)
    persister.mute = False
    persister.run(20, until=lambda: s.status()["role"] == "leader")
    status = s.status()
    assert status["seq"] == 50 and status["epoch"] >= 10
    edge = s.edge()
    edge.load()
    assert edge.board.at(50, 1) == 5
