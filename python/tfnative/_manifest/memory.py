# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an artifact says of the memory that its programs need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from tfnative._manifest.reader import Reader


@dataclass(frozen=True)
class VariantMemory:
    """How much memory a call takes beside its inputs, outputs and weights.

    Attributes:
        batch_size: Rows; 0 for a signature without a batch dimension.
        cpu_level: CPU level of the variant.
        workspace_bytes: Of a call on one thread.
        thread_bytes: Of each thread beside the first. They are in ``workspace_bytes``
            once.
        values_bytes: For values between steps: ``workspace_bytes`` without
            ``thread_bytes``.
        peak_bytes: How many bytes of such values are alive at once, at most. No plan
            takes less.
        order: Which order the steps are in: "xla", "depth first", "most freed", or
            "most freed, from the end".
        xla_order_bytes: What ``values_bytes`` would be in XLA's order.
    """

    batch_size: int
    cpu_level: str
    workspace_bytes: int
    thread_bytes: int
    values_bytes: int
    peak_bytes: int
    order: str
    xla_order_bytes: int


class LiveValue(NamedTuple):
    """A value in the workspace.

    Attributes:
        offset: Its first byte in the workspace.
        size: Bytes.
        first: Number of the first step during which it is there.
        last: Of the last one; the number of all steps for what is there after them.
        writer: Of the step that writes it first, or parts of it; -1 for none.
        shape: Of what that step writes, as "f32[1,64]", or "" if it is not known.
    """

    offset: int
    size: int
    first: int
    last: int
    writer: int
    shape: str


@dataclass(frozen=True)
class MemoryRecord:
    """Where the values between the steps of a program lie.

    Attributes:
        size: Bytes of the workspace that are for values.
        order: Which order the steps are in, as in ``VariantMemory``.
        xla_order_bytes: What ``size`` would be in XLA's order.
        xla_bytes: What XLA's own plan takes, for the program as XLA made it.
        values: All of them, by the step that they begin with.
    """

    size: int
    order: str
    xla_order_bytes: int
    xla_bytes: int
    values: tuple[LiveValue, ...]

    def live_bytes(self, steps: int) -> list[int]:
        """How many bytes are alive at each step of a program that has so many."""
        changes = [0] * (steps + 2)
        for value in self.values:
            changes[value.first] += value.size
            changes[value.last + 1] -= value.size
        return list(accumulate(changes[:steps]))

    def alive(self, step: int) -> Sequence[LiveValue]:
        """The values that are alive at a step, the largest first."""
        found = (v for v in self.values if v.first <= step <= v.last)
        return sorted(found, key=lambda v: (-v.size, v.offset))


def read_memory(place: str, value: object) -> VariantMemory:
    """Reads one.

    Raises:
        LoadError: It is none; the message names the field.
    """
    reader = Reader(place, value)
    return VariantMemory(
        batch_size=reader.take("batch_size", int),
        cpu_level=reader.take("cpu_level", str),
        workspace_bytes=reader.take("workspace_bytes", int),
        thread_bytes=reader.take("thread_bytes", int),
        values_bytes=reader.take("values_bytes", int),
        peak_bytes=reader.take("peak_bytes", int),
        order=reader.take("order", str),
        xla_order_bytes=reader.take("xla_order_bytes", int),
    )
