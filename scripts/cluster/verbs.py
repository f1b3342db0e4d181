# SPDX-License-Identifier: Apache-2.0
"""up, down and status of ./stipple."""

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time

from cluster import folder, health, local_store, options
from cluster.detach import detached
from cluster.failure import Failure
from cluster.plan import (ROOT, Plan, Ports, bind_error, endpoints, key_file,
                          make_keys, stop_stages)
from cluster.supervisor import Supervisor, end_leftovers

BIN = os.path.abspath(os.environ.get("STIPPLE_BIN")
                      or os.path.join(ROOT, "build"))
READY_S = 120
STOPPED_S = 100
METRICS_OFFSET = 1000  # metrics ports are looked for from --port + this on
KINDS = ("broker", "persister", "edge")


def show(text, file):
    """A cluster goes on if nobody reads what it says any more; what is left in
    the file's buffer then must not fail the end, either."""
    try:
        print(text, file=file, flush=True)
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, file.fileno())
        os.close(null)


def say(text):
    show(f"stipple: {text}", sys.stderr)


# --- from options to processes ---------------------------------------------

def program(name):
    path = os.path.join(BIN, name)
    if not os.access(path, os.X_OK):
        raise Failure(f"{path} is missing: run make")
    return path


def settings_names(kind):
    """Names of the settings that a program takes."""
    answer = subprocess.run([program(f"stipple-{kind}"), "--settings-names"],
                            capture_output=True, text=True, timeout=30)
    if answer.returncode:
        raise Failure(f"stipple-{kind} --settings-names failed: "
                      f"{answer.stderr.strip()}")
    return set(answer.stdout.split())


def spread(assignments):
    """{kind: settings} of --set; what no process takes is refused."""
    takes = {kind: settings_names(kind) for kind in KINDS}
    settings = {kind: {} for kind in KINDS}
    for name, value in assignments:
        takers = [kind for kind in KINDS if name in takes[kind]]
        if name == "appendfsync":
            if value not in ("always", "everysec"):
                raise Failure(f"appendfsync {value!r} is not always or "
                              "everysec", 2)
        elif not takers:
            raise Failure(f"no process has a setting {name!r}", 2)
        for kind in takers:
            settings[kind][name] = value
    return settings


def processes_of(chosen):
    """All processes of the cluster, in the order of their start."""
    settings = spread(chosen.set)
    for name, value in (("size", chosen.size), ("bits", chosen.bits),
                        ("cooldown_ms", chosen.cooldown)):
        if value is not None:
            settings["broker"][name] = value
    settings["edge"]["workers"] = chosen.workers
    ports = Ports(min(chosen.port + METRICS_OFFSET, 60000))
    local = []
    if chosen.local_store:
        port = ports.take()[0]
        local = [local_store.process(chosen.local_store, port)]
        chosen.store = local_store.url(chosen.local_store, port)
    settings["persister"]["store"] = chosen.store
    plan = Plan(BIN, chosen.brokers, chosen.persisters, settings, ports.take)
    return [plan.redis(dict(chosen.set).get("appendfsync", "always")), *local,
            *plan.brokers(), *plan.persisters(),
            *(plan.edge(i, chosen.port + i - 1)
              for i in range(1, chosen.edges + 1))]


def url_of(chosen):
    values = dict(chosen.set)
    scheme = "https" if values.get("tls_cert_file") else "http"
    host = values.get("host") or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{chosen.port}"


def require_ports(chosen):
    host = dict(chosen.set).get("host", "")
    for port in range(chosen.port, chosen.port + chosen.edges):
        error = bind_error(host, port)
        if error:
            place = f"port {port}" + (f" of {host}" if host else "")
            why = os.strerror(error.errno) if error.errno > 0 \
                else error.strerror
            raise Failure(f"{place} is in use: choose another with --port"
                          if error.errno == errno.EADDRINUSE else
                          f"cannot listen on {place}: {why}")


# --- up ----------------------------------------------------------------------

def await_ready(supervisor, url, tell):
    """All processes answer; Failure if they do not in time."""
    deadline = time.monotonic() + READY_S
    told = time.monotonic() + 5
    missing = list(supervisor.processes)
    while missing:
        supervisor.tend(starting=True)
        missing = [p for p in missing
                   if p.child is None or not health.is_well(p.check, url)]
        if supervisor.stopping:
            raise Failure("stopped while starting", 130)
        if not missing:
            return
        now = time.monotonic()
        if now > min(told, deadline):
            told = now + 5
            names = ", ".join(p.name for p in missing)
            if not supervisor.is_noted or now > deadline:
                supervisor.write_state()
            why = health.problems(health.rows(folder.read_state()))
            if now > deadline:
                raise Failure("\n  ".join([f"not ready: {names}"] + why))
            tell(f"waiting for {names}" + "".join(f"; {text}" for text in why))
        supervisor.wait(0.05)


