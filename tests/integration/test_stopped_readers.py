# SPDX-License-Identifier: Apache-2.0
"""What strangers can make an edge pay who choose where their diffs begin, and
do not read them."""

import random
import socket
import statistics
import threading
import time

import pytest

from support.client import Client
from support.metrics import total
from support.wait import until
from support.websocket import WebSocket

pytestmark = pytest.mark.timed

SIDE = 1000
PIXELS = 150_000  # changed before anyone comes, so that `since` is a choice


class Painter(threading.Thread):
    """Keeps the board changing, about 500 placements a second."""

    def __init__(self, made):
        super().__init__(daemon=True)
        self.client = Client(made.api, token=made.signer.token())
        self.ending = threading.Event()
        self.rng = random.Random(1)

    def paint(self, count):
        client, rng = self.client, self.rng
        for _ in range(count):
            last = client.send_place(rng.randrange(SIDE), rng.randrange(SIDE),
                                     rng.randrange(16))
        seq = client.verdict(last, 30)["seq"]
        client.verdicts.clear()
        return seq

    def run(self):
        while not self.ending.is_set():
            began = time.monotonic()
            self.paint(25)
            self.client.drain(max(0.0, 0.05 - (time.monotonic() - began)))

    def end(self):
        self.ending.set()
        if self.is_alive():
            self.join(20)
        self.client.close()


class Strangers(threading.Thread):
    """Handshakes with random starts, `rate` per second, half of them within the
    last 40,000 placements. None reads what follows the answer."""

    def __init__(self, api, seq, rate, count, **options):
        super().__init__(daemon=True)
        self.api, self.seq, self.rate, self.count = api, seq, rate, count
        self.options, self.sockets, self.failed = options, [], None

    def run(self):
        rng = random.Random(2)
        try:
            began = time.monotonic()
            for i in range(self.count):
                back = rng.choice((self.seq, 40_000))
                since = self.seq - rng.randrange(back)
                self.sockets.append(WebSocket(
                    self.api.port, f"/api/v1/ws?since={since}",
                    "stipple.v1.json", host=self.api.host, **self.options))
                time.sleep(max(0, began + (i + 1) / self.rate -
                               time.monotonic()))
        except Exception as error:  # told by the test
            self.failed = error

    def end(self):
        self.join(120)
        for stranger in self.sockets:
            stranger.abort()
        assert not self.failed, self.failed


def pings_ms(socket, seconds):
    """Round trips of pings on a connection that is read."""
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        times.append(socket.ping() * 1000)
        time.sleep(0.02)
    return times


@pytest.fixture
def painted(cluster):
    # The release build: time and memory are the point.
    made = cluster(size=f"{SIDE}x{SIDE}", variant="release").start().ready()
    painter = Painter(made)
    for _ in range(PIXELS // 2000):
        painter.paint(2000)
    yield made, painter
    painter.end()


@pytest.mark.timeout(240)
def test_thousand_stopped_json_readers_cost_little(painted):
    made, painter = painted
    edge = made["edge-1"]
    seq = painter.client.board.seq
    before = edge.memory_bytes()
    painter.start()
    strangers = Strangers(made.api, seq, 100, 1000, receive_buffer=4096)
    strangers.start()
    strangers.join(120)
    grown = edge.memory_bytes() - before
    refused = total(edge.metrics(), "diffs_refused")
    strangers.end()
    print(f"\n1,000 stopped JSON readers: {grown / 2**20:.1f} MiB, "
          f"{refused:.0f} diffs refused")
    assert grown <= 64 << 20


@pytest.mark.timeout(240)
def test_random_starts_do_not_slow_the_others(painted):
    made, painter = painted
    edge = made["edge-1"]
    seq = painter.client.board.seq
    painter.start()
    watcher = WebSocket(made.api.port, "/api/v1/ws?since=%d" % seq,
                        "stipple.v1", host=made.api.host)
    quiet = pings_ms(watcher, 3)
    cpu = edge.cpu_seconds()
    strangers = Strangers(made.api, seq, 100, 1000, receive_buffer=4096)
    strangers.start()
    busy = pings_ms(watcher, 8)
    share = (edge.cpu_seconds() - cpu) / 8
    strangers.end()
    print(f"\nping p50 {statistics.median(quiet):.2f} ms alone, "
          f"{statistics.median(busy):.2f} ms beside 100 handshakes a second; "
          f"p99 {sorted(busy)[int(len(busy) * 0.99)]:.1f} ms; "
          f"{share:.2f} of a core")
    watcher.close()
    assert statistics.median(busy) < 5


@pytest.mark.timeout(120)
def test_stalled_readers_of_old_boards_are_bounded(cluster):
    made = cluster(size="2000x2000", bits=8, variant="release", edge={
        "board_max_age_s": 0, "board_held_bytes": 32 << 20}).start().ready()
    painter = Painter(made)
    edge, links = made["edge-1"], []
    painter.paint(100)
    made.api.board_at(100)
    before = edge.memory_bytes()
    for _ in range(20):  # each holds a version of 4 MB, and a file with the same
        seq = painter.paint(1)
        until(lambda: edge.metrics()["stipple_edge_seq"] >= seq, 5)
        link = socket.socket()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.connect((made.api.host, made.api.port))
        link.sendall(b"GET /api/v1/board HTTP/1.1\r\nHost: x\r\n\r\n")
        assert link.recv(15) == b"HTTP/1.1 200 OK"
        links.append(link)
    grown = edge.memory_bytes() - before
    print(f"\n20 stalled readers, each of its own board: {grown >> 20} MiB")
    assert total(edge.metrics(), "answers_revoked") > 0
    # The replaced ones, the one in force, the one being made.
    assert grown < 64 << 20
    made.api.board_at(120)  # the others are served
    for link in links:
        link.close()
    painter.end()
