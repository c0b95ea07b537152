# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lets nodes wait for what they waited for before their variables became constants.

TensorFlow's conversion makes an Identity of each read of a variable, and forgets what
the read waited for: an assertion that nothing else waits for would be lost with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfnative_aot.load.reach import called

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def restore_waits(before: GraphDef, after: GraphDef) -> None:
    """Gives nodes of a graph, and of its functions, their control inputs again.

    Args:
        before: The graph with variables.
        after: What the conversion made of it, in which nodes keep their names, and
            functions may have others. It is changed.
    """
    old = {each.signature.name: each for each in before.library.function}
    new = {each.signature.name: each for each in after.library.function}
    waiting = [("", "")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        pair = waiting.pop()
        if pair in seen:
            continue
        seen.add(pair)
        was = {
            node.name: node
            for node in (old[pair[0]].node_def if pair[0] else before.node)
        }
        nodes = new[pair[1]].node_def if pair[1] else after.node
        _restore(was, nodes)
        waiting += [
            (first, second)
            for node in nodes
            if node.name in was
            for first, second in zip(
                called([was[node.name]]), called([node]), strict=False
            )
            if first in old and second in new
        ]


def _restore(was: Mapping[str, NodeDef], nodes: Sequence[NodeDef]) -> None:
    present = {node.name for node in nodes}
    for node in nodes:
        if node.name not in was:
            continue
        known = set(node.input)
        node.input.extend(
            name
            for name in was[node.name].input
            if name.startswith("^") and name not in known and name[1:] in present
        )
