# SPDX-License-Identifier: Apache-2.0
"""What moderators do over HTTP: the same verbs as over the bus, for whom the
leader itself finds a role in the token, once per key, over fail-overs."""

import csv
import http.client
import json
import os
import subprocess
import threading
import time

import pytest

from support.admin import BASE, RANKS, VERBS, Admin
from support.client import Client
from support.cluster import ENVIRONMENT
from support.tokens import Signer, user_of
from support.wait import until

ACTIONS = [row for row in VERBS if row[2] != "GET"]


def controls(made):
    answer = subprocess.run(
        [os.path.join(made.bin, "stipple-persister"), "--store",
         "sqlite:history.db", "--export", "controls"], cwd=made.folder,
        capture_output=True, text=True, timeout=120,
        env={**os.environ, **ENVIRONMENT})
    assert answer.returncode == 0, answer
    return list(csv.DictReader(answer.stdout.splitlines()))


def rows_of(made, sub, seq=0):
    """That person's rows in the audit, once the store holds all up to seq."""
    until(lambda: made.ctl("status")["persisted"] >= seq, 60, "the store")
    return [row for row in controls(made) if row["by"] == user_of(sub)]


class Load:
    """Players who place all the while, each accepted answer noted."""

    def __init__(self, made, players=4):
        self.over, self.accepted = False, 0
        self.threads = [threading.Thread(target=self._play, args=(made, i))
                        for i in range(players)]
        for thread in self.threads:
            thread.start()

    def _play(self, made, number):
        api = made.apis[number % len(made.apis)]
        token, at = made.signer.token(f"load-{number}"), 0
        while not self.over:
            at += 1
            try:
                answer = api.put(50 + at % 40, 50 + number, at % 16, token,
                                 timeout=20)
                self.accepted += answer.status == 200
            except (OSError, http.client.HTTPException):
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join(60)


@pytest.fixture(scope="module")
def pair(module_cluster):
    """Two brokers, two edges, and players who place all the while."""
    made = module_cluster(brokers=2, edges=2).start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")
    with Load(made) as load:
        yield made
    assert load.accepted


@pytest.fixture
def owner(pair):
    return Admin(pair, "owner")


@pytest.mark.parametrize("edge", [0, 1])
def test_every_verb_does_what_it_does_over_the_bus(pair, edge):
    boss = Admin(pair, "operator", f"boss-{edge}", edge)
    seqs = []
    for verb, _, method, path, body in ACTIONS:
        done = boss.do(method, path, body)
        if verb == "set":
            assert done.pop("canvas")["cooldown_ms"] == 0
        assert set(done) == {"verb", "seq"} and done["verb"] == verb
        seqs.append(done["seq"])
    assert seqs == sorted(set(seqs))
    rows = rows_of(pair, f"boss-{edge}", seqs[-1])
    assert [row["verb"] for row in rows] == [verb for verb, *_ in ACTIONS]
    assert {row["role"] for row in rows} == {"operator"}
    assert [int(row["seq"]) for row in rows] == seqs
    assert rows[0]["user"] == "00000000000000aa"
    assert rows[0]["text"] == "griefing" and rows[-2]["text"] == "over"
    assert rows[-1]["text"] == "cooldown_ms: 0 -> 0"


@pytest.mark.parametrize("role", [None, *RANKS])
@pytest.mark.parametrize("verb, least, method, path, body", VERBS)
def test_who_may_do_what(pair, owner, role, verb, least, method, path, body):
    who = Admin(pair, role, f"try-{role}")
    may = role in RANKS and RANKS.index(role) >= RANKS.index(least)
    before = {"unban": ("POST", "bans", {"user": "00000000000000aa"}),
              "unprotect": ("POST", "regions", {"box": [1, 1, 2, 2]}),
              "unlock": ("POST", "lock", None)}.get(verb)
    after = {"ban": ("DELETE", "bans/00000000000000aa", None),
             "unban": ("DELETE", "bans/00000000000000aa", None),
             "protect": ("DELETE", "regions/1,1,2,2", None),
             "unprotect": ("DELETE", "regions/1,1,2,2", None),
             "lock": ("POST", "unlock", None),
             "unlock": ("POST", "unlock", None)}.get(verb)
    if before:
        owner.do(*before)
    answer = who.ask(method, path, body)
    assert answer.status == (200 if may else 403), answer
    if not may:
        assert json.loads(answer.body)["code"] == "role_too_low"
        assert answer.headers["cache-control"] == "no-store"
    if after and (not may or verb in ("ban", "protect", "lock")):
        undone = owner.code(*after)
        # What was refused was not done.
        assert undone == ("200" if may or before else "bad_request")


