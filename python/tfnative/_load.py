# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Loads a model, whatever runs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tfnative._native_model import NativeModel

if TYPE_CHECKING:
    from tfnative._core import ThreadPool


def load(
    path: str | os.PathLike[str],
    *,
    cpu_level: str | None = None,
    threads: int | ThreadPool = 1,
) -> NativeModel:
    """Loads a compiled model.

    The library's checksum is verified before any of its code runs; the weights are
    read when they are first used, and shared with other processes.

    Args:
        path: The artifact's folder, or the shared library in it.
        cpu_level: Name of the CPU level whose code to run, as "x86-64-v2". Default:
            the one named by the environment variable TFNATIVE_CPU_LEVEL, else the best
            one that this CPU can run.
        threads: How many threads work on one call, the calling one included; or a
            pool of them, to share between models. A call that finds them busy with
            another one runs alone.

    Raises:
        InvalidArgumentError: ``threads`` is not in 1 to 1024.
        NotFoundError: There is no such file or folder.
        LoadError: It is truncated, damaged, no artifact, or made for another machine,
            CPU or version. The message says which.
    """
    return NativeModel(path, cpu_level=cpu_level, threads=threads)
