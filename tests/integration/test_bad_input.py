# SPDX-License-Identifier: Apache-2.0
"""Hostile and broken input: each gets the answer that docs/protocol.md names
and a counter; never a crash, a leak or a flood of log lines. (The fixture
fails a test whose processes a sanitizer complained about.)"""

import os
import random
import socket
import ssl
import subprocess
import time

import pytest

from support.api import problem
from support.client import Client
from support.cluster import ENVIRONMENT, bin_dir
from support.metrics import total
from support.wait import until
from support.websocket import Closed, Refused, WebSocket


pytestmark = pytest.mark.usefixtures("transport")


@pytest.fixture(scope="module")
def game(transport, module_cluster):
    return module_cluster(size="40x30").start().ready()


def edge(game):
    return game["edge-1"]


def log_lines(process):
    return process.log().count("\n")


@pytest.fixture(autouse=True)
def the_edge_survives_quietly(request):
    """Around each test: same process, at most a few lines of log, and it goes
    on serving."""
    if "game" not in request.fixturenames:
        yield
        return
    game = request.getfixturevalue("game")
    pid, lines = edge(game).pid, log_lines(edge(game))
    yield
    assert edge(game).is_running() and edge(game).pid == pid
    assert log_lines(edge(game)) - lines <= 20, edge(game).log()[-2000:]
    player = Client(game.api, token=game.signer.token())
    assert player.place(1, 1, 1)["status"] == "ok"
    player.close()


def counted(game, pattern, action):
    """Runs action; the sum of the metrics that match must grow."""
    before = total(edge(game).metrics(), pattern)
    action()
    until(lambda: total(edge(game).metrics(), pattern) > before, 5,
          f"a counter like {pattern}")


def send_and_close(game, flavour, payload, code, **frame):
    client = Client(game.api, flavour, token=game.signer.token())
    opcode = frame.pop("opcode", client.codec.opcode)
    client.socket.send(opcode, payload, **frame)
    assert client.socket.closes_with() == code


# --- WebSocket messages ---

@pytest.mark.parametrize("payload", [
    b"", b"\x00", b"\x01", b"\x02" * 30, b"\x7f", b"\x80", b"\x84abc",
    b"\xff", b"\x81", b"\x81" + bytes(8), b"\x81" + bytes(10), b"\x82",
    b"\x82" + bytes(7), b"\x82" + bytes(9)])
def test_malformed_binary_message_closes_with_1008(game, payload):
    counted(game, "closed.*1008|malformed|bad_message",
            lambda: send_and_close(game, "binary", payload, 1008))


@pytest.mark.parametrize("payload", [
    b"", b"{", b"[]", b"null", b"7", b'"place"', b"{}", b'{"type":7}',
    b'{"type":"hello"}', b'{"type":"nothing"}', b'{"type":"place"}',
    b'{"type":"place","request":1,"x":1,"y":1}',
    b'{"type":"place","request":-1,"x":1,"y":1,"color":1}',
    b'{"type":"place","request":4294967296,"x":1,"y":1,"color":1}',
    b'{"type":"place","request":1.5,"x":1,"y":1,"color":1}',
    b'{"type":"place","request":1,"x":"1","y":1,"color":1}',
    b'{"type":"place","request":1,"x":1.5,"y":1,"color":1}',
    b'{"type":"place","request":1,"x":1,"y":null,"color":1}',
    b'{"type":"since"}', b'{"type":"since","seq":-1}',
    b'{"type":"since","seq":"1"}', b'{"type":"auth"}',
    b'{"type":"auth","token":7}', b'{"type":"place",}',
    b'{"type":"since","seq":0} x', b"[" * 900, b'{"a":' * 180,
    b'{"type":"place","request":1e2,"x":1,"y":1,"color":1}'])
def test_malformed_json_message_closes_with_1008(game, payload):
    send_and_close(game, "json", payload, 1008)


@pytest.mark.parametrize("payload", [
    b"\xff\xfe", b'{"type":"since","seq":0,"x":"\xc3\x28"}', b"\xed\xa0\x80"])
def test_bad_utf8_closes(game, payload):
    client = Client(game.api, "json", token=game.signer.token())
    client.socket.send(1, payload)
    # RFC 6455 knows 1007 for it; protocol.md's 1008 is as good.
    assert client.socket.closes_with() in (1007, 1008)


def test_unknown_members_are_ignored(game):
    client = Client(game.api, "json", token=game.signer.token())
    client.say(b'{"type":"place","extra":{"a":[1,2]},"request":9,"x":2,"y":2,'
               b'"color":2,"null":null,"\\u00e9":"\\ud83d\\ude00"}')
    assert client.verdict(9)["status"] == "ok"
    client.close()


