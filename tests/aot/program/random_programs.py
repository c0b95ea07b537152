# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What hypothesis draws: programs in XLA's manner, and where XLA would place them."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from tests.aot.program.listed_program import ListedProgram
from tests.aot.program.passes.xla_placement import place_like_xla
from tests.aot.program.program_builder import ProgramBuilder, reshaped, row_major
from tests.aot.program.random_expressions import draw_expression, shifted, swapped
from tfnative_aot.program.expression import Apply, Element
from tfnative_aot.program.memory import Buffer
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    Call,
    Conditional,
    Copy,
    Kernel,
    Sort,
    Step,
    TopK,
    While,
)

SHAPES = [(1, 4), (2, 4), (3, 8), (1, 20), (4, 20), (8, 4), (3, 1)]


@st.composite
def programs(
    draw: st.DrawFn, *, most_steps: int = 9, reuse_outputs: bool = True
) -> Program:
    """A program whose values lie in one temp allocation, as tightly as XLA does it.

    Args:
        draw: Of hypothesis.
        most_steps: Drawn, each of which may be a few steps of the program.
        reuse_outputs: Whether outputs' memory may hold other values before.
    """
    generator = _Generator(draw)
    for _ in range(draw(st.integers(1, most_steps))):
        generator.add_step()
    program = place_like_xla(
        generator.finish(),
        by_size=draw(st.booleans()),
        reuse_outputs=reuse_outputs and draw(st.booleans()),
    )
    return ListedProgram(**vars(program))


