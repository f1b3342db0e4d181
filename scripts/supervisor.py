# SPDX-License-Identifier: Apache-2.0
"""Keeps a cluster's processes running.

One Supervisor owns one data folder: it holds a lock on DATA/run/lock, starts
the processes it was given in their order, restarts whichever dies (at once,
then with a back-off that stays under a second, so that a fault costs people
little), rotates DATA/logs and keeps DATA/run/state.json true. It ends only
processes that it started: a pid is never trusted without its start time.
"""

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import time

BACKOFF_FIRST_S = 0.05
BACKOFF_MAX_S = 0.8
STEADY_S = 10.0  # alive this long: the next death starts the back-off anew
STOP_S = 20.0  # an edge drains for 10 s by default
LOG_BYTES = 16 << 20
LOG_KEPT = 3


def start_ticks(pid):
    """When `pid` started, in ticks since boot; None where there is none. The
    pair (pid, ticks) names a process for good."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in (b"Z", b"X"):
        return None
    return int(fields[19])


def is_running(entry):
    return entry["pid"] and start_ticks(entry["pid"]) == entry["start_ticks"]


class StartError(Exception):
    """The cluster cannot start; `code` is the exit code that says why."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


class Process:
    """One child: what to run, and what became of it."""

    def __init__(self, name, argv, ports=(), executable=None, check=None):
        self.name = name
        self.argv = argv
        self.ports = list(ports)
        self.executable = executable
        self.check = check  # ["http", [port, path] …], ["redis", socket],
                            # ["tcp", port]
        self.child = None
        self.start_ticks = 0
        self.started_at = 0  # ms since 1970
        self.restarts = 0
        self.backoff_s = 0.0
        self.due = 0.0  # monotonic time of the next start
        self.log_offset = 0

    def start(self, log_dir):
        path = os.path.join(log_dir, self.name + ".log")
        with open(path, "ab") as log:
            self.log_offset = log.tell()
            # A session of its own: Ctrl-C reaches the supervisor only, which
            # ends the processes in their order.
            self.child = subprocess.Popen(
                self.argv, executable=self.executable, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        self.start_ticks = start_ticks(self.child.pid) or 0
        self.started_at = int(time.time() * 1000)
        self.due = 0.0

    def died(self):
        """True once it has ended. What it forked goes with it: the group is
        killed before the pid is reaped, while its number cannot be reused."""
        if self.child is None or self.child.returncode is not None:
            return self.child is not None
        if os.waitid(os.P_PID, self.child.pid,
                     os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        self.kill_group(signal.SIGKILL)
        self.child.wait()
        return True

    def kill_group(self, number):
        try:
            os.killpg(self.child.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def last_line(self, log_dir):
        path = os.path.join(log_dir, self.name + ".log")
        with open(path, "rb") as log:
            log.seek(self.log_offset)
            lines = log.read()[-4096:].decode(errors="replace").splitlines()
        return next((line for line in reversed(lines) if line.strip()), "")

    def state(self):
        return {"name": self.name, "pid": self.child.pid if self.child else 0,
                "start_ticks": self.start_ticks, "ports": self.ports,
                "started_at": self.started_at, "restarts": self.restarts,
                "check": self.check}


class Supervisor:
    """Runs in the data folder (its cwd); all paths are relative to that."""

    def __init__(self, processes, facts, say):
        self.processes = processes
        self.facts = facts  # stands in state.json as it is: url, stop order …
        self.say = say
        self.stopping = 0
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_read, False)
        os.set_blocking(self.wake_write, False)
        self.lock = None

    def take_lock(self):
        self.lock = open("run/lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError("already running here; see ./stipple status")

    def listen_to_signals(self):
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.on_stop)

    def on_stop(self, *_):
        self.stopping += 1

    def wait(self, seconds):
        """Until a signal came or the time is over."""
        select.select([self.wake_read], [], [], max(0.0, seconds))
        try:
            while os.read(self.wake_read, 512):
                pass
        except BlockingIOError:
            pass

    def write_state(self):
        state = dict(self.facts)
        state["supervisor"] = {"pid": os.getpid(),
                               "start_ticks": start_ticks(os.getpid())}
        state["processes"] = [p.state() for p in self.processes]
        with open("run/state.json.new", "w") as file:
            json.dump(state, file, indent=1)
        os.replace("run/state.json.new", "run/state.json")

    def start_all(self):
        for process in self.processes:
            process.start("logs")
        self.write_state()

    def tend(self, starting=False):
        """Restarts what is due; returns the seconds until there is more to
        do. While starting, a refused setting (exit 2) ends the start."""
        now = time.monotonic()
        changed = False
        for process in self.processes:
            if process.child is not None and process.died():
                changed = True
                code = process.child.returncode
                if starting and code == 2:
                    raise StartError(process.last_line("logs"), 2)
                self.schedule(process, code, now)
            if process.child is None and now >= process.due:
                self.start_again(process, now)
                changed = True
        if changed:
            self.write_state()
        waiting = [p.due - now for p in self.processes if p.child is None]
        return min(waiting + [1.0])

    def start_again(self, process, now):
        process.restarts += 1
        try:
            process.start("logs")
        except OSError as error:  # the binary is being built anew, say
            self.say(f"{process.name} cannot be started: {error}")
            process.due = now + BACKOFF_MAX_S

    def schedule(self, process, code, now):
        age = time.time() - process.started_at / 1000
        process.backoff_s = (BACKOFF_FIRST_S if age > STEADY_S else min(
            BACKOFF_MAX_S, max(BACKOFF_FIRST_S, process.backoff_s * 2)))
        process.due = now + process.backoff_s
        process.child = None
        why = f"exit {code}" if code >= 0 else signal.Signals(-code).name
        self.say(f"{process.name} ended ({why}); starting it again")

    def rotate_logs(self):
        for name in os.listdir("logs"):
            path = os.path.join("logs", name)
            if name.endswith(".log") and os.path.getsize(path) > LOG_BYTES:
                for i in range(LOG_KEPT - 1, 0, -1):
                    if os.path.exists(f"{path}.{i}"):
                        os.replace(f"{path}.{i}", f"{path}.{i + 1}")
                # Copied and cut, not renamed: the writers keep their open file
                # (in append mode) and need no signal.
                shutil.copyfile(path, f"{path}.1")
                os.truncate(path, 0)

    def run(self):
        """Until a signal asks to stop."""
        checked = time.monotonic()
        while not self.stopping:
            pause = self.tend()
            if time.monotonic() - checked > 5:
                checked = time.monotonic()
                self.rotate_logs()
            self.wait(pause)

    def stop(self, stages, between=None):
        """Ends the processes stage by stage (lists of names); `between` is
        called with the names of a stage before it is told to end."""
        asked = self.stopping
        for names in stages:
            stage = [p for p in self.processes
                     if p.name in names and p.child is not None]
            if between and stage:
                between(names)
            for process in stage:
                if not process.died():
                    process.child.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + STOP_S
            while not all(p.died() for p in stage):
                if time.monotonic() > deadline or self.stopping > asked + 1:
                    for process in stage:
                        process.kill_group(signal.SIGKILL)
                self.wait(0.2)
            for process in stage:
                process.child = None
        if os.path.exists("run/state.json"):
            os.unlink("run/state.json")


def end_leftovers(entries, stages):
    """Ends what a supervisor that died left behind (entries of state.json):
    only where pid and start time still fit."""
    for names in stages:
        left = [e for e in entries if e["name"] in names and is_running(e)]
        for entry in left:
            os.kill(entry["pid"], signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        while left:
            left = [e for e in left if is_running(e)]
            if time.monotonic() > deadline:
                for entry in left:
                    os.kill(entry["pid"], signal.SIGKILL)
            time.sleep(0.02)
