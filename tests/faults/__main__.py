# SPDX-License-Identifier: Apache-2.0
"""faults [--seed N] [--seconds S] [--store sqlite|dynamodb] [--players N]
[--keep DIR] - real processes under a seeded nemesis, and what must hold seen
from outside (docs/reliability.md). Without --store half of the time goes to
each. Ends with "N passed, N failed, 0 skipped"; a run that failed prints its
seed, the command, and the history of its faults."""

import argparse
import collections
import os
import random
import shutil
import sys
import tempfile
import time
import traceback

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS, os.path.join(os.path.dirname(TESTS), "scripts")]

from faults.check import Rules, Seen, check  # noqa: E402
from faults.crowd import Crowd  # noqa: E402
from faults.nemesis import CLOCK_MOST_S, Nemesis  # noqa: E402
from faults.world import World  # noqa: E402
from support.wait import Late, until  # noqa: E402

SIZE = (64, 64)
COOLDOWN_MS = 3000
# Two brokers' clocks, and the moment between a clock's two readings.
SKEW_MS = int(CLOCK_MOST_S * 1000) * 2 + 200
STORMY_S, CALM_S = 25, 240
SHOWN = 20  # mistakes of a run


class Failed(Exception):
    """What must hold does not."""


class Run:
    def __init__(self, seed, seconds, store, players, folder):
        self.seed, self.seconds, self.store = seed, seconds, store
        self.folder, self.count = folder, players
        self.history, self.began = [], time.monotonic()
        self.world = World(folder, store, SIZE, COOLDOWN_MS)
        self.nemesis = Nemesis(self.world, seed, self.say)
        self.crowd = None
        self.probes = []

    def say(self, what):
        self.history.append(f"{time.monotonic() - self.began:7.2f} {what}")

    def _await(self, condition, what):
        try:
            return until(condition, CALM_S, what, 0.2)
        except Late as error:
            raise Failed(f"all was well again, but: {error}") from error

    def _look(self):
        ended = [name for name in self.world.ended()
                 if not name.startswith("redis")]
        if ended:
            raise Failed(f"{ended[0]} ended by itself: "
                         f"{self.world.processes[ended[0]].last_line()}")
        if self.crowd.wrong:
            raise Failed("; ".join(self.crowd.wrong[:SHOWN]))

    def _storm(self, until_s):
        rng = self.nemesis.rng
        strike_at = time.monotonic()
        while time.monotonic() < until_s:
            self._look()
            self.nemesis.tend()
            self.nemesis.copy()
            if time.monotonic() >= strike_at:
                self.nemesis.strike()
                strike_at = time.monotonic() + rng.uniform(0.1, 1.6)
            time.sleep(0.05)  # the storm's own pace
        self._look()

    def _calm(self):
        """When faults stop, all must be well: placing works, everybody is
        level, the store has everything."""
        self.nemesis.heal()
        self.say("calm")
        probe = f"probe-{self.seed}-{len(self.probes)}"

        def placed():
            verdict = self.world.probe(probe)
            return verdict and verdict["status"] in ("ok", "duplicate") \
                and verdict
        self.probes.append(self._await(placed, "placing works")["what"])
        self.crowd.quiet = True

        def level():
            self._look()
            leader = self.world.leader()
            return leader and leader["persisted"] == leader["seq"] and \
                self.crowd.level(leader["seq"])
        self._await(level, "everybody is level, and the store")
        self.crowd.quiet = False
        self.say("level")

    def run(self):
        self.world.start()
        until(lambda: all(api.is_ready() for api in self.world.apis), 120,
              "the cluster is ready")
        self.crowd = Crowd(self.world.apis, self.world.signer, self.seed,
                           self.count, SIZE, every_s=6)
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            self._storm(min(end, time.monotonic() + STORMY_S))
            self._calm()
        self.crowd.quiet = True
        finals = self.crowd.finals()
        self.crowd.end()
        self._look()
        codes = self.world.stop()
        if codes:
            raise Failed(f"exit codes {codes}")
        return self._judge(finals)

    def _judge(self, finals):
        rows = self.world.rows()
        seen = Seen(self.crowd.gathered("answers"),
                    self.crowd.gathered("sights"), finals,
                    self.world.losses())
        asked = self.crowd.placements() | set(self.probes)
        wrong, excused = check(rows, seen, asked, Rules(
            *SIZE, COOLDOWN_MS, SKEW_MS))
        kinds = collections.Counter(a.status for a in seen.answers)
        print(f"seed {self.seed}, {self.store}: "
              f"{sum(self.nemesis.counts.values())} faults, {len(rows)} placed,"
              f" {dict(kinds)}, {len(seen.sights)} boards seen, "
              f"{len(seen.losses)} losses said, which excuse {excused}")
        if wrong:
            raise Failed("\n".join(wrong[:SHOWN]))

    def end(self):
        if self.crowd:
            self.crowd.ending = True
        self.world.end()


def attempt(options, seed, store, seconds):
    """One run; the faults by kind if it held, else None."""
    folder = tempfile.mkdtemp(prefix="stipple-faults-")
    run = Run(seed, seconds, store, options.players, folder)
    try:
        run.run()
    except Exception as error:
        if not isinstance(error, (Failed, Late)):
            traceback.print_exc()
        print(f"FAILED seed {seed}, {store}: {error}\n"
              f"again: ./stipple test faults --seed {seed} --seconds {seconds} "
              f"--store {store} --players {options.players}\n"
              "faults:\n" + "\n".join(run.history))
        if options.keep:
            shutil.copytree(os.path.join(folder, "logs"),
                            os.path.join(options.keep, f"{store}-{seed}"),
                            dirs_exist_ok=True)
        return None
    finally:
        run.end()
        shutil.rmtree(folder, ignore_errors=True)
    for what in sorted(run.nemesis.left_out):
        print(f"left out: {what}")
    return run.nemesis.counts


def main():
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--seed", type=int,
                        default=random.SystemRandom().getrandbits(31))
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--store", choices=("sqlite", "dynamodb"))
    parser.add_argument("--players", type=int, default=200)
    parser.add_argument("--keep", help="where the logs of a failed run go")
    options = parser.parse_args()
    stores = [options.store] if options.store else ["sqlite", "dynamodb"]
    results = [attempt(options, options.seed, store,
                       options.seconds / len(stores)) for store in stores]
    total = sum((counts for counts in results if counts is not None),
                collections.Counter())
    for kind, count in sorted(total.items()):
        print(f"  {count:5} {kind}")
    failed = sum(counts is None for counts in results)
    print(f"{len(results) - failed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
