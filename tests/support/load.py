# SPDX-License-Identifier: Apache-2.0
"""Load for fault tests: a thread that keeps placing through what dies, and
remembers exactly what was acknowledged; and stipple-load beside it."""

import collections
import json
import os
import random
import subprocess
import threading
import time

from support.client import Client
from support.cluster import ENVIRONMENT, bin_dir
from support.tokens import user_of
from support.websocket import Closed, Refused

Placed = collections.namedtuple("Placed", "seq user request x y color")


class Accountant(threading.Thread):
    """One player, `rate` placements a second in its own strip of the board
    (rows y0 … y1 - 1). Reconnects by `since` like a good client; a request
    whose verdict it missed is asked again until it knows."""

    def __init__(self, apis, signer, rate, rows, width, name):
        super().__init__(daemon=True)
        self.apis, self.rate, self.rows, self.width = apis, rate, rows, width
        self.sub = name
        self.token = signer.token(name)
        self.acknowledged = {}  # seq: Placed
        self.outages = []  # (began, ended) as this player felt them
        self.rejoined = 0
        self.mismatches = 0
        self.resyncs = 0
        self.error = None
        self.client = None
        self.ending = threading.Event()
        self.rng = random.Random(name)
        self.request = self.rng.getrandbits(31)

    def run(self):
        try:
            self._run()
        except Exception as error:  # shown by finish()
            self.error = error

    def _run(self):
        board = None
        waiting = None  # (request, x, y, color) in doubt
        down_since = None
        while not (self.ending.is_set() and waiting is None):
            try:
                client = self._join(board)
                board = client.board
                while not (self.ending.is_set() and waiting is None):
                    if waiting is None:
                        waiting = self._next()
                    verdict = client.place(*waiting[1:], waiting[0],
                                           timeout=12)
                    self._count(client)
                    if verdict["status"] in ("ok", "duplicate"):
                        self._note(verdict["seq"], waiting)
                        waiting = None
                        if down_since:
                            self.outages.append((down_since,
                                                 time.monotonic()))
                            down_since = None
                        client.drain(1 / self.rate)
                    else:
                        assert verdict["status"] == "unavailable", verdict
                        down_since = down_since or time.monotonic()
                        client.drain(0.1)
            except (Closed, Refused, OSError):
                down_since = down_since or time.monotonic()
                self.rejoined += 1
                time.sleep(0.1)
        self.board = board
        self.client = client

    def _join(self, board):
        api = self.apis[self.rejoined % len(self.apis)]
        return Client(api, token=self.token, board=board)

    def _next(self):
        self.request = (self.request + 1) & 0xFFFFFFFF
        return (self.request, self.rng.randrange(self.width),
                self.rng.randrange(*self.rows), self.rng.randrange(16))

    def _count(self, client):
        self.mismatches += client.mismatches
        client.mismatches = 0
        self.resyncs += len(client.resyncs)
        client.resyncs = []

    def _note(self, seq, waiting):
        request, x, y, color = waiting
        assert seq not in self.acknowledged, f"seq {seq} given twice"
        self.acknowledged[seq] = Placed(seq, user_of(self.sub), request, x, y,
                                        color)

    def finish(self, timeout=40):
        self.ending.set()
        self.join(timeout)
        assert not self.is_alive(), "the player does not come to an end"
        if self.error:
            raise self.error
        return self.acknowledged


class StippleLoad:
    """The project's own load tester, --json."""

    def __init__(self, apis, key_file, viewers, placers, rate, duration,
                 *more, variant="release"):
        words = [os.path.join(bin_dir(variant), "stipple-load")]
        for api in apis:
            words += ["--url", f"http://127.0.0.1:{api.port}"]
        words += ["--viewers", viewers, "--placers", placers, "--rate", rate,
                  "--duration", duration, "--token-key-file", key_file,
                  "--json", *more]
        self.child = subprocess.Popen(
            [str(word) for word in words], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env={**os.environ, **ENVIRONMENT})

    def report(self, timeout):
        try:
            out, err = self.child.communicate(timeout=timeout)
        finally:
            self.stop()
        # It exits by what it found, so the report is what counts here.
        assert out.strip(), err[-2000:]
        return json.loads(out)

    def stop(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.communicate()
