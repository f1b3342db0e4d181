# SPDX-License-Identifier: Apache-2.0
"""Key files of docs/bus.md, and what is drawn from them: a second
implementation, by Python's cryptography."""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (Encoding,
                                                          PublicFormat)
from zmq.utils import z85


def hkdf_sha256(secret, info):
    return HKDF(SHA256(), 32, None, info).derive(secret)


def client_key(secret, base):
    """What a client shows the broker that it knows as `base`."""
    return hkdf_sha256(secret, f"bus 1 {base}".lower().encode())


def curve_pair(secret):
    """(public, secret) as ZeroMQ's text."""
    public = X25519PrivateKey.from_private_bytes(secret).public_key() \
        .public_bytes(Encoding.Raw, PublicFormat.Raw)
    return z85.encode(public), z85.encode(secret)


class KeyFile:
    def __init__(self, path):
        self.serve = None
        self.connect, self.servers, self.accept = {}, {}, {}
        self.anonymous, self.tokens = [], []
        with open(path) as file:
            for line in file:
                word, *more = line.split()
                getattr(self, "_" + word)(*more)

    def _role(self, word):
        self.role = word

    def _serve(self, secret):
        self.serve = bytes.fromhex(secret)

    def _connect(self, role, public, secret):
        pair = bytes.fromhex(public), bytes.fromhex(secret)
        self.connect.setdefault(role, pair)  # the newest comes first
        self.servers.setdefault(role, []).append(pair[0])

    def _accept(self, role, secret):
        self.accept.setdefault(role, []).append(bytes.fromhex(secret))

    def _anonymous(self, secret):
        self.anonymous.append(bytes.fromhex(secret))

    def _tokens(self, point):
        self.tokens.append(bytes.fromhex(point))

    def tokens_as_secrets(self):
        """Public points taken for secrets of 32 bytes."""
        return [point[1:33] for point in self.tokens]
