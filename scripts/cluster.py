#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A whole cluster on one machine: `up`, `down` and `status` of ./stipple.

Python's standard library only. Everything of a cluster lies in its data folder:

    secret            the key of its tokens and of its bus (0600)
    redis/            Redis's append-only file: the live board and its log
    history.db        SQLite: every placement ever accepted
    logs/NAME.log     one a process, rotated
    run/              sockets, lock and state.json while it runs

The processes run with that folder as their cwd, so that socket paths are short
wherever it lies, and any number of clusters can run side by side.
"""

import argparse
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

import local_store
from supervisor import (Process, StartError, Supervisor, end_leftovers,
                        is_running, start_ticks)

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.abspath(os.environ.get("STIPPLE_BIN")
                      or os.path.join(ROOT, "build"))
READY_S = 120
METRICS_OFFSET = 1000  # metrics ports are looked for from --port + this on

STORES = {"sqlite": "sqlite:history.db",
          # Brought along, see local_store.py; here still without a port.
          **{kind: kind for kind in local_store.KINDS}}

# What the supervisor itself sets, and the option that says it.
MANAGED = {
    "port": "--port", "workers": "--workers", "size": "--size",
    "bits": "--bits", "cooldown_ms": "--cooldown", "store": "--store",
    "name": None, "bind": None, "redis": None, "brokers": None,
    "persisters": None, "metrics_port": None, "secret_file": None,
}


def fail(text, code=2):
    print(f"stipple: {text}", file=sys.stderr)
    sys.exit(code)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        fail(message)


def whole(low, high):
    def parse(text):
        if not re.fullmatch(r"[0-9]{1,12}", text) \
                or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not between {low} and {high}")
        return int(text)
    return parse


def size(text):
    match = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", text)
    sides = [int(side) for side in match.groups()] if match else [0, 0]
    if not all(1 <= side <= 65535 for side in sides) \
            or sides[0] * sides[1] > 64 << 20:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not WIDTHxHEIGHT with at most 67108864 pixels")
    return f"{sides[0]}x{sides[1]}"


def store(text):
    if text in STORES:
        return STORES[text]
    if re.match(r"[a-z]+:.", text):
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} is neither {' nor '.join(STORES)} nor a store's URL")


def assignment(text):
    name, equals, value = text.partition("=")
    name = name.replace("-", "_")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    if name in MANAGED:
        better = MANAGED[name] or "nothing: the supervisor chooses it"
        raise argparse.ArgumentTypeError(f"{name} is set by {better}")
    if re.search(r"_(file|dir)$", name) and value:
        value = os.path.abspath(value)
    return name, value


def options():
    parser = Parser(prog="stipple", allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True,
                                  parser_class=Parser)
    up = verbs.add_parser("up", allow_abbrev=False,
                          help="start a cluster and keep it running")
    up.add_argument("--detach", action="store_true",
                    help="return once it is ready")
    up.add_argument("--port", type=whole(1, 65535), default=8080,
                    help="of the first edge; further edges on the next ones")
    for name, high in (("edges", 64), ("brokers", 8), ("persisters", 8)):
        up.add_argument("--" + name, type=whole(1, high), default=1)
    up.add_argument("--workers", type=whole(1, 64), default=1,
                    help="processes of each edge")
    up.add_argument("--size", type=size, help="of a new canvas: 1000x1000")
    up.add_argument("--bits", type=int, choices=(4, 8),
                    help="per pixel of a new canvas: 4")
    up.add_argument("--cooldown", type=whole(0, 2**32 - 1), metavar="MS",
                    help="between two placements of a user: 300000")
    up.add_argument("--store", type=store, default="sqlite",
                    help="sqlite, dynamodb or cassandra (run here, with "
                    "Java), or a store's URL")
    up.add_argument("--set", type=assignment, action="append", default=[],
                    metavar="NAME=VALUE", help="a setting of any process, or "
                    "of Redis: appendfsync=always|everysec")
    down = verbs.add_parser("down", allow_abbrev=False, help="stop a cluster")
    status = verbs.add_parser("status", allow_abbrev=False,
                              help="exit code 0 only if all is well")
    status.add_argument("--json", action="store_true")
    for verb in (up, down, status):
        verb.add_argument("--data", default="data", metavar="DIR",
                          help="the cluster's folder: ./data")
    return parser.parse_args()


# --- what runs -------------------------------------------------------------

def program(name):
    path = os.path.join(BIN, name)
    if not os.access(path, os.X_OK):
        fail(f"{path} is missing: run make", 1)
    return path


def settings_names(name):
    """Names of the settings a program takes."""
    answer = subprocess.run([program(name), "--settings-names"],
                            capture_output=True, text=True, timeout=30)
    if answer.returncode:
        fail(f"{name} --settings-names failed: {answer.stderr.strip()}", 1)
    return set(answer.stdout.split())


def spread(assignments):
    """{program: flags} from --set; what nobody takes is refused."""
    programs = ("stipple-broker", "stipple-edge", "stipple-persister")
    takes = {name: settings_names(name) for name in programs}
    flags = {name: [] for name in programs}
    for name, value in assignments:
        takers = [p for p in programs if name in takes[p]]
        if name == "appendfsync":
            if value not in ("always", "everysec"):
                fail(f"appendfsync {value!r} is not always or everysec")
        elif not takers:
            fail(f"no process has a setting {name!r}")
        for taker in takers:
            flags[taker] += ["--" + name.replace("_", "-"), value]
    return flags


def is_free(port, host=""):
    """Nobody listens there. (An edge would share a port with another one.)"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


