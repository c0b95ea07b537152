# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What the system says of a path, in a line."""

from __future__ import annotations

import os


def describe(error: OSError) -> str:
    """What the system refused, and of which path."""
    what = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return what
    name = error.filename
    path = os.fsdecode(name) if isinstance(name, (bytes, str)) else str(name)
    return f"{what}: {path or repr(path)}"
