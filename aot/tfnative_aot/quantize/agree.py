# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lets all programs of a signature multiply the same things in 8 bits.

What XLA makes of a product depends on the number of rows: one is a product of two
matrices, several may be one for each row, for which there is no kernel. A row has to
get the same answer alone as among others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from tfnative_aot.program.passes import run_passes
from tfnative_aot.program.passes.stored_weights import Weights, find_node
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import Convolution, Dot
from tfnative_aot.program.traverse import walk


def in_agreement(
    decoded: Sequence[Program],
    finished: Sequence[Program],
    weights: Sequence[Weights],
    *,
    winograd: bool,
) -> tuple[tuple[Program, ...], list[Weights]]:
    """Programs in which only such products are in 8 bits as can be in all.

    Args:
        decoded: All programs, as XLA made them.
        finished: The same after the passes.
        weights: What is to become of the weights of each signature.
        winograd: As ``run_passes``.

    Returns:
        The finished ones, and what has become of the weights.
    """
    agreed, made = [], list(finished)
    for signature, asked in enumerate(weights):
        own = [n for n, p in enumerate(made) if p.key.signature == signature]
        found = [products_of(made[n], asked.products) for n in own]
        common = replace(asked, products=frozenset.intersection(*found))
        agreed.append(common)
        if common.products == asked.products:
            continue
        for number in own:
            if _any_in_int8(made[number], asked.products - common.products):
                made[number] = run_passes(
                    decoded[number], winograd=winograd, weights=common
                )
    return tuple(made), agreed


def products_of(program: Program, nodes: Collection[str]) -> frozenset[str]:
    """Those of TensorFlow's nodes that a program multiplies in 8 bits, always."""
    in_int8, others = (set(_products(program, nodes, kind)) for kind in (True, False))
    return frozenset(in_int8 - others - {""})


def _any_in_int8(program: Program, nodes: Collection[str]) -> bool:
    return any(_products(program, nodes, True))


def _products(program: Program, nodes: Collection[str], in_int8: bool) -> Iterator[str]:
    for step in walk(program.steps):
        if isinstance(step, Dot | Convolution):
            is_in_int8 = isinstance(step, Dot) and step.in_int8
            if is_in_int8 == in_int8:
                for part in step.source.all_parts:
                    yield find_node(part.op_name, nodes)
