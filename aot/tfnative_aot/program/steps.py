# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The steps of a program, a type for each kind."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from tfnative_aot.freeze.quantized import QuantizedCall
from tfnative_aot.program.expression import Expression
from tfnative_aot.program.memory import Buffer, Slice


class Part(NamedTuple):
    """A TensorFlow node of which a step computes something."""

    op_type: str
    op_name: str


@dataclass(frozen=True)
class Source:
    """Where a step comes from.

    Attributes:
        hlo: Name of the XLA instruction.
        op_name: Name of the TensorFlow node, or "".
        op_type: Its op, as "Conv2D", or "".
        parts: All nodes of which it computes something, if there are several: what
            XLA fused, and what passes have folded into it.
    """

    hlo: str
    op_name: str = ""
    op_type: str = ""
    parts: tuple[Part, ...] = ()

    def with_parts_of(self, other: Source) -> Source:
        """The source of a step that does what another did, too."""
        parts = dict.fromkeys((*self.all_parts, *other.all_parts))
        return replace(self, parts=tuple(parts) if len(parts) > 1 else ())

    @property
    def all_parts(self) -> tuple[Part, ...]:
        """``parts``, or the one node that there is."""
        if self.parts or not self.op_name:
            return self.parts
        return (Part(self.op_type, self.op_name),)

    def __str__(self) -> str:
        if not self.op_name:
            return self.hlo
        return f"{self.hlo} <- {self.op_name}" + (
            f" ({self.op_type})" if self.op_type else ""
        )


@dataclass(frozen=True)
class Kernel:
    """A call of a function that XLA compiled.

    Attributes:
        dot: The matrix product, where the function computes nothing else (but for
            adding something to it), so that a kernel of ours may take its place.
        expression: What it computes, if that is element-wise and in f32, over its
            arguments.
        reduced: What it computes, if that is a reduction of such values.
        joined: The numbers of the arguments that it puts side by side, if it does
            nothing else.
    """

    source: Source
    symbol: str
    arguments: tuple[Buffer, ...]
    results: tuple[Buffer, ...]
    workgroups: tuple[int, int, int]
    dot: Dot | None = None
    expression: Expression | None = None
    reduced: Reduced | None = None
    joined: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Matrix:
    """Strides, in elements, of a batch of matrices in memory."""

    batch_stride: int
    row_stride: int
    col_stride: int

    @property
    def transposed(self) -> Matrix:
        """The same memory with rows and columns exchanged."""
        return Matrix(self.batch_stride, self.col_stride, self.row_stride)


Activation = Literal["linear", "sigmoid", "swish", "tanh"]


@dataclass(frozen=True)
class Epilogue:
    """What is done with sums before they are stored, as tfn_epilogue in kernels.h.

    Attributes:
        bias: An f32 for each output channel, and TFN_PANEL more, or None.
        addend: An array in the form of the output, may be the same memory, or None.
        low: What is less becomes this.
        high: What is more becomes this.
        activation: Applied to the result.
    """

    bias: Buffer | None = None
    addend: Buffer | None = None
    low: float = -math.inf
    high: float = math.inf
    activation: Activation = "linear"


NO_EPILOGUE = Epilogue()


@dataclass(frozen=True)
class Dot:
    """out = lhs x rhs for ``batch`` pairs of matrices.

    Attributes:
        epilogue: Only where ``packed``.
        packed: Whether ``rhs`` is a constant in the packed form of kernels.h. Its
            elements may be smaller than f32 then.
        scale: If these are whole numbers, what each column is multiplied with.
        in_int8: Whether the rows of ``lhs`` become whole numbers, too, each by its own
            range; the scales are in ``rhs`` then.
    """

    source: Source
    dtype: str
    batch: int
    m: int
    n: int
    k: int
    lhs: Buffer
    rhs: Buffer
    out: Buffer
    lhs_matrix: Matrix
    rhs_matrix: Matrix
    out_matrix: Matrix
    packed: bool = False
    epilogue: Epilogue = NO_EPILOGUE
    scale: Buffer | None = None
    in_int8: bool = False


ConvKernel = Literal["any", "packed", "depthwise", "winograd"]


