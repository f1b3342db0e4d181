# SPDX-License-Identifier: Apache-2.0
"""stipple-load --canary beside a cluster."""

import os

from cluster.process import Process
from support.cluster import ENVIRONMENT, bin_dir, free_ports
from support.metrics import scrape


class Canary:
    """Watches the edge at `url`; its port answers once it runs."""

    def __init__(self, folder, url, *more, every_ms=500, at="3,4",
                 variant="asan", name="canary-1"):
        self.port = free_ports()[0]
        self.process = Process(name, [
            os.path.join(bin_dir(variant), "stipple-load"), "--canary",
            "--url", url, "--canary-at", at, "--canary-every-ms", every_ms,
            "--metrics-port", self.port, "--user-prefix", "canary", *more],
            metrics_ports=[self.port], folder=str(folder), env=ENVIRONMENT)

    def start(self):
        self.process.start()
        return self

    def stop(self):
        return self.process.stop()

    def values(self):
        """{} while it does not answer yet."""
        try:
            return scrape(self.port)
        except OSError:
            return {}

    def value(self, name):
        return self.values().get("stipple_canary_" + name, 0)
