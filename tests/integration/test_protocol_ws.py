# SPDX-License-Identifier: Apache-2.0
"""docs/protocol.md, the WebSocket part, rule by rule, in both flavours."""

import time

import pytest

from support.board import Board
from support.client import Client, pump_all
from support.tokens import user_of
from support.wait import until
from support.websocket import Closed, Refused, WebSocket

WIDTH, HEIGHT = 40, 30
BOTH = pytest.mark.parametrize("flavour", ["binary", "json"])


pytestmark = pytest.mark.usefixtures("transport")


@pytest.fixture(scope="module")
def game(transport, module_cluster):
    return module_cluster(size=f"{WIDTH}x{HEIGHT}").start().ready()


@pytest.fixture
def join(game):
    clients = []

    def make(flavour="binary", player=True, **options):
        if player and "token" not in options:
            options["token"] = game.signer.token()
        clients.append(Client(game.api, flavour, **options))
        return clients[-1]
    yield make
    for client in clients:
        client.close()


def ok(verdict):
    assert verdict["status"] == "ok", verdict
    return verdict["seq"]


# --- the upgrade ---

@pytest.mark.parametrize("protocol", [None, "chat", "stipple.v2"])
def test_connection_without_known_subprotocol_gets_400(game, protocol):
    with pytest.raises(Refused) as refused:
        WebSocket(game.api.port, protocol=protocol,
                  tls=game.api.tls)
    assert refused.value.status == 400


def test_one_known_subprotocol_among_others_is_chosen(game):
    socket = WebSocket(game.api.port, protocol="chat, stipple.v1.json",
                       tls=game.api.tls)
    assert socket.protocol == "stipple.v1.json"
    socket.close()


@pytest.mark.parametrize("since", ["x", "-1", "1.5", "1x", "%20", "0x10"])
def test_since_that_is_no_number_is_a_400(game, since):
    with pytest.raises(Refused) as refused:
        WebSocket(game.api.port, f"/api/v1/ws?since={since}",
                  tls=game.api.tls)
    assert refused.value.status == 400


@BOTH
def test_hello_comes_first_and_tells_board_and_settings(game, join, flavour):
    client = join(flavour, player=False)
    config = game.api.config()
    assert client.events[0]["type"] == "hello"
    hello = client.hello
    assert hello["version"] == 1
    assert (hello["width"], hello["height"], hello["bits"]) \
        == (WIDTH, HEIGHT, 4)
    assert hello["epoch"] == config["board"]["epoch"]
    assert hello["cooldown_ms"] == config["cooldown_ms"] == 0
    assert hello["cooldown_remaining_ms"] == 0
    assert hello["read_only"] is True and hello["paused"] is False
    assert join(flavour).hello["read_only"] is False


# --- since and diffs ---

@BOTH
def test_missing_since_means_a_blank_board(join, flavour):
    player = join(flavour)
    seq = ok(player.place(1, 1, 5))
    late = join(flavour, player=False)
    late.reach(seq)
    assert late.board.at(1, 1) == 5
    late.prove()
    zero = join(flavour, player=False, since=0)
    zero.reach(seq)
    zero.prove()


@BOTH
def test_client_at_the_head_gets_no_diff(join, flavour):
    player = join(flavour)
    player.reach(ok(player.place(2, 1, 5)))
    again = join(flavour, player=False, board=player.board)
    again.until(lambda: again.beat)
    assert [e["type"] for e in again.events[:2]] == ["hello", "beat"]


@BOTH
def test_first_diff_brings_from_since_to_now(join, flavour):
    player = join(flavour)
    seq = ok(player.place(3, 1, 5))
    player.reach(seq)
    held = Board(WIDTH, HEIGHT, 4)
    held.pixels[:] = player.board.pixels
    held.digest, held.seq = player.board.digest, player.board.seq
    for color in (6, 7, 8):
        last = ok(player.place(4, 1, color))
    player.reach(last)  # a verdict may come before the edge is there
    late = join(flavour, player=False, board=held)
    late.reach(last)
    diffs = [e for e in late.events if e["type"] == "diff"]
    assert diffs[0]["from"] <= seq and diffs[0]["to"] >= last
    late.prove()


