# SPDX-License-Identifier: Apache-2.0
"""Which processes a cluster has, and with which flags: the one description of
./stipple up, of the tests and of the bench. Settings are dicts by process, as
{"edge": {"port": 8080}}; paths are relative to the cluster's folder, in which
everything runs, so that socket paths are short wherever it lies."""

import errno
import os
import shutil
import socket
import subprocess

from cluster.failure import Failure
from cluster.process import Process

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SECRET = "secret"
KEYS = "keys"
# Stopped in this order: nothing new comes in, then all that was accepted
# reaches the store, then what holds it ends.
STOP_ORDER = ("edge", "persister", "broker", "redis", "store")


def endpoints(kind, count):
    return [f"ipc://run/{kind}-{i}" for i in range(1, count + 1)]


def flags(settings):
    words = []
    for name, value in settings.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    return words


def key_file(role):
    """Of broker, persister, edge or operator; "tokens" signs their tokens."""
    return f"{KEYS}/{role}.key"


def make_keys(binaries, folder=".", env=None):
    """The key files of all roles, drawn from the folder's secret, which is
    drawn first if there is none. Keys whose secret was taken away, to be kept
    elsewhere, stay as they are."""
    keys = os.path.join(folder, KEYS)
    if not os.path.exists(os.path.join(folder, SECRET)) \
            and os.path.isdir(keys) and os.listdir(keys):
        return
    made = subprocess.run(
        [os.path.join(binaries, "stipplectl"), "--master-file", SECRET,
         "keygen", KEYS], cwd=folder, env=env and {**os.environ, **env},
        stderr=subprocess.PIPE, text=True, timeout=60)
    if made.returncode:
        raise Failure(made.stderr.strip())


def redis(fsync="always", name="redis", port=0, folder=".", env=None):
    """Redis on the socket run/NAME.sock, with its data in NAME/. `fsync` is
    always, everysec, or no for one without a file. Everysec may hold back the
    file's write behind a slow fsync, and then even the death of Redis alone
    would lose what was acknowledged; group commit makes always affordable."""
    # Debian's redis-tools holds the server too: redis-server is this very
    # file by another name. So no system service is installed for it.
    path = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    if not path:
        raise Failure("redis-server is missing: install redis-tools")
    file = ["--appendonly", "no"] if fsync == "no" else [
        "--appendonly", "yes", "--appendfsync", fsync,
        "--auto-aof-rewrite-min-size", "256mb"]
    argv = ["redis-server", "--port", port, "--bind", "127.0.0.1",
            "--dir", name, "--unixsocket", f"../run/{name}.sock",
            "--unixsocketperm", "700", "--save", "", *file,
            "--maxmemory-policy", "noeviction", "--daemonize", "no"]
    return Process(name, argv, [port] if port else [], executable=path,
                   folder=folder, env=env,
                   check=["redis", f"run/{name}.sock"])


def member(binaries, name, settings, metrics_ports, public_ports=(),
           folder=".", env=None):
    """A broker, persister or edge by its name, as "edge-1". Workers of an edge
    share the public port; each has a metrics port of its own."""
    kind = name.partition("-")[0]
    argv = [os.path.join(binaries, f"stipple-{kind}"), "--name", name,
            "--key-file", key_file(kind), *flags(settings)]
    if metrics_ports:
        argv += ["--metrics-port", metrics_ports[0]]
    check = ["http"] + [[port, "/readyz"] for port in public_ports] \
        + [[port, "/healthz"] for port in metrics_ports]
    return Process(name, argv, public_ports, metrics_ports, check=check,
                   folder=folder, env=env)


class Plan:
    """The members of one cluster. `metrics_ports(count)` gives free ports;
    settings named by the caller stand above those that are named here."""

    def __init__(self, binaries, brokers, persisters, settings, metrics_ports,
                 folder=".", env=None):
        self.binaries = binaries
        self.settings = settings
        self.metrics_ports = metrics_ports
        self.where = {"folder": folder, "env": env}
        self.broker_ends = endpoints("broker", brokers)
        self.persister_ends = endpoints("persister", persisters)

    def _member(self, kind, index, public_ports, **own):
        settings = {**own, **self.settings.get(kind, {})}
        count = int(settings.get("workers", 1))
        return member(self.binaries, f"{kind}-{index}", settings,
                      self.metrics_ports(count), public_ports, **self.where)

    def redis(self, fsync="always"):
        return redis(fsync=fsync, **self.where)

    def brokers(self):
        return [self._member("broker", i, [], bind=bind,
                             redis="unix:run/redis.sock")
                for i, bind in enumerate(self.broker_ends, 1)]

    def persisters(self):
        return [self._member("persister", i, [], bind=bind,
                             brokers=",".join(self.broker_ends))
                for i, bind in enumerate(self.persister_ends, 1)]

    def edge(self, index, port, **own):
        return self._member("edge", index, [port], port=port,
                            brokers=",".join(self.broker_ends),
                            persisters=",".join(self.persister_ends),
                            web_dir=os.path.join(ROOT, "web"), **own)


def stop_stages(processes):
    """Lists of names, in the order in which they are stopped."""
    names = [process.name for process in processes]
    return [[n for n in names if n.partition("-")[0] == kind]
            for kind in STOP_ORDER]


def bind_error(host, port):
    """Why an edge could not listen there; None if it could. Tried without
    SO_REUSEPORT, since two clusters' edges would otherwise share a port."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM,
                                   flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        return error
    errors = [_bind(*place[:3], place[4]) for place in found]
    if host:  # the edge takes the first address that it can have
        return errors[0] if all(errors) else None
    return next((error for error in errors if error and error.errno not in
                 (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)), None)


def _bind(family, kind, protocol, address):
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


class Ports:
    """Metrics ports: the free ones next to a start."""

    def __init__(self, start):
        self.next = start

    def take(self, count=1):
        while self.next + count < 65536:
            block = range(self.next, self.next + count)
            self.next += count
            if not any(bind_error("127.0.0.1", port) for port in block):
                return list(block)
        raise Failure("there is no free port for metrics")
