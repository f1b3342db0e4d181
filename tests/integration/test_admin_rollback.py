# SPDX-License-Identifier: Apache-2.0
"""Rollbacks over HTTP and by stipplectl --url: shown first, done once by key,
undone, refused for who may not; and a place to ask where it takes long."""

import contextlib
import json
import os
import sqlite3
import subprocess

import pytest
import zmq

from support import bus_peers
from support.admin import RANKS, Admin
from support.client import Client
from support.cluster import ENVIRONMENT
from support.tokens import user_of
from support.wait import until


def paint(made, sub, pixels, colour):
    client = Client(made.api, "binary", token=made.signer.token(sub))
    for x, y in pixels:
        verdict = client.place(x, y, colour)
        assert verdict["status"] == "ok"
    return verdict["seq"]


def colours(made, pixels, seq=None):
    board = made.api.board_at(seq or made.ctl("status")["seq"])
    return {board.at(x, y) for x, y in pixels}


def row(y, count=20):
    return [(x, y) for x in range(count)]


def stored(made, seq):
    until(lambda: made.ctl("status")["persisted"] >= seq, 60, "the store")


@pytest.fixture(scope="module")
def pair(module_cluster):
    made = module_cluster(brokers=2, edges=2).start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    return made


def audit(made, sub, verb):
    """That person's rows of a verb, newest first; they are in the store."""
    stored(made, made.ctl("status")["seq"])
    return [row for row in made.ctl("audit", "--by", sub)["actions"]
            if row["verb"] == verb]


def test_it_is_shown_first_then_done_then_undone(pair):
    alice = Admin(pair, "moderator", "alice")
    there = Admin(pair, "moderator", "alice", edge=1)
    eve = user_of("eve")
    paint(pair, "ann", row(0), 1)
    paint(pair, "eve", row(0), 2)
    last = paint(pair, "bob", row(0, 5), 3)
    shown = alice.do("POST", "rollbacks", {"user": eve})
    assert shown == {"verb": "rollback", "pixels": 15, "placements": 20,
                     "spared": 5, "dry_run": True}
    assert pair.ctl("status")["seq"] == last
    body = {"user": eve, "yes": True, "reason": "a bot"}
    done = alice.do("POST", "rollbacks", body, key=11)
    seq = done.pop("seq")
    assert done == {"verb": "rollback", "pixels": 15, "placements": 20,
                    "spared": 5}
    after = pair.ctl("status")["seq"]
    assert colours(pair, row(0)[5:], after) == {1}
    assert colours(pair, row(0, 5), after) == {3}
    # The same key is the same action, at any edge, and changes nothing more.
    for who in (alice, there):
        assert who.do("POST", "rollbacks", body, key=11) == {
            **done, "seq": seq}
    assert pair.ctl("status")["seq"] == after
    assert there.do("GET", "jobs/11") == {
        "verb": "rollback", "state": "done", "key": 11, **done, "seq": seq}
    held = there.do("GET", "rollbacks")["rollbacks"]
    assert [(r["seq"], r["user"], r["open"]) for r in held
            if r["seq"] == seq] == [(seq, eve, False)]
    # Its undoing, likewise.
    back = f"rollbacks/{seq}"
    assert alice.do("DELETE", back)["dry_run"] is True
    assert pair.ctl("status")["seq"] == after
    undone = alice.do("DELETE", back + "?yes=true&reason=it%20was%20not",
                      key=12)
    assert undone["verb"] == "restore" and undone["pixels"] == 15
    assert colours(pair, row(0)[5:]) == {2}
    assert there.do("DELETE", back + "?yes=true", key=12) == undone
    assert alice.code("DELETE", back) == "bad_request"
    assert audit(pair, "alice", "rollback")[0]["text"] == "a bot"
    assert audit(pair, "alice", "restore")[0]["text"] == "it was not"


