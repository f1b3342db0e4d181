# SPDX-License-Identifier: Apache-2.0
"""A webhook's receiver: an HTTP server that notes what it is sent, and answers
as it is told."""

import hashlib
import hmac
import http.server
import json
import threading
import time


class Receiver:
    def __init__(self, port=0):
        self.posts, self.status, self.silent = [], 204, threading.Event()
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers["Content-Length"])
                body = self.rfile.read(size)
                with outer.lock:
                    outer.posts.append((self.path, dict(self.headers), body))
                if outer.silent.is_set():
                    time.sleep(20)
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_):
                """Whoever leaves early is none."""

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook?of=stipple"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def bodies(self):
        with self.lock:
            return [json.loads(body) for _, _, body in self.posts]

    def verbs(self):
        return [body["verb"] for body in self.bodies()]


def is_signed(headers, body, secret):
    """As docs/moderation.md tells a receiver to see to it."""
    parts = dict(part.split("=") for part in
                 headers["Stipple-Signature"].split(","))
    code = hmac.new(secret, parts["t"].encode() + b"." + body,
                    hashlib.sha256).hexdigest()
    return abs(time.time() - int(parts["t"])) < 300 and \
        hmac.compare_digest(code, parts["v1"])
