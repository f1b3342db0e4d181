# SPDX-License-Identifier: Apache-2.0
"""kill -9 during load: what dies comes back by itself, and nothing that was
acknowledged is lost or doubled."""

import os
import time

import pytest

from support.client import Client
from support.cluster import bin_dir
from support.history import check_whole, export, replay
from support.load import Accountant, StippleLoad
from support.wait import until

pytestmark = pytest.mark.timed

WIDTH, HEIGHT = 200, 100
RATE = 2000
LEASE_S = 3


def players(apis, signer, number=4, rate=25):
    rows = HEIGHT // number
    made = [Accountant(apis[i % len(apis):] + apis[:i % len(apis)], signer,
                       rate, (i * rows, (i + 1) * rows), WIDTH,
                       f"accountant-{i}") for i in range(number)]
    for one in made:
        one.start()
    return made


def accounts(made):
    everything = {}
    for one in made:
        mine = one.finish()
        assert not everything.keys() & mine.keys(), "one seq for two"
        everything.update(mine)
        assert not one.mismatches, f"{one.sub} saw a wrong board"
        assert len(mine) > 20, f"{one.sub} hardly placed: {len(mine)}"
    return everything


def load_is_built():
    return os.path.exists(os.path.join(bin_dir("release"), "stipple-load"))


@pytest.mark.timeout(300)
def test_whatever_dies_comes_back_and_nothing_is_lost(supervised):
    """Edge, persister, broker and Redis, one after the other, at 2,000
    placements a second."""
    made = supervised("--cooldown", "0", "--size", f"{WIDTH}x{HEIGHT}",
                      "--edges", "2", variant="asan")
    made.up()
    apis = [made.api, type(made.api)(made.port + 1)]
    accountants = players(apis, made.signer)
    load = StippleLoad(apis, made.token_key_file, 50, 50,
                       RATE, 40, "--shared", "on") if load_is_built() else None
    try:
        until(lambda: all(len(a.acknowledged) > 10 for a in accountants), 20)
        for name in ("edge-1", "persister-1", "broker-1", "redis"):
            counts = [len(a.acknowledged) for a in accountants]
            pid = made.kill(name)
            killed = time.monotonic()
            until(lambda: made.entry(name)["pid"] not in (0, pid), 3,
                  f"{name} again")
            until(made.is_well, 20, f"all well after {name}", pause=0.1)
            # Placing goes on for everybody.
            until(lambda: all(len(a.acknowledged) > n + 5 for a, n in zip(
                accountants, counts)), 25, f"placing after {name}")
            print(f"{name}: well again after "
                  f"{time.monotonic() - killed:.1f} s")
        report = load.report(90) if load else None
    finally:
        if load:
            load.stop()
    acknowledged = accounts(accountants)
    board = apis[0].board_at(max(acknowledged))
    # Both edges agree in the end, and prove it.
    for api in apis:
        viewer = Client(api)
        viewer.until(lambda: viewer.beat and viewer.checked_beats, 10)
        assert not viewer.mismatches
        viewer.close()
    made.down()
    rows = export(made.bin, made.data)
    check_whole(rows, acknowledged)
    assert replay(rows[:board.seq], WIDTH, HEIGHT) == board.pixels
    if report:
        print(report)
        check_report(report)


def check_report(report):
    assert report["digest_mismatches"] == 0
    assert report["acknowledged_not_seen"] == 0


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", ["edge-1", "persister-1", "broker-1",
                                  "redis"])
def test_each_again_and_again(cluster, name):
    """Killed and started five times in a row while people place."""
    made = cluster(size=f"{WIDTH}x{HEIGHT}").start().ready()
    accountants = players(made.apis, made.signer, number=2, rate=100)
    for _ in range(5):
        counts = [len(a.acknowledged) for a in accountants]
        until(lambda: all(len(a.acknowledged) > n + 20 for a, n in zip(
            accountants, counts)), 30, "placing")
        made[name].kill()
        made[name].start()
    made.ready()
    acknowledged = accounts(accountants)
    board = made.api.board_at(max(acknowledged))
    await_level(made, board.seq)
    rows = export(made.bin, made.folder)
    check_whole(rows, acknowledged)
    assert replay(rows[:board.seq], WIDTH, HEIGHT) == board.pixels


