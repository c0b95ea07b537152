# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What of a graph is computed of some nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

_INPUTS = ("Placeholder", "PlaceholderWithDefault")
_SIZES = frozenset({"Rank", "Shape", "ShapeN", "Size"})


def computed_of_data(editor: GraphEditor) -> set[str]:
    """Names of the nodes that need a model's inputs, and more of them than sizes.

    TensorFlow itself computes the others, when XLA is given the graph.
    """
    return computed_of(editor, editor.nodes(*_INPUTS))


def computed_of(editor: GraphEditor, nodes: Iterable[NodeDef]) -> set[str]:
    """Names of these nodes, and of what needs more of them than sizes."""
    waiting = [*nodes]
    found = {node.name for node in waiting}
    while waiting:
        for reader in editor.readers(waiting.pop()):
            if reader.name not in found and reader.op not in _SIZES:
                found.add(reader.name)
                waiting.append(reader)
    return found
