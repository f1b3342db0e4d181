# SPDX-License-Identifier: Apache-2.0
"""Processes of the bench: ours, the peers', the load, and their CPU time.

Everything listens on loopback, lives in one temporary folder and is ended by
pid when the `Rig` is left.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
TICKS = os.sysconf("SC_CLK_TCK")


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


def answers(url):
    def question():
        with contextlib.suppress(OSError):
            http(url, timeout=1)
            return True
        return False
    return question


def listens(port):
    def question():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        return False
    return question


def load(url, secret, **options):
    """The report of stipple-load."""
    argv = [f"{BUILD}/stipple-load", "--url", url, "--secret-file", secret,
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


class Process:
    """A started program; `cpu()` sums it and its children."""

    def __init__(self, name, argv, cwd, stdout=subprocess.DEVNULL, env=None,
                 executable=None):
        self.name = name
        self.log = open(os.path.join(cwd, f"{name}.log"), "ab")
        self.child = subprocess.Popen(
            argv, cwd=cwd, stdout=stdout, executable=executable, stderr=self.log, text=True,
            stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})

    @property
    def pid(self):
        return self.child.pid

    def family(self):
        pids, rest = [], [self.pid]
        while rest:
            pid = rest.pop()
            pids.append(pid)
            with contextlib.suppress(OSError):
                tasks = f"/proc/{pid}/task"
                for task in os.listdir(tasks):
                    with open(f"{tasks}/{task}/children") as f:
                        rest += map(int, f.read().split())
        return pids

    def cpu(self):
        """User and system seconds so far."""
        total = 0
        for pid in self.family():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def resident(self):
        """Resident bytes."""
        total = 0
        for pid in self.family():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/statm") as f:
                total += int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        return total

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.log.close()


    def show_log(self):
        with open(self.log.name, errors="replace") as f:
            print(f"--- {self.name}\n{f.read()[-1500:]}", file=sys.stderr)


class Rig:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="stipple-bench-")
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        for process in reversed(self.processes):
            process.stop()
            if failure:
                process.show_log()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, name, *argv, **more):
        process = Process(name, [str(a) for a in argv], self.dir, **more)
        self.processes.append(process)
        return process

    def stop(self, process):
        process.stop()
        self.processes.remove(process)

    def redis(self, fsync="everysec"):
        port = free_port()
        aof = ["--appendonly", "no"] if fsync == "no" else [
            "--appendonly", "yes", "--appendfsync", fsync,
            "--auto-aof-rewrite-min-size", "256mb"]
        name = f"redis-{port}"
        # Debian's redis-tools holds the server under the checker's name.
        path = shutil.which("redis-server") or shutil.which("redis-check-rdb")
        process = self.start(name, "redis-server", "--port", port, "--bind",
                             "127.0.0.1", "--save", "", "--dir", self.dir,
                             "--appenddirname", name, *aof, executable=path)
        wait_for(listens(port), 10, "redis")
        process.port = port
        return process

    def broker(self, redis, *more):
        base = f"ipc://broker-{redis.port}"
        process = self.start(
            "broker", f"{BUILD}/stipple-broker", "--bind", base, "--redis",
            f"redis://127.0.0.1:{redis.port}", "--restore", "never",
            "--cooldown-ms", 0, *more)
        process.base = base
        return process

    def edge(self, broker, *more, core=None):
        """An edge, ready; on one core alone where `core` names it."""
        port = free_port()
        secret = os.path.join(self.dir, "secret")
        with open(secret, "w") as f:
            f.write("a secret of the bench alone")
        pin = [] if core is None else ["taskset", "-c", core]
        process = self.start("edge", *pin, f"{BUILD}/stipple-edge", "--port",
                             port,
                             "--brokers", broker.base, "--secret-file", secret,
                             *more)
        process.port, process.secret = port, secret
        process.url = f"http://127.0.0.1:{port}"
        wait_for(answers(process.url + "/readyz"), 20, "edge is ready")
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
        before = server.cpu()
        if during:
            during()
        self.until("end")
        cpu = server.cpu() - before
        result = json.loads(self.process.child.stdout.readline())
        self.rig.stop(self.process)
        return {**result, "cpu": cpu}
