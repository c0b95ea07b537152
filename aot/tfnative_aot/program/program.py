# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The program of a variant: a list of steps over buffers.

This is the typed form of what XLA compiled (read by ``decode``) on which the passes
work and from which C is emitted. Values are immutable; a pass returns a new program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tfnative_aot.machines.cpu_levels import VariantKey
from tfnative_aot.program.memory import Allocation, Constant, Shape, Slice
from tfnative_aot.program.steps import Step


@dataclass(frozen=True)
class Program:
    """All of a variant.

    Attributes:
        key: Which variant.
        object_file: XLA's kernels.
        steps: In the order in which they run.
        allocations: By index.
        constants: By allocation index.
        input_shapes: Of the graph's inputs, in order.
        output_shapes: Of the graph's outputs, in order. If there are checks, the last
            one is not the caller's: it is what each check found, as
            ``FrozenGraph.check_tensor`` says.
        output_slices: Where each output is when the last step has run. It lies in
            its own "output" allocation unless XLA gives one buffer for two
            outputs, an input, or a constant. What checks found lies in the workspace.
        check_values: How many values each check has; empty without checks.
        may_share: Pairs of allocations that may lie in the same memory though one
            step reads the first and writes the second: it does so element by element.
        temp_offsets: Where "temp" allocations lie in the workspace; see
            ``passes.assign_memory``.
        temp_bytes: How much of it they take.
        xla_temp_bytes: How much XLA's own plan takes.
        order: Which order its steps are in: "xla", or one of ``passes.orders.ORDERS``.
        xla_order_bytes: How much the workspace would take if they were in XLA's.
    """

    key: VariantKey
    object_file: Path
    steps: tuple[Step, ...]
    allocations: tuple[Allocation, ...]
    constants: dict[int, Constant] = field(repr=False)
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    output_slices: tuple[Slice, ...]
    check_values: tuple[int, ...] = ()
    may_share: frozenset[tuple[int, int]] = frozenset()
    temp_offsets: Mapping[int, int] = field(default_factory=dict)
    temp_bytes: int = 0
    xla_temp_bytes: int = 0
    order: str = "xla"
    xla_order_bytes: int = 0

    @property
    def caller_slices(self) -> tuple[Slice, ...]:
        """Where the outputs are that the caller gets."""
        return self.output_slices[:-1] if self.check_values else self.output_slices
