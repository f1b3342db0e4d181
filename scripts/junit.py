# SPDX-License-Identifier: Apache-2.0
"""junit.py FILE ALLOWED - prints "passed failed skipped forbidden" of a JUnit
file; forbidden are those skipped for a reason that no line (a regular
expression) of ALLOWED matches, and they are named on standard error."""

import re
import sys
import xml.etree.ElementTree as tree


def reasons(path):
    with open(path) as file:
        lines = [line.strip() for line in file]
    return [re.compile(line) for line in lines
            if line and not line.startswith("#")]


def main():
    allowed = reasons(sys.argv[2])
    good = bad = left = forbidden = 0
    try:
        cases = list(tree.parse(sys.argv[1]).iter("testcase"))
    except (OSError, tree.ParseError):
        cases = []
    for case in cases:
        skip = case.find("skipped")
        # A test that passes and whose teardown fails has both: it failed.
        if case.find("failure") is not None or case.find("error") is not None:
            bad += 1
        elif skip is not None:
            left += 1
            reason = skip.get("message", "")
            if not any(rule.search(reason) for rule in allowed):
                forbidden += 1
                print(f"skipped: {case.get('name')}: {reason}",
                      file=sys.stderr)
        else:
            good += 1
    print(good, bad, left, forbidden)


if __name__ == "__main__":
    main()
