# SPDX-License-Identifier: Apache-2.0
"""The data folder of a cluster, and who lives there.

    secret            all keys are drawn from it (0600)
    keys/             one file of keys per role; tokens.key signs tokens (0600)
    redis/            Redis's append-only file: the live board and its log
    history.db        SQLite: every placement ever accepted
    logs/NAME.log     one per process, rotated
    run/              sockets, the lock and state.json while it runs

A folder may have been copied, moved, or brought from another machine with its
run/ in it. So nothing that state.json says is believed: a supervisor lives here
only if the lock is held, and a process belongs to this folder only if it was
started in this boot, at the time that is noted, and has its cwd in here.

All but `enter` works on the present directory.
"""

import errno
import fcntl
import json
import os
import time

from cluster.failure import Failure
from cluster.process import start_ticks

LOCK = "run/lock"
STATE = "run/state.json"
LOCK_S = 1.0  # others look at the lock for a moment


class NoFolder(Failure):
    """There is nothing by this name."""


def enter(path, create=False):
    """Makes it the present directory; Failure, in one sentence, if it cannot
    be a cluster's folder."""
    try:
        if create:
            os.makedirs(path, exist_ok=True)
        os.chdir(path)
        if create:
            _fill()
    except FileNotFoundError:
        raise NoFolder(f"{path}: there is no such folder")
    except (FileExistsError, NotADirectoryError):
        raise Failure(f"{path} is not a folder", 2)
    except OSError as error:
        raise _unusable(path, error)


def _unusable(path, error):
    return Failure(f"{path} cannot be a cluster's folder: {error.strerror}"
                   + (f" ({error.filename})" if error.filename not in
                      (None, path) else ""), 2)


def require_writable(path):
    """For a folder in which nothing runs: Failure if nothing could."""
    for place in (".", "run"):
        if os.path.exists(place) and not os.access(place, os.W_OK | os.X_OK):
            read_only = os.statvfs(place).f_flag & os.ST_RDONLY
            why = errno.EROFS if read_only else errno.EACCES
            raise _unusable(path, OSError(why, os.strerror(why)))


def _fill():
    for name in ("run", "logs", "redis"):
        os.makedirs(name, mode=0o700, exist_ok=True)
    with open(LOCK, "a"):
        pass


def _try_lock(how):
    """The open lock file, or None if another holds the lock."""
    file = open(LOCK)
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
        return file
    except BlockingIOError:
        file.close()
        return None


def take_lock():
    """The open file that holds the lock, for as long as it is open here or in
    a process that inherited it."""
    deadline = time.monotonic() + LOCK_S
    while True:
        held = _try_lock(fcntl.LOCK_EX)
        if held:
            return held
        if time.monotonic() > deadline:
            raise Failure("already running here; see ./stipple status")
        time.sleep(0.02)


def has_supervisor():
    try:
        file = _try_lock(fcntl.LOCK_SH)
    except FileNotFoundError:
        return False
    if file:
        file.close()
    return file is None


def boot_id():
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def identity(pid):
    return {"pid": pid, "start_ticks": start_ticks(pid)}


def read_state():
    """What the last supervisor of this folder has written; None if nothing
    that can be read."""
    try:
        with open(STATE) as file:
            state = json.load(file)
        entries = [state["supervisor"], *state["processes"]]
        if all(isinstance(e["pid"], int) for e in entries):
            return state
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        pass
    return None


def write_state(state):
    with open(STATE + ".new", "w") as file:
        json.dump({**state, "boot_id": boot_id()}, file, indent=1)
    os.replace(STATE + ".new", STATE)


def is_own(state, entry):
    """The process of this entry runs, and belongs to this folder."""
    pid = entry["pid"]
    if not pid or state.get("boot_id") != boot_id() \
            or start_ticks(pid) != entry["start_ticks"]:
        return False
    try:
        place = os.readlink(f"/proc/{pid}/cwd")
    except OSError:  # gone, or another user's
        return False
    here = os.path.realpath(".")
    return place == here or place.startswith(here + "/")
