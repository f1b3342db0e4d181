# SPDX-License-Identifier: Apache-2.0
"""A client as docs/protocol.md wants it: holds a board, applies diffs, heals
itself, proves its board by each beat's digest."""

import random
import select
import time

from support.board import Board
from support.codec import FLAVOURS
from support.wait import Late
from support.websocket import WebSocket


class Client:
    def __init__(self, api, flavour="binary", token=None, since=None,
                 board=None, token_in="query", **options):
        self.api = api
        self.codec = FLAVOURS[flavour]()
        self.board = board
        self.verdicts = {}
        self.events = []  # every message, diffs' pixels aside
        self.hello = self.beat = self.notice = None
        self.resyncs = []
        self.mismatches = 0
        self.checked_beats = 0
        self.request = random.getrandbits(31)
        since = board.seq if since is None and board else since
        query = [] if since is None else [f"since={since}"]
        headers = list(options.pop("headers", ()))
        if token is not None and token_in == "query":
            query.append(f"token={token}")
        elif token is not None:
            headers.append(("Authorization", f"Bearer {token}"))
        path = "/api/v1/ws" + ("?" + "&".join(query) if query else "")
        self.socket = WebSocket(api.port, path, self.codec.protocol,
                                headers, host=api.host,
                                **{"tls": getattr(api, "tls", False),
                                   **options})
        self.until(lambda: self.hello, what="HELLO")

    def fileno(self):
        return self.socket.fileno()

    # --- reading ---

    def pump(self, timeout=0.0):
        """Reads one message, if one comes in time, and returns it."""
        message = self.socket.receive(timeout)
        if message is None:
            return None
        opcode, payload = message
        assert opcode == self.codec.opcode
        event = self.codec.decode(payload)
        self.events.append({k: v for k, v in event.items() if k != "pixels"})
        getattr(self, "_on_" + event["type"])(event)
        return event

    def until(self, condition, timeout=10.0, what="condition"):
        deadline = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            left = deadline - time.monotonic()
            if left <= 0:
                raise Late(f"not within {timeout} s: {what}")
            self.pump(min(left, 0.1))

    def drain(self, seconds=0.0):
        """Reads whatever comes for that long."""
        deadline = time.monotonic() + seconds
        while self.pump(max(0.0, deadline - time.monotonic())) or \
                time.monotonic() < deadline:
            pass

    def _on_hello(self, event):
        self.hello = event
        if self.board is None:
            self.board = Board(event["width"], event["height"], event["bits"])
        self.board.epoch = event["epoch"]

    def _on_diff(self, event):
        board = self.board
        assert event["from"] < event["to"], "an empty range"
        assert not self.resyncing(), "a DIFF between RESYNC and SINCE"
        if event["from"] > board.seq:
            self.say(self.codec.since(board.seq))
            return
        if event["to"] <= board.seq:
            return
        last = -1
        for x, y, color in event["pixels"]:
            index = y * board.width + x
            assert x < board.width and y < board.height
            assert index > last, "pixels are not ascending"
            last = index
            board.set(index, color)
        board.seq = event["to"]

    def _on_verdict(self, event):
        assert event["request"] not in self.verdicts, "two verdicts for one"
        self.verdicts[event["request"]] = event

    def _on_beat(self, event):
        self.beat = event
        if event["seq"] == self.board.seq:
            self.checked_beats += 1
            self.mismatches += event["digest"] != self.board.digest

    def _on_resync(self, event):
        self.resyncs.append(event["reason"])
        self.heal()

    def _on_notice(self, event):
        self.notice = event

    def resyncing(self):
        return False  # heal() is done within the RESYNC's own turn

    def heal(self):
        # Asked again at once, a board that a cache serves would be as old.
        if len(self.resyncs) > 1:
            time.sleep(0.5)
        self.board = self.api.board()
        self.say(self.codec.since(self.board.seq))

    # --- speaking ---

    def say(self, payload):
        self.socket.send(self.codec.opcode, payload)

    def send_place(self, x, y, color, request=None):
        if request is None:
            self.request = request = (self.request + 1) & 0xFFFFFFFF
        self.say(self.codec.place(request, x, y, color))
        return request

    def verdict(self, request, timeout=10.0):
        self.until(lambda: request in self.verdicts, timeout, "a verdict")
        return self.verdicts.pop(request)

    def place(self, x, y, color, request=None, timeout=10.0):
        """Places and waits for the verdict."""
        return self.verdict(self.send_place(x, y, color, request), timeout)

    def reach(self, seq, timeout=10.0):
        self.until(lambda: self.board.seq >= seq, timeout, f"seq {seq}")

    def prove(self, timeout=5.0):
        """A beat at this client's seq whose digest is its board's."""
        checked = self.checked_beats
        self.until(lambda: self.checked_beats > checked, timeout, "a beat")
        assert not self.mismatches, "the board is wrong"

    def close(self):
        self.socket.close()


def pump_all(clients, seconds):
    """Lets all clients read for that long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ready = select.select(clients, [], [],
                              max(0, deadline - time.monotonic()))[0]
        for client in ready:
            while client.pump():
                pass
