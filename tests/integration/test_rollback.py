# SPDX-License-Identifier: Apache-2.0
"""Rollbacks on a real cluster: what was below comes back, what others placed
since stays, and it is one action of the history for everybody who reads it."""

import csv
import json
import os
import select
import subprocess
import threading
import time

import pytest
import zmq

from support import bus_peers
from support.client import Client
from support.cluster import ENVIRONMENT
from support.tokens import user_of
from support.wait import until


def join(made, sub, edge=0):
    return Client(made.apis[edge], "binary", token=made.signer.token(sub))


def paint(client, pixels, colour):
    """Returns the last one's seq."""
    for x, y in pixels:
        verdict = client.place(x, y, colour)
        assert verdict["status"] == "ok"
    return verdict["seq"]


def persister(made, *words):
    answer = subprocess.run(
        [os.path.join(made.bin, "stipple-persister"), "--store",
         "sqlite:history.db", *words], cwd=made.folder, capture_output=True,
        text=True, timeout=120, env={**os.environ, **ENVIRONMENT})
    assert answer.returncode == 0, answer
    return answer.stdout


def verified(made, seq):
    """The store holds all of it and proves it against the live board."""
    until(lambda: made.ctl("status")["persisted"] >= seq, 60, "the store")
    found = json.loads(persister(
        made, "--verify", "--brokers", ",".join(made.broker_ends)))
    assert found["ok"] and found["live"] == "equal", found
    return found


def colours(made, pixels, seq):
    board = made.api.board_at(seq)
    return [board.at(x, y) for x, y in pixels]


@pytest.fixture(scope="module")
def pair(module_cluster):
    made = module_cluster(brokers=2, edges=2).start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    return made


BOX = [(x, y) for y in range(10) for x in range(10)]


def test_what_was_below_comes_back_and_newer_pixels_stay(pair):
    ann, eve, bob = (join(pair, sub) for sub in ("ann", "eve", "bob"))
    watcher = Client(pair.apis[1])
    paint(ann, BOX, 1)
    paint(eve, BOX[:50], 2)
    seq = paint(bob, BOX[:10], 3)
    shown = [3] * 10 + [2] * 40 + [1] * 50
    assert colours(pair, BOX, seq) == shown
    dry = pair.ctl("rollback", "--user", user_of("eve"))
    assert dry["dry_run"] and "seq" not in dry
    assert (dry["pixels"], dry["placements"], dry["spared"]) == (40, 50, 10)
    assert colours(pair, BOX, seq) == shown
    done = pair.ctl("rollback", "--user", user_of("eve"), "--yes", "--reason",
                    "a bot", "--as", "alice", "--key", "5")
    assert (done["pixels"], done["placements"], done["spared"]) == (40, 50, 10)
    last = pair.ctl("status")["seq"]
    assert colours(pair, BOX, last) == [3] * 10 + [1] * 90
    watcher.reach(last)
    watcher.prove()
    # The same key again is the same action.
    assert pair.ctl("rollback", "--user", user_of("eve"), "--yes", "--as",
                    "alice", "--key", "5")["seq"] == done["seq"]
    assert pair.ctl("status")["seq"] == last
    verified(pair, last)
    # Its undoing brings them back, but where somebody placed since.
    paint(ann, BOX[20:25], 7)
    undone = pair.ctl("rollback", "--undo", str(done["seq"]), "--yes")
    assert undone["pixels"] == 35 and undone["spared"] == 15
    last = pair.ctl("status")["seq"]
    assert colours(pair, BOX, last) == \
        [3] * 10 + [2] * 10 + [7] * 5 + [2] * 25 + [1] * 50
    verified(pair, last)
    again = pair.ctl("rollback", "--undo", str(done["seq"]), check=False)
    assert again.returncode == 1
    assert "no rollback that holds" in json.loads(again.stdout)["error"]


