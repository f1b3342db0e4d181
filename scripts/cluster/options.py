# SPDX-License-Identifier: Apache-2.0
"""The command line of ./stipple up, down and status."""

import argparse
import os
import re

from cluster import local_store
from cluster.failure import Failure

STORES = {"sqlite": "sqlite:history.db",
          # Brought along, see local_store.py; here still without a port.
          **{kind: kind for kind in local_store.KINDS}}

# What the supervisor itself sets, and the option that says it.
MANAGED = {
    "port": "--port", "workers": "--workers", "size": "--size",
    "bits": "--bits", "cooldown_ms": "--cooldown", "store": "--store",
    "name": None, "bind": None, "redis": None, "brokers": None,
    "persisters": None, "metrics_port": None, "key_file": None,
}


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Failure(message, 2)


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


def parse(words):
    parser = Parser(prog="./stipple", allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True,
                                  parser_class=Parser)
    up = verbs.add_parser("up", allow_abbrev=False,
                          help="start a cluster and keep it running")
    up.add_argument("--detach", action="store_true",
                    help="return once it is ready")
    up.add_argument("--yes", action="store_true",
                    help="install missing packages without asking")
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
    chosen = parser.parse_args(words)
    if chosen.verb == "up" and chosen.port + chosen.edges - 1 > 65535:
        raise Failure(f"--port {chosen.port} leaves no room for "
                      f"{chosen.edges} edges", 2)
    return chosen
