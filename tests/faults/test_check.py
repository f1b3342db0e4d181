# SPDX-License-Identifier: Apache-2.0
"""A checker that cannot fail is a defect: each way to spoil a good run's
observations is caught, and a loss that was said excuses what it should."""

import random

import pytest
from faults.check import (Answer, Final, Loss, Row, Rules, Seen, Sight, boards,
                          check, placement)

RULES = Rules(16, 8, 1000, 200)
ROWS = 60
USERS = 5


class Run:
    """A run in which all is well."""

    def __init__(self):
        rng = random.Random(7)
        self.rows, self.answers, self.sights = [], [], []
        self.losses = []
        for seq in range(1, ROWS + 1):
            row = Row(seq, 10000 + seq * 250, f"user-{seq % USERS}",
                      rng.randrange(16), seq % 8, rng.randrange(16))
            self.rows.append(row)
            at = row.placed_at_ms / 1000
            self.answers.append(Answer(*placement(row), "ok", seq, 1000, 1,
                                       at - 0.01, at + 0.01))
        self.answers.append(Answer("user-1", 3, 3, 3, "cooldown", 0, 900, 1,
                                   12, 12.1))
        self.asked = {placement(a) for a in self.answers}
        digests, pixels = boards(self.rows, 16, 8)
        for seq in range(1, ROWS + 1, 3):
            self.sights.append(Sight("viewer", 10 + seq / 4, seq,
                                     digests[seq]))
        self.finals = [Final("viewer", 30, ROWS, pixels)]

    def check(self):
        return check(self.rows, Seen(self.answers, self.sights, self.finals,
                                     self.losses), self.asked, RULES)


def replaced(items, at, **fields):
    items[at] = items[at]._replace(**fields)


def drop_row(run):
    del run.rows[20]


def drop_last_row(run):
    del run.rows[-1]


def double_row(run):
    run.rows.insert(20, run.rows[20])


def double_row_under_another_seq(run):
    run.rows.append(run.rows[20]._replace(seq=ROWS + 1, placed_at_ms=90000))


def flip_row(run):
    replaced(run.rows, 20, color=run.rows[20].color ^ 1)


def reorder_rows(run):
    run.rows[20], run.rows[21] = run.rows[21], run.rows[20]


def reorder_what_rows_hold(run):
    one, other = run.rows[20], run.rows[21]
    run.rows[20] = other._replace(seq=one.seq)
    run.rows[21] = one._replace(seq=other.seq)


def row_of_nobody(run):
    run.rows.append(Row(ROWS + 1, 90000, "nobody", 1, 1, 1))


def flip_acknowledged(run):
    replaced(run.answers, 20, color=run.answers[20].color ^ 1)


def double_seq(run):
    replaced(run.answers, 20, seq=run.answers[21].seq)


def acknowledged_beyond_the_store(run):
    replaced(run.answers, 20, seq=ROWS + 5)


def refused_and_stored(run):
    replaced(run.answers, 20, status="cooldown", seq=0)


def drop_diff(run):
    """A viewer that missed one change has the digest without it."""
    digests = boards(run.rows, 16, 8)[0]
    at = next(i for i, s in enumerate(run.sights)
              if digests[s.seq] != digests[s.seq - 1])
    replaced(run.sights, at, digest=digests[run.sights[at].seq - 1])


def flip_sight(run):
    replaced(run.sights, 5, digest=run.sights[5].digest ^ 1)


def reorder_sights(run):
    one, other = run.sights[5], run.sights[6]
    run.sights[5] = one._replace(digest=other.digest)
    run.sights[6] = other._replace(digest=one.digest)


def sight_beyond_the_store(run):
    replaced(run.sights, 5, seq=ROWS + 9)


def flip_final(run):
    pixels = bytearray(run.finals[0].pixels)
    pixels[9] ^= 1
    replaced(run.finals, 0, pixels=pixels)


def viewer_left_behind(run):
    replaced(run.finals, 0, seq=ROWS - 1)


def too_soon_by_the_broker(run):
    replaced(run.rows, 25, placed_at_ms=run.rows[20].placed_at_ms + 500)


def too_soon_by_the_clients(run):
    replaced(run.answers, 25, got_at=run.answers[20].sent_at + 0.5)


def locked_out(run):
    replaced(run.answers, ROWS, remaining_ms=1001)


SPOILS = [drop_row, drop_last_row, double_row, double_row_under_another_seq,
          flip_row, reorder_rows, reorder_what_rows_hold, row_of_nobody,
          flip_acknowledged, double_seq, acknowledged_beyond_the_store,
          refused_and_stored, drop_diff, flip_sight, reorder_sights,
          sight_beyond_the_store, flip_final, viewer_left_behind,
          too_soon_by_the_broker, too_soon_by_the_clients, locked_out]


def test_a_good_run_is_good():
    assert Run().check() == ([], 0)


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_spoiled_observation_is_caught(spoil):
    run = Run()
    spoil(run)
    wrong, _ = run.check()
    assert wrong


def lose_the_end(run):
    """The last ten are lost, and their seqs given anew to others."""
    for at in range(50, ROWS):
        lost = run.answers[at]
        run.answers.append(lost._replace(x=15, y=7, color=at % 15 + 1,
                                         sent_at=lost.sent_at + 60,
                                         got_at=lost.got_at + 60))
    del run.rows[50:]
    run.rows += [Row(50 + i + 1, int(a.got_at * 1000), *placement(a))
                 for i, a in enumerate(run.answers[ROWS + 1:])]
    run.asked |= {placement(a) for a in run.answers}
    run.finals = [Final("viewer", 99, ROWS, boards(run.rows, 16, 8)[1])]


def test_loss_that_was_said_excuses_what_was_before_it():
    run = Run()
    lose_the_end(run)
    assert run.check()[0]
    run.losses = [Loss(60, 51)]
    wrong, excused = run.check()
    assert not wrong and excused


@pytest.mark.parametrize("loss", [Loss(60, 55), Loss(-20, 51)])
def test_loss_said_of_less_or_earlier_excuses_nothing_else(loss):
    run = Run()
    lose_the_end(run)
    run.losses = [loss]
    assert run.check()[0]
