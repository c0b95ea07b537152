# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Notes whether this process was forked from one that had TensorFlow in it.

TensorFlow's threads do not live on in a fork, and what waits for them waits for ever.
"""

from __future__ import annotations

import os
import sys

_with_tensorflow = False


def _note() -> None:
    global _with_tensorflow  # noqa: PLW0603 - it is about this process
    _with_tensorflow = _with_tensorflow or "tensorflow" in sys.modules


os.register_at_fork(after_in_child=_note)


def with_tensorflow() -> bool:
    """Whether TensorFlow was imported before this process was forked."""
    return _with_tensorflow
