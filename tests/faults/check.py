# SPDX-License-Identifier: Apache-2.0
"""What must hold, told from outside: by what clients were answered, by what
they saw, and by what the store holds in the end. Pure, so that a test can spoil
the observations and see each mistake caught (test_check.py).

A loss that was said (a broker's or an edge's history_lost, or RESYNC 3 to a
client) excuses what was acknowledged or seen before it from that seq on."""

import collections

from support.board import pixel_hash

# placed_at_ms is the broker's.
Row = collections.namedtuple("Row", "seq placed_at_ms user x y color")
# `copies`: how often it was sent; times in seconds.
Answer = collections.namedtuple(
    "Answer", "user x y color status seq remaining_ms copies sent_at got_at")
Sight = collections.namedtuple("Sight", "client at seq digest")
Final = collections.namedtuple("Final", "client at seq pixels")
Loss = collections.namedtuple("Loss", "at first")
Seen = collections.namedtuple("Seen", "answers sights finals losses")
Rules = collections.namedtuple("Rules", "width height cooldown_ms skew_ms")

# Old frames may be on their way when a loss is said.
LOSS_SLACK_S = 20


class Excuses:
    def __init__(self, losses):
        self.losses = losses
        self.used = 0

    def cover(self, seq, at):
        said = any(loss.first <= seq and at <= loss.at + LOSS_SLACK_S
                   for loss in self.losses)
        self.used += said
        return said


def placement(one):
    return one.user, one.x, one.y, one.color


def kept(answer):
    return answer.status in ("ok", "duplicate")


def check_order(rows):
    """Each seq once, from 1 on, ascending."""
    for at, row in enumerate(rows, 1):
        if row.seq != at:
            yield f"store: seq {row.seq} stands where {at} should"
            return


def check_acknowledged(rows, answers, excuses):
    """What was acknowledged is in the store, under its seq, as it was."""
    by_seq = {row.seq: row for row in rows}
    for answer in filter(kept, answers):
        row = by_seq.get(answer.seq)
        if row and placement(row) == placement(answer):
            continue
        if not excuses.cover(answer.seq, answer.got_at):
            yield (f"acknowledged seq {answer.seq} {placement(answer)} is "
                   f"{row and placement(row)} in the store")


def check_once(rows, answers):
    """Nothing is stored twice, and nothing that was refused."""
    stored = collections.Counter(placement(row) for row in rows)
    for what, count in stored.items():
        if count > 1:
            yield f"stored {count} times: {what}"
    acknowledged = {placement(a) for a in answers if kept(a)}
    for answer in answers:
        refused = not kept(answer) and answer.status != "unavailable"
        if refused and answer.copies == 1 and stored[placement(answer)] \
                and placement(answer) not in acknowledged:
            yield f"refused ({answer.status}) and stored: {placement(answer)}"


def check_asked(rows, asked):
    """Nothing is stored that nobody asked for."""
    for row in rows:
        if placement(row) not in asked:
            yield f"nobody asked for seq {row.seq} {placement(row)}"


def check_one_each(answers, excuses):
    """No seq is given to two placements."""
    owners = {}
    for answer in sorted(filter(kept, answers), key=lambda a: a.got_at):
        owner = owners.setdefault(answer.seq, answer)
        if placement(owner) != placement(answer) and \
                not excuses.cover(owner.seq, owner.got_at):
            yield (f"seq {answer.seq} was given twice: {placement(owner)} and "
                   f"{placement(answer)}")


def boards(rows, width, height):
    """The board's digest after each seq, and its pixels in the end."""
    pixels, digest = bytearray(width * height), 0
    digests = [0]
    for row in rows:
        index = row.y * width + row.x
        digest ^= pixel_hash(index, pixels[index])
        digest ^= pixel_hash(index, row.color)
        pixels[index] = row.color
        digests.append(digest)
    return digests, pixels


def check_sights(rows, seen, rules, excuses):
    """Whoever was told a seq had the board after that seq."""
    digests, pixels = boards(rows, rules.width, rules.height)
    for sight in seen.sights:
        right = sight.seq < len(digests) and \
            digests[sight.seq] == sight.digest
        if not right and not excuses.cover(sight.seq, sight.at):
            yield f"{sight.client} saw a wrong board at seq {sight.seq}"
    for final in seen.finals:
        if final.seq != len(rows):
            yield f"{final.client} ends at seq {final.seq}, not {len(rows)}"
        elif final.pixels != pixels:
            yield f"{final.client} ends with a wrong board"


def check_cooldown(rows, answers, rules):
    """Nobody places sooner than the cooldown, by the broker's times and by the
    clients' own; nobody is told to wait longer."""
    least_ms = rules.cooldown_ms - rules.skew_ms
    last = {}
    for row in rows:
        before = last.get(row.user)
        if before and row.placed_at_ms - before.placed_at_ms < least_ms:
            yield (f"{row.user} placed seq {before.seq} and {row.seq} within "
                   f"{row.placed_at_ms - before.placed_at_ms} ms")
        last[row.user] = row
    stored, last = {placement(row) for row in rows}, {}
    for answer in sorted((a for a in answers if a.status == "ok" and
                          placement(a) in stored), key=lambda a: a.seq):
        before = last.get(answer.user)
        if before and (answer.got_at - before.sent_at) * 1000 < least_ms:
            yield (f"{answer.user} was granted seq {before.seq} and "
                   f"{answer.seq} too soon")
        last[answer.user] = answer
    for answer in answers:
        if answer.remaining_ms > rules.cooldown_ms:
            yield (f"{answer.user} was told to wait {answer.remaining_ms} ms "
                   f"({answer.status})")


def check(rows, seen, asked, rules):
    """(what is wrong, how much a loss that was said excused)."""
    excuses = Excuses(seen.losses)
    wrong = [*check_order(rows),
             *check_acknowledged(rows, seen.answers, excuses),
             *check_once(rows, seen.answers),
             *check_asked(rows, asked),
             *check_one_each(seen.answers, excuses),
             *check_sights(rows, seen, rules, excuses),
             *check_cooldown(rows, seen.answers, rules)]
    return wrong, excuses.used
