# SPDX-License-Identifier: Apache-2.0
"""What hostile clients did to the edge while it had two HTTP servers, each with
its bytes; over both transports. (S1 … C10: the rows of docs/security.md.)"""

import http.client
import json
import os
import socket
import struct
import subprocess
import time

import pytest

from support.client import Client
from support.metrics import scrape
from support.wait import until
from support.websocket import Closed, Refused, WebSocket

pytestmark = pytest.mark.usefixtures("transport")
# A request that is refused is refused at once: no deadline is waited for.
AT_ONCE_S = 2.0
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@pytest.fixture(scope="module")
def game(transport, module_cluster):
    return module_cluster(size="700x700").start().ready()


@pytest.fixture(autouse=True)
def the_edge_survives(game):
    pid = game["edge-1"].pid
    yield
    assert game["edge-1"].is_running() and game["edge-1"].pid == pid
    assert game.api.get("/healthz").status == 200


def says(game, *pieces, wait=AT_ONCE_S):
    """All that comes back until the edge ends the connection, or for so long;
    and whether it ended it."""
    with game.api.link() as link:
        answer = b""
        try:
            for piece in pieces:
                link.sendall(piece)
                time.sleep(0.05 if len(pieces) > 1 else 0)
            link.settimeout(wait)
            while piece := link.recv(65536):
                answer += piece
        except socket.timeout:
            return answer, False
        except (ConnectionResetError, BrokenPipeError):
            pass
        return answer, True


def statuses(answer):
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def refused(game, data, *status):
    answer, ended = says(game, data)
    assert ended, f"it waits, having said {answer!r}"
    assert statuses(answer) and statuses(answer)[0] in (status or (400,)), \
        answer
    assert len(statuses(answer)) == 1, answer


def bearer(game, sub=None):
    return b"Authorization: Bearer " + game.signer.token(sub).encode()


# --- S1, S4: where a request ends ---

@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_s1_hidden_put_is_a_body(game, version):
    hidden = b"PUT /api/v1/pixels/666/666 HTTP/1.1\r\nHost: x\r\nFoo: "
    smuggler = (b"OPTIONS /healthz HTTP/" + version + b"\r\nHost: x\r\n"
                b"Connection: keep-alive\r\nX: 1\r\nContent-Length: %d\r\n\r\n"
                % len(hidden) + hidden)
    body = b'{"color":3}'
    victim = (b"PUT /api/v1/pixels/7/7 HTTP/1.1\r\nHost: x\r\n" + bearer(game)
              + b"\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
              % len(body) + body)
    first = (b"GET /api/v1/config HTTP/1.0\r\nHost: x\r\n"
             b"Connection: keep-alive\r\n\r\n")
    answer, ended = says(game, first, smuggler, victim)
    assert ended and statuses(answer) == [200, 204, 200]
    until(lambda: game.api.pixel(7, 7)["color"] == 3, 5)
    assert game.api.pixel(666, 666)["seq"] == 0


def test_s4_forwarded_for_is_never_hidden(cluster):
    made = cluster(edge={"sessions_per_address": 2, "limit_loopback": "on",
                         "trusted_proxies": "127.0.0.1/32"}).start().ready()
    answer, _ = says(made, (b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\n"
                            b"X: 1\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n") * 5)
    assert statuses(answer) == [201, 201, 429, 429, 429]


def test_s5_error_page_is_no_key_set(cluster, tmp_path):
    """0.1.0 took whatever was no JWKS for a shared secret: who knew the page
    signed tokens with it."""
    page = tmp_path / "jwks.json"
    page.write_text("<!DOCTYPE html>\n<html><body>404 Not Found: no such key "
                    "set is here</body></html>\n")
    made = cluster(edge={"jwks_file": str(page)})
    edge = made["edge-1"]
    edge.start()
    assert edge.child.wait(30) == 1
    line, = [line for line in edge.log().splitlines() if "level=error" in line]
    assert "event=key_file_unusable setting=jwks_file" in line
    edge.child = None


def test_s6_any_number_of_zeros_is_a_number(game):
    answer, _ = says(game, b"POST /nix HTTP/1.1\r\nHost: x\r\nContent-Length: "
                     + b"0" * 40 + b"\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x"
                     b"\r\nConnection: close\r\n\r\n")
    assert statuses(answer) == [404, 200]


# --- S2, C1, C2, C10: what crashed it, hung it, or filled its memory ---

def test_s2_upgrade_behind_a_post_is_served(game):
    answer, ended = says(
        game, b"POST /nix HTTP/1.1\r\nHost: x\r\nFoo: a\tb\r\n"
        b"Content-Length: 0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\n"
        b"Upgrade: foo\r\n\r\n")
    assert ended and statuses(answer) == [404, 200]


def test_c1_bare_line_feeds_end_it(game):
    refused(game, b'PUT/ HTTP/1.1\nContent-Length:11\n\n{"color":5}'
            b"PUT/ HTTP/1.1\nContent-Length:11\n\n")


