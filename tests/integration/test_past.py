# SPDX-License-Identifier: Apache-2.0
"""The past over HTTP: a pixel's history, snapshots, the diffs between them."""

import json
import random
import time

import pytest

from support.api import problem
from support.board import Board
from support.client import Client
from support.codec import decode_diff
from support.tokens import user_of
from support.wait import until

SIDE = 40
HISTORY = "/api/v1/pixels/3/4/history"


@pytest.fixture(scope="module")
def game(module_cluster):
    made = module_cluster(size=f"{SIDE}x{SIDE}",
                          persister={"snapshot_ms": 1000}).start().ready()
    placed = random.Random(7)
    made.sent = {}
    for name in ("ann", "bob", "cyd"):
        put(made, name, 3, 4, len(name) + len(made.sent))
    for _ in range(120):
        put(made, "dan", placed.randrange(SIDE), placed.randrange(SIDE),
            placed.choice([0, 3, 7]))
    stored(made)
    return made


@pytest.fixture(scope="module")
def api(game):
    return game.api


def put(game, name, x, y, color):
    answer = game.api.put(x, y, color, game.signer.token(name))
    assert answer.status == 200, answer
    game.sent[json.loads(answer.body)["seq"]] = (name, x, y, color)


def stored(game):
    """Until the store has all that was placed."""
    last = max(game.sent)
    until(lambda: game.api.get(f"/api/v1/diffs?from=0&to={last}").status == 200,
          20, "the store's own copy")


def history(api, query=""):
    answer = api.get(HISTORY + query)
    assert answer.status == 200, answer
    return json.loads(answer.body)


def board_at(game, seq):
    board = Board(SIDE, SIDE, 4)
    for at in range(1, seq + 1):
        _, x, y, color = game.sent[at]
        board.set(y * SIDE + x, color)
    return board


def assert_diff(game, start, end):
    answer = game.api.get(f"/api/v1/diffs?from={start}&to={end}")
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "application/vnd.stipple.diff"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.body[0] == 2
    board = board_at(game, start)
    diff = decode_diff(answer.body[1:], {"width": SIDE, "bits": 4})
    assert (diff["from"], diff["to"]) == (start, end)
    for x, y, color in diff["pixels"]:
        board.set(y * SIDE + x, color)
    assert board.packed() == board_at(game, end).packed()


def test_history_tells_who_when_and_what_newest_first(game, api):
    expected = [(seq, user_of(name), color)
                for seq, (name, x, y, color) in sorted(game.sent.items(),
                                                       reverse=True)
                if (x, y) == (3, 4)]
    found = history(api)["placements"]
    assert [(p["seq"], p["user"], p["color"]) for p in found] == expected
    times = [p["placed_at"] for p in found]
    assert times == sorted(times, reverse=True)


def test_history_comes_in_pages(game, api):
    everything = history(api)["placements"]
    pages, before = [], None
    while not pages or before:
        page = history(api, "?limit=1" + (f"&before={before}" if before
                                          else ""))
        assert len(page["placements"]) <= 1
        pages += page["placements"]
        before = page["before"]
    assert pages == everything


def test_new_placement_is_in_the_history_within_2_s(game, api):
    put(game, "eve", 3, 4, 9)
    newest = max(game.sent)
    until(lambda: history(api)["placements"][0]["seq"] == newest, 10)


def test_history_of_a_blank_pixel_is_empty(game, api):
    blank = next((x, y) for y in range(SIDE) for x in range(SIDE)
                 if (x, y) not in {(x, y) for _, x, y, _ in
                                   game.sent.values()})
    answer = api.get("/api/v1/pixels/%d/%d/history" % blank)
    assert json.loads(answer.body) == {"placements": [], "before": None}


def test_diffs_lead_from_any_seq_to_any_later_one(game, api):
    stored(game)
    last = max(game.sent)
    for start, end in ((0, last), (0, 1), (5, 60), (60, last), (9, 9),
                       (last, last)):
        assert_diff(game, start, end)


def test_snapshots_are_moments_that_diffs_lead_to(game, api):
    def listed():
        answer = api.get("/api/v1/snapshots")
        assert answer.status == 200, answer
        return json.loads(answer.body)["snapshots"]
    found = until(listed, 20, "a snapshot")
    seqs = [one["seq"] for one in found]
    assert seqs == sorted(seqs)
    assert all(one["taken_at"] > 1_600_000_000_000 for one in found)
    assert_diff(game, 0, seqs[0])
    assert_diff(game, seqs[0], seqs[-1])


@pytest.mark.parametrize("path, status, code", [
    (HISTORY + "?limit=0", 400, "bad_request"),
    (HISTORY + "?limit=101", 400, "bad_request"),
    (HISTORY + "?limit=99999999999999999999", 400, "bad_request"),
    (HISTORY + "?before=abc", 400, "bad_request"),
    (HISTORY + "?before=0", 422, "out_of_bounds"),
    (HISTORY + "?before=-1", 422, "out_of_bounds"),
    ("/api/v1/pixels/40/0/history", 422, "out_of_bounds"),
    ("/api/v1/pixels/-1/0/history", 422, "out_of_bounds"),
    ("/api/v1/pixels/99999999999999999999/0/history", 422, "out_of_bounds"),
    ("/api/v1/pixels/x/0/history", 400, "bad_request"),
    ("/api/v1/diffs?from=1", 400, "bad_request"),
    ("/api/v1/diffs?from=0.5&to=1", 400, "bad_request"),
    ("/api/v1/diffs?from=2&to=1", 422, "out_of_bounds"),
    ("/api/v1/diffs?from=-2&to=1", 422, "out_of_bounds"),
    ("/api/v1/diffs?from=0&to=4000000000", 422, "out_of_bounds"),
    ("/api/v1/diffs?from=0&to=99999999999999999999", 422, "out_of_bounds"),
    ("/api/v1/snapshots/1", 404, "not_found"),
])
def test_bad_questions_about_the_past(api, path, status, code):
    problem(api.get(path), status, code)


