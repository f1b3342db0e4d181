# SPDX-License-Identifier: Apache-2.0
"""Files that another process reads while a test writes them."""

import os


def write_whole(path, text, mode=0o644):
    """A reader sees the old text or the new one, never a part."""
    new = f"{path}.new"
    with open(new, "w") as file:
        file.write(text)
    os.chmod(new, mode)
    os.rename(new, path)
