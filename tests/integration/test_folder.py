# SPDX-License-Identifier: Apache-2.0
"""A cluster's folder on a bad day: copied, full, damaged, taken over."""

import contextlib
import glob
import http.server
import json
import os
import shutil
import signal
import subprocess
import threading

import pytest

from cluster import health
from support.client import Client
from support.metrics import scrape
from support.wait import until


def pids(made):
    return {row["name"]: row["pid"] for row in made.status()[1]["processes"]}


def problems(made):
    return made.status()[1]["problems"]


def supervisor_log(made):
    with open(os.path.join(made.data, "logs", "supervisor.log")) as file:
        return file.read()


# --- copied ------------------------------------------------------------------

def copy_of(made, tmp_path):
    """cp -r of a running cluster's folder; its sockets need not come along."""
    copy = str(tmp_path / "copy")
    subprocess.run(["cp", "-r", made.data, copy], check=True, timeout=60)
    assert os.path.exists(os.path.join(copy, "run", "state.json"))
    return copy


def test_down_of_a_copy_leaves_the_original_alone(supervised, tmp_path):
    made = supervised("--cooldown", "0")
    made.up()
    before = pids(made)
    copy = copy_of(made, tmp_path)
    answer = made.stipple("down", "--data", copy)
    assert (answer.returncode, answer.stdout) == (0, "not running\n")
    assert made.stipple("status", "--data", copy).stdout == "not running\n"
    assert made.is_well() and pids(made) == before


def test_up_of_a_copy_leaves_the_original_alone(supervised, tmp_path):
    made, copy = supervised("--cooldown", "0"), supervised()
    made.up()
    player = Client(made.api, token=made.signer.token())
    assert player.place(5, 5, 5)["seq"] == 1
    before = pids(made)
    shutil.rmtree(copy.data, ignore_errors=True)
    subprocess.run(["cp", "-r", made.data, copy.data], check=True, timeout=60)
    copy.up()
    assert made.is_well() and pids(made) == before
    assert copy.is_well() and copy.api.board().at(5, 5) == 5
    assert not set(pids(copy).values()) & set(before.values())
    copy.down()
    assert made.is_well() and pids(made) == before


def test_copy_of_a_dead_supervisors_folder_ends_nothing(supervised, tmp_path):
    """The lock is free in both, and the pids in the copy are alive."""
    made = supervised("--cooldown", "0")
    made.up()
    before = pids(made)
    with open(os.path.join(made.data, "run", "state.json")) as file:
        os.kill(json.load(file)["supervisor"]["pid"], signal.SIGKILL)
    copy = copy_of(made, tmp_path)
    answer = made.stipple("down", "--data", copy)
    assert (answer.returncode, answer.stdout) == (0, "not running\n")
    assert all(os.path.exists(f"/proc/{pid}") for pid in before.values())
    assert "supervisor has died" in "".join(problems(made))


def test_state_of_an_earlier_boot_is_not_believed(supervised):
    made = supervised("--cooldown", "0")
    made.up()
    before = pids(made)
    path = os.path.join(made.data, "run", "state.json")
    with open(path) as file:
        kept = file.read()
    state = json.loads(kept)
    os.kill(state["supervisor"]["pid"], signal.SIGKILL)
    with open(path, "w") as file:
        json.dump({**state, "boot_id": "another"}, file)
    assert made.down().stdout == "not running\n"
    assert all(os.path.exists(f"/proc/{pid}") for pid in before.values())
    with open(path, "w") as file:
        file.write(kept)
    assert "dead supervisor" in made.down().stdout


@pytest.mark.parametrize("text", ["", "[]", "{", '{"supervisor": 1}', "null"])
def test_damaged_state_is_no_state(supervised, text):
    made = supervised()
    os.makedirs(os.path.join(made.data, "run"))
    with open(os.path.join(made.data, "run", "state.json"), "w") as file:
        file.write(text)
    assert made.status() == (1, {"url": None, "problems": [],
                                 "processes": []})
    assert made.down().stdout == "not running\n"
    made.up()
    assert made.is_well()


# --- full --------------------------------------------------------------------

@contextlib.contextmanager
def small_disk(folder, size):
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none",
                    folder], check=True, timeout=30)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True, timeout=30)


def fill(path):
    """To the last byte; what others write meanwhile fails."""
    with open(path, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 20))
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(512))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_full_disk_is_survived_and_left_behind_without_a_hand(
        supervised, tmp_path):
    made = supervised("--cooldown", "0", "--size", "100x100")
    with small_disk(str(tmp_path), "96m"):
        made.data = str(tmp_path / "data")
        made.up()
        try:
            player = Client(made.api, token=made.signer.token())
            seq = player.place(1, 2, 3)["seq"]
            filling = tmp_path / "filling"
            fill(filling)
            made.kill("persister-1")
            made.api.put(5, 5, 5, made.signer.token())
            until(lambda: any("disk is nearly full" in text
                              for text in problems(made)), 20)
            # Redis cannot write any more, and the supervisor neither.
            until(lambda: "redis ended" in supervisor_log(made)
                  or any(text.startswith("redis") for text in problems(made)),
                  30)
            for _ in range(3):
                fill(str(filling) + str(_))
                assert made.api.board().at(1, 2) == 3  # viewing goes on
            assert made.status()[0] == 1
            for path in glob.glob(str(filling) + "*"):
                os.unlink(path)
            until(made.is_well, 90)
            said = supervisor_log(made)
            assert said.count("cannot write") <= 3, said
            after = Client(made.api, token=made.signer.token())
            assert after.place(6, 6, 6)["seq"] > seq
            assert after.board.at(1, 2) == 3
        finally:
            for path in glob.glob(str(tmp_path / "filling*")):
                os.unlink(path)
            made.finish()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_start_on_a_full_disk_harms_no_later_start(supervised, tmp_path):
    made = supervised("--cooldown", "0")
    with small_disk(str(tmp_path), "64m"):
        made.data = str(tmp_path / "data")
        fill(tmp_path / "filling")
        try:
            answer = made.stipple("up", "--detach", "--data", made.data,
                                  "--port", str(made.port))
            assert answer.returncode in (1, 2), answer
            assert len(answer.stderr.splitlines()) == 1, answer
            assert "No space left on device" in answer.stderr, answer
            os.unlink(tmp_path / "filling")
            made.up()
            assert made.is_well()
        finally:
            made.finish()


