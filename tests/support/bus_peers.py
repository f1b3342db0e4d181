# SPDX-License-Identifier: Apache-2.0
"""The other ends of a broker's sockets (docs/bus.md): an edge and a persister
that do what a test tells them to."""

import itertools
import json
import os
import random
import struct
import time

import xxhash
import zmq

from support.board import Board
from support.codec import read_varint
from support.wait import Late

FORMAT = 2
PLACES, VERDICTS, REPORT, SYNC, BOARD, RANGE = 0x10, 0x11, *range(0x15, 0x19)
DIFF, BEAT, CANVAS = range(0x24, 0x27)
RECORDS = 0x31
REPLAY, SNAPSHOT_ASK = 0x42, 0x43
CTL, CTL_REPLY = 0x48, 0x49
PERSISTER, GRANT, SNAPSHOT, CHAIN_ASK, CHAIN = range(0x4a, 0x4f)
POLICY = 0x27

(OK, COOLDOWN, OUT_OF_BOUNDS, BAD_COLOR, BANNED, PAUSED, UNAUTHORIZED,
 RATE_LIMITED, UNAVAILABLE, DUPLICATE, PROTECTED) = range(11)
KEYLESS, RESENT, ASK = 1, 2, 4

PLACE = struct.Struct("<QQIHHBB")
VERDICT = struct.Struct("<QBQI")
RECORD = struct.Struct("<QQQIHHBBHI")

# relations of two histories (common/chain.h)
UNKNOWN, EQUAL, CONTINUES, BEHIND, FORKED = range(5)
NO_CHAIN = bytes(16)
LEGACY_ORIGIN = xxhash.xxh3_128_digest(b"stipple 0.1.0")
HEAD = struct.Struct("<BI16s")  # of DIFF, RANGE, CANVAS and RECORDS
BEAT_BODY = struct.Struct("<BIQIII16s")
BOARD_HEAD = struct.Struct("<BIQ16sBH")


def extend(chain, records):
    """The chain behind packed records that follow on from `chain`."""
    for at in range(0, len(records), RECORD.size):
        if chain != NO_CHAIN:
            chain = xxhash.xxh3_128_digest(chain + records[at:at + RECORD.size])
    return chain


def parse_records(body):
    assert len(body) % RECORD.size == 0
    return [dict(zip(("seq", "placed_at_ms", "user", "request", "x", "y",
                      "color", "previous_color", "flags"), fields))
            for fields in RECORD.iter_unpack(body)]


def pack_record(seq, user, request, x, y, color, previous=0, placed_at_ms=None,
                flags=0):
    return RECORD.pack(seq, placed_at_ms or int(time.time() * 1000), user,
                       request, x, y, color, previous, flags, 0)


def pack_board(kind, epoch, seq, canvas, pixels, chain=NO_CHAIN,
               relation=UNKNOWN):
    text = json.dumps(canvas).encode() if canvas else b""
    return BOARD_HEAD.pack(kind, epoch, seq, chain, relation,
                           len(text)) + text + pixels


def parse_board(message):
    _, epoch, seq, _, _, size = BOARD_HEAD.unpack_from(message)
    at = BOARD_HEAD.size
    return epoch, seq, json.loads(message[at:at + size]), message[at + size:]


def endpoint(folder, base, channel):
    assert base.startswith("ipc://")
    path = os.path.relpath(os.path.join(folder, base[6:]))
    full = os.path.join(folder, base[6:])
    return f"ipc://{min(path, full, key=len)}.{channel}"


