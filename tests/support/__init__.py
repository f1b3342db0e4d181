# SPDX-License-Identifier: Apache-2.0
"""What the integration tests stand on. The codec, the board and the clients
here were written from docs/protocol.md alone, so that they and the C code can
disagree."""