@BOTH
def test_diff_lists_a_pixel_that_came_back_to_its_colour(join, flavour):
    player = join(flavour)
    since = ok(player.place(5, 1, 2))
    player.place(5, 1, 9)
    last = ok(player.place(5, 1, 2))
    player.reach(last)
    late = join(flavour, player=False, since=since)
    late.board.seq = since
    diff = late.until(lambda: next_diff(late), what="the first diff")
    assert diff["from"] <= since and [5, 1, 2] in diff["pixels"]
    assert [p[:2] for p in diff["pixels"]].count([5, 1]) == 1


def next_diff(client):
    event = client.pump(0.1)
    return event if event and event["type"] == "diff" else None


@pytest.mark.timed
@BOTH
def test_since_of_the_future_waits_two_seconds_then_resyncs(join, flavour):
    before = time.monotonic()
    client = join(flavour, player=False, since=10**12)
    client.until(lambda: client.resyncs, 5, "RESYNC")
    assert 1.5 <= time.monotonic() - before <= 4
    assert client.resyncs == ["unknown_seq"]
    client.prove()


@BOTH
def test_since_of_the_near_future_is_served_once_reached(join, flavour):
    player = join(flavour)
    seq = ok(player.place(6, 1, 3))
    player.reach(seq)
    ahead = join(flavour, player=False, since=seq + 1)
    last = ok(player.place(7, 1, 3))
    after = ok(player.place(8, 1, 3))
    ahead.board = player.board  # as if it had been there before
    player.reach(after)
    ahead.until(lambda: ahead.beat and ahead.beat["seq"] >= last)
    assert not ahead.resyncs


def fill(game, join, color):
    """Touches every pixel: a diff of it is larger than the board."""
    player = join()
    for y in range(HEIGHT):
        for x in range(WIDTH):
            player.send_place(x, y, color)
        player.until(lambda: len(player.verdicts) == WIDTH * (y + 1))
    assert all(v["status"] == "ok" for v in player.verdicts.values())
    seq = max(v["seq"] for v in player.verdicts.values())
    player.reach(seq)
    return seq


@BOTH
def test_diff_larger_than_the_board_is_a_resync_instead(game, join, flavour):
    before = ok(join().place(0, 0, 1))
    seq = fill(game, join, 11)
    late = join(flavour, player=False, since=before)
    late.until(lambda: late.resyncs, what="RESYNC")
    assert set(late.resyncs) == {"too_old"}
    late.reach(seq)
    assert late.board.at(WIDTH - 1, HEIGHT - 1) == 11
    late.prove()
    # The same by SINCE on an open connection.
    late.resyncs = []
    late.say(late.codec.since(before))
    late.until(lambda: late.resyncs, what="a second RESYNC")
    late.prove()


@BOTH
def test_between_resync_and_since_no_diff_is_sent(game, join, flavour):
    before = ok(join().place(0, 0, 1))
    fill(game, join, 12)
    late = join(flavour, player=False, since=before)
    late.heal = lambda: None
    late.until(lambda: late.resyncs, what="RESYNC")
    player = join()
    last = ok(player.place(1, 0, 2))
    player.reach(last)
    late.drain(0.5)
    assert not [e for e in late.events if e["type"] == "diff"]
    del late.heal
    late.heal()
    late.reach(last)
    late.prove()


@BOTH
def test_since_at_the_head_gets_no_answer(join, flavour):
    player = join(flavour)
    player.reach(ok(player.place(9, 1, 3)))
    player.drain(0.1)
    seen = len(player.events)
    player.say(player.codec.since(player.board.seq))
    player.drain(0.5)
    assert {e["type"] for e in player.events[seen:]} <= {"beat"}


@BOTH
def test_since_of_a_reachable_past_gets_that_diff(join, flavour):
    player = join(flavour)
    first = ok(player.place(10, 1, 3))
    second = ok(player.place(11, 1, 3))
    player.reach(second)
    seen = len(player.events)
    player.say(player.codec.since(first))
    player.until(lambda: any(
        e["type"] == "diff" and e["from"] <= first and e["to"] >= second
        for e in player.events[seen:]))


@BOTH
def test_since_of_the_future_on_an_open_connection_resyncs(join, flavour):
    client = join(flavour, player=False)
    client.until(lambda: client.checked_beats)
    client.resyncs = []  # a blank board may have been too old
    client.say(client.codec.since(10**15))
    client.until(lambda: client.resyncs[-1:] == ["unknown_seq"], 5, "RESYNC")
    client.prove()


