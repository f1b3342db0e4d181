# SPDX-License-Identifier: Apache-2.0
"""Two histories with the same numbers: whatever Redis forgets while somebody
remembers it, nothing acknowledged is lost and no seq is given twice."""

import os
import shutil
import time

import pytest
import zmq

from support.stage import Stage, log_of
from support.wait import Late, until

LEASE_MS = 1000


@pytest.fixture
def zmq_context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def stage(cluster, zmq_context):
    def make(brokers=2, restore="never", **settings):
        made = cluster(brokers=brokers, persisters=0, edges=0, broker={
            "restore": restore, "lease_ms": LEASE_MS, **settings})
        return Stage(made.start(), zmq_context)
    return make


def leader(s):
    """(the leading broker, the other), once one leads and one stands by."""
    def found():
        roles = [s.status(i)["role"] for i in (1, 2)]
        return sorted(roles) == ["leader", "standby"] and roles
    return (1, 2) if until(found, 15)[0] == "leader" else (2, 1)


def place(edge, count, start):
    """`count` placements, each acknowledged: [(seq, user)]."""
    got = edge.place(*[(1000 + start + n, start + n, n % 100, 3, 5)
                       for n in range(count)])
    assert all(status == 0 for status, *_ in got), got
    return [(seq, 1000 + start + n) for n, (_, seq, _) in enumerate(got)]


def stop_redis(s):
    s["redis"].kill()


def files(s, name=""):
    return os.path.join(s.folder, "redis" + name)


def keep_copy(s):
    """Redis's files as they are now, for put_back."""
    shutil.copytree(files(s), files(s, ".old"))


def put_back(s):
    shutil.rmtree(files(s))
    os.rename(files(s, ".old"), files(s))


def empty(s):
    shutil.rmtree(files(s))
    os.makedirs(files(s))


def leads_with(s, acknowledged, timeout=20):
    """Somebody leads; everything acknowledged stands in the log under its seq,
    and the next placement gets the next seq."""
    deadline = time.monotonic() + timeout
    while True:
        for broker in (1, 2):
            if s.status(broker)["role"] != "leader":
                continue
            edge = s.edge(broker)
            try:
                edge.wait_beat(timeout=2)
                [(status, seq, _)] = edge.place((9999, 1, 1, 1, 1), timeout=2)
            except Late:
                continue
            if status == 0:
                held = {r["seq"]: r["user"] for r in log_of(s)}
                missing = [a for a in acknowledged if held.get(a[0]) != a[1]]
                assert not missing, f"{len(missing)} lost, next was {seq}"
                assert seq == max(a[0] for a in acknowledged) + 1
                return edge
        assert time.monotonic() < deadline, "nobody leads"
        time.sleep(0.05)


@pytest.mark.timeout(90)
def test_older_redis_and_the_standby_comes_first(stage):
    """V1: the old leader lives, with the right board in memory."""
    s = stage()
    first, second = leader(s)
    edge = s.edge(first)
    edge.wait_beat()
    acknowledged = place(edge, 10, 0)
    keep_copy(s)
    acknowledged += place(edge, 20, 10)
    until(lambda: s.status(second)["seq"] == 30, 5, "the standby is level")
    s[f"broker-{first}"].freeze()
    stop_redis(s)
    put_back(s)
    s["redis"].start()
    try:
        until(lambda: s.status(second)["role"] == "leader", 6)
    except Late:
        pass  # it waits for the other
    s[f"broker-{first}"].thaw()
    leads_with(s, acknowledged)


@pytest.mark.timeout(90)
def test_older_redis_and_a_standby_that_knows_nothing(stage):
    """V1: the standby was started after Redis had lost its end."""
    s = stage()
    first, second = leader(s)
    s[f"broker-{second}"].kill()
    edge = s.edge(first)
    edge.wait_beat()
    acknowledged = place(edge, 10, 0)
    keep_copy(s)
    acknowledged += place(edge, 20, 10)
    s[f"broker-{first}"].freeze()
    stop_redis(s)
    put_back(s)
    s["redis"].start()
    s[f"broker-{second}"].start()
    time.sleep(1)  # frozen for so long
    s[f"broker-{first}"].thaw()
    leads_with(s, acknowledged)


