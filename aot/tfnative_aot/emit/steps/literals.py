# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers and their groups as C initializers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tfnative_aot.program.steps import Epilogue, Matrix


def epilogue_field(epilogue: Epilogue) -> str:
    """The field of a parameter struct that says what is done with sums."""
    low, high = (float_literal(value) for value in (epilogue.low, epilogue.high))
    activation = f"TFN_{epilogue.activation.upper()}"
    return f".epilogue = {{{activation}, {low}, {high}}}"


def float_literal(value: float) -> str:
    """A number, exactly."""
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    if math.isnan(value):
        return "NAN"
    return f"{value.hex()}f"


def matrix_literal(matrix: Matrix) -> str:
    """The strides of a tfn_matrix."""
    return f"{{{matrix.batch_stride}, {matrix.row_stride}, {matrix.col_stride}}}"


def braces(values: Sequence[int]) -> str:
    """An array of numbers."""
    return "{" + ", ".join(map(str, values)) + "}"
