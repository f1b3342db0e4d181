# SPDX-License-Identifier: Apache-2.0
"""The webhook: each action is posted once, in order and signed; a receiver that
is slow, dead or says no holds up nothing."""

import json
import os
import subprocess
import time

import pytest

from support.admin import Admin
from support.cluster import ENVIRONMENT, free_ports
from support.receiver import Receiver, is_signed
from support.tokens import user_of
from support.wait import until

SECRET = b"4c11a9f0b5de6327" * 4
EVE = "00000000000000ee"


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


def start(cluster, url, **more):
    made = cluster(persister={"webhook_url": url,
                              "webhook_secret_file": "webhook.secret", **more})
    with open(os.path.join(made.folder, "webhook.secret"), "wb") as file:
        file.write(SECRET + b"\n")
    made.start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    return made


def figure(made, name, persister="persister-1"):
    return made[persister].metrics()[f"stipple_persister_webhook_{name}"]


def test_each_action_is_posted_in_order_and_signed(cluster, receiver):
    made = start(cluster, receiver.url)
    alice = Admin(made, "operator", "alice")
    ban = alice.do("POST", "bans", {"user": EVE, "reason": "a \"bot\" \u2603"})
    box = alice.do("POST", "regions", {"box": [1, 2, 3, 4]})
    notice = alice.do("POST", "notice", {"text": "Ten minutes left."})
    made.ctl("set", "tick_ms", "40", "--as", "bob")
    Admin(made, "moderator", "eager").code("POST", "lock")
    until(lambda: len(receiver.posts) >= 5, 60, "the posts")
    bodies = receiver.bodies()
    assert bodies[0] == {
        "type": "action", "seq": ban["seq"], "at": bodies[0]["at"],
        "verb": "ban", "role": "operator", "by": user_of("alice"),
        "user": EVE, "text": "a \"bot\" \u2603"}
    assert abs(bodies[0]["at"] / 1000 - time.time()) < 300
    assert bodies[1]["box"] == [1, 2, 3, 4] and bodies[1]["seq"] == box["seq"]
    assert bodies[2]["text"] == "Ten minutes left."
    assert bodies[2]["seq"] == notice["seq"]
    assert [body["verb"] for body in bodies] == [
        "ban", "protect", "notice", "set", "refused"]
    assert bodies[3]["by"] == user_of("bob")
    assert bodies[4]["refused"] == "lock"
    for path, headers, body in receiver.posts:
        assert path == "/hook?of=stipple"
        assert headers["Content-Type"] == "application/json"
        assert headers["Stipple-Delivery"] == str(json.loads(body)["seq"])
        assert is_signed(headers, body, SECRET)
        assert not is_signed(headers, body + b" ", SECRET)
    until(lambda: figure(made, "told_total") == 5, 20, "the figure")
    assert figure(made, "dropped_total") == figure(made, "waiting") == 0


@pytest.mark.parametrize("shape, member", [("slack", "text"),
                                           ("discord", "content")])
def test_other_shapes(cluster, receiver, shape, member):
    made = start(cluster, receiver.url, webhook_shape=shape,
                 webhook_secret_file="")
    made.ctl("ban", EVE, "--as", "alice", "--reason", "@everyone")
    until(lambda: receiver.posts, 60, "the post")
    assert receiver.bodies()[0][member].startswith(f"ban {EVE}: @everyone (")
    assert "Stipple-Signature" not in receiver.posts[0][1]


def test_what_fails_is_tried_again_until_it_is_taken(cluster, receiver):
    made = start(cluster, receiver.url)
    receiver.status = 503
    seqs = [made.ctl("notice", f"n{i}")["seq"] for i in range(3)]
    until(lambda: len(receiver.posts) >= 3, 60, "tries")
    # The first one, again and again; the others wait behind it.
    assert {body["text"] for body in receiver.bodies()} == {"n0"}
    assert figure(made, "told_total") == 0 and figure(made, "waiting") == 3
    receiver.status = 200
    until(lambda: figure(made, "told_total") == 3, 90, "all of them")
    told = receiver.bodies()[-3:]
    assert [body["seq"] for body in told] == seqs
    assert figure(made, "retries_total") >= 2
    assert figure(made, "dropped_total") == 0


