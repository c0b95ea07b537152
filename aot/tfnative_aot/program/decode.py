# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Decodes what tfcompile serialised into a ``Program``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tfnative.errors import CompileError, InternalError
from tfnative_aot import adapters
from tfnative_aot.program.decode_expression import read_expression
from tfnative_aot.program.decode_reduction import ReductionReader
from tfnative_aot.program.expression import Expression
from tfnative_aot.program.memory import Allocation, Buffer, Constant, Shape, Slice
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    Call,
    Conditional,
    Convolution,
    Copy,
    Dot,
    Epilogue,
    Kernel,
    Matrix,
    Reduced,
    ReduceWindow,
    Sort,
    Source,
    Step,
    TopK,
    While,
)
from tfnative_aot.program.traverse import slices, walk
from tfnative_aot.xla.tfcompile import CompiledVariant


def decode(compiled: CompiledVariant) -> Program:
    """Decodes one compiled variant.

    Raises:
        CompileError: The program has a step that no artifact can run, or an output
            whose shape depends on the data.
    """
    result = adapters.xla().parse_result(compiled.result)
    return _Decoder(compiled, result).program()


class _Decoder:
    def __init__(self, compiled: CompiledVariant, result: Any) -> None:
        self._compiled = compiled
        self._result = result
        module = result.hlo.module
        self._computations = {c.id: c for c in module.computations}
        self._instructions = {
            i.name: i for c in module.computations for i in c.instructions
        }
        self._by_id = {i.id: i for i in self._instructions.values()}
        self._known_constants = self._constants()
        self._reductions = ReductionReader(
            self._by_id, self._computations, self._constant_bytes
        )
        # By the name of the field of the thunk that is set.
        self._decoders: dict[str, Callable[[Source, Any], Step]] = {
            "kernel": self._kernel,
            "dot": self._dot,
            "convolution": _make_convolution,
            "copy": self._copy,
            "while": self._while,
            "conditional": self._conditional,
            "call": self._call,
            "sort": self._sort,
            "topk": self._topk,
        }

    def program(self) -> Program:
        signature = self._result.hlo.module.program_shape
        outputs = signature.result.tuple_shapes
        for number, shape in enumerate(outputs):
            if any(shape.is_dynamic):
                raise CompileError(
                    f"output {number} has a shape that depends on the data "
                    f"({_shape(shape)} is its largest); only fixed shapes compile"
                )
        steps = self._sequence(self._result.thunks)
        touched = {s.allocation for step in walk(steps) for s in slices(step)}
        return Program(
            key=self._compiled.key,
            object_file=self._compiled.object_file,
            steps=steps,
            allocations=self._allocations(touched),
            constants=self._known_constants,
            input_shapes=tuple(_row_major(s) for s in signature.parameters),
            output_shapes=tuple(_row_major(s) for s in outputs),
            output_slices=tuple(
                Slice(
                    index,
                    0,
                    _row_major(shape).elements * _row_major(shape).element_bytes,
                )
                for index, shape in zip(
                    self._compiled.result_allocations, outputs, strict=True
                )
            ),
        )

    # --- Memory ---------------------------------------------------------------

    def _allocations(self, touched: set[int]) -> tuple[Allocation, ...]:
        results: dict[int, int] = {}
        for position, index in enumerate(self._compiled.result_allocations):
            results.setdefault(index, position)
        found = sorted(self._result.buffers.allocations, key=lambda a: a.index)
        return tuple(self._allocation(a, results, touched) for a in found)

    @staticmethod
    def _allocation(a: Any, results: dict[int, int], touched: set[int]) -> Allocation:
        if a.is_constant:
            return Allocation(a.index, a.size, "constant")
        if a.is_parameter:
            return Allocation(a.index, a.size, "input", a.parameter_number)
        if a.index in results:
            return Allocation(a.index, a.size, "output", results[a.index])
        # Tables of pointers and scratch of reducers are not touched by any step:
        # compiled code has them in registers.
        return Allocation(a.index, a.size, "temp" if a.index in touched else "none")

    def _constants(self) -> dict[int, Constant]:
        places = {b.id: b.defined_at for b in self._result.buffers.logical_buffers}
        constants = {}
        for allocation in self._result.buffers.allocations:
            if not allocation.is_constant:
                continue
            for assigned in allocation.assigned:
                place = places[assigned.logical_buffer_id]
                literal = self._by_id[place.instruction_id].literal
                constants[allocation.index] = Constant(
                    _shape(literal.shape), _literal_bytes(literal)
                )
        return constants

    # --- Steps ----------------------------------------------------------------

    def _sequence(self, sequence: Any) -> tuple[Step, ...]:
        return tuple(self._step(thunk) for thunk in sequence.thunks)

    def _step(self, thunk: Any) -> Step:
        source = self._source(thunk.info.op_name)
        for name, decoder in self._decoders.items():
            if thunk.HasField(name):
                return decoder(source, getattr(thunk, name))
        detail = thunk.custom_call.target
        raise CompileError(
            f"step {source} is a {thunk.kind}{f' of {detail}' if detail else ''}, "
            "which an artifact cannot run"
        )

    def _source(self, hlo: str) -> Source:
        instruction = self._instructions.get(hlo)
        if instruction is None:
            return Source(hlo)
        return Source(hlo, instruction.metadata.op_name, instruction.metadata.op_type)

    def _constant_bytes(self, buffer: Buffer) -> bytes | None:
        constant = self._known_constants.get(buffer.slice.allocation)
        return None if constant is None else constant.data

    def _kernel(self, source: Source, k: Any) -> Kernel | ReduceWindow:
        arguments = tuple(_buffer(b) for b in k.arguments)
        results = tuple(_buffer(b) for b in k.results)
        reduction = self._reduction_of_kernel(source, arguments, results)
        if isinstance(reduction, ReduceWindow):
            return reduction
        w = k.workgroups
        return Kernel(
            source=source,
            symbol=k.name,
            arguments=arguments,
            results=results,
            workgroups=(max(w.x, 1), max(w.y, 1), max(w.z, 1)),
            dot=self._dot_of_kernel(source, arguments, results),
            expression=self._expression_of_kernel(source, arguments, results),
            reduced=reduction,
        )

    def _reduction_of_kernel(
        self, source: Source, arguments: Sequence[Buffer], results: Sequence[Buffer]
    ) -> ReduceWindow | Reduced | None:
        """Pooling or a reduction, if that is what a kernel computes."""
        computation = self._loop(source, arguments, results)
        if computation is None:
            return None
        root = self._by_id[computation.root_id]
        return self._reductions.read(source, root, arguments, results[0])

    def _expression_of_kernel(
        self, source: Source, arguments: Sequence[Buffer], results: Sequence[Buffer]
    ) -> Expression | None:
        """What a kernel computes element by element, if it does."""
        computation = self._loop(source, arguments, results)
        if computation is None:
            return None
        return read_expression(computation, self._by_id)

    def _loop(
        self, source: Source, arguments: Sequence[Buffer], results: Sequence[Buffer]
    ) -> Any | None:
        """The computation of a kernel that is one loop with one result."""
        fusion = self._instructions.get(source.hlo)
        if fusion is None or fusion.fusion_kind != "kLoop" or len(results) != 1:
            return None
        operands = [self._by_id[i] for i in fusion.operand_ids]
        if [b.shape for b in arguments] != [_shape(i.shape) for i in operands]:
            return None
        return self._computations[fusion.called_computation_ids[0]]

    def _dot_of_kernel(
        self, source: Source, arguments: Sequence[Buffer], results: Sequence[Buffer]
    ) -> Dot | None:
        """The matrix product that is all that a kernel computes, if it is."""
        instruction = self._instructions.get(source.hlo)
        if instruction is None or len(results) != 1:
            return None
        operands = [self._by_id[i] for i in instruction.operand_ids]
        if [b.shape for b in arguments] != [_shape(i.shape) for i in operands]:
            return None
        if instruction.opcode == "dot":
            lhs, rhs = arguments
            return _make_dot(source, instruction.dot, lhs, rhs, results[0])
        if instruction.fusion_kind == "kOutput":
            return self._dot_with_addend(source, instruction, arguments, results[0])
        return None

    def _dot_with_addend(
        self, source: Source, fusion: Any, arguments: Sequence[Buffer], out: Buffer
    ) -> Dot | None:
        """XLA's one fusion of a product with what follows: an array is added."""
        computation = self._computations[fusion.called_computation_ids[0]]
        root = self._by_id[computation.root_id]
        terms = [self._by_id[i] for i in root.operand_ids]
        dots = [term for term in terms if term.opcode == "dot"]
        addends = [term for term in terms if term.opcode == "parameter"]
        if root.opcode != "add" or len(dots) != 1 or len(addends) != 1:
            return None
        factors = [self._by_id[i] for i in dots[0].operand_ids]
        if any(factor.opcode != "parameter" for factor in factors):
            return None
        lhs, rhs = (arguments[factor.parameter_number] for factor in factors)
        addend = arguments[addends[0].parameter_number]
        dot = _make_dot(source, dots[0].dot, lhs, rhs, out)
        if dot is None or addend.shape != out.shape:
            return None
        return replace(dot, epilogue=Epilogue(addend=addend))

    def _dot(self, source: Source, d: Any) -> Dot:
        dot = _make_dot(source, d.dims, _buffer(d.lhs), _buffer(d.rhs), _buffer(d.out))
        if dot is None:
            raise InternalError(f"step {source}: a dot of unexpected shape")
        return dot

    def _copy(self, source: Source, c: Any) -> Copy:
        return Copy(source, _buffer(c.source), _buffer(c.destination))

    def _while(self, source: Source, w: Any) -> While:
        return While(
            source=source,
            condition=self._sequence(w.condition),
            body=self._sequence(w.body),
            condition_buffer=_slice(w.condition_buffer),
            trip_count=w.trip_count.value if w.trip_count.has_value else None,
        )

    def _conditional(self, source: Source, c: Any) -> Conditional:
        return Conditional(
            source, tuple(self._sequence(b) for b in c.branches), _slice(c.index)
        )

    def _call(self, source: Source, c: Any) -> Call:
        return Call(source, self._sequence(c.sequence))

    def _sort(self, source: Source, s: Any) -> Sort:
        arrays = tuple(_buffer(b) for b in s.inputs)
        shape = arrays[0].shape
        # Positions in memory order: what is outside, and inside, of the dimension.
        order = tuple(reversed(shape.minor_to_major))
        at = order.index(s.dimension)
        return Sort(
            source=source,
            comparator=s.comparator,
            outer=math.prod(shape.dims[d] for d in order[:at]),
            length=shape.dims[s.dimension],
            inner=math.prod(shape.dims[d] for d in order[at + 1 :]),
            arrays=arrays,
        )

    def _topk(self, source: Source, t: Any) -> TopK:
        return TopK(
            source,
            batch=t.batch_size,
            length=t.input_size,
            k=t.k,
            values=_slice(t.values),
            out_values=_slice(t.output),
            out_indices=_slice(t.indices),
        )


