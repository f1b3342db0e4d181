# SPDX-License-Identifier: Apache-2.0
"""What operators are told of people: the canary's measures, and how fresh
changes are when an edge has written them to everybody."""

import os
import re
import subprocess
import sys
import time

import pytest

from support.canary import Canary
from support.client import Client
from support.cluster import ROOT, bin_dir
from support.metrics import scrape
from support.wait import until

EDGE = os.path.join(ROOT, "tests", "support", "fake_edge.py")


@pytest.fixture
def canary():
    started = []

    def start(folder, url, *more, **settings):
        os.makedirs(os.path.join(str(folder), "logs"), exist_ok=True)
        started.append(Canary(folder, url, *more, **settings).start())
        return started[-1]

    yield start
    for one in started:
        assert one.stop() == 0, one.process.log()[-2000:]
        assert "Sanitizer" not in one.process.log()


def url_of(api):
    return f"http://127.0.0.1:{api.port}"


def watching(canary, running, **settings):
    return canary(running.folder, url_of(running.api), "--token-key-file",
                  running.token_key_file, **settings)


def test_a_canary_measures_what_a_player_meets(cluster, canary):
    running = cluster().start().ready()
    bird = watching(canary, running)
    until(lambda: bird.value("seen_seconds_count") >= 3, 60, "three seen")
    until(lambda: bird.value("digests_checked_total") > 0, 60, "a beat")
    values = bird.values()
    assert values["stipple_canary_connected"] == 1
    assert values['stipple_canary_verdicts_total{status="ok"}'] >= 3
    assert 0 < values["stipple_canary_verdict_seconds_sum"] \
        <= 60 * values["stipple_canary_verdict_seconds_count"]
    assert values["stipple_canary_digests_wrong_total"] == 0
    assert values["stipple_canary_malformed_total"] == 0
    viewer = Client(running.api, since=0)
    seen = viewer.board.at(3, 4)
    viewer.until(lambda: viewer.board.at(3, 4) != seen, 60, "it places there")
    viewer.close()


def test_a_canary_meets_the_cooldown_and_is_answered(cluster, canary):
    bird = watching(canary, cluster(cooldown_ms=600000).start().ready())
    until(lambda: bird.value('verdicts_total{status="cooldown"}') >= 2, 60,
          "cooldown twice")
    assert bird.value('verdicts_total{status="ok"}') == 1
    assert bird.value("seen_seconds_count") == 1


def test_a_canary_outlives_what_dies(cluster, canary):
    running = cluster().start().ready()
    bird = watching(canary, running)
    until(lambda: bird.value("seen_seconds_count") > 0, 60, "it sees")
    running["edge-1"].kill()
    until(lambda: bird.value("connected") == 0, 60, "the edge is missed")
    running["edge-1"].start()
    seen = bird.value("seen_seconds_count")
    until(lambda: bird.value("seen_seconds_count") > seen, 60, "seen again")
    assert bird.value("reconnects_total") > 0
    # Nobody decides: what it places is never answered, and it says so.
    running["broker-1"].freeze()
    try:
        until(lambda: bird.value("answered_ago_milliseconds") > 3000, 60,
              "no answers")
    finally:
        running["broker-1"].thaw()
    until(lambda: bird.value("answered_ago_milliseconds") < 3000, 60,
          "answers again")


def test_a_canary_notices_a_board_that_is_wrong(canary, tmp_path):
    edge = subprocess.Popen([sys.executable, EDGE, "--fault",
                             "wrong_digest=3"], stdout=subprocess.PIPE,
                            text=True)
    try:
        secret = tmp_path / "secret"
        secret.write_text("0123456789abcdef" * 4)
        bird = canary(tmp_path, "http://127.0.0.1:"
                      f"{int(edge.stdout.readline())}",
                      "--secret-file", secret)
        until(lambda: bird.value("digests_wrong_total") > 0, 60, "noticed")
        assert bird.value("digests_checked_total") > 0
    finally:
        edge.kill()
        edge.wait()
        edge.stdout.close()


