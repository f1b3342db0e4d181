# SPDX-License-Identifier: Apache-2.0
"""python3 scripts/cluster up|down|status …: what ./stipple runs."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from cluster.verbs import main  # noqa: E402

main()
