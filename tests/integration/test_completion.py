# SPDX-License-Identifier: Apache-2.0
"""stipplectl's words on a command line: bash completes what its --help and its table
of verbs have, and both have the same."""

import os
import re
import subprocess

import pytest

from support.cluster import ROOT, bin_dir

SCRIPT = os.path.join(ROOT, "packaging", "completions", "stipplectl")


def stipplectl(*words):
    return subprocess.run([os.path.join(bin_dir("release"), "stipplectl"), *words],
                          capture_output=True, text=True, check=False)


def completed(now, before="stipplectl", cwd=None):
    """What bash offers for the word `now` behind the word `before`."""
    done = subprocess.run(
        ["bash", "-c", 'source "$1"; _stipplectl "$2" "$3" "$4"; '
         'printf "%s\\n" "${COMPREPLY[@]}"', "bash", SCRIPT,
         os.path.join(bin_dir("release"), "stipplectl"), now, before],
        capture_output=True, text=True, check=True, cwd=cwd)
    return done.stdout.split()


def table_of_verbs():
    """Of the usage that a wrong word gets."""
    usage = stipplectl("--curve", "off", "nonsense").stderr.removeprefix("stipplectl: one of: ")
    return [words.split()[0] for words in usage.split(", ")]


def test_each_verb_is_completed_and_in_the_help():
    verbs = table_of_verbs()
    assert len(verbs) > 10
    assert set(verbs) <= set(completed(""))
    for verb in verbs:
        assert re.search(rf"[ |]{verb}[ |\n]", stipplectl("--help").stdout), verb


def test_each_flag_is_completed():
    flags = re.findall(r"^  (--[a-z-]+) ", stipplectl("--help").stdout, re.M)
    assert len(flags) > 10 and set(flags) == set(completed("--"))


@pytest.mark.parametrize("now,before,offered", [
    ("unp", "stipplectl", ["unprotect"]),
    ("rollb", "--json", ["rollback", "rollbacks"]),
    ("", "--curve", ["auto", "on", "off"]),
    ("m", "--role", ["moderator"]),
    ("", "--reason", []),
    ("ke", "--key-file", ["keys"]),
    ("ke", "keygen", ["keys"]),
])
def test_what_fits_is_offered(now, before, offered, tmp_path):
    (tmp_path / "keys").mkdir()
    assert completed(now, before, tmp_path) == offered
