# SPDX-License-Identifier: Apache-2.0
"""The remote stores on their real servers: the contract every store keeps, and
bad weather between the persister and them. Whatever happens, placing goes on,
the log grows, the persister says so and catches up by itself, and in the end
the store holds each placement once."""

import os
import random
import shutil
import struct
import subprocess
import threading

import pytest
import zmq

from support import bus_peers as bus
from support.bus import FOUND, NONE, PIXEL, STORE_FAILED, Query
from support.client import Client
from support.cluster import ENVIRONMENT, bin_dir
from support.files import write_whole
from support.history import export
from support.metrics import total
from support.store_proxy import CqlProxy, DynamoProxy
from support.stores import KEYS, CassandraLocal, DynamoLocal, missing_tools
from support.wait import until

pytestmark = pytest.mark.skipif(
    bool(missing_tools()), reason=f"{missing_tools()} missing: the stores' "
    "real servers need Java 17 and Maven")

KINDS = {"dynamodb": DynamoLocal, "cassandra": CassandraLocal}
PROXIES = {"dynamodb": DynamoProxy, "cassandra": CqlProxy}
SIDE = 50
LOCAL_QUORUM = 6


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """One server of each kind for all tests that do not kill theirs."""
    made = {}

    def require(kind):
        if kind not in made:
            made[kind] = KINDS[kind](tmp_path_factory.mktemp(kind),
                                     keep=kind == "cassandra").start()
        return made[kind]
    yield require
    for server in made.values():
        server.finish()


@pytest.fixture
def own_server(tmp_path):
    """A server of the test's own; not started."""
    made = []

    def make(kind, *options):
        made.append(KINDS[kind](tmp_path / f"server-{len(made)}", *options))
        return made[-1]
    yield make
    for server in made:
        server.finish()


def new_name():
    return f"t{random.getrandbits(40):x}"


def persister(url, *words):
    return subprocess.run(
        [os.path.join(bin_dir(), "stipple-persister"), "--store", url, *words],
        capture_output=True, text=True, timeout=120,
        env={**os.environ, **ENVIRONMENT})


def create_tables(url):
    answer = persister(url, "--create-tables")
    assert answer.returncode == 0, answer


class Stage:
    """A broker whose edge is the test, and a persister on the store."""

    def __init__(self, made, url):
        self.made, self.url, self.sent = made, url, {}
        self.context = zmq.Context()
        self.edge = bus.Edge(self.context, made.folder, "ipc://run/broker-1")
        self.random = random.Random(1)

    def is_led(self):
        status = bus.ask(self.context, self.made.folder, "ipc://run/broker-1",
                         verb="status")
        return status and status.get("role") == "leader"

    def close(self):
        self.edge.close()
        self.context.destroy(linger=0)

    def place(self, count):
        """All are accepted, whatever the store does."""
        for _ in range(0, count, 100):
            places = [(self.random.getrandbits(63), self.random.getrandbits(32),
                       self.random.randrange(SIDE), self.random.randrange(SIDE),
                       self.random.randrange(16)) for _ in range(100)]
            for place, (status, seq, _) in zip(
                    places, self.edge.place(*places, timeout=20)):
                assert status == bus.OK
                user, _, x, y, color = place
                self.sent[seq] = (seq, f"{user:016x}", x, y, color)

    def value(self, name):
        try:
            return total(self.made["persister-1"].metrics(),
                         f"^stipple_persister_{name}$")
        except OSError:  # it starts
            return -1

    def said(self, event):
        return f"event={event}" in self.made["persister-1"].log()

    def await_stored(self, timeout=60):
        until(lambda: self.value("checkpoint") == len(self.sent), timeout,
              "all is stored", 0.1)

    def await_trouble(self, timeout=40):
        """A metric and a line tell of it."""
        until(lambda: self.value("store_retries_total") > 0, timeout,
              "a retry is counted", 0.1)
        assert self.said("store_failed")

    def check(self):
        rows = export(self.made.bin, self.made.folder, self.url)
        assert [r[0] for r in rows] == list(range(1, len(self.sent) + 1))
        stored = {r[0]: (r[0], r[1].lower(), *r[2:]) for r in rows}
        assert stored == self.sent


