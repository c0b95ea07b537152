# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds TensorFlow's library, and has it keep quiet."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tfnative._base.forked import lock_held_by_fork

_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_lock = lock_held_by_fork()


@cache
def package_library() -> str:
    """The library of the installed TensorFlow package, which is not imported.

    Empty if there is none.
    """
    try:
        spec = importlib.util.find_spec("tensorflow")
    except (ImportError, ValueError):
        return ""
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(folder) / "libtensorflow_cc.so.2"
        if file.exists():
            return str(file)
    return ""


@contextmanager
def quiet() -> Iterator[None]:
    """While TensorFlow's library is opened: it shall log nothing that errors say.

    The library reads the variable once, when it is opened. Who sets the variable has
    the last word.
    """
    with _lock:
        if _LOG_LEVEL in os.environ:
            yield
            return
        os.environ[_LOG_LEVEL] = "3"
        try:
            yield
        finally:
            os.environ.pop(_LOG_LEVEL, None)
