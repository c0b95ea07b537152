# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How good predictions are, by what is predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def measure_output(
    name: str, predicted: NDArray[Any], features: dict[str, Any], labels: NDArray[Any]
) -> tuple[str, float]:
    """The metric that an output's name stands for, and its value, added up in float64.

    In float32, a mean of large errors would be infinite.
    """
    exact = predicted.astype(np.float64)
    if name == "reconstruction":
        (target,) = features.values()
        return "mean squared error", float(((exact - target) ** 2).mean())
    if name == "value":
        return "mean absolute error", float(abs(exact[:, 0] - labels).mean())
    return "accuracy", float((predicted.argmax(axis=1) == labels).mean())