@pytest.fixture
def stage(cluster):
    stages = []

    def make(url, **persister_settings):
        made = cluster(brokers=1, persisters=1, edges=0, size=f"{SIDE}x{SIDE}",
                       broker={"restore": "never"},
                       persister={"store": url, **persister_settings})
        made.start()
        stages.append(Stage(made, url))
        until(stages[-1].is_led, 30)
        return stages[-1]
    yield make
    for each in stages:
        each.close()


@pytest.fixture
def through_proxy(servers, stage):
    """(stage, proxy) with tables made and 200 placements stored."""
    proxies = []

    def make(kind, **settings):
        server = servers(kind)
        proxy = PROXIES[kind](server.port)
        proxies.append(proxy)
        name = new_name()
        create_tables(server.url(name))
        made = stage(server.url(name, proxy.port), **settings)
        made.direct = server.url(name)
        made.place(200)
        made.await_stored()
        return made, proxy
    yield make
    for proxy in proxies:
        proxy.close()


# ---- the contract --------------------------------------------------------

def run_contract(url):
    runner = os.path.join(bin_dir(), "tests", "unit-persister")
    answer = subprocess.run(
        [runner], capture_output=True, text=True, timeout=280,
        env={**os.environ, **ENVIRONMENT, "STIPPLE_TEST_STORE": url,
             "CK_INCLUDE_TAGS": "contract", "CK_FORK": "no"})
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
    assert "Checks: 0," not in answer.stdout


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_store_keeps_the_contract(servers, kind):
    run_contract(servers(kind).url("%s"))


# ---- weather -------------------------------------------------------------

@pytest.mark.timeout(180)
def test_one_who_asks_too_much_waits_for_itself(through_proxy):
    """C8: a flood of look-ups while each takes 20 ms. Others are answered in
    time, nothing is answered that nobody waits for, and when it ends it is
    over."""
    made, proxy = through_proxy("dynamodb")
    folder, ends = made.made.folder, ["ipc://run/persister-1"]
    flood, other = Query(folder, ends), Query(folder, ends)
    proxy.weather = "slow"
    for ticket in range(3000):
        flood.socket.send(struct.pack("<BQHH", PIXEL, ticket, 1, 1))
    for n in range(5):
        assert other.pixel(n, n)[0] in (FOUND, NONE)
    answers = [flood.receive(3) for _ in range(2000)]
    refused = [a for a in answers if a and a[9] == STORE_FAILED]
    assert len(refused) > 1000
    until(lambda: made.made["persister-1"].metrics()[
        "stipple_persister_lookups_refused_total"] >= len(refused), 15)
    flood.close()
    other.close()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind,weather", [
    ("dynamodb", "throttle"), ("dynamodb", "unavailable"),
    ("dynamodb", "close"), ("dynamodb", "half"), ("dynamodb", "stall"),
    ("cassandra", "overloaded"), ("cassandra", "close"),
    ("cassandra", "half"), ("cassandra", "stall")])
def test_weather_passes_without_loss(through_proxy, kind, weather):
    made, proxy = through_proxy(kind)
    proxy.weather = weather
    made.place(500)
    made.await_trouble()
    assert made.value("checkpoint") < len(made.sent)
    assert proxy.counts[weather] > 0
    proxy.weather = "clear"
    if kind == "cassandra":
        proxy.drop()  # what stalled stays silent
    made.await_stored()
    made.url = made.direct
    made.check()


@pytest.mark.timeout(120)
def test_unprocessed_items_are_sent_again(through_proxy):
    made, proxy = through_proxy("dynamodb")
    proxy.weather = "unprocessed"
    made.place(500)
    made.await_stored()
    assert proxy.counts["unprocessed"] > 20
    made.url = made.direct
    made.check()


@pytest.mark.timeout(120)
def test_cql_keeps_to_what_keyspaces_allows(through_proxy):
    """Batches of at most 30 statements, rows under 1 MB, LOCAL_QUORUM, several
    connections. (Keyspaces itself is out of reach.)"""
    made, proxy = through_proxy("cassandra")
    proxy.weather = "overloaded"
    made.place(3000)
    made.await_trouble()
    proxy.weather = "clear"
    made.await_stored()
    assert max(proxy.batches) == 30
    assert proxy.largest < 1 << 20
    assert proxy.consistencies == {LOCAL_QUORUM}
    # More than 16 in flight open another.
    assert len(proxy.links) / 2 >= 2
    made.url = made.direct
    made.check()


