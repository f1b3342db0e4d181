# SPDX-License-Identifier: Apache-2.0
"""Reads Prometheus text, as ./stipple status does."""

from cluster.metrics import scrape, total  # noqa: F401
