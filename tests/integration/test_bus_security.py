# SPDX-License-Identifier: Apache-2.0
"""Keys per role on the bus: what each key file opens, and what none does.

The attacker is an edge that was taken over: it has edge.key and everything that
can be made of it, speaks CURVE and reaches every port."""

import os
import re
import struct
import time

import jwt
import pytest
import zmq
from zmq.utils import z85

from support.bus_peers import (BEAT, CTL, CTL_REPLY, GRANT, PERSISTER, PLACE,
                               PLACES, REPLAY, SYNC, VERDICTS)
from support.cluster import free_ports
from support.keys import (KeyFile, client_key, curve_pair, hkdf_sha256)
from support.wait import until

CURVE = {"curve": "on"}
CHANNELS = ("ingress", "feed", "journal", "control")
SILENCE_S = 2.5


def tcp_cluster(cluster, **more):
    """One broker, persister and edge over tcp; the broker's base port."""
    base, query = free_ports(4)[0], free_ports()[0]
    broker = f"tcp://127.0.0.1:{base}"
    persister = f"tcp://127.0.0.1:{query}"
    made = cluster(broker={"bind": broker}, persister={
        "bind": persister, "brokers": broker},
        edge={"brokers": broker, "persisters": persister}, **more)
    made.broker_ends = [broker]
    return made, broker, persister