@pytest.mark.timeout(120)
def test_clock_that_is_off_is_corrected(through_proxy):
    made, proxy = through_proxy("dynamodb")
    proxy.weather, proxy.skew_s = "skew", 3600
    made.place(300)
    made.await_stored()
    assert made.said("store_clock_skew")
    assert not made.said("store_failed")
    assert proxy.counts["well timed"] > 0


@pytest.mark.timeout(120)
def test_expired_session_token_is_replaced(through_proxy, monkeypatch,
                                           tmp_path):
    """The file's keys end; new ones in it are found without a restart."""
    def write(token):
        write_whole(
            tmp_path / "credentials",
            "[default]\naws_access_key_id=local\naws_secret_access_key=local\n"
            f"aws_session_token={token}\n")
    write("old")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE",
                       str(tmp_path / "credentials"))
    made, proxy = through_proxy("dynamodb")
    proxy.weather, proxy.token = "expired", "new"
    made.place(300)
    made.await_trouble()
    assert "ExpiredToken" in made.made["persister-1"].log()
    write("new")
    made.await_stored()
    made.url = made.direct
    made.check()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("weather,named", [
    ("unrecognized", "UnrecognizedClientException"),
    ("mistyped", "InvalidSignatureException")])
def test_wrong_credentials_are_named(through_proxy, weather, named):
    made, proxy = through_proxy("dynamodb")
    proxy.weather = weather
    made.place(100)
    made.await_trouble()
    assert named in made.made["persister-1"].log()
    proxy.weather = "clear"
    made.await_stored()


@pytest.mark.timeout(120)
def test_wrong_password_is_named_and_a_new_one_is_read(servers, stage,
                                                       tmp_path):
    server = servers("cassandra")
    name = new_name()
    create_tables(server.url(name))
    write_whole(tmp_path / "password", "wrong\n")
    made = stage(f"cassandra:127.0.0.1:{server.port}/{name}?user=cassandra"
                 f"&password_file={tmp_path / 'password'}")
    made.place(100)
    made.await_trouble()
    assert "bad_credentials" in made.made["persister-1"].log()
    write_whole(tmp_path / "password", "cassandra\n")
    made.await_stored()
    made.check()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", KINDS)
def test_missing_tables_are_named_and_found_later(servers, stage, kind):
    url = servers(kind).url(new_name())
    made = stage(url)
    made.place(100)
    made.await_trouble()
    assert "--create-tables" in made.made["persister-1"].log()
    create_tables(url)
    made.await_stored()
    made.check()


# ---- servers and persisters that die -------------------------------------

@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", KINDS)
def test_server_may_come_late_and_be_killed(own_server, stage, kind):
    """Down at the start; then kill -9 in the middle of writing. What was
    confirmed is in its files."""
    server = own_server(kind)
    name = new_name()
    made = stage(server.url(name))
    made.place(100)
    made.await_trouble()
    server.start()
    create_tables(server.url(name))
    made.await_stored(90)
    placing = threading.Thread(target=made.place, args=(4000,))
    placing.start()
    until(lambda: made.value("checkpoint") > 500, 60)
    server.kill()
    placing.join()
    server.start()
    made.await_stored(90)
    made.check()


def seqs_of(answer):
    return [row["seq"] for row in answer["placements"]]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", KINDS)
