# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""tfnative: a compiled model."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contestants import Predict


def prepare(saved_model: Path, folder: Path, batch_sizes: list[int]) -> Path:
    """Compiles for this machine."""
    import tfnative

    output = folder / f"{saved_model.name}.tfnative"
    tfnative.compile(
        saved_model, output, name="model", batch_sizes=batch_sizes, cpus=["native"]
    )
    return output


def load(model: Path, threads: int = 1) -> Predict:
    """Loads ``serving_default``."""
    import tfnative

    return tfnative.load(model, threads=threads).predict
