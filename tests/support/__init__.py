# SPDX-License-Identifier: Apache-2.0
"""What the integration tests stand on. The codec, the board and the clients
here were written from docs/protocol.md alone, so that they and the C code can
disagree. The description of a cluster is that of ./stipple up, in
scripts/cluster."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "scripts"))