def _slice(s: Any) -> Slice:
    return Slice(s.allocation, s.offset, s.size)


def _buffer(b: Any) -> Buffer:
    return Buffer(_slice(b.slice), _shape(b.shape))


def _shape(s: Any) -> Shape:
    dtypes: dict[int, str] = adapters.xla().DTYPES
    dtype = dtypes.get(s.element_type)
    if dtype is None:
        raise CompileError(f"element type number {s.element_type} is not supported")
    return Shape(dtype, tuple(s.dimensions), tuple(s.layout.minor_to_major))


def _row_major(s: Any) -> Shape:
    """A shape of the entry's signature, which is row-major whatever it says."""
    dims = tuple(s.dimensions)
    return Shape(_shape(s).dtype, dims, tuple(reversed(range(len(dims)))))


def _literal_bytes(literal: Any) -> bytes:
    """The data of a literal, which XLA keeps in the order of its layout."""
    shape = _shape(literal.shape)
    field = f"{shape.dtype}s"
    values = getattr(literal, field)
    if isinstance(values, bytes):
        data = values
    else:
        kind = {"s32": "<i4", "u32": "<u4", "s64": "<i8", "u64": "<u8"}[shape.dtype]
        data = np.asarray(values, dtype=kind).tobytes()
    if len(data) != shape.elements * shape.element_bytes:
        raise InternalError(f"constant {shape} has {len(data)} bytes")
    return data


