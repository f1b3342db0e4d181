# SPDX-License-Identifier: Apache-2.0
"""HTTP as connections see it: keep-alive, pipelining, bodies of odd shapes,
answers that nobody reads, the board's cache, proxies, keys of other issuers.
The rules themselves are in test_protocol_http.py."""

import base64
import http.client
import json
import os
import re
import socket
import threading
import time

import pytest

from support.api import problem
from support.board import Board
from support.client import Client
from support.metrics import total
from support.tokens import user_of
from support.wait import until
from support.websocket import Refused


@pytest.fixture(scope="module")
def game(transport, module_cluster):
    return module_cluster(size="100x100").start().ready()


pytestmark = pytest.mark.usefixtures("transport")


class Wire:
    """A connection, byte by byte."""

    def __init__(self, game, receive_buffer=None):
        self.link = game.api.link(receive_buffer=receive_buffer)
        self.file = self.link.makefile("rb")

    def send(self, *pieces):
        for piece in pieces:
            self.link.sendall(piece if isinstance(piece, bytes)
                              else piece.encode())

    def answer(self, head=False):
        """The next answer's (status, headers, body)."""
        line = self.file.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        status = int(line.split()[1])
        headers = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        size = int(headers.get("content-length", 0))
        body = b"" if head or status in (204, 304) else self.file.read(size)
        return status, headers, body

    def half_close(self):
        socket.socket.shutdown(self.link, socket.SHUT_WR)

    def is_closed(self):
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.file.close()
        self.link.close()


@pytest.fixture
def wire(game):
    made = []

    def make(**options):
        made.append(Wire(game, **options))
        return made[-1]
    yield make
    for one in made:
        one.close()


def get(path, *lines, version="1.1"):
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: x", *lines, "",
                        ""])


def put(path, body, *lines):
    return "\r\n".join([f"PUT {path} HTTP/1.1", "Host: x",
                        f"Content-Length: {len(body)}", *lines, "", body])


def bearer(game, sub=None):
    return "Authorization: Bearer " + game.signer.token(sub)


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- keep-alive and pipelining ---

def test_connection_serves_one_request_after_another(game, wire):
    one = wire()
    for i in range(20):
        one.send(get("/healthz"))
        assert one.answer()[0] == 200
        one.send(put(f"/api/v1/pixels/{i}/0", '{"color":1}', bearer(game)))
        assert one.answer()[0] == 200
        one.send(get("/api/v1/nothing"))
        assert one.answer()[0] == 404


def test_pipelined_gets_are_answered_in_order(wire):
    one = wire()
    paths = ["/healthz", "/api/v1/config", "/api/v1/pixels/99/99", "/nothing",
             "/api/v1/board", "/api/v1/board.png?scale=2", "/readyz"] * 3
    one.send("".join(get(path) for path in paths))
    statuses = [one.answer()[0] for _ in paths]
    assert statuses == [404 if p == "/nothing" else 200 for p in paths]


def test_pipelined_puts_are_answered_in_order(game, wire):
    one = wire()
    one.send("".join(put(f"/api/v1/pixels/{i}/1", '{"color":1}', bearer(game))
                     + get(f"/nothing/{i}") for i in range(20)))
    seqs = []
    for _ in range(20):
        seqs.append(json.loads(one.answer()[2])["seq"])
        assert one.answer()[0] == 404
    assert seqs == sorted(set(seqs))


def test_body_is_never_the_next_request(wire):
    """Old: behind `X: 1` its length was not seen (S1, S4)."""
    inner = get("/readyz")
    length = f"X: 1\r\nContent-Length: {len(inner)}"
    for outer in (get("/nothing", length), get("/a%62", length),
                  get("/nothing", "X-Odd: a\tb", length),
                  get("/nothing", length, "Connection: keep-alive",
                      version="1.0"),
                  get("/nothing", length).replace("GET", "OPTIONS")):
        for cut in (None, 20, -3):
            one = wire()
            if cut:
                one.send(outer[:cut])
                time.sleep(0.05)
            one.send(outer[cut:] + inner + get("/healthz"))
            assert one.answer()[0] == 404
            assert one.answer()[2] == b"ok\n"


