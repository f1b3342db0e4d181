# SPDX-License-Identifier: Apache-2.0
"""The same bytes into the edge's request parser and into Node's http server
(llhttp, strict): what Node refuses we refuse; where both accept, both see the
same requests. STIPPLE_DIFFERENTIAL_CASES: how many random ones."""

import glob
import json
import os
import random
import struct
import subprocess

import pytest

from support.cluster import ROOT, bin_dir

CASES = int(os.environ.get("STIPPLE_DIFFERENTIAL_CASES", "6000"))
HERE = os.path.join(ROOT, "tests", "differential")


def ask(argv, cases):
    data = b"".join(struct.pack("<I", len(case)) + case for case in cases)
    answer = subprocess.run(argv, input=data, capture_output=True, check=True,
                            timeout=900)
    told = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(told) == len(cases)
    return told


def is_last(request):
    """Behind it Node reads no more, or not as HTTP."""
    fields = request["fields"]
    connection = ",".join(fields.get("connection", [])).lower()
    return ("close" in connection or request["version"] == "1.0"
            or request["method"] == "CONNECT" or "upgrade" in connection
            or "upgrade" in fields)


def difference(ours, nodes):
    """In words; None if they agree as far as they must."""
    seen = [r for r in nodes["requests"] if r["whole"]]
    for i, mine in enumerate(ours["requests"]):
        if not mine["known"]:
            return None  # answered with 405, and the end
        if i >= len(seen):
            if nodes["end"] == "refused" or i < len(nodes["requests"]):
                return f"request {i} is taken, which Node refuses"
            return None
        other = seen[i]
        for name in ("method", "target", "version", "body"):
            if mine[name] != other[name]:
                return f"request {i}: another {name}"
        for name, lines in mine["fields"].items():
            if other["fields"].get(name) != lines:
                return f"request {i}: another {name}"
        if is_last(mine):
            return None
    return None


def compare(cases):
    ours = ask([os.path.join(bin_dir(), "tests", "request-probe")], cases)
    nodes = ask(["node", os.path.join(HERE, "node_probe.mjs")], cases)
    taken = 0
    for case, mine, other in zip(cases, ours, nodes):
        wrong = difference(mine, other)
        assert not wrong, f"{wrong}\n{case!r}\nours {mine}\nNode {other}"
        taken += len(mine["requests"])
    return taken


# --- cases ---

METHODS = ["GET", "PUT", "POST", "HEAD", "OPTIONS", "get", "FOO", "CONNECT"]
TARGETS = ["/", "/a/b?c=d&e", "/%41%2f?%00", "*", "http://a/b", "a:80",
           "https://[::1]:8/?x", "/a#b", "/a b", "//", "/?", "/\x80", "/{}",
           "http://a@b/", "http://", "/a;b=(c)!$'*+,@:~"]
VERSIONS = ["HTTP/1.1"] * 6 + ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1",
                               "HTTP/1.1 ", "HTTP/01.1", ""]
FIELDS = ["Host: a", "Host: b", "Host:", "host : a", "Content-Length: 5",
          "Content-Length: 0", "Content-Length: 005", "Content-Length: 5, 5",
          "Content-Length: +5", "Content-Length:", "content-length: 5 ",
          "Content-Length: 0x5", "Content-Length: 5\t", "Content-Length : 5",
          "Content-Length: " + "0" * 30, "Content-Length: " + "9" * 30,
          "Transfer-Encoding: chunked", "Transfer-Encoding: Chunked ",
          "Transfer-Encoding: chunked, chunked", "Transfer-Encoding:",
          "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked;a=b",
          "Transfer-Encoding : chunked", "Transfer-Encoding: x\tchunked",
          "Transfer-Encoding:\tchunked", "\tTransfer-Encoding: chunked",
          "X: 1", "X:", "X:a\tb", "X: \x80\xff", "X: \x01", "X: \x7f",
          "X: a\rb", "X: a\nContent-Length: 5", " folded", "\tfolded",
          "no colon", ": x", "a b: c", "Expect: 100-continue", "Expect: x",
          "Connection: keep-alive", "Connection: close", "If-None-Match: a",
          "X-Forwarded-For: 1", "X-Forwarded-For: 2", "Authorization: a",
          "Authorization: b", "Accept-Encoding: gzip", "Accept-Encoding:\tbr "]
