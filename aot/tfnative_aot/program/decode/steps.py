# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads XLA's thunks into steps: which kind each is, and those of a few fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tfnative.errors import CompileError, InternalError
from tfnative_aot.freeze import own_calls
from tfnative_aot.freeze.own_calls import OwnCall
from tfnative_aot.freeze.quantized import PREFIX, PlacedCall
from tfnative_aot.program.decode.convolutions import read_convolution
from tfnative_aot.program.decode.dots import make_dot
from tfnative_aot.program.decode.kernels import KernelReader
from tfnative_aot.program.decode.memory import read_buffer, read_slice
from tfnative_aot.program.decode.module import Module
from tfnative_aot.program.memory import Constant, Slice
from tfnative_aot.program.steps import (
    Call,
    CombinedSuppression,
    Conditional,
    Copy,
    Dot,
    Quantized,
    Sort,
    Source,
    Step,
    Suppression,
    TopK,
    While,
)


class StepReader:
    """Reads the steps of one module.

    Args:
        module: The module, which says where steps come from.
        constants: Its constants, by the index of their allocation.
        calls: Of quantized arrays, by the names of their functions.
    """

    def __init__(
        self,
        module: Module,
        constants: Mapping[int, Constant],
        calls: Mapping[str, PlacedCall],
    ) -> None:
        self._module = module
        self._calls = calls
        # By the name of the field of the thunk that is set.
        self._readers: dict[str, Callable[[Source, Any], Step]] = {
            "kernel": KernelReader(module, constants).read,
            "dot": _dot,
            "convolution": read_convolution,
            "copy": _copy,
            "while": self._while,
            "conditional": self._conditional,
            "call": self._call,
            "sort": _sort,
            "topk": self._topk,
        }

    def sequence(self, sequence: Any) -> tuple[Step, ...]:
        """The steps of a sequence of thunks.

        Raises:
            CompileError: One of them is nothing that an artifact can run.
        """
        return tuple(self._step(thunk) for thunk in sequence.thunks)

    def _step(self, thunk: Any) -> Step:
        source = self._module.source(thunk.info.op_name)
        for name, reader in self._readers.items():
            if thunk.HasField(name):
                return reader(source, getattr(thunk, name))
        detail = thunk.custom_call.target
        raise CompileError(
            f"step {source} is a {thunk.kind}{f' of {detail}' if detail else ''}, "
            "which an artifact cannot run"
        )

    def _while(self, source: Source, w: Any) -> While:
        return While(
            source=source,
            condition=self.sequence(w.condition),
            body=self.sequence(w.body),
            condition_buffer=read_slice(w.condition_buffer),
            trip_count=w.trip_count.value if w.trip_count.has_value else None,
        )

    def _conditional(self, source: Source, c: Any) -> Conditional:
        return Conditional(
            source, tuple(self.sequence(b) for b in c.branches), read_slice(c.index)
        )

    def _call(self, source: Source, c: Any) -> Call:
        return Call(source, self.sequence(c.sequence))

    def _topk(
        self, source: Source, t: Any
    ) -> TopK | CombinedSuppression | Suppression | Quantized:
        call = own_calls.read(self._module.by_name[source.hlo].backend_config)
        if call is not None and call.kernel == own_calls.QUANTIZED:
            placed = self._calls[f"{PREFIX}{call.sizes['call']}"]
            source = replace(source, op_name=placed.node, op_type=placed.op)
            given, out = read_slice(t.values), read_slice(t.output)
            return Quantized(source, placed.call, t.batch_size, (given,), out)
        if call is not None:
            places = map(read_slice, (t.values, t.output, t.indices))
            return _own_call(source, call, t.batch_size, *places)
        return TopK(
            source,
            batch=t.batch_size,
            length=t.input_size,
            k=t.k,
            values=read_slice(t.values),
            out_values=read_slice(t.output),
            out_indices=read_slice(t.indices),
        )


def _own_call(
    source: Source,
    call: OwnCall,
    batch: int,
    given: Slice,
    floats: Slice,
    integers: Slice,
) -> CombinedSuppression | Suppression:
    sizes = call.sizes
    name = source.op_name.rpartition("/")[0]  # Of the node whose place the call took.
    source = replace(source, op_name=name, op_type=call.op)
    if call.kernel == own_calls.SINGLE:
        return Suppression(
            source, sizes["boxes"], sizes["size"], given, floats, integers
        )
    return CombinedSuppression(
        source,
        batch=batch,
        boxes=sizes["boxes"],
        box_classes=sizes["box_classes"],
        classes=sizes["classes"],
        per_class=sizes["per_class"],
        size=sizes["size"],
        clip=bool(sizes["clip"]),
        rows=given,
        values=floats,
        counts=integers,
    )


def _dot(source: Source, d: Any) -> Dot:
    dot = make_dot(
        source, d.dims, read_buffer(d.lhs), read_buffer(d.rhs), read_buffer(d.out)
    )
    if dot is None:
        raise InternalError(f"step {source}: a dot of unexpected shape")
    return dot


def _copy(source: Source, c: Any) -> Copy:
    return Copy(source, read_buffer(c.source), read_buffer(c.destination))


def _sort(source: Source, s: Any) -> Sort | TopK:
    arrays = tuple(read_buffer(b) for b in s.inputs)
    shape = arrays[0].shape
    # Positions in memory order: what is outside, and inside, of the dimension.
    order = tuple(reversed(shape.minor_to_major))
    at = order.index(s.dimension)
    outer = math.prod(shape.dims[d] for d in order[:at])
    length = shape.dims[s.dimension]
    inner = math.prod(shape.dims[d] for d in order[at + 1 :])
    types = [buffer.shape.dtype for buffer in arrays]
    is_topk = source.op_type == "TopKV2" and inner == 1
    if is_topk and types in (["f32"], ["f32", "s32"]):
        # XLA sorts all of them, with their indices if these are used.
        values, *indices = (buffer.slice for buffer in arrays)
        index = indices[0] if indices else None
        return TopK(source, outer, length, length, values, values, index)
    return Sort(source, s.comparator, outer, length, inner, arrays)