def test_operators_look_up_and_roll_back(servers, stage, kind):
    """The same questions and answers as of SQLite; the rollback is proved."""
    url = servers(kind).url(new_name())
    create_tables(url)
    stage_ = stage(url)
    made, edge = stage_.made, stage_.edge
    edge.place(*((1, i + 1, i % 10, i // 10, 1) for i in range(300)))
    eve = edge.place(*((2, i + 1, i % 10, i // 10, 2) for i in range(100)))
    last = edge.place(*((3, i + 1, i, 0, 3) for i in range(5)))[-1][1]
    until(lambda: made.ctl("status")["persisted"] >= last, 60, "the store")
    everything = [seq for _, seq, _ in eve][::-1]
    # An index of the store's may follow a moment later.
    until(lambda: seqs_of(made.ctl("user", f"{2:016x}", "--limit", "200"))
          == everything, 30, "the user's placements")
    assert seqs_of(made.ctl("search", "--user", f"{2:016x}", "--box",
                            "0,0,9,1", "--limit", "7")) == everything[80:87]
    assert seqs_of(made.ctl("who", "3", "0"))[:2] == [last - 1, eve[3][1]]
    assert seqs_of(made.ctl("search", "--color", "3", "--since", "-1h")) == \
        list(range(last, last - 5, -1))
    done = made.ctl("rollback", "--user", f"{2:016x}", "--yes", "--as", "al")
    assert (done["pixels"], done["placements"], done["spared"]) == (95, 100, 5)
    board = edge.load().board
    assert [board.at(i % 10, i // 10) for i in range(300)] == \
        [3] * 5 + [1] * 295
    undone = made.ctl("rollback", "--undo", str(done["seq"]), "--yes")
    assert undone["pixels"] == 95
    last = made.ctl("status")["seq"]
    until(lambda: made.ctl("status")["persisted"] >= last, 60, "the store")
    acted = made.ctl("audit", "--by", "al")["actions"]
    assert [row["verb"] for row in acted] == ["rollback"]
    assert [row["verb"] for row in made.ctl("audit")["actions"]] == \
        ["restore", "rollback"]
    verified = subprocess.run(
        [os.path.join(made.bin, "stipple-persister"), "--store", url,
         "--verify", "--brokers", "ipc://run/broker-1", "--key-file",
         "keys/persister.key"], cwd=made.folder, capture_output=True,
        text=True, timeout=120, env={**os.environ, **ENVIRONMENT})
    assert verified.returncode == 0, verified


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", KINDS)
def test_killed_persister_leaves_no_gap(servers, stage, kind):
    url = servers(kind).url(new_name())
    create_tables(url)
    made = stage(url)
    for seed in range(4):
        placing = threading.Thread(target=made.place, args=(1500,))
        placing.start()
        until(lambda: made.value("checkpoint") > seed * 1500 + 200, 60)
        made.made["persister-1"].kill()
        made.made["persister-1"].start()
        placing.join()
        until(lambda: made.value("checkpoint") >= 0, 20)
    made.await_stored()
    made.check()
    verified = subprocess.run(
        [os.path.join(made.made.bin, "stipple-persister"), "--store", url,
         "--verify", "--brokers", "ipc://run/broker-1", "--key-file",
         "keys/persister.key"], cwd=made.made.folder, capture_output=True, text=True,
        timeout=120, env={**os.environ, **ENVIRONMENT})
    assert verified.returncode == 0, verified


# ---- TLS -----------------------------------------------------------------

def certificate(folder, name):
    key, cert = str(folder / f"{name}.key"), str(folder / f"{name}.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


@pytest.mark.timeout(240)
def test_tls_with_the_right_name_alone(own_server, tmp_path):
    cert, key = certificate(tmp_path, "localhost")
    other, _ = certificate(tmp_path, "elsewhere")
    server = own_server("cassandra", "--tls-cert", cert, "--tls-key", key)
    server.start()
    url = server.url(new_name(), tls="on", ca=cert)
    by_name = url.replace("127.0.0.1", "localhost")
    create_tables(by_name)
    assert persister(by_name, "--export", "csv").returncode == 0
    # The certificate is not for the address.
    wrong = persister(url, "--create-tables")
    assert wrong.returncode != 0 and "mismatch" in wrong.stderr, wrong
    # Nor is it signed by that authority.
    wrong = persister(by_name.replace(cert, other), "--create-tables")
    assert wrong.returncode != 0 and "certificate" in wrong.stderr, wrong
    # And a server that wants TLS does not talk without.
    wrong = persister(by_name.replace("tls=on", "tls=off"), "--create-tables")
    assert wrong.returncode != 0, wrong


# ---- ./stipple up --store -------------------------------------------------

@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_up_brings_the_store_along(supervised, kind):
    made = supervised("--store", kind, "--cooldown", "0", "--size", "64x64")
    made.up()
    player = Client(made.api, token=made.signer.token())
    seq = [player.place(x, 7, 5)["seq"] for x in range(20)][-1]
    until(lambda: b'"seq":4' in made.api.get("/api/v1/pixels/3/7").body, 40)
    player.close()
    # Redis forgets; the store brings it back.
    made.down()
    shutil.rmtree(os.path.join(made.data, "redis"))
    made.up()
    board = made.api.board_at(seq)
    assert [board.at(x, 7) for x in range(21)] == [5] * 20 + [0]
    made.down()