@pytest.mark.parametrize("role", [None, *RANKS])
def test_who_may(pair, role):
    """Looking, doing and undoing; what is refused is not done."""
    who = Admin(pair, role, f"tries-{role}")
    boss = Admin(pair, "owner")
    may = role in RANKS[2:]
    expected = "200" if may else "role_too_low"
    sub, y = f"victim-{role}", 20 + len(str(role))
    seq = paint(pair, sub, row(y, 3), 5)
    body = {"user": user_of(sub), "yes": True}
    assert who.code("POST", "rollbacks", {"user": user_of(sub)}) == expected
    assert who.code("GET", "rollbacks") == expected
    assert who.code("GET", "jobs/1") == ("not_found" if may else expected)
    assert who.code("DELETE", "rollbacks/1") == \
        ("bad_request" if may else expected)
    assert pair.ctl("status")["seq"] == seq
    assert who.code("POST", "rollbacks", body) == expected
    done = pair.ctl("status")["seq"]
    assert colours(pair, row(y, 3), done) == ({0} if may else {5})
    if not may:
        boss.do("POST", "rollbacks", body)
    mine = boss.do("GET", "rollbacks")["rollbacks"][-1]
    assert mine["user"] == user_of(sub)
    assert who.code("DELETE", f"rollbacks/{mine['seq']}?yes=true") == expected
    assert colours(pair, row(y, 3)) == ({5} if may else {0})


@pytest.mark.parametrize("method, path, body, says", [
    ("POST", "rollbacks", None, "name a user, a box or a time"),
    ("POST", "rollbacks", {}, "name a user, a box or a time"),
    ("POST", "rollbacks", {"user": "nobody"}, "16 hex digits"),
    ("POST", "rollbacks", {"user": "12" * 8}, "no placement fits"),
    ("POST", "rollbacks", {"box": [0, 0, 100, 1]}, "not on the board"),
    ("POST", "rollbacks", {"box": [5, 0, 4, 1]}, "upper left"),
    ("POST", "rollbacks", {"box": "0,0,1,1"}, "box is"),
    ("POST", "rollbacks", {"from": "2h"}, "milliseconds"),
    ("POST", "rollbacks", {"from": 5, "until": 4}, "from is after until"),
    ("POST", "rollbacks", {"until": 4}, "no placement fits"),
    ("POST", "rollbacks", {"from": 5, "yes": "no"}, "true or false"),
    ("POST", "rollbacks", {"from": 5, "preview": 1}, "true or false"),
    ("POST", "rollbacks", {"from": 5, "reason": 7}, "string"),
    ("POST", "rollbacks", [], "JSON object"),
    ("DELETE", "rollbacks/0", None, "seq of a rollback"),
    ("DELETE", "rollbacks/-1", None, "seq of a rollback"),
    ("DELETE", "rollbacks/1", None, "no rollback that holds"),
    ("DELETE", "rollbacks/99999999999999999999", None, "no rollback"),
    ("DELETE", "rollbacks/x", None, "number"),
    ("DELETE", "rollbacks/1?yes=perhaps", None, "true or false"),
    ("GET", "jobs/0", None, "a job is a number"),
    ("GET", "jobs/4294967296", None, "a job is a number"),
    ("GET", "jobs/x", None, "number"),
])
def test_what_makes_no_sense_changes_nothing(pair, method, path, body, says):
    owner = Admin(pair, "owner")
    before = pair.ctl("status")["seq"]
    answer = owner.ask(method, path, body)
    problem = json.loads(answer.body)
    assert answer.status == 400 and problem["code"] == "bad_request"
    assert says in problem["detail"]
    assert pair.ctl("status")["seq"] == before


def test_a_job_is_its_own_operators(pair):
    seq = paint(pair, "hers", row(40, 2), 5)
    one, other = (Admin(pair, "moderator", sub) for sub in ("m1", "m2"))
    one.do("POST", "rollbacks", {"user": user_of("hers"), "yes": True}, key=4)
    assert one.do("GET", "jobs/4")["seq"] > seq
    answer = other.ask("GET", "jobs/4")
    assert answer.status == 404
    assert json.loads(answer.body)["code"] == "not_found"
    # Any action has a job, as far as its key is known.
    notice = one.do("POST", "notice", {"text": "x"}, key=5)
    assert one.do("GET", "jobs/5") == {
        "verb": "action", "state": "done", "key": 5, "seq": notice["seq"]}


# ---- where it takes long ------------------------------------------------------


