# SPDX-License-Identifier: Apache-2.0
"""The board as a client holds it, with its digest."""

import struct

BOARD_HEAD = struct.Struct("<4sBBHIIQIIQ")


def fmix32(h):
    h ^= h >> 16
    h = h * 0x85EBCA6B & 0xFFFFFFFF
    h ^= h >> 13
    h = h * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


def pixel_hash(index, color):
    return fmix32((index * 256 + color) & 0xFFFFFFFF) if color else 0


class Board:
    """One byte a pixel; `seq` and `epoch` are the client's position."""

    def __init__(self, width, height, bits):
        self.width, self.height, self.bits = width, height, bits
        self.pixels = bytearray(width * height)
        self.digest = 0
        self.seq = 0
        self.epoch = 0

    def set(self, index, color):
        before = self.pixels[index]
        if before != color:
            self.digest ^= pixel_hash(index, before) ^ pixel_hash(index, color)
            self.pixels[index] = color

    def at(self, x, y):
        return self.pixels[y * self.width + x]

    def packed(self):
        if self.bits == 8:
            return bytes(self.pixels)
        whole = self.pixels + b"\0" * (len(self.pixels) % 2)
        return bytes(a << 4 | b for a, b in zip(whole[::2], whole[1::2]))

    @classmethod
    def parse(cls, data):
        """From GET /api/v1/board, with everything in its head checked."""
        magic, version, bits, head, width, height, seq, epoch, digest, at_ms \
            = BOARD_HEAD.unpack_from(data)
        assert (magic, version, head) == (b"STPL", 1, 40)
        assert bits in (4, 8)
        body = data[40:]
        assert len(body) == (width * height * bits + 7) // 8
        board = cls(width, height, bits)
        if bits == 8:
            pixels = body
        else:
            pixels = bytearray(len(body) * 2)
            pixels[0::2] = body.translate(HIGH)
            pixels[1::2] = body.translate(LOW)
        board.pixels[:] = pixels[:width * height]
        board.digest = digest_of(board.pixels)
        board.seq, board.epoch = seq, epoch
        board.rendered_at_ms = at_ms
        assert board.digest == digest, "the board's digest is not its own"
        return board


HIGH = bytes(i >> 4 for i in range(256))
LOW = bytes(i & 15 for i in range(256))


def digest_of(pixels):
    digest = 0
    if any(pixels):
        for index, color in enumerate(pixels):
            if color:
                digest ^= pixel_hash(index, color)
    return digest
