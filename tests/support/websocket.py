# SPDX-License-Identifier: Apache-2.0
"""A WebSocket (RFC 6455) on a plain socket, so that a test may stop reading,
break frames and choose its buffers. Blocking, each call with a deadline."""

import base64
import hashlib
import os
import select
import socket
import ssl
import struct
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The upgrade was answered by something else than 101."""

    def __init__(self, status, headers, body):
        super().__init__(f"upgrade refused: {status} {body[:200]!r}")
        self.status, self.headers, self.body = status, headers, body


class Closed(Exception):
    """The peer closed; code 1006 without a close frame."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed {code} {reason}")
        self.code, self.reason = code, reason


def read_head(link, deadline):
    data = b""
    while b"\r\n\r\n" not in data:
        link.settimeout(max(0.01, deadline - time.monotonic()))
        piece = link.recv(65536)
        if not piece:
            raise Closed(1006, "no answer to the upgrade")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(lines[0].split()[1]), headers, rest


# The tests' certificates are their own.
UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname = False
UNVERIFIED.verify_mode = ssl.CERT_NONE


def tls_bytes(link):
    """Decrypted already, so that no select() tells of them."""
    return link.pending() if isinstance(link, ssl.SSLSocket) else 0


class WebSocket:
    def __init__(self, port, path="/api/v1/ws", protocol="stipple.v1",
                 headers=(), host="127.0.0.1", receive_buffer=None,
                 timeout=10.0, source=None, tls=False,
                 upgrade="websocket", version="13"):
        self.link = socket.socket()
        if receive_buffer:
            self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                 receive_buffer)
        if source:
            self.link.bind((source, 0))
        self.link.settimeout(timeout)
        self.link.connect((host, port))
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.link = UNVERIFIED.wrap_socket(self.link)
        self.buffer = bytearray()
        self.parts = b""
        self.pongs = []
        self.pings = 0
        self.received_bytes = 0
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}",
                 f"Upgrade: {upgrade}", f"Sec-WebSocket-Version: {version}"]
        self._upgrade(lines, protocol, headers, timeout)

    def _upgrade(self, lines, protocol, headers, timeout):
        key = base64.b64encode(os.urandom(16))
        lines += ["Connection: Upgrade", f"Sec-WebSocket-Key: {key.decode()}"]
        if protocol:
            lines.append(f"Sec-WebSocket-Protocol: {protocol}")
        lines += [f"{name}: {value}" for name, value in headers]
        self.link.sendall("\r\n".join(lines + ["", ""]).encode())
        deadline = time.monotonic() + timeout
        status, answer, rest = read_head(self.link, deadline)
        if status != 101:
            length = int(answer.get("content-length", 0))
            while len(rest) < length:
                piece = self.link.recv(65536)
                if not piece:
                    break
                rest += piece
            self.link.close()
            raise Refused(status, answer, rest)
        proof = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        assert answer["sec-websocket-accept"] == proof
        self.headers = answer
        self.protocol = answer.get("sec-websocket-protocol")
        self.buffer += rest

    def fileno(self):
        return self.link.fileno()

    def send(self, opcode, payload, fin=True, mask=True, first=None):
        """One frame. `first` replaces its first byte, for broken ones."""
        head = bytes([first if first is not None
                      else (0x80 if fin else 0) | opcode])
        bit = 0x80 if mask else 0
        if len(payload) < 126:
            head += bytes([bit | len(payload)])
        elif len(payload) < 65536:
            head += struct.pack(">BH", bit | 126, len(payload))
        else:
            head += struct.pack(">BQ", bit | 127, len(payload))
        if mask:
            key = os.urandom(4)
            pad = key * (len(payload) // 4 + 1)
            payload = key + bytes(a ^ b for a, b in zip(payload, pad))
        self.link.settimeout(10.0)
        try:
            self.link.sendall(head + payload)
        except (BrokenPipeError, ConnectionResetError):
            raise Closed(1006, "write failed")

    def _frame(self):
        """The next whole frame in the buffer, or None."""
        data = self.buffer
        if len(data) < 2:
            return None
        assert not data[1] & 0x80, "a server must not mask"
        assert not data[0] & 0x70, "reserved bits"
        length, at = data[1] & 0x7F, 2
        if length == 126:
            if len(data) < 4:
                return None
            length, at = struct.unpack_from(">H", data, 2)[0], 4
        elif length == 127:
            if len(data) < 10:
                return None
            length, at = struct.unpack_from(">Q", data, 2)[0], 10
        if len(data) < at + length:
            return None
        frame = data[0] & 15, bool(data[0] & 0x80), bytes(data[at:at + length])
        del data[:at + length]
        return frame

    def _handle(self, opcode, fin, payload):
        """A whole message, or None."""
        if opcode == PING:
            self.pings += 1
            self.send(PONG, payload)
        elif opcode == PONG:
            self.pongs.append(payload)
        elif opcode == CLOSE:
            code = struct.unpack(">H", payload[:2])[0] if payload else 1005
            try:
                self.send(CLOSE, payload[:2])
            except Closed:
                pass
            self.link.close()
            raise Closed(code, payload[2:].decode())
        else:
            self.parts += payload
            if opcode:
                self.kind = opcode
            if fin:
                message, self.parts = self.parts, b""
                return self.kind, message
        return None

    def receive(self, timeout=10.0, until=None):
        """(opcode, payload) of the next message; None after the timeout, or
        once `until` is true."""
        deadline = time.monotonic() + timeout
        while True:
            frame = self._frame()
            while frame:
                message = self._handle(*frame)
                if message:
                    return message
                if until and until():
                    return None
                frame = self._frame()
            left = deadline - time.monotonic()
            held = tls_bytes(self.link)
            if not held and not select.select([self.link], [], [],
                                              max(0, left))[0]:
                return None
            try:
                piece = self.link.recv(1 << 18)
            except ConnectionResetError:
                piece = b""
            if not piece:
                self.link.close()
                raise Closed(1006, "no close frame")
            self.received_bytes += len(piece)
            self.buffer += piece

    def ping(self, timeout=10.0):
        """Seconds until the answer; messages meanwhile are dropped."""
        began = time.monotonic()
        seen = len(self.pongs)
        self.send(PING, b"?")
        while len(self.pongs) == seen:
            left = began + timeout - time.monotonic()
            assert left > 0, "no PONG"
            self.receive(left, lambda: len(self.pongs) > seen)
        return time.monotonic() - began

    def abort(self):
        """The end without a word."""
        self.link.close()

    def close(self, code=1000):
        try:
            self.send(CLOSE, struct.pack(">H", code))
        except (Closed, OSError):
            pass
        self.link.close()

    def closes_with(self, timeout=10.0):
        """Reads on until the peer closes; its code."""
        deadline = time.monotonic() + timeout
        try:
            while time.monotonic() < deadline:
                self.receive(max(0, deadline - time.monotonic()))
        except Closed as closed:
            return closed.code
        raise AssertionError(f"still open after {timeout} s")
