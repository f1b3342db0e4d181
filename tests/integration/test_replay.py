# SPDX-License-Identifier: Apache-2.0
"""r/place 2017, played again by many users over WebSockets while 200 viewers
verify: always a sample that the test makes, into each store; the whole of it
where ../shared/data (or STIPPLE_SHARED_DATA) has it, into SQLite. (Into the
other two it lasts too long for a test: bench/run replay_cassandra
replay_dynamodb.) Release binaries: time counts."""

import json
import lzma
import os
import random
import struct
import subprocess
import time

import pytest

from support.board import Board
from support.cluster import ROOT, bin_dir
from support.load import StippleLoad
from support.stores import KEYS, missing_tools, start_throwaway
from support.wait import until

pytestmark = pytest.mark.timed

DATA = os.environ.get("STIPPLE_SHARED_DATA") or os.path.join(
    os.path.dirname(ROOT), "shared", "data")
SIDE = 1000


def write_sample(path, steps=12, per_step=2500):
    """The same format, from a blank board; returns the final pixels."""
    rng = random.Random(2017)
    pixels, out, total = bytearray(SIDE * SIDE), b"", 0
    for step in range(steps):
        # Crowded spots, as people make them, and single pixels anywhere.
        offsets = sorted({(rng.randrange(200, 260) * SIDE
                           + rng.randrange(300, 400)) if rng.random() < 0.7
                          else rng.randrange(SIDE * SIDE)
                          for _ in range(per_step)})
        total += len(offsets)
        out += struct.pack("<III", 1490986800 + 1800 * step, total,
                           len(offsets))
        for offset in offsets:
            color = (pixels[offset] + rng.randrange(1, 16)) % 16
            pixels[offset] = color
            out += struct.pack("<I", offset | color << 20)
    with lzma.open(path, "wb") as file:
        file.write(out)
    return pixels, total


def run(made, path, viewers, duration, timeout):
    began = time.monotonic()
    load = StippleLoad([made.api], made.token_key_file, viewers,
                       100, 0, duration, "--replay", str(path))
    report = load.report(timeout)
    took = time.monotonic() - began
    print(f"replay: {took:.1f} s; {report}")
    return report, took


def check(made, report, count, board, store="sqlite:history.db"):
    assert load_member(report, "digest_mismatches") == 0
    assert load_member(report, "acknowledged_not_seen") == 0
    assert board.seq == count
    until(lambda: persisted(made) == count, 120, "all stored", 0.5)
    found = verify(made, store)
    assert found["ok"] and found["live"] == "equal", found
    assert found["rows"] == found["records"] == count
    made.down()
    assert stored(made, store) == count


def ask(made, program, role, *words):
    """Its JSON; of the leading broker or against its board."""
    answer = subprocess.run(
        [os.path.join(made.bin, program), "--brokers", "ipc://run/broker-1",
         "--key-file", f"keys/{role}.key", *words], cwd=made.data,
        capture_output=True, text=True, timeout=300)
    assert answer.stdout, answer
    return json.loads(answer.stdout)


def persisted(made):
    return ask(made, "stipplectl", "operator", "--json", "status")["persisted"]


def verify(made, store):
    return ask(made, "stipple-persister", "persister", "--store", store, "--verify")


def load_member(report, name):
    """A number of the report, wherever it stands in it."""
    if name in report:
        return report[name]
    inner = [load_member(value, name) for value in report.values()
             if isinstance(value, dict)]
    found = [value for value in inner if value is not None]
    return found[0] if found else None


def stored(made, store):
    """Rows of the store; their seqs must be 1, 2, 3 …"""
    child = subprocess.Popen(
        [os.path.join(made.bin, "stipple-persister"), "--store", store,
         "--export", "csv"], cwd=made.data, stdout=subprocess.PIPE)
    count = 0
    with child.stdout as lines:
        assert next(lines).startswith(b"seq,")
        for line in lines:
            count += 1
            assert int(line[:line.index(b",")]) == count
    assert child.wait(30) == 0
    return count


def up(supervised, store="sqlite:history.db"):
    made = supervised("--cooldown", "0", "--store", store, variant="release")
    made.up()
    return made


@pytest.fixture
def store_url(request, tmp_path, monkeypatch):
    """Of an empty store; the remote ones on their real servers."""
    if request.param == "sqlite":
        yield "sqlite:history.db"
        return
    if missing_tools():
        pytest.skip(f"{missing_tools()} missing: the stores' real servers need "
                    "Java 17 and Maven")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    server = start_throwaway(request.param, tmp_path / "store")
    try:
        url = server.url("stipple")
        subprocess.run([os.path.join(bin_dir("release"), "stipple-persister"),
                        "--create-tables", "--store", url], check=True)
        yield url
    finally:
        server.finish()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("store_url", ["sqlite", "cassandra", "dynamodb"],
                         indirect=True)
def test_a_sample_replayed_is_the_board_it_should_be(supervised, tmp_path,
                                                     store_url):
    pixels, count = write_sample(tmp_path / "sample.bin.xz")
    made = up(supervised, store_url)
    report, _ = run(made, tmp_path / "sample.bin.xz", 50, 60, 150)
    board = made.api.board_at(count)
    assert board.pixels == pixels
    check(made, report, count, board, store_url)


@pytest.mark.timeout(600)
def test_the_whole_of_2017_replayed(supervised):
    folder = os.path.join(DATA, "rplace2017")
    path = os.path.join(folder, "rplace2017_netdelta.bin.xz")
    if not os.path.exists(path):
        pytest.skip("r/place 2017 (../shared/data) is not here")
    made = up(supervised)
    report, took = run(made, path, 200, 300, 400)
    count = 4994671
    answer = made.api.get("/api/v1/board")
    with lzma.open(os.path.join(folder,
                                "rplace2017_final_4bpp.bin.xz")) as file:
        assert answer.body[40:] == file.read()
    check(made, report, count, Board.parse(answer.body))
    print(f"4,994,671 placements in {took:.1f} s")