def apply_canvas(chosen, url, tell):
    """What was asked for explicitly, on a canvas that already was there."""
    status_code, body = health.fetch(url + "/api/v1/config")
    if status_code != 200:
        return
    config = json.loads(body)
    board = config["board"]
    now = f"{board['width']}x{board['height']}"
    if chosen.size and chosen.size != now:
        tell(f"note: this canvas is {now}; --size is for a new one")
    if chosen.bits and chosen.bits != board["bits"]:
        tell(f"note: this canvas has {board['bits']} bits per pixel; --bits "
             "is for a new one")
    if chosen.cooldown not in (None, config["cooldown_ms"]):
        if ctl(chosen.brokers, "set", "cooldown_ms",
               str(chosen.cooldown)) is None:
            tell("warning: the cooldown could not be set")


def ctl(brokers, *words):
    """stipplectl's JSON answer, or None."""
    try:
        answer = subprocess.run(
            [os.path.join(BIN, "stipplectl"), "--json", "--brokers",
             ",".join(endpoints("broker", brokers)), "--key-file",
             key_file("operator"), *words],
            capture_output=True, text=True, timeout=10)
        return json.loads(answer.stdout) if answer.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def level_store(names, brokers):
    """Before the persisters end: every accepted placement is in the store."""
    if not any(name.startswith("persister") for name in names):
        return
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        answer = ctl(brokers, "status")
        if answer is None or answer.get("seq") == answer.get("persisted"):
            return
        time.sleep(0.05)


def supervise(chosen, processes, url, tell, ready):
    """The supervisor's life; `ready` is called once all answer."""
    stages = stop_stages(processes)
    supervisor = Supervisor(processes, {"url": url, "stages": stages}, tell)
    supervisor.listen_to_signals()
    try:
        supervisor.start_all()
        if chosen.local_store:
            local_store.create_tables(program("stipple-persister"),
                                      chosen.store, supervisor, tell, READY_S)
        await_ready(supervisor, url, tell)
        apply_canvas(chosen, url, tell)
        ready()
        supervisor.run()
        tell("stopping")
    finally:
        supervisor.stop(stages,
                        lambda stage: level_store(stage, chosen.brokers))


def up(chosen):
    where = chosen.data
    folder.enter(where, create=True)
    lock = folder.take_lock()  # held until the supervisor ends
    state = folder.read_state()
    if state:
        end_leftovers(state)
    require_ports(chosen)
    chosen.local_store = chosen.store if chosen.store in local_store.KINDS \
        else None
    if chosen.local_store:
        local_store.fetch(chosen.local_store)
    program("stipplectl")
    make_keys(BIN)
    processes, url = processes_of(chosen), url_of(chosen)
    if chosen.detach:
        detached(lambda tell, ready: supervise(chosen, processes, url, tell,
                                               ready), say)
        at = "" if where == "data" else f" --data {shlex.quote(where)}"
        print(f"{url} is up; stop it with: ./stipple down{at}")
    else:
        supervise(chosen, processes, url, say, lambda: show(
            f"{url} is up; stop it with Ctrl-C", sys.stdout))
    lock.close()


# --- down and status ---------------------------------------------------------

def down(chosen):
    folder.enter(chosen.data)
    state = folder.read_state()
    if folder.has_supervisor():
        if not state or not folder.is_own(state, state["supervisor"]):
            raise Failure("something is starting here: try again")
        os.kill(state["supervisor"]["pid"], signal.SIGTERM)
        deadline = time.monotonic() + STOPPED_S
        while folder.has_supervisor():
            if time.monotonic() > deadline:
                raise Failure("the supervisor (pid "
                              f"{state['supervisor']['pid']}) does not end")
            time.sleep(0.02)
        print("stopped")
        return
    folder.require_writable(chosen.data)
    lock = folder.take_lock() if state else None
    if lock and end_leftovers(state):
        os.unlink(folder.STATE)
        print("stopped what a dead supervisor had left")
    else:
        print("not running")


def status(chosen):
    state, rows, problems = None, [], []
    try:
        folder.enter(chosen.data)
        state, supervised = folder.read_state(), folder.has_supervisor()
        rows = health.rows(state) if state else []
        if not supervised and not any(row["runs"] for row in rows):
            rows = []
            folder.require_writable(chosen.data)
        problems = health.problems(rows) if rows else []
        # Without its supervisor a cluster may be fine now, but not after the
        # next fault.
        if rows and not supervised:
            problems.append("its supervisor has died: ./stipple up takes over")
    except folder.NoFolder:
        pass
    if chosen.json:
        print(json.dumps({
            "url": state["url"] if rows else None, "problems": problems,
            "processes": [{key: row[key] for key in (
                "name", "pid", "ports", "started_at", "ok")}
                for row in rows]}))
    else:
        print_status(state, rows, problems)
    sys.exit(0 if rows and not problems else 1)


def print_status(state, rows, problems):
    if not rows:
        print("not running")
        return
    print(state["url"])
    for row in rows:
        ports = " ".join(map(str, row["ports"])) or "-"
        print(f"{'ok ' if row['ok'] else 'BAD'}  {row['name']:<12} "
              f"pid {row['pid']:<8} ports {ports}")
    for problem in problems:
        print(problem)


def main():
    try:
        chosen = options.parse(sys.argv[1:])
        {"up": up, "down": down, "status": status}[chosen.verb](chosen)
    except Failure as failure:
        say(failure)
        sys.exit(failure.code)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        say(f"{error.filename}: {error.strerror}" if error.filename else error)
        sys.exit(2)
