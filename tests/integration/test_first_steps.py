# SPDX-License-Identifier: Apache-2.0
"""The README's commands, as a newcomer types them."""

import json
import os
import stat
import subprocess
import time
import urllib.request

import pytest

from support.client import Client
from support.cluster import ROOT, free_ports
from support.wait import until


def curl(*words):
    answer = subprocess.run(["curl", "-sS", "--max-time", "20", *words],
                            capture_output=True, text=True, timeout=30)
    assert answer.returncode == 0, answer
    return answer.stdout


def test_a_pixel_outlives_down_and_up(supervised):
    made = supervised("--cooldown", "0", "--size", "120x80")
    up = made.up()
    url = f"http://127.0.0.1:{made.port}"
    assert url in up.stdout and "./stipple down" in up.stdout
    session = json.loads(curl("-X", "POST", f"{url}/api/v1/session"))
    placed = json.loads(curl(
        "-X", "PUT", f"{url}/api/v1/pixels/3/4", "-d", '{"color":5}', "-H",
        f"Authorization: Bearer {session['token']}"))
    assert placed["seq"] == 1
    viewer = Client(made.api, "json")
    player = Client(made.api, token=made.signer.token())
    seq = player.place(7, 8, 9)["seq"]
    assert seq == 2
    viewer.reach(2)
    assert (viewer.board.at(3, 4), viewer.board.at(7, 8)) == (5, 9)
    viewer.prove()
    made.down()
    assert made.status() == (1, {"url": None, "processes": []})
    made.up()
    board = made.api.board()
    assert (board.seq, board.at(3, 4), board.at(7, 8)) == (2, 5, 9)
    assert made.api.pixel(7, 8)["seq"] == 2
    again = Client(made.api, token=made.signer.token(), board=viewer.board)
    assert again.place(0, 0, 1)["seq"] == 3
    again.reach(3)
    again.prove()


def test_the_folder_holds_everything_and_the_secret_is_private(supervised):
    made = supervised("--cooldown", "0")
    made.up()
    mode = stat.S_IMODE(os.stat(os.path.join(made.data, "secret")).st_mode)
    assert mode == 0o600
    with open(os.path.join(made.data, "secret")) as file:
        secret = file.read().strip()
    assert len(secret) >= 32
    for name in ("broker-1", "edge-1", "persister-1", "redis"):
        assert os.path.exists(os.path.join(made.data, "logs", name + ".log"))
    # Never printed.
    for text in made.tails().values():
        assert secret not in text
    made.down()
    made.up()
    with open(os.path.join(made.data, "secret")) as file:
        assert file.read().strip() == secret


def test_status_lists_every_process_and_fails_when_one_is_ill(supervised):
    made = supervised("--edges", "2", "--brokers", "2", "--persisters", "2",
                      "--workers", "2", "--cooldown", "0")
    made.up()
    code, status = made.status()
    assert code == 0
    assert status["url"] == f"http://127.0.0.1:{made.port}"
    rows = {row["name"]: row for row in status["processes"]}
    assert set(rows) == {"redis", "broker-1", "broker-2", "persister-1",
                         "persister-2", "edge-1", "edge-2"}
    for row in rows.values():
        assert set(row) == {"name", "pid", "ports", "started_at", "ok"}
        assert row["ok"] is True
        assert os.path.exists(f"/proc/{row['pid']}")
        assert abs(row["started_at"] / 1000 - time.time()) < 300
    assert made.port in rows["edge-1"]["ports"]
    assert made.port + 1 in rows["edge-2"]["ports"]
    for port in rows["broker-1"]["ports"]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics",
                                    timeout=5) as answer:
            assert b"stipple_broker" in answer.read()
    text = made.stipple("status", "--data", made.data)
    assert text.returncode == 0 and text.stdout.count("ok ") == 7
    # Stopped, not dead: nobody restarts it, and status tells.
    import signal
    os.kill(rows["broker-2"]["pid"], signal.SIGSTOP)
    try:
        assert made.status()[0] == 1
        assert [r["name"] for r in made.status()[1]["processes"]
                if not r["ok"]] == ["broker-2"]
    finally:
        os.kill(rows["broker-2"]["pid"], signal.SIGCONT)
    until(made.is_well, 20)


def test_clusters_run_side_by_side(supervised):
    one = supervised("--cooldown", "0", "--size", "50x50")
    two = supervised("--cooldown", "0", "--size", "60x60", "--bits", "8")
    one.up()
    two.up()
    for made, side in ((one, 50), (two, 60)):
        assert made.api.config()["board"]["width"] == side
        player = Client(made.api, token=made.signer.token())
        assert player.place(1, 1, 3)["seq"] == 1
    one.down()
    assert two.is_well()
    # A token of one is nothing to the other.
    assert two.api.put(1, 1, 1, one.signer.token()).status == 401


