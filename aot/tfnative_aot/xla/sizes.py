# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Refuses sizes that are known at run time only.

XLA takes some of them: it computes with the largest size there may be, and passes the
true one on beside it. But not every op looks at that, and results are then wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

import tensorflow as tf

from tfnative_aot.freeze.offender import Offender, refuse
from tfnative_aot.freeze.origins import OriginFinder
from tfnative_aot.load.source import node_of
from tfnative_aot.xla.explain import not_constant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.graph import FrozenGraph


def refuse_open_sizes(graph: FrozenGraph) -> None:
    """Refuses slices of as many elements as the data say.

    Raises:
        CompileError: There are some. Names the nodes, and what to do.
    """
    offenders = []
    finder = cache(partial(OriginFinder, graph.graph_def))  # Few graphs need one.
    scopes = {"": graph.graph_def.node}
    for function in graph.graph_def.library.function:
        if function.signature.name not in graph.calls:
            scopes[function.signature.name] = function.node_def
    for scope, nodes in scopes.items():
        by_name = {node.name: node for node in nodes}
        for node in nodes:
            place = _open_operand(finder, scope, node, by_name)
            if place is not None:
                name = f"{scope}/{node.name}" if scope else node.name
                where = graph.places.find(name, node.name) if graph.places else ""
                reason = not_constant(graph, scope, node, place)
                offenders.append(Offender(name, node.name, node.op, reason, where))
    refuse(graph.signature, offenders)


def _open_operand(
    finder: Callable[[], OriginFinder],
    scope: str,
    node: NodeDef,
    nodes: Mapping[str, NodeDef],
) -> int | None:
    """Which input of a node gives its result a size that depends on the data."""
    for place, free in _free(node, nodes).items():
        for numbers, tensor in _scalars(node, place, nodes):
            if not free.issuperset(numbers) and _is_of_data(finder(), scope, tensor):
                return place
    return None


def _free(node: NodeDef, nodes: Mapping[str, NodeDef]) -> dict[int, set[int]]:
    """Inputs that decide about sizes, with the elements that do not."""
    if node.op == "StridedSlice":
        given = ("shrink_axis_mask", "new_axis_mask", "ellipsis_mask")
        masks = [node.attr[each].i for each in given]
        return {
            place: {
                n for n in range(32) if any(each >> n & 1 for each in [*masks, own])
            }
            for place, own in (
                (1, node.attr["begin_mask"].i),
                (2, node.attr["end_mask"].i),
            )
        }
    if node.op == "Slice":
        sizes = _constant(node, 2, nodes)
        # What is of a given size may begin anywhere.
        return {1: {n for n, size in enumerate(sizes) if size != -1}, 2: set()}
    return {}


def _constant(
    node: NodeDef, place: int, nodes: Mapping[str, NodeDef]
) -> list[int] | range:
    """The elements of a vector, or any where they are not known."""
    source = nodes.get(node_of(node.input[place]))
    if source is None or source.op != "Const":
        return range(32)
    return [int(each) for each in tf.make_ndarray(source.attr["value"].tensor)]


def _scalars(
    node: NodeDef, place: int, nodes: Mapping[str, NodeDef]
) -> Iterator[tuple[Sequence[int], str]]:
    """What one of a slice's vectors is made of, with the places of each part."""
    source = nodes.get(node_of(node.input[place]))
    if source is not None and source.op == "Pack":
        for number, tensor in enumerate(source.input[: source.attr["N"].i]):
            yield [number], tensor
        return
    # The strides, or the sizes, have as many elements.
    known = _constant(node, len(node.input) - 1, nodes)
    yield range(len(known)), node.input[place]


def _is_of_data(finder: OriginFinder, scope: str, tensor: str) -> bool:
    found = finder.find(scope, tensor)
    return bool(found.placeholders) or found.changes
