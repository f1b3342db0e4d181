# SPDX-License-Identifier: Apache-2.0
"""The same WebSockets through both doors, plain and TLS."""

import random
import time

import pytest

from support.client import Client

SIDE = 200
DOORS = pytest.mark.parametrize("door", ["plain", "tls"])


@pytest.fixture(scope="module")
def game(module_cluster):
    return module_cluster(size=f"{SIDE}x{SIDE}", tls=True).start().ready()


class Door:
    """Where a client of that door connects, as Client's `api`."""

    def __init__(self, game, door):
        self.host, self.plain = "127.0.0.1", game.api
        self.port = game.tls_port if door == "tls" else game.api.port
        self.options = {}
        self.tls = door == "tls"

    def __getattr__(self, name):
        return getattr(self.plain, name)


@pytest.fixture
def join(game):
    made = []

    def make(door, **options):
        there = Door(game, door)
        made.append(Client(there, token=game.signer.token(),
                           **{**there.options, **options}))
        return made[-1]
    yield make
    for client in made:
        client.close()


@DOORS
def test_requests_pings_and_fragments_are_answered(join, door):
    client = join(door)
    verdict = client.verdict(client.send_place(3, 4, 5))
    assert verdict["status"] == "ok"
    client.until(lambda: client.board.seq >= verdict["seq"], what="the diff")
    pings = [b"", bytes(range(125))]
    for ping in pings:
        client.socket.send(9, ping)
    body = client.codec.place(client.request + 1, 4, 4, 6)
    for i, byte in enumerate(body):
        client.socket.send(0 if i else 2, bytes([byte]),
                           fin=i == len(body) - 1)
    assert client.verdict(client.request + 1)["status"] == "ok"
    client.until(lambda: client.socket.pongs == pings, what="all pongs")
    client.prove()


@DOORS
def test_frame_that_comes_byte_by_byte_is_a_frame(join, door):
    client = join(door)
    link, pieces = client.socket.link, []
    client.socket.link = type("Recorder", (), {
        "settimeout": lambda self, seconds: None,
        "sendall": lambda self, data: pieces.append(data)})()
    client.socket.send(9, b"slow")
    client.socket.send(2, client.codec.place(client.request + 1, 9, 9, 1))
    client.socket.link = link
    for byte in b"".join(pieces):
        link.sendall(bytes([byte]))
        time.sleep(0.002)
    assert client.verdict(client.request + 1)["status"] == "ok"
    assert client.socket.pongs == [b"slow"]


@DOORS
def test_token_of_8_kib_is_a_token(game, door):
    there = Door(game, door)
    client = Client(there, token=game.signer.token(pad="x" * 5900),
                    token_in="header", **there.options)
    assert client.place(5, 5, 5)["status"] == "ok"
    client.close()


@DOORS
def test_white_space_behind_a_value_is_none_of_it(join, door):
    client = join(door, version="13  ")
    assert client.place(5, 5, 5)["status"] == "ok"


@DOORS
def test_websocket_may_be_one_offer_among_others(join, door):
    client = join(door, upgrade="foo/1, WebSocket")
    assert client.place(6, 5, 5)["status"] == "ok"


@DOORS
def test_close_is_answered_by_the_same_code(join, door):
    client = join(door)
    client.socket.send(8, b"\x0f\xa0" + b"bye")  # 4000
    assert client.socket.closes_with() == 4000


@DOORS
@pytest.mark.timeout(120)
def test_frames_never_interleave(game, join, door):
    """Clients with small buffers stop reading, ask meanwhile and read on: what
    they get are whole frames, pings are answered, every board is right."""
    rng = random.Random(7)
    painter = Client(game.api, token=game.signer.token())
    clients = [join(door, receive_buffer=4096) for _ in range(6)]
    sent = {client: 0 for client in clients}
    asked = {client: [] for client in clients}
    for _ in range(6):
        for _ in range(10):
            for _ in range(400):
                last = painter.send_place(rng.randrange(SIDE),
                                          rng.randrange(SIDE),
                                          rng.randrange(16))
            painter.verdict(last)
            painter.verdicts.clear()
            for client in clients:
                client.socket.send(9, b"%d" % sent[client])
                sent[client] += 1
                asked[client].append(client.send_place(
                    rng.randrange(SIDE), rng.randrange(SIDE), 1))
        for client in rng.sample(clients, 4):
            client.drain(0.1)
    painter.until(lambda: painter.checked_beats, what="a beat")
    for client in clients:
        client.until(lambda: client.board.seq >= painter.board.seq, 10)
        for request in asked[client]:
            assert client.verdict(request)["status"] == "ok"
        pings = [b"%d" % i for i in range(sent[client])]
        pongs = client.socket.pongs
        client.until(lambda: len(pongs) == len(pings), 10, "all pongs")
        assert pongs == pings
        client.prove()
        client.socket.send(8, b"\x03\xe8")
        assert client.socket.closes_with() == 1000
    painter.close()
