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
    def __init__(self, secret_file):
        with open(secret_file, "rb") as file:
            secret = file.read()
        self.secret = secret[:-1] if secret.endswith(b"\n") else secret

    def token(self, sub=None, ttl=3600, algorithm="HS256", key=None, **claims):
        sub = sub or f"tester-{time.time_ns()}-{next(_numbers)}"
        payload = {"sub": sub, "exp": int(time.time()) + ttl}
        payload.update(claims)
        payload = {k: v for k, v in payload.items() if v is not None}
        return jwt.encode(payload, self.secret if key is None else key,
                          algorithm)