def _make_dot(
    source: Source, dims: Any, lhs: Buffer, rhs: Buffer, out: Buffer
) -> Dot | None:
    """A matrix product with its strides, or None if it is none of matrices."""
    batch_rank = len(dims.lhs_batch)
    ordered = tuple(range(batch_rank))
    if tuple(dims.lhs_batch) != ordered or tuple(dims.rhs_batch) != ordered:
        return None
    if len(dims.lhs_contracting) != 1 or len(dims.rhs_contracting) != 1:
        return None
    left = _matrix(lhs.shape, batch_rank, row=None, col=dims.lhs_contracting[0])
    right = _matrix(rhs.shape, batch_rank, row=dims.rhs_contracting[0], col=None)
    if left is None or right is None:
        return None
    (lhs_matrix, m, k), (rhs_matrix, _, n) = left, right
    out_dims = len(out.shape.dims) - batch_rank
    has_m = len(lhs.shape.dims) - batch_rank == 2
    strides = out.shape.strides[batch_rank:]
    if has_m:
        row_stride = strides[0]
        col_stride = strides[1] if out_dims == 2 else 1
    else:
        row_stride, col_stride = n, strides[0] if out_dims == 1 else 1
    out_batch = _batch_stride(out.shape, batch_rank)
    if out_batch is None:
        return None
    return Dot(
        source=source,
        dtype=out.shape.dtype,
        batch=math.prod(out.shape.dims[:batch_rank]),
        m=m,
        n=n,
        k=k,
        lhs=lhs,
        rhs=rhs,
        out=out,
        lhs_matrix=lhs_matrix,
        rhs_matrix=rhs_matrix,
        out_matrix=Matrix(out_batch, row_stride, col_stride),
    )