# --- damaged -----------------------------------------------------------------

def newest_aof(made):
    return max(glob.glob(os.path.join(made.data, "redis", "appendonlydir",
                                      "*.incr.aof")))


def test_zeros_at_the_end_of_the_log_are_named_and_mended(supervised):
    made = supervised("--cooldown", "0")
    made.up()
    player = Client(made.api, token=made.signer.token())
    for x in range(5):
        player.place(x, 0, 7)
    with open(newest_aof(made), "ab") as file:
        file.write(bytes(4096))
    made.kill("redis")
    # It is started again and again meanwhile.
    until(lambda: any("append-only file is damaged" in text
                      and "redis-check-aof --fix" in text
                      for text in problems(made)), 20)
    assert made.api.board().at(4, 0) == 7  # viewing goes on
    # Ever longer pauses: 4 tries are over in a second, 8 take over ten.
    until(lambda: " in 3 s" in supervisor_log(made), 30)
    assert supervisor_log(made).count("redis ended") < 10
    # As the runbook says it.
    answer = subprocess.run(["redis-check-aof", "--fix", newest_aof(made)],
                            input="y\n", capture_output=True, text=True,
                            timeout=30)
    assert answer.returncode == 0, answer
    until(made.is_well, 40)
    board = made.api.board()
    assert [board.at(x, 0) for x in range(5)] == [7] * 5


def test_up_on_a_damaged_log_says_how_to_mend_it(supervised):
    made = supervised("--cooldown", "0")
    made.up()
    Client(made.api, token=made.signer.token()).place(1, 1, 7)
    made.down()
    with open(newest_aof(made), "ab") as file:
        file.write(bytes(64))
    child = subprocess.Popen(
        [made.stipple_path, "up", "--data", made.data, "--port",
         str(made.port)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, env=made.environment)
    try:
        line = child.stderr.readline()
        while "waiting for" not in line:
            line = child.stderr.readline()
        assert "redis-check-aof --fix" in line
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
    assert child.returncode == 130


# --- said by status ----------------------------------------------------------

def ask_redis(made, *words):
    answer = subprocess.run(
        ["redis-cli", "-s", os.path.join(made.data, "run/redis.sock"), *words],
        capture_output=True, text=True, timeout=30)
    assert answer.returncode == 0, answer
    return answer.stdout.strip()


def test_status_names_a_redis_that_is_full(supervised):
    made = supervised("--cooldown", "0")
    made.up()
    ask_redis(made, "config", "set", "maxmemory", "100000")
    until(lambda: any("redis is full" in text for text in problems(made)), 10)
    assert made.status()[0] == 1
    assert "redis is full" in made.stipple("status", "--data",
                                           made.data).stdout
    ask_redis(made, "config", "set", "maxmemory", "0")
    until(made.is_well, 20)


def test_status_names_a_lease_that_a_standby_waits_for(supervised):
    made = supervised("--cooldown", "0")
    made.up()
    made.kill("broker-1")
    ask_redis(made, "set", "{stipple}:lease", "another", "px", "600000")
    until(lambda: any("waits for a lease" in text for text in problems(made)),
          20)
    assert made.status()[0] == 1
    ask_redis(made, "del", "{stipple}:lease")
    until(made.is_well, 20)


@contextlib.contextmanager
def metrics_of(**values):
    """A port on which a broker with these metrics answers."""
    text = "".join(f"# TYPE stipple_broker_{name} gauge\n"
                   f"stipple_broker_{name} {value}\n"
                   for name, value in values.items()).encode()

    class Broker(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass
    server = http.server.HTTPServer(("127.0.0.1", 0), Broker)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("behind_ms,said", [
    (599000, None), (720000, "the store has been behind for 12 minutes: 3 ")])
def test_ten_minutes_behind_are_a_problem(behind_ms, said):
    with metrics_of(leading=1, state=3, unconfirmed_records=3,
                    store_behind_milliseconds=behind_ms) as port:
        found = health.problems([{
            "name": "broker-1", "runs": True, "ok": True,
            "metrics_ports": [port]}])
    assert [text[:len(said or "")] for text in found] == (
        [said] if said else [])


def test_age_of_what_waits_for_the_store_is_known(supervised):
    made = supervised("--cooldown", "0")
    made.up()
    os.kill(made.entry("persister-1")["pid"], signal.SIGSTOP)
    try:
        player = Client(made.api, token=made.signer.token())
        player.place(1, 1, 1)
        port = made.entry("broker-1")["ports"][0]
        until(lambda: scrape(port)["stipple_broker_store_behind_milliseconds"]
              > 500, 10)
    finally:
        os.kill(made.entry("persister-1")["pid"], signal.SIGCONT)
    until(lambda: scrape(port)["stipple_broker_store_behind_milliseconds"]
          == 0, 20)
    until(made.is_well, 20)
