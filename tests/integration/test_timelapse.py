# SPDX-License-Identifier: Apache-2.0
"""stipplectl snapshot and timelapse: the board of any seq or time as a picture,
pixel by pixel what was placed until then, and films of them."""

import http.server
import json
import os
import shutil
import stat
import subprocess
import threading
import time
import urllib.parse

import pytest

from support.board import Board
from support.client import Client
from support.cluster import ENVIRONMENT, free_ports
from support.png import decode
from support.tokens import user_of
from support.wait import until

WIDE, HIGH = 40, 30


class Past:
    """A cluster, and what its board was at each seq."""

    def __init__(self, made):
        self.made, self.boards, self.times = made, {0: {}}, {}
        self.config = json.loads(made.api.ask("GET", "/api/v1/config").body)
        players = [Client(made.api, "binary", token=made.signer.token(f"p{i}"))
                   for i in range(3)]
        board = {}
        for i in range(60):
            x, y, color = i * 7 % WIDE, i * 5 % HIGH, 1 + i % 15
            verdict = players[i % 3].place(x, y, color)
            assert verdict["status"] == "ok"
            board[x, y] = color
            self.boards[verdict["seq"]] = dict(board)
            if i == 29:
                until(self._a_later_moment, 10, "a later moment")
        self.last = max(self.boards)
        until(lambda: made.ctl("status")["persisted"] >= self.last, 60,
              "the store")
        made.api.board_at(self.last)  # what the edge shows is no older
        for role in ("moderator", "player"):
            with open(os.path.join(made.folder, role), "w") as file:
                file.write(made.signer.token(role, roles=[role]))

    def _a_later_moment(self):
        """In the middle, some time from both neighbours."""
        self.middle = getattr(self, "middle", None) or \
            int(time.time() * 1000) + 1000
        return time.time() * 1000 > self.middle + 1000

    def run(self, *words, role=None, env=None, url=None):
        return subprocess.run(
            [os.path.join(self.made.bin, "stipplectl"), "--url",
             url or f"http://127.0.0.1:{self.made.api.port}", "--token-file",
             role or "none", *words], cwd=self.made.folder,
            capture_output=True, timeout=120,
            env={**os.environ, **ENVIRONMENT, **(env or {})})

    def said(self, *words, **more):
        answer = self.run("--json", *words, **more)
        assert answer.returncode == 0, answer
        return json.loads(answer.stdout)

    def rgb(self, seq, box=(0, 0, WIDE - 1, HIGH - 1), scale=1):
        """Rows of the board at that seq, as a picture has to have them."""
        palette = [tuple(bytes.fromhex(c[1:])) for c in self.config["palette"]]
        x0, y0, x1, y1 = box
        rows = []
        for y in range(y0, y1 + 1):
            row = [palette[self.boards[seq].get((x, y), 0)]
                   for x in range(x0, x1 + 1) for _ in range(scale)]
            rows += [row] * scale
        return rows

    def file(self, *path):
        with open(os.path.join(self.made.folder, *path), "rb") as file:
            return decode(file.read())


@pytest.fixture(scope="module")
def past(module_cluster):
    made = module_cluster(size=f"{WIDE}x{HIGH}").start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    return Past(made)


@pytest.mark.parametrize("back", [0, 1, 17, 59, 60])
def test_a_snapshot_of_any_seq(past, back):
    seq = past.last - back
    said = past.said("snapshot", "--at", str(seq), "--out", "at.png")
    assert said["seq"] == seq
    assert (said["width"], said["height"]) == (WIDE, HIGH)
    assert past.file("at.png") == past.rgb(seq)
    if back == 60:
        assert seq == 0 and said["digest"] == 0
    if back == 0:
        assert said["digest"] == past.made.ctl("status")["digest"]


def test_a_snapshot_of_now_without_words(past):
    answer = past.run("snapshot")
    assert answer.returncode == 0, answer
    assert answer.stdout.decode().startswith(f"seq {past.last}, digest ")
    assert past.file("snapshot.png") == past.rgb(past.last)


