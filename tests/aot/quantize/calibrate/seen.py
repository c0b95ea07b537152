# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is observed of numbers that tests have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfnative_aot.progress import Progress, Silent
from tfnative_aot.quantize.calibrate.collect import collect
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.observed import Observed


def samples(rows: Any) -> CalibrationData:
    """Samples of one input, "x"."""
    found = tuple({"x": np.asarray(row)} for row in rows)
    return CalibrationData(found, frozenset({"x"}), len(found), ())


def echo(feeds: Mapping[str, Any], tensors: Sequence[str]) -> list[Any]:
    """A model whose tensors are its inputs."""
    return [feeds[name] for name in tensors]


def observed(rows: Any, progress: Progress | None = None) -> Observed:
    """What is seen of rows of numbers."""
    return collect(echo, ["x"], samples(rows), progress or Silent())["x"]
