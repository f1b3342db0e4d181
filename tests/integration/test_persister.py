# SPDX-License-Identifier: Apache-2.0
"""The persister between a real broker and SQLite: every placement once,
whoever dies; look-ups; restore; --verify and --export."""

import csv
import json
import os
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import time

import pytest

from support.bus import FOUND, NONE, Player, Query, board
from support.cluster import ENVIRONMENT
from support.history import check_whole, export
from support.wait import until

WIDTH, HEIGHT = 100, 60
BROKER = "ipc://run/broker-1"
STORE = "sqlite:history.db"


def started(cluster, persisters=1, broker=None, **settings):
    made = cluster(brokers=1, persisters=persisters, edges=0,
                   size=f"{WIDTH}x{HEIGHT}", broker=broker, persister=settings)
    made.start()
    until(lambda: board(made.folder, BROKER, 1), 30, "a leader")
    return made


def player(made, rate, seed=1):
    one = Player(made.folder, BROKER, rate, random.Random(seed), WIDTH, HEIGHT)
    one.start()
    return one


def place(made, count, seed=1):
    """`count` placements, all acknowledged: {seq: Placed}."""
    one = player(made, 2000, seed)
    until(lambda: one.ticket >= count or one.error, 60)
    return one.finish()


def values(made, name="persister-1"):
    return made[name].metrics()


def answers(process):
    """Its metrics; None while it is frozen, dead or just starting."""
    try:
        return process.metrics()
    except OSError:
        return None


def stored(made, count, timeout=20):
    """Waits until some persister confirmed so many."""
    until(lambda: any(
        (answers(p) or {}).get("stipple_persister_checkpoint", 0) >= count
        for p in made.kinds("persister") if p.is_running()), timeout,
        f"{count} stored")


def operate(made, *words, brokers=BROKER, store=STORE):
    return subprocess.run(
        [os.path.join(made.bin, "stipple-persister"), "--store", store,
         "--brokers", brokers, *words],
        cwd=made.folder, capture_output=True, text=True, timeout=120,
        env={**os.environ, **ENVIRONMENT})


def verify(made, **more):
    answer = operate(made, "--verify", **more)
    assert answer.returncode in (0, 1), answer
    found = json.loads(answer.stdout)
    assert found["ok"] == (answer.returncode == 0), answer
    return found


def check(made, acknowledged, store=STORE):
    """The store holds what was acknowledged, and proves it."""
    stored(made, max(acknowledged))
    check_whole(export(made.bin, made.folder, store), acknowledged)
    found = verify(made, store=store)
    assert found["ok"] and found["live"] == "equal", found
    assert found["rows"] == found["records"] == found["checkpoint"]


def spoil(made, *statements):
    with sqlite3.connect(os.path.join(made.folder, "history.db"),
                         timeout=10) as store:
        for statement in statements:
            store.execute(statement)
    store.close()


@pytest.mark.timeout(120)
def test_placements_are_stored_and_looked_up(cluster):
    made = started(cluster)
    acknowledged = place(made, 3000)
    newest, last_of = {}, {}
    for seq in sorted(acknowledged):
        one = acknowledged[seq]
        newest[one.x, one.y] = one
        last_of[one.user] = one
    stored(made, max(acknowledged))
    query = Query(made.folder, ["ipc://run/persister-1"])
    for x in range(0, WIDTH, 7):
        for y in range(0, HEIGHT, 5):
            status, record = query.pixel(x, y)
            one = newest.get((x, y))
            assert status == (FOUND if one else NONE)
            if one:
                assert (record.seq, f"{record.user:016x}", record.color) == \
                    (one.seq, one.user, one.color)
    for user, one in last_of.items():
        status, record = query.user(int(user, 16))
        assert (status, record.seq) == (FOUND, one.seq)
    assert query.user(12345)[0] == NONE
    assert query.pixel(WIDTH, HEIGHT)[0] == NONE
    query.socket.send(b"\x50nonsense")
    assert query.receive(0.3) is None
    query.close()
    check(made, acknowledged)


