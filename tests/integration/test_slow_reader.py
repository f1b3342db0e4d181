# SPDX-License-Identifier: Apache-2.0
"""Who does not read holds at most one unfinished frame, slows nobody down, and
is right again within a second of reading."""

import random
import threading
import time

import pytest

from support.client import Client
from support.metrics import total

pytestmark = pytest.mark.timed

SIDE = 300
STOPPED_S = 30


class Painter(threading.Thread):
    """Keeps the board changing, 500 placements a second."""

    def __init__(self, made):
        super().__init__(daemon=True)
        self.client = Client(made.api, token=made.signer.token())
        self.ending = threading.Event()
        self.sent = 0
        self.latencies = []

    def run(self):
        rng = random.Random(1)
        client = self.client
        while not self.ending.is_set():
            began = time.monotonic()
            for _ in range(25):
                last = client.send_place(rng.randrange(SIDE),
                                         rng.randrange(SIDE),
                                         rng.randrange(16))
                self.sent += 1
            client.verdict(last)
            self.latencies.append(time.monotonic() - began)
            client.verdicts.clear()
            client.drain(max(0.0, 0.05 - (time.monotonic() - began)))


@pytest.mark.parametrize("io_uring", ["on", "off"])
@pytest.mark.timeout(180)
def test_client_that_stops_reading_costs_one_frame(cluster, io_uring):
    # The release build: ASan's quarantine would hide what memory is held.
    made = cluster(size=f"{SIDE}x{SIDE}", variant="release",
                   edge={"io_uring": io_uring}).start().ready()
    painter = Painter(made)
    watcher = Client(made.api)
    slow = [Client(made.api, receive_buffer=4096) for _ in range(50)]
    painter.start()
    edge = made["edge-1"]
    for client in slow:
        client.drain(0.02)
    watcher.drain(2)
    before = edge.memory_bytes()
    gaps, last_to, last_at = [], watcher.board.seq, time.monotonic()
    end = time.monotonic() + STOPPED_S
    while time.monotonic() < end:
        watcher.pump(0.2)
        if watcher.board.seq > last_to:
            gaps.append(time.monotonic() - last_at)
            last_to, last_at = watcher.board.seq, time.monotonic()
    grown = edge.memory_bytes() - before
    # One unfinished frame each, with room for malloc's own ways.
    assert grown < 50 * 16384 + (2 << 20), f"{grown} bytes for 50 who stopped"
    gaps.sort()
    assert gaps[int(len(gaps) * 0.99)] < 0.5, "the others lag"
    watcher.prove()
    assert not watcher.resyncs
    # One begins to read: correct within a second.
    for client in slow[:5]:
        began = time.monotonic()
        target = watcher.board.seq
        seen = len(client.resyncs)
        client.until(lambda: client.board.seq >= target, 3, "catching up")
        took = time.monotonic() - began
        assert took <= 1.0, f"{took:.2f} s, {len(client.resyncs) - seen} resyncs"
        client.until(lambda: client.checked_beats, 3)
        assert not client.mismatches
        watcher.drain(0)
    painter.ending.set()
    painter.join(20)
    assert painter.sent > 3000
    latencies = sorted(painter.latencies)
    assert latencies[int(len(latencies) * 0.99)] < 0.5
    assert total(edge.metrics(), "skipped") > 0
    for client in slow + [watcher]:
        client.close()
