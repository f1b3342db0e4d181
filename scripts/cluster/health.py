# SPDX-License-Identifier: Apache-2.0
"""How the processes of a cluster are, and what is wrong, in words.

A check is how one asks a process whether it is well:
    ["http", [port, path], …]   each answers 200
    ["redis", socket]           it answers PING
    ["tcp", port]               somebody listens
"""

import os
import shutil
import socket
import ssl
import urllib.request

from cluster import folder, metrics, plan

BEHIND_MS = 10 * 60 * 1000
DISK_SHARE, DISK_BYTES, DISK_FLOOR = 0.05, 2 << 30, 16 << 20
LOG_TAIL = 8192
LEASE = "{stipple}:lease"
AOF_BROKEN = ("its append-only file is damaged; redis-check-aof --fix cuts the "
              "damaged end off (docs/operations.md, Runbook)")
# What a process says before it ends, and what that means.
LAST_WORDS = (
    ("Bad file format reading the append only file", AOF_BROKEN),
    ("Unexpected end of file reading the append only file", AOF_BROKEN),
    ("No space left on device", "the disk is full"),
    ("event=listen_failed", "it cannot listen on its port"))


def fetch(url, timeout=2):
    """(status, body); (0, b"") if nobody answers."""
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


def ask_redis(path, *words):
    """The answer's bytes after its type, "" if there is none."""
    request = b"*%d\r\n" % len(words) + b"".join(
        b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(2)
            link.connect(path)
            link.sendall(request)
            head, _, rest = link.recv(65536).partition(b"\r\n")
            size = int(head[1:]) if head[:1] == b"$" else 0
            while len(rest) < size:
                rest += link.recv(65536) or b"\0" * size
            return (rest[:size] if head[:1] == b"$" else head[1:]).decode()
    except (OSError, ValueError):
        return ""


def is_well(check, url):
    """`check` of a process; public ports are asked on the cluster's URL."""
    if check[0] == "redis":
        return ask_redis(check[1], "PING") == "PONG"
    if check[0] == "tcp":
        return plan.bind_error("127.0.0.1", check[1]) is not None
    public = url.rpartition(":")[0]
    return all(fetch(f"{public if path == '/readyz' else 'http://127.0.0.1'}"
                     f":{port}{path}")[0] == 200 for port, path in check[1:])


def rows(state):
    """A row per process: its entry in the state, whether it runs, and whether
    it is well."""
    found = []
    for entry in state["processes"]:
        runs = folder.is_own(state, entry)
        found.append({**entry, "runs": runs, "ok": bool(
            runs and is_well(entry["check"], state["url"]))})
    return found


def problems(found):
    """Sentences about what is wrong, of rows()."""
    redis = next((row for row in found if row["name"] == "redis"), None)
    return ([_ended(row) for row in found if not row["runs"]]
            + [f"{row['name']} runs, but does not answer as it should"
               for row in found if row["runs"] and not row["ok"]]
            + (_redis(redis["check"][1]) if redis and redis["ok"] else [])
            + _brokers([row for row in found if row["ok"]
                        and row["name"].startswith("broker")], redis)
            + _disk())


def last_words(name, offset=0):
    """What the end of a process's log means, or its last line."""
    try:
        with open(f"logs/{name}.log", "rb") as log:
            size = os.fstat(log.fileno()).st_size
            log.seek(max(offset if offset <= size else 0, size - LOG_TAIL))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    for words, meaning in LAST_WORDS:
        if words in text:
            return meaning
    return next((line.strip() for line in reversed(text.splitlines())
                 if line.strip()), "")


def _ended(row):
    again = f", {row['restarts']} times so far" if row["restarts"] else ""
    why = last_words(row["name"], row.get("log_offset", 0))
    return f"{row['name']} does not run{again}" + (f": {why}" if why else "")


def _redis(path):
    told = dict(line.split(":", 1) for line in ask_redis(
        path, "INFO").splitlines() if ":" in line)
    found = []
    limit = int(told.get("maxmemory") or 0)
    if limit and int(told.get("used_memory") or 0) >= limit:
        found.append(f"redis is full: its maxmemory is {limit} bytes")
    if told.get("aof_last_write_status", "ok") != "ok":
        found.append("redis cannot write its append-only file")
    if told.get("aof_last_bgrewrite_status", "ok") != "ok":
        found.append("redis cannot rewrite its append-only file")
    return found


def _brokers(brokers, redis):
    """The lead, and how far the store is behind: the leader knows."""
    told = []
    for row in brokers:
        try:
            told.append(metrics.scrape(row["metrics_ports"][0]))
        except OSError:
            pass
    if not told:
        return []
    leader = next((one for one in told if one["stipple_broker_leading"]), None)
    if leader is None:
        return [_no_leader({int(one["stipple_broker_state"]) for one in told},
                           redis)]
    found = []
    if int(leader["stipple_broker_state"]) == 4:
        found.append("the leading broker has lost Redis")
    behind_ms = leader.get("stipple_broker_store_behind_milliseconds", 0)
    if behind_ms >= BEHIND_MS:
        found.append(
            f"the store has been behind for {behind_ms / 60000:.0f} minutes: "
            f"{int(leader['stipple_broker_unconfirmed_records'])} placements "
            "wait in Redis")
    return found


def _no_leader(states, redis):
    if 1 in states:
        return "no broker leads yet: one is loading the board"
    if 2 in states:
        return "no broker leads yet: one is restoring the board from the store"
    left = ask_redis(redis["check"][1], "PTTL", LEASE) if redis else ""
    if left.isdigit():
        return ("no broker leads: the standby waits for a lease that another "
                f"holds for {int(left) / 1000:.0f} s more")
    return "no broker leads"


def _disk():
    try:
        room = shutil.disk_usage(".")
    except OSError:
        return []
    if room.free < DISK_FLOOR or (room.free < DISK_BYTES
                                  and room.free < room.total * DISK_SHARE):
        return [f"the disk is nearly full: {room.free >> 20} MiB are left"]
    return []