@pytest.mark.timeout(90)
def test_frozen_leader_wakes_before_an_emptied_redis(stage):
    """V2: it was deposed meanwhile, and the true leader remembers more."""
    s = stage()
    first, second = leader(s)
    edge = s.edge(first)
    edge.wait_beat()
    acknowledged = place(edge, 10, 0)
    s[f"broker-{first}"].freeze()
    s.await_role("leader", second)
    edge = s.edge(second)
    edge.wait_beat()
    acknowledged += place(edge, 20, 10)
    stop_redis(s)
    empty(s)
    s[f"broker-{second}"].freeze()
    s["redis"].start()
    s[f"broker-{first}"].thaw()
    time.sleep(0.7)  # it is alone with Redis for so long
    s[f"broker-{second}"].thaw()
    leads_with(s, acknowledged)


@pytest.mark.timeout(90)
def test_cold_start_on_an_older_redis_waits_for_a_late_store(stage):
    """V3 and C3: nobody remembers but the store, which is late."""
    s = stage(restore="auto")
    store = s.persister(2)
    store.run(until=lambda: "leader" in
              [s.status(i)["role"] for i in (1, 2)])
    first, second = leader(s)
    edge = s.edge(first)
    edge.wait_beat()
    acknowledged = place(edge, 10, 0)
    keep_copy(s)
    acknowledged += place(edge, 20, 10)
    store.run(until=lambda: store.checkpoint == 30)
    for broker in (first, second):
        s[f"broker-{broker}"].kill()
    stop_redis(s)
    put_back(s)
    s["redis"].start()
    for broker in (first, second):
        s[f"broker-{broker}"].start()
    time.sleep(4)  # how late it is
    assert "leader" not in [s.status(i)["role"] for i in (1, 2)]
    store.run(until=lambda: "leader" in
              [s.status(i)["role"] for i in (1, 2)])
    leads_with(s, acknowledged)


@pytest.mark.timeout(90)
def test_records_of_another_history_can_be_told_apart(stage):
    """V4: a store ahead of a history that then passes it. What it is sent does
    not follow from what it holds, and it confirms nothing."""
    s = stage(brokers=1)
    edge = s.edge()
    edge.wait_beat()
    store = s.persister()
    place(edge, 10, 0)
    keep_copy(s)
    place(edge, 20, 10)
    store.run(until=lambda: store.checkpoint == 30)
    mine = store.chain_at(30)
    s["broker-1"].kill()
    stop_redis(s)
    put_back(s)
    s["redis"].start()
    s["broker-1"].start()  # restore=never: it is told to go on
    s.await_role("leader")
    edge = s.edge()
    edge.wait_beat(2)
    place(edge, 40, 100)
    beat = edge.wait_beat(2)
    assert beat["seq"] == 50
    store.run(1.5)
    assert s.status()["persisted"] == 0
    control = store.controls[0]
    control.send(b"\x4d" + (30).to_bytes(8, "little"))
    answer = control.expect(0x4e, 3)
    assert answer[9:25] not in (mine, bytes(16))


@pytest.mark.timeout(60)
def test_broker_without_redis_accuses_no_store(stage):
    """V7: what it has not heard of may have been committed by another."""
    s = stage(brokers=1)
    edge = s.edge()
    edge.wait_beat()
    place(edge, 5, 0)
    stop_redis(s)
    s.await_role("away")
    store = s.persister()
    store.checkpoint = 9
    store.run(1.5)
    assert store.grants
    assert s.log_count("store_is_ahead") == 0


@pytest.mark.timeout(90)
def test_two_forks_are_said_and_one_is_led(stage):
    """What nobody can bring back is not passed over in silence."""
    s = stage()
    first, second = leader(s)
    edge = s.edge(first)
    edge.wait_beat()
    place(edge, 10, 0)
    s[f"broker-{second}"].kill()
    keep_copy(s)
    place(edge, 5, 10)
    s[f"broker-{first}"].freeze()
    stop_redis(s)
    put_back(s)
    s["redis"].start()
    s[f"broker-{second}"].start()
    s.await_role("leader", second, 10)
    edge = s.edge(second)
    edge.wait_beat()
    place(edge, 20, 100)
    s[f"broker-{first}"].thaw()
    until(lambda: s.log_count("history_lost", f"broker-{first}"), 10)
    until(lambda: s.status(first)["seq"] == 30, 10)
    assert s.status(first)["role"] == "standby"
    metrics = s[f"broker-{first}"].metrics()
    assert metrics["stipple_broker_history_lost_total"] >= 1