def test_what_staff_may_not_stands_in_the_audit(pair, owner):
    moderator = Admin(pair, "moderator", "eager")
    player = Admin(pair, "player", "nobody")
    before = pair.ctl("status")["seq"]
    assert moderator.code("POST", "lock") == "role_too_low"
    assert moderator.code("POST", "settings", {
        "name": "paused", "value": "on"}) == "role_too_low"
    assert player.code("POST", "lock") == "role_too_low"
    done = owner.do("POST", "notice", {"text": "behind it"})
    rows = rows_of(pair, "eager", done["seq"])
    assert [(row["verb"], row["role"], row["text"]) for row in rows] == [
        ("refused", "moderator", "lock"), ("refused", "moderator", "set")]
    assert int(rows[0]["seq"]) > before
    assert not rows_of(pair, "nobody")
    assert Client(pair.api, token=pair.signer.token("free")) \
        .place(1, 1, 1)["status"] == "ok"


def test_the_leader_believes_the_token_and_not_the_body(pair):
    """Neither a name nor a verb nor a key in the body counts."""
    moderator = Admin(pair, "moderator", "honest")
    done = moderator.do("POST", "notice", {
        "text": "mine", "by": "somebody", "verb": "lock", "rank": 3,
        "key": 9, "role": "owner", "roles": ["owner"]})
    assert done["verb"] == "notice"
    row = rows_of(pair, "honest", done["seq"])[-1]
    assert (row["verb"], row["role"], row["text"]) == \
        ("notice", "moderator", "mine")


@pytest.mark.parametrize("case", [
    "none", "empty", "garbage", "expired", "basic", "hs256", "anonymous",
    "stranger"])
def test_without_a_good_token_nothing_is_asked(pair, case, tmp_path):
    boss = Admin(pair, "owner")
    token = {
        "expired": lambda: pair.signer.token("x", ttl=-60, roles=["owner"]),
        "hs256": lambda: pair.signer.token(
            "x", algorithm="HS256", key="k" * 40, roles=["owner"]),
        "stranger": lambda: stranger(tmp_path).token("x", roles=["owner"]),
        "empty": lambda: "", "garbage": lambda: "a.b.c",
    }.get(case, lambda: boss.token)()
    headers = {"Authorization": "Bearer " + token}
    if case == "none":
        headers = {}
    if case == "basic":
        headers = {"Authorization": "Basic b3duZXI6b3duZXI="}
    if case == "anonymous":
        made = json.loads(pair.api.ask("POST", "/api/v1/session").body)
        headers = {"Authorization": "Bearer " + made["token"]}
    for method, path in (("GET", "status"), ("POST", "lock")):
        answer = pair.api.ask(method, BASE + path, headers=headers)
        assert answer.status == (403 if case == "anonymous" else 401)
        assert answer.headers["cache-control"] == "no-store"


def stranger(folder):
    path = os.path.join(folder, "stranger.pem")
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey",
                    "-noout", "-out", path], check=True, capture_output=True)
    return Signer(path)


def test_a_role_lives_for_a_day_at_most(pair):
    long = Admin(pair, "owner", token=pair.signer.token(
        "long", ttl=25 * 3600, roles=["owner"]))
    answer = long.ask("GET", "status")
    assert answer.status == 401 and b"a day to live" in answer.body
    assert pair.api.put(2, 2, 2, long.token).status == 200  # to play it is good


def test_a_token_in_the_url_is_refused(pair, owner):
    for query in ("?token=" + owner.token, "?token="):
        assert owner.code("GET", "status" + query) == "bad_request"
        answer = pair.api.ask("POST", BASE + "lock" + query)
        assert answer.status == 400


