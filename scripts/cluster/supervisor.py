# SPDX-License-Identifier: Apache-2.0
"""Keeps a cluster's processes running.

One Supervisor owns one data folder, whose lock its caller holds. It starts the
processes it was given in their order, restarts whichever dies (at once, so that
a fault costs people little, then after ever longer pauses, so that what cannot
run does not burn the machine), rotates logs/ and keeps run/state.json true. Its
own writes may fail, on a full disk say: that is said once, and they are tried
again; viewing goes on meanwhile.
"""

import os
import select
import shutil
import signal
import time

from cluster import folder
from cluster.failure import Failure

BACKOFF_FIRST_S = 0.05
BACKOFF_MAX_S = 15.0
STEADY_S = 10.0  # alive this long: the next death starts the back-off anew
STOP_S = 20.0  # an edge drains for 10 s by default
HOUSEKEEPING_S = 5.0
LOG_BYTES = 16 << 20
LOG_KEPT = 3
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Restarts:
    """When a process that died is started again."""

    def __init__(self):
        self.count = 0
        self.backoff_s = 0.0
        self.due = 0.0  # monotonic

    def after_death(self, age_s, now):
        self.backoff_s = BACKOFF_FIRST_S if age_s > STEADY_S else min(
            BACKOFF_MAX_S, max(BACKOFF_FIRST_S, self.backoff_s * 2))
        self.due = now + self.backoff_s


class Supervisor:
    """Runs in the data folder (its cwd); all paths are relative to that."""

    def __init__(self, processes, facts, say):
        self.processes = processes
        self.facts = facts  # stands in state.json as it is: url, stop order …
        self.say = say
        self.restarts = {p.name: Restarts() for p in processes}
        self.stopping = 0
        self.is_noted = True  # state.json is as it should be
        self.complaint = None  # why a write of ours failed
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_read, False)
        os.set_blocking(self.wake_write, False)

    def listen_to_signals(self):
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in ENDING:
            signal.signal(number, self.on_stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

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
        state["supervisor"] = folder.identity(os.getpid())
        state["processes"] = [
            {"name": p.name, "pid": p.pid, "start_ticks": p.start_ticks,
             "ports": p.ports, "metrics_ports": p.metrics_ports,
             "started_at": p.started_at, "check": p.check,
             "log_offset": p.log_offset,
             "restarts": self.restarts[p.name].count} for p in self.processes]
        folder.write_state(state)

    def try_writing(self, write):
        """A write of our own; False if it failed."""
        try:
            write()
        except OSError as error:
            why = f"{error.filename or 'a file'}: {error.strerror}"
            if why != self.complaint:
                self.complaint = why
                self.say(f"cannot write {why}; going on, and trying again")
            return False
        return True

    def start_all(self):
        try:
            for process in self.processes:
                process.start()
            self.write_state()
        except OSError as error:
            raise Failure(f"{error.filename}: {error.strerror}")

    def tend(self, starting=False):
        """Restarts what is due; returns the seconds until there is more to
        do. While starting, a refused setting (exit 2) ends the start."""
        now = time.monotonic()
        for process in self.processes:
            restarts = self.restarts[process.name]
            if process.child is not None and process.died():
                code = process.child.returncode
                if starting and code == 2:
                    raise Failure(process.last_line(), 2)
                self.schedule(process, code, now)
            if process.child is None and now >= restarts.due:
                self.start_again(process, now)
        if not self.is_noted:
            self.is_noted = self.try_writing(self.write_state)
        waiting = [self.restarts[p.name].due - now for p in self.processes
                   if p.child is None]
        return min(waiting + [1.0])

    def start_again(self, process, now):
        restarts = self.restarts[process.name]
        restarts.count += 1
        self.is_noted = False
        try:
            process.start()
        except OSError as error:  # the binary is being built anew, say
            self.say(f"{process.name} cannot be started: {error}")
            restarts.after_death(0.0, now)

    def schedule(self, process, code, now):
        restarts = self.restarts[process.name]
        restarts.after_death(time.time() - process.started_at / 1000, now)
        process.child = None
        self.is_noted = False
        why = f"exit {code}" if code >= 0 else signal.Signals(-code).name
        pause = f" in {restarts.backoff_s:.0f} s" if restarts.backoff_s >= 1 \
            else ""
        self.say(f"{process.name} ended ({why}); starting it again{pause}")

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
            if time.monotonic() - checked > HOUSEKEEPING_S:
                checked = time.monotonic()
                if self.try_writing(self.rotate_logs) and self.is_noted:
                    self.complaint = None
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
                        process.signal_group(signal.SIGKILL)
                self.wait(0.2)
            for process in stage:
                process.child = None
        if os.path.exists(folder.STATE):
            self.try_writing(lambda: os.unlink(folder.STATE))


def end_leftovers(state):
    """Ends what a supervisor that died has left in this folder; False if that
    is nothing."""
    found = False
    for names in state["stages"]:
        left = [e for e in state["processes"]
                if e["name"] in names and folder.is_own(state, e)]
        found = found or bool(left)
        for entry in left:
            os.kill(entry["pid"], signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        while left:
            left = [e for e in left if folder.is_own(state, e)]
            if time.monotonic() > deadline:
                for entry in left:
                    os.kill(entry["pid"], signal.SIGKILL)
            time.sleep(0.02)
    return found
