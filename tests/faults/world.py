# SPDX-License-Identifier: Apache-2.0
"""The cluster under test: two brokers, two edges, a persister, Redis and its
replica, and a store, all real processes, with a proxy on every way between
them."""

import json
import os
import re
import shutil
import subprocess
import time

from cluster import plan
from faults.check import Loss, Row
from faults.proxy import Proxies
from support.api import Api
from support.client import Client
from support.cluster import bin_dir, free_ports
from support.stores import KEYS, DynamoLocal
from support.tokens import Signer, user_of
from support.wait import Late, until
from support.websocket import Closed, Refused

CHANNELS = 4
BROKERS = ("broker-1", "broker-2")
EDGES = ("edge-1", "edge-2")
REDISES = ("redis-1", "redis-2")
DISK_MIB = 48
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
LOST = re.compile(r"^ts=(\S+) .*event=history_lost from=(\d+) ", re.M)


def block(ports, count):
    return [ports.pop(0) for _ in range(count)]


def faketime_library():
    found = subprocess.run(["sh", "-c", "ls /usr/lib/*/faketime/"
                            "libfaketime.so.1"], capture_output=True, text=True)
    assert found.returncode == 0, "libfaketime is missing: scripts/install test"
    return found.stdout.split()[0]


class Disk:
    """A small file system of its own, where root may mount one."""

    def __init__(self, folder):
        self.folder = folder
        self.filler = os.path.join(folder, ".filler")
        self.mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs",
             folder], capture_output=True).returncode == 0

    def fill(self):
        with open(self.filler, "ab", buffering=0) as file:
            try:
                while file.write(bytes(65536)):
                    pass
            except OSError:
                pass

    def clear(self):
        if os.path.exists(self.filler):
            os.remove(self.filler)

    def end(self):
        if self.mounted:
            subprocess.run(["umount", self.folder], check=True)


