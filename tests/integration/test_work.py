# SPDX-License-Identifier: Apache-2.0
"""Anonymous identities that cost work (`session_work_bits`)."""

import hashlib
import json

import pytest

from support.api import problem, worked

BITS = 10


@pytest.fixture
def made(cluster):
    return cluster(edge={"session_work_bits": BITS, "workers": 2,
                         "trusted_proxies": "127.0.0.1/32"}).start().ready()


def post(made, body=None, forwarded=None):
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    return made.api.ask("POST", "/api/v1/session",
                        body and json.dumps(body), headers)


def demanded(answer):
    body = problem(answer, 403, "work_required")
    assert body["bits"] == BITS
    assert answer.headers["cache-control"] == "no-store"
    return body


def test_work_buys_an_identity_that_may_place(made):
    session = made.api.session()
    answer = made.api.put(2, 2, 2, session["token"])
    assert answer.status == 200
    assert made.api.me(session["token"])["user"] == session["user"]
    assert made.api.session()["user"] != session["user"]


def test_the_same_work_buys_the_same_identity(made):
    """Whichever worker is asked: each request comes by its own connection."""
    proof = worked(demanded(post(made)))
    users = {json.loads(post(made, proof).body)["user"] for _ in range(20)}
    assert len(users) == 1


def test_what_is_no_work_gets_another_challenge(made):
    first = demanded(post(made))
    proof = worked(first)
    others = [
        {}, {"challenge": first["challenge"]}, {"nonce": proof["nonce"]},
        {**proof, "nonce": str(proof["nonce"])},
        {**proof, "challenge": first["challenge"][::-1]},
        {**proof, "challenge": first["challenge"] + "A"},
        {**proof, "nonce": -proof["nonce"] - 1},
        {**proof, "nonce": next(n for n in range(proof["nonce"] + 1, 10**6)
                                if not solves(first, n))},
    ]
    for other in others:
        again = demanded(post(made, other))
        assert again["challenge"] != first["challenge"]
    assert post(made, proof).status == 201


def solves(demand, nonce):
    digest = hashlib.sha256(f"{demand['challenge']}{nonce}".encode()).digest()
    return int.from_bytes(digest, "big") >> 256 - BITS == 0


def test_work_counts_for_the_address_that_was_asked(made):
    proof = worked(demanded(post(made, forwarded="9.9.9.9")))
    demanded(post(made, proof, "9.9.9.8"))
    assert post(made, proof, "9.9.9.9").status == 201
    proof = worked(demanded(post(made, forwarded="2001:db8::1")))
    assert post(made, proof, "2001:db8::2").status == 201  # the same /64
    demanded(post(made, proof, "2001:db8:0:1::1"))


def test_work_counts_at_every_edge(cluster):
    made = cluster(edges=2, edge={"session_work_bits": BITS}).start().ready()
    one, other = made.apis
    demand = demanded(one.ask("POST", "/api/v1/session"))
    body = json.dumps(worked(demand))
    users = {json.loads(api.ask("POST", "/api/v1/session", body).body)["user"]
             for api in (one, other)}
    assert len(users) == 1


def test_nothing_is_asked_unless_it_is_set(cluster):
    made = cluster().start().ready()
    assert post(made).status == 201
    assert post(made, {"challenge": 1, "nonce": "x"}).status == 201
    answer = made.api.ask("POST", "/api/v1/session", "no JSON")
    assert answer.status == 201