def test_seq_in_the_future_is_all_there_is(api):
    assert history(api, "?before=99999999999999999999") == history(api)


def test_the_past_is_503_without_a_persister_and_comes_back(cluster):
    made = cluster().start().ready()
    made["persister-1"].kill()
    problem(made.api.ask("GET", HISTORY, timeout=60), 503, "unavailable")
    assert made.api.put(3, 4, 1, made.signer.token()).status == 200
    made["persister-1"].start()

    def placements():
        answer = made.api.ask("GET", HISTORY, timeout=60)
        return answer.status == 200 and json.loads(answer.body)["placements"]
    until(lambda: len(placements() or []) == 1, 60)


def test_one_address_may_ask_the_store_so_often(cluster):
    made = cluster(edge={"lookups_per_address": 5, "limit_loopback": "on"}
                   ).start().ready()
    answers = [made.api.get(f"/api/v1/pixels/{x}/1/history")
               for x in range(9)]
    assert [a.status for a in answers[:5]] == [200] * 5
    assert 429 in [a.status for a in answers[5:]]
    refused = next(a for a in answers if a.status == 429)
    assert json.loads(refused.body)["retry_ms"] > 0
    assert int(refused.headers["retry-after"]) >= 1


# --- undo ---

def undo(game, name, seq, **headers):
    return game.api.ask("POST", "/api/v1/undo", json.dumps({"seq": seq}),
                        {"Authorization": "Bearer " + game.signer.token(name),
                         **headers})


def color_at(game, x, y):
    answer = game.api.get(f"/api/v1/pixels/{x}/{y}")
    return answer.status == 200 and json.loads(answer.body)["color"]


@pytest.fixture(scope="module")
def strict(module_cluster):
    return module_cluster(cooldown_ms=60000).start().ready()


def placed(game, name, x, y, color):
    answer = game.api.put(x, y, color, game.signer.token(name))
    assert answer.status == 200, answer
    return json.loads(answer.body)["seq"]


def test_undo_brings_back_what_was_there(strict):
    placed(strict, "ann", 1, 1, 3)
    seq = placed(strict, "bob", 1, 1, 5)
    answer = undo(strict, "bob", seq)
    assert answer.status == 200, answer
    body = json.loads(answer.body)
    assert body["seq"] > seq and 0 < body["cooldown_ms"] <= 60000
    until(lambda: color_at(strict, 1, 1) == 3, 10)
    problem(undo(strict, "bob", seq), 409, "too_late")
    problem(undo(strict, "bob", body["seq"]), 409, "too_late")


def test_undo_again_with_its_key_is_the_first_one(strict):
    seq = placed(strict, "cyd", 2, 1, 5)
    first = undo(strict, "cyd", seq, **{"Idempotency-Key": "77"})
    again = undo(strict, "cyd", seq, **{"Idempotency-Key": "77"})
    assert first.status == again.status == 200
    assert json.loads(first.body)["seq"] == json.loads(again.body)["seq"]


def test_undo_leaves_what_others_placed_over_it(strict):
    seq = placed(strict, "dan", 3, 1, 5)
    placed(strict, "eve", 3, 1, 6)
    problem(undo(strict, "dan", seq), 409, "too_late")
    until(lambda: color_at(strict, 3, 1) == 6, 10)


def test_undo_is_too_late_after_its_time(strict):
    ms = strict.api.config()["undo_ms"]
    seq = placed(strict, "fay", 4, 1, 5)
    time.sleep((ms + 1500) / 1000)  # the time itself is what is tested
    problem(undo(strict, "fay", seq), 409, "too_late")


@pytest.mark.parametrize("body, status, code", [
    ('{"seq":0}', 409, "too_late"),
    ('{"seq":-1}', 409, "too_late"),
    ('{"seq":99999999999999999999}', 409, "too_late"),
    ('{"seq":123456}', 409, "too_late"),
    ('{"seq":"1"}', 400, "bad_request"),
    ('{"seq":1.0}', 400, "bad_request"),
    ("{}", 400, "bad_request"),
    ("", 400, "bad_request"),
])
def test_bad_undos(strict, body, status, code):
    token = strict.signer.token("gus")
    problem(strict.api.ask("POST", "/api/v1/undo", body,
                           {"Authorization": f"Bearer {token}"}), status, code)


def test_undo_needs_a_token(strict):
    problem(strict.api.ask("POST", "/api/v1/undo", '{"seq":1}'), 401,
            "unauthorized")


@pytest.mark.parametrize("flavour, x", [("binary", 5), ("json", 6)])
def test_undo_over_a_websocket(strict, flavour, x):
    client = Client(strict.api, flavour, token=strict.signer.token(flavour))
    verdict = client.verdict(client.send_place(x, 1, 9))
    assert verdict["status"] == "ok", verdict
    client.say(client.codec.undo(4711, verdict["seq"]))
    answer = client.verdict(4711)
    assert answer["status"] == "ok" and answer["seq"] > verdict["seq"]
    client.until(lambda: client.board.seq >= answer["seq"], what="the diff")
    assert client.board.at(x, 1) == 0