CHUNKS = ["5\r\nhello\r\n", "0\r\n\r\n", "0\r\nA: b\r\n\r\n", "05\r\nhello\r\n",
          "5;a=b\r\nhello\r\n", "5;a\r\nhello\r\n", "5 \r\nhello\r\n",
          "5\nhello\r\n", "5\r\nhello\n", "0x5\r\nhello\r\n", "-1\r\n", "\r\n",
          ' 5\r\nhello\r\n', '5;a="b\\"c"\r\nhello\r\n', "5;\r\nhello\r\n",
          "5\r\nhellox\r\n", "0\r\n bad: x\r\n\r\n", "0\r\nbad\r\n\r\n",
          "ffffffffffffffff1\r\nhello\r\n", "5;a=\x01\r\nhello\r\n",
          "5\r\r\nhello\r\n", "0;\r\n\r\n", "0\r\nA: b\nB: c\r\n\r\n"]
ENDS = ["\r\n"] * 12 + ["\n", "\r", "\r\r\n", "\n\r"]


def request(rng, odd):
    """A request whose parts are odd with that chance."""
    def pick(rows, usual):
        return rng.choice(rows) if rng.random() < odd else usual

    def end():
        return pick(ENDS, "\r\n")
    lines = [" ".join((pick(METHODS, rng.choice(METHODS[:5])),
                       pick(TARGETS, rng.choice(TARGETS[:3])),
                       pick(VERSIONS, "HTTP/1.1")))]
    fields = [pick(FIELDS, "Host: a")]
    fields += [rng.choice(FIELDS) for _ in range(rng.choice([0, 0, 1, 2]))]
    body = ""
    kind = rng.randrange(3)
    if kind == 1:
        fields.append("Content-Length: 5")
        body = pick(["hell", "hello\r\n", "GET /"], "hello")
    elif kind == 2:
        fields.append("Transfer-Encoding: chunked")
        body = "".join(pick(CHUNKS, CHUNKS[0])
                       for _ in range(rng.randrange(3)))
        body += pick(CHUNKS, CHUNKS[1])
    rng.shuffle(fields)
    text = pick(["\r\n", "\n", "\r\n\r\n", " "], "")
    for line in lines + fields:
        text += line + end()
    return text + end() + body


def damage(rng, data):
    """One byte more, less or other."""
    at = rng.randrange(len(data) + 1)
    byte = bytes([rng.choice(b"\0\t\n\r !\"#%,:;=?@AZ[\\]^az{|}~\x7f\x80\xff"
                             b"0159")])
    kind = rng.randrange(3)
    return data[:at] + (byte if kind else b"") + data[at + (kind != 1):]


def random_cases(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        odd = rng.choice([0, 0.05, 0.3])
        data = "".join(request(rng, odd) for _ in range(rng.randrange(1, 4)))
        data = data.encode("latin-1")
        if rng.random() < 0.4:
            data = damage(rng, data)
        yield data + b"GET /last HTTP/1.1\r\nHost: last\r\n\r\n"


def test_each_odd_part_alone():
    head = "PUT /a HTTP/1.1\r\nHost: a\r\n"
    last = "GET /last HTTP/1.1\r\nHost: last\r\n\r\n"
    cases = [f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n" for method in METHODS]
    cases += [f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"
              for target in TARGETS]
    cases += [f"GET / {version}\r\nHost: a\r\n\r\n" for version in VERSIONS]
    cases += [f"{head}{field}\r\n\r\nhello" for field in FIELDS]
    cases += [f"{head}{one}\r\n{two}\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
              for one in FIELDS for two in FIELDS]
    cases += [f"{head}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
              for chunk in CHUNKS]
    cases += [f"GET / HTTP/1.1{one}Host: a{two}X: b{three}\r\n"
              for one in ENDS for two in ENDS for three in ENDS]
    assert compare([(case + last).encode("latin-1") for case in cases]) > 500


def test_corpus_of_the_fuzzer():
    files = glob.glob(os.path.join(ROOT, "tests/fuzz/corpus/connection/*"))
    assert files
    cases = []
    for name in files:
        with open(name, "rb") as file:
            cases.append(file.read()[4:])
    compare(cases)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.timeout(900)
def test_random_requests(seed):
    cases = list(random_cases(seed, CASES // 3))
    assert compare(cases) > len(cases) // 3
