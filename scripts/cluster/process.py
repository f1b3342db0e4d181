# SPDX-License-Identifier: Apache-2.0
"""One process of a cluster: how it is started, looked at and ended."""

import contextlib
import os
import signal
import subprocess
import time

from cluster import metrics

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def start_ticks(pid):
    """When `pid` started, in ticks since boot; None if it does not run. Within
    one boot the pair (pid, ticks) names a process for good."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[0] in (b"Z", b"X"):
        return None
    return int(fields[19])


class Process:
    """What to run, and what became of it. It runs in `folder`, and its output
    goes to folder/logs/NAME.log."""

    def __init__(self, name, argv, ports=(), metrics_ports=(), executable=None,
                 check=None, folder=".", env=None):
        self.name = name
        self.argv = [str(word) for word in argv]
        self.ports = [*ports, *metrics_ports]
        self.metrics_ports = list(metrics_ports)
        self.executable = executable
        self.check = check  # see health.py
        self.folder = folder
        self.env = env
        self.child = None
        self.start_ticks = 0
        self.started_at = 0  # ms since 1970
        self.log_path = os.path.join(folder, "logs", name + ".log")
        self.log_offset = 0  # where the log of this start begins

    def start(self, stdout=None):
        assert self.child is None, f"{self.name} is running"
        with open(self.log_path, "ab") as log:
            self.log_offset = log.tell()
            # A session of its own: Ctrl-C reaches the supervisor only, which
            # ends the processes in their order.
            self.child = subprocess.Popen(
                self.argv, executable=self.executable, cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log,
                env=self.env and {**os.environ, **self.env},
                text=stdout is not None, start_new_session=True)
        self.start_ticks = start_ticks(self.child.pid) or 0
        self.started_at = int(time.time() * 1000)

    @property
    def pid(self):
        return self.child.pid if self.child else 0

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def died(self):
        """True once it has ended. What it forked goes with it: the group is
        killed before the pid is reaped, while its number cannot be reused."""
        if self.child is None or self.child.returncode is not None:
            return self.child is not None
        if os.waitid(os.P_PID, self.child.pid,
                     os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        self.signal_group(signal.SIGKILL)
        self.child.wait()
        return True

    def signal_group(self, number):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, number)

    def freeze(self):
        os.kill(self.child.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.child.pid, signal.SIGCONT)

    def kill(self):
        """As a crash would: SIGKILL, to it and what it forked."""
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.child = None

    def stop(self, timeout=30):
        """SIGTERM, and the exit code it answers with; 0 if it did not run."""
        if self.child is None:
            return 0
        child = self.child
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        try:
            return child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.signal_group(signal.SIGKILL)
            child.wait()
            raise AssertionError(f"{self.name} did not end in {timeout} s")
        finally:
            self.child = None

    def end(self, patience=10):
        """SIGTERM, and SIGKILL for one that does not mind that."""
        with contextlib.suppress(AssertionError):
            self.stop(patience)

    def log(self):
        """All that it has written, over all its starts."""
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def last_line(self):
        """The last line that this start has written."""
        with open(self.log_path, "rb") as file:
            file.seek(self.log_offset)
            lines = file.read()[-4096:].decode(errors="replace").splitlines()
        return next((line for line in reversed(lines) if line.strip()), "")

    def metrics(self):
        return metrics.scrape(self.metrics_ports[0])

    def family(self):
        """The pids of it and of all that it started."""
        pids, rest = [], [self.child.pid]
        while rest:
            pid = rest.pop()
            pids.append(pid)
            with contextlib.suppress(OSError):
                tasks = f"/proc/{pid}/task"
                for task in os.listdir(tasks):
                    with open(f"{tasks}/{task}/children") as file:
                        rest += map(int, file.read().split())
        return pids

    def cpu_seconds(self):
        """User and system seconds of the family so far."""
        total = 0
        for pid in self.family():
            with contextlib.suppress(OSError), \
                    open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        return total / TICKS_PER_S

    def memory_bytes(self):
        """Resident bytes of the family."""
        total = 0
        for pid in self.family():
            with contextlib.suppress(OSError), \
                    open(f"/proc/{pid}/statm") as file:
                pages = int(file.read().split()[1])
                total += pages * os.sysconf("SC_PAGESIZE")
        return total