def test_what_is_refused_is_dropped_and_the_next_one_told(cluster, receiver):
    made = start(cluster, receiver.url)
    receiver.status = 410
    made.ctl("notice", "unwanted")
    until(lambda: figure(made, "dropped_total") == 1, 60, "the figure")
    receiver.status = 200
    made.ctl("notice", "wanted")
    until(lambda: figure(made, "told_total") == 1, 60, "the figure")
    assert [body["text"] for body in receiver.bodies()] == [
        "unwanted", "wanted"]


def test_a_dead_or_silent_receiver_holds_up_nothing(cluster):
    port = free_ports()[0]
    made = start(cluster, f"http://127.0.0.1:{port}/hook")
    made.ctl("lock")
    seq = made.ctl("unlock")["seq"]
    until(lambda: figure(made, "retries_total") >= 1, 60, "a try")
    token = made.signer.token("player")
    for i in range(20):
        assert made.api.put(i, 1, 3, token).status == 200
    until(lambda: made.ctl("status")["persisted"] >= seq + 20, 60, "the store")
    late = Receiver(port)
    try:
        late.silent.set()
        until(lambda: late.posts, 90, "a try")
        for i in range(20):
            assert made.api.put(i, 2, 3, token).status == 200
        until(lambda: made.ctl("status")["persisted"] >= seq + 40, 60,
              "the store")
        late.silent.clear()
        until(lambda: figure(made, "told_total") == 2, 120, "both")
        assert late.verbs()[-2:] == ["lock", "unlock"]
    finally:
        late.close()


@pytest.mark.timeout(240)
def test_another_persister_goes_on(cluster, receiver):
    """What one that ends has told the next one need not tell, and the next one
    tells what comes."""
    made = cluster(persisters=2, brokers=2,
                   persister={"webhook_url": receiver.url})
    made.start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    seqs = [made.ctl("notice", "first")["seq"]]
    until(lambda: len(receiver.posts) == 1, 60, "the post")
    active = next(n for n in ("persister-1", "persister-2")
                  if made[n].metrics()["stipple_persister_active"])
    assert made[active].stop() == 0
    seqs.append(until(lambda: made.ctl("notice", "second", "--key", "2",
                                       check=False).returncode == 0
                      and made.ctl("notice", "second", "--key", "2"),
                      60, "a leader")["seq"])
    until(lambda: len(receiver.posts) >= 2, 60, "the next one's")
    until(lambda: list(dict.fromkeys(
        body["seq"] for body in receiver.bodies())) == seqs, 60, "both")


@pytest.mark.parametrize("settings, says", [
    ({"webhook_url": "file:///etc/passwd"}, "webhook_url"),
    ({"webhook_url": "http://"}, "webhook_url"),
    ({"webhook_url": "http://h", "webhook_secret_file": "none"},
     "webhook_secret_file"),
    ({"webhook_url": "http://h", "webhook_secret_file": "short"},
     "webhook_secret_file"),
    ({"webhook_shape": "teams"}, "webhook-shape"),
])
def test_settings_that_make_no_sense_stop_the_start(cluster, settings, says):
    made = cluster()
    with open(os.path.join(made.folder, "short"), "w") as file:
        file.write("abc")
    flags = [word for name, value in settings.items()
             for word in ("--" + name.replace("_", "-"), value)]
    ended = subprocess.run(
        [os.path.join(made.bin, "stipple-persister"), "--key-file",
         "keys/persister.key", "--bind", "ipc://run/p", "--brokers",
         "ipc://run/none", *flags],
        cwd=made.folder, capture_output=True, text=True, timeout=60,
        env={**os.environ, **ENVIRONMENT})
    assert ended.returncode != 0 and says in ended.stdout + ended.stderr, ended