class Ports:
    """Metrics ports: the free ones next to a start."""

    def __init__(self, start):
        self.next = start

    def take(self, count=1):
        while self.next + count < 65536:
            block = range(self.next, self.next + count)
            self.next += count
            if all(is_free(port, "127.0.0.1") for port in block):
                return list(block)
        fail("no free port for metrics", 1)


def redis_process(fsync):
    # Debian's redis-tools holds the server too: redis-server is this very
    # file by another name. So no system service is installed for it.
    path = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    if not path:
        fail("redis-server is missing: install redis-tools", 1)
    argv = ["redis-server", "--port", "0", "--dir", "redis",
            "--unixsocket", "../run/redis.sock", "--unixsocketperm", "700",
            "--appendonly", "yes", "--appendfsync", fsync, "--save", "",
            "--auto-aof-rewrite-min-size", "256mb",
            "--maxmemory-policy", "noeviction", "--daemonize", "no"]
    return Process("redis", argv, executable=path,
                   check=["redis", "run/redis.sock"])


def endpoints(kind, count):
    return [f"ipc://run/{kind}-{i}" for i in range(1, count + 1)]


def plan(chosen):
    """Every process of the cluster, in the order of their start."""
    values = dict(chosen.set)
    flags = spread(chosen.set)
    ports = Ports(min(chosen.port + METRICS_OFFSET, 60000))
    chosen.local_store = chosen.store in local_store.KINDS
    if chosen.local_store:
        kind, store_port = chosen.store, ports.take()[0]
        chosen.store = local_store.url(kind, store_port)
    brokers = ",".join(endpoints("broker", chosen.brokers))
    queries = ",".join(endpoints("persister", chosen.persisters))

    def child(kind, index, ports_own, count, own):
        metrics = ports.take(count)
        name = f"{kind}-{index}"
        argv = [program(f"stipple-{kind}"), "--name", name,
                "--secret-file", "secret",
                "--metrics-port", str(metrics[0])]
        argv += own + flags[f"stipple-{kind}"]
        # Workers share the public port; each has a metrics port of its own.
        check = ["http"] + [[port, "/readyz"] for port in ports_own] \
            + [[port, "/healthz"] for port in metrics]
        return Process(name, argv, ports_own + metrics, check=check)

    # always: everysec may hold back the file's write behind a slow fsync, and
    # then even the death of Redis alone would lose what was acknowledged.
    # Group commit makes it affordable.
    processes = [redis_process(values.get("appendfsync", "always"))]
    if chosen.local_store:
        processes.append(local_store.process(kind, store_port))
    canvas = []
    for flag, value in (("--size", chosen.size), ("--bits", chosen.bits),
                        ("--cooldown-ms", chosen.cooldown)):
        if value is not None:
            canvas += [flag, str(value)]
    for i, bind in enumerate(endpoints("broker", chosen.brokers), 1):
        processes.append(child("broker", i, [], 1, [
            "--bind", bind, "--redis", "unix:run/redis.sock"] + canvas))
    for i, bind in enumerate(endpoints("persister", chosen.persisters), 1):
        processes.append(child("persister", i, [], 1, [
            "--bind", bind, "--brokers", brokers, "--store", chosen.store]))
    for i in range(1, chosen.edges + 1):
        port = chosen.port + i - 1
        own = ["--port", str(port), "--brokers", brokers,
               "--persisters", queries, "--workers", str(chosen.workers),
               "--web-dir", os.path.join(ROOT, "web")]
        if chosen.edges > 1 and "endpoints" not in values:
            own += ["--endpoints", ",".join(
                f"ws://localhost:{chosen.port + n}/api/v1/ws"
                for n in range(chosen.edges))]
        processes.append(child("edge", i, [port], chosen.workers, own))
    return processes