@pytest.mark.timed
@pytest.mark.timeout(120)
def test_placement_is_looked_up_within_two_seconds(cluster):
    made = started(cluster)
    one = player(made, 500)
    query = Query(made.folder, ["ipc://run/persister-1"])
    waits = []
    for _ in range(5):
        before = max(one.acknowledged, default=0)
        newest = until(lambda: (top := max(one.acknowledged, default=0))
                       > before and top, 5, "a placement")
        began = time.monotonic()
        user = one.acknowledged[newest].user
        until(lambda: query.user(user)[1].seq >= newest, 2)
        waits.append(time.monotonic() - began)
    assert max(waits) < 2
    query.close()
    one.finish()


@pytest.mark.timeout(180)
def test_killed_persister_loses_and_doubles_nothing(cluster):
    made = started(cluster, snapshot_ms=1000)
    one = player(made, 2000)
    for _ in range(5):
        until(lambda: values(made)["stipple_persister_batches_total"] > 5, 20)
        made["persister-1"].kill()
        time.sleep(random.random())
        made["persister-1"].start()
        until(lambda: answers(made["persister-1"]), 20)
    acknowledged = one.finish()
    assert len(acknowledged) > 5000
    check(made, acknowledged)


def active(made):
    """Names of the persisters that believe they are granted."""
    return [p.name for p in made.kinds("persister") if p.is_running() and
            (answers(p) or {}).get("stipple_persister_active")]


@pytest.mark.timeout(240)
def test_second_persister_takes_over_within_five_seconds(cluster):
    made = started(cluster, persisters=2, snapshot_ms=1000)
    one = player(made, 1000)
    for how in ("kill", "stop", "kill"):
        first = until(lambda: active(made), 20)
        assert len(first) == 1
        other = next(p.name for p in made.kinds("persister")
                     if p.name != first[0])
        if how == "kill":
            made[first[0]].kill()
        else:
            assert made[first[0]].stop() == 0
        until(lambda: active(made) == [other], 5, f"{other} takes over")
        reached = max(one.acknowledged)
        until(lambda: made[other].metrics()["stipple_persister_checkpoint"] >=
              reached, 5)
        made[first[0]].start()
        until(lambda: made[first[0]].is_running() and
              answers(made[first[0]]), 20)
    check(made, one.finish())


@pytest.mark.timeout(240)
def test_grant_that_moves_to_and_fro_loses_nothing(cluster):
    """The frozen one comes back, believing that it is the active one."""
    made = started(cluster, persisters=2)
    one = player(made, 1000)
    for _ in range(3):
        first = until(lambda: active(made), 20)[0]
        other = next(p.name for p in made.kinds("persister")
                     if p.name != first)
        made[first].freeze()
        try:
            until(lambda: answers(made[other])
                  ["stipple_persister_active"], 6, f"{other} takes over")
            checkpoint = answers(made[other])["stipple_persister_checkpoint"]
            until(lambda: answers(made[other])["stipple_persister_checkpoint"]
                  > checkpoint, 6, f"{other} writes")
        finally:
            made[first].thaw()
        until(lambda: active(made) == [other], 5)
    check(made, one.finish())


@pytest.mark.timeout(120)
def test_next_leader_is_followed_and_its_epoch_kept(cluster):
    made = cluster(brokers=2, persisters=1, edges=0, size=f"{WIDTH}x{HEIGHT}")
    made.start()
    first = until(lambda: next((end for end in made.broker_ends if board(
        made.folder, end, 0.5)), None), 30, "a leader")
    second = next(end for end in made.broker_ends if end != first)
    one = Player(made.folder, first, 2000, random.Random(1), WIDTH, HEIGHT)
    one.start()
    until(lambda: len(one.acknowledged) > 3000, 20)
    made[first.removeprefix("ipc://run/")].kill()
    in_doubt = one.abandon()
    until(lambda: board(made.folder, second, 0.5), 20, "the next leader")
    # Told to the store before anybody placed under it.
    brokers = ",".join(made.broker_ends)
    until(lambda: (found := verify(made, brokers=brokers))["epoch"] == 2 and
          found["ok"] and found["live"] == "equal", 20, pause=0.3)
    two = Player(made.folder, second, 2000, random.Random(2), WIDTH, HEIGHT)
    two.start()
    until(lambda: len(two.acknowledged) > 3000, 20)
    acknowledged = two.finish()
    reached = max(acknowledged)
    stored(made, reached)
    rows = {row[0]: row for row in export(made.bin, made.folder)}
    assert list(rows) == list(range(1, reached + 1))
    for seq, placed in [*in_doubt.items(), *acknowledged.items()]:
        assert rows[seq][2:] == (placed.x, placed.y, placed.color)