def test_second_up_on_the_same_folder_is_refused(supervised):
    made = supervised()
    made.up()
    again = made.stipple("up", "--detach", "--data", made.data, "--port",
                         str(free_ports()[0]))
    assert again.returncode == 1
    assert "already running" in again.stderr
    assert made.is_well()


def test_taken_port_is_said_at_once(supervised):
    one, two = supervised(), supervised()
    one.up()
    two.port = one.port
    answer = two.stipple("up", "--detach", "--data", two.data, "--port",
                         str(one.port))
    assert answer.returncode == 1
    assert f"port {one.port} is in use" in answer.stderr


def test_cooldown_given_again_is_applied_to_an_old_canvas(supervised):
    made = supervised()
    made.up()
    assert made.api.config()["cooldown_ms"] == 300000
    made.down()
    made.up("--cooldown", "1234")
    until(lambda: made.api.config()["cooldown_ms"] == 1234, 5)
    made.down()
    made.up()
    assert made.api.config()["cooldown_ms"] == 1234


def test_set_reaches_the_process_that_has_the_setting(supervised):
    made = supervised("--set", "board_max_age_s=7", "--set",
                      "appendfsync=everysec", "--set", "flush_ms=50")
    made.up()
    assert "max-age=7" in made.api.get(
        "/api/v1/board").headers["cache-control"]


@pytest.mark.parametrize("words,text", [
    (["--nothing"], "--nothing"), (["--port", "0"], "--port"),
    (["--port", "65536"], "--port"), (["--port", "x"], "--port"),
    (["--edges", "0"], "--edges"), (["--size", "0x5"], "--size"),
    (["--size", "70000x2"], "--size"), (["--size", "9000x9000"], "--size"),
    (["--bits", "5"], "--bits"), (["--cooldown", "-1"], "--cooldown"),
    (["--store", "paper"], "--store"), (["--set", "x"], "--set"),
    (["--set", "nothing=1"], "nothing"), (["--set", "port=1"], "--port"),
    (["--set", "flush_ms=-7"], "flush"), (["stray"], "stray")])
def test_wrong_option_is_one_line_and_exit_2(supervised, tmp_path, words,
                                             text):
    made = supervised()
    answer = made.stipple("up", "--detach", "--data", made.data,
                          *(["--port", str(made.port)]
                            if "--port" not in words else []), *words)
    assert answer.returncode == 2, answer
    assert len(answer.stderr.splitlines()) == 1, answer.stderr
    assert text.lstrip("-") in answer.stderr
    assert made.status()[0] == 1


@pytest.mark.parametrize("words", [["fly"], ["down", "--nothing"],
                                   ["status", "--jsn"]])
def test_unknown_verb_or_option_is_exit_2(supervised, words):
    assert supervised().stipple(*words).returncode == 2


def test_foreground_ends_with_ctrl_c(supervised):
    import signal
    made = supervised("--cooldown", "0")
    child = subprocess.Popen(
        [os.path.join(ROOT, "stipple"), "up", "--data", made.data, "--port",
         str(made.port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=made.environment)
    try:
        line = child.stdout.readline()
        assert str(made.port) in line and "Ctrl-C" in line
        assert made.is_well()
        child.send_signal(signal.SIGINT)
        assert child.wait(40) == 0
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()
    assert made.status()[1]["processes"] == []


def test_what_a_dead_supervisor_left_is_taken_over(supervised):
    made = supervised("--cooldown", "0")
    made.up()
    player = Client(made.api, token=made.signer.token())
    assert player.place(5, 5, 5)["seq"] == 1
    with open(os.path.join(made.data, "run", "state.json")) as file:
        state = json.load(file)
    os.kill(state["supervisor"]["pid"], 9)
    until(lambda: made.status()[0] == 1, 5)
    made.up()  # ends the leftovers first: the port is free again
    assert made.is_well()
    player = Client(made.api, token=made.signer.token())
    assert player.place(5, 5, 6)["seq"] == 2


def test_stale_pids_are_never_trusted(supervised):
    """state.json of a machine that went down: its pids belong to others now."""
    made = supervised("--cooldown", "0")
    made.up()
    with open(os.path.join(made.data, "run", "state.json")) as file:
        state = json.load(file)
    made.down()
    bystander = subprocess.Popen(["sleep", "100"])
    try:
        for entry in state["processes"] + [state["supervisor"]]:
            entry["pid"] = bystander.pid
        path = os.path.join(made.data, "run", "state.json")
        with open(path, "w") as file:
            json.dump(state, file)
        assert made.status()[0] == 1
        made.down()
        made.up()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_down_on_nothing_is_harmless(supervised, tmp_path):
    made = supervised()
    assert made.stipple("down", "--data",
                        str(tmp_path / "none")).returncode != 2
    os.makedirs(made.data)
    answer = made.down()
    assert "not running" in answer.stdout
