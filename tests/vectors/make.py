#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden vectors of docs/protocol.md next to this file.

<message>.hex holds one message: `# comment` lines, then hex bytes, the type
byte first (board.hex: the body of GET /api/v1/board). <message>.json holds its
members under the names of the JSON flavour, and for a diff the board it belongs
to. bad/*.hex are refused by every decoder; their .json says which message it
pretends to be, on what board, and why it is bad.

Computed here from the protocol's text alone, with none of our own codecs, so
that C and JavaScript are checked against a third party.
"""
import json
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def fmix32(h):
    h ^= h >> 16
    h = h * 0x85EBCA6B & 0xFFFFFFFF
    h ^= h >> 13
    h = h * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


def digest(pixels):
    d = 0
    for i, color in enumerate(pixels):
        if color:
            d ^= fmix32(i * 256 + color)
    return d


def write(name, notes, parts, members):
    """parts: (bytes, what) pairs, one line of hex each."""
    path = os.path.join(HERE, name)
    with open(path + ".hex", "w") as f:
        for line in notes.splitlines():
            f.write(f"# {line}\n")
        for data, what in parts:
            f.write(f"# {what}\n")
            for at in range(0, len(data), 24):
                f.write(data[at : at + 24].hex(" ") + "\n")
    with open(path + ".json", "w") as f:
        json.dump(members, f, indent=1)
        f.write("\n")


def u8(n):
    return struct.pack("<B", n)


def u16(n):
    return struct.pack("<H", n)


def u32(n):
    return struct.pack("<I", n)


def u64(n):
    return struct.pack("<Q", n)


def hello(name, notes, flags, **m):
    write(
        name,
        notes,
        [
            (u8(0x01), "HELLO"),
            (u8(1), "version"),
            (u8(m["bits"]), "bits"),
            (u16(m["width"]), "width"),
            (u16(m["height"]), "height"),
            (u32(m["epoch"]), "epoch"),
            (u64(m["seq"]), "seq"),
            (u32(m["cooldown_ms"]), "cooldown_ms"),
            (u32(m["cooldown_remaining_ms"]), "cooldown_remaining_ms"),
            (u8(flags), "flags: 1 read-only, 2 paused"),
        ],
        {
            "type": "hello",
            "version": 1,
            **m,
            "read_only": bool(flags & 1),
            "paused": bool(flags & 2),
        },
    )


def diff_parts(board, first, last, pixels):
    width, bits = board["width"], board["bits"]
    parts = [
        (u8(0x02), "DIFF"),
        (u64(first), "from"),
        (u64(last), "to"),
        (varint(len(pixels)), "count"),
    ]
    before = -1
    for x, y, color in pixels:
        index = y * width + x
        gap = index - before - 1
        before = index
        parts.append(
            (varint(gap << bits | color), f"({x}, {y}) = {color}: gap {gap}")
        )
    return parts


def diff(name, notes, board, first, last, pixels):
    write(
        name,
        notes,
        diff_parts(board, first, last, pixels),
        {
            "type": "diff",
            "board": board,
            "from": first,
            "to": last,
            "pixels": [list(p) for p in pixels],
        },
    )


STATUS = (
    "ok cooldown out_of_bounds bad_color banned paused unauthorized "
    "rate_limited unavailable duplicate protected too_late"
).split()


def verdict(name, request, status, seq, remaining):
    write(
        name,
        "A placement's answer",
        [
            (u8(0x03), "VERDICT"),
            (u32(request), "request"),
            (u8(STATUS.index(status)), "status: " + status),
            (u64(seq), "seq"),
            (u32(remaining), "cooldown_remaining_ms"),
        ],
        {
            "type": "verdict",
            "request": request,
            "status": status,
            "seq": seq,
            "cooldown_remaining_ms": remaining,
        },
    )


def good():
    hello(
        "hello",
        "A player's, 1000 × 1000 in 4 bits",
        0,
        bits=4,
        width=1000,
        height=1000,
        epoch=3,
        seq=4994671,
        cooldown_ms=300000,
        cooldown_remaining_ms=120500,
    )
    hello(
        "hello-read-only",
        "Read-only and paused, 8 bits, widest sides, a seq past 2^32",
        3,
        bits=8,
        width=65535,
        height=1000,
        epoch=4294967295,
        seq=0x0012345678ABCDEF,
        cooldown_ms=0,
        cooldown_remaining_ms=0,
    )
    board4 = {"width": 1000, "height": 1000, "bits": 4}
    diff(
        "diff",
        "First and last pixel, two neighbours, colour 0, gaps of 1 to 3 bytes",
        board4,
        41,
        48,
        [
            (0, 0, 5),
            (1, 0, 0),
            (10, 0, 15),
            (500, 0, 1),
            (499, 499, 9),
            (999, 999, 3),
        ],
    )
    diff("diff-empty", "A range with nothing to show", board4, 7, 7, [])
    diff(
        "diff-8bit",
        "8 bits a pixel, a board of 4096 × 4096, a seq past 2^32",
        {"width": 4096, "height": 4096, "bits": 8},
        0x1FFFFFFFF,
        0x200000001,
        [(4095, 4095, 255)],
    )
    diff(
        "diff-from-blank",
        "From a blank board, all of a 3 × 2 one",
        {"width": 3, "height": 2, "bits": 4},
        0,
        9,
        [(0, 0, 1), (1, 0, 2), (2, 0, 3), (0, 1, 4), (1, 1, 5), (2, 1, 0)],
    )
    verdict("verdict", 0xDEADBEEF, "ok", 0x100000002, 300000)
    for status in STATUS[1:]:
        seq = 17 if status == "duplicate" else 0
        name = "verdict-" + status.replace("_", "-")
        verdict(name, STATUS.index(status), status, seq, 1500)
    write(
        "beat",
        "Each second",
        [
            (u8(0x04), "BEAT"),
            (u64(4994671), "seq"),
            (u32(0xFEDCBA98), "digest"),
            (u32(300000), "online"),
        ],
        {"type": "beat", "seq": 4994671, "digest": 0xFEDCBA98, "online": 300000},
    )
    for code, reason in enumerate(("too_old", "unknown_seq", "board_changed"), 1):
        name = "resync" if code == 1 else "resync-" + reason.replace("_", "-")
        write(
            name,
            "Fetch the board again, then SINCE",
            [(u8(0x05), "RESYNC"), (u8(code), "reason: " + reason)],
            {"type": "resync", "reason": reason},
        )
    settings = {
        "protocol": "stipple.v1",
        "board": {"width": 1000, "height": 1000, "bits": 4, "epoch": 3},
        "palette": ["#FFFFFF", "#E50000"],
        "cooldown_ms": 60000,
        "tick_ms": 250,
        "paused": True,
        "endpoints": [],
    }
    text = json.dumps(settings, separators=(",", ":")).encode()
    write(
        "notice",
        "Settings changed; the length is a varint of two bytes",
        [
            (u8(0x06), "NOTICE"),
            (u8(1), "kind: settings"),
            (varint(len(text)), "length"),
            (text, text.decode()),
        ],
        {"type": "notice", "kind": "settings", **settings},
    )
    write(
        "place",
        "A placement",
        [
            (u8(0x81), "PLACE"),
            (u32(0xDEADBEEF), "request"),
            (u16(999), "x"),
            (u16(258), "y"),
            (u8(15), "color"),
        ],
        {"type": "place", "request": 0xDEADBEEF, "x": 999, "y": 258, "color": 15},
    )
    write(
        "since",
        "What the client holds",
        [(u8(0x82), "SINCE"), (u64(0x0012345678ABCDEF), "seq")],
        {"type": "since", "seq": 0x0012345678ABCDEF},
    )
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
    write(
        "auth",
        "A token to the end of the message (this one is not signed)",
        [(u8(0x83), "AUTH"), (token.encode(), token)],
        {"type": "auth", "token": token},
    )
    write(
        "pace",
        "A DIFF every five seconds is enough",
        [(u8(0x84), "PACE"), (u16(5000), "ms")],
        {"type": "pace", "ms": 5000},
    )
    write(
        "undo",
        "The placement of that seq was a slip",
        [(u8(0x85), "UNDO"), (u32(0xDEADBEEF), "request"),
         (u64(0x0012345678ABCDEF), "seq")],
        {"type": "undo", "request": 0xDEADBEEF, "seq": 0x0012345678ABCDEF},
    )
    board("board", 5, 3, 4, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15])
    board("board-8bit", 3, 2, 8, [0, 255, 31, 32, 1, 128])


def board(name, width, height, bits, pixels):
    if bits == 4:
        even = pixels + [0] * (len(pixels) % 2)
        packed = bytes(a << 4 | b for a, b in zip(even[::2], even[1::2]))
    else:
        packed = bytes(pixels)
    seq, epoch, rendered = 0x100000003, 7, 1700000000123
    write(
        name,
        f"GET /api/v1/board of {width} × {height}, {bits} bits a pixel",
        [
            (b"STPL", "STPL"),
            (u8(1), "version"),
            (u8(bits), "bits"),
            (u16(40), "header length"),
            (u32(width), "width"),
            (u32(height), "height"),
            (u64(seq), "seq"),
            (u32(epoch), "epoch"),
            (u32(digest(pixels)), "digest"),
            (u64(rendered), "rendered at, ms"),
            (packed, "pixels, high bits first; an odd end is padded with 0"),
        ],
        {
            "type": "board",
            "version": 1,
            "bits": bits,
            "width": width,
            "height": height,
            "seq": seq,
            "epoch": epoch,
            "digest": digest(pixels),
            "rendered_at": rendered,
            "pixels": pixels,
        },
    )


def bad(name, why, kind, data, board=None):
    members = {"type": kind, "why": why}
    if board:
        members["board"] = board
    write("bad/" + name, why, [(data, kind)], members)


def refused():
    small = {"width": 3, "height": 2, "bits": 4}
    head = u8(0x02) + u64(1) + u64(9)
    bad("diff-past-board", "The index lies past the board", "diff",
        head + varint(1) + varint(6 << 4 | 1), small)
    bad("diff-too-many", "More pixels than the board has", "diff",
        head + varint(7) + bytes([1] * 7), small)
    bad("diff-truncated", "Fewer pixels than counted", "diff",
        head + varint(3) + bytes([1, 1]), small)
    bad("diff-trailing", "A byte behind the last pixel", "diff",
        head + varint(1) + bytes([1, 1]), small)
    bad("diff-backwards", "from is above to", "diff",
        u8(0x02) + u64(9) + u64(1) + varint(0), small)
    bad("diff-open-varint", "A varint that does not end", "diff",
        head + varint(1) + b"\xff\xff", small)
    bad("diff-long-varint", "A varint longer than 64 bits", "diff",
        head + varint(1) + b"\xff" * 10 + b"\x01", small)
    bad("diff-huge-gap", "A gap of nearly 64 bits must not wrap round", "diff",
        head + varint(2) + varint(1) + varint(0xFFFFFFFFFFFFFFF1), small)
    bad("hello-short", "One byte too few", "hello", u8(1) + bytes(29))
    bad("hello-long", "One byte too many", "hello",
        u8(1) + u8(1) + u8(4) + bytes(29))
    bad("beat-short", "One byte too few", "beat", u8(4) + bytes(15))
    bad("resync-empty", "No reason", "resync", u8(5))
    bad("notice-long", "The length runs past the message", "notice",
        u8(6) + u8(1) + varint(9) + b"{}")
    bad("place-short", "One byte too few", "place", u8(0x81) + bytes(8))
    bad("place-long", "One byte too many", "place", u8(0x81) + bytes(10))
    bad("since-short", "One byte too few", "since", u8(0x82) + bytes(7))
    bad("unknown-event", "An unknown type to a client", "unknown-event",
        u8(0x07) + bytes(4))
    bad("unknown-request", "An unknown type to an edge", "unknown-request",
        u8(0x8F) + bytes(4))
    bad("pace-slow", "Slower than a minute", "pace", u8(0x84) + u16(60001))
    bad("pace-short", "One byte too few", "pace", u8(0x84) + bytes(1))
    bad("undo-short", "One byte too few", "undo", u8(0x85) + bytes(11))
    bad("undo-long", "One byte too many", "undo", u8(0x85) + bytes(13))
    bad("pace-long", "One byte too many", "pace", u8(0x84) + bytes(3))


if __name__ == "__main__":
    good()
    refused()