@dataclass(frozen=True)
class Convolution:
    """A convolution, as tfn_conv in kernels.h; triples are depth, height, width.

    Attributes:
        lhs: The input.
        rhs: The weights. Where the kernel is "packed", their elements may be smaller
            than f32.
        epilogue: Not where the kernel is "any".
        scale: If these are whole numbers, what each channel is multiplied with.
    """

    source: Source
    dtype: str
    batch: int
    in_channels: int
    out_channels: int
    groups: int
    in_size: tuple[int, int, int]
    out_size: tuple[int, int, int]
    kernel_size: tuple[int, int, int]
    stride: tuple[int, int, int]
    padding_low: tuple[int, int, int]
    base_dilation: tuple[int, int, int]
    window_dilation: tuple[int, int, int]
    lhs: Buffer
    rhs: Buffer
    out: Buffer
    kernel: ConvKernel = "any"
    epilogue: Epilogue = NO_EPILOGUE
    scale: Buffer | None = None


Reduction = Literal["sum", "max", "min", "max_number"]

Triple = tuple[int, int, int]
"""Depth, height, width."""


@dataclass(frozen=True)
class ReduceWindow:
    """Pooling, or a reduction, as tfn_reduce_window in kernels.h."""

    source: Source
    operation: Reduction
    init: float
    scale: float
    batch: int
    channels: int
    in_size: Triple
    out_size: Triple
    kernel_size: Triple
    stride: Triple
    padding_low: Triple
    window_dilation: Triple
    lhs: Buffer
    out: Buffer


@dataclass(frozen=True)
class Reduced:
    """The reduction of what is computed element by element, without an array of it.

    Attributes:
        expression: Over the kernel's arguments.
        reduction: Its ``lhs`` is nowhere.
    """

    expression: Expression
    reduction: ReduceWindow


@dataclass(frozen=True)
class Copy:
    """A copy, which may change the memory order."""

    source: Source
    src: Buffer
    dst: Buffer


@dataclass(frozen=True)
class While:
    """Runs ``condition``, then, as long as it wrote true, ``body`` and it again.

    With a ``trip_count``, runs ``body`` that often and ``condition`` never.
    """

    source: Source
    condition: tuple[Step, ...]
    body: tuple[Step, ...]
    condition_buffer: Slice
    trip_count: int | None


@dataclass(frozen=True)
class Conditional:
    """Runs one of the branches.

    Attributes:
        index: An s32 branch number (one out of range means the last branch), or a
            single byte: a pred, true for the first branch.
    """

    source: Source
    branches: tuple[tuple[Step, ...], ...]
    index: Slice


@dataclass(frozen=True)
class Call:
    """Runs the steps of a called computation."""

    source: Source
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Sort:
    """Sorts arrays together, in place, along the middle of three dimensions."""

    source: Source
    comparator: str
    outer: int
    length: int
    inner: int
    arrays: tuple[Buffer, ...]


@dataclass(frozen=True)
class TopK:
    """The k largest values of each row, and where they were, if that is used."""

    source: Source
    batch: int
    length: int
    k: int
    values: Slice
    out_values: Slice
    out_indices: Slice | None


@dataclass(frozen=True)
class CombinedSuppression:
    """The best boxes of each row, as tfn_combined_nms in kernels.h.

    Attributes:
        box_classes: 1 if boxes are those of all classes.
        per_class: How many boxes of a class are kept.
        size: How many boxes there are in a row of the results.
        clip: Whether these are clipped.
        rows: Boxes, scores and thresholds.
        values: Boxes, scores and classes; then what only the kernels read.
        counts: How many of them there are in each row.
    """

    source: Source
    batch: int
    boxes: int
    box_classes: int
    classes: int
    per_class: int
    size: int
    clip: bool
    rows: Slice
    values: Slice
    counts: Slice


@dataclass(frozen=True)
class Suppression:
    """The best boxes, as tfn_nms in kernels.h.

    Attributes:
        size: How many there are at most.
        given: Boxes, scores and thresholds.
        scores: Of those that were found.
        found: How many there are, and the number of each.
    """

    source: Source
    boxes: int
    size: int
    given: Slice
    scores: Slice
    found: Slice


@dataclass(frozen=True)
class Quantized:
    """A kernel of quantized.h.

    Attributes:
        call: What it computes of each row.
        rows: How many there are.
        inputs: As many as the call has; or one, in which each row of the first is
            followed by that of the second.
        out: The result.
        weights: Those of a product, packed, once they are.
    """

    source: Source
    call: QuantizedCall
    rows: int
    inputs: tuple[Slice, ...]
    out: Slice
    weights: Slice | None = None


Step = (
    Kernel
    | Dot
    | Convolution
    | ReduceWindow
    | Copy
    | While
    | Conditional
    | Call
    | Sort
    | TopK
    | CombinedSuppression
    | Suppression
    | Quantized
)
