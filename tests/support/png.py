# SPDX-License-Identifier: Apache-2.0
"""An indexed PNG as rows of colours, from the text of its specification."""

import struct
import zlib


def _chunks(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        crc, = struct.unpack(">I", data[at + 8 + size:at + 12 + size])
        assert crc == zlib.crc32(kind + body)
        yield kind, body
        at += 12 + size


def _unfilter(kind, row, above):
    """Of one byte a pixel."""
    out = bytearray()
    for i, byte in enumerate(row):
        left, up = (out[i - 1] if i else 0), above[i]
        corner = above[i - 1] if i else 0
        guess = left + up - corner
        paeth = min((left, up, corner),
                    key=lambda value: abs(guess - value))
        out.append((byte + (0, left, up, (left + up) // 2, paeth)[kind]) & 255)
    return bytes(out)


def decode(data):
    """Of 8 bits a pixel: a list of rows of (red, green, blue)."""
    chunks = list(_chunks(data))
    width, height, depth, colour = struct.unpack(
        ">IIBB", chunks[0][1][:10])
    assert (depth, colour, chunks[-1][0]) == (8, 3, b"IEND")
    palette = next(body for kind, body in chunks if kind == b"PLTE")
    raw = zlib.decompress(b"".join(b for kind, b in chunks if kind == b"IDAT"))
    assert len(raw) == height * (width + 1)
    rows, above = [], bytes(width)
    for at in range(0, len(raw), width + 1):
        above = _unfilter(raw[at], raw[at + 1:at + 1 + width], above)
        rows.append([tuple(palette[i * 3:i * 3 + 3]) for i in above])
    return rows