def stages(processes):
    """Stopped in this order: nothing new comes in, then all that was accepted
    reaches the store, then what holds it ends."""
    kinds = ("edge", "persister", "broker", "redis", "store")
    return [[p for p in processes if p.partition("-")[0] == kind]
            for kind in kinds]


# --- how they are ----------------------------------------------------------

def fetch(url, timeout=2):
    """(status, body); (0, b"") where nobody answers."""
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE  # only "is it there", on loopback
    try:
        with urllib.request.urlopen(url, timeout=timeout,
                                    context=unverified) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""
    except (OSError, ValueError):
        return 0, b""


def redis_answers(path):
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(2)
            link.connect(path)
            link.sendall(b"PING\r\n")
            return link.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def is_well(check, url):
    """`check` of a process; public ports are asked on the cluster's URL."""
    if check[0] == "redis":
        return redis_answers(check[1])
    if check[0] == "tcp":
        return not is_free(check[1], "127.0.0.1")
    public = url.rpartition(":")[0]
    return all(fetch(f"{public if path == '/readyz' else 'http://127.0.0.1'}"
                     f":{port}{path}")[0] == 200 for port, path in check[1:])


def read_state():
    try:
        with open("run/state.json") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return None


def supervisor_runs(state):
    return state is not None and is_running(state["supervisor"])


# --- the verbs -------------------------------------------------------------

