# SPDX-License-Identifier: Apache-2.0
"""A leading broker as a persister sees it (docs/bus.md): it holds one history,
grants, replays and tells its chain. It does what a test tells it to."""

import os
import struct
import threading

import zmq

from support.bus_peers import (
    BOARD, CHAIN, CHAIN_ASK, FORMAT, GRANT, HEAD, LEGACY_ORIGIN, NO_CHAIN,
    PERSISTER, RECORD, RECORDS, REPLAY, SYNC, extend, pack_board, pack_record)

CANVAS = {"protocol": "stipple.v1",
          "board": {"width": 50, "height": 50, "bits": 4, "epoch": 1},
          "palette": [f"#0000{i:02x}" for i in range(16)], "cooldown_ms": 0,
          "paused": False}


class History:
    """Packed records from 1 on, and the chain at every seq."""

    def __init__(self, origin=LEGACY_ORIGIN):
        self.records, self.chains = [], [origin]

    @property
    def seq(self):
        return len(self.records)

    def add(self, count, color):
        """Placements by users that are the colour's own."""
        for _ in range(count):
            seq = self.seq + 1
            before = RECORD.unpack(self.records[-2500])[6] \
                if seq > 2500 else 0  # the pixel's placement before
            record = pack_record(seq, color * 1000 + seq % 7, seq, seq % 50,
                                 seq // 50 % 50, color, before,
                                 placed_at_ms=1_700_000_000_000 + seq)
            self.records.append(record)
            self.chains.append(extend(self.chains[-1], record))
        return self

    def fork(self, seq):
        """The same up to seq."""
        made = History()
        made.records = self.records[:seq]
        made.chains = self.chains[:seq + 1]
        return made


class FakeBroker(threading.Thread):
    def __init__(self, folder, name, epoch, history, first=1):
        super().__init__(daemon=True)
        self.epoch, self.history = epoch, history
        self.first = first  # of its log
        self.active = 1
        self.canvas = CANVAS
        self.chains = True  # says them
        self.word = None  # the last PERSISTER: (epoch, checkpoint, chain)
        self.asked = 0  # CHAIN_ASK
        self.ended = threading.Event()
        context = zmq.Context.instance()
        self.sockets = {}
        for channel, kind in (("control", zmq.ROUTER), ("ingress", zmq.ROUTER),
                              ("journal", zmq.PUSH)):
            socket = self.sockets[channel] = context.socket(kind)
            socket.linger = 0
            path = os.path.join(folder, f"{name}.{channel}")
            socket.bind(f"ipc://{os.path.relpath(path)}")

    def run(self):
        poller = zmq.Poller()
        for channel in ("control", "ingress"):
            poller.register(self.sockets[channel], zmq.POLLIN)
        while not self.ended.is_set():
            for socket, _ in poller.poll(50):
                peer, message = socket.recv_multipart()
                for answer in self.answer(message):
                    socket.send_multipart([peer, answer])
        for socket in self.sockets.values():
            socket.close()

    def finish(self):
        self.ended.set()
        self.join(5)

    def chain(self, seq):
        known = self.chains and self.first - 1 <= seq <= self.history.seq
        return self.history.chains[seq] if known else NO_CHAIN

    def answer(self, message):
        history = self.history
        if message[0] == PERSISTER:
            _, _, epoch, checkpoint, _, _, chain = struct.unpack(
                "<BQIQQB16s", message[1:])
            self.word = epoch, checkpoint, chain
            yield struct.pack("<BBIBQ16s", GRANT, FORMAT, self.epoch,
                              self.active, history.seq,
                              self.chain(history.seq))
        elif message[0] == REPLAY:
            start, most = struct.unpack("<QI", message[1:])
            start = max(start, self.first)
            body = b"".join(history.records[start - 1:start - 1 + most])
            yield HEAD.pack(RECORDS, self.epoch, self.chain(start - 1)) + body
        elif message[0] == CHAIN_ASK:
            self.asked += 1
            seq, = struct.unpack("<Q", message[1:])
            yield struct.pack("<BQ16sQ", CHAIN, seq, self.chain(seq),
                              self.first - 1)
        elif message[0] == SYNC:
            shape = self.canvas["board"]
            yield pack_board(BOARD, self.epoch, history.seq, self.canvas,
                             bytes(shape["width"] * shape["height"] // 2),
                             self.chain(history.seq))


__all__ = ["FakeBroker", "History", "RECORD"]
