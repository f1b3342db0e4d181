# SPDX-License-Identifier: Apache-2.0
"""docs/protocol.md, the HTTP part, rule by rule."""

import gzip
import json
import struct
import time
import zlib

import pytest

from support.api import problem
from support.board import Board
from support.tokens import user_of
from support.wait import until

WIDTH, HEIGHT = 33, 21  # odd: the last half byte is nobody's


pytestmark = pytest.mark.usefixtures("transport")


@pytest.fixture(scope="module")
def game(transport, module_cluster):
    return module_cluster(size=f"{WIDTH}x{HEIGHT}").start().ready()


@pytest.fixture(scope="module")
def api(game):
    return game.api


@pytest.fixture(scope="module")
def strict(transport, module_cluster):
    return module_cluster(cooldown_ms=60000).start().ready()


def place(game, x, y, color, **options):
    answer = game.api.put(x, y, color, game.signer.token(), **options)
    assert answer.status == 200, answer
    return json.loads(answer.body)["seq"]


# --- config, health ---

def test_config_names_what_a_client_needs(api):
    config = api.config()
    assert config["protocol"] == "stipple.v1"
    assert config["board"] == {"width": WIDTH, "height": HEIGHT, "bits": 4,
                               "epoch": config["board"]["epoch"]}
    assert len(config["palette"]) == 16
    assert all(len(c) == 7 and c[0] == "#" and c == c.upper()
               for c in config["palette"])
    assert (config["cooldown_ms"], config["paused"]) == (0, False)
    assert config["endpoints"] == []


def test_health_and_readiness(api):
    assert api.get("/healthz").status == 200
    assert api.get("/readyz").status == 200


def test_the_page_is_served(api):
    answer = api.get("/")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/../Makefile", "/%2e%2e/Makefile",
                                  "/..%2fMakefile", "/nothing.js",
                                  "/api/v1/nothing", "/api/v2/board"])
def test_what_is_not_there_is_404(api, path):
    problem(api.get(path), 404, "not_found")


# --- the board ---

def test_board_is_a_whole_state_with_its_digest(game, api):
    seq = place(game, 5, 6, 7)
    board = api.board_at(seq)
    assert (board.width, board.height, board.bits) == (WIDTH, HEIGHT, 4)
    assert board.at(5, 6) == 7
    assert abs(board.rendered_at_ms - time.time() * 1000) < 60000


def test_board_may_be_old_by_its_max_age_at_most(game, api):
    headers = api.get("/api/v1/board").headers
    assert headers["content-type"] == "application/vnd.stipple.board"
    control = headers["cache-control"].replace(" ", "").split(",")
    ages = [c for c in control if c.startswith("max-age=")]
    assert ages == ["max-age=3"]
    seq = place(game, 6, 6, 7)
    api.board_at(seq, timeout=4)


def test_etag_is_epoch_and_seq_for_all_encodings(api):
    def plain_and_packed():
        plain = api.get("/api/v1/board")
        packed = api.get("/api/v1/board", Accept_Encoding="gzip")
        same = plain.headers["etag"] == packed.headers["etag"]
        return same and (plain, packed)
    plain, packed = until(plain_and_packed, 5)
    board = Board.parse(plain.body)
    assert plain.headers["etag"] == f'"{board.epoch}-{board.seq}"'
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body)[:32] == plain.body[:32]
    for answer in (plain, packed):
        assert "accept-encoding" in answer.headers["vary"].lower()


@pytest.mark.parametrize("accept,coding", [
    ("", None), ("identity", None), ("gzip;q=0", None), ("br;q=0, *;q=0",
                                                         None),
    ("deflate, gzip;q=0.5", "gzip"), ("GZIP", "gzip")])
def test_encoding_follows_what_is_accepted(api, accept, coding):
    answer = api.get("/api/v1/board", Accept_Encoding=accept)
    assert answer.status == 200
    assert answer.headers.get("content-encoding") == coding