# --- beats ---

@pytest.mark.timed
@BOTH
def test_beats_come_each_second_and_prove_the_board(join, flavour):
    client = join(flavour)
    times = []
    for n in range(1, 4):
        client.until(lambda: len([e for e in client.events
                                  if e["type"] == "beat"]) == n, 3)
        times.append(time.monotonic())
    assert 1.5 < times[2] - times[0] < 2.8
    assert client.checked_beats and not client.mismatches


def test_online_counts_the_viewers(game, join):
    crowd = [join(player=False) for _ in range(5)]
    crowd[0].until(lambda: crowd[0].beat and crowd[0].beat["online"] >= 5, 6)
    for client in crowd[1:]:
        client.close()
    crowd[0].until(lambda: crowd[0].beat["online"] < 5, 6)

@pytest.mark.timed
@BOTH
def test_pace_is_the_least_time_between_diffs(game, join, flavour):
    slow, fast = join(flavour), join()
    slow.say(slow.codec.pace(2000))
    slow.drain(0.2)
    del slow.events[:]
    end = time.monotonic() + 6.5
    placed = 0
    while time.monotonic() < end:
        ok(fast.verdict(fast.send_place(placed % WIDTH, 0, 1 + placed % 15)))
        placed += 1
        slow.drain(0.05)
    diffs = [e for e in slow.events if e["type"] == "diff"]
    beats = [e for e in slow.events if e["type"] == "beat"]
    assert placed > 20 and 2 <= len(diffs) <= 3
    assert 2 <= len(beats) <= 4 and not slow.mismatches
    # Verdicts come as ever, and PACE 0 brings the board up to now.
    began = time.monotonic()
    seq = ok(slow.verdict(slow.send_place(1, 1, 1)))
    assert time.monotonic() - began < 1
    slow.say(slow.codec.pace(0))
    slow.until(lambda: slow.board.seq >= seq, 1, "now")
    checked = slow.checked_beats
    slow.until(lambda: slow.checked_beats > checked + 1, 4)
    assert not slow.mismatches


def test_pace_that_is_none_is_a_malformed_message(join):
    for flavour, pace in (("binary", b"\x84\x61\xea"), ("binary", b"\x84\x01"),
                          ("json", b'{"type":"pace"}'),
                          ("json", b'{"type":"pace","ms":-1}'),
                          ("json", b'{"type":"pace","ms":60001}')):
        client = join(flavour, player=False)
        client.say(pace)
        assert client.socket.closes_with(5) == 1008


def test_config_tells_of_pace_and_event(cluster):
    made = cluster(edge={"event_name": "Spring", "event_opens_at": 1797828677000,
                         "announcement": "Be kind", "anonymous": "off",
                         "login_url": "https://id.example/"}).start().ready()
    config = made.api.config()
    assert config["pace_max_ms"] == 60000 and config["anonymous"] is False
    assert config["login_url"] == "https://id.example/"
    assert config["event"] == {
        "name": "Spring", "opens_at": 1797828677000, "closes_at": None,
        "announcement": "Be kind"}
    client = Client(made.api, "json")
    made.ctl("set", "paused", "true")
    client.until(lambda: client.notice, 10, "a NOTICE")
    assert client.notice["event"] == config["event"]
    client.close()


# --- placing ---

@BOTH
def test_placement_is_seen_by_all_with_its_seq(join, flavour):
    player, others = join(flavour), [join("binary"), join("json")]
    first = ok(player.place(12, 2, 4))
    second = ok(player.place(12, 2, 5))
    assert second == first + 1
    for client in [player] + others:
        client.reach(second)
        assert client.board.at(12, 2) == 5
        client.prove()


@BOTH
def test_each_place_gets_exactly_one_verdict(join, flavour):
    player = join(flavour)
    sent = [player.send_place(i % WIDTH, 3, i % 16) for i in range(300)]
    player.until(lambda: len(player.verdicts) == 300)
    player.drain(0.3)  # the client itself refuses a second verdict
    assert set(player.verdicts) == set(sent)
    seqs = [player.verdicts[request]["seq"] for request in sent]
    assert seqs == sorted(seqs), "one connection's placements keep their order"