@pytest.mark.timeout(120)
def test_store_that_is_locked_is_caught_up_with(cluster):
    made = started(cluster)
    one = player(made, 1000)
    until(lambda: values(made)["stipple_persister_checkpoint"] > 100, 20)
    lock = sqlite3.connect(os.path.join(made.folder, "history.db"),
                           isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    until(lambda: values(made)["stipple_persister_store_retries_total"] > 0,
          10)
    now = values(made)
    assert now["stipple_persister_queue_records"] > 0
    assert now["stipple_persister_store_lag_records"] > 0
    assert abs(now["stipple_persister_last_error_timestamp_ms"] / 1000 -
               time.time()) < 10
    lock.execute("ROLLBACK")
    lock.close()
    acknowledged = one.finish()
    check(made, acknowledged)
    assert "event=store_failed" in made["persister-1"].log()
    assert "event=store_back" in made["persister-1"].log()


class SmallDisk:
    """A tmpfs of a few megabytes; where that may not be mounted, a limit on
    the size of the persister's files."""

    def __init__(self, path):
        self.path = path
        os.makedirs(path)
        self.mounted = self._mount("size=4m")

    def _mount(self, options):
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.path],
            stderr=subprocess.DEVNULL).returncode == 0

    def limit(self, pid):
        if not self.mounted:
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1 << 20, hard))

    def grow(self, pid):
        if self.mounted:
            assert self._mount("remount,size=256m")
        else:
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))

    def end(self):
        if self.mounted:
            subprocess.run(["umount", self.path], check=True)


@pytest.mark.timeout(180)
def test_full_disk_is_caught_up_with(cluster):
    store = "sqlite:small/history.db"
    made = cluster(brokers=1, persisters=1, edges=0, size=f"{WIDTH}x{HEIGHT}",
                   persister={"store": store, "snapshot_ms": 2000})
    disk = SmallDisk(os.path.join(made.folder, "small"))
    try:
        made.start()
        until(lambda: board(made.folder, BROKER, 1), 30, "a leader")
        pid = made["persister-1"].pid
        disk.limit(pid)
        one = player(made, 4000)
        until(lambda: values(made)["stipple_persister_store_retries_total"] >
              2, 90, "a full disk")
        until(lambda: values(made)["stipple_persister_store_lag_records"] > 0,
              5)
        behind = values(made)
        until(lambda: max(one.acknowledged) > 8000 +
              behind["stipple_persister_checkpoint"], 20, "the log grows")
        # What was confirmed can be read all the while.
        query = Query(made.folder, ["ipc://run/persister-1"])
        assert query.user(int("9e3779b97f4a7c15", 16))[0] == FOUND
        query.close()
        disk.grow(pid)
        check(made, one.finish(), store)
        log = made["persister-1"].log()
        assert "event=store_failed" in log and "event=store_back" in log
        assert made["persister-1"].stop() == 0
    finally:
        if made["persister-1"].is_running():
            made["persister-1"].kill()
        disk.end()


@pytest.mark.timeout(120)
def test_persister_that_was_away_replays_from_its_checkpoint(cluster):
    made = started(cluster)
    acknowledged = place(made, 1000)
    stored(made, max(acknowledged))
    assert made["persister-1"].stop() == 0
    acknowledged.update(place(made, 20000, seed=2))
    made["persister-1"].start()
    until(lambda: answers(made["persister-1"]), 20)
    check(made, acknowledged)
    assert values(made)["stipple_persister_replays_total"] >= 2