@pytest.mark.parametrize("frame", [
    dict(first=0xC2), dict(first=0x83), dict(first=0x8B), dict(first=0x80),
    dict(first=0x09), dict(mask=False)])
def test_broken_frames_close_the_connection(game, frame):
    """Reserved bits or opcodes, a continuation of nothing, a control frame in
    fragments, no mask."""
    client = Client(game.api, token=game.signer.token())
    client.socket.send(2, client.codec.place(1, 1, 1, 1), **frame)
    assert client.socket.closes_with() == 1002


@pytest.mark.parametrize("payload", [b"\x03", b"\x03\xed", b"\x00\x01"])
def test_close_with_a_code_that_is_none_is_a_1002(game, payload):
    client = Client(game.api)
    client.socket.send(8, payload)
    assert client.socket.closes_with() == 1002


def test_control_frame_that_is_too_long_closes(game):
    client = Client(game.api, token=game.signer.token())
    client.socket.send(9, bytes(126))
    assert client.socket.closes_with() == 1002


def test_endless_fragments_close_with_1009(game):
    client = Client(game.api, token=game.signer.token())
    with pytest.raises(Closed) as closed:
        client.socket.send(2, client.codec.since(0)[:1], fin=False)
        for _ in range(200):
            client.socket.send(0, bytes(100), fin=False)
            client.pump(0.01)
        client.socket.closes_with(5)
    assert closed.value.code in (1009, 1006)


def test_frame_that_claims_a_huge_length_closes(game):
    client = Client(game.api, token=game.signer.token())
    before = edge(game).memory_bytes()
    client.socket.link.sendall(b"\x82\xff" + (1 << 40).to_bytes(8, "big")
                               + b"abcd" + bytes(2000))
    assert client.socket.closes_with() in (1009, 1006, 1002)
    assert edge(game).memory_bytes() - before < 32 << 20


def test_flood_of_places_is_answered_and_never_kills(game):
    client = Client(game.api, token=game.signer.token())
    seen = len(client.events)
    for i in range(3000):
        client.send_place(i % 40, i % 30, 1)
    client.until(lambda: len(client.verdicts) == 3000, 30)
    assert len(client.events) > seen
    client.close()


def test_flood_of_sinces_costs_only_the_one_who_sends_it(game):
    client = Client(game.api)
    try:
        for _ in range(2000):
            client.say(client.codec.since(0))
            client.pump()
    except Closed as closed:
        assert closed.code in (1008, 1006)
    client.socket.link.close()


def test_random_bytes_on_an_open_connection_never_kill(game):
    rng = random.Random(7)
    for _ in range(60):
        client = Client(game.api, rng.choice(["binary", "json"]),
                        token=game.signer.token())
        try:
            for _ in range(5):
                client.socket.link.sendall(rng.randbytes(rng.randrange(400)))
                client.socket.receive(0)
        except (Closed, OSError, AssertionError):
            pass
        client.socket.link.close()


# --- HTTP heads ---

def raw(game, data, wait=10.0):
    """All that comes back for these bytes, until the peer closes."""
    with game.api.link() as link:
        link.settimeout(wait)
        answer = b""
        try:
            link.sendall(data)
            while True:
                piece = link.recv(65536)
                if not piece:
                    return answer
                answer += piece
        except (socket.timeout, ConnectionResetError, BrokenPipeError):
            return answer


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