def await_level(made, seq):
    """The store has everything up to seq."""
    def level():
        answer = made.ctl("status", check=False)
        import json
        try:
            return json.loads(answer.stdout).get("persisted", 0) >= seq
        except ValueError:
            return False
    until(level, 20, "the store's checkpoint", pause=0.1)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_standby_leads_within_the_lease_and_two_seconds(cluster, how):
    made = cluster(brokers=2, size=f"{WIDTH}x{HEIGHT}").start().ready()
    leader = until(lambda: leading(made), 10, "a leader")
    accountants = players(made.apis, made.signer, number=2, rate=100)
    viewer = Client(made.api)
    epoch = made.api.config()["board"]["epoch"]
    until(lambda: all(len(a.acknowledged) > 30 for a in accountants), 20)
    counts = [len(a.acknowledged) for a in accountants]
    before = time.monotonic()
    getattr(made[leader], how)()
    until(lambda: all(len(a.acknowledged) > n + 2 for a, n in zip(
        accountants, counts)), 20, "placing by the standby")
    took = time.monotonic() - before
    assert took <= LEASE_S + 2 + 0.5, f"{took:.1f} s"
    made.api.ask("GET", "/readyz")
    if how == "freeze":
        # It wakes up with an old epoch, is fenced, and steps down.
        made[leader].thaw()
        until(lambda: "event=step_down" in made[leader].log(), 10,
              "it steps down")
        until(lambda: leading(made) not in (None, leader), 10)
    else:
        made[leader].start()
    acknowledged = accounts(accountants)
    viewer.reach(max(acknowledged), 10)
    viewer.prove()
    assert not viewer.resyncs, "the same history goes on"
    until(lambda: made.api.config()["board"]["epoch"] > epoch, 5)
    await_level(made, max(acknowledged))
    check_whole(export(made.bin, made.folder), acknowledged)


def leading(made):
    """The name of the broker whose own metrics say that it leads."""
    for name in ("broker-1", "broker-2"):
        try:
            values = made[name].metrics()
        except OSError:
            continue
        if any(v == 1 for k, v in values.items() if "lead" in k):
            return name
    return None


@pytest.mark.timeout(120)
def test_duplicates_are_known_over_a_fail_over(cluster):
    made = cluster(brokers=2, cooldown_ms=60000).start().ready()
    token = made.signer.token()
    client = Client(made.api, token=token)
    request = client.send_place(1, 1, 1)
    first = client.verdict(request)
    assert first["status"] == "ok"
    made[until(lambda: leading(made), 10)].kill()

    def again():
        verdict = client.place(2, 2, 2, request, timeout=12)
        return verdict["status"] != "unavailable" and verdict
    verdict = until(again, 20)
    assert (verdict["status"], verdict["seq"]) == ("duplicate", first["seq"])
    assert 20000 < verdict["cooldown_remaining_ms"] <= 60000
    assert client.place(2, 2, 2)["status"] == "cooldown"
    client.close()


@pytest.mark.timeout(120)
def test_cooldowns_and_requests_outlive_a_restart_of_everything(cluster):
    made = cluster(cooldown_ms=120000).start().ready()
    token = made.signer.token()
    client = Client(made.api, token=token)
    request = client.send_place(1, 1, 1)
    seq = client.verdict(request)["seq"]
    await_level(made, seq)
    assert not any(made.stop().values())
    made.start().ready()
    client = Client(made.api, token=token)
    assert client.hello["cooldown_remaining_ms"] > 0
    same = client.place(5, 5, 5, request)
    assert (same["status"], same["seq"]) == ("duplicate", seq)
    assert client.place(5, 5, 5)["status"] == "cooldown"
    client.close()


@pytest.mark.timeout(120)
def test_edge_that_is_told_to_stop_drains(cluster):
    made = cluster(edges=2).start().ready()
    viewers = [Client(made.api) for _ in range(30)]
    edge = made["edge-1"]
    before = time.monotonic()
    import signal
    os.kill(edge.pid, signal.SIGTERM)
    codes = [v.socket.closes_with(15) for v in viewers]
    assert set(codes) == {1012}
    assert edge.stop(15) == 0
    assert time.monotonic() - before < 13
    # They go on at the other edge where they were.
    for viewer in viewers:
        again = Client(made.apis[1], board=viewer.board)
        assert not again.resyncs
        again.close()


@pytest.mark.timeout(120)
def test_unavailable_while_redis_is_away_and_viewing_goes_on(cluster):
    made = cluster().start().ready()
    client = Client(made.api, token=made.signer.token())
    first = client.place(1, 1, 1)["seq"]
    made["redis"].kill()
    verdict = client.place(2, 2, 2, timeout=12)
    assert verdict["status"] == "unavailable"
    until(lambda: made.api.board().at(1, 1) == 1, 5)
    client.drain(1.2)
    client.prove()
    made["redis"].start()
    until(lambda: client.place(3, 3, 3, timeout=12)["status"] == "ok", 20)
    client.reach(first + 1)
    client.prove()
    client.close()