@pytest.mark.parametrize("form", ["{0}", "W/{0}", '"1-1", {0}',
                                  'W/"x",W/{0} , "y"', "*"])
@pytest.mark.parametrize("path", ["/api/v1/board", "/api/v1/board.png"])
def test_matching_if_none_match_is_304(api, path, form):
    def answered():
        etag = api.get(path).headers["etag"]
        answer = api.get(path, If_None_Match=form.format(etag))
        return answer.status == 304 and (etag, answer)
    etag, answer = until(answered, 5)
    assert answer.body == b""
    assert answer.headers["etag"] == etag
    assert "cache-control" in answer.headers and "vary" in answer.headers


def test_other_if_none_match_gets_the_board(api):
    assert api.get("/api/v1/board", If_None_Match='"0-0"').status == 200
    etag = api.get("/api/v1/board").headers["etag"]
    bare = etag.strip('"')
    assert api.get("/api/v1/board", If_None_Match=bare).status == 200


def read_png(data):
    """(width, height, rows of indices, palette) of an indexed PNG."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, palette = 8, b"", b""
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        crc, = struct.unpack_from(">I", data, at + 8 + length)
        assert crc == zlib.crc32(kind + body)
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", body[:10])
            assert color == 3 and body[12] == 0
        elif kind == b"PLTE":
            palette = body
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    raw, stride = zlib.decompress(packed), (width * depth + 7) // 8
    rows, before = [], bytes(stride)
    for y in range(height):
        line = bytearray(raw[y * (stride + 1):(y + 1) * (stride + 1)])
        kind, line = line[0], line[1:]
        assert kind in (0, 1, 2), "a filter this reader does not know"
        for i in range(stride):
            left = line[i - 1] if kind == 1 and i else 0
            line[i] = line[i] + left + (before[i] if kind == 2 else 0) & 255
        before = bytes(line)
        per = 8 // depth
        rows.append([line[x // per] >> (8 - depth - x % per * depth)
                     & (1 << depth) - 1 for x in range(width)])
    return width, height, rows, palette


@pytest.mark.parametrize("scale", [None, 1, 3, 8])
def test_png_shows_the_board(game, api, scale):
    place(game, 7, 6, 9)
    place(game, WIDTH - 1, HEIGHT - 1, 3)

    def same_seq():
        png = api.get("/api/v1/board.png"
                      + (f"?scale={scale}" if scale else ""))
        board = api.board()
        return png.headers["etag"].strip('W/"').startswith(
            f"{board.epoch}-{board.seq}") and (png, board)
    png, board = until(same_seq, 8)
    assert png.headers["content-type"] == "image/png"
    assert "max-age=" in png.headers["cache-control"]
    by = scale or 1
    width, height, rows, palette = read_png(png.body)
    assert (width, height) == (WIDTH * by, HEIGHT * by)
    for y in range(height):
        for x in range(width):
            assert rows[y][x] == board.at(x // by, y // by)
    config = api.config()
    assert palette[:48] == bytes.fromhex("".join(
        c[1:] for c in config["palette"]))


@pytest.mark.parametrize("scale", ["0", "9", "-1", "x", "", "1.5", "999999999"
                                   "99999"])
def test_scale_outside_1_to_8_is_400(api, scale):
    problem(api.get(f"/api/v1/board.png?scale={scale}"), 400, "bad_request")


# --- placing and looking up ---

def test_put_places_and_the_pixel_knows_its_author(game, api):
    token = game.signer.token("dora")
    before = int(time.time() * 1000)
    answer = api.put(8, 8, 5, token)
    assert answer.status == 200
    body = json.loads(answer.body)
    assert set(body) >= {"seq", "cooldown_ms"} and body["cooldown_ms"] == 0
    pixel = until(lambda: (p := api.pixel(8, 8))["seq"] == body["seq"] and p,
                  2, "the placement within 2 s")
    assert pixel["color"] == 5 and pixel["user"] == user_of("dora")
    assert (pixel["x"], pixel["y"]) == (8, 8)
    assert before - 1000 <= pixel["placed_at"] <= time.time() * 1000 + 1000
    me = until(lambda: (m := api.me(token))["last_placement"] and m, 2)
    assert me["user"] == user_of("dora")
    assert me["last_placement"] == {k: pixel[k] for k in (
        "x", "y", "color", "seq", "placed_at")}
    assert me["cooldown_remaining_ms"] == 0


def test_pixel_nobody_placed_is_blank(api):
    assert api.pixel(WIDTH - 1, 0) == {
        "x": WIDTH - 1, "y": 0, "color": 0, "seq": 0, "placed_at": None,
        "user": None}


def test_me_of_a_newcomer_has_no_placement(game, api):
    token = game.signer.token("newcomer")
    assert api.me(token) == {"user": user_of("newcomer"),
                             "last_placement": None,
                             "cooldown_remaining_ms": 0}


def test_idempotency_key_gives_the_first_seq_again(game, api):
    token = game.signer.token()
    first = api.put(9, 9, 5, token, key=77)
    again = api.put(10, 9, 6, token, key=77)
    assert first.status == again.status == 200
    assert json.loads(first.body)["seq"] == json.loads(again.body)["seq"]


def test_put_without_a_key_is_never_a_duplicate(game, api):
    token = game.signer.token()
    seqs = [json.loads(api.put(9, 9, 5, token).body)["seq"]
            for _ in range(3)]
    assert len(set(seqs)) == 3


@pytest.mark.parametrize("key", ["-1", "4294967296", "x", "1.5", "0x1",
                                 "99999999999999999999"])
def test_bad_idempotency_key_is_400(game, api, key):
    problem(api.put(9, 9, 5, game.signer.token(), key=key), 400,
            "bad_request")


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("x,y", [(WIDTH, 0), (0, HEIGHT), (-1, 0), (0, -1),
                                 (65536, 0), (10**12, 10**30)])
def test_integers_off_the_board_are_out_of_bounds(game, api, method, x, y):
    if method == "GET":
        answer = api.get(f"/api/v1/pixels/{x}/{y}")
    else:
        answer = api.put(x, y, 1, game.signer.token())
    problem(answer, 422, "out_of_bounds")


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("path", ["x/1", "1/y", "1.0/1", "0x1/1", "1e1/1"])
def test_coordinates_that_are_no_integers_are_bad_requests(game, api, method,
                                                           path):
    headers = {"Authorization": "Bearer " + game.signer.token()}
    body = '{"color":1}' if method == "PUT" else None
    problem(api.ask(method, "/api/v1/pixels/" + path, body, headers), 400,
            "bad_request")


@pytest.mark.parametrize("color", [16, 255, -1, 10**12])
def test_color_off_the_palette_is_bad_color(game, api, color):
    problem(api.put(1, 1, color, game.signer.token()), 422, "bad_color")


@pytest.mark.parametrize("body", [
    "", "{", "[]", "7", "null", "{}", '{"color":"1"}', '{"color":1.5}',
    '{"color":null}', '{"color":true}', '{"color":[1]}', '{"colour":1}',
    '{"color":1}{', "\xff\xfe", '{"color":1,"x":"\xff"}'])
def test_malformed_body_is_a_bad_request(game, api, body):
    body = body.encode("latin-1")
    problem(api.put(1, 1, 0, game.signer.token(), body=body), 400,
            "bad_request")


def test_unknown_members_are_ignored(game, api):
    answer = api.put(1, 1, 0, game.signer.token(),
                     body='{"mood":"good","color":3,"more":[{}]}')
    assert answer.status == 200


def test_body_over_4_kib_is_too_large(game, api):
    token = game.signer.token()
    most = '{"color":3' + " " * 4085 + "}"
    assert len(most) == 4096
    assert api.put(1, 1, 0, token, body=most).status == 200
    for size in (4097, 100000):
        problem(api.put(1, 1, 0, token, body="{" + " " * (size - 1)), 413,
                "too_large")


def test_cooldown_is_429_with_both_waits(strict):
    token = strict.signer.token()
    first = strict.api.put(1, 1, 1, token)
    assert first.status == 200
    assert 55000 < json.loads(first.body)["cooldown_ms"] <= 60000
    body = problem(strict.api.put(1, 2, 1, token), 429, "cooldown")
    assert 50000 < body["retry_ms"] <= 60000
    assert 50000 < until(
        lambda: strict.api.me(token)["cooldown_remaining_ms"], 3) <= 60000


def test_paused_is_409(strict):
    strict.ctl("set", "paused", "true")
    try:
        problem(until(lambda: (a := strict.api.put(
            5, 5, 1, strict.signer.token())).status == 409 and a, 5), 409,
            "paused")
    finally:
        strict.ctl("set", "paused", "false")


# --- who is asking ---

def test_session_is_an_identity_that_may_place(api):
    session = api.session()
    assert session["expires_at"] > time.time() * 1000
    assert len(session["user"]) == 16
    answer = api.put(2, 2, 2, session["token"])
    assert answer.status == 200
    assert api.me(session["token"])["user"] == session["user"]
    assert api.session()["user"] != session["user"]


def test_sessions_can_be_left_to_the_operator(cluster):
    made = cluster(edge={"anonymous": "off"}).start().ready()
    answer = made.api.ask("POST", "/api/v1/session")
    assert answer.status == 403
    assert answer.headers["content-type"].startswith(
        "application/problem+json")
    assert made.api.put(1, 1, 1, made.signer.token()).status == 200


def test_put_and_me_without_a_token_are_unauthorized(api):
    problem(api.put(1, 1, 1), 401, "unauthorized")
    problem(api.get("/api/v1/me"), 401, "unauthorized")
    problem(api.get("/api/v1/me", Authorization="Basic eDp5"), 401,
            "unauthorized")


def bad_tokens(signer):
    import jwt
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    now = int(time.time())

    def pem(key):
        return key.private_bytes(serialization.Encoding.PEM,
                                 serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption())
    claims = {"sub": "eve", "exp": now + 600}
    good = signer.token("eve")
    head, body, seal = good.split(".")
    return {
        "expired": signer.token(ttl=-6),
        "not yet": signer.token(nbf=now + 60),
        "no exp": signer.token(exp=None),
        "no sub": jwt.encode({"exp": now + 600}, signer.key, "ES256"),
        "exp no number": jwt.encode(dict(claims, exp=str(now + 600)),
                                    signer.key, "ES256"),
        "sub no text": jwt.encode(dict(claims, sub=7), signer.key,
                                  "ES256"),
        "none": jwt.encode(claims, None, "none"),
        "wrong secret": jwt.encode(claims, b"x" * 32, "HS256"),
        "hs512": jwt.encode(claims, b"x" * 64, "HS512"),
        "rs256": jwt.encode(claims, pem(rsa.generate_private_key(
            65537, 2048)), "RS256"),
        "es256": jwt.encode(claims, pem(ec.generate_private_key(
            ec.SECP256R1())), "ES256"),
        "cut": good[:-3], "no seal": f"{head}.{body}.",
        "two parts": f"{head}.{body}", "four parts": good + ".x",
        "other body": f"{head}.{body[:-2]}AA.{seal}",
        "long": good + "A" * 9000, "spaces": good + " x",
    }


def test_bad_tokens_are_unauthorized(game, api):
    for name, token in bad_tokens(game.signer).items():
        for answer in (api.put(1, 1, 1, token),
                       api.get("/api/v1/me", Authorization=f"Bearer {token}")):
            # 9 KB of it may be refused as a head that is too large.
            if name == "long" and answer.status in (400, 413, 431):
                continue
            problem(answer, 401, "unauthorized")


def test_token_within_its_times_is_accepted(game, api):
    now = int(time.time())
    token = game.signer.token("zoe", nbf=now - 5, iat=now, aud="x", iss="y")
    assert api.put(1, 1, 1, token).status == 200


# --- methods and CORS ---

@pytest.mark.parametrize("method,path", [
    ("POST", "/api/v1/board"), ("DELETE", "/api/v1/pixels/1/1"),
    ("PUT", "/api/v1/session"), ("GET", "/api/v1/session"),
    ("POST", "/api/v1/config"), ("POST", "/healthz")])
def test_wrong_method_is_405_with_allow(api, method, path):
    answer = api.ask(method, path)
    problem(answer, 405, "method_not_allowed")
    assert method not in answer.headers["allow"]
    assert answer.headers["allow"]


@pytest.mark.parametrize("path", ["/", "/api/v1/config", "/api/v1/board",
                                  "/api/v1/board.png", "/api/v1/pixels/1/1",
                                  "/healthz", "/readyz"])
def test_head_works_where_get_does(api, path):
    answer = api.ask("HEAD", path)
    assert answer.status == 200 and answer.body == b""
    assert answer.headers["content-type"] \
        == api.get(path).headers["content-type"]


@pytest.mark.parametrize("method, allowed", [
    ("GET", "*"), ("PUT", None), ("POST", None)])
def test_options_answers_204(api, method, allowed):
    """Pages of any origin may read; without a setting none but the edge's own
    may write."""
    answer = api.ask("OPTIONS", "/api/v1/pixels/1/1", headers={
        "Origin": "https://example.org",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization"})
    assert answer.status == 204
    assert answer.headers.get("access-control-allow-origin") == allowed
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert "authorization" \
        in answer.headers["access-control-allow-headers"].lower()


def test_reads_allow_any_origin(api):
    for path in ("/api/v1/config", "/api/v1/board", "/api/v1/board.png",
                 "/api/v1/pixels/1/1"):
        answer = api.get(path, Origin="https://example.org")
        assert answer.headers["access-control-allow-origin"] == "*"


def test_writes_allow_the_origins_of_the_setting(cluster):
    from support.client import Client
    from support.websocket import Refused
    made = cluster(edge={"origins": "https://good.example"}).start().ready()
    token = made.signer.token()
    for origin, allowed in (("https://good.example", True),
                            ("https://bad.example", False)):
        answer = made.api.ask("OPTIONS", "/api/v1/pixels/1/1", headers={
            "Origin": origin, "Access-Control-Request-Method": "PUT"})
        told = answer.headers.get("access-control-allow-origin")
        assert (told == origin) is allowed
        answer = made.api.get("/api/v1/config", Origin=origin)
        assert answer.headers["access-control-allow-origin"] == "*"
        if allowed:
            Client(made.api, token=token,
                   headers=[("Origin", origin)]).close()
        else:
            with pytest.raises(Refused) as refused:
                Client(made.api, token=token, headers=[("Origin", origin)])
            assert refused.value.status == 403


# --- without a persister, without a leader ---

def test_lookups_are_503_without_a_persister_and_placing_goes_on(cluster):
    made = cluster().start().ready()
    token = made.signer.token()
    made["persister-1"].kill()
    problem(made.api.get("/api/v1/pixels/1/1"), 503, "unavailable")
    problem(made.api.get("/api/v1/me", Authorization=f"Bearer {token}"), 503,
            "unavailable")
    seq = json.loads(made.api.put(1, 1, 1, token).body)["seq"]
    made["persister-1"].start()
    until(lambda: made.api.get("/api/v1/pixels/1/1").status == 200, 15)
    until(lambda: made.api.pixel(1, 1)["seq"] == seq, 5)


def test_placing_without_a_leader_is_503_and_viewing_goes_on(cluster):
    made = cluster().start().ready()
    token = made.signer.token()
    seq = json.loads(made.api.put(1, 1, 1, token).body)["seq"]
    made.api.board_at(seq)
    made["broker-1"].kill()
    problem(made.api.put(2, 2, 2, token, timeout=20), 503, "unavailable")
    assert made.api.board().at(1, 1) == 1
    made["broker-1"].start()

    def placed():
        return made.api.put(2, 2, 2, token, timeout=20).status == 200
    until(placed, 20)
