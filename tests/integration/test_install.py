# SPDX-License-Identifier: Apache-2.0
"""What `make install` lays below its prefix: programs that start, the page, and
a manual of each program that says what its --help says."""

import gzip
import os
import shutil
import subprocess

import pytest

from support.cluster import ROOT, bin_dir

PROGRAMS = ["stipple-broker", "stipple-edge", "stipple-load",
            "stipple-persister", "stipplectl"]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("installed"))
    subprocess.run(
        [os.path.join(ROOT, "packaging", "install-programs"),
         bin_dir("release"), folder, "1.2.3"], check=True, timeout=120)
    return folder


def test_what_is_installed(prefix):
    assert sorted(os.listdir(os.path.join(prefix, "bin"))) == PROGRAMS
    assert sorted(os.listdir(os.path.join(prefix, "share/man/man1"))) == \
        [name + ".1.gz" for name in PROGRAMS]
    assert os.path.isfile(os.path.join(
        prefix, "share/bash-completion/completions/stipplectl"))
    assert os.path.isfile(os.path.join(
        prefix, "share/stipple/web/index.html"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_manual_is_the_help(prefix, name):
    said = subprocess.run([os.path.join(prefix, "bin", name), "--help"],
                          capture_output=True, text=True, check=True,
                          timeout=60).stdout
    path = os.path.join(prefix, "share/man/man1", name + ".1.gz")
    with gzip.open(path, "rt") as file:
        page = file.read()
    assert page.startswith(f'.TH {name.upper()} 1 "')
    assert "Stipple 1.2.3" in page
    plain = page.replace("\\-", "-").replace("\\e", "\\").replace("\\&", "")
    for line in said.splitlines():
        assert line in plain
    if name == "stipplectl":
        assert "timelapse" in page and "rollback" in page
    if shutil.which("man"):
        shown = subprocess.run(["man", "--warnings", "-l", path],
                               capture_output=True, text=True, check=True,
                               timeout=60, env={**os.environ, "MANPAGER": "cat",
                                                "MANWIDTH": "200"})
        assert not shown.stderr and said.splitlines()[0] in shown.stdout


def test_without_a_version_there_is_no_manual(tmp_path):
    subprocess.run(
        [os.path.join(ROOT, "packaging", "install-programs"),
         bin_dir("release"), str(tmp_path)], check=True, timeout=120)
    assert not os.path.exists(tmp_path / "share" / "man")
