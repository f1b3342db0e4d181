# SPDX-License-Identifier: Apache-2.0
"""An edge that is told to stop with 2,000 viewers on it."""

import os
import signal
import time

import pytest

from support.cluster import free_ports
from support.load import StippleLoad
from support.wait import until

VIEWERS, PLACERS = 2000, 20
DRAIN_MS = 8000


@pytest.mark.timed
@pytest.mark.timeout(150)
def test_an_edge_with_2000_viewers_drains_without_one_wrong(cluster):
    # Two edges on one port: whoever comes back reaches the one that is left,
    # as behind a load balancer.
    port = free_ports()[0]
    made = cluster(edges=2, variant="release",
                   edge={"port": port, "drain_ms": DRAIN_MS})
    made.apis = made.apis[:1]
    made.api.port = port
    made.start("redis", "broker-1", "persister-1", "edge-1").ready()
    load = StippleLoad([made.api], made.token_key_file, VIEWERS, PLACERS, 40, 30)
    try:
        old, new = made["edge-1"], made["edge-2"]
        everybody = VIEWERS + PLACERS

        def sessions(edge):
            return edge.metrics()["stipple_edge_sessions"]
        until(lambda: sessions(old) == everybody, 30, "all are connected")
        made.start("edge-2")
        until(lambda: new.is_running() and ready(new), 20, "edge-2 is ready")

        began = time.monotonic()
        os.kill(old.pid, signal.SIGTERM)
        time.sleep(DRAIN_MS / 4000)
        # In slices: not all at once, and none is accepted any more.
        left = sessions(old)
        assert 0 < left < everybody, left
        assert old.stop(DRAIN_MS / 1000 + 5) == 0
        assert time.monotonic() - began < DRAIN_MS / 1000 + 1

        report = load.report(60)
    finally:
        load.stop()
    assert report["closes"]["1012"] == everybody, report["closes"]
    assert sum(report["closes"].values()) == everybody, report["closes"]
    assert report["reconnects"] == everybody, report["reconnects"]
    for name in ("acknowledged_not_seen", "acknowledged_wrong_color",
                 "acknowledged_seq_reused"):
        assert report[name] == 0, (name, report)
    assert report["ok"] and report["board"]["served"], report
    assert report["acknowledged"] > 200, report


def ready(edge):
    try:
        return edge.metrics()["stipple_edge_ready"] == 1
    except (OSError, KeyError):
        return False
