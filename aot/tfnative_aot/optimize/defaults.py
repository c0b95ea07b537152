# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs of TensorFlow 1 that a caller may leave out: placeholders with a default.

Transforms see a Placeholder, of which the tool knows that it is fed. What is written
has the default again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.load.graph_def_file import read as read_graph_def
from tfnative_aot.load.initializer import meta_graph_of
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.optimize.graph import SignatureEnds, WholeGraph

_PASSES_ON = frozenset({"Identity", "Snapshot", "StopGradient"})
_DEFAULT = "PlaceholderWithDefault"


def with_defaults(
    graph_def: GraphDef, graph: WholeGraph, model: LoadedModel
) -> GraphDef:
    """A graph whose inputs may be left out where they might in the model.

    Args:
        graph_def: What is to be written, in which inputs are Placeholders.
        graph: Says which they are.
        model: As it came.
    """
    defaults = {
        node_of(ends.inputs[name]): value
        for ends, name, value in _defaults(model, graph.ends)
        if value is not None
    }
    if not defaults:
        return graph_def
    changed = GraphDef()
    changed.CopyFrom(graph_def)
    names = {node.name for node in changed.node}
    for node in list(changed.node):
        if node.name in defaults:
            name = f"{node.name}/default"
            while name in names:
                name += "_"
            names.add(name)
            value = changed.node.add()
            value.CopyFrom(defaults[node.name])
            value.name = name
            del value.input[:]
            node.op = _DEFAULT
            node.input.append(name)
    return changed


def computed_defaults(
    model: LoadedModel, signatures: Sequence[SignatureEnds]
) -> Mapping[str, list[str]]:
    """By signature, inputs whose defaults are no constants, and are not kept."""
    found: dict[str, list[str]] = {}
    for ends, name, value in _defaults(model, signatures):
        if value is None:
            found.setdefault(ends.signature.name, []).append(name)
    return found


def _defaults(
    model: LoadedModel, signatures: Sequence[SignatureEnds]
) -> Iterator[tuple[SignatureEnds, str, NodeDef | None]]:
    """Inputs that have a default, each with the Const that it is, if it is one."""
    is_saved = model.kind != "graph_def"
    meta = meta_graph_of(model)  # Empty for a GraphDef.
    graph_def = meta.graph_def if is_saved else read_graph_def(model.path)
    nodes = {node.name: node for node in graph_def.node}
    for ends in signatures:
        tensors = {spec.name: spec.tensor for spec in ends.signature.inputs}
        if is_saved:
            declared = meta.signature_def[ends.signature.name].inputs
            tensors = {name: info.name for name, info in declared.items()}
        for name in ends.inputs:
            node = nodes.get(node_of(tensors.get(name, "")))
            if node is None or node.op != _DEFAULT:
                continue
            given = nodes.get(node_of(node.input[0]))
            while given is not None and given.op in _PASSES_ON:
                given = nodes.get(node_of(given.input[0]))
            is_constant = given is not None and given.op == "Const"
            yield ends, name, given if is_constant else None
