# SPDX-License-Identifier: Apache-2.0
"""Messages of stipple.v1, both flavours, as dicts of the JSON names."""

import json
import struct

STATUSES = ("ok", "cooldown", "out_of_bounds", "bad_color", "banned", "paused",
            "unauthorized", "rate_limited", "unavailable", "duplicate",
            "protected", "too_late")
NOTICES = {1: "settings", 2: "banned", 3: "message"}
REASONS = {1: "too_old", 2: "unknown_seq", 3: "board_changed"}


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def exactly(data, layout):
    assert len(data) == struct.calcsize(layout), "bytes too many or too few"
    return struct.unpack(layout, data)


def decode_hello(data, _board):
    version, bits, width, height, epoch, seq, cooldown, remaining, flags = \
        exactly(data, "<BBHHIQIIB")
    return {"type": "hello", "version": version, "bits": bits, "width": width,
            "height": height, "epoch": epoch, "seq": seq,
            "cooldown_ms": cooldown, "cooldown_remaining_ms": remaining,
            "read_only": bool(flags & 1), "paused": bool(flags & 2)}


def decode_diff(data, board):
    start, to = struct.unpack_from("<QQ", data)
    count, at = read_varint(data, 16)
    mask, index, pixels = (1 << board["bits"]) - 1, -1, []
    for _ in range(count):
        value, at = read_varint(data, at)
        index += 1 + (value >> board["bits"])
        pixels.append([index % board["width"], index // board["width"],
                       value & mask])
    assert at == len(data), "bytes behind the diff"
    return {"type": "diff", "from": start, "to": to, "pixels": pixels}


def decode_verdict(data, _board):
    request, status, seq, remaining = exactly(data, "<IBQI")
    return {"type": "verdict", "request": request, "status": STATUSES[status],
            "seq": seq, "cooldown_remaining_ms": remaining}


def decode_beat(data, _board):
    return dict(zip(("seq", "digest", "online"), exactly(data, "<QII")),
                type="beat")


def decode_resync(data, _board):
    return {"type": "resync", "reason": REASONS[exactly(data, "<B")[0]]}


def decode_notice(data, _board):
    length, at = read_varint(data, 1)
    assert len(data) == at + length
    return dict(json.loads(data[at:]), type="notice",
                kind=NOTICES.get(data[0], data[0]))


DECODERS = {1: decode_hello, 2: decode_diff, 3: decode_verdict,
            4: decode_beat, 5: decode_resync, 6: decode_notice}


class Binary:
    protocol = "stipple.v1"
    opcode = 2

    def __init__(self):
        self.hello = None

    def decode(self, payload):
        message = DECODERS[payload[0]](payload[1:], self.hello)
        if message["type"] == "hello":
            self.hello = message
        return message

    @staticmethod
    def place(request, x, y, color):
        return struct.pack("<BIHHB", 0x81, request, x, y, color)

    @staticmethod
    def since(seq):
        return struct.pack("<BQ", 0x82, seq)

    @staticmethod
    def auth(token):
        return b"\x83" + token.encode()

    @staticmethod
    def pace(ms):
        return struct.pack("<BH", 0x84, ms)

    @staticmethod
    def undo(request, seq):
        return struct.pack("<BIQ", 0x85, request, seq)


class Json:
    protocol = "stipple.v1.json"
    opcode = 1

    @staticmethod
    def decode(payload):
        return json.loads(payload.decode("utf-8"))

    @staticmethod
    def place(request, x, y, color):
        return json.dumps({"type": "place", "request": request, "x": x, "y": y,
                           "color": color}).encode()

    @staticmethod
    def since(seq):
        return json.dumps({"type": "since", "seq": seq}).encode()

    @staticmethod
    def auth(token):
        return json.dumps({"type": "auth", "token": token}).encode()

    @staticmethod
    def pace(ms):
        return json.dumps({"type": "pace", "ms": ms}).encode()

    @staticmethod
    def undo(request, seq):
        return json.dumps({"type": "undo", "request": request,
                           "seq": seq}).encode()


FLAVOURS = {"binary": Binary, "json": Json}
