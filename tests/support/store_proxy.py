# SPDX-License-Identifier: Apache-2.0
"""Bad weather between a persister and its store: proxies that forward until
`weather` tells them to misbehave.

    DynamoProxy: clear throttle unprocessed unavailable stall close half
                 expired unrecognized mistyped skew
    CqlProxy:    clear overloaded stall close half
"""

import datetime
import email.utils
import http.client
import http.server
import json
import socket
import struct
import threading
import time

STALL_S = 60


class DynamoProxy:
    """Speaks HTTP on `port`; asks the server at `server_port`."""

    def __init__(self, server_port):
        self.server_port = server_port
        self.weather = "clear"
        self.token = None  # the session token that is not expired
        self.skew_s = 0  # of this service's clock
        self.counts = {}  # of what was done, by weather
        self.ending = threading.Event()
        proxy = self

        class Handler(_DynamoHandler):
            pass
        Handler.proxy = proxy
        self.server = _QuietServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def close(self):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()


class _QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that gave up is part of the weather."""


class _DynamoHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return email.utils.formatdate(time.time() + self.proxy.skew_s,
                                      usegmt=True)

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        self.body = self.rfile.read(size)
        weather = self.proxy.weather
        self.proxy.count(weather)
        getattr(self, "when_" + weather)()

    def forward(self, body=None):
        link = http.client.HTTPConnection("127.0.0.1", self.proxy.server_port,
                                          timeout=STALL_S)
        headers = {k: v for k, v in self.headers.items()
                   if k.lower() not in ("host", "content-length")}
        try:
            link.request("POST", "/", body or self.body, headers)
            answer = link.getresponse()
            return answer.status, answer.read()
        except OSError:
            return None, b""
        finally:
            link.close()

    def reply(self, status, body):
        if status is None:  # the server is away: so are we
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def error(self, status, name, message="on purpose"):
        self.reply(status, json.dumps(
            {"__type": "com.amazonaws.dynamodb.v20120810#" + name,
             "message": message}).encode())

    def when_clear(self):
        self.reply(*self.forward())

    def when_throttle(self):
        self.error(400, "ProvisionedThroughputExceededException")

    def when_unavailable(self):
        self.reply(503, b"<html>busy</html>")

    def when_unprocessed(self):
        """Takes the first ten items of a batch, leaves the rest."""
        if not self.headers["X-Amz-Target"].endswith("BatchWriteItem"):
            self.when_clear()
            return
        items = json.loads(self.body)["RequestItems"]
        (table, puts), = items.items()
        status, body = self.forward(json.dumps(
            {"RequestItems": {table: puts[:10]}}).encode())
        if status == 200 and puts[10:]:
            body = json.dumps({"UnprocessedItems": {table: puts[10:]}}).encode()
        self.reply(status, body)

    def when_stall(self):
        self.proxy.ending.wait(STALL_S)
        self.close_connection = True

    def when_slow(self):
        time.sleep(0.02)  # what each answer takes
        self.when_clear()

    def when_close(self):
        self.close_connection = True
        self.connection.close()

    def when_half(self):
        """The write is done, but only half of the answer arrives."""
        _, body = self.forward()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + 10))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2])
        self.close_connection = True

    def when_expired(self):
        if self.headers["X-Amz-Security-Token"] == self.proxy.token:
            self.when_clear()
        else:
            self.error(400, "ExpiredTokenException",
                       "The security token included in the request is expired")

    def when_unrecognized(self):
        self.error(400, "UnrecognizedClientException",
                   "The security token included in the request is invalid.")

    def when_mistyped(self):
        self.error(400, "InvalidSignatureException",
                   "The request signature we calculated does not match the "
                   "signature you provided.")

    def when_skew(self):
        """A service whose clock is elsewhere, and which minds."""
        signed = datetime.datetime.strptime(
            self.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(
                tzinfo=datetime.timezone.utc).timestamp()
        if abs(signed - time.time() - self.proxy.skew_s) < 300:
            self.proxy.count("well timed")
            self.when_clear()
        else:
            self.error(400, "InvalidSignatureException",
                       "Signature expired: the one is now earlier than the "
                       "other (- 15 min.)")


class CqlProxy:
    """Frames of CQL v4 between clients and the server at `server_port`."""

    OVERLOADED = 0x1001
    EXECUTE, BATCH = 0x0A, 0x0D

    def __init__(self, server_port):
        self.server_port = server_port
        self.weather = "clear"
        self.counts = {}
        self.batches = []  # statements of each
        self.consistencies = set()
        self.largest = 0  # frame
        self.links = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()
        for link in self.links:
            _end(link)

    def drop(self):
        """Every connection there is, at once."""
        for link in self.links:
            _end(link)
        self.links = []

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.weather == "close":
                client.close()
                continue
            try:
                server = socket.create_connection(
                    ("127.0.0.1", self.server_port))
            except OSError:
                client.close()
                continue
            self.links += [client, server]
            for source, to, pump in ((client, server, self._requests),
                                     (server, client, self._replies)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pump, args=(pump, source, to),
                                 daemon=True).start()

    @staticmethod
    def _pump(pump, source, to):
        try:
            while (frame := _frame(source)):
                if not pump(frame, source, to):
                    break
        except OSError:
            pass
        _end(source)
        _end(to)

    def _requests(self, frame, client, server):
        weather, opcode = self.weather, frame[4]
        self.counts[weather] = self.counts.get(weather, 0) + 1
        self.largest = max(self.largest, len(frame))
        if opcode == self.BATCH:
            self.batches += struct.unpack_from(">H", frame, 10)
            self.consistencies.add(struct.unpack(">H", frame[-3:-1])[0])
        elif opcode == self.EXECUTE:
            after_id = 11 + struct.unpack_from(">H", frame, 9)[0]
            self.consistencies |= set(struct.unpack_from(">H", frame,
                                                         after_id))
        if weather == "overloaded" and opcode in (self.EXECUTE, self.BATCH):
            text = b"on purpose"
            body = struct.pack(">IH", self.OVERLOADED, len(text)) + text
            client.sendall(b"\x84\0" + frame[2:4] + b"\0" +
                           struct.pack(">I", len(body)) + body)
        elif weather == "stall":
            return True
        elif weather == "close":
            return False
        else:
            server.sendall(frame)
        return True

    def _replies(self, frame, _, client):
        if self.weather == "half":
            client.sendall(frame[:max(5, len(frame) // 2)])
            return False
        client.sendall(frame)
        return True


def _exactly(source, size):
    parts = b""
    while len(parts) < size:
        more = source.recv(size - len(parts))
        if not more:
            return b""
        parts += more
    return parts


def _frame(source):
    head = _exactly(source, 9)
    if not head:
        return b""
    size, = struct.unpack(">I", head[5:])
    body = _exactly(source, size)
    return head + body if len(body) == size else b""


def _end(link):
    try:
        link.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    link.close()
