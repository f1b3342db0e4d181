# SPDX-License-Identifier: Apache-2.0
"""Brokers alone with their Redis, and peers of the test's own making."""

import os
import socket

from support import bus_peers as bus
from support.bus_peers import Edge, Persister, ask
from support.wait import until

BASES = [f"ipc://run/broker-{i}" for i in (1, 2)]


class Stage:
    """Redis and brokers; edges and persisters as the test asks for them."""

    def __init__(self, made, context):
        self.made, self.context = made, context
        self.folder = made.folder

    def __getitem__(self, name):
        return self.made[name]

    def edge(self, broker=1):
        return Edge(self.context, self.folder, BASES[broker - 1])

    def persister(self, brokers=1):
        return Persister(self.context, self.folder, BASES[:brokers])

    def status(self, broker=1):
        return ask(self.context, self.folder, BASES[broker - 1],
                   verb="status") or {"role": "silent"}

    def set(self, name, value, broker=1):
        return ask(self.context, self.folder, BASES[broker - 1], verb="set",
                   name=name, value=value)

    def await_role(self, role, broker=1, timeout=15):
        until(lambda: self.status(broker)["role"] == role, timeout,
              f"broker-{broker} is {role}")

    def log_count(self, event, name="broker-1"):
        return self[name].log().count(f"event={event}")


def log_of(stage):
    """Every record in Redis' log, by seq."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(os.path.join(stage.folder, "run/redis.sock"))
        link.sendall(b"XRANGE {stipple}:log - +\r\n")
        file = link.makefile("rb")
        return bus.parse_records(b"".join(
            entry[1][-1] for entry in read_reply(file)))


def read_reply(file):
    line = file.readline()
    kind, value = line[:1], line[1:-2]
    if kind == b"*":
        return [read_reply(file) for _ in range(int(value))]
    if kind == b"$":
        return file.read(int(value) + 2)[:-2] if int(value) >= 0 else None
    assert kind != b"-", line
    return value
