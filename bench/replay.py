# SPDX-License-Identifier: Apache-2.0
"""All of r/place 2017 through a whole cluster into one of the stores, and what
can be asked of the store afterwards. SHARED/rplace2017 holds the record: for
each pixel the colours it was given, in order.

STIPPLE_REPLAY_LIMIT=N plays only the first N placements, to try it.
"""
import json
import lzma
import os
import struct
import subprocess
import sys
import time
from array import array

from rig import BUILD, TOP, Rig, free_port, load

sys.path.insert(0, os.path.join(TOP, "tests"))

from support.stores import KEYS, start_throwaway  # noqa: E402

SHARED = os.environ.get("STIPPLE_DATA",
                        os.path.join(TOP, "..", "shared", "data"))
LIMIT = int(os.environ.get("STIPPLE_REPLAY_LIMIT", 0))
SIDE = 1000
STALL_S = 120  # a store that takes nothing for so long will not
# The servers' own options are for a quick start; here they run for long.
JAVA = "-XX:TieredStopAtLevel=4 -Xmx2g"


def persister(data, *words, **more):
    return subprocess.run([f"{BUILD}/stipple-persister", *words], cwd=data,
                          text=True, check=False, **more)


# --- What was placed, and what is stored --------------------------------------

def mix(sums, offset, color):
    """Sums that tell the order of a pixel's colours."""
    sums[offset] = (sums[offset] * 1000003 + color + 1) & 0xFFFFFFFFFFFFFFF


def recorded(path, limit):
    """(count, sums) of the record's first `limit` entries, 0 for all."""
    with lzma.open(path) as file:
        words = array("I", file.read())
    count, at, sums = 0, 0, [0] * (SIDE * SIDE)
    while at < len(words):
        entries = words[at + 3:at + 3 + words[at + 2]]
        at += 3 + len(entries)
        for entry in entries:
            if limit and count == limit:
                return count, sums
            mix(sums, entry & 0xFFFFF, entry >> 20)
            count += 1
    return count, sums


def exported(data, store):
    """(count, sums, whether the seqs are 1, 2, 3 …) of the store's export."""
    child = subprocess.Popen(
        [f"{BUILD}/stipple-persister", "--store", store, "--export", "csv"],
        cwd=data, stdout=subprocess.PIPE, text=True)
    count, in_order, sums = 0, True, [0] * (SIDE * SIDE)
    with child.stdout as lines:
        next(lines, None)
        for line in lines:
            seq, _, _, x, y, color = line.split(",")
            count += 1
            in_order = in_order and int(seq) == count
            mix(sums, int(y) * SIDE + int(x), int(color))
    return count, sums, in_order and child.wait() == 0


# --- The run ------------------------------------------------------------------

def stipple(*words):
    return subprocess.run([os.path.join(TOP, "stipple"), *words], check=True,
                          capture_output=True, text=True).stdout


def status(data):
    answer = subprocess.run(
        [f"{BUILD}/stipplectl", "--brokers", "ipc://run/broker-1",
         "--key-file", "keys/operator.key", "--json", "status"], cwd=data, check=True,
        capture_output=True, text=True)
    return json.loads(answer.stdout)


def await_stored(data):
    """Until the store has what was committed; it must not stand still. Returns
    how many records the log held for it at first."""
    now = status(data)
    behind, stood, since = now["seq"] - now["persisted"], -1, time.monotonic()
    while now["persisted"] != now["seq"]:
        if now["persisted"] != stood:
            stood, since = now["persisted"], time.monotonic()
        if time.monotonic() - since > STALL_S:
            raise TimeoutError(f"the store stays at seq {stood}: {now}")
        note(f"{now['persisted']:,} of {now['seq']:,} stored")
        time.sleep(1)
        now = status(data)
    return behind


def note(text, every_s=30, said=[0.0]):
    if time.monotonic() - said[0] > every_s:
        said[0] = time.monotonic()
        print(f"replay: {text}", file=sys.stderr, flush=True)


def timed(run, *args):
    began = time.monotonic()
    answer = run(*args)
    return answer, time.monotonic() - began


def verified(data, store):
    """What `--verify` says, against the live board."""
    answer = persister(data, "--verify", "--store", store, "--brokers",
                       "ipc://run/broker-1", "--key-file",
                       "keys/persister.key",
                       stdout=subprocess.PIPE)
    print(f"replay: verify ended {answer.returncode}: {answer.stdout}",
          file=sys.stderr, flush=True)
    return answer.returncode == 0 and json.loads(answer.stdout)


def play(folder, store, data):
    """Placed, stored, verified, exported: the row of the table. The log may
    grow to the whole of it, as the broker's default for `log_limit` allows."""
    record = f"{folder}/rplace2017_netdelta.bin.xz"
    port = free_port()
    options = {"replay_limit": LIMIT} if LIMIT else {
        "expect": f"{folder}/rplace2017_final_4bpp.bin.xz"}
    stipple("up", "--detach", "--data", data, "--port", str(port),
            "--cooldown", "0", "--store", store)
    try:
        began = time.monotonic()
        got = load(f"http://127.0.0.1:{port}", f"{data}/keys/tokens.key", viewers=200,
                   placers=100, duration=3600, replay=record, **options)
        note(f"placed in {got['placing_s']:.1f} s: {got}", 0)
        behind = await_stored(data)
        stored_s = time.monotonic() - began
        word, verify_s = timed(verified, data, store)
        (count, sums, in_order), export_s = timed(exported, data, store)
    finally:
        stipple("down", "--data", data)
    expected = recorded(record, LIMIT)
    exact = (got["ok"] and (LIMIT or got["expect_equal"]) and word
             and word["ok"] and word["live"] == "equal" and in_order
             and (count, sums) == expected
             and count == word["records"] == word["rows"]
             == got["acknowledged"])
    return {"placements": got["acknowledged"], "seconds": got["placing_s"],
            "per_second": got["acknowledged_per_s"],
            "digest_mismatches": got["digest_mismatches"],
            "not_seen": got["acknowledged_not_seen"],
            "log_grew_to": behind, "stored_s": stored_s,
            "stored_per_s": count / stored_s,
            "verify_s": verify_s, "snapshots": word and word["snapshots"],
            "export_s": export_s, "exact": str(bool(exact))}


def replayed(kind):
    """The case's rows for one of the stores."""
    folder = os.path.abspath(os.path.join(SHARED, "rplace2017"))
    if not os.path.isdir(folder):
        return [{"skipped": f"no {folder}"}]
    with Rig() as rig:
        data = os.path.join(rig.dir, "data")
        if kind == "sqlite":
            return [play(folder, "sqlite:history.db", data)]
        os.environ.update(KEYS, STIPPLE_JAVA_OPTIONS=JAVA)
        server = start_throwaway(kind, os.path.join(rig.dir, kind))
        try:
            store = server.url("stipple")
            persister(rig.dir, "--create-tables", "--store", store)
            return [play(folder, store, data)]
        finally:
            server.finish()
