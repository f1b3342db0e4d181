# SPDX-License-Identifier: Apache-2.0
"""The cases of the bench. Each runs ours beside its peers in one run, in turn,
`rounds` times, and returns rows of {"name", values…}; report.py makes tables.

Every CPU figure is user + system time of the server's processes over the
measured stretch (/proc/PID/stat); the load's own time is not in it.
"""
import contextlib
import json
import os
import random
import shutil
import socket
import statistics
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import secure
from replay import replayed
from rig import BUILD, TOP, Rig, Swarm, core_spared, free_port, http, \
    listens, load, wait_for

PEERS = os.path.join(TOP, "bench", "peers")
MODULES = os.path.join(BUILD, "bench", "node")
RATE = 10          # frames a second of the fan-out
COMING_S = 10      # in which viewers come
WS = {"path": "/api/v1/ws", "protocol": "stipple.v1"}


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def js(name):
    """The peer's program where its modules are found."""
    target = os.path.join(MODULES, name)
    shutil.copy(os.path.join(PEERS, name), target)
    return target


# --- Peers that broadcast one frame RATE times a second -----------------------

def start_send_loop(rig, frame, rate=RATE, on_open=0):
    port = free_port()
    server = rig.start("send_loop", f"{BUILD}/bench/send_loop", port, frame,
                       rate)
    wait_for(listens(port), 10, "send_loop")
    return server, port, {}


def start_bun(rig, frame, rate=RATE, on_open=0):
    port = free_port()
    server = rig.start("bun", f"{MODULES}/node_modules/.bin/bun",
                       js("bun_server.js"), port, frame, rate, on_open)
    wait_for(listens(port), 10, "bun")
    return server, port, {}


def start_ws(rig, frame, rate=RATE, on_open=0):
    port = free_port()
    server = rig.start("ws", "node", js("ws_server.mjs"), port, frame, rate,
                       on_open)
    wait_for(listens(port), 10, "ws")
    return server, port, {}


def start_nchan(rig, frame, rate=RATE, on_open=0):
    port = free_port()
    with open(os.path.join(PEERS, "nchan.conf")) as f:
        text = f.read().replace("PORT", str(port))
    path = os.path.join(rig.dir, "nchan.conf")
    with open(path, "w") as f:
        f.write(text)
    os.makedirs(os.path.join(rig.dir, "files"), exist_ok=True)
    server = rig.start("nchan", "nginx", "-p", rig.dir, "-c", path)
    wait_for(listens(port), 10, "nchan")
    if rate:
        Ticker(rate, lambda: http(f"http://127.0.0.1:{port}/pub",
                                  bytes(frame),
                                  {"Content-Type": "application/octet-stream"}
                                  )).start(rig)
    return server, port, {"path": "/sub"}


class Ticker(threading.Thread):
    """Calls `act` `rate` times a second until the rig's server goes away."""

    def __init__(self, rate, act):
        super().__init__(daemon=True)
        self.rate, self.act = rate, act

    def start(self, rig):
        super().start()

    def run(self):
        due = time.monotonic()
        with contextlib.suppress(OSError):
            while True:
                self.act()
                due += 1 / self.rate
                time.sleep(max(0, due - time.monotonic()))


def start_stipple(rig, frame, rate=RATE, *edge_options, size="1000x1000"):
    """A real cluster, its tick fixed to the peers' rate, and placements enough
    that each tick's frame has about `frame` bytes: 2.6 a pixel at 1,000²."""
    redis = rig.redis()
    broker = rig.broker(redis, "--size", size)
    period = 1000 // rate
    edge = rig.edge(broker, "--tick-min-ms", period, "--tick-max-ms", period,
                    *edge_options)
    pixels = max(1, round((frame - 19) / 2.6))
    feed(rig, broker, pixels * rate, size=size.replace("x", " "))
    return edge, edge.port, WS


def feed(rig, broker, per_second, seconds=120, size="1000 1000"):
    """Placements straight into the broker at a steady rate."""
    return rig.start("ingress", f"{BUILD}/bench/ingress", broker.base, 0,
                     per_second, seconds, *size.split())


FANOUT = {"send() loop": start_send_loop, "stipple": start_stipple,
          "Bun": start_bun, "nchan": start_nchan, "Node ws": start_ws}


