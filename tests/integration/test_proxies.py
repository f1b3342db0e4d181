# SPDX-License-Identifier: Apache-2.0
"""Behind real proxies whose connections to the edge are shared by all: each
answer belongs to its asker, whatever others send. STIPPLE_PROXY_SECONDS: for
how long, over both proxies and transports (30; ten minutes before a release).
"""

import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import threading
import time

import pytest

from support.cluster import free_ports
from support.tokens import user_of
from support.wait import until

pytestmark = pytest.mark.usefixtures("transport")
SECONDS = float(os.environ.get("STIPPLE_PROXY_SECONDS", "30")) / 4
SIDE = 100

HAPROXY = """
global
    maxconn 500
defaults
    mode http
    timeout connect 5s
    timeout client 15s
    timeout server 15s
    option forwardfor
    http-reuse always
frontend in
    bind 127.0.0.1:{port}
    default_backend edges
backend edges
    server edge 127.0.0.1:{edge} {tls} maxconn 3 pool-max-conn 3
"""

NGINX = """
daemon off;
pid nginx.pid;
error_log nginx.log;
worker_processes 1;
events {{ worker_connections 500; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path a; uwsgi_temp_path b; scgi_temp_path c;
    upstream edges {{ server 127.0.0.1:{edge}; keepalive 3; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {scheme}://edges;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_ssl_verify off;
        }}
    }}
}}
"""


@pytest.fixture(scope="module")
def game(transport, module_cluster):
    return module_cluster(size=f"{SIDE}x{SIDE}", edge={
        "trusted_proxies": "127.0.0.0/8"}).start().ready()


@pytest.fixture(params=["haproxy", "nginx"])
def proxy(request, game, tmp_path):
    """The port of one."""
    program = request.param
    path = shutil.which(program) or f"/usr/sbin/{program}"
    tls, port = game.api.tls, free_ports()[0]
    text = (HAPROXY if program == "haproxy" else NGINX).format(
        port=port, edge=game.api.port, scheme="https" if tls else "http",
        tls="ssl verify none" if tls else "")
    (tmp_path / "config").write_text(text)
    argv = {"haproxy": [path, "-db", "-f", "config"],
            "nginx": [path, "-p", str(tmp_path), "-c", "config"]}[program]
    child = subprocess.Popen(argv, cwd=tmp_path, stderr=subprocess.PIPE)

    def answers():
        assert child.poll() is None, child.stderr.read()
        try:
            return ask(port, "GET", "/healthz")[0] == 200
        except OSError:
            return False
    until(answers, 10, program)
    yield port
    child.terminate()
    child.wait(10)


def ask(port, method, path, body=None, headers=(), link=None):
    own = link or http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    own.request(method, path, body, dict(headers))
    answer = own.getresponse()
    data = answer.read()
    if not link:
        own.close()
    return answer.status, data


class Person(threading.Thread):
    """Asks who it is and places pixels of its own row; each answer must be its
    own."""

    def __init__(self, game, port, row, end):
        super().__init__()
        self.game, self.port, self.row, self.end = game, port, row, end
        self.name = f"person-{row}-{port}"
        self.headers = {"Authorization":
                        "Bearer " + game.signer.token(self.name)}
        self.rng, self.asked, self.error = random.Random(row), 0, None

    def run(self):
        link = None
        try:
            while time.monotonic() < self.end:
                if not link or self.rng.random() < 0.2:
                    link = http.client.HTTPConnection("127.0.0.1", self.port,
                                                      timeout=20)
                try:
                    self.turn(link)
                except (http.client.RemoteDisconnected, BrokenPipeError,
                        ConnectionResetError):
                    link = None  # kept too long
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error

    def turn(self, link):
        kind, x = self.rng.randrange(4), self.rng.randrange(SIDE)
        path = f"/api/v1/pixels/{x}/{self.row}"
        if kind == 0:
            status, data = ask(self.port, "GET", "/api/v1/me", None,
                               self.headers, link)
            if status == 503:
                return
            assert status == 200, (status, data)
            assert json.loads(data)["user"] == user_of(self.name), data
        elif kind == 1:
            color = self.rng.randrange(16)
            body = json.dumps({"color": color})
            if self.rng.random() < 0.5:
                body = iter([body[:4].encode(), body[4:].encode()])  # chunked
            status, data = ask(self.port, "PUT", path, body, self.headers,
                               link)
            assert status == 200, (status, data)
            seq = json.loads(data)["seq"]
            mine = until(lambda: (p := self.game.api.pixel(x, self.row))["seq"]
                         == seq and p, 10)
            assert (mine["user"], mine["color"]) == (user_of(self.name), color)
        elif kind == 2:
            status, data = ask(self.port, "GET", path, None, {}, link)
            assert status == 503 or json.loads(data)["y"] == self.row, data
        else:
            status, data = ask(self.port, "HEAD", path + "?a=b", None, {},
                               link)
            assert data == b"" and status in (200, 503)
        self.asked += 1


