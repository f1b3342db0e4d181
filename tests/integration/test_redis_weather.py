# SPDX-License-Identifier: Apache-2.0
"""A Redis that is full, that takes no large command, that lags behind its
replicas, or that may drop keys: placing waits, nothing else does."""

import os
import subprocess

import pytest
import zmq
from cluster import plan

from support import bus_peers as bus
from support.cluster import free_ports
from support.stage import Stage, log_of
from support.wait import until

FULL = "stipple_broker_redis_full"


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


def config(s, name, value):
    assert s.made.redis_cli("config", "set", name, value) == "OK"


def await_ok(edge, place, seq):
    """Placed anew until Redis takes it."""
    def placed():
        status, got, _ = edge.place_one(*place, timeout=20)
        return status == bus.OK and got
    assert until(placed, 30, "an ok", pause=0.2) == seq


def test_full_redis_refuses_and_recovers(stage):
    s = stage()
    edge = s.edge()
    edge.wait_beat()
    assert edge.place_one(1, 1, 1, 1, 1)[:2] == (bus.OK, 1)
    config(s, "maxmemory", "1")
    got = edge.place((2, 1, 1, 1, 2), (2, 2, 2, 2, 2), (3, 1, 200, 1, 2),
                     timeout=20)
    assert [status for status, *_ in got] == [
        bus.UNAVAILABLE, bus.UNAVAILABLE, bus.OUT_OF_BOUNDS]
    # What was refused is nowhere: not on the board, not in a cooldown.
    late = s.edge().load()
    assert (late.board.seq, late.board.at(1, 1)) == (1, 1)
    assert late.wait_beat()["digest"] == late.board.digest
    until(lambda: s["broker-1"].metrics()[FULL] == 1, 15)
    status = s.status()
    assert (status["role"], status["redis_full"]) == ("leader", True)
    assert edge.place_one(4, 1, 1, 1, 3, timeout=20)[0] == bus.UNAVAILABLE
    config(s, "maxmemory", "0")
    await_ok(edge, (2, 1, 1, 1, 2), 2)
    assert s.status()["redis_full"] is False
    until(lambda: s["broker-1"].metrics()[FULL] == 0, 15)
    assert s.log_count("redis_full") == s.log_count("redis_has_room") == 1
    assert s.log_count("redis_lost") == 0


def test_room_is_found_again_though_nobody_places(stage):
    s = stage()
    edge = s.edge()
    edge.wait_beat()
    config(s, "maxmemory", "1")
    assert edge.place_one(2, 1, 1, 1, 2, timeout=20)[0] == bus.UNAVAILABLE
    config(s, "maxmemory", "0")
    until(lambda: s.status()["redis_full"] is False, 30)


def test_full_redis_is_trimmed_and_led_anew(stage):
    """All is persisted: the log gives its room back though Redis is full, and
    neither a stop nor a kill of the leader needs a hand."""
    s = stage(broker={"restore": "auto", "log_limit": 1000})
    store = s.persister()
    edge = s.edge()
    store.run(until=lambda: s.status()["role"] == "leader")
    edge.wait_beat()
    for part in range(20):
        got = edge.place(*[(part * 100 + n + 1, 1, n, part, 3)
                           for n in range(100)], timeout=20)
        assert all(status == bus.OK for status, *_ in got)
        store.run(until=lambda: store.checkpoint == (part + 1) * 100)
    until(lambda: s.status()["log_records"] <= 1500, 20)
    config(s, "maxmemory", "1")
    assert edge.place_one(1, 9, 1, 1, 1, timeout=20)[0] == bus.UNAVAILABLE
    s["broker-1"].kill()
    s["broker-1"].start()
    store.run(until=lambda: s.status()["role"] == "leader")
    edge = s.edge()
    edge.wait_beat()
    assert edge.place_one(1, 9, 1, 1, 1, timeout=20)[0] == bus.UNAVAILABLE
    assert s["broker-1"].stop() == 0
    assert s.made.redis_cli("exists", "{stipple}:lease") == "0"
    s["broker-1"].start()
    store.run(until=lambda: s.status()["role"] == "leader")
    config(s, "maxmemory", "0")
    edge = s.edge()
    edge.wait_beat()
    await_ok(edge, (1, 10, 1, 1, 1), 2001)


def may(s, what):
    assert s.made.redis_cli("acl", "setuser", "default", what) == "OK"


