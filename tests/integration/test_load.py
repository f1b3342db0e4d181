# SPDX-License-Identifier: Apache-2.0
"""stipple-load against an edge that errs on purpose: a tester that finds
nothing proves nothing."""

import json
import lzma
import os
import struct
import subprocess
import sys

import pytest

from support.cluster import ENVIRONMENT, ROOT, bin_dir

pytestmark = pytest.mark.timed

EDGE = os.path.join(ROOT, "tests", "support", "fake_edge.py")


@pytest.fixture
def edge():
    started = []

    def start(*faults, **options):
        words = [sys.executable, EDGE]
        for fault in faults:
            words += ["--fault", fault]
        for name, value in options.items():
            words += ["--" + name.replace("_", "-"), str(value)]
        child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        started.append(child)
        return f"http://127.0.0.1:{int(child.stdout.readline())}"

    yield start
    for child in started:
        child.kill()
        child.wait()
        child.stdout.close()


def load(tmp_path, url, *more, viewers=20, placers=10, rate=300, duration=4):
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef" * 4)
    words = [os.path.join(bin_dir(), "stipple-load"), "--url", url, "--json",
             "--viewers", viewers, "--placers", placers, "--rate", rate,
             "--duration", duration, "--secret-file", secret, *more]
    done = subprocess.run([str(word) for word in words], capture_output=True,
                          text=True, timeout=90,
                          env={**os.environ, **ENVIRONMENT})
    assert done.returncode in (0, 1), done
    report = json.loads(done.stdout)
    assert report["ok"] == (done.returncode == 0)
    assert "Sanitizer" not in done.stderr
    return report


def test_good_edge_is_found_good(edge, tmp_path):
    report = load(tmp_path, edge())
    assert report["ok"]
    assert report["acknowledged"] == report["verdicts"]["ok"] > 500
    assert report["acknowledged_seen"] == report["acknowledged"]
    assert report["beats_checked"] == report["beats"] > 30
    assert report["place_to_seen_ms"]["p99"] < 1000
    assert report["board"] == {"served": True, "digest_ok": True,
                               "seq": report["last_seq"]}


@pytest.mark.parametrize("fault, member", [
    ("wrong_digest=3", "digest_mismatches"),
    ("lose_ack=100", "acknowledged_not_seen"),
    ("wrong_color=100", "acknowledged_wrong_color"),
])
def test_what_is_wrong_is_found(edge, tmp_path, fault, member):
    report = load(tmp_path, edge(fault), "--grace-ms", 1500)
    assert report[member] > 0
    assert not report["ok"]


def test_lost_diff_is_healed_by_since(edge, tmp_path):
    report = load(tmp_path, edge("lose_diff=100"))
    assert report["gaps"] > 0
    assert report["ok"]


def test_unavailable_is_asked_again(edge, tmp_path):
    report = load(tmp_path, edge("unavailable=20"))
    assert report["retried"] == report["verdicts"]["unavailable"] > 0
    assert report["acknowledged"] == report["sent"]
    assert report["ok"]


def test_unanswered_placement_is_placed_once(edge, tmp_path):
    report = load(tmp_path, edge("silent_ok=50"))
    assert report["resent"] == report["verdicts"]["duplicate"] > 0
    assert report["acknowledged"] == report["last_seq"]
    assert report["ok"]


def test_restarting_edge_gets_its_clients_back(edge, tmp_path):
    report = load(tmp_path, edge("close=20"), duration=6)
    assert report["closes"]["1012"] == report["reconnects"] > 0
    assert report["ok"]


def test_stalled_readers_catch_up(edge, tmp_path):
    report = load(tmp_path, edge(), "--stalled", 3, "--stall-ms", 1000,
                  duration=6)
    assert report["stalled"] == report["stalled_recovered"] == 3
    assert report["ok"]


def test_several_processes_add_up(edge, tmp_path):
    report = load(tmp_path, edge(), "--processes", 3)
    assert report["processes"] == 3
    assert report["open_at_end"] == 30
    assert report["acknowledged_seen"] == report["acknowledged"] > 500
    assert report["ok"]


def test_replay_is_compared_with_the_board(edge, tmp_path):
    record = tmp_path / "record.xz"
    steps = b""
    pixels = bytearray(1000 * 1000)
    for step in range(5):
        offsets = range(step, 1000000, 997)
        steps += struct.pack("<III", step, 0, len(offsets))
        for offset in offsets:
            pixels[offset] = (offset + step) % 15 + 1
            steps += struct.pack("<I", offset | pixels[offset] << 20)
    record.write_bytes(lzma.compress(steps))
    packed = bytes(a << 4 | b for a, b in zip(pixels[::2], pixels[1::2]))
    right, wrong = tmp_path / "right.xz", tmp_path / "wrong.xz"
    right.write_bytes(lzma.compress(packed))
    wrong.write_bytes(lzma.compress(packed[:-1] + b"\x11"))
    url = edge()
    report = load(tmp_path, url, "--replay", record, "--expect", right, rate=0,
                  duration=30)
    assert report["replay"] == {"placements": 5020, "equal": True}
    assert report["expect_equal"] and report["ok"]
    report = load(tmp_path, url, "--replay", record, "--expect", wrong, rate=0,
                  duration=30)
    assert report["replay"]["equal"]
    assert not report["expect_equal"] and not report["ok"]


def test_remote_edges_are_refused(tmp_path):
    done = subprocess.run(
        [os.path.join(bin_dir(), "stipple-load"), "--url", "http://192.0.2.1"],
        capture_output=True, text=True)
    assert done.returncode == 2
    assert "not on loopback" in done.stderr