class Link:
    """A DEALER, SUB or PULL to one broker."""

    def __init__(self, context, kind, address):
        self.socket = context.socket(kind)
        self.socket.linger = 0
        self.socket.reconnect_ivl = 50
        if kind == zmq.SUB:
            self.socket.subscribe(b"")
        self.socket.connect(address)

    def send(self, message):
        self.socket.send(message)

    def receive(self, timeout=5.0):
        """One message; None where none comes."""
        if not self.socket.poll(int(timeout * 1000)):
            return None
        return self.socket.recv()

    def expect(self, kind, timeout=5.0):
        """The next message of this type; others are passed over."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            message = self.receive(left)
            if message and message[0] == kind:
                return message
        raise Late(f"no message 0x{kind:02x} within {timeout} s")

    def close(self):
        self.socket.close()


class Edge:
    """What an edge says to one broker, and a mirror of the board."""

    tickets = itertools.count(1)

    def __init__(self, context, folder, base):
        self.ingress = Link(context, zmq.DEALER,
                            endpoint(folder, base, "ingress"))
        self.feed = Link(context, zmq.SUB, endpoint(folder, base, "feed"))
        self.board = None
        self.canvas = None
        self.epoch = 0
        self.beat = None
        self.gaps = 0

    def close(self):
        self.ingress.close()
        self.feed.close()

    def post(self, places):
        """places: (user, request, x, y, color[, flags]); returns tickets."""
        tickets = [next(self.tickets) for _ in places]
        body = b"".join(
            PLACE.pack(t, *p[:5], p[5] if len(p) > 5 else 0)
            for t, p in zip(tickets, places))
        self.ingress.send(struct.pack("<BH", PLACES, len(places)) + body)
        return tickets

    def verdicts(self, timeout=5.0):
        message = self.ingress.expect(VERDICTS, timeout)
        count = struct.unpack_from("<H", message, 1)[0]
        assert len(message) == 3 + count * VERDICT.size
        return list(VERDICT.iter_unpack(message[3:]))

    def place(self, *places, timeout=5.0):
        """[(status, seq, remaining_ms)] in the order of `places`."""
        tickets = self.post(places)
        answers = {}
        while len(answers) < len(tickets):
            for ticket, *rest in self.verdicts(timeout):
                answers[ticket] = tuple(rest)
        return [answers[t] for t in tickets]

    def place_one(self, *place, timeout=5.0):
        return self.place(place, timeout=timeout)[0]

    def report(self, viewers):
        self.ingress.send(struct.pack("<BI", REPORT, viewers))

    def sync(self, epoch=0, seq=0, timeout=5.0, chain=NO_CHAIN):
        """("board", epoch, seq, canvas, pixels) or ("range", epoch, diff)."""
        self.ingress.send(struct.pack("<BBIQ16s", SYNC, FORMAT, epoch, seq,
                                      chain))
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            message = self.ingress.receive(left)
            if message and message[0] == BOARD:
                return ("board", *parse_board(message))
            if message and message[0] == RANGE:
                return ("range", struct.unpack_from("<I", message, 1)[0],
                        message[HEAD.size:])
        raise Late("no answer to SYNC")

    def load(self, timeout=5.0):
        """The mirror from a whole board."""
        kind, epoch, seq, canvas, pixels = self.sync(timeout=timeout)
        assert kind == "board"
        shape = canvas["board"]
        self.board = Board(shape["width"], shape["height"], shape["bits"])
        for index in range(shape["width"] * shape["height"]):
            byte = pixels[index * shape["bits"] // 8]
            self.board.set(index, byte if shape["bits"] == 8 else
                           byte >> (0 if index % 2 else 4) & 15)
        self.board.seq, self.epoch, self.canvas = seq, epoch, canvas
        return self

    def apply(self, diff):
        start, to = struct.unpack_from("<QQ", diff)
        if to <= self.board.seq:
            return
        if start > self.board.seq:
            self.gaps += 1
            self.apply(self.sync(self.epoch, self.board.seq)[2])
            return
        count, at = read_varint(diff, 16)
        index, bits = -1, self.board.bits
        for _ in range(count):
            value, at = read_varint(diff, at)
            index += 1 + (value >> bits)
            self.board.set(index, value & (1 << bits) - 1)
        assert at == len(diff)
        self.board.seq = to

    def follow(self, seq, timeout=5.0):
        """Reads the feed until the mirror is at seq and a beat agreed."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.feed.receive(max(0, deadline - time.monotonic()))
            if message is None:
                raise Late(f"the feed did not come to {seq}: mirror at "
                           f"{self.board.seq}, beat {self.beat}")
            if message[0] == DIFF:
                self.epoch = struct.unpack_from("<I", message, 1)[0]
                self.apply(message[HEAD.size:])
            elif message[0] == CANVAS:
                self.canvas = json.loads(message[HEAD.size:])
            elif message[0] == BEAT:
                self.beat = dict(zip(
                    ("epoch", "seq", "digest", "online", "lease_ms", "chain"),
                    BEAT_BODY.unpack(message[1:])[1:]))
                self.epoch = self.beat["epoch"]
                if self.beat["seq"] > self.board.seq:
                    self.gaps += 1
                    self.apply(self.sync(self.epoch, self.board.seq)[2])
                if self.beat["seq"] == self.board.seq:
                    assert self.beat["digest"] == self.board.digest
                    if self.board.seq >= seq:
                        return self

    def wait_beat(self, least_epoch=1, timeout=10.0):
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            message = self.feed.receive(left)
            if message and message[0] == BEAT:
                beat = BEAT_BODY.unpack(message[1:])[1:]
                if beat[0] >= least_epoch:
                    return dict(zip(("epoch", "seq", "digest", "online",
                                     "lease_ms", "chain"), beat))
        raise Late(f"no beat of epoch {least_epoch} within {timeout} s")