def prepare(data):
    os.makedirs(data, exist_ok=True)
    os.chdir(data)
    for name in ("run", "logs", "redis"):
        os.makedirs(name, mode=0o700, exist_ok=True)
    if not os.path.exists("secret"):
        new = os.open("secret.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                      0o600)
        with os.fdopen(new, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
        os.rename("secret.new", "secret")


def await_ready(supervisor, url, say):
    """All processes answer; StartError where they do not in time."""
    deadline = time.monotonic() + READY_S
    told = time.monotonic() + 5
    missing = list(supervisor.processes)
    while missing:
        supervisor.tend(starting=True)
        missing = [p for p in missing
                   if p.child is None or not is_well(p.check, url)]
        if supervisor.stopping:
            raise StartError("stopped while starting", 130)
        names = ", ".join(p.name for p in missing)
        if missing and time.monotonic() > deadline:
            lines = [f"  {p.name}: {p.last_line('logs')}" for p in missing]
            raise StartError("\n".join([f"not ready: {names}"] + lines))
        if missing and time.monotonic() > told:
            told = time.monotonic() + 5
            say(f"waiting for {names}")
        if missing:
            supervisor.wait(0.05)


def apply_canvas(chosen, url, say):
    """What was asked for explicitly, on a canvas that already was there."""
    status, body = fetch(url + "/api/v1/config")
    if status != 200:
        return
    config = json.loads(body)
    board = config["board"]
    now = f"{board['width']}x{board['height']}"
    if chosen.size and chosen.size != now:
        say(f"note: this canvas is {now}; --size is for a new one")
    if chosen.bits and chosen.bits != board["bits"]:
        say(f"note: this canvas has {board['bits']} bits a pixel; --bits is "
            "for a new one")
    if chosen.cooldown not in (None, config["cooldown_ms"]):
        answer = ctl(chosen.brokers, "set", "cooldown_ms",
                     str(chosen.cooldown))
        if answer is None:
            say("warning: the cooldown could not be set")


def ctl(brokers, *words):
    """stipplectl's JSON answer, or None."""
    if isinstance(brokers, int):
        brokers = ",".join(endpoints("broker", brokers))
    try:
        answer = subprocess.run(
            [os.path.join(BIN, "stipplectl"), "--brokers", brokers, "--json",
             "--secret-file", "secret", *words],
            capture_output=True, text=True, timeout=10)
        return json.loads(answer.stdout) if answer.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def level_store(names, count):
    """Before the persisters end: every accepted placement is in the store."""
    if not any(name.startswith("persister") for name in names):
        return
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        answer = ctl(count, "status")
        if answer is None or answer.get("seq") == answer.get("persisted"):
            return
        time.sleep(0.05)


def supervise(chosen, processes, url, say, ready):
    """The supervisor's life; `ready` is called once all answer."""
    names = [p.name for p in processes]
    supervisor = Supervisor(
        processes, {"url": url, "stages": stages(names)}, say)
    supervisor.listen_to_signals()
    try:
        supervisor.start_all()
        if chosen.local_store:
            local_store.create_tables(program("stipple-persister"),
                                      chosen.store, supervisor, say, READY_S)
        await_ready(supervisor, url, say)
        apply_canvas(chosen, url, say)
        ready()
        supervisor.run()
        say("stopping")
    finally:
        supervisor.stop(stages(names),
                        lambda stage: level_store(stage, chosen.brokers))


def up(chosen):
    if chosen.port + chosen.edges - 1 > 65535:
        fail(f"--port {chosen.port} leaves no room for {chosen.edges} edges")
    data_option = chosen.data
    prepare(chosen.data)
    lock_holder = Supervisor([], {}, print)
    lock_holder.take_lock()
    state = read_state()
    if state:
        end_leftovers(state["processes"], state["stages"])
    values = dict(chosen.set)
    for port in range(chosen.port, chosen.port + chosen.edges):
        if not is_free(port, values.get("host", "")):
            fail(f"port {port} is in use: choose another with --port", 1)
    if chosen.store in local_store.KINDS:
        local_store.fetch(chosen.store)
    processes = plan(chosen)
    scheme = "https" if values.get("tls_cert_file") else "http"
    host = values.get("host") or "127.0.0.1"
    url = f"{scheme}://{host}:{chosen.port}"
    at = "" if data_option == "data" else f" --data {data_option}"
    if chosen.detach:
        detach(chosen, processes, url, f"stop it with: ./stipple down{at}")
        return

    def ready():
        print(f"{url} is up; stop it with Ctrl-C", flush=True)
    supervise(chosen, processes, url, lambda text: print(
        f"stipple: {text}", file=sys.stderr, flush=True), ready)


def detach(chosen, processes, url, how_to_stop):
    """The same in a process of its own; returns once that one is ready."""
    read_end, write_end = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child:
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            word = pipe.read()
        if word != "ready":
            os.waitpid(child, 0)
            code, _, text = word.partition(" ")
            fail(text or "the supervisor died", int(code or 1))
        print(f"{url} is up; {how_to_stop}")
        return
    os.setsid()
    os.close(read_end)
    log = os.open("logs/supervisor.log",
                  os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)

    def say(text):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        print(f"{stamp} {text}", flush=True)

    def ready():
        os.write(write_end, b"ready")
        os.close(write_end)
    try:
        supervise(chosen, processes, url, say, ready)
    except StartError as error:
        os.write(write_end, f"{error.code} {error}".encode())
        os._exit(error.code)
    os._exit(0)


def down(chosen):
    if not os.path.isdir(chosen.data):
        fail(f"{chosen.data}: no such folder", 1)
    os.chdir(chosen.data)
    state = read_state()
    if supervisor_runs(state):
        pid = state["supervisor"]["pid"]
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 100
        while start_ticks(pid) == state["supervisor"]["start_ticks"]:
            if time.monotonic() > deadline:
                fail(f"the supervisor (pid {pid}) does not end", 1)
            time.sleep(0.02)
        print("stopped")
    elif state and any(is_running(e) for e in state["processes"]):
        end_leftovers(state["processes"], state["stages"])
        os.unlink("run/state.json")
        print("stopped what a dead supervisor had left")
    else:
        print("not running")


def status(chosen):
    if os.path.isdir(chosen.data):
        os.chdir(chosen.data)
        state = read_state()
    else:
        state = None
    if state is None:
        state = {"url": None, "processes": []}
    rows = [{"name": e["name"], "pid": e["pid"], "ports": e["ports"],
             "started_at": e["started_at"],
             "ok": bool(is_running(e) and is_well(e["check"], state["url"]))}
            for e in state["processes"]]
    # Without its supervisor a cluster may be fine now, but not after the next
    # fault.
    well = bool(rows) and supervisor_runs(state) and all(r["ok"] for r in rows)
    if chosen.json:
        print(json.dumps({"url": state["url"], "processes": rows}))
    elif not rows:
        print("not running")
    else:
        print(state["url"])
        for row in rows:
            ports = " ".join(map(str, row["ports"])) or "-"
            print(f"{'ok ' if row['ok'] else 'BAD'}  {row['name']:<12} "
                  f"pid {row['pid']:<8} ports {ports}")
        if not supervisor_runs(state):
            print("its supervisor has died: ./stipple up takes over")
    sys.exit(0 if well else 1)


def main():
    chosen = options()
    try:
        {"up": up, "down": down, "status": status}[chosen.verb](chosen)
    except StartError as error:
        fail(str(error), error.code)


if __name__ == "__main__":
    main()
