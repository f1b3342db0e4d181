#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An edge of one process and no cluster, for testing clients.

It speaks enough of docs/protocol.md for stipple-load and the page, keeps the
board in memory, and errs on purpose: --fault NAME[=N], every Nth time.

    lose_diff     a tick's diff is not sent to one client (it must heal)
    wrong_digest  a beat carries a wrong digest
    lose_ack      a placement is acknowledged but never shown
    wrong_color   a placement is shown in another colour
    unavailable   a placement is refused for now
    close         a connection is closed with 1012
    silent_ok     a placement is accepted, and its connection closed unanswered
"""
import argparse
import asyncio
import hashlib
import http
import json
import os
import struct
import time
import urllib.parse

import websockets

OK, OUT_OF_BOUNDS, BAD_COLOR, UNAUTHORIZED = 0, 2, 3, 6
UNAVAILABLE, DUPLICATE = 8, 9


def fmix32(h):
    h ^= h >> 16
    h = h * 0x85EBCA6B & 0xFFFFFFFF
    h ^= h >> 13
    h = h * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return out


class Edge:
    def __init__(self, args):
        self.args = args
        self.width, self.height = args.width, args.height
        self.pixels = bytearray(self.width * self.height)
        self.seq = self.digest = 0
        self.log = []  # (pixel, color) of seq 1, 2, …
        self.sessions = {}
        self.last = {}  # user: (request, seq)
        self.faults, self.asked = {}, {}
        for fault in args.fault:
            name, _, rarity = fault.partition("=")
            self.faults[name] = int(rarity or 100)
        self.hidden = set()  # seqs that are never shown

    def errs(self, name):
        rarity = self.faults.get(name)
        self.asked[name] = self.asked.get(name, 0) + 1
        return bool(rarity) and self.asked[name] % rarity == 0

    def color(self, i, value):
        before = self.pixels[i]
        self.digest ^= fmix32(i * 256 + before) if before else 0
        self.digest ^= fmix32(i * 256 + value) if value else 0
        self.pixels[i] = value

    def diff(self, since, to):
        touched = {}
        for seq in range(since + 1, to + 1):
            if seq not in self.hidden:
                i = self.log[seq - 1][0]
                touched[i] = self.log[seq - 1][1]
        body = bytearray(struct.pack("<BQQ", 2, since, to))
        body += varint(len(touched))
        before = -1
        for i in sorted(touched):
            body += varint(i - before - 1 << 4 | touched[i])
            before = i
        return bytes(body)

    def board(self):
        packed = bytes(
            a << 4 | b for a, b in zip(self.pixels[::2], self.pixels[1::2])
        )
        head = struct.pack(
            "<4sBBHIIQIIQ", b"STPL", 1, 4, 40, self.width, self.height,
            self.seq, 1, self.digest, int(time.time() * 1000),
        )
        return head + packed

    def config(self):
        palette = (
            "FFFFFF E4E4E4 888888 222222 FFA7D1 E50000 E59500 A06A42 E5D900 "
            "94E044 02BE01 00D3DD 0083C7 0000EA CF6EE4 820080"
        ).split()
        return {
            "protocol": "stipple.v1",
            "board": {"width": self.width, "height": self.height, "bits": 4,
                      "epoch": 1},
            "palette": ["#" + c for c in palette],
            "cooldown_ms": self.args.cooldown,
            "paused": False,
            "endpoints": [],
        }

    async def http(self, path, headers):
        if path.startswith("/api/v1/ws"):
            return None
        if path == "/api/v1/board":
            kind, body = "application/vnd.stipple.board", self.board()
        elif path == "/api/v1/config":
            kind, body = "application/json", json.dumps(self.config()).encode()
        else:
            return self.file(path)
        return http.HTTPStatus.OK, [("Content-Type", kind)], body

    def file(self, path):
        """The page, for looking at it without a cluster."""
        name = os.path.basename(path) or "index.html"
        full = os.path.join(self.args.web or "/nonexistent", name)
        kinds = {".js": "text/javascript", ".css": "text/css",
                 ".html": "text/html", ".svg": "image/svg+xml"}
        if not os.path.isfile(full):
            return http.HTTPStatus.NOT_FOUND, [], b"not found"
        with open(full, "rb") as f:
            body = f.read()
        kind = kinds.get(os.path.splitext(name)[1], "text/plain")
        return http.HTTPStatus.OK, [("Content-Type", kind),
                     ("Content-Security-Policy", "default-src 'self'")], body

    async def session(self, ws, path):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
        since = int(query.get("since", ["0"])[0])
        auth = ws.request_headers.get("Authorization", "")
        session = {"seq": since, "user": auth or None}
        if since > self.seq:
            await ws.send(bytes([5, 2]))
            session["seq"] = None
        await self.hello(ws, session)
        self.sessions[ws] = session
        try:
            async for message in ws:
                await self.message(ws, session, message)
        except websockets.ConnectionClosed:
            pass
        finally:
            del self.sessions[ws]

    async def hello(self, ws, session):
        await ws.send(struct.pack(
            "<BBBHHIQIIB", 1, 1, 4, self.width, self.height, 1, self.seq,
            self.args.cooldown, 0, 0 if session["user"] else 1))

    async def message(self, ws, session, message):
        if message[0] == 0x82:
            session["seq"] = struct.unpack("<Q", message[1:])[0]
        elif message[0] == 0x83:
            session["user"] = hashlib.sha256(message[1:]).hexdigest()
            await self.hello(ws, session)
        elif message[0] == 0x81:
            await self.place(ws, session, *struct.unpack("<IHHB", message[1:]))

    async def place(self, ws, session, request, x, y, color):
        status, seq = OK, 0
        user = session["user"]
        if not user:
            status = UNAUTHORIZED
        elif x >= self.width or y >= self.height:
            status = OUT_OF_BOUNDS
        elif color > 15:
            status = BAD_COLOR
        elif self.last.get(user, (None,))[0] == request:
            status, seq = DUPLICATE, self.last[user][1]
        elif self.errs("unavailable"):
            status = UNAVAILABLE
        else:
            seq = self.accept(user, request, y * self.width + x, color)
        if seq and self.errs("silent_ok"):
            await ws.close(1011)
            return
        wait = self.args.cooldown if status == OK else 0
        await ws.send(struct.pack("<BIBQI", 3, request, status, seq, wait))

    def accept(self, user, request, i, color):
        self.log.append((i, color))
        self.seq += 1
        self.last[user] = (request, self.seq)
        if self.errs("lose_ack"):
            self.hidden.add(self.seq)
        else:
            color ^= self.errs("wrong_color")
            self.log[-1] = (i, color)
            self.color(i, color)
        return self.seq

    async def tick(self):
        beat_at = time.monotonic() + 1
        while True:
            await asyncio.sleep(self.args.tick_ms / 1000)
            frames = {}
            beat = None
            head = self.seq  # goes on while we send
            if time.monotonic() >= beat_at:
                beat_at += 1
                digest = self.digest ^ (1 if self.errs("wrong_digest") else 0)
                beat = struct.pack(
                    "<BQII", 4, head, digest, len(self.sessions))
            for ws, session in list(self.sessions.items()):
                await self.show(ws, session, head, frames, beat)

    async def show(self, ws, session, head, frames, beat):
        try:
            since = session["seq"]
            if since is not None and since < head:
                if since not in frames:
                    frames[since] = self.diff(since, head)
                session["seq"] = head
                if not self.errs("lose_diff"):
                    await ws.send(frames[since])
            if beat:
                await ws.send(beat)
                if self.errs("close"):
                    await ws.close(1012)
        except websockets.ConnectionClosed:
            pass


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--tick-ms", type=int, default=50)
    parser.add_argument("--cooldown", type=int, default=0)
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("--web", help="folder of the page")
    args = parser.parse_args()
    edge = Edge(args)
    server = await websockets.serve(
        edge.session, "127.0.0.1", args.port, process_request=edge.http,
        subprotocols=["stipple.v1"], compression=None, max_queue=None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await edge.tick()


if __name__ == "__main__":
    asyncio.run(main())
