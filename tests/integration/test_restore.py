# SPDX-License-Identifier: Apache-2.0
"""A Redis that lost everything: the store, or the broker's own memory, brings
it back exactly."""

import os
import random
import shutil

import pytest

from support.client import Client
from support.wait import until

SIDE = 64


def paint(api, signer, count, seed):
    """`count` placements of several users; the last seq."""
    rng = random.Random(seed)
    seq = 0
    for user in range(4):
        player = Client(api, token=signer.token(f"painter-{seed}-{user}"))
        for _ in range(count // 4):
            player.send_place(rng.randrange(SIDE), rng.randrange(SIDE),
                              rng.randrange(16))
        player.until(lambda: len(player.verdicts) == count // 4, 30)
        assert all(v["status"] == "ok" for v in player.verdicts.values())
        seq = max(v["seq"] for v in player.verdicts.values())
        player.close()
    return seq


@pytest.mark.timeout(180)
@pytest.mark.parametrize("snapshots", ["none", "some"])
def test_emptied_redis_is_restored_from_the_store(supervised, snapshots):
    """By journal alone, and by a snapshot with later records behind it."""
    every = "60000" if snapshots == "none" else "1000"
    made = supervised("--cooldown", "0", "--size", f"{SIDE}x{SIDE}", "--set",
                      f"snapshot_ms={every}")
    made.up()
    paint(made.api, made.signer, 2000, 1)
    if snapshots == "some":
        import time
        time.sleep(2.5)  # the snapshots' own pace is what is waited for
    seq = paint(made.api, made.signer, 800, 2)
    before = made.api.board_at(seq)
    x, y = next((x, y) for y in range(SIDE) for x in range(SIDE)
                if before.at(x, y))
    pixel = until(lambda: (p := made.api.pixel(x, y))["color"]
                  == before.at(x, y) and p, 5, "the look-up to be level")
    made.down()
    shutil.rmtree(os.path.join(made.data, "redis"))
    made.up()
    after = made.api.board_at(seq)
    assert after.seq == before.seq == seq
    assert after.pixels == before.pixels
    assert made.api.pixel(x, y) == pixel
    player = Client(made.api, token=made.signer.token(), board=before)
    assert player.place(1, 1, 1)["seq"] == seq + 1
    player.reach(seq + 1)
    player.prove()
    assert not player.resyncs
    # And once more from what was written after the restore.
    made.down()
    shutil.rmtree(os.path.join(made.data, "redis"))
    made.up()
    assert made.api.board_at(seq + 1).pixels == player.board.pixels


@pytest.mark.timeout(120)
def test_settings_of_the_canvas_are_restored_too(supervised):
    made = supervised("--cooldown", "777", "--size", "30x20", "--bits", "8",
                      "--set", "snapshot_ms=1000")
    made.up()
    player = Client(made.api, token=made.signer.token())
    assert player.place(3, 3, 20)["status"] in ("ok", "bad_color")
    seq = player.place(4, 4, 7)["seq"] or 1
    config = made.api.config()
    made.down()
    shutil.rmtree(os.path.join(made.data, "redis"))
    made.up()
    again = made.api.config()
    again["board"]["epoch"] = config["board"]["epoch"]
    assert again == config
    assert made.api.board_at(min(seq, 1)).bits == 8


@pytest.mark.timeout(120)
def test_redis_that_comes_back_empty_is_filled_from_memory(cluster):
    """Its data is gone, but the broker lives: board, log and seq go on, and
    viewers notice nothing."""
    made = cluster(size=f"{SIDE}x{SIDE}").start().ready()
    seq = paint(made.api, made.signer, 400, 3)
    viewer = Client(made.api)
    viewer.reach(seq)
    made["redis"].kill()
    shutil.rmtree(os.path.join(made.folder, "redis"))
    os.makedirs(os.path.join(made.folder, "redis"))
    made["redis"].start()
    player = Client(made.api, token=made.signer.token())

    def placed():
        verdict = player.place(1, 1, 9, timeout=12)
        return verdict["status"] == "ok" and verdict
    verdict = until(placed, 25, "placing again")
    assert verdict["seq"] == seq + 1
    viewer.reach(seq + 1)
    viewer.prove()
    assert not viewer.resyncs
    # What Redis holds now is the whole board: a new broker starts from it.
    made["broker-1"].stop()
    made["broker-1"].start()
    until(lambda: player.place(2, 2, 9, timeout=12)["status"] == "ok", 25)
    viewer.reach(seq + 2)
    viewer.prove()


@pytest.mark.timeout(120)
def test_redis_behind_the_store_is_brought_forward(supervised):
    """An old copy of Redis's files: never a seq given twice."""
    made = supervised("--cooldown", "0", "--size", f"{SIDE}x{SIDE}")
    made.up()
    paint(made.api, made.signer, 200, 4)
    made.down()
    redis, copy = (os.path.join(made.data, "redis"),
                   os.path.join(made.data, "redis.old"))
    shutil.copytree(redis, copy)
    made.up()
    seq = paint(made.api, made.signer, 200, 5)
    before = made.api.board_at(seq)
    made.down()
    shutil.rmtree(redis)
    os.rename(copy, redis)
    made.up()
    after = made.api.board_at(seq)
    assert (after.seq, after.pixels) == (before.seq, before.pixels)
