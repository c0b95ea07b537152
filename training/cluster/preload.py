# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a process loads once, so that each member of a cluster is a copy of it.

TensorFlow takes five seconds of processor time to import. A member that is a fork of a
process that has done so starts, and starts again, in a fraction of that.
"""

from __future__ import annotations

import importlib
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def _load() -> None:
    """Imports without what TensorFlow prints of drivers that are not there."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        for name in ("tensorflow", "tf_keras"):
            importlib.import_module(name)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


_load()
