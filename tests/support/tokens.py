# SPDX-License-Identifier: Apache-2.0
"""Tokens as an operator's own tools would sign them (PyJWT)."""

import hashlib
import itertools
import time

import jwt

_numbers = itertools.count(1)


def user_of(sub):
    return hashlib.sha256(sub.encode()).hexdigest()[:16]


class Signer:
    """By tokens.key of a cluster, or by any other key."""

    def __init__(self, key_file):
        with open(key_file, "rb") as file:
            self.key = file.read()

    def token(self, sub=None, ttl=3600, algorithm="ES256", key=None, **claims):
        sub = sub or f"tester-{time.time_ns()}-{next(_numbers)}"
        payload = {"sub": sub, "exp": int(time.time()) + ttl}
        payload.update(claims)
        payload = {k: v for k, v in payload.items() if v is not None}
        return jwt.encode(payload, self.key if key is None else key,
                          algorithm)
