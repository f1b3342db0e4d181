# SPDX-License-Identifier: Apache-2.0
"""Two people for a large rollback (two_person_pixels): one asks, another approves,
over HTTP and the bus; what is small waits for nobody."""

import pytest

from support.admin import RANKS, Admin
from support.client import Client
from support.tokens import user_of
from support.wait import until

ALONE = 5  # pixels that one person may change
FIGURES = ("pixels", "placements", "spared")


@pytest.fixture(scope="module")
def pair(module_cluster):
    made = module_cluster(brokers=2, edges=2,
                          broker={"two_person_pixels": ALONE}).start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    return made


def paint(made, sub, y, count, colour=2):
    client = Client(made.api, "binary", token=made.signer.token(sub))
    for x in range(count):
        verdict = client.place(x, y, colour)
        assert verdict["status"] == "ok"
    return verdict["seq"]


def shown(made, y, count):
    board = made.api.board_at(made.ctl("status")["seq"])
    return {board.at(x, y) for x in range(count)}


def waiting(who):
    return {row["proposal"]: row
            for row in who.do("GET", "proposals")["proposals"]}


def texts(made, verb):
    seq = made.ctl("status")["seq"]
    until(lambda: made.ctl("status")["persisted"] >= seq, 60, "the store")
    return [(row["by"], row["text"]) for row in made.ctl("audit")["actions"]
            if row["verb"] == verb]


def test_one_asks_and_another_approves(pair):
    alice, bob = Admin(pair, "moderator", "alice"), \
        Admin(pair, "moderator", "bob", edge=1)
    eve = user_of("eve")
    paint(pair, "eve", 1, 8)
    seq = pair.ctl("status")["seq"]
    body = {"user": eve, "yes": True, "reason": "a bot"}
    # A dry run is no proposal.
    assert alice.do("POST", "rollbacks", {"user": eve})["dry_run"] is True
    assert not waiting(alice)
    asked = alice.do("POST", "rollbacks", body, key=21)
    number = asked["proposal"]
    assert [asked[name] for name in FIGURES] == [8, 8, 0]
    assert "seq" not in asked and asked["ends"] > 0
    assert pair.ctl("status")["seq"] == seq and shown(pair, 1, 8) == {2}
    # Asked again by its key it is the same; as a job it can be found too.
    assert alice.do("POST", "rollbacks", body, key=21)["proposal"] == number
    assert alice.do("GET", "jobs/21")["proposal"] == number
    row = waiting(bob)[number]
    assert row == {"proposal": number, "verb": "rollback",
                   "by": user_of("alice"), "role": "moderator",
                   "text": "a bot", "pixels": 8, "placements": 8,
                   "ends": row["ends"], "user": eve}
    path = f"proposals/{number}"
    assert alice.code("POST", path) == "forbidden"
    assert shown(pair, 1, 8) == {2}
    done = bob.do("POST", path, key=33)
    assert done["verb"] == "rollback"
    assert [done[name] for name in FIGURES] == [8, 8, 0]
    assert shown(pair, 1, 8) == {0} and not waiting(alice)
    # Both can ask what became of it, and again; it was done once.
    after = pair.ctl("status")["seq"]
    assert bob.do("POST", path, key=33)["seq"] == done["seq"]
    assert alice.do("POST", "rollbacks", body, key=21)["seq"] == done["seq"]
    assert alice.do("GET", "jobs/21")["seq"] == done["seq"]
    assert bob.do("GET", "jobs/21")["seq"] == done["seq"]
    assert pair.ctl("status")["seq"] == after
    assert texts(pair, "rollback")[0] == (
        user_of("alice"), f"a bot (approved by {user_of('bob')})")
    # Its undoing is as large, and needs two as well.
    back = f"rollbacks/{done['seq']}?yes=true"
    undoing = bob.do("DELETE", back)
    assert shown(pair, 1, 8) == {0}
    assert waiting(alice)[undoing["proposal"]]["undo"] == done["seq"]
    assert bob.code("POST", f"proposals/{undoing['proposal']}") == "forbidden"
    alice.do("POST", f"proposals/{undoing['proposal']}")
    assert shown(pair, 1, 8) == {2}


