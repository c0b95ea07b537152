# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Constants in the form that kernels read biases in, each once."""

from __future__ import annotations

import numpy as np

from tfnative_aot.program.memory import Allocation, Buffer, Constant, Shape, Slice
from tfnative_aot.program.passes.packing import PANEL
from tfnative_aot.program.program import Program


class BiasPool:
    """The constants of a program, to which biases are added.

    Attributes:
        allocations: The program's, and those of the biases.
        constants: Likewise.
    """

    def __init__(self, program: Program) -> None:
        self.allocations = list(program.allocations)
        self.constants = dict(program.constants)
        self._biases: dict[bytes, Buffer] = {}

    def find(self, argument: Buffer | bytes) -> Buffer | None:
        """A constant with room after its end, from one; None if it is not constant."""
        if isinstance(argument, Buffer):
            constant = self.constants.get(argument.slice.allocation)
            if constant is None or len(constant.data) != argument.slice.size:
                return None
            argument = constant.data
        if argument not in self._biases:
            padded = np.zeros(len(argument) // 4 + PANEL, np.float32)
            padded[:-PANEL] = np.frombuffer(argument, np.float32)
            index = len(self.allocations)
            self.allocations.append(Allocation(index, padded.nbytes, "constant"))
            shape = Shape("f32", padded.shape, (0,))
            self.constants[index] = Constant(shape, padded.tobytes())
            self._biases[argument] = Buffer(Slice(index, 0, padded.nbytes), shape)
        return self._biases[argument]