def restart_with_empty_redis(made):
    for name in ("broker-1", "redis"):
        assert made[name].stop() == 0
    shutil.rmtree(os.path.join(made.folder, "redis"))
    os.mkdir(os.path.join(made.folder, "redis"))
    made.start("redis", "broker-1", "persister-1")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("damage", ["none", "newest", "all"])
def test_lost_redis_is_restored(cluster, damage):
    """By the newest snapshot; by an older one where its digest does not fit;
    by the journal alone where none does."""
    made = started(cluster, snapshot_ms=700)
    acknowledged = place(made, 4000)
    stored(made, max(acknowledged))
    until(lambda: values(made)["stipple_persister_snapshot_seq"] ==
          max(acknowledged), 10)
    assert made["persister-1"].stop() == 0
    where = {"none": "seq < 0",
             "newest": "seq = (SELECT max(seq) FROM snapshots)",
             "all": "seq > 0"}[damage]
    spoil(made, f"UPDATE snapshots SET digest = digest + 1 WHERE {where}")
    before = board(made.folder, BROKER)
    restart_with_empty_redis(made)
    after = until(lambda: board(made.folder, BROKER, 1), 60, "restored")
    assert after == before
    more = place(made, 500, seed=9)
    assert min(more) == max(acknowledged) + 1
    stored(made, max(more))
    check_whole(export(made.bin, made.folder), {**acknowledged, **more})
    log = made["persister-1"].log()
    assert ("snapshot_unsound" in log) == (damage != "none")


