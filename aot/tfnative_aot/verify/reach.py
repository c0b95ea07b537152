# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What elements of outputs see: how far they move when the inputs are rounded.

The value of an element says little of it where large numbers nearly cancel, or have
small weights by chance: it is small, and as uncertain as a large one. So the model
itself is asked, in float64, with inputs of which each is moved a little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[Any]
_Run = Callable[[dict[str, _Array]], Mapping[str, _Array]]

_STEP = 2.0**-20
"""Small beside a number, large beside its rounding to float32, which some ops do."""

_TRIES = 4
"""Moves of several inputs may cancel, too: never in all tries."""


def reach_of(run: _Run, inputs: Mapping[str, _Array]) -> dict[str, npt.NDArray[Any]]:
    """What each element of a model's outputs sees of the inputs.

    That is the root of the sum of squares of each input times the derivative by it, but
    for a factor of about two: each input is moved by the same part of it up or down, at
    random, and the largest change in a few tries is divided by that part. For a sum of
    products, these are the sizes of the products, whatever their sum is.

    Args:
        run: The model in float64, which may leave out outputs.
        inputs: What it is given, floats in float64. Other types are left alone.

    Returns:
        By output, an array of its shape; 0 where a change is not finite.
    """
    rng = np.random.default_rng(1963)
    names = [name for name, array in inputs.items() if array.dtype.kind in "fc"]
    before = run(dict(inputs))
    found: dict[str, npt.NDArray[Any]] = {}
    for _ in range(_TRIES):
        moved = dict(inputs)
        for name in names:
            signs = rng.choice(np.array([-_STEP, _STEP]), inputs[name].shape)
            moved[name] = inputs[name] * (1 + signs)
        for name, after in run(moved).items():
            if name not in before or before[name].shape != after.shape:
                continue
            if after.dtype.kind not in "fc":
                continue
            with np.errstate(invalid="ignore", over="ignore"):
                change = np.abs(after - before[name]) / _STEP
            change[~np.isfinite(change)] = 0
            found[name] = np.maximum(found.get(name, 0.0), change)
    return found