def test_no_page_can_have_a_browser_act(pair, owner):
    """There is no cookie, and pages of other origins may not write at all."""
    for method, path in (("POST", "lock"), ("DELETE", "bans/" + "0" * 16)):
        answer = owner.ask(method, path, Origin="https://evil.example",
                           Cookie="token=" + owner.token)
        assert answer.status == 403 and b'"forbidden"' in answer.body
    cookie = {"Cookie": "token=" + owner.token}
    assert pair.api.ask("POST", BASE + "lock", headers=cookie).status == 401
    answer = pair.api.ask("OPTIONS", BASE + "lock", headers={
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST"})
    assert "access-control-allow-origin" not in answer.headers
    assert not [name for name in answer.headers if name == "set-cookie"]


@pytest.mark.parametrize("method, path, body, says", [
    ("POST", "bans", {"user": "nobody"}, "16 hex digits"),
    ("POST", "bans", {}, "16 hex digits"),
    ("POST", "bans", None, "16 hex digits"),
    ("POST", "bans", {"user": "0" * 16, "until": 1}, "in the past"),
    ("POST", "bans", {"user": "0" * 16, "until": "2h"}, "until"),
    ("POST", "bans", {"user": "0" * 16, "reason": "x" * 501}, "500 bytes"),
    ("POST", "bans", {"user": "0" * 16, "reason": 7}, "string"),
    ("POST", "bans", "[]", "JSON object"),
    ("POST", "bans", '{"user":', "JSON object"),
    ("POST", "bans", '{"user":"a","user":"b"}', "JSON object"),
    ("DELETE", "bans/1212121212121212", None, "not banned"),
    ("DELETE", "bans/x", None, "16 hex digits"),
    ("DELETE", "bans/%ff", None, "16 hex digits"),
    ("DELETE", "bans/1212121212121212?reason=%ff", None, "UTF-8"),
    ("POST", "regions", {"box": [0, 0, 100, 1]}, "not on the board"),
    ("POST", "regions", {"box": [5, 0, 4, 1]}, "upper left"),
    ("POST", "regions", {"box": [1, 2, 3]}, "box is"),
    ("POST", "regions", {"box": "1,2,3,4"}, "box is"),
    ("DELETE", "regions/1,2,3", None, "x0,y0,x1,y1"),
    ("DELETE", "regions/1,2,3,4,5", None, "x0,y0,x1,y1"),
    ("DELETE", "regions/1,2,3,", None, "x0,y0,x1,y1"),
    ("DELETE", "regions/90,90,95,95", None, "no protected box"),
    ("POST", "unlock", None, "not locked"),
    ("POST", "notice", {"text": ""}, "words"),
    ("POST", "notice", None, "words"),
    ("POST", "settings", {"name": "size", "value": "1"}, "no such setting"),
    ("POST", "settings", {"name": "paused", "value": 1}, "strings"),
    ("POST", "settings", {"name": "paused", "value": "x"}, "on or off"),
])
def test_what_makes_no_sense_is_refused_in_words(owner, method, path, body,
                                                 says):
    answer = owner.ask(method, path, body)
    problem = json.loads(answer.body)
    assert answer.status == 400 and problem["code"] == "bad_request"
    assert says in problem["detail"]


@pytest.mark.parametrize("key", ["0", "-1", "x", "4294967296", "1.5", ""])
def test_a_key_is_a_number(owner, key):
    code = owner.code("POST", "notice", {"text": "key"}, key=key)
    assert code == ("200" if key == "" else "bad_request")


def test_other_methods_are_405(owner):
    for method, path, allow in (
            ("PUT", "bans", "GET, HEAD, POST, OPTIONS"),
            ("DELETE", "bans", "GET, HEAD, POST, OPTIONS"),
            ("GET", "bans/" + "0" * 16, "DELETE, OPTIONS"),
            ("GET", "lock", "POST, OPTIONS")):
        answer = owner.ask(method, path)
        assert answer.status == 405 and answer.headers["allow"] == allow
    assert owner.ask("GET", "nothing").status == 404
    assert owner.ask("GET", "").status == 404


def test_head_answers_as_get(owner):
    answer = owner.ask("HEAD", "bans")
    assert answer.status == 200 and answer.body == b""
    assert int(answer.headers["content-length"]) > 0
    assert answer.headers["cache-control"] == "no-store"


def test_a_ban_over_http_is_told_and_holds_everywhere(pair):
    moderator = Admin(pair, "moderator", edge=1)
    sub = "villain"
    here = Client(pair.apis[0], token=pair.signer.token(sub))
    assert here.place(3, 3, 3)["status"] == "ok"
    end = int(time.time() * 1000) + 3600_000
    done = moderator.do("POST", "bans", {
        "user": user_of(sub), "until": end, "reason": "a \"bot\" \u2603"})
    said = here.until(lambda: next(
        (e for e in here.events if e["type"] == "notice"
         and e["kind"] == "banned"), None), 20, "NOTICE")
    assert said["reason"] == "a \"bot\" \u2603" and said["until"] == end
    assert said["seq"] == done["seq"]
    assert here.place(3, 3, 4)["status"] == "banned"
    listed = moderator.do("GET", "bans")["bans"]
    assert [b for b in listed if b["user"] == user_of(sub)] == [
        {"user": user_of(sub), "until": end, "seq": done["seq"]}]
    again = moderator.do("DELETE", "bans/" + user_of(sub) +
                         "?reason=it%20was%20her%20brother")
    assert rows_of(pair, "the-moderator", again["seq"])[-1]["text"] == \
        "it was her brother"
    assert here.place(3, 3, 4)["status"] == "ok"


def test_the_same_key_of_the_same_user_is_done_once(pair):
    alice = [Admin(pair, "moderator", "alice", edge) for edge in (0, 1)]
    first = alice[0].do("POST", "notice", {"text": "once"}, key=77)
    again = alice[1].do("POST", "notice", {"text": "once"}, key=77)
    other = Admin(pair, "moderator", "bob").do(
        "POST", "notice", {"text": "once"}, key=77)
    assert first == again and other["seq"] > first["seq"]
    # What would be refused now was done then.
    user = user_of("twice")
    alice[0].do("POST", "bans", {"user": user}, key=78)
    done = alice[0].do("DELETE", "bans/" + user, key=79)
    assert alice[1].do("DELETE", "bans/" + user, key=79) == done


def test_one_key_at_both_edges_at_once_is_done_once(pair):
    answers = []

    def ask(edge):
        answers.append(Admin(pair, "moderator", "both", edge).do(
            "POST", "notice", {"text": "both"}, key=5))
    threads = [threading.Thread(target=ask, args=(i % 2,)) for i in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 10
    assert len({answer["seq"] for answer in answers}) == 1
    assert len(rows_of(pair, "both", answers[0]["seq"])) == 1


def test_who_leaves_before_the_answer_holds_nothing(pair):
    boss = Admin(pair, "operator", "hasty")
    for i in range(100):
        link = pair.api.link()
        link.sendall((f"POST {BASE}notice HTTP/1.1\r\nHost: x\r\n"
                      f"Authorization: Bearer {boss.token}\r\n"
                      "Content-Length: 12\r\n\r\n{\"text\":\"x\"}").encode())
        link.close()
    until(lambda: boss.code("GET", "status") == "200", 20, "an answer")
    until(lambda: pair["edge-1"].metrics()["stipple_edge_errands"] == 0, 20,
          "nothing that waits")


def failing_over(made, kill):
    """Each action once behind a key, while the leader dies in between; asked
    again by the same key until it is done, at the other edge too."""
    seqs = {}
    whos = [Admin(made, "owner", "steady", edge) for edge in (0, 1)]
    for number in range(1, 25):
        if number == 8:
            kill()
        who = whos[number % 2]

        def done():
            answer = who.ask("POST", "notice", {"text": f"n{number}"},
                             key=number)
            assert answer.status in (200, 503), answer
            return answer.status == 200 and json.loads(answer.body)
        seqs[number] = until(done, 60, "a leader")["seq"]
        # … and whoever asks once more hears the same.
        assert whos[(number + 1) % 2].do(
            "POST", "notice", {"text": f"n{number}"},
            key=number)["seq"] == seqs[number]
    return seqs


@pytest.mark.timeout(240)
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_key_is_done_once_over_a_fail_over(cluster, how):
    made = cluster(brokers=2, edges=2).start().ready()
    until(lambda: made.ctl("status")["persister"], 30, "a persister")

    def lose():
        status = made.ctl("status")
        name = f"broker-{[b['role'] for b in status['brokers']].index('leader') + 1}"
        if how == "kill":
            made[name].kill()
        else:
            assert made[name].stop() == 0
    with Load(made) as load:
        seqs = failing_over(made, lose)
        # Every other verb works with the new leader too, and roles count.
        for verb, _, method, path, body in VERBS:
            assert Admin(made, "operator").code(method, path, body) == "200"
        assert Admin(made, "moderator").code("POST", "lock") == "role_too_low"
    assert load.accepted
    rows = rows_of(made, "steady", max(seqs.values()))
    assert [row["text"] for row in rows] == [f"n{i}" for i in range(1, 25)]
    assert [int(row["seq"]) for row in rows] == list(seqs.values())


@pytest.mark.timeout(120)
def test_without_a_leader_it_is_503_with_a_time(cluster):
    made = cluster().start().ready()
    made["broker-1"].kill()
    began = time.monotonic()
    answer = Admin(made, "owner").ask("POST", "lock", key=1)
    assert answer.status == 503 and answer.headers["retry-after"]
    assert json.loads(answer.body)["code"] == "unavailable"
    assert 9 < time.monotonic() - began < 20
    made["broker-1"].start()
    until(lambda: Admin(made, "owner").code("POST", "lock", key=1) == "200",
          60, "the leader is back")


@pytest.mark.timeout(120)
def test_an_identity_providers_roles_count_where_the_broker_knows_it(
        cluster, tmp_path):
    """An edge that takes somebody's tokens gives no roles by that."""
    provider = stranger(tmp_path)
    public = os.path.join(tmp_path, "public.pem")
    subprocess.run(["openssl", "ec", "-in", os.path.join(
        tmp_path, "stranger.pem"), "-pubout", "-out", public], check=True,
        capture_output=True)
    made = cluster(edge={"jwt_key_file": public}).start().ready()
    boss = Admin(made, "owner", token=provider.token("x", roles=["owner"]))
    assert made.api.put(1, 1, 1, boss.token).status == 200
    answer = boss.ask("GET", "status")
    assert answer.status == 401 and b"leader does not know" in answer.body
    other = cluster(edge={"jwt_key_file": public},
                    broker={"jwt_key_file": public}).start().ready()
    boss = Admin(other, "owner", token=provider.token("x", roles=["owner"]))
    assert boss.do("GET", "status")["role"] == "leader"
