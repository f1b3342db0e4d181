# SPDX-License-Identifier: Apache-2.0
"""The supervisor in the background.

`detached` forks. The child becomes the supervisor; until it is ready it reports
to the parent through a pipe, one JSON object per line: {"say": text}, {"ready":
true}, {"failure": text, "code": n}. The parent shows what is said and returns
once the cluster is up. An interrupt of the parent ends the child; if the parent
is killed the child goes on by itself."""

import contextlib
import json
import os
import signal
import sys
import time
import traceback

from cluster.failure import Failure
from cluster.supervisor import ENDING

LINES_KEPT = 100


class Log:
    """Lines with a time. What cannot be written is kept for the next try."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.unwritten = b""

    def say(self, text):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        lines = (self.unwritten + f"{stamp} {text}\n".encode()).splitlines(True)
        self.unwritten = b"".join(lines[-LINES_KEPT:])
        with contextlib.suppress(OSError):
            while self.unwritten:
                count = os.write(self.descriptor, self.unwritten)
                self.unwritten = self.unwritten[count:]


class Reports:
    """The child's end of the pipe."""

    def __init__(self, descriptor):
        self.descriptor = descriptor

    def send(self, **report):
        if self.descriptor is None:
            return
        try:
            os.write(self.descriptor, json.dumps(report).encode() + b"\n")
        except BrokenPipeError:  # the parent was killed
            self.close()

    def close(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def detached(supervise, say):
    """supervise(say, ready) in a process of its own. Returns once that one is
    ready; Failure if it does not come to that."""
    read_end, write_end = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    # Nobody is interrupted between the fork and the time when both can act.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _child(supervise, Reports(write_end))
    os.close(write_end)

    def interrupted(number, _):
        os.kill(child, signal.SIGTERM)
    for number in ENDING:
        signal.signal(number, interrupted)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    with os.fdopen(read_end) as pipe:
        for line in pipe:
            report = json.loads(line)
            if "ready" in report:
                return
            if "failure" in report:
                os.waitpid(child, 0)
                raise Failure(report["failure"], report["code"])
            say(report["say"])
    os.waitpid(child, 0)
    raise Failure("the supervisor died: see logs/supervisor.log")


def _child(supervise, reports):
    """Never returns."""
    code = 1
    try:
        os.setsid()
        log = Log(os.open("logs/supervisor.log",
                          os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        null = os.open(os.devnull, os.O_RDWR)
        for target, source in ((0, null), (1, null), (2, log.descriptor)):
            os.dup2(source, target)

        def say(text):
            log.say(text)
            reports.send(say=text)

        def ready():
            reports.send(ready=True)
            reports.close()

        supervise(say, ready)
        code = 0
    except Failure as failure:
        code = failure.code
        reports.send(failure=str(failure), code=code)
    except OSError as error:
        reports.send(failure=f"{error.filename}: {error.strerror}", code=code)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
