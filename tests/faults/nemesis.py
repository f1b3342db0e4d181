# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, by a seed. A fault begins, lasts, and ends; several may
overlap. What a fault ended is started again with it."""

import collections
import os
import random
import signal
import time

from faults.world import BROKERS, EDGES, REDISES
from support.wait import until

Fault = collections.namedtuple("Fault", "kind weight begin")
CLOCK_MOST_S = 0.5
# If Redis loses its end, and every process that may have known it dies, edges
# too, then nobody is left to say what was lost. So a storm has one of the two,
# and one edge that lives through it.
FORGETS = {"redis-emptied", "redis-older", "redis-lagging-replica"}
ENDS_ALL = {"kill-everything"}


def nothing():
    pass


class Nemesis:
    def __init__(self, world, seed, say):
        self.world, self.say = world, say
        self.rng = random.Random(f"nemesis {seed}")
        self.counts = collections.Counter()
        self.active = []  # (ends at, kind, end)
        self.copied_at = 0.0
        self.struck = set()  # in this storm
        self.spared = EDGES[0]  # in this storm: an edge that remembers
        self.faults = [Fault(*row) for row in self._table()]
        self.left_out = set()

    def _table(self):
        yield "kill-broker", 4, lambda: self._kill(BROKERS)
        yield "kill-edge", 3, lambda: self._kill(self._edges())
        yield "kill-persister", 3, lambda: self._kill(["persister-1"])
        yield "kill-redis", 3, lambda: self._kill(self._redis())
        yield "kill-both-brokers", 1, lambda: self._kill_all(BROKERS)
        yield "kill-leader-and-redis", 1, self._kill_leader_and_redis
        yield "kill-everything", 0.5, self._kill_everything
        yield "term-broker", 2, lambda: self._term(BROKERS)
        yield "term-edge", 1, lambda: self._term(self._edges())
        yield "freeze-broker", 4, lambda: self._freeze(BROKERS)
        yield "freeze-edge", 2, lambda: self._freeze(EDGES)
        yield "freeze-persister", 2, lambda: self._freeze(["persister-1"])
        yield "freeze-redis", 2, lambda: self._freeze(self._redis())
        yield "cut-link", 5, lambda: self._link("cut", True)
        yield "black-hole", 5, lambda: self._link("hole", True)
        yield "delay", 4, lambda: self._link(
            "delay_s", self.rng.choice([0.02, 0.1, 0.4]))
        yield "break-connections", 4, self._drop
        yield "swap-addresses", 3, self._swap
        yield "isolate-broker", 2, self._isolate
        yield "redis-emptied", 2, self._empty
        yield "redis-older", 2, self._older
        yield "redis-lagging-replica", 2, self._promote
        yield "redis-full", 3, self._fill_memory
        yield "redis-disk-full", 1.5, lambda: self._fill_disk(
            REDISES[self.world.master])
        if self.world.store_kind == "sqlite":
            yield "store-disk-full", 2, lambda: self._fill_disk("store")
        else:
            yield "kill-store", 1.5, self._kill_store
            yield "freeze-store", 1.5, self._freeze_store
        yield "clock", 3, self._clock

    # --- each: begins, and returns what ends it ---

    def _edges(self):
        return [name for name in EDGES if name != self.spared]

    def _redis(self):
        return [REDISES[self.world.master]]

    def _kill(self, names):
        return self._kill_all([self.rng.choice(names)])

    def _kill_all(self, names):
        for name in names:
            self.world.kill(name)
        return " ".join(names), self.world.revive

    def _kill_leader_and_redis(self):
        leader = self.world.leader()
        names = [leader["name"]] if leader else [self.rng.choice(BROKERS)]
        return self._kill_all(names + self._redis())

    def _kill_everything(self):
        return self._kill_all([*EDGES, *BROKERS, "persister-1", *self._redis()])

    def _term(self, names):
        name = self.rng.choice(names)
        process = self.world.processes[name]
        if process.is_running():
            os.kill(process.pid, signal.SIGCONT)
            process.stop(60)
        return name, self.world.revive

    def _freeze(self, names):
        process = self.world.processes[self.rng.choice(names)]
        if not process.is_running():
            return process.name + " (away)", nothing
        pid = process.pid
        process.freeze()

        def thaw():
            if process.is_running() and process.pid == pid:
                process.thaw()
        return process.name, thaw

    def _any_link(self):
        return self.world.links[self.rng.choice(sorted(self.world.links))]

    def _link(self, field, value):
        link = self._any_link()
        setattr(link.weather, field, value)
        if field == "cut":
            link.drop()
        return f"{link.name} {value}", link.clear

    def _drop(self):
        link = self._any_link()
        link.drop()
        return link.name, nothing

    def _swap(self):
        """One peer finds each broker at the other's address."""
        user = self.rng.choice([*EDGES, "persister-1"])
        one, other = (self.world.links[f"{user}>{name}"] for name in BROKERS)
        one.weather.swapped, other.weather.swapped = other, one
        one.drop()
        other.drop()

        def end():
            one.clear()
            other.clear()
        return user, end

    def _isolate(self):
        name = self.rng.choice(BROKERS)
        links = [link for link in self.world.links.values()
                 if name in link.name]
        for link in links:
            link.weather.hole = True

        def end():
            for link in links:
                link.clear()
                link.drop()
        return name, end

    def _empty(self):
        self.world.empty_redis()
        return REDISES[self.world.master], self.world.revive

    def _older(self):
        age_s = time.monotonic() - self.copied_at
        self.world.put_back_redis()
        return f"by {age_s:.1f} s", self.world.revive

    def _promote(self):
        """It stops to follow some time before it is promoted."""
        lag_s = self.rng.choice([0, 0.2, 1])
        self.world.redis_cli(1 - self.world.master, "replicaof", "no", "one")
        time.sleep(lag_s)  # the lag itself
        self.world.lead_to_replica()

        def end():
            self.world.revive()
            self.world.follow_again()
        return f"{REDISES[self.world.master]} lags {lag_s} s", end

    def _fill_memory(self):
        which = self.world.master
        self.world.redis_cli(which, "config", "set", "maxmemory", "1")
        return REDISES[which], lambda: self.world.redis_cli(
            which, "config", "set", "maxmemory", "0")

    def _fill_disk(self, name):
        disk = self.world.disks[name]
        if not disk.mounted:
            self.left_out.add("a full disk: nothing can be mounted here")
            return None
        disk.fill()

        def end():
            disk.clear()
            self.world.revive()
        return name, end

    def _kill_store(self):
        self.world.server.kill()
        return "dynamodb", self.world.server.start

    def _freeze_store(self):
        server = self.world.server
        if server.child is None:
            return None
        pid = server.child.pid
        os.killpg(pid, signal.SIGSTOP)

        def thaw():
            if server.child and server.child.pid == pid:
                os.killpg(pid, signal.SIGCONT)
        return "dynamodb", thaw

    def _clock(self):
        by_s = self.rng.uniform(-CLOCK_MOST_S, CLOCK_MOST_S)
        self.world.set_clock(by_s)
        return f"broker-2 {by_s:+.2f} s", nothing

    # --- the course of a run ---

    def copy(self):
        """Redis's files now and then, to be put back later."""
        if any(kind == "freeze-redis" for _, kind, _ in self.active):
            return
        if time.monotonic() - self.copied_at > self.rng.uniform(2, 10) and \
                self.world.copy_redis():
            self.copied_at = time.monotonic()

    def strike(self):
        weights = [fault.weight for fault in self.faults]
        kind, _, begin = self.rng.choices(self.faults, weights)[0]
        if any(kind == active for _, active, _ in self.active):
            return
        if kind in FORGETS and self.struck & ENDS_ALL or \
                kind in ENDS_ALL and self.struck & FORGETS:
            return
        begun = begin()
        if begun is None:
            return
        what, end = begun
        lasts_s = self.rng.choice([0.1, 0.5, 1, 2, 4])
        self.counts[kind] += 1
        self.struck.add(kind)
        self.say(f"{kind}: {what}, for {lasts_s} s")
        self.active.append((time.monotonic() + lasts_s, kind, end))

    def tend(self, everything=False):
        """Ends what has lasted long enough."""
        now = time.monotonic()
        due = [a for a in self.active if everything or a[0] <= now]
        for one in due:
            self.active.remove(one)
            one[2]()
        if due:
            self.say("over: " + ", ".join(kind for _, kind, _ in due))

    def heal(self):
        self.tend(everything=True)
        for link in self.world.links.values():
            link.clear()

        def again():
            self.world.revive()
            return self.world.follow_again()
        until(again, 120, "both Redis run", 0.2)
        self.struck, self.spared = set(), self.rng.choice(EDGES)
