# SPDX-License-Identifier: Apache-2.0
"""Reads Prometheus text."""

import re
import urllib.request

LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(\{[^}]*\})? (\S+)$")


def scrape(port):
    """{name or name{labels}: value}; every line must be well formed."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics",
                                timeout=5) as answer:
        text = answer.read().decode()
    values, typed = {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            typed.add(line.split()[2])
        if not line or line.startswith("#"):
            continue
        match = LINE.match(line)
        assert match, f"no Prometheus line: {line!r}"
        family = re.sub("_(bucket|sum|count)$", "", match[1])
        assert {match[1], family} & typed, f"{match[1]} has no TYPE"
        values[match[1] + (match[2] or "")] = float(match[3])
    return values


def total(values, pattern):
    """The sum of all whose name (with labels) matches."""
    return sum(v for k, v in values.items() if re.search(pattern, k))
