# SPDX-License-Identifier: Apache-2.0
"""The README's commands, as a newcomer types them."""

import contextlib
import json
import os
import pty
import shlex
import signal
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
    assert made.status() == (1, {"url": None, "problems": [],
                                 "processes": []})
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
    keys = [f"keys/{role}.key" for role in
            ("broker", "persister", "edge", "operator", "tokens")]
    for name in ["secret"] + keys:
        mode = stat.S_IMODE(os.stat(os.path.join(made.data, name)).st_mode)
        assert mode == 0o600, name
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


@pytest.mark.parametrize("lines", [0, 1])
def test_foreground_goes_on_when_nobody_reads_it_any_more(supervised, lines):
    """As in `./stipple up 2>&1 | head`: what dies later is still restarted."""
    made = supervised("--cooldown", "0")
    child = subprocess.Popen(
        [os.path.join(ROOT, "stipple"), "up", "--data", made.data, "--port",
         str(made.port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=made.environment)
    try:
        for _ in range(lines):
            assert str(made.port) in child.stdout.readline()
        child.stdout.close()
        until(made.is_well, 60)
        pid = made.kill("persister-1")
        until(lambda: made.entry("persister-1")["pid"] not in (0, pid), 10)
        until(made.is_well, 20)
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(40)
    assert child.returncode == 0


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


# --- what goes wrong in the first minute -------------------------------------

def one_sentence(answer, code, *texts):
    assert answer.returncode == code, answer
    said = answer.stderr.strip()
    assert len(said.splitlines()) == 1 and "Traceback" not in said, said
    for text in texts:
        assert text in said, said


def without(capabilities, *words):
    """The command by one who may not do all: root without these."""
    if os.geteuid() != 0:
        return words
    dropped = ",".join("-" + name for name in capabilities)
    return ["setpriv", f"--bounding-set={dropped}",
            f"--inh-caps={dropped}", *words]


def run(made, *words):
    return subprocess.run([*words], capture_output=True, text=True,
                          timeout=60, env=made.environment,
                          stdin=subprocess.DEVNULL)


def test_errors_of_bind_are_said_in_their_own_words(supervised):
    made = supervised()
    stipple = [os.path.join(ROOT, "stipple"), "up", "--detach", "--data",
               made.data]
    one_sentence(run(made, *stipple, "--set", "host=192.0.2.1"), 1,
                 "cannot listen on port 8080 of 192.0.2.1",
                 "Cannot assign requested address")
    one_sentence(run(made, *without(
        ["net_bind_service"], *stipple, "--port", "80")), 1,
        "cannot listen on port 80: Permission denied")
    one_sentence(run(made, *stipple, "--set", "host=no.such.host.invalid"), 1,
                 "no.such.host.invalid")


def test_ipv6_host_gives_a_url_with_brackets(supervised):
    made = supervised("--set", "host=::1", "--cooldown", "0")
    assert f"http://[::1]:{made.port} is up" in made.up().stdout
    code, status = made.status()
    assert (code, status["url"]) == (0, f"http://[::1]:{made.port}")
    assert "<html" in curl("-g", f"http://[::1]:{made.port}/").lower()


@contextlib.contextmanager
def read_only(folder):
    """`folder` as a file system that is read-only, if we may mount one."""
    if os.geteuid() != 0:
        os.chmod(folder, 0o555)
        yield
        os.chmod(folder, 0o755)
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", folder],
                   check=True, timeout=30)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True, timeout=30)


VERBS = (["up", "--detach"], ["status"], ["down"])


def test_folder_that_is_a_file_is_one_sentence(supervised, tmp_path):
    made, path = supervised(), tmp_path / "file"
    path.write_text("")
    for verb in VERBS:
        one_sentence(made.stipple(*verb, "--data", str(path)), 2,
                     f"{path} is not a folder")
    for verb in VERBS:
        one_sentence(made.stipple(*verb, "--data", str(path / "below")), 2,
                     "is not a folder")


def test_folder_that_is_read_only_is_one_sentence(supervised, tmp_path):
    made = supervised()
    with read_only(tmp_path):
        for verb in VERBS:
            one_sentence(made.stipple(*verb, "--data", str(tmp_path)), 2,
                         f"{tmp_path} cannot be a cluster's folder")


