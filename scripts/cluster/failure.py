# SPDX-License-Identifier: Apache-2.0
"""What ends a command with one sentence and an exit code."""


class Failure(Exception):
    """2: asked for wrongly; 1: it could not be done; 130: interrupted."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code
