# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Refuses what a compiled model could not do, or would do silently otherwise.

tfcompile drops prints without a word, and aborts or fails late on what it has no
kernels for. Here all of it is found first, and reported together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from tfnative_aot.freeze.carriers import can_be_carried
from tfnative_aot.freeze.offender import TENSORS, Offender, refuse
from tfnative_aot.freeze.refusals import (
    can_move,
    draws_numbers,
    is_handle,
    is_state,
    wrong_after_freezing,
    wrong_before_freezing,
)
from tfnative_aot.load.dtypes import supported_dtype
from tfnative_aot.load.reach import body_nodes, reachable_functions, reachable_nodes
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.graph import FrozenGraph
    from tfnative_aot.load.places import Places
    from tfnative_aot.load.source import Signature, SourceGraph


_INLINED = "_tfg_inlined_"


def check_source(
    graph: SourceGraph, signature: Signature, places: Places
) -> tuple[Offender, ...]:
    """Checks a signature before its variables become constants.

    Args:
        graph: Its graph, with all side effects.
        signature: The signature, for its types and the message.
        places: Where nodes were made.

    Returns:
        Its assertions, for ``check_assertions``.

    Raises:
        CompileError: It changes variables, prints something, draws random numbers, or
            uses strings, tables or Python. Lists every such node.
    """
    offenders = source_offenders(graph, signature, places)
    refuse(signature.name, offenders, _advice(graph, offenders))
    return source_assertions(graph, places)


def _advice(graph: SourceGraph, offenders: Sequence[Offender]) -> str:
    """What to do about random numbers that outputs depend on, as those of training."""
    if not any(offender.changes_state for offender in offenders):
        return ""
    if not any(draws_numbers(n) for _, n in _all_nodes(graph.graph_def, graph.roots)):
        return ""
    return (
        "Its outputs depend on random numbers. If these are dropout, noise or "
        "augmentation, which are for training, remove them, and compile what that "
        "writes: tfnative optimize MODEL -o NEW --transforms remove_training_nodes"
    )


def source_assertions(graph: SourceGraph, places: Places) -> tuple[Offender, ...]:
    """A signature's assertions, with what is wrong if one gets lost."""
    reason = "checks a condition, which would be lost; remove it"
    return tuple(
        Offender(name, node.name, node.op, reason, places.find(name, node.name), False)
        for name, node in _all_nodes(graph.graph_def, graph.roots)
        if node.op == "Assert"
    )


def source_offenders(
    graph: SourceGraph, signature: Signature, places: Places
) -> list[Offender]:
    """All that is wrong with a signature before its variables become constants."""
    offenders = list(_wrong_tensors(signature))
    offenders += _fed_by_nobody(graph)
    for name, node in _all_nodes(graph.graph_def, graph.roots):
        reason = wrong_before_freezing(node, graph.graph_def)
        if reason:
            place = places.find(name, node.name)
            offenders.append(
                Offender(
                    *(name, node.name, node.op, reason, place),
                    movable=can_move(node),
                    changes_state=is_state(node),
                )
            )
    return offenders


def check_assertions(
    assertions: Sequence[Offender],
    proven: Collection[str],
    graph_def: GraphDef,
    signature: Signature,
) -> None:
    """Checks that none of a signature's assertions got lost in freezing.

    Args:
        assertions: What ``check_source`` returned.
        proven: Names of the assertions that always hold, or never run. Inlining put
            the names of calls before them.
        graph_def: The frozen graph, without those.
        signature: The signature, for the message.

    Raises:
        CompileError: An assertion is neither proven nor in the graph. Lists all such.
    """
    refuse(signature.name, lost_assertions(assertions, proven, graph_def))


def lost_assertions(
    assertions: Sequence[Offender], proven: Collection[str], graph_def: GraphDef
) -> list[Offender]:
    """Those that are neither proven nor in a graph."""
    known = [*proven]
    for nodes in (graph_def.node, *(f.node_def for f in graph_def.library.function)):
        known += [node.name for node in nodes if node.op == "Assert"]
    return [each for each in assertions if not is_among(each.name, known)]


def is_among(name: str, inlined: Iterable[str]) -> bool:
    """Whether a node, perhaps of a function that was inlined, is one of some nodes.

    Inlining puts the names of calls before the names of nodes. Of branches, it also
    puts something behind them.
    """
    return any(
        f"/{each.partition(_INLINED)[0]}".endswith(f"/{name.partition(_INLINED)[0]}")
        for each in inlined
    )


def check(graph: FrozenGraph, places: Places | None = None) -> None:
    """Checks a frozen signature.

    Raises:
        CompileError: It has ops that XLA has no kernel for. Lists every such node.
    """
    offenders = []
    roots = [tensor.tensor for tensor in graph.outputs]
    for name, node in _all_nodes(graph.graph_def, roots):
        reason = wrong_after_freezing(node, graph.graph_def)
        if reason:
            place = places.find(name, node.name) if places else ""
            offenders.append(Offender(name, node.name, node.op, reason, place))
    refuse(graph.signature, offenders)


def _all_nodes(
    graph_def: GraphDef, roots: Iterable[str]
) -> Iterator[tuple[str, NodeDef]]:
    """Every node that runs, with the name of the function that it is in."""
    nodes = reachable_nodes(graph_def.node, roots)
    for node in nodes:
        yield node.name, node
    for function in reachable_functions(graph_def, nodes):
        for node in body_nodes(function):
            yield f"{function.signature.name}/{node.name}", node


def _fed_by_nobody(graph: SourceGraph) -> Iterator[Offender]:
    """Placeholders that are no inputs, and would have to be fed all the same."""
    fed = {node_of(tensor) for tensor in graph.inputs.values()}
    for node in reachable_nodes(graph.graph_def.node, graph.roots):
        if node.op == "Placeholder" and node.name not in fed and not is_handle(node):
            reason = (
                "is no input of the signature, and has no value; give it one with "
                f"--constant {node.name}=VALUE"
            )
            yield Offender(node.name, node.name, node.op, reason, "", movable=False)


def _wrong_tensors(signature: Signature) -> Iterator[Offender]:
    for kind, specs in zip(TENSORS, (signature.inputs, signature.outputs), strict=True):
        for spec in specs:
            if not (supported_dtype(spec.dtype) and can_be_carried(spec.dtype)):
                reason = f"{kind} {spec.name!r} has {spec.dtype} elements"
                yield Offender(spec.tensor, spec.tensor, kind, reason, "")