class Peer:
    """Somebody who speaks CURVE with any keys on any channel."""

    def __init__(self, kind, address, server, secret):
        self.socket = zmq.Context.instance().socket(kind)
        self.socket.linger = 0
        if kind == zmq.SUB:
            self.socket.subscribe(b"")
        if kind == zmq.DEALER:
            self.socket.setsockopt(zmq.IMMEDIATE, 1)
        public, private = curve_pair(secret)
        self.socket.curve_serverkey = z85.encode(server)
        self.socket.curve_publickey = public
        self.socket.curve_secretkey = private
        self.socket.connect(address)

    def hears(self, timeout=SILENCE_S):
        return self.socket.recv() if self.socket.poll(timeout * 1000) else None

    def asks(self, message, timeout=SILENCE_S):
        """None if nobody takes the message, or nobody answers."""
        if not self.socket.poll(timeout * 1000, zmq.POLLOUT):
            return None
        self.socket.send(message)
        return self.hears(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def port_of(base, channel):
    host, _, port = base.rpartition(":")
    return f"{host}:{int(port) + CHANNELS.index(channel)}"


def broker_peer(keys, base, channel, kind=zmq.DEALER, name=None):
    """A client of the broker at `base`, with what a key file has for it."""
    server, secret = keys.connect["broker"]
    return Peer(kind, port_of(base, channel), server,
                client_key(secret, name or base))


# What somebody who may say it is answered.
PLACING = struct.pack("<BH", PLACES, 1) + PLACE.pack(7, 8, 9, 1, 1, 1, 0)
STATUS = bytes([CTL]) + b'{"verb":"status"}'
SETTING = bytes([CTL]) + b'{"verb":"set","name":"cooldown_ms","value":"1"}'


@pytest.fixture
def game(cluster):
    made, broker, persister = tcp_cluster(cluster)
    made.start().ready()
    made.base, made.query = broker, persister
    return made


def keys_of(made, role):
    return KeyFile(os.path.join(made.folder, "keys", role + ".key"))


def test_an_encrypted_cluster_works(game):
    token = game.signer.token("alice")
    assert game.api.put(3, 4, 5, token).status == 200
    until(lambda: game.api.get("/api/v1/pixels/3/4").status == 200, 10)
    assert game.ctl("status")["seq"] == 1
    assert game.ctl("set", "cooldown_ms", "0")["ok"]
    assert "bus_stranger" not in game["broker-1"].log()


def test_an_edge_may_place_ask_sync_and_subscribe(game):
    edge = keys_of(game, "edge")
    with broker_peer(edge, game.base, "ingress") as peer, \
            broker_peer(edge, game.base, "feed", zmq.SUB) as feed:
        assert peer.asks(PLACING)[0] == VERDICTS
        assert feed.hears() is not None
    server, secret = edge.connect["persister"]
    with Peer(zmq.DEALER, game.query, server, client_key(secret, "")) as peer:
        assert peer.asks(struct.pack("<BQHH", 0x50, 7, 1, 1)) is not None


@pytest.mark.parametrize("channel, kind", [
    ("control", zmq.DEALER), ("journal", zmq.PULL)])
def test_an_edges_keys_open_no_other_channel(game, channel, kind):
    edge = keys_of(game, "edge")
    secrets = [secret for _, secret in edge.connect.values()] \
        + edge.anonymous + edge.tokens_as_secrets()
    for secret in secrets:
        for name in (game.base, "", port_of(game.base, channel)):
            server = edge.connect["broker"][0]
            with Peer(kind, port_of(game.base, channel), server,
                      client_key(secret, name)) as peer:
                if kind == zmq.PULL:
                    game.api.put(1, 1, 1, game.signer.token())
                    assert peer.hears(0.7) is None
                else:
                    assert peer.asks(STATUS, 0.7) is None
    assert "bus_stranger channel=" + channel in \
        game["broker-1"].log().replace("event=", "")


def test_the_clusters_secret_itself_opens_nothing(game):
    """As 0.1.0 made its keys, and as they are."""
    with open(os.path.join(game.folder, "secret")) as file:
        text = file.read().strip().encode()
    import hashlib
    import hmac
    old = hmac.new(text, b"stipple bus server key 1", hashlib.sha256).digest()
    server = keys_of(game, "operator").connect["broker"][0]
    for secret in (old, bytes.fromhex(text.decode())):
        for key in (secret, client_key(secret, game.base)):
            with Peer(zmq.DEALER, port_of(game.base, "control"), server,
                      key) as peer:
                assert peer.asks(STATUS, 0.7) is None


@pytest.mark.parametrize("role", ["persister", "operator"])
def test_each_on_control_says_only_what_is_its_own(game, role):
    keys = keys_of(game, role)
    word = struct.pack("<BQIQQB", PERSISTER, 5, 1, 0, 0, 0)
    with broker_peer(keys, game.base, "control") as peer:
        answer = peer.asks(SETTING)
        assert (answer is not None and answer[0] == CTL_REPLY) \
            == (role == "operator")
    if role == "operator":
        with broker_peer(keys, game.base, "control") as peer:
            assert peer.asks(struct.pack("<BQI", REPLAY, 1, 10)) is None
    else:
        with broker_peer(keys, game.base, "ingress") as peer:
            assert peer.asks(PLACING) is None
    assert game["broker-1"].metrics().get(
        'stipple_broker_forbidden_total{channel="control"}') >= 1, word


def real_beat(game):
    with broker_peer(keys_of(game, "edge"), game.base, "feed",
                     zmq.SUB) as feed:
        while (message := feed.hears(5)) is not None:
            if message[0] == BEAT:
                return bytearray(message)
    raise AssertionError("no beat")


@pytest.mark.parametrize("by", ["broker", "edge"])
def test_only_a_brokers_keys_make_a_broker(game, by):
    """At the broker's own address, saying what a broker would say: with the
    broker's key it is believed (so the test can fail), and with all that an
    edge has it is not."""
    beat = real_beat(game)
    epoch, = struct.unpack_from("<I", beat, 2)  # behind type and format
    struct.pack_into("<I", beat, 2, epoch + 7)
    secret = keys_of(game, "broker").serve if by == "broker" else client_key(
        keys_of(game, "edge").connect["broker"][1], game.base)
    game["broker-1"].kill()
    feed = zmq.Context.instance().socket(zmq.PUB)
    feed.linger = 0
    feed.curve_server = True
    feed.curve_secretkey = curve_pair(secret)[1]
    feed.bind(port_of(game.base, "feed"))

    def leader():
        feed.send(bytes(beat))
        metrics = game["edge-1"].metrics()
        return metrics["stipple_edge_leader"], \
            metrics["stipple_edge_leaders_total"]
    try:
        if by == "broker":
            until(lambda: leader() == (1, 2), 15, "the edge believes", 0.1)
        else:
            until(lambda: leader() == (0, 1), 15, "no leader", 0.1)
    finally:
        feed.close()


def test_an_edges_keys_sign_no_operators_token(game):
    edge = keys_of(game, "edge")
    claims = {"sub": "alice", "exp": int(time.time()) + 600}
    with open(os.path.join(game.folder, "keys", "edge.key"), "rb") as file:
        whole = file.read()
    secrets = edge.anonymous + edge.tokens_as_secrets() + [whole] \
        + [secret for _, secret in edge.connect.values()]
    for secret in secrets:
        token = jwt.encode(claims, secret, "HS256")
        assert game.api.put(1, 1, 1, token).status == 401
        assert game.api.get("/api/v1/me", Authorization=f"Bearer {token}"
                            ).status == 401
    # What an edge is there for: somebody without a name.
    token = jwt.encode(dict(claims, sub="anon-1"), edge.anonymous[0], "HS256")
    assert game.api.put(1, 1, 1, token).status == 200


def test_no_key_file_holds_anothers_secrets(game):
    """Of what others keep for themselves nothing stands in edge.key."""
    with open(os.path.join(game.folder, "keys", "edge.key")) as file:
        edge = file.read()
    for role in ("broker", "persister", "operator"):
        keys = keys_of(game, role)
        own = [keys.serve] if keys.serve else []
        own += [secret for _, secret in keys.connect.values()]
        for secret in own:
            assert secret.hex() not in edge
    with open(os.path.join(game.folder, "secret")) as file:
        assert file.read().strip() not in edge


def test_another_roles_file_does_not_start_a_process(cluster):
    made = cluster(edges=1)
    for name, wrong in (("broker-1", "edge"), ("persister-1", "edge"),
                        ("edge-1", "broker")):
        process = made[name]
        at = process.argv.index("--key-file") + 1
        process.argv[at] = f"keys/{wrong}.key"
        process.start()
        assert process.child.wait(20) != 0
        assert "another role" in process.log()
        process.child = None
    stranger = made.ctl("--key-file", "keys/edge.key", "status", check=False)
    assert stranger.returncode == 2 and "another role" in stranger.stderr


def test_encryption_without_keys_does_not_start(cluster):
    one = cluster(broker=CURVE)
    argv = one["broker-1"].argv
    at = argv.index("--key-file")
    del argv[at:at + 2]
    one["broker-1"].start()
    assert one["broker-1"].child.wait(20) != 0
    assert "event=bus_no_keys" in one["broker-1"].log()
    one["broker-1"].child = None


def test_the_secret_of_0_1_0_is_refused_in_one_line(cluster):
    one = cluster()
    for name in ("broker-1", "persister-1", "edge-1"):
        process = one[name]
        at = process.argv.index("--key-file")
        process.argv[at:at + 2] = ["--secret-file", "secret"]
        process.start()
        assert process.child.wait(20) == 2
        line, = process.log().splitlines()
        assert "secret_file" in line.replace("-", "_") and "key_file" in line
        process.child = None
    # As a key file it is no better.
    argv = one["edge-1"].argv
    argv[argv.index("--secret-file")] = "--key-file"
    one["edge-1"].start()
    assert one["edge-1"].child.wait(20) != 0
    assert "it is no key file" in one["edge-1"].log()
    one["edge-1"].child = None


def test_a_bind_to_every_address_needs_a_name(cluster):
    one = cluster(broker={"bind": f"tcp://0.0.0.0:{free_ports(4)[0]}"})
    one["broker-1"].start()
    assert one["broker-1"].child.wait(20) != 0
    assert "advertise must be set" in one["broker-1"].log()
    one["broker-1"].child = None


@pytest.mark.parametrize("text", ["x", "0123456789abcdef" * 2, "a" * 64, "",
                                  "<html>" + "0123456789" * 8])
def test_a_weak_secret_makes_no_keys(cluster, tmp_path, text):
    one = cluster()
    (tmp_path / "weak").write_text(text)
    answer = one.keygen("keygen", secret=str(tmp_path / "weak"),
                        folder="others", check=False)
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1
    assert not os.path.exists(os.path.join(one.folder, "others", "edge.key"))


def test_keys_are_drawn_as_the_documents_say(cluster):
    """Another implementation gets the same keys from the same secret."""
    one = cluster()
    with open(os.path.join(one.folder, "secret")) as file:
        secret = file.read().strip().encode()

    def key(purpose):
        return hkdf_sha256(secret, f"stipple 1 {purpose} 1".encode())
    edge, broker = keys_of(one, "edge"), keys_of(one, "broker")
    assert edge.connect["broker"][1] == key("edge to broker")
    assert broker.accept["edge"] == [key("edge to broker")]
    assert broker.serve == key("broker server")
    assert edge.anonymous == [key("anonymous")]


def restart(made, *names):
    for name in names:
        assert made[name].stop() == 0
        made[name].start()


def test_rotation_accepts_old_and_new_then_only_new(game):
    """docs/operations.md, Changing keys: servers first, then the role."""
    old = keys_of(game, "edge")
    old_token = game.signer.token("alice")
    for keys in ("edge", "tokens", "anonymous"):
        game.keygen("rotate", keys)
    new = keys_of(game, "edge")
    assert new.connect["broker"][1] != old.connect["broker"][1]
    new_token = type(game.signer)(game.token_key_file).token("alice")

    def lets_in(keys):
        with broker_peer(keys, game.base, "ingress") as peer:
            return peer.asks(PLACING, 1.5) is not None
    assert lets_in(old) and not lets_in(new)
    restart(game, "broker-1", "persister-1")  # servers know both
    game.ready()
    assert lets_in(old) and lets_in(new)
    until(lambda: game.api.put(1, 1, 1, old_token).status == 200, 20)
    restart(game, "edge-1")
    game.ready()
    for token in (old_token, new_token):
        assert game.api.put(1, 1, 1, token).status == 200
    for keys in ("edge", "tokens", "anonymous"):
        game.keygen("retire", keys)
    restart(game, "edge-1", "broker-1", "persister-1")
    game.ready()
    assert lets_in(new) and not lets_in(old)
    until(lambda: game.api.put(1, 1, 1, new_token).status == 200, 20)
    assert game.api.put(1, 1, 1, old_token).status == 401


def test_a_lost_secret_is_not_drawn_anew_beside_its_keys(cluster):
    one = cluster()
    os.unlink(os.path.join(one.folder, "secret"))
    answer = one.keygen("keygen", check=False)
    assert answer.returncode == 1 and "is missing" in answer.stderr
    assert not os.path.exists(os.path.join(one.folder, "secret"))
    assert re.search(r"^role broker$", open(os.path.join(
        one.folder, "keys", "broker.key")).read(), re.M)
