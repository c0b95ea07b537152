# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What of a graph is computed in 8 bits, before any range is known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from tfnative_aot.freeze.quantized import Window

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

Kind = Literal["product", "add", "multiply", "max", "average", "join", "table"]


@dataclass(frozen=True)
class Clamp:
    """What results are bounded by."""

    low: float = -math.inf
    high: float = math.inf


NO_CLAMP = Clamp()


@dataclass(frozen=True, eq=False)
class Step:
    """What becomes a call of a kernel.

    Attributes:
        kind: Of which.
        node: The node that computes most of it.
        inputs: As the nodes that it stands for name them.
        rounded: The tensor whose range decides how results are rounded.
        output: The tensor that the result stands for: another one if there is a table.
        clamp: Bounds between ``node`` and ``rounded``.
        weights: (height, width, input channels of a group, output channels), or None.
        groups: Of these.
        bias: (output channels,), or None.
        window: Of a product or pooling.
        channels: Of pooling; of each input, if they are joined.
        is_exact: Whether the result is floats.
        factors: What the channels of the first input are divided by before they are
            rounded, (channels,), or None.
    """

    kind: Kind
    node: NodeDef = field(repr=False)
    inputs: tuple[str, ...]
    rounded: str
    output: str
    clamp: Clamp = NO_CLAMP
    weights: npt.NDArray[np.float32] | None = field(default=None, repr=False)
    groups: int = 1
    bias: npt.NDArray[np.float32] | None = field(default=None, repr=False)
    window: Window | None = None
    channels: tuple[int, ...] = ()
    is_exact: bool = False
    factors: npt.NDArray[np.float64] | None = field(default=None, repr=False)

    @property
    def rows_of(self) -> str:
        """The tensor whose rows the result has; the output's may be others."""
        return self.inputs[0] if self.kind == "table" else self.node.name


def with_output(step: Step, output: str, clamp: Clamp | None = None) -> Step:
    """The step with more behind it that is folded into it, but no table."""
    return replace(step, rounded=output, output=output, clamp=clamp or step.clamp)


def divided(source: str) -> str:
    """What a tensor is called where its channels are divided by factors."""
    return f"{source}/divided"


def lies_alike(own: int, wanted: int) -> bool:
    """Whether bytes in rows of so many elements can be read as rows of others.

    Each row begins at a multiple of four bytes.
    """
    return own == wanted or own % 4 == wanted % 4 == 0