def test_what_one_may_do_is_done_at_once(pair):
    alice = Admin(pair, "moderator", "alice")
    paint(pair, "small", 2, ALONE)
    done = alice.do("POST", "rollbacks",
                    {"user": user_of("small"), "yes": True})
    assert done["pixels"] == ALONE and "seq" in done
    assert shown(pair, 2, ALONE) == {0}


@pytest.mark.parametrize("role", [None, *RANKS])
def test_who_may_approve(pair, role):
    who, y = Admin(pair, role, f"second-{role}"), \
        10 + [None, *RANKS].index(role)
    sub = f"victim-{role}"
    paint(pair, sub, y, 8)
    number = Admin(pair, "moderator", "alice").do(
        "POST", "rollbacks",
        {"user": user_of(sub), "yes": True})["proposal"]
    may = role in RANKS[2:]
    assert who.code("GET", "proposals") == ("200" if may else "role_too_low")
    assert who.code("POST", f"proposals/{number}") == \
        ("200" if may else "role_too_low")
    assert shown(pair, y, 8) == ({0} if may else {2})


@pytest.mark.parametrize("number, code", [
    ("0", "bad_request"), ("x", "bad_request"), ("-1", "bad_request"),
    ("4294967296", "bad_request"), ("4294967295", "not_found")])
def test_numbers_that_are_none(pair, number, code):
    assert Admin(pair, "owner").code("POST", f"proposals/{number}") == code


def test_two_undoings_of_one_are_done_once(pair):
    """The second proposal makes no sense any more when it is approved."""
    alice, bob = Admin(pair, "moderator", "alice"), \
        Admin(pair, "moderator", "bob")
    paint(pair, "twice", 30, 8)
    asked = alice.do("POST", "rollbacks",
                     {"user": user_of("twice"), "yes": True})
    done = bob.do("POST", f"proposals/{asked['proposal']}")
    numbers = [who.do("DELETE", f"rollbacks/{done['seq']}?yes=true")["proposal"]
               for who in (alice, bob)]
    carol = Admin(pair, "moderator", "carol")
    carol.do("POST", f"proposals/{numbers[0]}")
    assert carol.code("POST", f"proposals/{numbers[1]}") == "bad_request"
    assert shown(pair, 30, 8) == {2}


def test_over_the_bus_it_is_the_same(pair):
    paint(pair, "bus", 40, 8)
    words = ["rollback", "--user", user_of("bus"), "--yes", "--as", "ann"]
    asked = pair.ctl(*words, "--key", "9")
    number = str(asked["proposal"])
    assert pair.ctl("approve", number, "--as", "ann",
                    check=False).returncode == 1
    listed = pair.stipplectl("proposals", "--as", "ben").stdout
    assert number in listed and user_of("ann") in listed
    said = pair.stipplectl(*words, "--key", "9").stdout
    assert f"stipplectl approve {number}" in said, said
    done = pair.stipplectl("approve", number, "--as", "ben")
    assert done.returncode == 0 and "done, seq" in done.stdout, done
    assert shown(pair, 40, 8) == {0}
    for wrong in ("0", "-1", "7x", "", "4294967296"):
        assert pair.stipplectl("--", "approve", wrong).returncode == 2


def test_the_next_leader_asks_for_it_anew(cluster):
    made = cluster(brokers=2, broker={"two_person_pixels": ALONE})
    made.start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    paint(made, "eve", 1, 8)
    alice, bob = Admin(made, "moderator", "alice"), \
        Admin(made, "moderator", "bob")
    body = {"user": user_of("eve"), "yes": True}
    lost = alice.do("POST", "rollbacks", body, key=5)["proposal"]
    roles = [row["role"] for row in made.ctl("status")["brokers"]]
    made[f"broker-{1 + roles.index('leader')}"].kill()
    until(lambda: bob.code("POST", f"proposals/{lost}") == "not_found", 30,
          "the next leader")
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    anew = alice.do("POST", "rollbacks", body, key=5)["proposal"]
    assert bob.do("POST", f"proposals/{anew}")["pixels"] == 8
    assert shown(made, 1, 8) == {0}
