# SPDX-License-Identifier: Apache-2.0
"""stipplectl --url: the same verbs, output and exit codes as over the bus."""

import json
import os
import subprocess

import pytest

from support.cluster import ENVIRONMENT, free_ports
from support.tokens import user_of
from support.wait import until


class Ctl:
    """stipplectl with somebody's token, at an edge."""

    def __init__(self, made, role, sub=None, edge=0):
        self.made, self.url = made, f"http://127.0.0.1:{made.apis[edge].port}"
        self.token_file = os.path.join(made.folder, f"token-{role}-{sub}")
        with open(self.token_file, "w") as file:
            print(made.signer.token(sub or role, roles=[role]), file=file)

    def run(self, *words, url=None, token_file=None):
        return subprocess.run(
            [os.path.join(self.made.bin, "stipplectl"), "--url",
             url or self.url, "--token-file", token_file or self.token_file,
             *words], cwd=self.made.folder, capture_output=True, text=True,
            timeout=60, env={**os.environ, **ENVIRONMENT})

    def json(self, *words):
        answer = self.run("--json", *words)
        assert answer.returncode == 0, answer
        return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def pair(module_cluster):
    made = module_cluster(brokers=2, edges=2).start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    return made


@pytest.fixture
def boss(pair):
    return Ctl(pair, "operator")


# Each verb, and what follows so that it makes sense again.
VERBS = [
    (["set", "cooldown_ms", "0"], None),
    (["ban", "00000000000000ab", "--until", "2h", "--reason", "a \"bot\" \u2603"],
     ["unban", "00000000000000ab"]),
    (["protect", "1", "2", "3", "4", "--reason", "a flag, & more"],
     ["unprotect", "0", "0", "9", "9"]),
    (["lock"], ["unlock"]),
    (["notice", "Ten minutes left. \u2603"], None),
]
ASKING = [["bans"], ["regions"], ["who", "1", "1"],
          ["user", "00000000000000ab"], ["search", "--box", "0,0,9,9"],
          ["search", "--color", "3", "--since", "-1h"],
          ["audit", "--limit", "5"], ["proposals"]]


@pytest.mark.parametrize("words, back", VERBS)
def test_what_is_done_is_said_alike(pair, boss, words, back):
    for each in [words] + ([back] if back else []):
        there = boss.run(*each)
        assert there.returncode == 0 and not there.stderr, there
        assert there.stdout.startswith("done")
    for each in [words] + ([back] if back else []):
        here = pair.stipplectl(*each)
        assert here.returncode == 0, here
        assert here.stdout.split(",")[0] == there.stdout.split(",")[0]
    both = [words] + ([back] if back else [])
    there = [boss.json(*each) for each in both]
    here = [pair.ctl(*each) for each in both]
    for one, other in zip(there, here):
        assert one["ok"] is True and list(one) == list(other)


@pytest.mark.parametrize("words", ASKING)
@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_what_is_asked_is_shown_alike(pair, boss, words, json_too):
    """Byte for byte, with something in it."""
    pair.ctl("ban", user_of("listed"))
    token = pair.signer.token("00000000000000ab")
    assert pair.api.put(1, 1, 3, token).status == 200
    checkpoint = pair.ctl("status")["seq"]
    until(lambda: pair.ctl("status")["persisted"] >= checkpoint, 60, "store")
    there, here = boss.run(*json_too, *words), \
        pair.stipplectl(*json_too, *words)
    assert there.returncode == here.returncode == 0, (there, here)
    assert there.stdout == here.stdout and there.stdout


def test_what_is_done_is_done_as_who_the_token_says(pair):
    done = Ctl(pair, "moderator", "alice").json(
        "notice", "hers", "--as", "somebody")
    checkpoint = done["seq"]
    until(lambda: pair.ctl("status")["persisted"] >= checkpoint, 60, "store")
    rows = pair.ctl("audit", "--by", "alice")["actions"]
    assert [row["seq"] for row in rows] == [done["seq"]]
    assert not pair.ctl("audit", "--by", "somebody")["actions"]


def test_the_same_key_is_done_once_at_any_edge(pair):
    one, two = Ctl(pair, "moderator"), Ctl(pair, "moderator", edge=1)
    first = one.json("notice", "once", "--key", "7")
    assert two.json("notice", "once", "--key", "7") == first
    assert two.json("notice", "once")["seq"] > first["seq"]


