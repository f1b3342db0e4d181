# SPDX-License-Identifier: Apache-2.0
"""The stores that ./stipple up brings along: --store dynamodb or cassandra runs
the real server on this machine, with its data in DATA/store, and makes the
tables. Paths are relative to the data folder, where everything runs."""

import os
import subprocess

from cluster.failure import Failure
from cluster.process import Process

SCRIPTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KINDS = ("dynamodb", "cassandra")
PASSWORD = "store/password"


def script(kind):
    return os.path.join(SCRIPTS, f"{kind}-local")


def fetch(kind):
    """Brings the server here, once."""
    if subprocess.run([script(kind), "--fetch"]).returncode:
        raise Failure(f"--store {kind}: the server could not be fetched; it "
                      "needs Java 17 or later and Maven")


def url(kind, port):
    if kind == "dynamodb":
        return (f"dynamodb:stipple?endpoint=http://127.0.0.1:{port}"
                "&region=us-east-1")
    return (f"cassandra:127.0.0.1:{port}/stipple"
            f"?user=cassandra&password_file={PASSWORD}")


def process(kind, port):
    """The server; its environment is set up as a side effect."""
    os.makedirs("store", mode=0o700, exist_ok=True)
    # DynamoDB Local takes any keys, but there must be some.
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "local")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")
    with open(PASSWORD, "w") as file:
        file.write("cassandra\n")
    return Process("store", [script(kind), "--port", str(port), "--data",
                             "store/data"], [port], check=["tcp", port])


def create_tables(persister, store_url, supervisor, say, seconds):
    """As soon as the server lets us; the persister waits for them by itself.
    A server that has only just started refuses a while."""
    say("waiting for the store")
    child, left = None, seconds * 10
    while True:
        supervisor.tend(starting=True)
        if supervisor.stopping:
            raise Failure("stopped while starting", 130)
        if child is None:
            child = subprocess.Popen(
                [persister, "--store", store_url, "--create-tables"],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if child.poll() is not None:
            why = child.stderr.read().strip()
            child.stderr.close()
            if child.returncode == 0:
                return
            if left <= 0:
                raise Failure(f"the store's tables: {why}")
            child = None
        left -= 1
        supervisor.wait(0.1)