def test_two_rollbacks_know_of_each_other(pair):
    """Below what the second takes back lies what the first has taken back."""
    pixel = [(50, 50)]
    for sub, colour in (("one", 4), ("two", 5), ("three", 6)):
        paint(join(pair, sub), pixel, colour)
    first = pair.ctl("rollback", "--user", user_of("two"))
    assert first["dry_run"] is True if "dry_run" in first else \
        first["pixels"] == 0 and first["spared"] == 1
    second = pair.ctl("rollback", "--user", user_of("three"), "--yes")
    assert second["pixels"] == 1
    assert colours(pair, pixel, second["seq"]) == [4]
    restored = pair.ctl("rollback", "--undo", str(first["seq"]), "--yes")
    assert colours(pair, pixel, restored["seq"]) == [5]
    held = [row["seq"] for row in pair.ctl("rollbacks")["rollbacks"]]
    assert second["seq"] in held and first["seq"] not in held
    # A rollback of what is rolled back is one clear answer.
    twice = pair.ctl("rollback", "--user", user_of("three"), check=False)
    assert twice.returncode == 1
    assert "no placement fits" in json.loads(twice.stdout)["error"]
    verified(pair, pair.ctl("status")["seq"])


def test_a_box_and_a_time(pair):
    inside, outside = (60, 60), (70, 60)
    mia = join(pair, "mia")
    paint(mia, [inside, outside], 8)
    middle = int(time.time() * 1000) + 1
    until(lambda: time.time() * 1000 > middle + 1, 10, "a later moment")
    paint(mia, [inside, outside], 9)
    done = pair.ctl("rollback", "--box", "55,55,65,65", "--since", str(middle))
    assert done["pixels"] == 1  # one pixel needs no --yes
    assert colours(pair, [inside, outside], done["seq"]) == [8, 9]
    pair.ctl("rollback", "--undo", str(done["seq"]))
    done = pair.ctl("rollback", "--user", user_of("mia"), "--box",
                    "55,55,75,65", "--until", str(middle), "--yes")
    assert (done["pixels"], done["spared"]) == (0, 0) or done["pixels"] == 0
    assert colours(pair, [inside, outside], done["seq"]) == [9, 9]


@pytest.mark.parametrize("words, says", [
    ([], "name a user, a box or a time"),
    (["--user", "nobody"], "16 hex digits"),
    (["--user", "12" * 8], "no placement fits"),
    (["--box", "0,0,100,10"], "not on the board"),
    (["--box", "5,0,4,10"], "upper left"),
    (["--until", "1970-01-02T00:00:00Z"], "no placement fits"),
    (["--since", "1h"], "no placement fits"),
    (["--since", "-1h", "--until", "-2h"], "from is after until"),
    (["--undo", "1"], "no rollback that holds"),
    (["--undo", "999999999"], "no rollback that holds"),
])
def test_what_makes_no_sense_changes_nothing(pair, words, says):
    before = pair.ctl("status")["seq"]
    answer = pair.ctl("rollback", "--yes", *words, check=False)
    assert answer.returncode == 1
    assert says in json.loads(answer.stdout)["error"]
    assert pair.ctl("status")["seq"] == before


@pytest.mark.parametrize("words", [
    ["rollback", "x"], ["rollback", "--box", "1,2,3"],
    ["rollback", "--undo", "x"], ["rollback", "--undo", "7", "--user", "a"],
    ["rollback", "--since", "soon"]])
def test_wrong_words_end_with_2(pair, words):
    assert pair.ctl(*words, check=False).returncode == 2


def test_what_a_rollback_placed_is_no_players(pair):
    """No cooldown, no last placement of its operator's; the audit has it."""
    zoe = join(pair, "zoe")
    paint(zoe, [(80, 80), (81, 80)], 3)
    done = pair.ctl("rollback", "--user", user_of("zoe"), "--yes", "--as",
                    "carol", "--reason", "testing")
    until(lambda: pair.ctl("status")["persisted"] >= done["seq"], 60, "store")
    rows = pair.ctl("audit", "--by", "carol")["actions"]
    assert rows[0]["verb"] == "rollback" and rows[0]["text"] == "testing"
    assert rows[0]["user"] == user_of("zoe")
    assert rows[0]["seq"] == done["seq"]
    kept = list(csv.DictReader(
        persister(pair, "--export", "controls").splitlines()))
    assert [row["verb"] for row in kept if int(row["seq"]) == done["seq"]] == \
        ["rollback"]