def test_folder_of_another_is_one_sentence(supervised, tmp_path):
    made = supervised()
    os.chmod(tmp_path, 0o555)
    for verb in VERBS:
        one_sentence(run(made, *without(
            ["dac_override", "dac_read_search"],
            os.path.join(ROOT, "stipple"), *verb, "--data", str(tmp_path))),
            2, str(tmp_path), "Permission denied")
    os.chmod(tmp_path, 0o755)


def slow_edge(made, folder):
    """Binaries whose edge starts only once folder/go is there."""
    for name in ("stipple-broker", "stipple-persister", "stipplectl"):
        os.symlink(os.path.join(made.bin, name), folder / name)
    edge = shlex.quote(os.path.join(made.bin, "stipple-edge"))
    go = shlex.quote(str(folder / "go"))
    (folder / "stipple-edge").write_text(
        f"#!/bin/sh\ncase $1 in --settings*) exec {edge} \"$@\" ;; esac\n"
        f"while [ ! -e {go} ]; do sleep 0.05; done\nexec {edge} \"$@\"\n")
    os.chmod(folder / "stipple-edge", 0o755)
    made.environment["STIPPLE_BIN"] = str(folder)


def detach_and_wait(made):
    """A `stipple up --detach` that is waiting for the edge."""
    child = subprocess.Popen(
        [os.path.join(ROOT, "stipple"), "up", "--detach", "--data", made.data,
         "--port", str(made.port), *made.options], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=made.environment)
    until(lambda: len(made.status()[1]["processes"]) == 4, 30)
    return child


def test_ctrl_c_while_detach_waits_ends_what_it_began(supervised, tmp_path):
    made = supervised()
    slow_edge(made, tmp_path)
    child = detach_and_wait(made)
    pids = [row["pid"] for row in made.status()[1]["processes"]]
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130 and "Traceback" not in said, said
    assert made.status()[1]["processes"] == []
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_detached_cluster_goes_on_without_who_waited(supervised, tmp_path):
    made = supervised("--cooldown", "0")
    slow_edge(made, tmp_path)
    child = detach_and_wait(made)
    child.kill()
    child.communicate(timeout=30)
    (tmp_path / "go").write_text("")
    until(made.is_well, 30)
    player = Client(made.api, token=made.signer.token())
    assert player.place(1, 1, 1)["seq"] == 1


def test_detach_shows_its_notes_and_quotes_its_hint(supervised, tmp_path):
    made = supervised("--cooldown", "0", "--size", "50x40")
    made.data = os.path.join(str(tmp_path), "a folder")
    assert f"./stipple down --data {shlex.quote(made.data)}" \
        in made.up().stdout
    made.down()
    said = made.up("--size", "60x60").stderr
    assert "note: this canvas is 50x40; --size is for a new one" in said


def test_no_client_is_sent_to_its_own_localhost(supervised):
    made = supervised("--edges", "2")
    made.up()
    assert made.api.config()["endpoints"] == []


# --- installing ----------------------------------------------------------------

@pytest.fixture
def bare_machine(tmp_path):
    """A PATH on which dpkg knows no package and apt-get only takes notes."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("dpkg-query", "exit 1"), ("sudo", 'exec "$@"'),
                       ("apt-get", f'echo "$@" >> {tmp_path}/apt')):
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}

    def install(*words, answer=None):
        argv = [os.path.join(ROOT, "scripts/install"), "run", *words]
        if answer is None:
            done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=30)
            code, said = done.returncode, done.stderr
        else:
            master, slave = pty.openpty()
            with subprocess.Popen(argv, env=env, stdin=slave, stdout=slave,
                                  stderr=slave) as child:
                os.write(master, answer.encode() + b"\n")
                code = child.wait(30)
            said = os.read(master, 65536).decode()
            os.close(master)
            os.close(slave)
        notes = tmp_path / "apt"
        ran = notes.read_text() if notes.exists() else ""
        if ran:
            notes.unlink()
        return code, said, ran
    return install


def test_packages_are_named_and_asked_for_once(bare_machine):
    code, said, ran = bare_machine(answer="n")
    assert code == 1 and ran == "" and said.count("?") == 1
    assert "libzmq3-dev" in said
    code, said, ran = bare_machine(answer="y")
    assert code == 0 and "install -y" in ran and "libzmq3-dev" in ran


def test_nothing_is_asked_with_yes_or_without_a_terminal(bare_machine):
    for code, said, ran in (bare_machine("--yes", answer=""),
                            bare_machine("--yes"), bare_machine()):
        assert code == 0 and "?" not in said and "libzmq3-dev" in ran
        assert said.count("to be installed") == 1