@BOTH
@pytest.mark.parametrize("x,y,color,status", [
    (WIDTH, 0, 1, "out_of_bounds"), (0, HEIGHT, 1, "out_of_bounds"),
    (65535, 65535, 1, "out_of_bounds"), (0, 0, 16, "bad_color"),
    (0, 0, 255, "bad_color"), (WIDTH, 0, 255, "out_of_bounds")])
def test_place_off_board_or_palette_is_refused(join, flavour, x, y, color,
                                               status):
    verdict = join(flavour).place(x, y, color)
    assert (verdict["status"], verdict["seq"]) == (status, 0)


@pytest.mark.parametrize("x,y,color,status", [
    (-1, 0, 1, "out_of_bounds"), (0, 2**31, 1, "out_of_bounds"),
    (70000, 0, 1, "out_of_bounds"), (0, 0, -1, "bad_color"),
    (0, 0, 256, "bad_color"), (0, 0, 10**18, "bad_color")])
def test_json_integers_off_the_scale_get_verdicts(join, x, y, color, status):
    assert join("json").place(x, y, color)["status"] == status


@BOTH
def test_place_without_a_token_is_unauthorized_before_all(join, flavour):
    client = join(flavour, player=False)
    assert client.place(1, 1, 1)["status"] == "unauthorized"
    assert client.place(WIDTH, 1, 99)["status"] == "unauthorized"


@BOTH
def test_same_request_again_is_a_duplicate_with_the_first_seq(join, flavour):
    player = join(flavour)
    request = player.send_place(13, 2, 4)
    seq = ok(player.verdict(request))
    for x, y in ((13, 2), (14, 2)):
        again = player.place(x, y, 7, request)
        assert (again["status"], again["seq"]) == ("duplicate", seq)
    # What is no placement at all is said first.
    assert player.place(WIDTH, 0, 1, request)["status"] == "out_of_bounds"
    assert player.place(0, 0, 16, request)["status"] == "bad_color"
    # Only the last accepted request is remembered.
    ok(player.place(15, 2, 4))
    ok(player.place(13, 2, 4, request))


@BOTH
def test_same_request_twice_in_flight_is_ok_then_duplicate(join, flavour):
    player = join(flavour)
    request = player.send_place(16, 2, 4)
    first = None
    player._on_verdict = lambda event: events.append(event)
    events = []
    player.send_place(16, 2, 4, request)
    player.until(lambda: len(events) == 2)
    first, second = sorted(events, key=lambda e: e["status"] != "ok")
    assert (first["status"], second["status"]) == ("ok", "duplicate")
    assert first["seq"] == second["seq"]


def test_request_and_idempotency_key_share_one_space(game, join):
    token = game.signer.token()
    player = join(token=token)
    request = player.send_place(17, 2, 4)
    seq = ok(player.verdict(request))
    answer = game.api.put(17, 2, 4, token, key=request)
    assert answer.status == 200 and f'"seq":{seq}' in \
        answer.body.decode().replace(" ", "")
    answer = game.api.put(18, 2, 4, token, key=4294967295)
    assert answer.status == 200
    assert player.place(18, 2, 4, 4294967295)["status"] == "duplicate"


# --- cooldown, pause, ban: a canvas with rules ---

@pytest.fixture(scope="module")
def strict(transport, module_cluster):
    """Cooldown of a minute, and a user who is banned."""
    made = module_cluster(cooldown_ms=60000, edge={"place_rate": 100})
    made.start().ready()
    made.redis_cli("sadd", "{stipple}:bans", user_of("villain"))
    assert made["broker-1"].stop() == 0
    made["broker-1"].start()
    token = made.signer.token()
    until(lambda: made.api.put(50, 50, 1, token, timeout=20).status != 503,
          20, "a leader")
    return made


@BOTH
def test_second_placement_within_the_cooldown_is_refused(strict, flavour):
    token = strict.signer.token()
    client = Client(strict.api, flavour, token=token)
    assert client.hello["cooldown_ms"] == 60000
    assert client.hello["cooldown_remaining_ms"] == 0
    verdict = client.place(1, 1, 1)
    seq = ok(verdict)
    assert 55000 < verdict["cooldown_remaining_ms"] <= 60000
    again = client.place(1, 1, 2)
    assert (again["status"], again["seq"]) == ("cooldown", 0)
    assert 50000 < again["cooldown_remaining_ms"] <= 60000
    # Bounds and colour come before it, and so does duplicate.
    assert client.place(100, 0, 2)["status"] == "out_of_bounds"
    assert client.place(0, 0, 77)["status"] == "bad_color"
    same = client.place(1, 1, 1, client.request - 3)
    assert (same["status"], same["seq"]) == ("duplicate", seq)
    assert 50000 < same["cooldown_remaining_ms"] <= 60000
    client.close()
    # Another connection of the same user knows.
    other = Client(strict.api, flavour, token=token)
    assert 45000 < other.hello["cooldown_remaining_ms"] <= 60000
    other.close()