class World:
    def __init__(self, folder, store, size, cooldown_ms):
        self.folder, self.store_kind = folder, store
        self.size, self.cooldown_ms = size, cooldown_ms
        self.bin = bin_dir("release")
        for name in ("run", "logs", "store", *REDISES):
            os.makedirs(os.path.join(folder, name))
        plan.make_keys(self.bin, folder)
        self.signer = Signer(os.path.join(folder, plan.key_file("tokens")))
        self.ports = free_ports(80)
        self.proxies, self.links, self.processes = Proxies(), {}, {}
        self.disks = {name: Disk(os.path.join(folder, name))
                      for name in ("store", *REDISES)}
        self.clock_file = os.path.join(folder, "clock")
        self.set_clock(0)
        self.master = 0
        self.server = None
        self._make()

    # --- making it ---

    def _link(self, name, targets):
        near = block(self.ports, len(targets))
        self.links[name] = self.proxies.link(name, dict(zip(near, targets)))
        return near[0]

    def _member(self, name, settings, public=(), env=None):
        self.processes[name] = plan.member(
            self.bin, name, settings, block(self.ports, 1), public,
            self.folder, env)

    def _make(self):
        self.redis_ports = block(self.ports, 2)
        for name, port in zip(REDISES, self.redis_ports):
            self.processes[name] = plan.redis(name=name, port=port,
                                              folder=self.folder)
        bases = {name: block(self.ports, CHANNELS) for name in BROKERS}
        near = {(user, name): self._link(f"{user}>{name}", bases[name])
                for user in (*EDGES, "persister-1") for name in BROKERS}
        for name in BROKERS:
            self._make_broker(name, bases[name][0], [
                port for (_, to), port in near.items() if to == name])

        def ends(user):
            return ",".join(f"tcp://127.0.0.1:{near[user, name]}"
                            for name in BROKERS)
        query, = block(self.ports, 1)
        self._member("persister-1", {
            "brokers": ends("persister-1"), "store": self._store_url(),
            "bind": f"tcp://127.0.0.1:{query}"})
        self.apis = []
        for name in EDGES:
            port, = block(self.ports, 1)
            self.apis.append(Api(port))
            self._member(name, {
                "host": "127.0.0.1", "port": port, "brokers": ends(name),
                "persisters": f"tcp://127.0.0.1:{query}",
                "board_max_age_s": 0, "drain_ms": 2000}, [port])

    def _make_broker(self, name, base, advertised):
        redis = self._link(f"{name}>redis", [self.redis_ports[0]])
        env = None
        if name == "broker-2":
            env = {"LD_PRELOAD": faketime_library(),
                   "FAKETIME_TIMESTAMP_FILE": self.clock_file,
                   "FAKETIME_CACHE_DURATION": "1",
                   "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                   "FAKETIME_DONT_RESET": "1"}
        width, height = self.size
        self._member(name, {
            "bind": f"tcp://127.0.0.1:{base}",
            "advertise": ",".join(f"tcp://127.0.0.1:{port}"
                                  for port in (base, *advertised)),
            "redis": f"redis://127.0.0.1:{redis}", "redis_timeout_ms": 1000,
            "lease_ms": 1500, "size": f"{width}x{height}",
            "cooldown_ms": self.cooldown_ms}, env=env)
        self.bases = getattr(self, "bases", {})
        self.bases[name] = base

    def _store_url(self):
        if self.store_kind == "sqlite":
            return "sqlite:store/history.db"
        os.environ.update(KEYS)
        self.server = DynamoLocal(os.path.join(self.folder, "server"))
        self.server.start()
        near = self._link("persister-1>store", [self.server.port])
        url = self.server.url("faults", near)
        made = subprocess.run(
            [os.path.join(self.bin, "stipple-persister"), "--store",
             self.server.url("faults"), "--create-tables"],
            capture_output=True, text=True, timeout=120)
        assert made.returncode == 0, made
        return url

    def start(self):
        for process in self.processes.values():
            process.start()
        self.redis_cli(1, "replicaof", "127.0.0.1",
                       str(self.redis_ports[0]), wait=True)

    # --- looking ---

    def redis_cli(self, which, *words, wait=False, timeout=5):
        def asked():
            try:
                return subprocess.run(
                    ["redis-cli", "-p", str(self.redis_ports[which]), *words],
                    capture_output=True, text=True, timeout=timeout)
            except subprocess.TimeoutExpired:
                return None
        if wait:
            return until(lambda: (a := asked()) and a.returncode == 0 and
                         not a.stderr and a, 30, "redis answers", 0.1).stdout
        answer = asked()
        return answer.stdout if answer else ""

    def status(self, name):
        answer = subprocess.run(
            [os.path.join(self.bin, "stipplectl"), "--brokers",
             f"tcp://127.0.0.1:{self.bases[name]}", "--key-file",
             plan.key_file("operator"), "--json", "status"],
            cwd=self.folder, capture_output=True, text=True, timeout=30)
        try:
            return json.loads(answer.stdout)
        except ValueError:
            return {}

    def leader(self):
        return next((s for s in map(self.status, BROKERS)
                     if s.get("role") == "leader"), None)

    def probe(self, name):
        """A placement by somebody new, or that one again; its verdict, or
        None."""
        try:
            client = Client(self.apis[0], token=self.signer.token(name))
            try:
                return {**client.place(0, 0, 1, request=1, timeout=8),
                        "what": (user_of(name), 0, 0, 1)}
            finally:
                client.close()
        except (Closed, Refused, OSError, Late):
            return None

    def ended(self):
        """Those that run no more, though nobody ended them."""
        return [name for name, process in self.processes.items()
                if process.child is not None and not process.is_running()]

    def losses(self):
        """Every loss that a broker has said."""
        found = []
        for name in BROKERS:
            for stamp, first in LOST.findall(self.processes[name].log()):
                found.append(Loss(self._seconds(stamp), int(first)))
        return found

    @staticmethod
    def _seconds(stamp):
        whole, _, rest = stamp.rstrip("Z").partition(".")
        parsed = time.strptime(whole + " UTC", "%Y-%m-%dT%H:%M:%S %Z")
        import calendar
        return calendar.timegm(parsed) + float("0." + (rest or "0"))

    # --- changing ---

    def set_clock(self, seconds):
        """What is added to broker-2's wall clock."""
        with open(self.clock_file + ".new", "w") as file:
            file.write(f"{seconds:+.3f}s\n")
        os.rename(self.clock_file + ".new", self.clock_file)

    def kill(self, name):
        if self.processes[name].is_running():
            self.processes[name].kill()

    def revive(self):
        """Whoever was ended runs again."""
        for process in self.processes.values():
            if process.child is not None and not process.is_running():
                process.died()
                process.child = None
            if process.child is None:
                process.start()

    def redis_folder(self, which):
        return os.path.join(self.folder, REDISES[which], "appendonlydir")

    def copy_redis(self):
        """The files of the Redis that is led from, as they are at one moment;
        False if it does not run."""
        process = self.processes[REDISES[self.master]]
        kept = os.path.join(self.folder, "kept")
        if not process.is_running() or \
                not os.path.exists(self.redis_folder(self.master)):
            return False
        process.freeze()
        try:
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(self.redis_folder(self.master), kept)
        finally:
            process.thaw()
        return True

    def put_back_redis(self):
        """Redis, killed, comes back with the copy."""
        kept = os.path.join(self.folder, "kept")
        self.kill(REDISES[self.master])
        shutil.rmtree(self.redis_folder(self.master), ignore_errors=True)
        if os.path.exists(kept):
            shutil.copytree(kept, self.redis_folder(self.master))

    def empty_redis(self):
        self.kill(REDISES[self.master])
        shutil.rmtree(self.redis_folder(self.master), ignore_errors=True)

    def lead_to_replica(self):
        """The replica takes over as it is; the other is wiped and follows."""
        old, new = self.master, 1 - self.master
        self.kill(REDISES[old])
        self.redis_cli(new, "replicaof", "no", "one")
        self.master = new
        for name in BROKERS:
            self.links[f"{name}>redis"].lead_to(self.redis_ports[new])
        shutil.rmtree(self.redis_folder(old), ignore_errors=True)

    def follow_again(self):
        """What is not led from is a replica; whether both Redis answer."""
        follows = self.redis_cli(1 - self.master, "replicaof", "127.0.0.1",
                                 str(self.redis_ports[self.master]))
        leads = self.redis_cli(self.master, "config", "set", "maxmemory", "0")
        return follows.startswith("OK") and leads.startswith("OK")

    # --- ending ---

    def rows(self):
        """What the store holds; after stop."""
        answer = subprocess.run(
            [os.path.join(self.bin, "stipple-persister"), "--store",
             self.server.url("faults") if self.server
             else "sqlite:store/history.db", "--export", "csv"],
            cwd=self.folder, capture_output=True, text=True, timeout=300)
        assert answer.returncode == 0, answer.stderr[-2000:]
        rows = []
        for line in answer.stdout.splitlines()[1:]:
            seq, at_ms, user, x, y, color = line.split(",")
            rows.append(Row(int(seq), int(at_ms), user, int(x), int(y),
                            int(color)))
        return rows

    def stop(self):
        """{name: exit code} of those that did not answer SIGTERM by 0."""
        codes = {}
        for kind in plan.STOP_ORDER:
            for name, process in self.processes.items():
                if name.startswith(kind):
                    codes[name] = process.stop(60)
        return {name: code for name, code in codes.items() if code}

    def end(self):
        for name in self.processes:
            self.kill(name)
        if self.server:
            self.server.finish()
        for disk in self.disks.values():
            disk.end()
