# SPDX-License-Identifier: Apache-2.0
"""What a JUnit file says.

junit.py count FILE ALLOWED [AGAIN] - prints "passed failed skipped forbidden";
forbidden are those skipped for a reason that no line (a regular expression) of
ALLOWED matches, and they are named on standard error. AGAIN holds the second
run of those that were late: what is in time there has passed, and is named.

junit.py late FILE - prints the ids of the tests that failed by nothing but a
wait that ended too soon (support.wait.Late), for pytest; nothing if they are
more than three, or if others failed as well.
"""

import re
import sys
import xml.etree.ElementTree as tree

LATE = "support.wait.Late"
LATE_MAX = 3


def reasons(path):
    with open(path) as file:
        lines = [line.strip() for line in file]
    return [re.compile(line) for line in lines
            if line and not line.startswith("#")]


def cases(path):
    try:
        return list(tree.parse(path).iter("testcase"))
    except (OSError, tree.ParseError):
        return []


def failures(case):
    """A test that passes and whose teardown fails has one, too."""
    return case.findall("failure") + case.findall("error")


def is_late(case):
    return all(f.get("message", "").startswith(LATE) for f in failures(case))


def id_of(case):
    path = case.get("classname").replace(".", "/")
    return f"tests/{path}.py::{case.get('name')}"


def late(path):
    failed = [case for case in cases(path) if failures(case)]
    if len(failed) > LATE_MAX or not all(map(is_late, failed)):
        return []
    return [id_of(case) for case in failed]


def count(path, allowed, again=None):
    good = bad = left = forbidden = 0
    allowed = reasons(allowed)
    in_time = {id_of(case) for case in cases(again) if not failures(case)
               and case.find("skipped") is None} if again else set()
    for case in cases(path):
        skip = case.find("skipped")
        if failures(case) and is_late(case) and id_of(case) in in_time:
            good += 1
            print(f"late beside others, in time alone: {id_of(case)}",
                  file=sys.stderr)
        elif failures(case):
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
    return good, bad, left, forbidden


def main():
    if sys.argv[1] == "late":
        for name in late(sys.argv[2]):
            print(name)
    else:
        print(*count(*sys.argv[2:]))


if __name__ == "__main__":
    main()
