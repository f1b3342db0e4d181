# SPDX-License-Identifier: Apache-2.0
"""Clusters of real processes: forked by the test itself (Cluster), where it
wants its hands on each, or by ./stipple up (Supervised), as a user has them.
A test ends only pids that it, or its supervisor, started."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import time

from cluster import metrics
from cluster.plan import (KEYS, ROOT, SECRET, STOP_ORDER, Plan, key_file,
                          make_keys)
from support.api import Api
from support.tokens import Signer
from support.wait import until

# Sanitizers report by this code, so that no other failure looks like it.
SANITIZED = 99
SANITIZER_LINES = re.compile(
    r"AddressSanitizer|LeakSanitizer|runtime error:|Assertion .* failed")
ENVIRONMENT = {
    "ASAN_OPTIONS": f"exitcode={SANITIZED}:detect_leaks=1",
    "UBSAN_OPTIONS": f"exitcode={SANITIZED}:print_stacktrace=1",
    "LSAN_OPTIONS": f"exitcode={SANITIZED}",
}


def bin_dir(variant="asan"):
    """Binaries under test: ASan's, but where speed is the point."""
    chosen = os.environ.get("STIPPLE_TEST_BIN")
    if chosen:
        return os.path.abspath(chosen)
    return os.path.join(ROOT, "build", "asan" if variant == "asan" else "")


WORKERS_MAX, EACH = 6, 160  # of every thousand ports


def own_ports():
    """Where a search for ports may begin: below those that the kernel gives to
    outgoing connections, so that none takes one while a process restarts; and
    for each worker of xdist a part of its own, since between the look and the
    start another could take them (and edges share theirs unasked). A
    supervised cluster's metrics are a thousand above its public port: of every
    thousand each worker has the same part."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        end = int(file.read().split()[0])
    ports = range(max(2000, end - 20000), end - 100)
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        return ports
    number = int(worker[2:])
    assert number < WORKERS_MAX
    return [port for port in ports
            if EACH * number <= port % 1000 < EACH * (number + 1) - 50]


class Ports:
    """Handed out in turn, so that what is not bound yet is not given twice."""

    def __init__(self):
        self.all = own_ports()
        self.at = random.randrange(len(self.all))

    def take(self, count):
        for _ in range(len(self.all)):
            first = self.all[self.at]
            if bindable(first, count):
                self.at = (self.at + count) % len(self.all)
                return list(range(first, first + count))
            self.at = (self.at + 1) % len(self.all)
        raise AssertionError("no free ports")


def bindable(first, count):
    probes = []
    try:
        for port in range(first, first + count):
            probe = socket.socket()
            probes.append(probe)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
        return True
    except OSError:
        return False
    finally:
        for probe in probes:
            probe.close()


pool = None


def free_ports(count=1):
    """Consecutive ports nobody listens on."""
    global pool
    pool = pool or Ports()
    return pool.take(count)


def is_ready_worker(port):
    with contextlib.suppress(OSError):
        return metrics.scrape(port)["stipple_edge_ready"] == 1


class Cluster:
    """Redis, brokers, persisters and edges of one folder, by name:
    cluster["edge-1"]. Settings go by process: edge={"port": …}. With `tls` one
    more edge speaks it, on tls_port; where `transport` says so, all do."""

    transport = "plain"  # conftest's fixture of that name sets it

    def __init__(self, folder, brokers=1, persisters=1, edges=1, broker=None,
                 edge=None, persister=None, size="100x100", bits=4,
                 cooldown_ms=0, variant="asan", fsync="always", tls=False):
        self.folder = str(folder)
        self.bin = bin_dir(variant)
        for name in ("run", "logs", "redis"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        make_keys(self.bin, self.folder, ENVIRONMENT)
        self.token_key_file = os.path.join(self.folder, key_file("tokens"))
        self.signer = Signer(self.token_key_file)
        plan = Plan(self.bin, brokers, persisters, {
            "broker": {"size": size, "bits": bits, "cooldown_ms": cooldown_ms,
                       **(broker or {})},
            "persister": {"store": "sqlite:history.db", **(persister or {})},
            "edge": {"host": "127.0.0.1", **(edge or {})},
        }, free_ports, self.folder, ENVIRONMENT)
        self.broker_ends = plan.broker_ends
        ports = free_ports(edges + tls)
        secure = self.transport == "tls"
        certificate = self._certificate() if secure or tls else {}
        self.apis = [Api(port, tls=secure) for port in ports[:edges]]
        members = [plan.redis(fsync), *plan.brokers(), *plan.persisters(),
                   *(plan.edge(i, port, **{
                       # Where there are several, they send in both ways.
                       **({} if i % 2 else {"io_uring": "off"}),
                       **(certificate if secure else {})})
                     for i, port in enumerate(ports[:edges], 1))]
        self.tls_port = ports[-1] if tls else None
        if tls:
            members.append(plan.edge(edges + 1, self.tls_port,
                                     **certificate))
        self.processes = {process.name: process for process in members}

    def _certificate(self):
        files = {"tls_cert_file": "cert.pem", "tls_key_file": "key.pem"}
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-out", files["tls_cert_file"], "-keyout",
             files["tls_key_file"]], cwd=self.folder, check=True,
            capture_output=True)
        return files

    def __getitem__(self, name):
        return self.processes[name]

    @property
    def api(self):
        return self.apis[0]

    def start(self, *names):
        for name in names or self.processes:
            self.processes[name].start()
        return self

    def ready(self, timeout=60):
        doors = [Api(self.tls_port, tls=True)] if self.tls_port else []
        for api in self.apis + doors:
            until(api.is_ready, timeout, "/readyz 200")
        # Of several workers one has answered; the next client may be another's.
        for edge in self.kinds("edge"):
            if len(edge.metrics_ports) > 1 and edge.is_running():
                until(lambda e=edge: all(map(is_ready_worker, e.metrics_ports)),
                      timeout, f"every worker of {edge.name} ready")
        return self

    def kinds(self, kind):
        return [p for n, p in self.processes.items() if n.startswith(kind)]

    def stipplectl(self, *words, timeout=60):
        """By the operator's key over the bus."""
        return subprocess.run(
            [os.path.join(self.bin, "stipplectl"), "--brokers",
             ",".join(self.broker_ends), "--key-file", key_file("operator"),
             *words], cwd=self.folder, capture_output=True, text=True,
            timeout=timeout, env={**os.environ, **ENVIRONMENT})

    def ctl(self, *words, check=True):
        answer = self.stipplectl("--json", *words, timeout=30)
        if check:
            assert answer.returncode == 0, answer
            return json.loads(answer.stdout)
        return answer

    def keygen(self, verb, *words, secret=SECRET, folder=KEYS, check=True):
        """`stipplectl keygen`, or `rotate` or `retire` with which keys."""
        answer = subprocess.run(
            [os.path.join(self.bin, "stipplectl"), "--master-file", secret,
             verb, folder, *words],
            cwd=self.folder, capture_output=True, text=True, timeout=30,
            env={**os.environ, **ENVIRONMENT})
        assert not check or answer.returncode == 0, answer
        return answer

    def redis_cli(self, *words):
        answer = subprocess.run(
            ["redis-cli", "-s", "run/redis.sock", *words], cwd=self.folder,
            capture_output=True, text=True, timeout=30)
        assert answer.returncode == 0, answer
        return answer.stdout.strip()

    def redis_answers(self):
        return os.path.exists(os.path.join(self.folder, "run/redis.sock")) \
            and self.redis_cli("ping") == "PONG"

    def stop(self):
        """All, orderly; returns {name: exit code}."""
        order = [p for kind in STOP_ORDER for p in self.kinds(kind)]
        began, codes = time.monotonic(), {}
        for process in order:
            if process.child is not None:
                codes[process.name] = process.stop()
                print(f"{process.name} stopped at "
                      f"{time.monotonic() - began:.1f} s")
        return codes

    def check_logs(self):
        for process in self.processes.values():
            if os.path.exists(process.log_path):
                found = SANITIZER_LINES.search(process.log())
                assert not found, (f"{process.name}: "
                                   f"{process.log()[found.start():][:4000]}")

    def finish(self):
        """For the fixture: nothing may be left running, nothing may have
        leaked, and SIGTERM must have been answered by 0."""
        codes = {}
        try:
            codes = self.stop()
        finally:
            for process in self.processes.values():
                if process.is_running():
                    process.kill()
        self.check_logs()
        assert not any(codes.values()), f"exit codes {codes}"