@contextlib.contextmanager
def a_busy_store(made):
    """Nothing is written to it meanwhile."""
    with contextlib.closing(sqlite3.connect(
            os.path.join(made.folder, "history.db"), timeout=60,
            isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("ROLLBACK")


def accepted(who, body, key):
    """Asks until it is a 202: a leader may be new."""
    def asked():
        answer = who.ask("POST", "rollbacks", body, key=key, timeout=30)
        assert answer.status in (202, 503), answer
        return answer.status == 202 and answer
    return until(asked, 60, "a 202")


@pytest.mark.timeout(240)
def test_what_takes_long_is_a_202_with_a_place_to_ask(pair):
    alice = Admin(pair, "moderator", "slow")
    there = Admin(pair, "moderator", "slow", edge=1)
    eve = user_of("late")
    body = {"user": eve, "yes": True}
    with a_busy_store(pair):
        paint(pair, "late", row(50), 6)
        answer = accepted(alice, body, 21)
        waits = {"verb": "rollback", "state": "waiting", "key": 21}
        assert json.loads(answer.body) == waits
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["location"] == "/api/v1/admin/jobs/21"
        assert there.do("GET", "jobs/21") == waits
        # Somebody else's has to wait, and nothing has changed.
        other = Admin(pair, "moderator", "other").ask(
            "POST", "rollbacks", {"user": eve}, timeout=30)
        assert other.status == 503 and b"another rollback" in other.body
        assert colours(pair, row(50)) == {6}
    done = until(lambda: (job := there.do("GET", "jobs/21"))["state"] == "done"
                 and job, 60, "its end")
    assert done["pixels"] == 20
    assert colours(pair, row(50)) == {0}
    assert alice.do("POST", "rollbacks", body, key=21)["seq"] == done["seq"]


def ctl(made, role, *words, edge=0):
    """stipplectl --url, on its way."""
    path = os.path.join(made.folder, f"token-{role}")
    with open(path, "w") as file:
        print(made.signer.token(f"ctl-{role}", roles=[role]), file=file)
    return subprocess.Popen(
        [os.path.join(made.bin, "stipplectl"), "--url",
         f"http://127.0.0.1:{made.apis[edge].port}", "--token-file", path,
         *words], cwd=made.folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, **ENVIRONMENT})


def ended(running, status=0):
    said, error = running.communicate(timeout=120)
    assert running.returncode == status, (said, error)
    return said + error


@pytest.mark.timeout(240)
def test_stipplectl_waits_for_the_end(pair):
    with a_busy_store(pair):
        paint(pair, "later", row(60), 7)
        running = ctl(pair, "moderator", "--json", "rollback", "--user",
                      user_of("later"), "--yes", "--key", "31")
        job = Admin(pair, "moderator", "ctl-moderator")
        until(lambda: job.code("GET", "jobs/31") == "200", 60, "the job")
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=7)  # longer than an edge lets wait
    done = json.loads(ended(running))
    assert set(done) == {"ok", "verb", "pixels", "placements", "spared", "seq"}
    assert done["pixels"] == 20 and colours(pair, row(60)) == {0}


def over_the_bus(made, *words):
    answer = made.stipplectl(*words, timeout=120)
    return answer.returncode, answer.stdout + answer.stderr


def test_stipplectl_says_the_same_as_over_the_bus(pair):
    paint(pair, "both", row(70), 8)
    words = ["rollback", "--user", user_of("both")]
    for more in ([], ["--json"]):
        there = ended(ctl(pair, "moderator", *words, *more))
        assert over_the_bus(pair, *words, *more) == (0, there)
    done = ended(ctl(pair, "moderator", *words, "--yes"))
    assert "20 placements do not count any more: 20 pixels changed" in done
    seq = done.split()[-1]
    for more in ([], ["--json"]):
        there = ended(ctl(pair, "moderator", "rollbacks", *more, edge=1))
        assert over_the_bus(pair, "rollbacks", *more) == (0, there)
        assert seq in there
        there = ended(ctl(pair, "moderator", "rollback", "--undo", seq, *more))
        assert over_the_bus(pair, "rollback", "--undo", seq, *more) == \
            (0, there)
        there = ended(ctl(pair, "moderator", *words, *more), 1)
        assert "no placement fits" in there
        assert over_the_bus(pair, *words, *more) == (1, there)
    undone = ended(ctl(pair, "moderator", "rollback", "--undo", seq, "--yes"))
    assert "20 placements do count again: 20 pixels changed" in undone
    assert "role_too_low" in ended(ctl(pair, "player", *words), 1)