def test_status_is_the_leaders(pair, boss):
    there = boss.json("status")
    here = pair.ctl("status")
    assert there["role"] == "leader" and there["epoch"] == here["epoch"]
    assert [b["endpoint"] for b in there["brokers"]] == [boss.url]
    shown = boss.run("status")
    assert shown.returncode == 0 and "canvas     100x100" in shown.stdout


@pytest.mark.parametrize("words, says", [
    (["ban", "nobody"], "16 hex digits"),
    (["unban", "12" * 8], "not banned"),
    (["protect", "0", "0", "100", "1"], "not on the board"),
    (["unlock"], "not locked"),
    (["notice", ""], "words"),
    (["set", "size", "9"], "no such setting"),
    (["who", "100", "1"], "not on the board"),
])
def test_what_is_refused_is_refused_alike(pair, boss, words, says):
    for more in ([], ["--json"]):
        there, here = boss.run(*more, *words), pair.stipplectl(*more, *words)
        assert there.returncode == here.returncode == 1
        assert says in there.stdout + there.stderr
        assert (there.stdout, there.stderr) == (here.stdout, here.stderr)


def test_a_role_that_is_too_low_ends_with_1(pair):
    answer = Ctl(pair, "moderator").run("lock")
    assert answer.returncode == 1
    assert answer.stderr == "stipplectl: your role may not do that\n"
    answer = Ctl(pair, "player").run("bans")
    assert answer.returncode == 1 and "role_too_low" in answer.stderr


def test_wrong_words_and_no_token_end_with_2(pair, boss):
    assert boss.run("ban").returncode == 2
    assert boss.run("nothing").returncode == 2
    for name, text in (("none", None), ("empty", ""), ("two", "a b"),
                       ("lines", "a.b.c\nd")):
        path = os.path.join(pair.folder, name)
        if text is not None:
            with open(path, "w") as file:
                file.write(text)
        answer = boss.run("bans", token_file=path)
        assert answer.returncode == 2 and "token_file" in answer.stderr


def test_a_bad_token_and_a_wrong_address_end_with_1(pair, boss):
    path = os.path.join(pair.folder, "bad")
    with open(path, "w") as file:
        file.write("a.b.c")
    answer = boss.run("bans", token_file=path)
    assert answer.returncode == 1 and "unauthorized" in answer.stderr
    for url in (f"http://127.0.0.1:{free_ports()[0]}", "ftp://127.0.0.1",
                "not a url", boss.url + "/elsewhere"):
        answer = boss.run("bans", url=url)
        assert answer.returncode == 1 and answer.stderr, answer
    assert boss.run("bans", url=boss.url + "/").returncode == 0


@pytest.mark.parametrize("url, refused", [
    ("http://canvas.invalid", True), ("HTTP://canvas.invalid", True),
    ("canvas.invalid", True), ("http://127.canvas.invalid", True),
    ("http://localhost.invalid", True), ("http://localhost@canvas.invalid", True),
    ("http://[::2]:9", True), ("https://canvas.invalid", False),
    ("http://LOCALHOST:9", False), ("http://127.9:9", False),
    ("http://[::1]:9", False)])
def test_a_token_goes_over_plain_http_to_this_machine_alone(boss, url, refused):
    answer = boss.run("bans", url=url)
    assert answer.returncode == (2 if refused else 1), answer
    assert ("--insecure" in answer.stderr) == refused
    if refused:
        assert boss.run("--insecure", "bans", url=url).returncode == 1


@pytest.mark.timeout(180)
def test_a_fail_over_is_waited_for(cluster):
    made = cluster(brokers=2, edges=2).start().ready()
    boss = Ctl(made, "owner", edge=1)
    status = made.ctl("status")
    leader = [b["role"] for b in status["brokers"]].index("leader") + 1
    made[f"broker-{leader}"].kill()
    seqs = {until(lambda: (answer := boss.run(
        "--json", "notice", "behind it", "--key", "3")).returncode == 0 and
        json.loads(answer.stdout), 60, "the next leader")["seq"]
        for _ in range(3)}
    assert len(seqs) == 1
