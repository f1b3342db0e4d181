# SPDX-License-Identifier: Apache-2.0
"""Processes of the bench: ours, the peers', the load, and their CPU time.

Everything listens on loopback, lives in one temporary folder and is ended by
pid when the `Rig` is left.
"""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
sys.path.append(os.path.join(TOP, "scripts"))

from cluster import plan  # noqa: E402
from cluster.process import Process  # noqa: E402


def free_port():
    """Free on all addresses: the loads' 127.0.0.x keep ports for a minute."""
    with socket.socket() as s:
        s.bind(("", 0))
        return s.getsockname()[1]


def wait_for(question, seconds, what):
    """Polls until `question()` is true; the one way to wait here."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if question():
            return
        time.sleep(0.02)
    raise TimeoutError(what)


def http(url, data=None, headers=None, timeout=5):
    request = urllib.request.Request(url, data=data, headers=headers or {})
    return urllib.request.urlopen(request, timeout=timeout).read()


def listens(port):
    def question():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        return False
    return question


def is_ready(edge):
    def question():
        with contextlib.suppress(OSError):
            return edge.metrics()["stipple_edge_ready"] == 1
        return False
    return question


def load(url, key, **options):
    """The report of stipple-load."""
    argv = [f"{BUILD}/stipple-load", "--url", url, "--token-key-file", key,
            "--json"]
    for name, value in options.items():
        argv += [f"--{name.replace('_', '-')}", str(value)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    return json.loads(done.stdout)


@contextlib.contextmanager
def core_spared(core):
    """What is started meanwhile keeps off `core`, where there are others."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores - {core} or cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


class Rig:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="stipple-bench-")
        for name in ("run", "logs"):
            os.mkdir(os.path.join(self.dir, name))
        plan.make_keys(BUILD, self.dir)
        self.key = os.path.join(self.dir, plan.key_file("tokens"))
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        for process in reversed(self.processes):
            process.end()
            if failure:
                print(f"--- {process.name}\n{process.log()[-1500:]}",
                      file=sys.stderr)
        shutil.rmtree(self.dir, ignore_errors=True)

    def run(self, process, stdout=None):
        process.start(stdout)
        self.processes.append(process)
        return process

    def start(self, name, *argv, stdout=None, env=None):
        """One of the peers, or of the bench's own programs."""
        return self.run(Process(name, argv, folder=self.dir, env=env), stdout)

    def stop(self, process):
        process.end()
        self.processes.remove(process)

    def redis(self, fsync="everysec"):
        port = free_port()
        name = f"redis-{port}"
        os.mkdir(os.path.join(self.dir, name))
        process = self.run(plan.redis(fsync, name, port, folder=self.dir))
        wait_for(listens(port), 10, "redis")
        process.port = port
        return process

    def broker(self, redis, *more):
        base = f"ipc://run/broker-{redis.port}"
        process = plan.member(BUILD, "broker", {
            "bind": base, "redis": f"redis://127.0.0.1:{redis.port}",
            "restore": "never", "cooldown_ms": 0}, [], folder=self.dir)
        process.argv += map(str, more)
        self.run(process)
        process.base = base
        return process

    def edge(self, broker, *more, core=None):
        """An edge, ready; on one core alone if `core` names it."""
        port, metrics_port = free_port(), free_port()
        process = plan.member(BUILD, "edge", {
            "port": port, "brokers": broker.base}, [metrics_port], [port],
            self.dir)
        process.argv += map(str, more)
        if core is not None:
            process.argv[:0] = ["taskset", "-c", str(core)]
        self.run(process)
        process.port, process.key = port, self.key
        process.url = f"http://127.0.0.1:{port}"
        wait_for(is_ready(process), 20, "edge is ready")
        return process


class Swarm:
    """The swarm of bench/swarm.c around a measured stretch."""

    def __init__(self, rig, port, path="/", protocol=None, **options):
        argv = [f"{BUILD}/bench/swarm", "--port", port, "--path", path]
        if protocol:
            argv += ["--protocol", protocol]
        for name, value in options.items():
            argv += [f"--{name}"] + ([] if value is True else [value])
        self.process = rig.start("swarm", *argv, stdout=subprocess.PIPE)
        self.rig = rig

    def until(self, word):
        for line in self.process.child.stdout:
            if line.strip() == word:
                return
        raise RuntimeError(f"the swarm ended before `{word}`")

    def measure(self, server, during=None):
        """The swarm's counts and the server's CPU seconds meanwhile."""
        self.until("begin")
        before = server.cpu_seconds()
        if during:
            during()
        self.until("end")
        cpu = server.cpu_seconds() - before
        result = json.loads(self.process.child.stdout.readline())
        self.rig.stop(self.process)
        return {**result, "cpu": cpu}
