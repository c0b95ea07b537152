# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles MobileNetV2 for one batch size and one CPU level, TensorFlow imported.

python -m benchmarks.workloads.compile_mobilenet SAVED_MODEL OUTPUT
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from benchmarks import models
from benchmarks.measure import run_python, summarize
from benchmarks.workloads import Measurement

NAME = "compile_mobilenet"
TARGET_SECONDS = 20.0


def run(folder: Path) -> list[Measurement]:
    """Seconds of the whole of ``tfnative.compile``, its process included.

    The first run also compiles the kernels, which the second takes from the cache.
    """
    saved_model = models.export("mobilenet_v2", folder)
    os.environ["TFNATIVE_CACHE"] = str(folder / "cache")
    measured = []
    for when in ("first", "again"):
        start = time.perf_counter()
        run_python("-m", __name__, saved_model, folder / f"mobilenet_{when}")
        sample = summarize([time.perf_counter() - start])
        measured.append(
            Measurement(NAME, "tfnative", f"{when}_seconds", sample, TARGET_SECONDS)
        )
    return measured


def compile_for_this_cpu(saved_model: str, output: str) -> None:
    """The call that is measured."""
    import tfnative

    tfnative.compile(
        saved_model, output, name="mobilenet", batch_sizes=[1], cpus=["native"]
    )


if __name__ == "__main__":
    compile_for_this_cpu(*sys.argv[1:])