def test_banned_user_is_told_so(strict):
    token = strict.signer.token("villain")
    client = Client(strict.api, token=token)
    assert client.place(1, 1, 1)["status"] == "banned"
    assert client.place(100, 1, 1)["status"] == "out_of_bounds"
    assert strict.api.put(1, 1, 1, token).status == 403
    client.close()


@BOTH
def test_pause_is_noticed_and_refuses(strict, flavour):
    token = strict.signer.token()
    client = Client(strict.api, flavour, token=token)
    seq = ok(client.place(2, 2, 2))
    request = client.request
    other = Client(strict.api, flavour, token=strict.signer.token())
    strict.ctl("set", "paused", "true")
    try:
        client.until(lambda: client.notice, 5, "NOTICE")
        assert client.notice["kind"] == "settings"
        assert client.notice["paused"] is True
        config = until(lambda: (c := strict.api.config())["paused"] and c)
        # A new leader alone is no news: the notice may be older than its epoch.
        config["board"].pop("epoch")
        assert client.notice["board"].pop("epoch") > 0
        assert {k: client.notice[k] for k in config} == config
        assert other.place(3, 3, 3)["status"] == "paused"
        same = client.place(2, 2, 2, request)
        assert (same["status"], same["seq"]) == ("duplicate", seq)
        assert client.place(3, 2, 2)["status"] == "paused"
        late = Client(strict.api, flavour)
        assert late.hello["paused"] is True
        late.close()
    finally:
        strict.ctl("set", "paused", "false")
    other.until(lambda: other.notice and not other.notice["paused"], 5)
    ok(other.place(3, 3, 3))
    client.close()
    other.close()


def test_place_rate_of_a_connection_is_bounded(cluster):
    made = cluster(cooldown_ms=1000, edge={"place_rate": 5}).start().ready()
    client = Client(made.api, token=made.signer.token())
    sent = [client.send_place(200, 0, 0) for _ in range(60)]
    client.until(lambda: len(client.verdicts) == 60)
    statuses = [client.verdicts[r]["status"] for r in sent]
    limited = [v for v in client.verdicts.values()
               if v["status"] == "rate_limited"]
    assert statuses[0] == "out_of_bounds" and len(limited) >= 45
    assert all(0 < v["cooldown_remaining_ms"] <= 60000 for v in limited)
    wait = client.verdicts[sent[-1]]["cooldown_remaining_ms"] / 1000
    time.sleep(wait)  # what it was told to wait is enough
    assert client.place(1, 1, 1)["status"] == "ok"
    client.close()


# --- who is speaking ---

@BOTH
def test_auth_makes_a_player_and_is_answered_by_hello(game, join, flavour):
    client = join(flavour, player=False)
    client.hello = None
    client.say(client.codec.auth(game.signer.token("ann")))
    hello = client.until(lambda: client.hello, what="a fresh HELLO")
    assert hello["read_only"] is False
    seq = ok(client.place(20, 2, 6))
    until(lambda: game.api.pixel(20, 2)["seq"] == seq, 3)
    assert game.api.pixel(20, 2)["user"] == user_of("ann")


@BOTH
def test_auth_replaces_the_user(game, join, flavour):
    client = join(flavour, token=game.signer.token("bob"))
    client.hello = None
    client.say(client.codec.auth(game.signer.token("carol")))
    client.until(lambda: client.hello, what="a fresh HELLO")
    seq = ok(client.place(21, 2, 6))
    until(lambda: game.api.pixel(21, 2)["seq"] == seq, 3)
    assert game.api.pixel(21, 2)["user"] == user_of("carol")


@BOTH
@pytest.mark.parametrize("bad", ["", "x", "a.b.c", "expired"])
def test_bad_auth_closes_with_4401(game, join, flavour, bad):
    token = game.signer.token(ttl=-60) if bad == "expired" else bad
    client = join(flavour, player=False)
    client.say(client.codec.auth(token))
    assert client.socket.closes_with() == 4401


