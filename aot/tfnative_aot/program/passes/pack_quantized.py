# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Adds the weights of quantized products to a program, as kernels read them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tfnative_aot.freeze.quantized import Product
from tfnative_aot.program.memory import Allocation, Constant, Shape, Slice
from tfnative_aot.program.passes.packing_int8 import (
    pack_int8_depthwise,
    pack_int8_filter,
)
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Quantized, Step


def pack_quantized(program: Program) -> Program:
    """The program with a constant for each product.

    Such steps are never nested: functions of quantized arrays are the graph's.
    """
    allocations, constants = list(program.allocations), dict(program.constants)

    def packed(step: Step) -> Step:
        if not isinstance(step, Quantized) or not isinstance(step.call, Product):
            return step
        array = _packed(step.call)
        index = len(allocations)
        allocations.append(Allocation(index, array.nbytes, "constant"))
        order = tuple(reversed(range(array.ndim)))
        shape = Shape("u8", array.shape, order)
        constants[index] = Constant(shape, array.tobytes())
        return replace(step, weights=Slice(index, 0, array.nbytes))

    steps = tuple(map(packed, program.steps))
    return replace(
        program, steps=steps, allocations=tuple(allocations), constants=constants
    )


def _packed(call: Product) -> npt.NDArray[np.uint8]:
    if call.has_depthwise_kernel:
        return pack_int8_depthwise(call.weights[:, :, 0], call.bias, call.multiplier)
    weights = call.weights[None]
    return pack_int8_filter(weights, call.bias, call.multiplier, call.groups)
