# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfnative.errors import InternalError
from tfnative_aot.program.decode.memory import read_buffer, read_shape
from tfnative_aot.program.steps import Convolution, Source


def read_convolution(source: Source, c: Any) -> Convolution:
    """A convolution, whose dimensions XLA has brought into one order."""
    dims = c.dims
    rank = len(dims.input_spatial)
    spatial = list(range(1, rank + 1))
    canonical = (
        (dims.input_batch, dims.input_feature) == (0, rank + 1)
        and list(dims.input_spatial) == spatial
        and (dims.output_batch, dims.output_feature) == (0, rank + 1)
        and list(dims.output_spatial) == spatial
        and list(dims.kernel_spatial) == list(range(rank))
        and (dims.kernel_input_feature, dims.kernel_output_feature) == (rank, rank + 1)
        and not any(w.reversal for w in c.window.dimensions)
        and all(read_shape(b.shape).is_row_major for b in (c.input, c.kernel, c.output))
        and 1 <= rank <= 3
    )
    if not canonical:
        raise InternalError(f"step {source}: a convolution in unexpected order")
    window = c.window.dimensions
    shape, out = read_shape(c.input.shape), read_shape(c.output.shape)
    return Convolution(
        source=source,
        dtype=shape.dtype,
        batch=shape.dims[0],
        in_channels=shape.dims[-1],
        out_channels=out.dims[-1],
        groups=max(c.groups, 1),
        in_size=_triple(shape.dims[1:-1], 1),
        out_size=_triple(out.dims[1:-1], 1),
        kernel_size=_triple([w.size for w in window], 1),
        stride=_triple([w.stride for w in window], 1),
        padding_low=_triple([w.padding_low for w in window], 0),
        base_dilation=_triple([w.base_dilation for w in window], 1),
        window_dilation=_triple([w.window_dilation for w in window], 1),
        lhs=read_buffer(c.input),
        rhs=read_buffer(c.kernel),
        out=read_buffer(c.output),
    )


def _triple(values: Sequence[int], fill: int) -> tuple[int, int, int]:
    """Depth, height and width of one to three spatial dimensions."""
    d, h, w = [fill] * (3 - len(values)) + [int(v) for v in values]
    return d, h, w