@pytest.mark.parametrize("where", ["query", "header"])
@pytest.mark.parametrize("bad", ["x", "a.b.c", "expired"])
def test_bad_token_is_a_401_to_the_upgrade(game, where, bad):
    token = game.signer.token(ttl=-60) if bad == "expired" else bad
    with pytest.raises(Refused) as refused:
        Client(game.api, token=token, token_in=where)
    assert refused.value.status == 401


@pytest.mark.parametrize("bad", ["", "x"])
def test_bad_token_in_the_url_is_not_saved_by_a_good_header(game, bad):
    good = ("Authorization", "Bearer " + game.signer.token())
    with pytest.raises(Refused) as refused:
        WebSocket(game.api.port, f"/api/v1/ws?token={bad}", headers=[good],
                  tls=game.api.tls)
    assert refused.value.status == 401


def test_token_in_the_header_makes_a_player(game, join):
    client = join(token=game.signer.token(), token_in="header")
    assert client.hello["read_only"] is False
    ok(client.place(22, 2, 6))


@BOTH
def test_token_that_expires_leaves_the_connection_open(game, join, flavour):
    client = join(flavour, token=game.signer.token(ttl=-3))  # in the leeway
    ok(client.place(23, 2, 6))

    def refused():
        return client.place(23, 2, 7)["status"] == "unauthorized"
    until(refused, 8, "unauthorized", pause=0.2)
    client.prove()
    client.say(client.codec.auth(game.signer.token()))
    until(lambda: client.place(23, 2, 8)["status"] == "ok", 5)


# --- what closes a connection ---

def test_text_on_a_binary_connection_closes_with_1003(join):
    client = join("binary")
    client.socket.send(1, b'{"type":"since","seq":0}')
    assert client.socket.closes_with() == 1003


def test_binary_on_a_json_connection_closes_with_1003(join):
    client = join("json")
    client.socket.send(2, b"\x82" + bytes(8))
    assert client.socket.closes_with() == 1003


@pytest.mark.parametrize("size,code", [(1025, 1009), (5000, 1009),
                                       (70000, 1009)])
@BOTH
def test_message_over_1_kib_closes_with_1009(join, flavour, size, code):
    client = join(flavour)
    body = client.codec.place(1, 1, 1, 1)
    body += (b" " if flavour == "json" else b"\0") * (size - len(body))
    client.socket.send(client.codec.opcode, body)
    assert client.socket.closes_with() == code


@BOTH
def test_auth_may_have_8_kib_and_no_more(join, flavour):
    client = join(flavour, player=False)
    spare = 8192 - len(client.codec.auth(""))
    client.say(client.codec.auth("x" * spare))
    assert client.socket.closes_with() == 4401
    client = join(flavour, player=False)
    client.say(client.codec.auth("x" * (spare + 1)))
    assert client.socket.closes_with() == 1009


def test_message_in_fragments_is_one_message(join):
    client = join("binary")
    request = client.request + 1
    body = client.codec.place(request, 24, 2, 6)
    client.socket.send(2, body[:4], fin=False)
    client.socket.send(9, b"between")
    client.socket.send(0, body[4:7], fin=False)
    client.socket.send(0, body[7:])
    ok(client.verdict(request))
    assert client.socket.pongs == [b"between"]


def test_close_is_answered_by_close(join):
    client = join("binary")
    client.socket.send(8, b"\x03\xe8")
    assert client.socket.closes_with() == 1000


def test_ping_comes_every_25_s_and_silence_ends_at_60(game):
    """A client that answers pings stays; one whose peer is gone does not."""
    live = Client(game.api)
    silent = WebSocket(game.api.port, receive_buffer=1 << 20,
                       tls=game.api.tls)
    began = time.monotonic()
    pump_all([live], 30)
    assert live.socket.pings >= 1
    closed = None
    silent.send = lambda *_, **__: None  # reads, but never says anything
    while closed is None and time.monotonic() - began < 100:
        pump_all([live], 0.5)
        try:
            while silent.receive(0):
                pass
        except Closed:
            closed = time.monotonic() - began
    assert closed and 55 <= closed <= 95
    live.prove()
    live.close()