def test_body_may_come_in_any_pieces(game, wire):
    whole = put("/api/v1/pixels/1/1", '{"color":1}', bearer(game))
    for cuts in (range(1, len(whole)), (20,), (len(whole) - 5,)):
        one = wire()
        for start, end in zip((0, *cuts), (*cuts, None)):
            one.send(whole[start:end])
            time.sleep(0.0005)
        assert one.answer()[0] == 200
        one.send(get("/healthz"))
        assert one.answer()[0] == 200


def test_request_that_breaks_off_ends_the_connection(wire):
    whole = put("/api/v1/pixels/1/1", '{"color":1}')
    for size in (4, 30, len(whole) - 5):
        one = wire()
        one.send(whole[:size])
        one.half_close()
        assert one.is_closed()


def test_request_behind_a_get_is_passed_on_whole(game, wire):
    for other, status in ((put("/nothing", "x" * 30), 404),
                          (get("/healthz", "Content-Length: 3") + "abc", 200),
                          (put("/api/v1/pixels/1/1", '{"color":2}',
                               bearer(game)), 200)):
        one = wire()
        one.send(get("/healthz") + get("/readyz") + other)
        assert [one.answer()[0] for _ in range(3)] == [200, 200, status]


def test_request_behind_a_put_in_one_segment_is_answered(game, wire):
    one = wire()
    one.send(put("/api/v1/pixels/1/2", '{"color":1}', bearer(game))
             + get("/healthz"))
    assert one.answer()[0] == 200
    assert one.answer()[2] == b"ok\n"


def test_connection_close_is_kept(wire):
    for lines in (["Connection: close"], ["Connection: foo, Close"]):
        one = wire()
        one.send(get("/healthz", *lines))
        status, headers, _ = one.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert one.is_closed()


def test_http_1_0_closes_unless_asked(wire):
    one = wire()
    one.send(get("/healthz", version="1.0"))
    assert one.answer()[1]["connection"] == "close"
    assert one.is_closed()
    one = wire()
    for _ in range(2):
        one.send(get("/healthz", "Connection: keep-alive", version="1.0"))
        assert one.answer()[1]["connection"] == "keep-alive"


def test_request_may_come_byte_by_byte(game, wire):
    one = wire()
    text = put("/api/v1/pixels/2/2", '{"color":2}', bearer(game))
    for byte in text.encode():
        one.send(bytes([byte]))
    assert one.answer()[0] == 200


@pytest.mark.parametrize("offer", ["h2c", "TLS/1.0", "h2c, foo/2"])
def test_offers_of_other_protocols_are_passed_over(wire, offer):
    """Java's HttpClient and curl --http2 make them."""
    one = wire()
    for _ in range(2):
        one.send(get("/healthz", "Connection: Upgrade, HTTP2-Settings",
                     f"Upgrade: {offer}", "HTTP2-Settings: AAMAAABkAAQAAP__"))
        assert one.answer()[0] == 200


def test_head_is_not_followed_by_a_body(wire):
    one = wire()
    one.send(get("/api/v1/board").replace("GET", "HEAD", 1))
    status, headers, _ = one.answer(head=True)
    assert status == 200 and int(headers["content-length"]) == 5040
    one.send(get("/healthz"))
    assert one.answer()[0] == 200


# --- bodies ---

def test_post_without_a_length_has_no_body(wire):
    one = wire()
    one.send("POST /api/v1/session HTTP/1.1\r\nHost: x\r\n\r\n")
    assert one.answer()[0] == 201
    one.send(get("/healthz"))
    assert one.answer()[2] == b"ok\n"


