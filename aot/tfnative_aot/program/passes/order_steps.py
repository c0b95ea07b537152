# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Puts steps into the order that needs the smallest workspace, and places its values.

XLA has ordered its instructions for its own program. Ours has fewer steps, and other
values between them, so that another order may need less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from tfnative_aot.program.dependencies import check_order, dependencies, touched
from tfnative_aot.program.passes.assign_memory import assign_memory
from tfnative_aot.program.passes.lives import aligned, live_bytes, lives
from tfnative_aot.program.passes.orders import ORDERS, Order, Schedule
from tfnative_aot.program.program import Program


def order_steps(
    program: Program, orders: Mapping[str, Callable[[Schedule], Order]] = ORDERS
) -> Program:
    """The program in XLA's order or in one of ``orders``, with places for its values.

    What counts is the size of the workspace when all values are placed in it, and XLA's
    order stays unless another one needs less. So no workspace grows. What is nested in
    loops, branches and calls stays in XLA's order: its values are all alive as long as
    the step that it is nested in runs, so that no order of them needs less.

    Args:
        program: Its values have allocations of their own, see ``separate_values``.
        orders: What to try, by name.

    Raises:
        InternalError: An order would change what the program computes.
    """
    best = assign_memory(program)
    best = replace(best, xla_order_bytes=best.temp_bytes)
    if peak_bytes(program) == 0:
        return best
    # Placing values takes longer than looking at them: the lowest peak comes first.
    moved = sorted(_moved(program, orders), key=peak_bytes)
    for candidate in moved:
        if peak_bytes(candidate) < best.temp_bytes:
            placed = assign_memory(candidate)
            if placed.temp_bytes < best.temp_bytes:
                best = replace(placed, xla_order_bytes=best.xla_order_bytes)
    return best


def _moved(
    program: Program, orders: Mapping[str, Callable[[Schedule], Order]]
) -> Iterator[Program]:
    """The program in each of the orders, which are checked."""
    schedule = schedule_of(program)
    for name, find in orders.items():
        order = find(schedule)
        check_order(program.steps, order)
        steps = tuple(program.steps[number] for number in order)
        yield replace(program, steps=steps, order=name)


def peak_bytes(program: Program) -> int:
    """Bytes that are alive at once, at most: no plan of the workspace takes less."""
    return max(live_bytes(lives(program), len(program.steps)))


def schedule_of(program: Program) -> Schedule:
    """What there is to order: steps that are not nested, and values between them."""
    sizes = {a.index: aligned(a.size) for a in program.allocations if a.kind == "temp"}
    values = []
    for step in program.steps:
        reads, writes = touched(step)
        found = dict.fromkeys(place.allocation for place in (*reads, *writes))
        values.append(tuple(index for index in found if index in sizes))
    return Schedule(
        before=dependencies(program.steps),
        values=tuple(values),
        sizes=sizes,
        kept=frozenset(s.allocation for s in program.output_slices) & sizes.keys(),
    )
