# SPDX-License-Identifier: Apache-2.0
"""A running cluster is brought to other binaries, or to other keys of its
servers, as docs/operations.md says it (Upgrading, Changing keys): one process
at a time, under load. Nothing acknowledged is lost, and viewing never stops."""

import os
import threading
import time

import pytest

from support.client import Client
from support.history import check_whole, export, replay
from support.keys import KeyFile
from support.load import Accountant
from support.wait import until

WIDTH, HEIGHT = 200, 100
PLAYERS = 4
CURVE = {"curve": "on"}
PATIENCE_S = 3 + 2 + 5  # the lease, what it takes to lead, a busy machine


class Onlooker(threading.Thread):
    """Asks for the board again and again, of whichever edge answers: there
    must always be one."""

    def __init__(self, apis):
        super().__init__(daemon=True)
        self.apis, self.views, self.gap_s = apis, 0, 0.0
        self.ending = threading.Event()

    def run(self):
        seen = time.monotonic()
        while not self.ending.is_set():
            if any(self._sees(api) for api in self.apis):
                self.views += 1
                self.gap_s = max(self.gap_s, time.monotonic() - seen)
                seen = time.monotonic()
            self.ending.wait(0.05)

    @staticmethod
    def _sees(api):
        try:
            return api.get("/api/v1/board").status == 200
        except OSError:
            return False


class Rolling:
    """A cluster with players and an onlooker, whose processes are replaced."""

    def __init__(self, made, *options):
        self.made, self.options = made, options
        rows = HEIGHT // PLAYERS
        self.players = [
            Accountant(made.apis[i % 2:] + made.apis[:i % 2], made.signer, 25,
                       (i * rows, (i + 1) * rows), WIDTH, f"player-{i}")
            for i in range(PLAYERS)]
        self.onlooker = Onlooker(made.apis)
        for one in (*self.players, self.onlooker):
            one.start()
        self.placing_goes_on()

    def placing_goes_on(self):
        before = [len(one.acknowledged) for one in self.players]
        until(lambda: all(len(one.acknowledged) > count + 5 for one, count
                          in zip(self.players, before)), 30, "placing goes on")

    def replace(self, name, ready, argv0=None):
        process = self.made[name]
        assert process.stop() == 0
        process.argv[0] = argv0 or process.argv[0]
        process.start()
        until(ready, 30, f"{name} is ready")
        self.placing_goes_on()

    def leads(self, name):
        return self.made[name].metrics()["stipple_broker_leading"] == 1

    def answers(self, name):
        def ask():
            try:
                return self.made[name].metrics()
            except OSError:
                return None
        return ask

    def brokers(self, replace):
        """The standby, then the leader."""
        standby, leader = sorted(("broker-1", "broker-2"), key=self.leads)
        replace(standby, self.answers(standby))
        replace(leader, self.answers(leader))
        # Either may lead now: a broker that starts at once may be the first to
        # ask for the lease that its predecessor gave back.
        until(lambda: self.leads(standby) != self.leads(leader), 10,
              "one broker leads")

    def persisters(self, replace):
        for name in sorted(("persister-1", "persister-2"), key=lambda name:
                           self.made[name].metrics()
                           ["stipple_persister_active"]):
            replace(name, self.answers(name))

    def edges(self, replace):
        for i, api in enumerate(self.made.apis, 1):
            replace(f"edge-{i}", api.is_ready)

    def end(self):
        """Nothing is lost, and nobody waited long."""
        made = self.made
        self.onlooker.ending.set()
        self.onlooker.join(10)
        acknowledged = {}
        for one in self.players:
            acknowledged.update(one.finish())
            assert not one.mismatches, f"{one.sub} saw a wrong board"
            assert one.resyncs == 0, f"{one.sub} had to begin anew"
            # None waits longer for a broker than the standby takes to lead.
            assert all(ended - began < PATIENCE_S for began, ended in
                       one.outages), one.outages
        assert self.onlooker.views > 20, vars(self.onlooker)
        assert self.onlooker.gap_s < 2, vars(self.onlooker)
        until(lambda: made.ctl(*self.options, "status")["persisted"] >=
              max(acknowledged), 20, "all is in the store")
        board = made.api.board_at(max(acknowledged))
        for api in made.apis:
            viewer = Client(api)
            viewer.until(lambda: viewer.beat and viewer.checked_beats, 10)
        made.stop()
        history = export(made.bin, made.folder)
        check_whole(history, acknowledged)
        assert replay(history, WIDTH, HEIGHT) == board.pixels


def two_of_each(cluster, **more):
    return cluster(brokers=2, persisters=2, edges=2, size=f"{WIDTH}x{HEIGHT}",
                   **more).start().ready()


@pytest.mark.timed
@pytest.mark.timeout(300)
def test_nothing_is_lost_and_viewing_never_stops(cluster):
    made = two_of_each(cluster)
    rolling = Rolling(made)

    def upgrade(name, ready):
        # Another file, as after an upgrade: the same program from elsewhere.
        new = os.path.join(made.folder, os.path.basename(made[name].argv[0]))
        if not os.path.exists(new):
            os.symlink(made[name].argv[0], new)
        rolling.replace(name, ready, new)

    rolling.brokers(upgrade)
    rolling.persisters(upgrade)
    rolling.edges(upgrade)
    rolling.end()


@pytest.mark.timed
@pytest.mark.timeout(300)
def test_servers_get_other_keys_and_placing_goes_on(cluster):
    """Edges come first: they take a server for itself by the old key and by
    the new one. Without that every process had to stop at once."""
    made = two_of_each(cluster, broker=CURVE, persister=CURVE, edge=CURVE)
    edge_key = os.path.join(made.folder, "keys", "edge.key")
    rolling = Rolling(made, "--curve", "on")
    before = KeyFile(edge_key).servers["broker"]
    made.keygen("rotate", "servers")
    during = KeyFile(edge_key).servers["broker"]
    assert len(before) == 1 and during[1:] == before
    rolling.edges(rolling.replace)
    rolling.persisters(rolling.replace)
    rolling.brokers(rolling.replace)
    made.keygen("retire", "servers")
    assert KeyFile(edge_key).servers["broker"] == during[:1]
    rolling.edges(rolling.replace)  # who knows the new ones alone gets on
    rolling.end()