def test_c2_half_an_upgrade_holds_no_memory(game):
    before = game["edge-1"].memory_bytes()
    answer, ended = says(game, b"GET /" + b"a" * 12000 + b" HTTP/1.1\r\n"
                         b"Host: x\r\nUpgrade: websocket\r\nPUT /b\r\n\r\n")
    assert ended and statuses(answer) == [400]
    assert game["edge-1"].memory_bytes() - before < 8 << 20


def test_c10_body_in_two_pieces_with_an_upgrade_behind_it(game):
    body = b'{"color":5}'
    answer, ended = says(
        game, b"PUT /api/v1/pixels/1/1 HTTP/1.1\r\nHost: x\r\n" + bearer(game)
        + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:5],
        body[5:] + b"Upgrade:t\n\n")
    assert ended and statuses(answer) == [200, 400]


# --- S7, S8: what HTTP calls invalid ---

@pytest.mark.parametrize("lines", [
    b"Content-Length: 1 1", b"Content-Length: 1, 1",
    b"Content-Length: 1\r\nContent-Length: 1", b"Content-Length: 0x1",
    b"Content-Length:", b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:\r\nContent-Length: 1",
    b"Transfer-Encoding: chunked\r\nContent-Length: 1", b"A: b\r\n folded",
    b"A: b\r\n\tfolded", b"no colon", b"A: b\rC: d", b"A: \x00", b"A b: c",
    b": c", b"A: b\nC: d", b"Host: y"])
def test_s7_s8_invalid_lines_end_the_connection_at_once(game, lines):
    refused(game, b"PUT /nix HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n\r\nx"
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    # Nor is the end of the head waited for.
    if not lines.startswith((b"Transfer-Encoding: chunked",
                             b"Transfer-Encoding:\r\n")):
        refused(game, b"PUT /nix HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")


@pytest.mark.parametrize("host", [b"", b"Host:\r\n", b"Host: a b\r\n",
                                  b"Host: a\r\nHost: a\r\n", b"Host: a@b\r\n",
                                  b"Host: a:b\r\n", b"Host: [a\r\n"])
def test_s8_one_valid_host_is_needed(game, host):
    refused(game, b"GET /healthz HTTP/1.1\r\n" + host + b"\r\n")


def test_s8_absolute_form_is_served(game):
    answer, _ = says(game, b"GET http://other.example:80/healthz HTTP/1.1\r\n"
                     b"Host: x\r\n\r\nGET HTTPS://x/healthz HTTP/1.1\r\n"
                     b"Host: x\r\nConnection: close\r\n\r\n")
    assert statuses(answer) == [200, 200]


# --- S9, S10: WebSocket ---

def handshake(version=b"HTTP/1.1", key=KEY.encode(), ws=b"13", more=b"",
              connection=b"Upgrade"):
    return (b"GET /api/v1/ws " + version + b"\r\nHost: x\r\n"
            b"Upgrade: websocket\r\nConnection: " + connection + b"\r\n"
            b"Sec-WebSocket-Protocol: stipple.v1\r\nSec-WebSocket-Key: " + key
            + b"\r\nSec-WebSocket-Version: " + ws + b"\r\n" + more + b"\r\n")


@pytest.mark.parametrize("options,status", [
    (dict(version=b"HTTP/1.0"), 400), (dict(ws=b"12"), 426),
    (dict(ws=b"14"), 426), (dict(ws=b""), 426), (dict(key=b""), 400),
    (dict(key=b"AAAA"), 400), (dict(key=b"A" * 24), 400),
    (dict(key=KEY.encode()[:-1]), 400), (dict(connection=b"close"), 400),
    (dict(more=b"Sec-WebSocket-Key: " + KEY.encode() + b"\r\n"), 400)])
def test_s9_handshakes_are_those_of_the_rfc(game, options, status):
    answer, ended = says(game, handshake(**options))
    assert ended and statuses(answer) == [status]
    assert (b"\r\nSec-WebSocket-Version: 13\r\n" in answer) == (status == 426)


def test_s9_frames_may_come_with_the_handshake(game):
    ping = b"\x89\x82\0\0\0\0hi"
    answer, _ = says(game, handshake() + ping, wait=1)
    assert statuses(answer) == [101] and b"\x8a\x02hi" in answer


@pytest.mark.timed
@pytest.mark.parametrize("frame,code", [
    (b"\x82\x01a", 1002), (b"\x88\x80\0\0\0\0", 1005),
    (b"\x88\x81\0\0\0\0x", 1002),
    (b"\x88\x82\0\0\0\0" + struct.pack(">H", 5000), 1002),
    (b"\x88\x82\0\0\0\0" + struct.pack(">H", 65535), 1002),
    (b"\x88\x82\0\0\0\0" + struct.pack(">H", 1012), 1012),
    (b"\x88\x82\0\0\0\0" + struct.pack(">H", 1014), 1014),
    (b"\x88\x82\0\0\0\0" + struct.pack(">H", 3000), 3000)])
def test_s10_ends_are_the_same_everywhere(game, frame, code):
    client = Client(game.api)
    began = time.monotonic()
    client.socket.link.sendall(frame + b"\x89\x80\0\0\0\0")
    assert client.socket.closes_with() == code
    assert client.socket.pongs == []
    # The socket goes soon as well, whether or not the peer answers.
    silent = Client(game.api).socket.link
    silent.sendall(b"\x82\x01a")
    silent.settimeout(5)
    while silent.recv(65536):
        pass
    assert time.monotonic() - began < 4


def test_s10_every_ping_is_answered(game):
    client = Client(game.api)
    client.socket.link.sendall(b"".join(
        b"\x89\x81\0\0\0\0" + bytes([i]) for i in range(20)))
    client.until(lambda: len(client.socket.pongs) == 20)
    assert client.socket.pongs == [bytes([i]) for i in range(20)]
    client.close()


# --- S11, S12 ---

@pytest.mark.timed
@pytest.mark.parametrize("name", ["edge-1", "broker-1", "persister-1"])
def test_s11_idle_connections_do_not_hold_the_metrics(game, name):
    port = game[name].metrics_ports[0]
    links = [socket.create_connection(("127.0.0.1", port))
             for _ in range(100)]
    began = time.monotonic()
    assert scrape(port)
    assert time.monotonic() - began < 1
    # And they end without an event.
    for link in links[-5:]:
        link.settimeout(9)
        assert link.recv(1) == b""
    for link in links:
        link.close()


def test_s12_two_tokens_are_nobodys(game):
    good = game.signer.token()
    for query in (f"token={good}&token=bad", f"token={good}&token={good}",
                  f"token={good}&%74oken={good}", f"token={good}&token"):
        assert game.api.get(f"/api/v1/me?{query}").status == 401
        with pytest.raises(Refused) as refusal:
            WebSocket(game.api.port, f"/api/v1/ws?{query}", tls=game.api.tls)
        assert refusal.value.status == 401
    assert game.api.get(f"/api/v1/me?token={good}").status == 200
    assert game.api.get("/api/v1/me?token=%00").status == 400


def unsent_bytes(port):
    """What the kernel holds for the peers of that port, sent or not."""
    text = subprocess.run(["ss", "-tnH", "state", "all", "sport", "=",
                           f":{port}"], capture_output=True, text=True,
                          check=True).stdout
    return sum(int(line.split()[2]) for line in text.splitlines())


def test_s12_unread_answers_are_bounded(game):
    """Old: a gigabyte for 256 connections."""
    get = b"GET /api/v1/board HTTP/1.1\r\nHost: x\r\n\r\n"
    links = []
    for _ in range(64):
        links.append(game.api.link(receive_buffer=4096))
        links[-1].sendall(get * 100)
    time.sleep(2)
    assert unsent_bytes(game.api.port) < len(links) * (512 << 10)
    for link in links:
        link.close()


# --- TLS ---

def offered(game, *options):
    answer = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{game.api.port}",
         *options], input="", capture_output=True, text=True, timeout=20)
    return answer.returncode == 0 and "Cipher is (NONE)" not in answer.stdout


