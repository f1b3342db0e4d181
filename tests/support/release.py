# SPDX-License-Identifier: Apache-2.0
"""Programs of an earlier release, built from this clone's own history."""

import fcntl
import os
import subprocess

import pytest

from support.cluster import ROOT

COMMITS = {"0.1.0": "e02a1c1c5ef229d60c62f0f6e3f72e783a5c6b2a"}
# Without libwebsockets, which its edge alone needs.
PACKAGES = ("libczmq libzmq libuv hiredis libcurl sqlite3 jansson openssl "
            "zlib libdeflate spng libzstd libmicrohttpd")


def build_release(version, *programs):
    """The folder with the programs; made once, whoever asks first."""
    commit = COMMITS[version]
    known = subprocess.run(["git", "cat-file", "-e", commit], cwd=ROOT,
                           capture_output=True)
    if known.returncode:
        pytest.skip(f"{version} is not in this clone's history")
    folder = os.path.join(ROOT, "build", version)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(folder, "Makefile")):
            archive = subprocess.run(["git", "archive", commit], cwd=ROOT,
                                     check=True, capture_output=True)
            subprocess.run(["tar", "-x", "-C", folder], check=True,
                           input=archive.stdout)
        made = subprocess.run(
            ["make", "-s", f"-j{os.cpu_count()}", "WERROR=",
             f"PKGS={PACKAGES}", *(f"build/{name}" for name in programs)],
            cwd=folder, capture_output=True, text=True, timeout=600)
        assert made.returncode == 0, made.stderr[-3000:]
    return os.path.join(folder, "build")
