# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Says which random numbers a graph still draws, and why they were not removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tfnative_aot.freeze.refusals import draws_numbers
from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.load.reach import nodes_with_bodies, reachable_nodes
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.optimize.graph import SignatureEnds

_MASKS = frozenset("Floor Greater GreaterEqual Less LessEqual".split())
_MADE_WITH = _MASKS | frozenset("Add AddV2 Cast Identity Mul Sub".split())
_MOST = 5
_STEPS = 4


def still_random(graph_def: GraphDef, ends: SignatureEnds) -> Iterator[str]:
    """For each node that a signature draws random numbers with, what is to be said."""
    drawn = [
        node
        for node in nodes_with_bodies(graph_def, ends.outputs.values())
        if draws_numbers(node)
    ]
    if not drawn:
        return
    roots = [node_of(tensor) for tensor in ends.outputs.values()]
    editor = GraphEditor(graph_def, roots)
    names = {node.name for node in editor.nodes()}
    for node in drawn[:_MOST]:
        yield f"is still random: {node.name} ({node.op}): " + (
            _why(editor, graph_def, node, ends)
            if node.name in names
            else "it is in a loop or a branch, and no dropout, noise or augmentation "
            "that remove_training_nodes knows"
        )
    if len(drawn) > _MOST:
        yield f"is still random: so are {len(drawn) - _MOST} other nodes of it"


def _why(
    editor: GraphEditor, graph_def: GraphDef, node: NodeDef, ends: SignatureEnds
) -> str:
    by_node = {node_of(tensor): name for name, tensor in ends.inputs.items()}
    specs = {spec.name: spec for spec in ends.signature.inputs}
    others, is_mask = _beside(editor, node)
    found: set[str] = set()
    for other in others:
        reached = reachable_nodes(graph_def.node, [other])
        found |= {by_node[each.name] for each in reached if each.name in by_node}
    numbers = sorted(name for name in found if specs[name].shape == ())
    if numbers:
        return (
            "what it is compared with or added to is computed from input "
            f"{numbers[0]!r}: fix that where nothing is dropped, as with --constant "
            f"{numbers[0]}=1 for the share that is kept, or =0 for what is dropped"
        )
    if found and is_mask:
        return (
            "what it is compared with is computed from input "
            f"{', '.join(map(repr, sorted(found)))}, so that remove_training_nodes "
            "does not know what share is kept; export the model without it"
        )
    return (
        "it is no dropout, noise of mean 0 or augmentation that remove_training_nodes "
        "knows; export the model without it if it is for training"
    )


def _beside(editor: GraphEditor, node: NodeDef) -> tuple[set[str], bool]:
    """What is added to random numbers, or compared with them; whether some is."""
    random, others = {node.name}, set[str]()
    waiting, is_mask = [node], False
    for _ in range(_STEPS):
        readers = [r for each in waiting for r in editor.readers(each)]
        waiting = [reader for reader in readers if reader.op in _MADE_WITH]
        for reader in waiting:
            sources = {node_of(n) for n in reader.input if not n.startswith("^")}
            others |= sources - random
            random.add(reader.name)
        is_mask |= any(reader.op in _MASKS for reader in waiting)
        waiting = [reader for reader in waiting if reader.op not in _MASKS]
    return others - random, is_mask