def test_tls_is_modern(game, transport):
    if transport == "plain":
        assert not offered(game)
        return
    weak = "DEFAULT:@SECLEVEL=0"
    assert offered(game, "-tls1_3") and offered(game, "-tls1_2")
    assert offered(game, "-alpn", "h2,http/1.1")
    assert not offered(game, "-alpn", "h2")
    for options in (["-tls1_1", "-cipher", weak], ["-tls1", "-cipher", weak],
                    ["-tls1_2", "-cipher", "kRSA:" + weak[8:]],
                    ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"],
                    ["-tls1_2", "-cipher", "ECDHE+SHA256:!AESGCM"]):
        assert not offered(game, *options), options


def serial(api):
    link = api.link()
    from cryptography import x509
    found = x509.load_der_x509_certificate(
        link.getpeercert(binary_form=True)).serial_number
    link.close()
    return found


def test_renewed_certificate_is_served(cluster, transport):
    made = cluster(edge={"workers": 2}).start().ready()
    if transport == "tls":
        old, watcher = serial(made.api), Client(made.api)
        made._certificate()
        until(lambda: {serial(made.api) for _ in range(6)} == {
            serial(made.api)} - {old}, 15, "the new one, from each worker")
        # A broken one changes nothing, and is said once.
        new = serial(made.api)
        with open(os.path.join(made.folder, "cert.pem"), "w") as file:
            file.write("nothing")
        os.kill(made["edge-1"].pid, 1)
        until(lambda: "event=tls_unusable" in made["edge-1"].log(), 10)
        assert serial(made.api) == new
        made._certificate()
        os.kill(made["edge-1"].pid, 1)
        until(lambda: serial(made.api) not in (old, new), 4, "by SIGHUP")
        watcher.until(lambda: watcher.beat, what="the old connection goes on")
        watcher.close()
    for name in ("broker-1", "persister-1", "edge-1"):
        pid = made[name].pid
        os.kill(pid, 1)
        time.sleep(0.2)
        assert made[name].is_running() and made[name].pid == pid
    assert made.api.put(1, 1, 1, made.signer.token()).status == 200
