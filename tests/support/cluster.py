# SPDX-License-Identifier: Apache-2.0
"""Clusters of real processes: forked by the test itself (Cluster), where it
wants its hands on each, or by ./stipple up (Supervised), as a user has them.
A test ends only pids that it, or its supervisor, started."""

import json
import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time

from support.api import Api
from support.metrics import scrape
from support.tokens import Signer
from support.wait import until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
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


def free_ports(count=1):
    """Consecutive ports nobody listens on, below the ephemeral range, so that
    no outgoing connection takes them while a process restarts."""
    for _ in range(200):
        first = random.randrange(10000, 31000)
        probes = []
        try:
            for port in range(first, first + count):
                probe = socket.socket()
                probes.append(probe)
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("", port))
            return list(range(first, first + count))
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError("no free ports")


def redis_command(folder, fsync="always"):
    path = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    argv = ["redis-server", "--port", "0", "--dir", folder, "--unixsocket",
            "../run/redis.sock", "--appendonly", "yes", "--appendfsync", fsync,
            "--save", ""]
    return argv, path


class Process:
    def __init__(self, name, argv, cwd, executable=None, metrics_port=None):
        self.name, self.argv, self.cwd = name, argv, cwd
        self.executable = executable
        self.metrics_port = metrics_port
        self.child = None
        self.log_path = os.path.join(cwd, "logs", name + ".log")

    def start(self):
        assert self.child is None, f"{self.name} is running"
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                self.argv, executable=self.executable, cwd=self.cwd,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **ENVIRONMENT}, start_new_session=True)

    @property
    def pid(self):
        return self.child.pid

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def kill(self):
        """As a crash would: SIGKILL, to it and what it forked."""
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.child = None

    def freeze(self):
        os.kill(self.child.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.child.pid, signal.SIGCONT)

    def stop(self, timeout=30):
        """SIGTERM, and the exit code it answers with: 0 is asked for."""
        if self.child is None:
            return 0
        child, self.child = self.child, None
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        try:
            return child.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise AssertionError(f"{self.name} did not end in {timeout} s")

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def metrics(self):
        return scrape(self.metrics_port)

    def memory_bytes(self):
        with open(f"/proc/{self.child.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def flags_of(settings):
    flags = []
    for name, value in settings.items():
        flags += ["--" + name.replace("_", "-"), str(value)]
    return flags


class Cluster:
    """Redis, brokers, persisters and edges of one folder, by name:
    cluster["edge-1"]. Settings go by process: edge={"port": …}. With `tls` one
    more edge speaks it, on tls_port."""

    def __init__(self, folder, brokers=1, persisters=1, edges=1, broker=None,
                 edge=None, persister=None, size="100x100", bits=4,
                 cooldown_ms=0, variant="asan", fsync="always", tls=False):
        self.folder = str(folder)
        self.bin = bin_dir(variant)
        self.processes = {}
        for name in ("run", "logs", "redis"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        self.secret_file = os.path.join(self.folder, "secret")
        if not os.path.exists(self.secret_file):
            with open(self.secret_file, "w") as file:
                file.write(secrets.token_hex(32) + "\n")
        self.signer = Signer(self.secret_file)
        argv, path = redis_command("redis", fsync)
        self._add("redis", argv, path)
        self.broker_ends = [f"ipc://run/broker-{i}"
                            for i in range(1, brokers + 1)]
        query_ends = [f"ipc://run/persister-{i}"
                      for i in range(1, persisters + 1)]
        for i, bind in enumerate(self.broker_ends, 1):
            self._ours("broker", i, dict(
                bind=bind, redis="unix:run/redis.sock", size=size, bits=bits,
                cooldown_ms=cooldown_ms, **(broker or {})))
        for i, bind in enumerate(query_ends, 1):
            self._ours("persister", i, {
                "bind": bind, "brokers": ",".join(self.broker_ends),
                "store": "sqlite:history.db", **(persister or {})})
        common = {"host": "127.0.0.1", "brokers": ",".join(self.broker_ends),
                  "persisters": ",".join(query_ends),
                  "web_dir": os.path.join(ROOT, "web"), **(edge or {})}
        ports = free_ports(edges + tls)
        self.apis = [Api(port) for port in ports[:edges]]
        for i, port in enumerate(ports[:edges], 1):
            self._ours("edge", i, {"port": port, **common})
        if tls:
            self.tls_port = ports[-1]
            self._ours("edge", edges + 1, {
                "port": self.tls_port, **self._certificate(), **common})

    def _add(self, name, argv, executable=None, metrics_port=None):
        self.processes[name] = Process(name, argv, self.folder, executable,
                                       metrics_port)

    def _ours(self, kind, index, settings):
        name = f"{kind}-{index}"
        port = free_ports(int(settings.get("workers", 1)))[0]
        self._add(name, [os.path.join(self.bin, f"stipple-{kind}"), "--name",
                         name, "--secret-file", "secret", "--metrics-port",
                         str(port)] + flags_of(settings), None, port)

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
        for api in self.apis:
            until(api.is_ready, timeout, "/readyz 200")
        return self

    def kinds(self, kind):
        return [p for n, p in self.processes.items() if n.startswith(kind)]

    def ctl(self, *words, check=True):
        answer = subprocess.run(
            [os.path.join(self.bin, "stipplectl"), "--brokers",
             ",".join(self.broker_ends), "--secret-file", "secret", "--json",
             *words],
            cwd=self.folder, capture_output=True, text=True, timeout=30,
            env={**os.environ, **ENVIRONMENT})
        if check:
            assert answer.returncode == 0, answer
            return json.loads(answer.stdout)
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
        order = [p for kind in ("edge", "persister", "broker", "redis")
                 for p in self.kinds(kind)]
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

    def __init__(self, folder, *options, variant="asan"):
        self.data = os.path.join(str(folder), "data")
        self.options = list(options)
        self.port = free_ports(20)[0]
        self.api = Api(self.port)
        self.bin = bin_dir(variant)
        self.environment = {**os.environ, **ENVIRONMENT,
                            "STIPPLE_BIN": self.bin}

    def stipple(self, *words, timeout=150):
        return subprocess.run([os.path.join(ROOT, "stipple"), *words],
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
        return Signer(os.path.join(self.data, "secret"))

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
