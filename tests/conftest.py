# SPDX-License-Identifier: Apache-2.0
"""Fixtures of every test written in Python."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support.cluster import Cluster, Supervised, bin_dir  # noqa: E402


def pytest_sessionstart():
    for name in ("broker", "edge", "persister"):
        path = os.path.join(bin_dir(), f"stipple-{name}")
        if not os.path.exists(path):
            pytest.exit(f"{path} is missing: make SAN=1", 2)


def group_of(item):
    """A module's tests share its clusters, one per transport, and its servers,
    one per kind."""
    chosen = getattr(item, "callspec", None)
    chosen = chosen.params if chosen else {}
    return "-".join([item.module.__name__, *(
        str(chosen[name]) for name in ("transport", "kind") if name in chosen)])


def pytest_collection_modifyitems(config, items):
    """Side by side (xdist's loadgroup) a group stays together, and the largest
    begin: else they would be left to the end."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    slow = ("test_stores", "test_persister", "test_forks", "test_restore")
    items.sort(key=lambda item: not item.module.__name__.startswith(slow))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    setattr(item, "failed_" + outcome.get_result().when,
            outcome.get_result().failed)


def show_logs(request, clusters):
    """Where a test failed, the ends of its processes' logs."""
    if getattr(request.node, "failed_call", False):
        for cluster in clusters:
            if isinstance(cluster, Cluster):
                for process in cluster.processes.values():
                    if os.path.exists(process.log_path):
                        print(f"--- {process.name}\n{process.log()[-3000:]}")
            else:
                for name, text in cluster.tails().items():
                    print(f"--- {name}\n{text}")


def _factory(kind, request, tmp_path_factory):
    made = []

    def make(*args, **settings):
        folder = tmp_path_factory.mktemp("cluster")
        made.append(kind(folder, *args, **settings))
        return made[-1]
    yield make
    show_logs(request, made)
    problems = []
    for one in made:
        try:
            one.finish()
        except AssertionError as error:
            problems.append(str(error))
    assert not problems, "\n".join(problems)


@pytest.fixture
def cluster(request, tmp_path_factory):
    """cluster(brokers=2, edge={…}): forked by the test; .start().ready()."""
    yield from _factory(Cluster, request, tmp_path_factory)


@pytest.fixture(scope="module")
def module_cluster(request, tmp_path_factory):
    """The same, for tests of a module that share one."""
    yield from _factory(Cluster, request, tmp_path_factory)


@pytest.fixture(scope="module", params=["plain", "tls"])
def transport(request):
    """What all clusters of a module's tests speak on their public ports: for
    modules whose every test is to pass over both."""
    Cluster.transport = request.param
    yield request.param
    Cluster.transport = "plain"


@pytest.fixture
def supervised(request, tmp_path_factory):
    """supervised("--cooldown", "0"): by ./stipple up --detach; .up()."""
    yield from _factory(Supervised, request, tmp_path_factory)
