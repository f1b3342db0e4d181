# SPDX-License-Identifier: Apache-2.0
"""Conditions instead of sleeps; every wait has a deadline."""

import time


class Late(AssertionError):
    """What was waited for did not come in time."""


def until(condition, timeout=10.0, what=None, pause=0.02):
    """Polls until condition() is true and returns its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            name = what or getattr(condition, "__name__", "condition")
            raise Late(f"not within {timeout} s: {name}")
        time.sleep(pause)