@pytest.mark.timeout(120)
def test_script_that_always_fails_is_one_trouble(stage):
    """All else works, the lease too: no line of return for each new connection,
    and none of loss for each try."""
    s = stage()
    edge = s.edge()
    edge.wait_beat()
    assert edge.place_one(1, 1, 1, 1, 1)[:2] == (bus.OK, 1)
    lost, back = s.log_count("redis_lost"), s.log_count("redis_back")
    may(s, "-xadd")
    edge.post([(2, 1, 1, 1, 2)])
    losses = "stipple_broker_redis_losses_total"
    until(lambda: s["broker-1"].metrics()[losses] >= 15, 60)
    assert s.log_count("redis_back") == back
    assert lost < s.log_count("redis_lost") < lost + 10
    until(lambda: "run this command" in (s.status()["redis_trouble"] or ""), 20)
    may(s, "+xadd")
    assert edge.verdicts(30)[0][1:3] == (bus.OK, 2)
    until(lambda: s.log_count("redis_back") == back + 1, 20)
    until(lambda: s.status()["redis_trouble"] is None, 20)


@pytest.mark.timeout(120)
def test_refused_trim_costs_room_and_not_the_lead(stage):
    s = stage(broker={"restore": "auto", "log_limit": 1000})
    store = s.persister()
    edge = s.edge()
    store.run(until=lambda: s.status()["role"] == "leader")
    edge.wait_beat()
    may(s, "-xtrim")

    def place(part):
        got = edge.place(*[(part * 100 + n + 1, 1, n, part, 3)
                           for n in range(100)], timeout=20)
        assert all(status == bus.OK for status, *_ in got)
        store.run(until=lambda: store.checkpoint == (part + 1) * 100)

    for part in range(20):
        place(part)
    failed = "stipple_broker_trims_failed_total"
    until(lambda: s["broker-1"].metrics()[failed], 20)
    assert s.log_count("redis_lost") == 0
    assert s.status()["role"] == "leader"
    may(s, "+xtrim")
    for part in range(20, 25):
        place(part)
    until(lambda: len(log_of(s)) <= 1500, 20)


@pytest.mark.timeout(240)
def test_full_disk_under_redis_is_waited_for(stage):
    """Redis answers MISCONF to every write, leases too."""
    s = stage(start=False, fsync="everysec")
    folder = os.path.join(s.folder, "redis")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder],
                   check=True)
    try:
        s.made.start()
        edge = s.edge()
        edge.wait_beat()
        assert edge.place_one(1, 1, 1, 1, 1)[:2] == (bus.OK, 1)
        filler = os.path.join(folder, "filler")
        with open(filler, "wb", buffering=0) as file, \
                pytest.raises(OSError):
            while file.write(bytes(4096)):
                pass
        last, request = 1, 1

        def refused():
            nonlocal last, request
            request += 1
            [(status, seq, _)] = edge.place(
                *[(request, request, 1, 1, 2)], timeout=30)
            last = max(last, seq)
            return status == bus.UNAVAILABLE
        until(refused, 60, "a full disk")
        until(lambda: s["broker-1"].metrics()[FULL] == 1, 15)
        status = s.status()
        assert status["redis_full"] is True
        os.remove(filler)
        request += 1
        await_ok(edge, (request, request, 1, 1, 3), last + 1)
        until(lambda: s.status()["redis_full"] is False, 15)
        s.await_role("leader")
        s.made.stop()
    finally:
        for name in ("broker-1", "redis"):
            if s[name].is_running():
                s[name].kill()
        subprocess.run(["umount", folder], check=True)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("side,bits", [(8192, 8)])