def fanout_once(start, viewers, frame, seconds):
    with Rig() as rig:
        server, port, ws = start(rig, frame)
        got = Swarm(rig, port, connections=viewers, seconds=seconds,
                    **ws).measure(server)
    # Beats and other small frames are delivered frames too.
    return {"us": got["cpu"] / max(1, got["frames"]) * 1e6,
            "rate": got["frames"] / got["seconds"] / viewers,
            "bytes": got["bytes"] / max(1, got["frames"])}


def fanout(rounds=3, seconds=5, sizes=(5000, 15000), frames=(64, 1024)):
    rows = []
    for viewers in sizes:
        for frame in frames:
            runs = {name: [] for name in FANOUT}
            for _ in range(rounds):
                for name, start in FANOUT.items():
                    runs[name].append(
                        fanout_once(start, viewers, frame, seconds))
            limit = median(runs["send() loop"], "us")
            rows += [{"viewers": viewers, "frame": frame, "server": name,
                      "us_per_frame": median(got, "us"),
                      "ratio": median(got, "us") / limit,
                      "frames_per_viewer_s": median(got, "rate"),
                      "bytes_per_frame": median(got, "bytes")}
                     for name, got in runs.items()]
    return rows


# --- How many viewers stay fresh ----------------------------------------------

def viewers_once(count, rate=1000, seconds=15, size="1000x1000"):
    """The edge alone on one core; its load, broker and Redis on the others.
    Placing begins, and CPU counts, when all have come."""
    with Rig() as rig, core_spared(0), ThreadPoolExecutor() as pool:
        broker = rig.broker(rig.redis(), "--size", size)
        workers = -(-count // 15000)      # descriptors are 20,000 a process
        edge = rig.edge(broker, "--workers", workers, core=0)
        report = pool.submit(load, edge.url, edge.key, viewers=count,
                             placers=200, rate=rate, ramp=count // COMING_S,
                             duration=COMING_S + seconds)
        time.sleep(COMING_S + 2)
        before, since = edge.cpu_seconds(), time.monotonic()
        time.sleep(seconds - 3)
        share = (edge.cpu_seconds() - before) / (time.monotonic() - since)
        got = report.result()
    seen = got["place_to_seen_ms"]
    return {"server": "stipple", "viewers": count, "core_share": share,
            "p50_ms": seen["p50"], "p99_ms": seen["p99"],
            "digest_mismatches": got["digest_mismatches"],
            "viewers_per_core": count / share}


def rediscast_once(count, rate=1000, seconds=8):
    """One JSON message a placement and viewer. Its placements are published
    straight into Redis, which spares it the work of receiving them."""
    with Rig() as rig:
        redis, port = rig.redis("no"), free_port()
        server = rig.start("rediscast", "node", js("rediscast.mjs"), port,
                           redis.port)
        wait_for(listens(port), 10, "rediscast")
        message = '{"x":512,"y":384,"color":11}'
        command = (f"*3\r\n$7\r\nPUBLISH\r\n$6\r\npixels\r\n"
                   f"${len(message)}\r\n{message}\r\n").encode()
        feed_ = socket.create_connection(("127.0.0.1", redis.port))
        Ticker(100, lambda: feed_.sendall(command * (rate // 100))).start(rig)
        got = Swarm(rig, port, connections=count, seconds=seconds
                    ).measure(server)
    share = got["cpu"] / got["seconds"]
    delivered = got["frames"] / got["seconds"] / count
    return {"server": "rediscast", "viewers": count, "core_share": share,
            "viewers_per_core": count / share * delivered / rate}


def middle(runs):
    """Of several rows of one thing, each number's median."""
    return {key: median(runs, key) if isinstance(value, (int, float)) else value
            for key, value in runs[0].items()}


def viewers(rounds=3, counts=(5000, 10000, 15000, 40000)):
    """1,000 placements a second. `viewers per core` is viewers ÷ share of a
    core; rediscast's is scaled to the messages that it delivered."""
    runs = [[viewers_once(count) for count in counts] +
            [rediscast_once(count) for count in (50, 100)]
            for _ in range(rounds)]
    rows = [middle(row) for row in zip(*runs)]
    for row, ones in zip(rows, zip(*runs)):
        if "digest_mismatches" in row:
            row["digest_mismatches"] = sum(one["digest_mismatches"]
                                           for one in ones)
    peer = max(row["viewers_per_core"] for row in rows
               if row["server"] == "rediscast")
    for row in rows:
        row["ratio"] = row["viewers_per_core"] / peer
    return rows


# --- The broker's commits -----------------------------------------------------

def pipeline(depth):
    """`depth` BITFIELD SETs of random pixels, as RESP. redis-benchmark cannot
    say `#index`: it pads its random numbers with zeros."""
    commands = []
    for _ in range(depth):
        words = ("BITFIELD", "board", "SET", "u4",
                 f"#{random.randrange(1000000)}", str(random.randrange(16)))
        commands.append(f"*{len(words)}\r\n" + "".join(
            f"${len(word)}\r\n{word}\r\n" for word in words))
    return "".join(commands).encode()


def bitfield_us(rig, count=2000000, depth=200):
    """redis-server's CPU µs per pipelined BITFIELD SET of a random pixel, with
    no AOF and no log: the least that Redis can do for a placement."""
    redis = rig.redis("no")
    rounds = [pipeline(depth) for _ in range(500)]
    with socket.create_connection(("127.0.0.1", redis.port)) as connection:
        stream = connection.makefile("rb")
        before = redis.cpu_seconds()
        for n in range(count // depth):
            connection.sendall(rounds[n % len(rounds)])
            for _ in range(depth * 2):      # "*1", ":before"
                stream.readline()
        us = (redis.cpu_seconds() - before) / count * 1e6
    rig.stop(redis)
    return us


def ingress_once(rig, fsync, batch=1000, window=4, seconds=8, side=1000):
    redis = rig.redis(fsync)
    broker = rig.broker(redis, "--log-limit", 50000000, "--size",
                        f"{side}x{side}")
    ingress = rig.start("ingress", f"{BUILD}/bench/ingress", broker.base,
                        batch, window, seconds, side, side,
                        stdout=subprocess.PIPE)
    out = ingress.child.stdout
    for line in out:
        if line.strip() == "begin":
            break
    before = redis.cpu_seconds(), broker.cpu_seconds()
    for line in out:
        if line.strip() == "end":
            break
    cpu = redis.cpu_seconds() - before[0], broker.cpu_seconds() - before[1]
    got = json.loads(out.readline())
    for process in (ingress, broker, redis):
        rig.stop(process)
    return {"per_second": got["ok"] / got["seconds"], "ok": got["ok"],
            "others": sum(v for k, v in got.items()
                          if k not in ("ok", "seconds")),
            "redis_us": cpu[0] / got["ok"] * 1e6,
            "broker_us": cpu[1] / got["ok"] * 1e6}


def broker(rounds=3):
    rows = []
    for fsync in ("everysec", "always"):
        runs = []
        for _ in range(rounds):
            with Rig() as rig:
                peer = bitfield_us(rig)
                got = ingress_once(rig, fsync)
            got["bitfield_us"] = peer
            got["ratio"] = (got["redis_us"] + got["broker_us"]) / peer
            runs.append(got)
        rows.append({"fsync": fsync, **{key: median(runs, key)
                                        for key in runs[0]}})
    return rows


def verdicts(rounds=3):
    """Place → verdict through an edge at 2,000 a second."""
    runs = []
    for _ in range(rounds):
        with Rig() as rig:
            edge = rig.edge(rig.broker(rig.redis()))
            got = load(edge.url, edge.key, viewers=10, placers=200,
                       rate=2000, duration=10)
            runs.append(got["place_to_verdict_ms"])
    return [{"placements_per_second": 2000,
             **{key: median(runs, key) for key in ("p50", "p99", "max")}}]


# --- The board over HTTP ------------------------------------------------------

def wrk(port, path, seconds, headers=()):
    argv = ["wrk", "-t1", "-c32", f"-d{seconds}s"]
    for header in headers:
        argv += ["-H", header]
    done = subprocess.run([*argv, f"http://127.0.0.1:{port}{path}"],
                          capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        if "requests in" in line:
            return int(line.split()[0])
    raise RuntimeError(done.stdout)


def served(server, port, path, seconds, headers):
    before = server.cpu_seconds()
    count = wrk(port, path, seconds, headers)
    return count / (server.cpu_seconds() - before)


def board_once(seconds, side=1000):
    gzip = ["Accept-Encoding: gzip"]
    with Rig() as rig:
        edge_broker = rig.broker(rig.redis(), "--size", f"{side}x{side}")
        edge = rig.edge(edge_broker)
        feed(rig, edge_broker, 1000, size=f"{side} {side}")
        time.sleep(5)
        body = http(edge.url + "/api/v1/board",
                    headers={"Accept-Encoding": "gzip"})
        ours = served(edge, edge.port, "/api/v1/board", seconds, gzip)
        fresh = served(edge, edge.port, "/api/v1/board", seconds,
                       gzip + ["If-None-Match: *"])
        nginx, port, _ = start_nchan(rig, 0, rate=0)
        for name in ("board", "board.gz"):
            with open(os.path.join(rig.dir, "files", name), "wb") as f:
                f.write(body)
        peer = served(nginx, port, "/board", seconds, gzip)
    return {"bytes": len(body), "stipple": ours, "stipple_304": fresh,
            "nginx": peer}


def board(rounds=3, seconds=5):
    runs = [board_once(seconds) for _ in range(rounds)]
    row = {key: median(runs, key) for key in runs[0]}
    return [{**row, "ratio": row["stipple"] / row["nginx"]}]


# --- Handshakes ---------------------------------------------------------------

def connect_once(start, frames, seconds, **ws):
    with Rig() as rig:
        server, port, more = start(rig)
        got = Swarm(rig, port, connections=64, seconds=seconds, churn=True,
                    frames=frames, **{**more, **ws}).measure(server)
    return {"per_cpu_s": got["handshakes"] / max(0.01, got["cpu"]),
            "handshakes": got["handshakes"], "failures": got["failures"]}


def start_stipple_quiet(rig):
    """A board that changes slowly, and who comes with `since` one behind."""
    edge_broker = rig.broker(rig.redis())
    edge = rig.edge(edge_broker, "--handshake-rate", 1000000)
    feed(rig, edge_broker, 100)
    board = f"{edge.url}/api/v1/board"
    wait_for(lambda: board_seq(board) > 100, 30, "the board changes")
    return edge, edge.port, {"path": f"/api/v1/ws?since={board_seq(board)-50}",
                             "protocol": "stipple.v1"}


def board_seq(url):
    return struct.unpack_from("<Q", http(url), 16)[0]


def connect(rounds=3, seconds=5):
    peers = {
        "stipple": lambda: connect_once(start_stipple_quiet, 2, seconds),
        "Bun": lambda: connect_once(lambda rig: start_bun(rig, 256, 0, 2), 2,
                                    seconds),
        "Node ws": lambda: connect_once(lambda rig: start_ws(rig, 256, 0, 2),
                                        2, seconds),
    }
    runs = {name: [] for name in peers}
    for _ in range(rounds):
        for name, once in peers.items():
            runs[name].append(once())
    bun = median(runs["Bun"], "per_cpu_s")
    return [{"server": name, "per_cpu_s": median(got, "per_cpu_s"),
             "ratio": median(got, "per_cpu_s") / bun}
            for name, got in runs.items()]


def tls(rounds=5):
    """TLS beside none per frame, and beside nginx per handshake, with the same
    certificate."""
    return secure.tls(start_stipple, rounds)


def storm(rounds=1, count=15000):
    """15,000 clients come back at once, each with `since` some changes behind:
    seconds until every one is open (HELLO and its diff are one write). The
    swarm shakes 256 hands at a time."""
    with Rig() as rig:
        edge, port, ws = start_stipple_quiet(rig)
        before, start = edge.cpu_seconds(), time.monotonic()
        swarm = Swarm(rig, port, connections=count, seconds=2, **ws)
        swarm.until("ready")
        seconds, cpu = time.monotonic() - start, edge.cpu_seconds() - before
        got = swarm.measure(edge)
    return [{"connections": got["open"], "seconds": seconds,
             "edge_cpu_s": cpu, "failures": got["failures"]}]


# --- Idle connections ---------------------------------------------------------

def idle(rounds=1, count=15000, seconds=10):
    with Rig() as rig:
        edge = rig.edge(rig.broker(rig.redis()))
        before = edge.memory_bytes()
        got = Swarm(rig, edge.port, connections=count, seconds=seconds,
                    **WS).measure(edge)
        rig_after = edge.memory_bytes()
    return [{"connections": count,
             "bytes_per_connection": (rig_after - before) / count,
             "cpu_share": got["cpu"] / got["seconds"],
             "frames_per_s": got["frames"] / got["seconds"]}]


# --- Bytes on the wire --------------------------------------------------------

# What others send for one changed pixel, WebSocket header (2 bytes) included.
WIRE_PEERS = {
    "JSON a pixel": 2 + len('{"x":512,"y":384,"color":11}'),
    "r/place 2017": 2 + len('{"type":"place","payload":{"x":512,"y":384,'
                            '"color":11,"author":"some_redditor"}}'),
    "PixelPlanet": 2 + 1 + 2 + 4,
}


def wire_once(rate, tick_ms, seconds):
    with Rig() as rig:
        edge_broker = rig.broker(rig.redis())
        edge = rig.edge(edge_broker, "--tick-min-ms", tick_ms,
                        "--tick-max-ms", max(tick_ms, 20))
        feed(rig, edge_broker, rate)
        got = Swarm(rig, edge.port, connections=1, seconds=seconds,
                    **WS).measure(edge)
    return got["bytes"] / (rate * got["seconds"])


def wire(rounds=1, seconds=6):
    """Random pixels on a 1,000 × 1,000 board: the worst there is for gaps."""
    return [{"placements_per_second": rate, "tick_ms": tick,
             "stipple": wire_once(rate, tick, seconds), **WIRE_PEERS}
            for rate in (112, 1640, 8000) for tick in (20, 100, 250)]


# --- The bill -----------------------------------------------------------------

HEADERS = 52           # IPv4 and TCP with timestamps, of each packet
SEGMENT = 1448         # bytes in a full one
BOARD = 500000         # bytes of 1,000 × 1,000 pixels of 4 bits, if nothing repeats
DOLLARS_PER_GB = 0.09  # out of EC2 to the internet, list price, first 10 TB a month
HIDDEN_PACE_MS = 60000  # what the page asks for while nobody looks (web/client.js)
BILL_PEERS = {
    **WIRE_PEERS,
    "Pxls": 2 + len('{"type":"pixel","pixels":[{"x":512,"y":384,"color":11}]}'),
}


def bytes_per_hour(got, viewers):
    return (got["bytes"] + HEADERS * got["frames"]) / got["seconds"] / viewers * 3600


def bill_once(rate, tick_ms, seconds, viewers=100):
    """Bytes an hour to a viewer who looks, to one with PACE, and to one whose socket
    is closed meanwhile and who takes the whole board once."""
    with Rig() as rig:
        broker = rig.broker(rig.redis())
        edge = rig.edge(broker, "--tick-min-ms", tick_ms,
                        "--tick-max-ms", max(tick_ms, 20))
        feed(rig, broker, rate, seconds=seconds + 60)
        options = {"connections": viewers, "seconds": seconds, **WS}
        swarms = (Swarm(rig, edge.port, pace=HIDDEN_PACE_MS, **options),
                  Swarm(rig, edge.port, **options))
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(swarm.measure, edge) for swarm in swarms]
            paced, seen = [bytes_per_hour(each.result(), viewers) for each in both]
    return seen, paced, BOARD + HEADERS * -(-BOARD // SEGMENT)


def bill_row(rate, tick, hidden, seen, paced, back):
    row = {"placements_per_second": rate, "tick_ms": tick, "hidden": hidden}
    ours = {"stipple": (1 - hidden) * seen + hidden * back,
            "PACE alone": (1 - hidden) * seen + hidden * paced}
    theirs = {name: (size + HEADERS) * rate * 3600
              for name, size in BILL_PEERS.items()}
    for name, an_hour in {**ours, **theirs}.items():
        row[f"{name} MB"] = an_hour / 1e6
        row[f"{name} $"] = an_hour * 1e5 / 1e9 * DOLLARS_PER_GB
    return row


def bill(rounds=1, seconds=120):
    """What a viewer's hour costs: megabytes sent, with TCP's and IP's 52 bytes a
    frame, and dollars an hour for 100,000 viewers at 0.09 a gigabyte. `hidden` is the
    share of tabs that nobody looks at. Our page closes a hidden tab's socket after
    half a minute; the whole board once an hour is the most that its return costs.
    `PACE alone` keeps the socket and takes a net diff a minute. The peers send a
    frame a pixel to each tab, hidden or not. TLS adds 22 bytes or more to each frame
    of everybody. Random pixels on a 1,000 × 1,000 board: the worst there is."""
    rows = []
    for rate, tick in ((112, 100), (1640, 100), (1640, 250)):
        costs = bill_once(rate, tick, seconds)
        rows += [bill_row(rate, tick, share, *costs) for share in (0.0, 0.5, 1.0)]
    return rows


# --- r/place 2017 -------------------------------------------------------------

def replay(rounds=1):
    """All of r/place 2017 through a cluster with its defaults (AOF `always`,
    SQLite): 4,994,671 placements by 100 users over WebSockets, 200 viewers who
    verify every beat, all on this machine, and then what the store made of it:
    `stored` a second until it had all, `verify` and `export` in seconds. `exact`:
    the board served at the end is Reddit's final one byte for byte, the export
    holds each seq once and each pixel's colours in the order that was placed,
    and `--verify` said `ok` against the live board."""
    return replayed("sqlite")


def replay_cassandra(rounds=1):
    """The same into Cassandra 4.1 with its data on this machine's disk."""
    return replayed("cassandra")


def replay_dynamodb(rounds=1):
    """The same into DynamoDB Local in memory."""
    return replayed("dynamodb")


# --- Growth -------------------------------------------------------------------

VIEWERS = (1000, 2000, 5000, 10000, 15000)
SIDES = (1000, 2000, 4000)
SIZES = [(count, 1000) for count in VIEWERS] + [(5000, side)
                                               for side in SIDES[1:]]


def fanout_growth(count, side):
    def start(rig, frame):
        return start_stipple(rig, frame, size=f"{side}x{side}")
    return fanout_once(start, count, 256, 5)["us"]


def viewers_growth(count, side):
    got = viewers_once(count, seconds=8, size=f"{side}x{side}")
    return got["core_share"] / count * 1e6


def broker_growth(_, side):
    with Rig() as rig:
        got = ingress_once(rig, "everysec", seconds=5, side=side)
    return got["redis_us"] + got["broker_us"]


def board_growth(_, side):
    got = board_once(4, side)
    return got["nginx"] / got["stipple"]


# What is grown: its name with the cost's unit, over which sizes, by what.
GROWTH = (
    ("fanout, us a frame", SIZES, fanout_growth),
    ("viewers, us of a core a viewer second", SIZES, viewers_growth),
    ("broker, us a placement", [(0, side) for side in SIDES], broker_growth),
    ("board, CPU beside nginx's", [(0, side) for side in SIDES], board_growth),
)


def growth(rounds=3):
    """Cost as viewers and boards grow; `ratio` is to 5,000 viewers on a million
    pixels. At a rate of its own the tick adapts, so that the second case gets
    cheaper a viewer."""
    rows = []
    for name, sizes, once in GROWTH:
        runs = {size: [] for size in sizes}
        for _ in range(rounds):
            for size in sizes:
                runs[size].append(once(*size))
        costs = {size: statistics.median(got) for size, got in runs.items()}
        base = costs[(5000, 1000) if (5000, 1000) in costs else (0, 1000)]
        rows += [{"case": name, "viewers": count or "", "pixels": side * side,
                  "cost": costs[count, side],
                  "ratio": costs[count, side] / base}
                 for count, side in sizes]
    return rows


def quick():
    """Under two minutes, for CI: one round of the ratios that matter."""
    rows = []
    for name in ("send() loop", "stipple"):
        got = fanout_once(FANOUT[name], 2000, 256, 5)
        rows.append({"server": name, "us_per_frame": got["us"]})
    rows[1]["ratio"] = rows[1]["us_per_frame"] / rows[0]["us_per_frame"]
    with Rig() as rig:
        got = ingress_once(rig, "everysec", seconds=4)
        peer = bitfield_us(rig, count=500000)
    rows.append({"server": "broker + redis",
                 "us_per_placement": got["redis_us"] + got["broker_us"],
                 "ratio": (got["redis_us"] + got["broker_us"]) / peer,
                 "per_second": got["per_second"]})
    return rows
