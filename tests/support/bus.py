# SPDX-License-Identifier: Apache-2.0
"""The bus of docs/bus.md from the outside: a player without an edge, and the
questions an edge asks a persister."""

import collections
import os
import random
import struct
import threading
import time

import zmq

PLACES, VERDICTS, SYNC, BOARD = 0x10, 0x11, 0x16, 0x17
FORMAT = 2
NO_CHAIN = bytes(16)
PIXEL, USER, ANSWER = 0x50, 0x51, 0x52
FOUND, NONE, STORE_FAILED = 0, 1, 2
OK, DUPLICATE, UNAVAILABLE = 0, 9, 8
RESENT = 2

Placed = collections.namedtuple("Placed", "seq user request x y color")
Record = collections.namedtuple(
    "Record", "seq placed_at_ms user request x y color previous_color flags")


def user_hex(user):
    return f"{user:016x}"


class Dealer:
    def __init__(self, folder, endpoints):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        for endpoint in endpoints:
            # A socket's path has room for 107 bytes: by the folder's number.
            handle = os.open(folder, os.O_RDONLY)
            path = endpoint.replace("ipc://", f"ipc:///proc/self/fd/{handle}/")
            self.socket.connect(path)

    def ask(self, message, timeout_s=5):
        if not self.socket.poll(int(timeout_s * 1000), zmq.POLLOUT):
            return None
        self.socket.send(message)
        return self.receive(timeout_s)

    def receive(self, timeout_s):
        if not self.socket.poll(int(timeout_s * 1000)):
            return None
        return self.socket.recv()

    def close(self):
        self.socket.close()


class Query(Dealer):
    """Asks persisters as an edge does."""

    def _ask(self, message):
        answer = self.ask(message)
        if answer is None:
            return None, None
        assert answer[0] == ANSWER and len(answer) == 1 + 8 + 1 + 40
        assert answer[1:9] == message[1:9], "another ticket"
        return answer[9], Record(*struct.unpack("<QQQIHHBBH", answer[10:46]))

    def pixel(self, x, y):
        return self._ask(struct.pack("<BQHH", PIXEL, 77, x, y))

    def user(self, user):
        return self._ask(struct.pack("<BQQ", USER, 78, user))


def board(folder, endpoint, timeout_s=5):
    """(seq, packed pixels) of the leader's board."""
    dealer = Dealer(folder, [endpoint + ".ingress"])
    try:
        answer = dealer.ask(struct.pack("<BBIQ16s", SYNC, FORMAT, 0, 0, NO_CHAIN),
                            timeout_s)
    finally:
        dealer.close()
    if answer is None or answer[0] != BOARD:
        return None
    _, seq, _, _, json_size = struct.unpack_from("<IQ16sBH", answer, 1)
    return seq, answer[32 + json_size:]


class Player(threading.Thread):
    """Places at `rate` a second in batches, each once more (RESENT) where no
    verdict comes, and keeps what was acknowledged."""

    def __init__(self, folder, endpoint, rate, rng, width, height, users=50):
        super().__init__(daemon=True)
        self.folder, self.endpoint = folder, endpoint
        self.rate, self.rng, self.users = rate, rng, users
        self.width, self.height = width, height
        self.acknowledged = {}
        self.waiting = {}  # ticket: [sent at, fields]
        self.ending = threading.Event()
        self.abandoned = False
        self.error = None
        self.ticket = 0
        self.requests = collections.Counter()
        # So that two players one after the other do not repeat requests.
        self.first_request = random.getrandbits(31)

    def run(self):
        try:
            self._run()
        except Exception as error:
            self.error = error

    def _run(self):
        dealer = Dealer(self.folder, [self.endpoint + ".ingress"])
        began, placed = time.monotonic(), 0
        while not self.abandoned and (
                not self.ending.is_set() or self.waiting):
            due = int((time.monotonic() - began) * self.rate) - placed
            if not self.ending.is_set() and due > 0 and \
                    len(self.waiting) < 5000:
                count = min(due, 1000)
                placed += count
                self._send(dealer, [self._new() for _ in range(count)], 0)
            elif due > 0:
                placed += due  # what could not be placed is not caught up
            self._receive(dealer, 0.02)
            late = [t for t, (sent, _) in self.waiting.items()
                    if time.monotonic() - sent > 2]
            self._send(dealer, late[:4000], RESENT)
        dealer.close()

    def _new(self):
        self.ticket += 1
        user = (self.rng.randrange(self.users) + 1) * 0x9E3779B97F4A7C15
        user &= 2 ** 64 - 1
        self.requests[user] += 1
        self.waiting[self.ticket] = [0, (
            user, self.first_request + self.requests[user], self.rng.randrange(self.width),
            self.rng.randrange(self.height), self.rng.randrange(16))]
        return self.ticket

    def _send(self, dealer, tickets, flags):
        if not tickets or not dealer.socket.poll(0, zmq.POLLOUT):
            return
        parts = [struct.pack("<BH", PLACES, len(tickets))]
        for ticket in tickets:
            entry = self.waiting[ticket]
            entry[0] = time.monotonic()
            parts.append(struct.pack("<QQIHHBB", ticket, *entry[1], flags))
        dealer.socket.send(b"".join(parts))

    def _receive(self, dealer, timeout_s):
        while (message := dealer.receive(timeout_s)) is not None:
            timeout_s = 0
            if message[0] != VERDICTS:
                continue
            count = struct.unpack_from("<H", message, 1)[0]
            for i in range(count):
                ticket, status, seq, _ = struct.unpack_from(
                    "<QBQI", message, 3 + 21 * i)
                if ticket in self.waiting and status != UNAVAILABLE:
                    assert status in (OK, DUPLICATE), status
                    fields = self.waiting.pop(ticket)[1]
                    assert seq not in self.acknowledged, f"{seq} given twice"
                    self.acknowledged[seq] = Placed(seq, *fields)

    def abandon(self):
        """Ends with placements in doubt: their broker is gone."""
        self.abandoned = True
        self.join(10)
        return self.acknowledged

    def finish(self, timeout=60):
        self.ending.set()
        self.join(timeout)
        assert not self.is_alive(), f"{len(self.waiting)} are unanswered"
        if self.error:
            raise self.error
        return {seq: p._replace(user=user_hex(p.user))
                for seq, p in self.acknowledged.items()}
