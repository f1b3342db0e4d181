# SPDX-License-Identifier: Apache-2.0
"""A few hundred clients of the public protocol, some per thread. Each places,
asks again until it knows, watches, comes back with `since`, and notes every
answer and the digest of its board at every seq that it is told."""

import collections
import http.client
import random
import select
import threading
import time

from faults.check import Answer, Final, Sight
from support.board import Board
from support.client import Client
from support.codec import Binary
from support.tokens import user_of
from support.websocket import Closed, Refused

PATIENCE_S = 15  # for a verdict; an edge gives up after 6
FRAMES_KEPT = 256
AWAY = (Closed, Refused, OSError, http.client.HTTPException)
Asked = collections.namedtuple("Asked", "request x y color")


class Codec(Binary):
    """Frames are the same for everybody: each is decoded once per thread."""

    def __init__(self, kept):
        super().__init__()
        self.kept = kept

    def decode(self, payload):
        if payload[0] == 1:
            return super().decode(payload)
        event = self.kept.get(payload)
        if event is None:
            event = super().decode(payload)
            if len(self.kept) >= FRAMES_KEPT:
                self.kept.pop(next(iter(self.kept)))
            self.kept[payload] = event
        return event


class Viewer(Client):
    def __init__(self, player, **options):
        self.player = player
        super().__init__(player.api(), token=player.token, board=player.board,
                         **options)

    @property
    def codec(self):
        return self._codec

    @codec.setter
    def codec(self, _):
        self._codec = Codec(self.player.frames)

    def pump(self, timeout=0.0):
        message = self.socket.receive(timeout)
        if message is None:
            return None
        event = self.codec.decode(message[1])
        getattr(self, "_on_" + event["type"])(event)
        return event

    def _on_hello(self, event):
        super()._on_hello(event)
        self.player.board = self.board

    def _on_diff(self, event):
        before = self.board.seq
        super()._on_diff(event)
        if self.board.seq != before:
            self.player.note_sight()

    def _on_beat(self, event):
        super()._on_beat(event)
        if self.mismatches:
            self.player.wrong(f"seq {event['seq']}: a beat has another digest")
            self.mismatches = 0

    def _on_resync(self, event):
        self.player.note_resync(event["reason"])
        super()._on_resync(event)

    def heal(self):
        answer = self.api.ask("GET", "/api/v1/board", timeout=5)
        if answer.status != 200:
            raise Closed(1006, "no board to be had")
        self.player.board = self.board = Board.parse(answer.body)
        self.player.note_sight()
        self.say(self.codec.since(self.board.seq))


