# SPDX-License-Identifier: Apache-2.0
"""Roles in tokens: what stipplectl makes, and what a viewer may not."""

import base64
import json
import os
import subprocess
import time

import pytest

from support.client import Client
from support.cluster import ENVIRONMENT
from support.keys import KeyFile
from support.tokens import user_of


@pytest.fixture(scope="module")
def plain(module_cluster):
    return module_cluster().start().ready()


def make_token(made, *words, check=True):
    """`stipplectl token NAME`, as an operator says it in the folder."""
    answer = subprocess.run(
        [os.path.join(made.bin, "stipplectl"), "token", *words],
        cwd=made.folder, capture_output=True, text=True, timeout=30,
        env={**os.environ, **ENVIRONMENT})
    if check:
        assert answer.returncode == 0, answer
        return answer.stdout.strip()
    return answer


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_stipplectl_makes_a_token_that_counts(plain):
    token = make_token(plain, "alice", "--role", "moderator")
    claims = claims_of(token)
    assert claims["sub"] == "alice" and claims["roles"] == ["moderator"]
    assert 7.9 * 3600 < claims["exp"] - time.time() < 8.1 * 3600
    answer = plain.api.ask("GET", "/api/v1/me",
                           headers={"Authorization": "Bearer " + token})
    assert answer.status == 200
    assert json.loads(answer.body)["user"] == user_of("alice")
    short = claims_of(make_token(plain, "alice", "--until", "90s"))
    assert short["roles"] == ["player"]
    assert 60 < short["exp"] - time.time() < 91


@pytest.mark.parametrize("words, code, says", [
    ([], 2, "token NAME"),
    (["a", "b"], 2, "token NAME"),
    (["a", "--role", "king"], 2, "role"),
    (["a", "--until", "soon"], 2, "no time"),
    (["a", "--until", "-1h"], 2, "in the past"),
    (["a", "--role", "owner", "--until", "25h"], 2, "a day at most"),
    (["a", "--token-key-file", "keys/edge.key"], 1, "edge.key"),
    (["a", "--token-key-file", "none"], 1, "No such file"),
])
def test_what_makes_no_token_says_why(plain, words, code, says):
    answer = make_token(plain, *words, check=False)
    assert answer.returncode == code and says in answer.stderr, answer
    assert not answer.stdout


def test_a_player_may_have_a_long_token(plain):
    """The day is for those who can do more than play."""
    claims = claims_of(make_token(plain, "fan", "--until", "30d"))
    assert claims["exp"] - time.time() > 29 * 86400


@pytest.mark.parametrize("flavour", ["binary", "json"])
def test_a_viewer_may_look_and_not_place(plain, flavour):
    viewer = plain.signer.token("eyes", roles=["viewer"])
    answer = plain.api.put(1, 1, 1, viewer)
    assert answer.status == 403
    assert json.loads(answer.body)["code"] == "role_too_low"
    client = Client(plain.api, flavour, token=viewer)
    assert client.hello["read_only"] is True
    assert client.place(1, 1, 1)["status"] == "unauthorized"
    client.say(client.codec.auth(viewer))
    assert client.place(1, 1, 1)["status"] == "unauthorized"
    client.say(client.codec.auth(
        plain.signer.token("hand", roles=["viewer", "player"])))
    assert client.place(1, 1, 1)["status"] == "ok"


def test_brokers_can_verify_roles_and_nobody_else_sign(plain):
    """The leader holds the public half of what signs roles; the secret of
    anonymous identities it does not hold, and edges hold no private half."""
    keys = {role: KeyFile(os.path.join(plain.folder, "keys", f"{role}.key"))
            for role in ("broker", "edge", "persister", "operator")}
    assert keys["broker"].tokens == keys["edge"].tokens != []
    assert not keys["broker"].anonymous
    assert not keys["persister"].tokens and not keys["operator"].tokens