@pytest.mark.parametrize("data", [
    b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X-%d: 1\r\n" * 5000 + b"\r\n",
    b"GET /api/v1/ws?token=" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"])
def test_huge_heads_are_refused(game, data):
    answer = raw(game, data, 3)
    assert status_of(answer) in (0, 400, 403, 413, 414, 431), answer[:100]
    assert status_of(answer) != 200


@pytest.mark.parametrize("data", [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
    b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"\0" * 500, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /api/v1/pixels/%00/1 HTTP/1.1\r\nHost: x\r\n"
    b"Connection: close\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"PUT /api/v1/pixels/1/1 HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n"
    b"\r\n",
    b"PUT /api/v1/pixels/1/1 HTTP/1.1\r\nHost: x\r\nContent-Length: "
    b"99999999999999999999\r\n\r\n",
    b"PUT /api/v1/pixels/1/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
    b"chunked\r\n\r\nzz\r\n"])
def test_broken_requests_never_succeed(game, data):
    answer = raw(game, data, 2)
    assert status_of(answer) not in range(200, 300), answer[:200]


def test_body_announced_large_is_refused_at_once(game):
    answer = raw(game, b"PUT /api/v1/pixels/1/1 HTTP/1.1\r\nHost: x\r\n"
                 b"Authorization: Bearer " + game.signer.token().encode()
                 + b"\r\nContent-Length: 1000000000\r\n\r\n{", 3)
    assert status_of(answer) in (413, 0)


def test_upgrade_without_key_or_with_wrong_version_is_refused(game):
    for lines in (b"Sec-WebSocket-Version: 13\r\n",
                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                  b"Sec-WebSocket-Version: 7\r\n"):
        answer = raw(game, b"GET /api/v1/ws HTTP/1.1\r\nHost: x\r\n"
                     b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Protocol: stipple.v1\r\n" + lines
                     + b"\r\n", 3)
        assert status_of(answer) != 101 and status_of(answer) != 200


def test_half_open_connections_are_ended(game):
    """Nothing sent, half a head, half a body: none may stay for ever."""
    links = []
    for data in (b"", b"GET /api/v1/bo", b"GET / HTTP/1.1\r\nHost: x\r\n",
                 b"PUT /api/v1/pixels/1/1 HTTP/1.1\r\nHost: x\r\n"
                 b"Content-Length: 20\r\n\r\n{\"col"):
        link = game.api.link()
        link.sendall(data)
        link.setblocking(False)
        links.append(link)
    # Over TLS: not even a handshake.
    links.append(socket.create_connection(("127.0.0.1", game.api.port), 10))
    links[-1].setblocking(False)

    def ended(link):
        try:
            while True:
                if not link.recv(4096):
                    return True
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except ConnectionResetError:
            return True
    until(lambda: all([ended(link) for link in links]), 75,
          "the end of half-open connections", pause=0.5)
    for link in links:
        link.close()


def test_connections_that_vanish_leave_nothing_behind(game):
    clients = [Client(game.api, token=game.signer.token())
               for _ in range(40)]
    open_now = len(os.listdir(f"/proc/{edge(game).pid}/fd"))
    for client in clients:
        client.send_place(1, 1, 1)
        client.socket.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      b"\1\0\0\0\0\0\0\0")
        client.socket.link.close()  # RST, with a verdict on its way
    until(lambda: len(os.listdir(f"/proc/{edge(game).pid}/fd"))
          <= open_now - 40, 10, "their descriptors")


# --- limits ---

def test_connections_an_address_are_bounded(cluster):
    made = cluster(edge={"connections_per_address": 5,
                         "limit_loopback": "on"}).start().ready()
    clients = [Client(made.api) for _ in range(4)]
    refused = 0
    for _ in range(4):
        try:
            clients.append(Client(made.api))
        except (Refused, Closed, OSError) as error:
            refused += 1
            if isinstance(error, Refused):
                assert error.status in (429, 503)
    assert refused >= 3 and len(clients) <= 5
    # Another address has its own bound.
    clients.append(Client(made.api, source="127.0.0.9"))
    for client in clients:
        client.close()
    until(lambda: try_join(made), 10, "room again")


def try_join(made):
    try:
        Client(made.api).close()
        return True
    except (Refused, Closed, OSError):
        return False


def test_sessions_an_address_are_bounded(cluster):
    made = cluster(edge={"sessions_per_address": 3,
                         "limit_loopback": "on"}).start().ready()
    answers = [made.api.ask("POST", "/api/v1/session") for _ in range(8)]
    codes = [answer.status for answer in answers]
    assert codes[:3] == [201] * 3 and 429 in codes
    problem(answers[codes.index(429)], 429, "rate_limited")


def test_sessions_of_a_cluster_are_bounded(cluster):
    """What one edge gave is missing at the other, by way of the leader."""
    made = cluster(edges=2, edge={
        "sessions_per_address_cluster": LIMIT,
        "limit_loopback": "on"}).start().ready()
    one, other = made.apis
    assert given_at(one) >= LIMIT
    assert given_at(other, pause=0.1) < LIMIT // 2
    assert total(made.kinds("edge")[1].metrics(),
                 "stipple_edge_shared_refused_total") >= 1


LIMIT = 240


def given_at(api, pause=0.001):
    """How many identities there are until one is refused, on one connection:
    faster than they come back."""
    given, link = 0, api.connection()

    def refused():
        nonlocal given
        link.request("POST", "/api/v1/session")
        answer = link.getresponse()
        answer.read()
        given += answer.status == 201
        return answer.status == 429
    until(refused, 60, "a refusal", pause)
    link.close()
    return given


def test_handshakes_an_address_are_bounded(cluster):
    made = cluster(edge={"handshakes_per_address": 5,
                         "limit_loopback": "on"}).start().ready()
    statuses = []
    for _ in range(8):
        try:
            Client(made.api).close()
            statuses.append(101)
        except Refused as refused:
            statuses.append(refused.status)
            assert int(refused.headers["retry-after"]) in range(1, 61)
    assert statuses[:5] == [101] * 5 and 429 in statuses
    Client(made.api, source="127.0.0.9").close()


def test_diffs_for_an_address_are_bounded(cluster):
    made = cluster(edge={"catch_up_per_address": 10_000,
                         "limit_loopback": "on"}).start().ready()
    painter = Client(made.api, token=made.signer.token())
    for i in range(2000):
        last = painter.send_place(i % 100, i // 100, 1 + i % 15)
    assert painter.verdict(last)["status"] == "ok"
    # Four times 2 kB pass; then the board has to be fetched.
    for _ in range(10):
        client = Client(made.api, since=0)
        client.until(lambda: client.board.seq >= 2000, 5)
        last = client
        if client.resyncs:
            break
        client.close()
    assert last.resyncs == ["too_old"]
    other = Client(made.api, since=0, source="127.0.0.9")
    other.until(lambda: other.board.seq >= 2000, 5)
    assert not other.resyncs
    for client in (last, other, painter):
        client.close()


def test_proxy_that_nobody_named_is_in_the_log(cluster):
    made = cluster(edge={"sessions_per_address": 2,
                         "limit_loopback": "on"}).start().ready()
    for i in range(5):
        made.api.ask("POST", "/api/v1/session",
                     headers={"X-Forwarded-For": f"9.9.9.{i}"})
    lines = [line for line in edge(made).log().splitlines()
             if "trusted_proxies" in line]
    assert len(lines) == 1 and "address=127.0.0.1" in lines[0]


def test_full_edge_says_try_again_later(cluster):
    made = cluster(edge={"max_connections": 12}).start().ready()
    clients, ends = [], []
    for _ in range(20):
        try:
            clients.append(Client(made.api))
        except Refused as refused:
            ends.append(refused.status)
        except (Closed, OSError) as closed:
            ends.append(getattr(closed, "code", 1006))
    assert len(clients) <= 12 and len(ends) >= 8
    assert set(ends) <= {1013, 503, 1006}
    for client in clients:
        client.close()
    until(lambda: try_join(made), 10, "room again")


# --- the bus and the start ---

def test_garbage_on_the_bus_is_counted_and_ignored(game):
    import zmq
    context = zmq.Context()
    rng = random.Random(3)
    here = os.getcwd()
    os.chdir(game.folder)
    try:
        for end in ("broker-1.ingress", "broker-1.control", "persister-1"):
            paths = [p for p in os.listdir("run") if p.startswith(end)]
            assert paths, (end, os.listdir("run"))
            link = context.socket(zmq.DEALER)
            link.linger = 1000
            link.connect(f"ipc://run/{paths[0]}")
            for kind in list(range(0x10, 0x60)):
                link.send(bytes([kind]) + rng.randbytes(rng.randrange(60)))
            link.send(b"")
            link.send_multipart([b"a", b"", b"b"] * 5)
            link.close()
    finally:
        os.chdir(here)
        context.term()
    time.sleep(0.3)
    for name in ("broker-1", "persister-1"):
        assert game[name].is_running()
        assert log_lines(game[name]) < 500
    assert game.api.is_ready()


@pytest.mark.parametrize("program", ["broker", "edge", "persister"])
@pytest.mark.parametrize("flags", [
    ["--nothing", "1"], ["--metrics-port", "70000"], ["--metrics-port", "x"],
    ["--metrics-port"], ["--log-level", "loud"], ["stray"]])
def test_wrong_setting_stops_the_start_with_one_line(tmp_path, program, flags):
    answer = subprocess.run(
        [os.path.join(bin_dir(), f"stipple-{program}")] + flags,
        cwd=tmp_path, capture_output=True, text=True, timeout=20,
        env={**os.environ, **ENVIRONMENT})
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert len(answer.stderr.splitlines()) == 1
    assert flags[0].lstrip("-").replace("-", "_") \
        in answer.stderr.replace("-", "_")


def test_broker_waits_for_a_redis_that_is_away(cluster):
    made = cluster().start("broker-1", "persister-1", "edge-1")
    until(lambda: "event=redis" in made["broker-1"].log(), 10,
          "a line about Redis")
    assert not made.api.is_ready()
    time.sleep(1)
    assert log_lines(made["broker-1"]) < 20
    made.start("redis").ready(30)
    player = Client(made.api, token=made.signer.token())
    assert player.place(1, 1, 1)["status"] == "ok"
    player.close()