@pytest.mark.parametrize("back", [0, 21])
def test_the_boards_bytes(past, back):
    """As an edge gives those of now."""
    seq = past.last - back
    said = past.said("snapshot", "--at", str(seq), "--out", "then.board")
    with open(os.path.join(past.made.folder, "then.board"), "rb") as file:
        board = Board.parse(file.read())
    assert (board.seq, board.digest) == (seq, said["digest"])
    assert {(i % WIDE, i // WIDE): color
            for i, color in enumerate(board.pixels) if color} == \
        past.boards[seq]
    if not back:
        now = past.made.api.board()
        assert now.packed() == board.packed() and now.epoch == board.epoch


def test_a_box_scaled_to_standard_output(past):
    answer = past.run("snapshot", "--box", "3,4,12,20", "--scale", "3",
                      "--out", "-")
    assert answer.returncode == 0, answer
    assert decode(answer.stdout) == past.rgb(past.last, (3, 4, 12, 20), 3)


def test_a_snapshot_of_a_time(past):
    """The seq is that of the last placement until then."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                         time.gmtime(past.middle / 1000))
    said = past.said("snapshot", "--at", when, "--out", "t.png",
                     role="moderator")
    assert said["seq"] == past.last - 30
    assert past.file("t.png") == past.rgb(past.last - 30)
    said = past.said("snapshot", "--at", "-30d", "--out", "t.png",
                     role="moderator")
    assert said["seq"] == 0
    for role, says in ((None, "token"), ("player", "role_too_low")):
        answer = past.run("snapshot", "--at", when, role=role)
        assert answer.returncode == 1 and says in answer.stderr.decode()


def test_no_token_goes_over_plain_http_to_another_machine(past):
    """0.0.0.0 is this one, by a name that does not say so."""
    url = f"http://0.0.0.0:{past.made.api.port}"
    words = ["snapshot", "--at", "-30d", "--out", "i.png"]
    answer = past.run(*words, role="moderator", url=url)
    assert answer.returncode == 1 and b"token" in answer.stderr
    answer = past.run(*words, "--insecure", role="moderator", url=url)
    assert answer.returncode == 0, answer
    assert past.run("snapshot", "--at", "7", url=url).returncode == 0


def test_a_timelapse_into_a_folder(past):
    said = past.said("timelapse", "--from", "10", "--to", "55", "--step",
                     "20", "--out", "frames")
    assert (said["frames"], said["seq"]) == (4, 55)
    names = sorted(os.listdir(os.path.join(past.made.folder, "frames")))
    assert names == [f"frame-{i:06}.png" for i in range(4)]
    for name, seq in zip(names, (10, 30, 50, 55)):
        assert past.file("frames", name) == past.rgb(seq)
    # All of it, a frame for each seq while they are fewer than 300.
    answer = past.run("timelapse")
    assert answer.returncode == 0
    assert answer.stdout == f"{past.last + 1} frames up to seq {past.last}: " \
        "timelapse\n".encode()
    assert past.file("timelapse", "frame-000007.png") == past.rgb(7)


def test_a_timelapse_by_time(past):
    began = past.middle - 4000
    words = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))
             for ms in (began - 60_000, past.middle)]
    said = past.said("timelapse", "--from", words[0], "--to", words[1],
                     "--step", "30s", "--out", "by-time", role="moderator")
    assert said["seq"] == past.last - 30 and said["frames"] in (3, 4)
    assert past.file("by-time", "frame-000000.png") == past.rgb(0)
    assert past.file("by-time", f"frame-{said['frames'] - 1:06}.png") == \
        past.rgb(past.last - 30)


FAKE = """#!/bin/sh
printf '%s\\n' "$@" > words
cat > raw
{end}
"""


def fake(past, end="exit 0"):
    """A PATH with an ffmpeg that notes what it is given."""
    folder = os.path.join(past.made.folder, "fake")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "ffmpeg")
    with open(path, "w") as file:
        file.write(FAKE.format(end=end))
    os.chmod(path, stat.S_IRWXU)
    return {"PATH": folder + ":" + os.environ["PATH"]}


def test_a_video_gets_every_frame(past):
    words = ["timelapse", "--from", "5", "--to", "60", "--step", "11", "--box",
             "1,2,9,8", "--scale", "2", "--fps", "12", "--out", "film.mp4"]
    said = past.said(*words, env=fake(past))
    assert said["frames"] == 6 and (said["width"], said["height"]) == (18, 14)
    with open(os.path.join(past.made.folder, "words")) as file:
        given = file.read().split("\n")
    assert given[given.index("-s") + 1] == "18x14"
    assert given[given.index("-r") + 1] == "12"
    assert "file:film.mp4" in given
    expected = b"".join(
        bytes(colour) for seq in (5, 16, 27, 38, 49, 60)
        for row in past.rgb(seq, (1, 2, 9, 8), 2) for colour in row)
    with open(os.path.join(past.made.folder, "raw"), "rb") as file:
        assert file.read() == expected
    # What fails is said.
    answer = past.run(*words, env=fake(past, "exit 3"))
    assert answer.returncode == 1 and b"no video" in answer.stderr
    answer = past.run(*words, env={"PATH": "/nowhere"})
    assert answer.returncode == 1 and b"apt install" in answer.stderr
    # … and the real one, where there is one, makes what it can read again.
    for kind in ("mp4", "webm") if shutil.which("ffprobe") else ():
        answer = past.run("timelapse", "--step", "10", "--box", "0,0,8,6",
                          "--scale", "4", "--out", f"real.{kind}")
        assert answer.returncode == 0, answer
        probed = json.loads(subprocess.run(
            ["ffprobe", "-loglevel", "error", "-of", "json", "-count_frames",
             "-show_streams", f"real.{kind}"], cwd=past.made.folder,
            capture_output=True, check=True, timeout=60).stdout)["streams"][0]
        assert (probed["width"], probed["height"]) == (36, 28)
        assert int(probed["nb_read_frames"]) == 7


@pytest.mark.parametrize("words, status, says", [
    (["snapshot", "more"], 2, "no further words"),
    (["snapshot", "--at", "soon"], 1, "a seq or a time"),
    (["snapshot", "--at", "99999999"], 1, "yet to come"),
    (["snapshot", "--at", "1h"], 1, "yet to come"),
    (["snapshot", "--box", "1,2,3"], 2, "X0,Y0,X1,Y1"),
    (["snapshot", "--box", "1,2,3,4,5"], 2, "X0,Y0,X1,Y1"),
    (["snapshot", "--box", "5,2,4,4"], 2, "upper left"),
    (["snapshot", "--box", "0,0,40,4"], 1, "not on the board"),
    (["snapshot", "--scale", "9"], 2, "scale"),
    (["snapshot", "--scale", "2", "--out", "x.board"], 2, "whole board"),
    (["snapshot", "--box", "0,0,1,1", "--out", "x.board"], 2, "whole board"),
    (["snapshot", "--out", "none/x.png"], 1, "No such file"),
    (["timelapse", "--from", "9", "--to", "8"], 2, "from is after to"),
    (["timelapse", "--step", "0"], 2, "a step is"),
    (["timelapse", "--step", "-1h"], 2, "a step is"),
    (["timelapse", "--step", "10m"], 2, "--from as a time"),
    (["timelapse", "--from", "-1d", "--to", "5", "--step", "10m"], 2,
     "--from as a time"),
    (["timelapse", "--from", "-20d", "--step", "10s"], 2, "100000 frames"),
    (["timelapse", "--out", "none/x"], 1, "no such folder"),
    (["timelapse", "--out", "snapshot.avi/x"], 1, "no such folder"),
])
def test_what_makes_no_sense(past, words, status, says):
    answer = past.run(*words, role="moderator")
    assert answer.returncode == status, answer
    assert says in answer.stderr.decode()


def test_the_past_is_an_edges(past):
    answer = past.run("snapshot", url=f"http://127.0.0.1:{free_ports()[0]}")
    assert answer.returncode == 1 and answer.stderr
    answer = subprocess.run(
        [os.path.join(past.made.bin, "stipplectl"), "snapshot"],
        cwd=past.made.folder, capture_output=True, timeout=60,
        env={**os.environ, **ENVIRONMENT})
    assert answer.returncode == 2 and b"--url" in answer.stderr


class Careful(http.server.BaseHTTPRequestHandler):
    """Before the edge: it gives no diff over more than 8 seqs, and has each
    one asked for twice."""
    refused = set()

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path.endswith("/diffs"):
            if int(query["to"]) - int(query["from"]) > 8:
                self.say(413, b'{"code":"too_large"}')
                return
            if self.path not in self.refused:
                self.refused.add(self.path)
                self.say(429, b'{"code":"rate_limited","retry_ms":1}')
                return
        answer = self.server.api.ask("GET", self.path)
        self.say(answer.status, answer.body)

    def say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_what_is_too_much_at_once_is_asked_for_in_parts(past):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Careful) as server:
        server.api = past.made.api
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        said = past.said("snapshot", "--at", str(past.last), "--out", "p.png",
                         url=f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
        thread.join()
    assert said["seq"] == past.last and len(Careful.refused) >= 8
    assert past.file("p.png") == past.rgb(past.last)


def test_what_was_rolled_back_was_there_before(past):
    """Last: it changes the board."""
    eve = Client(past.made.api, "binary", token=past.made.signer.token("eve"))
    seq = eve.place(39, 29, 9)["seq"]
    done = past.made.ctl("rollback", "--user", user_of("eve"), "--yes")
    last = past.made.ctl("status")["seq"]
    until(lambda: past.made.ctl("status")["persisted"] >= last, 60, "store")
    past.made.api.board_at(last)
    past.boards[seq] = {**past.boards[past.last], (39, 29): 9}
    assert past.said("snapshot", "--at", str(seq))["seq"] == seq
    assert past.file("snapshot.png") == past.rgb(seq)
    assert past.said("snapshot", "--at", str(last))["seq"] == last
    assert last >= done["seq"]
    assert past.file("snapshot.png") == past.rgb(past.last)