@pytest.mark.timeout(120)
def test_verify_finds_what_is_wrong(cluster):
    made = started(cluster, snapshot_ms=500, flush_ms=20)
    acknowledged = place(made, 6000)
    stored(made, max(acknowledged))
    until(lambda: values(made)["stipple_persister_snapshot_seq"] ==
          max(acknowledged), 10)
    assert made["persister-1"].stop() == 0
    path = os.path.join(made.folder, "history.db")
    for name, statement, finding in [
            ("row lost", "DELETE FROM placements WHERE seq = 77",
             "rows_missing"),
            ("row changed", "UPDATE placements SET color = (color + 1) % 16 "
             "WHERE seq = 1234", "rows_wrong"),
            ("snapshot damaged", "UPDATE snapshots SET digest = digest + 1 "
             "WHERE seq = (SELECT max(seq) FROM snapshots)",
             "snapshots_unsound"),
            # Far enough back that the board there was surely another: one
            # placement in sixteen leaves its pixel as it was.
            ("snapshot moved", "UPDATE snapshots SET seq = seq - 100 "
             "WHERE seq = (SELECT max(seq) FROM snapshots)",
             "snapshots_wrong"),
            ("blob lost", "DELETE FROM journal WHERE first = (SELECT first "
             "FROM journal ORDER BY first LIMIT 1 OFFSET 1)", "gaps"),
            ("blob damaged", "UPDATE journal SET blob = zeroblob(50) "
             "WHERE first = 1", "gaps"),
            ("look-ups turned back", "UPDATE pixels SET seq = 1",
             "look_ups_wrong")]:
        shutil.copy(path, path + ".whole")
        spoil(made, statement)
        found = verify(made)
        assert not found["ok"] and found[finding] > 0, (name, found)
        spoil(made, "PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.move(path + ".whole", path)
    found = verify(made)
    assert found["ok"] and found["live"] == "equal", found
    assert found["snapshots"] >= 2
    assert verify(made, brokers="ipc://run/nobody")["live"] == "unreachable"


def history(made):
    return os.path.join(made.folder, "history.db")


def put_back(made, path):
    """The store as it was: None for empty."""
    made["persister-1"].stop()
    for end in ("", "-wal", "-shm"):
        if os.path.exists(history(made) + end):
            os.unlink(history(made) + end)
    if path:
        shutil.copy(path, history(made))
    made["persister-1"].start()


def hole(made):
    found = answers(made["persister-1"]) or {}
    return tuple(int(found.get(f"stipple_persister_hole_{end}_seq", 0))
                 for end in ("first", "last"))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("left", ["nothing", "an old copy"])
def test_store_that_forgot_says_what_is_lost(cluster, left):
    """What Redis has trimmed and the store no longer has is lost: told once, and
    nothing is written behind it, until the whole store is back."""
    made = started(cluster, broker={"log_limit": 1000})
    old, whole = history(made) + ".old", history(made) + ".whole"
    acknowledged = place(made, 2000)
    check(made, acknowledged)
    made["persister-1"].stop()
    shutil.copy(history(made), old)
    made["persister-1"].start()
    kept = max(acknowledged) if left == "an old copy" else 0
    acknowledged |= place(made, 3000, seed=2)
    stored(made, max(acknowledged))
    until(lambda: made["broker-1"].metrics()["stipple_broker_log_records"] <
          1500, 20, "the log is trimmed")
    made["persister-1"].stop()
    shutil.copy(history(made), whole)

    put_back(made, old if kept else None)
    acknowledged |= place(made, 500, seed=3)
    until(lambda: hole(made)[1], 20, "the hole is told")
    first, last = hole(made)
    assert first == kept + 1 and last < max(acknowledged)
    time.sleep(2.5)
    assert hole(made)[0] == first
    log = made["persister-1"].log()
    assert log.count("event=history_hole") == 1
    assert f"first={first} last={last}" in log
    assert values(made)["stipple_persister_checkpoint"] == kept
    assert values(made)["stipple_persister_replays_total"] < 20
    found = verify(made)
    assert not found["ok"] and found["live"] == "behind", found

    put_back(made, whole)
    check(made, acknowledged)
    assert hole(made) == (0, 0)


@pytest.mark.timeout(120)
def test_store_emptied_under_its_persister_is_filled_from_the_log(cluster):
    """While the log still has all: nothing is lost, and nothing is skipped."""
    made = started(cluster, snapshot_ms=500)
    acknowledged = place(made, 200)
    stored(made, max(acknowledged))
    for end in ("", "-wal", "-shm"):
        os.unlink(history(made) + end)
    acknowledged |= place(made, 200, seed=2)
    until(lambda: "deleted or replaced" in made["persister-1"].log(), 20)
    check(made, acknowledged)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("words", [("--verify",), ("--export", "csv")])
def test_reading_makes_no_store_and_names_an_empty_one(cluster, words):
    made = cluster(brokers=0, persisters=0, edges=0)
    path = os.path.join(made.folder, "mistyped.db")
    answer = operate(made, *words, store="sqlite:mistyped.db")
    assert answer.returncode == 1
    assert "mistyped.db: No such file or directory" in answer.stderr
    assert not os.path.exists(path)
    operate(made, "--create-tables", store="sqlite:mistyped.db")
    answer = operate(made, *words, store="sqlite:mistyped.db")
    assert answer.returncode == 0
    assert "the store is empty" in answer.stderr
    if words == ("--verify",):
        assert json.loads(answer.stdout)["empty"]


@pytest.mark.timeout(120)
def test_exports_read_as_promised(cluster):
    made = started(cluster)
    acknowledged = place(made, 500)
    stored(made, max(acknowledged))
    until(lambda: values(made)["stipple_persister_snapshot_age_ms"], 10)
    rows = operate(made, "--export", "csv").stdout.splitlines()
    assert rows[0] == "seq,placed_at,user,x,y,color"
    answer = operate(made, "--export", "reddit")
    assert answer.returncode == 0, answer
    reddit = list(csv.DictReader(answer.stdout.splitlines()))
    assert len(reddit) == len(rows) - 1 >= 500
    assert list(reddit[0]) == ["timestamp", "user_id", "pixel_color",
                               "coordinate"]
    for seq, row in enumerate(reddit, 1):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC",
                            row["timestamp"])
        assert re.fullmatch(r"#[0-9A-F]{6}", row["pixel_color"])
        placed = acknowledged[seq]
        assert row["coordinate"] == f"{placed.x},{placed.y}"
        assert row["user_id"] == placed.user