def test_two_operators_at_once(pair):
    """Each is carried out whole, or refused whole and done when asked again."""
    subs = [f"crowd{i}" for i in range(6)]
    for i, sub in enumerate(subs):
        paint(join(pair, sub), [(x, 90 + i) for x in range(40)], 1 + i)
    answers = {}

    def roll(sub):
        def done():
            answer = pair.ctl("rollback", "--user", user_of(sub), "--yes",
                              check=False)
            said = json.loads(answer.stdout)
            assert said["ok"] or "another rollback" in said["error"], said
            return said["ok"] and said
        answers[sub] = until(done, 60, "a rollback")

    threads = [threading.Thread(target=roll, args=(sub,)) for sub in subs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(subs)
    assert all(answer["pixels"] == 40 for answer in answers.values())
    last = pair.ctl("status")["seq"]
    board = pair.api.board_at(last)
    assert not any(board.at(x, 90 + i) for x in range(40) for i in range(6))
    verified(pair, last)


# ---- many at once ------------------------------------------------------------

WIDE, HIGH = 500, 250
VILLAIN, ROW = 77, 4096


def leader(made):
    """Its number, from 1 on."""
    roles = [row["role"] for row in made.ctl("status")["brokers"]]
    return 1 + roles.index("leader")


def crowd(made, context):
    """All of the board by one, then by the villain; the last row by another."""
    edge = bus_peers.Edge(context, made.folder,
                          made.broker_ends[leader(made) - 1])
    pixels = [(x, y) for y in range(HIGH) for x in range(WIDE)]
    for user, colour, count in ((5, 1, len(pixels)),
                                (VILLAIN, 2, len(pixels))):
        for at in range(0, count, ROW):
            part = pixels[at:at + ROW]
            answers = edge.place(*((user, at + i + 1, x, y, colour)
                                   for i, (x, y) in enumerate(part)),
                                 timeout=30)
            assert all(status == 0 for status, *_ in answers)
    edge.place(*((6, x + 1, x, HIGH - 1, 3) for x in range(WIDE)))
    edge.close()
    return pixels


def board_rows(made, seq):
    board = made.api.board_at(seq, timeout=30)
    return [{board.at(x, y) for x in range(WIDE)} for y in range(HIGH)]


class Load(threading.Thread):
    """Places on the last row, one after another, and counts who is told ok."""

    def __init__(self, made):
        super().__init__()
        self.client = join(made, "busy")
        self.ended = threading.Event()
        self.ok, self.longest = 0, 0.0

    def run(self):
        i = 0
        while not self.ended.is_set():
            start = time.monotonic()
            verdict = self.client.place(i % WIDE, HIGH - 1, 3, timeout=60)
            self.longest = max(self.longest, time.monotonic() - start)
            self.ok += verdict["status"] == "ok"
            i += 1

    def finish(self):
        self.ended.set()
        self.join(60)


class Viewer(threading.Thread):
    """Watches, and notes when something came; reads no more than that."""

    def __init__(self, made):
        super().__init__()
        self.client = Client(made.api)
        self.client.drain(1)
        self.ended = threading.Event()
        self.came = [time.monotonic()]

    def run(self):
        while not self.ended.is_set():
            if select.select([self.client.fileno()], [], [], 0.01)[0]:
                os.read(self.client.fileno(), 1 << 20)
                self.came.append(time.monotonic())

    def finish(self):
        """The longest time in which nothing came."""
        self.ended.set()
        self.join(60)
        self.came.append(time.monotonic())
        return max(b - a for a, b in zip(self.came, self.came[1:]))


def log_sizes(made, since):
    """How many records each commit behind that seq has."""
    ids = made.redis_cli(
        "EVAL", "local ids = {} for _, entry in ipairs(redis.call('XRANGE', "
        "KEYS[1], ARGV[1], '+')) do ids[#ids + 1] = entry[1] end "
        "return table.concat(ids, ' ')", "1", "{stipple}:log", f"({since}")
    ids = [int(text.split("-")[0]) for text in ids.split()]
    return [b - a for a, b in zip([since, *ids], ids)]


@pytest.fixture(name="context")
def _context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.mark.timeout(240)
def test_a_hundred_thousand_are_taken_back_in_slices(cluster, context):
    made = cluster(brokers=2, size=f"{WIDE}x{HIGH}", variant="release",
                   fsync="everysec").start().ready()
    crowd(made, context)
    before = made.ctl("status")["seq"]
    until(lambda: made.ctl("status")["persisted"] >= before, 60, "the store")
    load, viewer, watcher = Load(made), Viewer(made), Client(made.api)
    load.start()
    until(lambda: load.ok, 30, "load")
    viewer.start()
    try:
        start = time.monotonic()
        done = made.ctl("rollback", "--user", f"{VILLAIN:016x}", "--yes")
        took = time.monotonic() - start
    finally:
        stalled = viewer.finish()
        load.finish()
    assert done["pixels"] == WIDE * (HIGH - 1)
    assert done["placements"] == WIDE * HIGH and done["spared"] == WIDE
    last = made.ctl("status")["seq"]
    assert board_rows(made, last) == [{1}] * (HIGH - 1) + [{3}]
    watcher.reach(last, 30)
    watcher.prove()
    # No commit held more than a slice: nobody waited for all of it.
    assert max(log_sizes(made, before)) < 5000
    print(f"took {took:.3f} s, a placement at most {load.longest:.3f} s, "
          f"a viewer waited {stalled:.3f} s, {len(viewer.came)} frames")
    assert len(viewer.came) > 10
    # Ten and more times what it takes: a machine may do much else.
    assert took < 20 and load.longest < 5 and stalled < 2
    assert not made.ctl("rollbacks")["rollbacks"][0]["open"]
    found = verified(made, last)
    assert found["actions"] == 2  # the action, and that it is done


@pytest.mark.timeout(400)
def test_whoever_leads_finishes_a_rollback(cluster, context):
    """The leader is killed between two slices: the next one goes on."""
    made = cluster(brokers=2, size=f"{WIDE}x{HIGH}", variant="release",
                   fsync="always").start().ready()
    crowd(made, context)
    before = made.ctl("status")["seq"]
    until(lambda: made.ctl("status")["persisted"] >= before, 60, "the store")
    leads = made[f"broker-{leader(made)}"]
    asked = subprocess.Popen(
        [os.path.join(made.bin, "stipplectl"), "--brokers",
         ",".join(made.broker_ends), "--json", "rollback", "--user",
         f"{VILLAIN:016x}", "--yes", "--as", "alice", "--key", "9"],
        cwd=made.folder, stdout=subprocess.PIPE, text=True,
        env={**os.environ, **ENVIRONMENT})

    def begun():
        return int(made.redis_cli("HGET", "{stipple}:meta", "seq")) > before
    until(begun, 60, "the first slice")
    leads.kill()
    at = int(made.redis_cli("HGET", "{stipple}:meta", "seq"))
    assert before < at < before + WIDE * (HIGH - 1), "it was done already"
    asked.terminate()
    asked.communicate()

    def finished():
        answer = made.ctl("rollbacks", check=False)
        held = not answer.returncode and json.loads(answer.stdout)["rollbacks"]
        return held and not held[0]["open"] and held[0]["seq"]
    seq = until(finished, 120, "the next leader's end of it")
    last = made.ctl("status")["seq"]
    assert board_rows(made, last) == [{1}] * (HIGH - 1) + [{3}]
    # Whoever asks again hears that it is done, and it is not done again.
    again = made.ctl("rollback", "--user", f"{VILLAIN:016x}", "--yes", "--as",
                     "alice", "--key", "9")
    assert again["seq"] == seq and made.ctl("status")["seq"] == last
    verified(made, last)
    # The same for its undoing, and with the persister gone meanwhile.
    leads.start()
    made["persister-1"].kill()
    refused = made.ctl("rollback", "--undo", str(seq), "--yes", check=False)
    assert refused.returncode == 1
    assert "persister" in json.loads(refused.stdout)["error"]
    made["persister-1"].start()
    undone = until(lambda: json.loads(made.ctl(
        "rollback", "--undo", str(seq), "--yes", check=False).stdout)
        .get("pixels"), 60, "its undoing")
    assert undone == WIDE * (HIGH - 1)
    last = made.ctl("status")["seq"]
    assert board_rows(made, last) == [{2}] * (HIGH - 1) + [{3}]
    verified(made, last)