def test_chunked_bodies_are_read(game, wire):
    one = wire()
    for chunks in ('3\r\n{"c\r\n8\r\nolor":7}\r\n0\r\n\r\n',
                   'B;a=b\r\n{"color":7}\r\n0\r\nA: b\r\n\r\n'):
        one.send("\r\n".join(["PUT /api/v1/pixels/5/5 HTTP/1.1", "Host: x",
                              bearer(game), "Transfer-Encoding: chunked", "",
                              chunks]) + get("/healthz"))
        assert one.answer()[0] == 200
        assert one.answer()[2] == b"ok\n"
    until(lambda: game.api.pixel(5, 5)["color"] == 7, 5)


@pytest.mark.parametrize("lines", [
    ["Transfer-Encoding: chunked"], ["Content-Length: 5, 5"],
    ["Transfer-Encoding: chunked, chunked"], ["Transfer-Encoding:"],
    ["Transfer-Encoding : chunked"], ["Content-Length: 1 1"],
    ["Content-Length: 5", "Content-Length: 6"], ["Content-Length: five"],
    ["Content-Length: +5"], ["Content-Length: -5"],
    ["Content-Length: 5", "Transfer-Encoding: chunked"]])
def test_length_that_cannot_be_told_is_a_bad_request(game, wire, lines):
    one = wire()
    one.send("\r\n".join(["PUT /api/v1/pixels/1/1 HTTP/1.1", "Host: x",
                          bearer(game), *lines, "", "hello"]))
    status, headers, body = one.answer()
    codes = {400: "bad_request", 501: "not_implemented"}
    assert json.loads(body)["code"] == codes[status]
    assert headers["connection"] == "close"
    assert one.is_closed()


def test_large_body_is_refused_at_once_and_the_answer_is_seen(game, wire):
    for size in (300000, 10**9):
        one = wire()
        one.send(put("/api/v1/pixels/1/1", "x", bearer(game)).replace(
            "Content-Length: 1", f"Content-Length: {size}") + "x" * 200000)
        status, headers, _ = one.answer()
        assert (status, headers["connection"]) == (413, "close")
        assert one.is_closed()


def test_who_asks_before_sending_a_body_is_told_to(game, wire):
    one, body = wire(), '{"color":5}'
    one.send(put("/api/v1/pixels/3/3", body, bearer(game),
                 "Expect: 100-continue")[:-len(body)])
    assert one.answer()[0] == 100
    one.send(body)
    assert one.answer()[0] == 200


def test_gets_with_a_body_are_answered(wire):
    one = wire()
    for body in ("abc", "x" * 4096):
        one.send(get("/healthz", f"Content-Length: {len(body)}") + body)
        assert one.answer()[0] == 200
    one.send(get("/healthz", "Content-Length: 4097") + "x" * 4097)
    assert one.answer()[0] == 413
    assert one.is_closed()


def test_unknown_methods_are_405(wire):
    for method in ("TRACE", "FOO", "CONNECT", "PATCH", "DELETE"):
        one = wire()
        one.send(f"{method} /api/v1/config HTTP/1.1\r\nHost: x\r\n"
                 "Content-Length: 0\r\n\r\n")
        status, headers, body = one.answer()
        assert status == 405 and "GET" in headers["allow"]
        assert json.loads(body)["code"] == "method_not_allowed"


# --- who leaves, and who does not read ---

def test_players_may_leave_before_their_verdict(game, wire):
    before = game["edge-1"].metrics()["stipple_edge_connections"]
    for i in range(50):
        one = wire()
        one.send(put(f"/api/v1/pixels/{i}/5", '{"color":3}', bearer(game)))
        one.close()
    until(lambda: game["edge-1"].metrics()["stipple_edge_connections"]
          <= before, 10)
    until(lambda: all(game.api.pixel(i, 5)["color"] == 3 for i in range(50)),
          5, "what was sent is placed all the same")


