# SPDX-License-Identifier: Apache-2.0
"""What operators look up: by stipplectl over the bus, out of the store, while
players place and look up too."""

import json
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.client import Client
from support.cluster import key_file
from support.tokens import user_of
from support.wait import until


def join(made, sub, edge=0):
    return Client(made.apis[edge], "binary", token=made.signer.token(sub))


def stored(made, seq):
    """The store holds everything up to seq."""
    until(lambda: made.ctl("status")["persisted"] >= seq, 60, "the store")


@pytest.fixture(scope="module")
def pair(module_cluster):
    """Two brokers, two edges, some placements of three players, in the store."""
    made = module_cluster(brokers=2, edges=2).start().ready()
    made.placed = []
    for sub, colour, count in (("ann", 1, 30), ("bob", 2, 20), ("eve", 3, 25)):
        client = join(made, sub)
        for i in range(count):
            verdict = client.place(i % 10, i // 10, colour)
            assert verdict["status"] == "ok"
            made.placed.append((verdict["seq"], user_of(sub), i % 10, i // 10,
                                colour))
    stored(made, made.placed[-1][0])
    return made


def rows(answer):
    return [(p["seq"], p["user"], p["x"], p["y"], p["color"])
            for p in answer["placements"]]


def expected(made, fits):
    return [p for p in reversed(made.placed) if fits(p)]


def test_who_placed_on_a_pixel(pair):
    assert rows(pair.ctl("who", "3", "1")) == \
        expected(pair, lambda p: p[2:4] == (3, 1))
    assert rows(pair.ctl("who", "99", "99")) == []


def test_what_a_user_placed(pair):
    ann = user_of("ann")
    assert rows(pair.ctl("user", ann)) == expected(pair, lambda p: p[1] == ann)
    assert rows(pair.ctl("user", "12" * 8)) == []


@pytest.mark.parametrize("words, fits", [
    ([], lambda p: True),
    (["--user", user_of("bob")], lambda p: p[1] == user_of("bob")),
    (["--box", "2,0,4,1"], lambda p: 2 <= p[2] <= 4 and p[3] <= 1),
    (["--color", "3"], lambda p: p[4] == 3),
    (["--user", user_of("eve"), "--box", "0,2,9,2", "--color", "3"],
     lambda p: p[1] == user_of("eve") and p[3] == 2),
    (["--since", "-1h", "--until", "1h"], lambda p: True),
    (["--until", "1970-01-02T00:00:00Z"], lambda p: False),
    (["--since", "1h"], lambda p: False),
])
def test_search_finds_what_fits(pair, words, fits):
    assert rows(pair.ctl("search", "--limit", "1000", *words)) == \
        expected(pair, fits)


def test_pages_follow_each_other(pair):
    found, before = [], []
    for _ in range(20):
        page = pair.ctl("search", "--limit", "9", "--box", "0,0,9,9", *before)
        found += rows(page)
        assert len(page["placements"]) <= 9
        if "next" not in page:
            break
        before = ["--before", str(page["next"] + 1)]
    assert found == expected(pair, lambda p: True)


def test_a_table_for_people(pair):
    answer = subprocess.run(
        [f"{pair.bin}/stipplectl", "--brokers", ",".join(pair.broker_ends),
         "--key-file", key_file("operator"), "search", "--limit", "2"],
        cwd=pair.folder, capture_output=True, text=True, timeout=30)
    assert answer.returncode == 0, answer
    lines = answer.stdout.splitlines()
    assert lines[0].split() == ["seq", "at", "user", "x", "y", "colour"]
    seq, _, user, x, y, colour = lines[1].split()
    assert (int(seq), user, int(x), int(y), int(colour)) == pair.placed[-1]
    assert lines[3] == f"there may be more: --before {pair.placed[-2][0]}"


@pytest.mark.parametrize("words, says", [
    (["user", "nobody"], "16 hex digits"),
    (["search", "--user", "nobody"], "16 hex digits"),
    (["search", "--box", "0,0,100,1"], "not on the board"),
    (["search", "--box", "5,0,4,1"], "upper left"),
    (["search", "--color", "16"], "no such colour"),
    (["search", "--since", "-1h", "--until", "-2h"], "from is after until"),
    (["who", "100", "0"], "not on the board"),
])
def test_what_makes_no_sense_is_refused_in_words(pair, words, says):
    answer = pair.ctl(*words, check=False)
    assert answer.returncode == 1
    assert says in json.loads(answer.stdout)["error"]


@pytest.mark.parametrize("words", [
    ["who", "1"], ["search", "x"], ["search", "--box", "1,2,3"],
    ["search", "--since", "soon"], ["search", "--limit", "0"],
    ["search", "--limit", "1001"], ["search", "--color", "red"],
    ["who", "-1", "3"]])
def test_wrong_words_end_with_2(pair, words):
    assert pair.ctl(*words, check=False).returncode == 2


@pytest.mark.timeout(240)
def test_look_ups_go_on_while_somebody_places_and_a_broker_dies(cluster):
    """Every page is right while placements come; the next leader answers too;
    players' look-ups wait for none of it."""
    made = cluster(brokers=2, edges=1).start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    ended, alone = threading.Event(), threading.Event()
    placed, took = [], []

    def place():
        client = join(made, "ann")
        i = 0
        while not ended.is_set():
            verdict = client.place(i % 100, i // 100 % 100, i % 16)
            if verdict["status"] == "ok":
                placed.append(verdict["seq"])
            i += 1

    def look():
        while not alone.is_set():
            start = time.monotonic()
            made.api.pixel(1, 1)
            took.append(time.monotonic() - start)

    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(place), pool.submit(look)]
        try:
            until(lambda: len(placed) > 200, 60, "placements")
            for _ in range(10):
                newest = rows(made.ctl("user", user_of("ann"), "--limit", "100"))
                seqs = [row[0] for row in newest]
                assert seqs == sorted(seqs, reverse=True)
                assert len(set(seqs)) == len(seqs)
                assert len(rows(made.ctl("search", "--limit", "1000"))) > 100
            made["broker-1"].kill()

            def again():
                answer = made.ctl("search", check=False)
                return not answer.returncode and \
                    rows(json.loads(answer.stdout))
            until(again, 60, "the next leader's answer")
            alone.set()
            tasks[1].result(30)
            made["persister-1"].kill()
            refused = until(lambda: made.ctl("search", check=False).returncode,
                            60, "no persister")
            assert refused == 1
            assert "persister" in json.loads(
                made.ctl("search", check=False).stdout)["error"]
            made["persister-1"].start()
            until(again, 60, "an answer of the persister that came back")
        finally:
            alone.set()
            ended.set()
        for task in tasks:
            task.result(30)
    assert len(took) > 50 and sorted(took)[len(took) // 2] < 0.5
    stored(made, placed[-1])
    every = []
    before = []
    while True:
        page = made.ctl("user", user_of("ann"), "--limit", "1000", *before)
        every += [row[0] for row in rows(page)]
        if "next" not in page:
            break
        before = ["--before", str(page["next"] + 1)]
    assert set(placed) <= set(every)
