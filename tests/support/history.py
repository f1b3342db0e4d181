# SPDX-License-Identifier: Apache-2.0
"""What the store holds, read through the persister's own export."""

import csv
import os
import subprocess

from support.cluster import ENVIRONMENT


def export(bin_path, folder, store="sqlite:history.db"):
    """[(seq, user, x, y, color)] in the store's order. A server that has just
    started may be too slow for the first questions."""
    for _ in range(5):
        answer = subprocess.run(
            [os.path.join(bin_path, "stipple-persister"), "--store", store,
             "--export", "csv"], cwd=folder, capture_output=True, text=True,
            timeout=300, env={**os.environ, **ENVIRONMENT})
        if "Timeout was reached" not in answer.stderr:
            break
    assert answer.returncode == 0, answer.stderr[-2000:]
    return [(int(row["seq"]), row["user"], int(row["x"]), int(row["y"]),
             int(row["color"])) for row in csv.DictReader(
                 answer.stdout.splitlines())]


def check_whole(rows, acknowledged):
    """Each seq from 1 on exactly once, and each acknowledged placement under
    its seq as it was."""
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    for seq, placed in acknowledged.items():
        assert seq <= len(rows), f"acknowledged seq {seq} is not in the store"
        assert rows[seq - 1] == (seq, placed.user, placed.x, placed.y,
                                 placed.color)
    # Not doubled under another seq either: a player's rows are those it was
    # told of, no more.
    users = {placed.user for placed in acknowledged.values()}
    stored = sum(row[1] in users for row in rows)
    assert stored == len(acknowledged), (stored, len(acknowledged))


def replay(rows, width, height):
    """The pixels that this history makes."""
    pixels = bytearray(width * height)
    for _, _, x, y, color in rows:
        pixels[y * width + x] = color
    return pixels