class Supervised:
    """A cluster run by ./stipple up --detach."""

    stipple_path = os.path.join(ROOT, "stipple")

    def __init__(self, folder, *options, variant="asan"):
        self.data = os.path.join(str(folder), "data")
        self.options = list(options)
        self.port = free_ports(20)[0]
        self.api = Api(self.port)
        self.bin = bin_dir(variant)
        self.environment = {**os.environ, **ENVIRONMENT,
                            "STIPPLE_BIN": self.bin}
        # What a user's Python does, not what a container's image asks of it.
        self.environment.pop("PYTHONUNBUFFERED", None)

    def stipple(self, *words, timeout=150):
        return subprocess.run([self.stipple_path, *words],
                              capture_output=True, text=True, timeout=timeout,
                              env=self.environment, stdin=subprocess.DEVNULL)

    def up(self, *more):
        answer = self.stipple("up", "--detach", "--data", self.data, "--port",
                              str(self.port), *self.options, *more)
        assert answer.returncode == 0, (answer, self.tails())
        return answer

    def down(self):
        answer = self.stipple("down", "--data", self.data)
        assert answer.returncode == 0, answer
        return answer

    def status(self):
        answer = self.stipple("status", "--data", self.data, "--json")
        return answer.returncode, json.loads(answer.stdout)

    def entry(self, name):
        return next(e for e in self.status()[1]["processes"]
                    if e["name"] == name)

    def kill(self, name):
        """kill -9 of a process of this cluster; returns its pid."""
        pid = self.entry(name)["pid"]
        os.kill(pid, signal.SIGKILL)
        return pid

    def is_well(self):
        return self.status()[0] == 0

    @property
    def signer(self):
        return Signer(self.token_key_file)

    @property
    def token_key_file(self):
        return os.path.join(self.data, key_file("tokens"))

    def tails(self):
        folder = os.path.join(self.data, "logs")
        tails = {}
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            with open(os.path.join(folder, name), errors="replace") as file:
                tails[name] = file.read()[-1500:]
        return tails

    def finish(self):
        if os.path.isdir(self.data):
            self.down()
        for name, text in self.tails().items():
            path = os.path.join(self.data, "logs", name)
            with open(path, errors="replace") as file:
                text = file.read()
            found = SANITIZER_LINES.search(text)
            assert not found, f"{name}: {text[found.start():][:4000]}"
        deadline = time.monotonic() + 5
        while self.status()[1]["processes"]:
            assert time.monotonic() < deadline