class Player:
    """One user. `asked` holds every placement that it ever sent: none twice, so
    that the store's rows can be told apart."""

    def __init__(self, crowd, number, token):
        self.crowd, self.number, self.token = crowd, number, token
        self.sub = crowd.sub(number)
        self.user = user_of(self.sub)
        self.rng = random.Random(f"{crowd.seed} {number}")
        self.board = self.client = None
        self.answers, self.sights = [], []
        self.asked, self.request = set(), 0
        self.waiting, self.copies, self.sent_at = None, 0, 0.0
        self.in_flight, self.said_at = False, 0.0
        self.frames = {}  # decoded; its thread's
        self.next_at = time.time() + self.rng.uniform(0, crowd.every_s)
        self.join_at = 0.0

    def api(self):
        return self.rng.choice(self.crowd.apis)

    def wrong(self, what):
        self.crowd.wrong.append(f"player-{self.number}: {what}")

    def note_sight(self):
        self.sights.append(Sight(f"player-{self.number}", time.time(),
                                 self.board.seq, self.board.digest))

    def note_resync(self, reason):
        self.crowd.resyncs[reason] += 1

    def join(self):
        self.join_at = time.time() + self.rng.uniform(0.2, 0.8)
        try:
            self.client = Viewer(self, timeout=5.0)
        except AWAY:
            self.client = None
        except AssertionError as error:  # no HELLO in time, or a wrong one
            if "HELLO" not in str(error):
                self.wrong(repr(error))
            self.client = None
        self.in_flight = False

    def leave(self):
        if self.client:
            self.client.socket.abort()
        self.client, self.in_flight = None, False

    def read(self):
        try:
            while self.client and self.client.pump():
                self._take_verdict()
        except AWAY:
            self.leave()
        except AssertionError as error:
            self.wrong(repr(error))
            self.leave()

    def _next(self):
        width, height = self.crowd.size
        while True:
            self.request += 1
            asked = Asked(self.request, self.rng.randrange(width),
                          self.rng.randrange(height), self.rng.randrange(16))
            if asked[1:] not in self.asked:
                self.asked.add(asked[1:])
                return asked

    def act(self, now):
        """Places what is due; sends again what was not answered."""
        if self.client is None:
            if now >= self.join_at:
                self.join()
            return
        if self.in_flight:
            if now - self.said_at > PATIENCE_S:
                self.leave()
            return
        if now < self.next_at or (self.crowd.quiet and not self.waiting):
            return
        if self.waiting is None:
            self.waiting, self.copies, self.sent_at = self._next(), 0, now
        self.copies += 1
        self.in_flight, self.said_at = True, now
        try:
            self.client.send_place(*self.waiting[1:], self.waiting[0])
        except AWAY:
            self.leave()

    def _take_verdict(self):
        if not self.waiting or not self.client:
            return
        verdict = self.client.verdicts.pop(self.waiting.request, None)
        if verdict is None:
            return
        now, status = time.time(), verdict["status"]
        self.in_flight = False
        if status in ("unavailable", "rate_limited"):
            self.next_at = now + self.rng.uniform(0.3, 1.0)
            return
        remaining_ms = verdict["cooldown_remaining_ms"]
        self.answers.append(Answer(
            self.user, *self.waiting[1:], status, verdict["seq"],
            remaining_ms, self.copies, self.sent_at, now))
        self.waiting = None
        eager = self.rng.random() < 0.1  # and is refused
        self.next_at = now + (0 if eager else remaining_ms / 1000 +
                              self.rng.uniform(0.05, self.crowd.every_s))


class Crowd:
    def __init__(self, apis, signer, seed, count, size, every_s, threads=6):
        self.apis, self.seed, self.size = apis, seed, size
        self.every_s = every_s
        self.quiet = self.ending = False
        self.wrong = []
        self.resyncs = collections.Counter()
        self.players = [Player(self, number, signer.token(
            self.sub(number), ttl=86400)) for number in range(count)]
        self.threads = [threading.Thread(
            target=self._run, args=(self.players[i::threads],), daemon=True)
            for i in range(threads)]
        for thread in self.threads:
            thread.start()

    def sub(self, number):
        return f"{self.seed}-{number}"

    def _run(self, players):
        frames = {}
        for player in players:
            player.frames = frames
        try:
            while not self.ending:
                self._turn(players)
        except Exception as error:  # a test's own mistake
            self.wrong.append(f"the crowd: {error!r}")
            raise

    def _turn(self, players):
        now = time.time()
        for player in players:
            player.act(now)
        open_ones = {p.client.fileno(): p for p in players if p.client}
        poll = select.poll()
        for number in open_ones:
            if number >= 0:
                poll.register(number, select.POLLIN)
        for number, _ in poll.poll(50):
            open_ones[number].read()

    def gathered(self, name):
        return [one for player in self.players
                for one in getattr(player, name)]

    def granted(self):
        return sum(len(player.answers) for player in self.players)

    def placements(self):
        return {(player.user, *asked) for player in self.players
                for asked in player.asked}

    def level(self, seq):
        """Whether everybody is there, at `seq`, and knows its answer."""
        return all(p.client and p.board and p.board.seq == seq and
                   not p.waiting for p in self.players)

    def finals(self):
        return [Final(f"player-{p.number}", time.time(),
                      p.board.seq if p.board else -1,
                      bytes(p.board.pixels) if p.board else b"")
                for p in self.players]

    def end(self):
        self.ending = True
        for thread in self.threads:
            thread.join(30)
        for player in self.players:
            player.leave()