def test_largest_board_is_written_in_parts(stage, side, bits):
    """A new canvas, and a repair of an emptied Redis, with a Redis that takes
    no command above 4 MB."""
    s = stage(start=False, size=f"{side}x{side}", bits=bits, variant="release")
    s.made.start("redis")
    until(s.made.redis_answers, 20)
    config(s, "client-query-buffer-limit", "4mb")
    s["broker-1"].start()
    s.await_role("leader", timeout=60)
    edge = s.edge()
    edge.wait_beat()
    assert edge.place_one(1, 1, side - 1, side - 1, 7, timeout=20)[1] == 1
    s.made.redis_cli("flushall")
    edge.post([(2, 1, 1, 1, 9)])
    assert [v[1:3] for v in edge.verdicts(60)] == [(bus.OK, 2)]
    assert s.made.redis_cli("strlen", "{stipple}:board") == \
        str(side * side * bits // 8)
    assert s.made.redis_cli("getrange", "{stipple}:board",
                            str(side * side - 1), "-1") == "\x07"
    assert s.made.redis_cli("exists", "{stipple}:board.next") == "0"


def test_what_a_repair_that_was_cut_short_left_is_written_anew(stage):
    s = stage()
    edge = s.edge()
    edge.wait_beat()
    for n in range(5):
        assert edge.place_one(n + 1, 1, n, 1, 3)[0] == bus.OK
    key = "{stipple}:"
    s.made.redis_cli("set", key + "board.next", "x" * 9000)
    s.made.redis_cli("xadd", key + "log.next", "900-0", "r", "junk")
    s.made.redis_cli("del", key + "meta", key + "log", key + "board")
    edge.post([(9, 1, 1, 1, 9)])
    assert [v[1:3] for v in edge.verdicts(30)] == [(bus.OK, 6)]
    assert [r["seq"] for r in log_of(s)] == list(range(1, 7))
    assert s.made.redis_cli("strlen", key + "board") == "5000"
    assert s.made.redis_cli("exists", key + "board.next",
                            key + "log.next") == "0"
    s["broker-1"].kill()
    s["broker-1"].start()
    s.await_role("leader")
    late = s.edge().load()
    assert (late.board.seq, late.board.at(1, 1)) == (6, 9)
    assert s.log_count("digest_wrong") == 0


def test_lease_from_the_future_is_cut(stage):
    s = stage()
    s.await_role("leader")
    s["broker-1"].kill()
    s.made.redis_cli("set", "{stipple}:lease", "another", "px", "600000")
    s["broker-1"].start()
    s.await_role("leader", timeout=60)


@pytest.fixture
def replicated(stage):
    """A stage whose Redis has one replica, of which the test holds the ends."""
    made = []

    def make(**settings):
        s = stage(start=False, broker={"redis_replicas": 1, **settings})
        port, = free_ports(1)
        s["redis"].argv = [str(port) if before == "--port" else word
                           for before, word in zip(["", *s["redis"].argv],
                                                   s["redis"].argv)]
        os.makedirs(os.path.join(s.folder, "redis-2"))
        replica = plan.redis(fsync="no", name="redis-2", folder=s.folder)
        replica.argv = [*replica.argv, "--replicaof", "127.0.0.1", str(port)]
        made.append(replica)
        s.made.start("redis")
        replica.start()
        s["broker-1"].start()
        return s, replica
    yield make
    for replica in made:
        if replica.is_running():
            replica.kill()


def test_verdicts_wait_for_the_replicas(replicated):
    s, replica = replicated()
    s.await_role("leader", timeout=30)
    edge = s.edge()
    edge.wait_beat()
    assert edge.place_one(1, 1, 1, 1, 1, timeout=20)[:2] == (bus.OK, 1)
    replica.freeze()
    edge.post([(2, 1, 1, 1, 2)])
    s.await_role("away")
    assert edge.place_one(3, 1, 1, 1, 3, timeout=20)[0] == bus.UNAVAILABLE
    until(lambda: "0 of 1 replicas" in (s.status()["redis_trouble"] or ""), 15)
    # It is shown to nobody meanwhile.
    late = s.edge().load()
    assert (late.board.seq, late.board.at(1, 1)) == (1, 1)
    replica.thaw()
    assert [v[1:3] for v in edge.verdicts(20)] == [(bus.OK, 2)]
    s.await_role("leader")
    assert edge.place_one(4, 1, 1, 1, 4, timeout=20)[:2] == (bus.OK, 3)


def test_nobody_leads_without_the_replicas(replicated):
    s, replica = replicated()
    s.await_role("leader", timeout=30)
    replica.kill()
    edge = s.edge()
    edge.wait_beat()
    edge.post([(2, 1, 1, 1, 2)])
    s.await_role("away")
    s["broker-1"].kill()
    s["broker-1"].start()
    until(lambda: "0 of 1 replicas" in (s.status()["redis_trouble"] or ""), 20)
    assert s.status()["role"] != "leader"
    replica.start()
    s.await_role("leader", timeout=30)


def test_replicas_cost_no_turn_of_their_own(replicated):
    s, _ = replicated()
    s.await_role("leader", timeout=30)
    edge = s.edge()
    edge.wait_beat()
    for n in range(50):
        assert edge.place_one(n + 1, 1, 1, 1, 1, timeout=20)[:2] == \
            (bus.OK, n + 1)


@pytest.mark.parametrize("policy,said", [("allkeys-lru", 1),
                                         ("noeviction", 0)])
def test_redis_that_may_drop_the_board_is_named(stage, policy, said):
    s = stage(start=False)
    s.made.start("redis")
    until(s.made.redis_answers, 20)
    config(s, "maxmemory", "1gb")
    config(s, "maxmemory-policy", policy)
    s["broker-1"].start()
    s.await_role("leader")
    assert s.log_count("redis_may_evict") == said
    assert s["broker-1"].metrics()["stipple_broker_redis_may_evict"] == said


def test_redis_too_small_for_the_log_is_named(stage):
    s = stage(start=False)
    s.made.start("redis")
    until(s.made.redis_answers, 20)
    config(s, "maxmemory", "100mb")
    s["broker-1"].start()
    s.await_role("leader")
    assert s.log_count("redis_memory_small") == 1