def test_readers_that_stop_cost_no_memory_and_no_time(cluster):
    made = cluster(size="4000x4000", edge={"board_max_age_s": 60}) \
        .start().ready()
    edge = made["edge-1"]
    assert made.api.get("/api/v1/board").status == 200
    memory, links = edge.memory_bytes(), []
    for i in range(40):
        links.append(Wire(made, receive_buffer=4096))
        links[-1].send(get("/api/v1/board"))
    # More input behind the request must not keep the loop awake either.
    links[0].send(get("/healthz"))
    links[1].half_close()
    time.sleep(3)
    before = cpu_seconds(edge)
    time.sleep(2)
    assert cpu_seconds(edge) - before < 0.5
    assert edge.memory_bytes() - memory < 40 << 20
    status, _, body = links[2].answer()
    assert status == 200 and len(body) == 40 + 8000000
    Board.parse(body)
    for link in links:
        link.close()


# --- the board's cache ---

@pytest.mark.timed
def test_many_askers_cost_few_renderings(game):
    token, stop, bodies = game.signer.token(), threading.Event(), []

    def ask():
        link = game.api.connection()
        while not stop.is_set():
            link.request("GET", "/api/v1/board",
                         headers={"Accept-Encoding": "gzip"})
            bodies.append(link.getresponse().read())

    def renderings():
        return game["edge-1"].metrics()["stipple_edge_renderings_total"]
    before = renderings()
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 4
    while time.monotonic() < end:
        assert game.api.put(7, 7, 1, token).status == 200
    stop.set()
    for thread in threads:
        thread.join()
    assert len(bodies) > 50
    assert 1 <= renderings() - before <= 3  # at most each 3 s


@pytest.mark.timed
def test_age_never_exceeds_max_age(game):
    token = game.signer.token()
    for _ in range(20):
        game.api.put(8, 8, 1, token)
        headers = game.api.get("/api/v1/board").headers
        assert int(headers["age"]) <= 3
        time.sleep(0.2)


def test_stale_boards_are_allowed_only_where_it_is_set(cluster, game):
    made = cluster(size="20x20", edge={"board_stale_s": 10}).start().ready()
    for path in ("/api/v1/board", "/api/v1/board.png"):
        held = made.api.get(path).headers
        for headers in (held, made.api.get(
                path, If_None_Match=held["etag"]).headers):
            assert headers["cache-control"] == \
                "public, max-age=3, stale-while-revalidate=10"
        assert game.api.get(path).headers["cache-control"] == \
            "public, max-age=3"


def test_no_age_at_all_serves_the_newest_board(cluster):
    made = cluster(size="50x50", edge={"board_max_age_s": 0}).start().ready()
    token = made.signer.token()
    for i in range(30):
        answer = made.api.put(i, 1, 1 + i % 15, token)
        seq = json.loads(answer.body)["seq"]
        until(lambda: made["edge-1"].metrics()["stipple_edge_seq"] >= seq, 5)
        board = made.api.board()
        assert board.seq >= seq and board.at(i, 1) == 1 + i % 15


def test_another_palette_is_another_png(cluster):
    made = cluster(size="20x20").start().ready()
    before = made.api.get("/api/v1/board.png")
    made.ctl("set", "palette", "#112233,#445566")
    until(lambda: made.api.config()["palette"] == ["#112233", "#445566"], 5)
    after = made.api.get("/api/v1/board.png",
                         If_None_Match=before.headers["etag"])
    assert after.status == 200
    assert b"PLTE\x11\x22\x33\x44\x55\x66" in after.body


# --- the page ---