class _Generator:
    """Draws steps over buffers of their own; ``place_like_xla`` brings them together.

    ``_alive`` are the values that later steps may read. A step that works in place
    ends the life of the value that it overwrites.
    """

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._b = ProgramBuilder()
        self._is_nested = False
        self._kernels: list[Kernel] = []
        self._outputs: list[Buffer] = []
        self._alive = [self._b.buffer("input", *self._shape()) for _ in range(2)]
        self._alive.append(self._b.constant(*self._shape()))
        self._kinds: list[Callable[[], None]] = [
            self._block,
            self._block,
            self._elementwise,
            self._part,
            self._producer,
            self._unknown,
            self._update,
            self._copy,
            self._sort,
            self._top_k,
            self._loop,
            self._call,
            self._branch,
        ]

    def add_step(self) -> None:
        self._draw(st.sampled_from(self._kinds))()

    def finish(self) -> Program:
        outputs = [self._any() for _ in range(self._draw(st.integers(1, 3)))]
        last = self._any()
        out = self._b.buffer("output", *last.shape.dims)
        self._outputs.append(out)
        self._b.steps.append(Copy(self._b.source("copy"), last, out))
        return self._b.program(*self._outputs, *outputs)

    # --- Values ---------------------------------------------------------------

    def _shape(self) -> tuple[int, int]:
        return self._draw(st.sampled_from(SHAPES))

    def _any(self) -> Buffer:
        """A value, late ones more often."""
        chances = [i for i in range(len(self._alive)) for _ in range(1 + i)]
        return self._alive[self._draw(st.sampled_from(chances[::-1]))]

    def _like(self, shape: tuple[int, ...]) -> Buffer | None:
        """A value of as many elements, seen in this shape."""
        size = row_major(*shape).elements
        fit = [b for b in self._alive if b.shape.elements == size]
        return reshaped(self._draw(st.sampled_from(fit)), *shape) if fit else None

    def _new(self, *dims: int) -> Buffer:
        """Memory for a result."""
        # What is nested may never run, and an output must be written.
        if self._is_nested or self._draw(st.integers(0, 7)) < 7:
            return self._b.buffer("temp", *dims)
        self._outputs.append(self._b.buffer("output", *dims))
        return self._outputs[-1]

    def _may_overwrite(self, buffer: Buffer) -> bool:
        """Whether it may be; what is nested overwrites nothing from outside."""
        kind = self._b.allocations[buffer.slice.allocation].kind
        return kind in ("temp", "output") and not self._is_nested

    def _end(self, buffer: Buffer) -> None:
        self._alive = [b for b in self._alive if b.slice != buffer.slice]

    def _owned(self) -> Buffer:
        """A value that may be overwritten, and is not alive any more."""
        value = self._any()
        if self._may_overwrite(value) and self._draw(st.booleans()):
            self._end(value)
            return value
        copy = self._new(*value.shape.dims)
        self._b.steps.append(Copy(self._b.source("copy"), value, copy))
        return copy

    # --- Steps ----------------------------------------------------------------

    def _block(self) -> None:
        """A product or convolution, perhaps something else, and what uses the sums."""
        self._producer()
        sums = self._alive[-1]
        for _ in range(self._draw(st.integers(0, 1))):
            self._draw(st.sampled_from([self._unknown, self._copy, self._producer]))()
        for _ in range(self._draw(st.integers(1, 2))):
            self._elementwise(sums)
            sums = self._alive[-1]
        if self._draw(st.booleans()):
            self._part()

    def _elementwise(self, first: Buffer | None = None) -> None:
        """A kernel over ``first``, or any value, and perhaps one more."""
        first = first or self._any()
        shape = first.shape.dims
        others = [self._like(shape) for _ in range(self._draw(st.integers(0, 1)))]
        chosen = [first, *(other for other in others if other is not None)]
        inside = self._b.constant(shape[-1]).slice.allocation
        data = self._b.constants[inside].data
        e = draw_expression(self._draw, len(chosen), data)
        chosen.append(self._b.constant(shape[-1]))
        again = [k for k in self._kernels if self._may_repeat(k, first)]
        if again and self._draw(st.booleans()):
            kernel = self._draw(st.sampled_from(again))
            assert kernel.expression is not None
            e = Apply("add", (Element(0), shifted(kernel.expression, 1)))
            e = swapped(self._draw, e)
            chosen = [first, *kernel.arguments]
        in_place = [a for a in chosen if self._may_overwrite(a)]
        in_place = [a for a in in_place if a.shape.elements == first.shape.elements]
        if in_place and self._draw(st.booleans()):
            out = reshaped(self._draw(st.sampled_from(in_place)), *shape)
            self._end(out)
        else:
            out = self._new(*shape)
        if self._draw(st.booleans()):
            self._end(first)
        self._kernels.append(self._b.kernel(e, chosen, out))
        self._alive.append(out)

    def _part(self) -> None:
        """A kernel that computes a part of what another one has computed."""
        parts = [
            (kernel, operand)
            for kernel in self._kernels
            if self._may_repeat(kernel, kernel.results[0])
            and isinstance(kernel.expression, Apply)
            for operand in kernel.expression.operands
            if isinstance(operand, Apply)
        ]
        if parts:
            kernel, operand = self._draw(st.sampled_from(parts))
            out = self._new(*kernel.results[0].shape.dims)
            self._b.kernel(operand, kernel.arguments, out)
            self._alive.append(out)

    def _may_repeat(self, kernel: Kernel, first: Buffer) -> bool:
        """Whether a kernel's arguments are there, and its result fits ``first``."""
        there = {b.slice for b in self._alive}
        return kernel.results[0].shape == first.shape and all(
            a.slice in there or a.slice.allocation in self._b.constants
            for a in kernel.arguments
        )

    def _producer(self) -> None:
        x = self._any()
        rows, channels = x.shape.dims
        kind = self._draw(st.integers(0, 5))
        if kind < 2:
            out_channels = self._draw(st.sampled_from([4, 20]))
            addend = self._like((rows, out_channels)) if kind else None
            if addend and addend.slice != x.slice and self._may_overwrite(addend):
                self._end(addend)
                out = addend
            else:
                out = self._new(rows, out_channels)
            self._b.dot(x, out, addend)
        elif kind == 2:
            out = self._new(self._draw(st.sampled_from([4, 8])), channels)
            self._b.left_dot(x, out)
        elif kind == 3:
            out = self._new(rows, channels)
            self._b.convolution(x, out, taps=3, groups=channels)
        elif kind == 4:
            out = self._new(rows, channels)
            weights = self._like((channels, channels))
            self._b.convolution(x, out, weights=weights)
        else:
            out = self._new(rows, self._draw(st.sampled_from([4, 20])))
            self._b.convolution(x, out, taps=self._draw(st.sampled_from([1, 3])))
        self._alive.append(out)

    def _unknown(self) -> None:
        arguments = [self._any() for _ in range(self._draw(st.integers(1, 2)))]
        count = self._draw(st.sampled_from([1, 1, 2]))
        results = [self._new(*self._shape()) for _ in range(count)]
        self._b.call("mix", arguments, *results)
        self._alive += results

    def _update(self) -> None:
        changed = self._owned()
        other = self._any()
        if other.slice == changed.slice:
            other = self._alive[0]
        self._b.call("update", [changed, other], changed)
        self._alive.append(changed)

    def _copy(self) -> None:
        value = self._any()
        copy = self._new(*value.shape.dims)
        self._b.steps.append(Copy(self._b.source("copy"), value, copy))
        self._alive.append(copy)

    def _sort(self) -> None:
        value = self._owned()
        rows, channels = value.shape.dims
        source = self._b.source("sort")
        self._b.steps.append(Sort(source, "less", 1, rows, channels, (value,)))
        self._alive.append(value)

    def _top_k(self) -> None:
        value = self._any()
        rows, channels = value.shape.dims
        best, indices = self._new(rows, 1), self._new(rows, 1)
        source, places = (
            self._b.source("topk"),
            (value.slice, best.slice, indices.slice),
        )
        self._b.steps.append(TopK(source, rows, channels, 1, *places))
        self._alive.append(best)

    # --- Nested steps ---------------------------------------------------------

    def _loop(self) -> None:
        """Changes one value, again and again, by others and by temporary ones."""
        state = self._owned()
        body = self._nested(state)
        trips = self._draw(st.integers(0, 3))
        flag = self._b.buffer("temp", 1).slice  # Never read: trips are counted.
        self._b.steps.append(While(self._b.source("while"), (), body, flag, trips))
        self._alive.append(state)

    def _call(self) -> None:
        state = self._owned()
        body = self._nested(state)
        self._b.steps.append(Call(self._b.source("call"), body))
        self._alive.append(state)

    def _branch(self) -> None:
        """Changes a value in one of two ways."""
        state, index = self._owned(), self._new(1, 1)
        self._b.call("choose", [self._any()], index)
        branches = (self._nested(state), self._nested(state))
        source = self._b.source("conditional")
        self._b.steps.append(Conditional(source, branches, index.slice))
        self._alive.append(state)

    def _nested(self, state: Buffer) -> tuple[Step, ...]:
        """Steps that read values from outside, and leave a new value in ``state``."""
        outside, before = self._b.steps, list(self._alive)
        self._b.steps, self._is_nested = [], True
        self._alive.append(state)
        for kind in self._draw(
            st.lists(st.sampled_from([self._unknown, self._producer]), max_size=2)
        ):
            kind()
        other = self._any()
        shape = state.shape.dims
        addend = self._like(shape) or state
        if self._draw(st.booleans()) and other.slice != state.slice:
            self._b.call("update", [state, other], state)
        else:
            e = Apply("tanh", (Apply("add", (Element(0), Element(1))),))
            self._b.kernel(e, [state, addend], state)
        steps, self._b.steps = tuple(self._b.steps), outside
        self._alive, self._is_nested = before, False
        return steps