def _matrix(
    shape: Shape, batch_rank: int, *, row: int | None, col: int | None
) -> tuple[Matrix, int, int] | None:
    """Strides, rows and columns of an operand, one of whose dimensions is given.

    The other one is what is left, or missing (a vector), which counts as size 1.
    """
    given = row if row is not None else col
    rest = [d for d in range(batch_rank, len(shape.dims)) if d != given]
    batch_stride = _batch_stride(shape, batch_rank)
    if len(rest) > 1 or batch_stride is None or given is None:
        return None
    strides = shape.strides
    given_size, given_stride = shape.dims[given], strides[given]
    other_size = shape.dims[rest[0]] if rest else 1
    other_stride = strides[rest[0]] if rest else given_size * given_stride
    if row is not None:
        return Matrix(batch_stride, given_stride, other_stride), given_size, other_size
    return Matrix(batch_stride, other_stride, given_stride), other_size, given_size


def _batch_stride(shape: Shape, batch_rank: int) -> int | None:
    """Distance between matrices, if the batch dimensions collapse into one."""
    strides = shape.strides
    for d in range(batch_rank - 1):
        if strides[d] != strides[d + 1] * shape.dims[d + 1]:
            return None
    return strides[batch_rank - 1] if batch_rank else 0


def _make_convolution(source: Source, c: Any) -> Convolution:
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
        and all(_shape(b.shape).is_row_major for b in (c.input, c.kernel, c.output))
        and 1 <= rank <= 3
    )
    if not canonical:
        raise InternalError(f"step {source}: a convolution in unexpected order")
    window = c.window.dimensions
    shape, out = _shape(c.input.shape), _shape(c.output.shape)
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
        lhs=_buffer(c.input),
        rhs=_buffer(c.kernel),
        out=_buffer(c.output),
    )


def _triple(values: Sequence[int], fill: int) -> tuple[int, int, int]:
    """Depth, height and width of one to three spatial dimensions."""
    d, h, w = [fill] * (3 - len(values)) + [int(v) for v in values]
    return d, h, w