def test_page_files_are_cached_by_content(game):
    page = game.api.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    assert policy.endswith("connect-src 'self'") and "*" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert "geolocation=()" in page.headers["permissions-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert game.api.get("/", If_None_Match=page.headers["etag"]).status == 304
    script = game.api.get("/wire.js", Accept_Encoding="gzip")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["cache-control"] == "no-cache"


def test_versioned_files_may_be_kept_for_ever(game):
    page = game.api.get("/").body.decode()
    names = re.findall(r'(?:src|href)="(_/[0-9a-f]{16}/[^"]+)"', page)
    assert {name.rsplit(".")[-1] for name in names} == {"js", "css"}
    for name in names:
        kept = game.api.get("/" + name)
        assert kept.status == 200 and "immutable" in \
            kept.headers["cache-control"]
        assert kept.body == game.api.get("/" + name.split("/", 2)[2]).body
        other = game.api.get("/_/0123456789abcdef/" + name.split("/", 2)[2])
        assert other.headers["cache-control"] == "no-cache"


def test_page_may_connect_to_the_endpoints(cluster):
    made = cluster(edge={"endpoints": "wss://edge-2.example:8443/api/v1/ws, "
                         "ws://b.example/x;'unsafe-inline'"}).start().ready()
    policy = made.api.get("/").headers["content-security-policy"]
    assert policy.endswith(
        "connect-src 'self' wss://edge-2.example:8443 "
        "https://edge-2.example:8443 ws://b.example http://b.example")
    assert "unsafe" not in policy


def test_page_may_load_templates_from_where_the_operator_allows(cluster):
    made = cluster(edge={
        "endpoints": "wss://edge-2.example/api/v1/ws",
        "template_origins": "https://a.example, http://b.example:81/x, "
                            "data:text/plain, wss://c.example, http://, https",
        "report_url": "https://id.example/report"}).start().ready()
    policy = made.api.get("/").headers["content-security-policy"]
    assert policy.endswith(
        "connect-src 'self' wss://edge-2.example https://edge-2.example "
        "https://a.example http://b.example:81")
    config = made.api.config()
    assert config["template_origins"][0] == "https://a.example"
    assert config["report_url"] == "https://id.example/report"


def test_pages_of_other_origins_may_not_write_unless_set(game):
    token = game.signer.token()
    problem(game.api.ask("PUT", "/api/v1/pixels/1/1", '{"color":1}', {
        "Authorization": f"Bearer {token}",
        "Origin": "https://other.example"}), 403, "forbidden")
    with pytest.raises(Refused) as refusal:
        Client(game.api, headers=[("Origin", "https://other.example")])
    assert refusal.value.status == 403
    scheme = "https" if game.api.tls else "http"
    Client(game.api, headers=[
        ("Origin", f"{scheme}://127.0.0.1:{game.api.port}")]).close()


# --- where a page of another origin asks ---

def test_write_from_a_refused_origin_is_forbidden(cluster):
    made = cluster(edge={"origins": "https://good.example"}).start().ready()
    token = made.signer.token()

    def write(origin):
        return made.api.ask(
            "PUT", "/api/v1/pixels/1/1", '{"color":1}',
            {"Authorization": f"Bearer {token}", "Origin": origin})
    problem(write("https://bad.example"), 403, "forbidden")
    problem(write("null"), 403, "forbidden")
    good = write("https://good.example")
    assert good.status == 200
    assert good.headers["access-control-allow-origin"] \
        == "https://good.example"
    assert "origin" in good.headers["vary"].lower()
    scheme = "https" if made.api.tls else "http"
    assert write(f"{scheme}://127.0.0.1:{made.api.port}").status == 200
    answer = made.api.ask("POST", "/api/v1/session",
                          headers={"Origin": "https://bad.example"})
    problem(answer, 403, "forbidden")


@pytest.mark.timed
def test_contested_pixel_is_one_question_a_second(cluster):
    made = cluster().start().ready()
    edge = made["edge-1"]
    asked = total(edge.metrics(), "edge_queries_total")
    began = time.monotonic()
    for _ in range(200):
        assert made.api.get("/api/v1/pixels/3/4").status == 200
    took = time.monotonic() - began
    asked = total(edge.metrics(), "edge_queries_total") - asked
    assert 1 <= asked <= took + 2
    # What is placed there is seen all the same.
    token = made.signer.token()
    answer = made.api.ask("PUT", "/api/v1/pixels/3/4", b'{"color":5}',
                          {"Authorization": f"Bearer {token}"})
    assert answer.status == 200
    until(lambda: json.loads(made.api.get("/api/v1/pixels/3/4").body)["color"]
          == 5, 2, "the placement")


def test_picture_of_too_many_pixels_is_refused(cluster):
    made = cluster(size="100x100", edge={"png_pixels_max": 40000}) \
        .start().ready()
    assert made.api.get("/api/v1/board.png?scale=2").status == 200
    problem(made.api.get("/api/v1/board.png?scale=3"), 413, "too_large")


# --- addresses ---

def test_forwarded_for_counts_behind_a_trusted_proxy(cluster):
    made = cluster(edge={"sessions_per_address": 2, "limit_loopback": "on",
                         "trusted_proxies": "127.0.0.1/32"}).start().ready()

    def session(forwarded):
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        return made.api.ask("POST", "/api/v1/session", headers=headers).status
    assert [session("9.9.9.9") for _ in range(3)] == [201, 201, 429]
    assert session("1.2.3.4, 9.9.9.9") == 429  # the client's own words
    assert session("9.9.9.8") == 201
    assert [session("2001:db8::1"), session("2001:db8::2"),
            session("2001:db8::3")] == [201, 201, 429]


def test_forwarded_for_of_others_counts_for_nothing(cluster):
    made = cluster(edge={"sessions_per_address": 2, "limit_loopback": "on"}) \
        .start().ready()
    codes = [made.api.ask("POST", "/api/v1/session", headers={
        "X-Forwarded-For": f"9.9.9.{i}"}).status for i in range(3)]
    assert codes == [201, 201, 429]


# --- keys of other issuers ---

def numbers(value, size=None):
    raw = value.to_bytes(size or (value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_operators_keys_count_and_no_others(cluster, tmp_path):
    import jwt
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    signer, curve = rsa.generate_private_key(65537, 2048), \
        ec.generate_private_key(ec.SECP256R1())
    public = signer.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(public)
    point = curve.public_key().public_numbers()
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [
        {"kty": "EC", "crv": "P-256", "kid": "one", "use": "sig",
         "x": numbers(point.x, 32), "y": numbers(point.y, 32)},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]}))
    made = cluster(edge={"jwt_key_file": str(tmp_path / "key.pem"),
                         "jwks_file": str(tmp_path / "keys.json")}) \
        .start().ready()
    claims = {"sub": "carol", "exp": int(time.time()) + 600}

    def user(token):
        answer = made.api.get("/api/v1/me", Authorization=f"Bearer {token}")
        return answer.status, json.loads(answer.body).get("user")
    good = (200, user_of("carol"))
    assert user(jwt.encode(claims, signer, "RS256")) == good
    assert user(jwt.encode(claims, curve, "ES256",
                           {"kid": "one"})) == good
    assert user(made.signer.token("carol")) == good
    assert user(jwt.encode(claims, curve, "ES256", {"kid": "two"}))[0] == 401
    # The public key taken for an HMAC secret: what forgers try.
    head = numbers(int.from_bytes(b'{"alg":"HS256"}', "big"))
    body = numbers(int.from_bytes(json.dumps(claims).encode(), "big"))
    import hashlib
    import hmac
    for secret in (public, public[:-1]):
        seal = hmac.new(secret, f"{head}.{body}".encode(),
                        hashlib.sha256).digest()
        forged = f"{head}.{body}." \
            + base64.urlsafe_b64encode(seal).rstrip(b"=").decode()
        assert user(forged)[0] == 401


# --- the end ---

def test_draining_edge_says_so_and_ends_its_connections(cluster):
    made = cluster(edges=2).start().ready()
    link = made.api.connection()
    link.request("GET", "/healthz")
    assert link.getresponse().read() == b"ok\n"
    assert made["edge-1"].stop() == 0
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        link.request("GET", "/healthz")
        link.getresponse()
    assert made.apis[1].get("/readyz").status == 200