@pytest.mark.timeout(400)
def test_a_fail_over_meanwhile_is_waited_for(cluster):
    """The next leader knows nothing of what was not begun: asked again, it is
    done, and once."""
    made = cluster(brokers=2, edges=2).start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    job = Admin(made, "operator", "ctl-operator")
    with a_busy_store(made):
        paint(made, "gone", row(5), 9)
        running = ctl(made, "operator", "--json", "rollback", "--user",
                      user_of("gone"), "--yes", "--key", "41", edge=1)
        until(lambda: job.code("GET", "jobs/41") == "200", 60, "the job")
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=7)
        roles = [row["role"] for row in made.ctl("status")["brokers"]]
        made[f"broker-{1 + roles.index('leader')}"].kill()
        until(lambda: job.code("GET", "jobs/41") != "not_found", 90,
              "the next leader was asked")
    done = json.loads(ended(running))
    assert done["ok"] and colours(made, row(5)) == {0}
    assert [r["seq"] for r in made.ctl("rollbacks")["rollbacks"]] == \
        [done["seq"]]


# ---- too large for a role ------------------------------------------------------

WIDE, HIGH = 150, 100


@pytest.mark.timeout(240)
def test_too_large_for_a_role_is_refused_and_written_down(cluster):
    made = cluster(size=f"{WIDE}x{HIGH}").start().ready()
    context = zmq.Context()
    edge = bus_peers.Edge(context, made.folder, made.broker_ends[0])
    pixels = [(x, y) for y in range(HIGH) for x in range(WIDE)]
    for at in range(0, len(pixels), 3000):
        part = pixels[at:at + 3000]
        answers = edge.place(*((77, at + i + 1, x, y, 2)
                               for i, (x, y) in enumerate(part)), timeout=30)
        assert all(status == 0 for status, *_ in answers)
    edge.close()
    context.destroy(linger=0)
    villain = f"{77:016x}"
    stored(made, made.ctl("status")["seq"])
    before = made.ctl("status")["seq"]
    eager = Admin(made, "moderator", "eager")
    answer = eager.ask("POST", "rollbacks", {"user": villain, "yes": True},
                       key=3, timeout=60)
    assert answer.status == 403
    problem = json.loads(answer.body)
    assert problem["code"] == "role_too_low"
    assert "10000 pixels" in problem["detail"]
    rows = audit(made, "eager", "refused")
    assert [(r["refused"], r["user"], r["text"], r["role"]) for r in rows] == [
        ("rollback", villain, "rollback of 15000 pixels", "moderator")]
    assert rows[0]["seq"] > before
    assert colours(made, pixels) == {2}
    # Half of it they may, and an operator all the rest.
    done = eager.do("POST", "rollbacks", {
        "user": villain, "box": [0, 0, WIDE - 1, 49], "yes": True}, timeout=60)
    assert done["pixels"] == 50 * WIDE
    done = Admin(made, "operator").do(
        "POST", "rollbacks", {"user": villain, "yes": True}, timeout=60)
    assert done["pixels"] == 50 * WIDE and colours(made, pixels) == {0}


# ---- what was set ----------------------------------------------------------------


def test_what_was_set_stands_in_the_audit_and_is_set_once(pair):
    boss = Admin(pair, "operator", "setter")
    there = Admin(pair, "operator", "setter", edge=1)
    old = pair.ctl("status")["canvas"]["tick_ms"]
    body = {"name": "tick_ms", "value": str(old + 7)}
    done = boss.do("POST", "settings", body, key=51)
    assert done["verb"] == "set" and done["canvas"]["tick_ms"] == old + 7
    back = boss.do("POST", "settings", {"name": "tick_ms", "value": str(old)},
                   key=52)
    assert back["canvas"]["tick_ms"] == old
    # What comes late changes nothing any more.
    again = there.do("POST", "settings", body, key=51)
    assert again["seq"] == done["seq"] and again["canvas"]["tick_ms"] == old
    assert pair.ctl("status")["canvas"]["tick_ms"] == old
    assert [(r["seq"], r["text"], r["role"])
            for r in audit(pair, "setter", "set")] == [
        (back["seq"], f"tick_ms: {old + 7} -> {old}", "operator"),
        (done["seq"], f"tick_ms: {old} -> {old + 7}", "operator")]
    pair.ctl("set", "tick_ms", str(old), "--as", "by-the-bus")
    assert audit(pair, "by-the-bus", "set")[0]["text"] == \
        f"tick_ms: {old} -> {old}"
    assert Admin(pair, "moderator", "eager").code(
        "POST", "settings", body) == "role_too_low"
    assert audit(pair, "eager", "refused")[0]["refused"] == "set"