def test_a_canary_that_cannot_be_is_refused():
    for words in (["--metrics-port", "9999"],
                  ["--secret-file", "x"],
                  ["--secret-file", "x", "--metrics-port", "9999",
                   "--canary-at", "1;2"],
                  ["--secret-file", "x", "--metrics-port", "9999",
                   "--canary-at", "70000,2"]):
        done = subprocess.run(
            [os.path.join(bin_dir(), "stipple-load"), "--canary", *words],
            capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done


def test_freshness_is_measured_once_per_round_that_brings_changes(cluster):
    running = cluster(edge={"tick_min_ms": 200}).start().ready()
    port = running["edge-1"].metrics_ports[0]
    player = running.signer.token("player")

    def count():
        return scrape(port)["stipple_edge_freshness_seconds_count"]

    assert running.api.put(1, 1, 3, player, key=1).status == 200
    seq = until(lambda: scrape(port)["stipple_edge_seq"], 60, "the edge has it")
    assert seq == 1 and count() == 0  # nobody looked
    viewer = Client(running.api, since=0)
    for key in range(2, 5):
        before = count()
        assert running.api.put(1, key, 3, player, key=key).status == 200
        viewer.until(lambda: viewer.board.at(1, key) == 3, 60, "it is shown")
        until(lambda: count() > before, 60, "it is measured")
    # Beats bring no change: no more is measured.
    before, ticks = count(), scrape(port)["stipple_edge_ticks_total"]
    until(lambda: scrape(port)["stipple_edge_ticks_total"] > ticks + 1, 60,
          "rounds go on")
    assert count() == before
    assert 0 < scrape(port)["stipple_edge_freshness_seconds_sum"] < 60 * before
    viewer.close()


def test_a_longer_tick_is_every_edges_at_once(cluster):
    """`stipplectl set tick_ms`: fewer frames in the middle of an event."""
    running = cluster(edges=2, edge={"tick_min_ms": 20}).start().ready()
    player = running.signer.token("player")
    viewers = [Client(api, since=0) for api in running.apis]

    def ticks():
        return [scrape(running[f"edge-{n}"].metrics_ports[0])
                ["stipple_edge_tick_milliseconds"] for n in (1, 2)]

    def diffs(viewer):
        return sum(event["type"] == "diff" for event in viewer.events)

    def frames_of(key, count=20):
        """How many DIFFs both viewers got while `count` were placed."""
        before = [diffs(viewer) for viewer in viewers]
        for x in range(count):
            assert running.api.put(x, key, 3, player,
                                   key=key * 100 + x).status == 200
        for viewer in viewers:
            viewer.until(lambda v=viewer: v.board.at(count - 1, key) == 3, 60,
                         "all is shown")
        return [diffs(v) - b for v, b in zip(viewers, before)]

    running.ctl("set", "tick_ms", "2500")
    until(lambda: ticks() == [2500, 2500], 30, "the edges heed it")
    assert running.api.config()["tick_ms"] == 2500
    began = time.monotonic()
    frames = frames_of(1)
    most = (time.monotonic() - began) / 2.5 + 2
    assert all(0 < number <= most for number in frames), (frames, most)
    running.ctl("set", "tick_ms", "0")
    until(lambda: max(ticks()) < 2500, 30, "and what they did before")
    for viewer in viewers:
        viewer.close()


def read(*path):
    with open(os.path.join(ROOT, *path)) as file:
        return file.read()


def test_each_alert_has_a_severity_a_section_and_a_break():
    rules = read("deploy", "alerts.yml")
    blocks = re.split(r"- alert: ", rules)[1:]
    names = [block.split()[0] for block in blocks]
    sections = re.findall(r"^### (\w+)$\n(page|warn)\b",
                          read("docs", "runbook.md"), re.M)
    said = [(name, re.search(r"severity: (\w+)", block)[1])
            for name, block in zip(names, blocks)]
    assert sorted(said) == sorted(sections)
    for name, block in zip(names, blocks):
        assert f'runbook: "docs/runbook.md#{name.lower()}"' in block
    tried = set(re.findall(r'"(\w+)"', "".join(re.findall(
        r"\[(?:\"\w+\",?\s*)+\]|^(?:NOT_FIRED|LASTING) = .*",
        read("tests", "gameday", "breaks.py"), re.M))))
    assert set(names) <= tried, set(names) - tried


def test_rules_ask_for_metrics_that_there_are():
    known = {"stipple_" + name.partition("{")[0] for table in (
        "broker", "edge", "persister", "load") for name in re.findall(
            r'"stipple_(\w+)', read(table, "metrics.def"))}
    asked = set(re.findall(r"stipple_\w+", read("deploy", "alerts.yml") + read(
        "deploy", "grafana", "dashboards", "stipple.json")))
    unknown = {name for name in asked if name not in known and
               re.sub("_bucket$", "", name) not in known}
    assert not unknown, unknown
    checked = subprocess.run(
        ["promtool", "check", "rules",
         os.path.join(ROOT, "deploy", "alerts.yml")], capture_output=True,
        text=True, timeout=60)
    assert checked.returncode == 0, checked
