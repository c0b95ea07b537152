# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""tfnative: a compiled model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchmarks.arithmetic import FLOAT32, INT8
from benchmarks.contestants import Predict, calibration, converted

if TYPE_CHECKING:
    from tfnative._compile.options import Precision


def prepare(
    saved_model: Path, folder: Path, batch_sizes: list[int], precision: str = FLOAT32
) -> Path:
    """Compiles for this machine."""
    import tfnative

    output = converted(saved_model, folder, precision, "tfnative")
    tfnative.compile(
        saved_model,
        output,
        name="model",
        batch_sizes=batch_sizes,
        cpus=["native"],
        precision=cast("Precision", precision),
        calibration=calibration(saved_model) if precision == INT8 else None,
    )
    return output


def load(model: Path, threads: int = 1) -> Predict:
    """Loads ``serving_default``."""
    import tfnative

    return tfnative.load(model, threads=threads).predict
