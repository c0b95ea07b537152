# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Opens what TensorFlow needs of CUDA, and does not find itself."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

from tfnative._backends.tensorflow.library import package_library

_DRIVER = "libcuda.so.1"


@cache
def open_cuda() -> None:
    """Opens the cuSOLVER that pip has installed beside TensorFlow's package.

    TensorFlow uses no GPU where it misses one of CUDA's libraries. Version 2.21 looks
    for all of them in NVIDIA's packages, but for this one. One that is open already is
    found by its name. Machines without NVIDIA's driver are spared the time.
    """
    package = package_library()
    if not package or os.environ.get("TFNATIVE_LIBTENSORFLOW"):
        return
    folder = Path(package).parents[1] / "nvidia" / "cusolver" / "lib"
    files = sorted(folder.glob("libcusolver.so.*"))
    if files and _opens(_DRIVER):
        for file in files:
            _opens(str(file))


def _opens(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:  # TensorFlow says what it misses.
        return False
    return True
