# SPDX-License-Identifier: Apache-2.0
"""The real servers of the remote stores, as scripts/ starts them."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from support.cluster import ROOT, free_ports
from support.wait import until

KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


def missing_tools():
    return [t for t in ("java", "mvn") if not shutil.which(t)]


class Server:
    """One server process; its data outlives it where `keep` says so."""

    script = None
    ready_s = 180

    def __init__(self, folder, *options, keep=True):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.data = self.data_folder() if keep else None
        self.port = free_ports()[0]
        self.options = list(options)
        self.child = None
        self.log_path = os.path.join(self.folder, "server.log")

    def data_folder(self):
        return os.path.join(self.folder, "data")

    def start(self):
        self.log_start = (os.path.getsize(self.log_path)
                          if os.path.exists(self.log_path) else 0)
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(
                [os.path.join(ROOT, "scripts", self.script), "--port",
                 str(self.port), *(["--data", self.data] if self.data else []),
                 *self.options], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True)
        until(self.is_ready, self.ready_s, f"{self.script} answers", 0.2)
        return self

    def log(self):
        """Since the last start."""
        with open(self.log_path, errors="replace") as file:
            file.seek(self.log_start)
            return file.read()

    def is_ready(self):
        assert self.child.poll() is None, self.log()[-3000:]
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def kill(self):
        if self.child:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
            self.child = None

    def finish(self):
        self.kill()
        if self.data:
            shutil.rmtree(self.data, ignore_errors=True)


class DynamoLocal(Server):
    script = "dynamodb-local"
    kind = "dynamodb"

    def data_folder(self):
        """In memory, but not in the process: it syncs each item to disk."""
        return tempfile.mkdtemp(prefix="stipple-dynamodb-", dir="/dev/shm")

    def url(self, name, port=None):
        return (f"dynamodb:{name}?region=us-east-1&"
                f"endpoint=http://127.0.0.1:{port or self.port}")


class CassandraLocal(Server):
    script = "cassandra-local"
    kind = "cassandra"

    def start(self):
        super().start()
        # The port opens a moment before the first user is there.
        until(lambda: "Startup complete" in self.log(), 30)
        time.sleep(1)
        return self

    def url(self, name, port=None, **more):
        password = os.path.join(self.folder, "password")
        if not os.path.exists(password):
            with open(password, "w") as file:
                file.write("cassandra\n")
        rest = "".join(f"&{key}={value}" for key, value in more.items())
        return (f"cassandra:127.0.0.1:{port or self.port}/{name}"
                f"?user=cassandra&password_file={password}{rest}")


def start_throwaway(kind, folder):
    """A server whose data need not outlive it: DynamoDB's in memory, since on
    disk it syncs each item."""
    server = (DynamoLocal(folder, keep=False) if kind == "dynamodb"
              else CassandraLocal(folder))
    return server.start()