HIDDEN = (b"PUT /api/v1/pixels/99/99 HTTP/1.1\r\nHost: x\r\n"
          b"Content-Length: 11\r\n\r\n{\"color\":9}")


def hostile(rng):
    """What was tried to make another's request out of a body."""
    lines = rng.sample([b"X: 1", b"Foo: a\tb", b"X-Odd: \x80", b"Connection: "
                        b"keep-alive", b"Expect: 100-continue", b"C: 1",
                        b"Upgrade: h2c", b"Transfer-Encoding: chunked",
                        b"Transfer-Encoding : chunked", b"A: b\r\n c",
                        b"Content-Length : 5", b"Content-Length: 0",
                        b"Transfer-Encoding: xchunked", b"A: b\nC: d"],
                       rng.randrange(4))
    hidden = rng.choice([HIDDEN, HIDDEN[:20], HIDDEN[:44] + b"Foo: "])
    length = len(hidden) + rng.choice([0, 0, 0, -1, 1])
    lines.append(b"Content-Length: " + rng.choice([b"", b"00000"])
                 + str(length).encode())
    rng.shuffle(lines)
    return b"%s %s HTTP/%s\r\nHost: x\r\n%s\r\n\r\n%s" % (
        rng.choice([b"OPTIONS", b"GET", b"POST", b"PUT", b"DELETE", b"HEAD"]),
        rng.choice([b"/healthz", b"/nothing", b"/api/v1/config", b"/a%62"]),
        rng.choice([b"1.1", b"1.1", b"1.0"]), b"\r\n".join(lines), hidden)


class Attacker(threading.Thread):
    def __init__(self, port, seed, end):
        super().__init__()
        self.port, self.end, self.tries = port, end, 0
        self.rng = random.Random(seed)

    def run(self):
        while time.monotonic() < self.end:
            with socket.create_connection(("127.0.0.1", self.port)) as link:
                link.settimeout(0.2)
                try:
                    for _ in range(self.rng.randrange(1, 4)):
                        link.sendall(hostile(self.rng))
                        self.tries += 1
                        time.sleep(self.rng.random() * 0.01)
                        if self.rng.random() < 0.7:
                            link.recv(65536)
                except OSError:
                    pass


@pytest.mark.timeout(1200)
def test_each_answer_belongs_to_its_asker(game, proxy):
    end = time.monotonic() + SECONDS
    people = [Person(game, proxy, row, end) for row in range(2)]
    attackers = [Attacker(proxy, seed, end) for seed in range(2)]
    for thread in people + attackers:
        thread.start()
    for thread in people + attackers:
        thread.join()
    for person in people:
        assert not person.error, repr(person.error)
        assert person.asked > 3 * SECONDS, person.asked
    assert sum(attacker.tries for attacker in attackers) > 10
    assert game.api.pixel(99, 99)["seq"] == 0
