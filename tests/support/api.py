# SPDX-License-Identifier: Apache-2.0
"""The HTTP API, plainly: one connection a request unless kept."""

import collections
import gzip
import hashlib
import http.client
import itertools
import json
import socket
import time

from support.board import Board
from support.websocket import UNVERIFIED

Answer = collections.namedtuple("Answer", "status headers body")


class Api:
    def __init__(self, port, host="127.0.0.1", tls=False):
        self.port, self.host, self.tls = port, host, tls

    def connection(self, timeout=10):
        if self.tls:
            return http.client.HTTPSConnection(
                self.host, self.port, timeout=timeout, context=UNVERIFIED)
        return http.client.HTTPConnection(self.host, self.port,
                                          timeout=timeout)

    def link(self, timeout=10, receive_buffer=None):
        """A bare socket, through TLS if the edge speaks it."""
        link = socket.socket()
        if receive_buffer:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                            receive_buffer)
        link.settimeout(timeout)
        link.connect((self.host, self.port))
        return UNVERIFIED.wrap_socket(link) if self.tls else link

    def ask(self, method, path, body=None, headers=(), timeout=10):
        link = self.connection(timeout)
        try:
            link.request(method, path, body, dict(headers))
            answer = link.getresponse()
            names = {k.lower(): v for k, v in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            link.close()

    def get(self, path, **headers):
        return self.ask("GET", path, headers={
            name.replace("_", "-"): value for name, value in headers.items()})

    def is_ready(self):
        try:
            return self.get("/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def config(self):
        answer = self.get("/api/v1/config")
        assert answer.status == 200
        return json.loads(answer.body)

    def board(self):
        answer = self.get("/api/v1/board", Accept_Encoding="gzip")
        assert answer.status == 200
        body = answer.body
        if answer.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return Board.parse(body)

    def board_at(self, seq, timeout=10):
        """The board once it is at least at `seq`: it may be max-age old."""
        deadline = time.monotonic() + timeout
        while True:
            board = self.board()
            if board.seq >= seq:
                return board
            assert time.monotonic() < deadline, \
                f"the board stays at {board.seq}, not {seq}"
            time.sleep(0.05)

    def session(self):
        answer = self.ask("POST", "/api/v1/session")
        if answer.status == 403:  # it costs work
            answer = self.ask("POST", "/api/v1/session",
                              json.dumps(worked(json.loads(answer.body))))
        assert answer.status == 201, answer
        return json.loads(answer.body)

    def put(self, x, y, color, token=None, key=None, body=None, timeout=10):
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if key is not None:
            headers["Idempotency-Key"] = str(key)
        if body is None:
            body = json.dumps({"color": color})
        return self.ask("PUT", f"/api/v1/pixels/{x}/{y}", body, headers,
                        timeout)

    def pixel(self, x, y):
        answer = self.get(f"/api/v1/pixels/{x}/{y}")
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def me(self, token):
        answer = self.get("/api/v1/me", Authorization=f"Bearer {token}")
        assert answer.status == 200, answer
        return json.loads(answer.body)


def worked(demand):
    """What solves a `work_required`: the body that is posted then."""
    challenge, bits = demand["challenge"], demand["bits"]
    nonce = next(n for n in itertools.count() if int.from_bytes(
        hashlib.sha256(f"{challenge}{n}".encode()).digest(),
        "big") >> 256 - bits == 0)
    return {"challenge": challenge, "nonce": nonce}


def problem(answer, status, code):
    """Checks an RFC 9457 body and returns it."""
    assert answer.status == status, answer
    assert answer.headers["content-type"].split(";")[0] \
        == "application/problem+json"
    body = json.loads(answer.body)
    assert body["code"] == code, body
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
        assert body["retry_ms"] >= 0
        assert int(answer.headers["retry-after"]) \
            == max(1, -(-body["retry_ms"] // 1000))
    return body
