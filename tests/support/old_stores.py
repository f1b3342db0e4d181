# SPDX-License-Identifier: Apache-2.0
"""Rows that an earlier release wrote (tests/fixtures/*/KIND.json.xz), put into
a server of that kind past today's persister, which only makes the tables."""

import json
import lzma
import socket
import struct
import time
import urllib.request

PASSWORD = b"\0cassandra\0cassandra"
STARTUP, QUERY, AUTH_RESPONSE = 0x01, 0x07, 0x0F
ERROR, ROWS, ONE = 0x00, 2, 1
# Overloaded, write time-out.
BUSY = (struct.pack(">I", 0x1001), struct.pack(">I", 0x1100))
AT_ONCE = 25  # items of a BatchWriteItem
IN_FLIGHT = 256


def rows_of(path):
    with lzma.open(path) as file:
        return json.load(file)


# --- DynamoDB Local ----------------------------------------------------------

def ask_dynamodb(port, operation, **body):
    """It looks at no signature, but wants one."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/", json.dumps(body).encode(), {
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": "AWS4-HMAC-SHA256 Credential=local/20200101/"
            "us-east-1/dynamodb/aws4_request, SignedHeaders=host, "
            "Signature=0"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def load_dynamodb(port, prefix, tables):
    for table, items in tables.items():
        for at in range(0, len(items), AT_ONCE):
            left = {f"{prefix}-{table}": [
                {"PutRequest": {"Item": item}}
                for item in items[at:at + AT_ONCE]]}
            while left:
                left = ask_dynamodb(port, "BatchWriteItem",
                                    RequestItems=left)["UnprocessedItems"]


# --- Cassandra ---------------------------------------------------------------

class Cql:
    """Version 4 of the native protocol, as far as a test needs it."""

    def __init__(self, port):
        self.link = socket.create_connection(("127.0.0.1", port), 60)
        self.send(STARTUP, struct.pack(">H", 1) + b"".join(
            struct.pack(">H", len(word)) + word
            for word in (b"CQL_VERSION", b"3.0.0")))
        self.receive()
        self.send(AUTH_RESPONSE, struct.pack(">i", len(PASSWORD)) + PASSWORD)
        self.receive()

    def close(self):
        self.link.close()

    def send(self, opcode, body, stream=0):
        self.link.sendall(struct.pack(">BBhBI", 4, 0, stream, opcode,
                                      len(body)) + body)

    def exactly(self, size):
        data = bytearray()
        while len(data) < size:
            more = self.link.recv(size - len(data))
            assert more, "Cassandra hung up"
            data += more
        return bytes(data)

    def answer(self):
        """(stream, opcode, body)"""
        _, _, stream, opcode, size = struct.unpack(">BBhBI", self.exactly(9))
        return stream, opcode, self.exactly(size)

    def receive(self):
        _, opcode, body = self.answer()
        assert opcode != ERROR, body
        return body

    def ask(self, text, stream=0):
        text = text.encode()
        self.send(QUERY, struct.pack(">I", len(text)) + text +
                  struct.pack(">HB", ONE, 0), stream)

    def query(self, text):
        """Rows of values as bytes; all columns are of one table and of simple
        types."""
        self.ask(text)
        body = Reader(self.receive())
        if body.number(">I") != ROWS:
            return []
        flags, columns = body.number(">I"), body.number(">I")
        assert flags == 1, "one table, one page"
        body.text(), body.text()
        for _ in range(columns):
            body.text()
            body.number(">H")
        return [[body.value() for _ in range(columns)]
                for _ in range(body.number(">I"))]


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self):
        return self.take(self.number(">H"))

    def value(self):
        size = self.number(">i")
        return None if size < 0 else self.take(size)


def load_cassandra(port, keyspace, tables):
    cql = Cql(port)
    lines = [f"INSERT INTO {keyspace}.{table} JSON '" +
             json.dumps(row).replace("'", "''") + "'"
             for table, rows in tables.items() for row in rows]
    for at in range(0, len(lines), IN_FLIGHT):
        some = lines[at:at + IN_FLIGHT]
        for stream, line in enumerate(some):
            cql.ask(line, stream)
        left, deadline = len(some), time.monotonic() + 120
        while left:
            stream, opcode, body = cql.answer()
            if opcode != ERROR:
                left -= 1
                continue
            # A busy machine's Cassandra is late; the row is the same again.
            assert body[:4] in BUSY and time.monotonic() < deadline, body
            cql.ask(some[stream], stream)
    cql.close()
