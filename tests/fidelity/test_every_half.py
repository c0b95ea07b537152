# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Functions of every number that half precision has give what they give in TensorFlow.

A product or an exponential on the way has the range of half precision in one and that
of float32 in the other, if a kernel differs; only all numbers show where.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from tests.fidelity.compiled import both, differing
from tests.fidelity.odd_numbers import kinds
from tests.fidelity.odd_ops import UNARY, _of, _takes
from tests.fidelity.test_odd_values import excused
from tests.turns import Once

ROUNDINGS = 4
IN_FLOAT32 = 1e-6
"""Rounding on the way, where the result is a difference."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_every_number_of_half_precision_is_as_in_tensorflow(
    name: str, once: Once
) -> None:
    dtype = tf.as_dtype(name)
    x = np.arange(2**16, dtype=np.uint16).view(dtype.as_numpy_dtype)
    limits: Any = ml_dtypes.finfo(x.dtype)  # type: ignore[no-untyped-call]
    ops = {op: _of("x", op) for op in UNARY if _takes(op, dtype)}
    found, wanted = both(
        once,
        f"every_half/{name}",
        lambda x: {op: compute({"x": x}) for op, compute in ops.items()},
        {"x": x},
    )
    # What comes near the smallest numbers of bfloat16 is flushed or not.
    flushed = 4 * float(limits.smallest_normal)
    absolute = flushed if name == "bfloat16" else IN_FLOAT32
    with np.errstate(invalid="ignore"):  # Of NaN in bfloat16.
        kind = kinds(x)
    wrong = []
    for op in ops:
        relative = ROUNDINGS * float(limits.eps)
        different = differing(found[op], wanted[op], relative, absolute)
        excuses = excused().get((op, name), set())
        different &= ~np.isin(kind, list(excuses))
        if different.any():
            first = np.flatnonzero(different)[0]
            got, want = found[op][first], wanted[op][first]
            wrong.append(f"{op} of {x[first]}: {got} for {want}, {different.sum()}")
    assert not wrong, "\n".join(wrong)