class Persister:
    """A store in memory behind the control channel of several brokers."""

    def __init__(self, context, folder, bases):
        self.controls = [Link(context, zmq.DEALER,
                              endpoint(folder, base, "control"))
                         for base in bases]
        self.journals = [Link(context, zmq.PULL,
                              endpoint(folder, base, "journal"))
                         for base in bases]
        self.instance = random.getrandbits(63) | 1
        self.records = {}  # seq: packed
        self.epoch = 0
        self.origin = NO_CHAIN  # chain(0)
        self.active = 0
        self.snapshot = None  # (seq, canvas, pixels)
        self.checkpoint = 0
        self.grants = []
        self.mute = False

    def close(self):
        for link in self.controls + self.journals:
            link.close()

    def chain_at(self, seq):
        """As its records give it; unknown if it does not hold them all."""
        chain = self.origin
        for number in range(1, seq + 1):
            if number not in self.records:
                return NO_CHAIN
            chain = extend(chain, self.records[number])
        return chain

    def hello(self):
        seq = self.snapshot[0] if self.snapshot else 0
        for control in self.controls:
            control.send(struct.pack("<BBQIQQB16s", PERSISTER, FORMAT,
                                     self.instance, self.epoch,
                                     self.checkpoint, seq, self.active,
                                     self.chain_at(self.checkpoint)))

    def _keep(self, message):
        body = message[HEAD.size:]
        if not self.checkpoint and self.origin == NO_CHAIN and \
                RECORD.size <= len(body) and body[:8] == b"\1" + bytes(7):
            self.origin = HEAD.unpack_from(message)[2]
        for at in range(0, len(body), RECORD.size):
            record = body[at:at + RECORD.size]
            self.records.setdefault(struct.unpack_from("<Q", record)[0],
                                    record)
        while self.checkpoint + 1 in self.records:
            self.checkpoint += 1
        return len(body) // RECORD.size

    def _answer(self, control, message):
        if message[0] == GRANT:
            _, epoch, active, seq, _ = struct.unpack("<BIBQ16s", message[1:])
            self.grants.append((epoch, active, seq))
            self.active = active
            self.epoch = max(self.epoch, epoch)
            if active and self.checkpoint < seq:
                control.send(struct.pack("<BQI", REPLAY, self.checkpoint + 1,
                                         16384))
        elif message[0] == RECORDS:
            self._keep(message)
        elif message[0] == SNAPSHOT_ASK and not self.mute:
            seq, canvas, pixels = self.snapshot or (0, None, b"")
            control.send(pack_board(SNAPSHOT, self.epoch, seq, canvas, pixels,
                                    self.chain_at(seq)))
        elif message[0] == REPLAY and not self.mute:
            start, most = struct.unpack("<QI", message[1:])
            body, chain = b"", self.chain_at(start - 1)
            while start in self.records and most:
                body += self.records[start]
                start, most = start + 1, most - 1
            control.send(HEAD.pack(RECORDS, self.epoch, chain) + body)
        elif message[0] == CHAIN_ASK:
            seq = struct.unpack("<Q", message[1:])[0]
            control.send(struct.pack("<BQ16sQ", CHAIN, seq,
                                     self.chain_at(seq), 0))

    def run(self, seconds=0.0, until=None):
        """Says hello and answers, for a time or until a condition holds."""
        deadline = time.monotonic() + (seconds or 10.0)
        hello_at = 0
        while time.monotonic() < deadline:
            if time.monotonic() >= hello_at:
                self.hello()
                hello_at = time.monotonic() + 0.5
            for journal in self.journals:
                while (message := journal.receive(0)):
                    assert message[0] == RECORDS
                    self._keep(message)
            for control in self.controls:
                while (message := control.receive(0.005)):
                    self._answer(control, message)
            if until and until():
                return self
        if until:
            raise Late("the persister waited in vain")
        return self


def ask(context, folder, base, timeout=3.0, **request):
    """stipplectl's request to one broker; None where it does not answer."""
    control = Link(context, zmq.DEALER, endpoint(folder, base, "control"))
    try:
        control.send(bytes([CTL]) + json.dumps(request).encode())
        message = control.receive(timeout)
        if message is None:
            return None
        assert message[0] == CTL_REPLY
        return json.loads(message[1:])
    finally:
        control.close()
