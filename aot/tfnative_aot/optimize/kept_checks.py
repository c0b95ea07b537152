# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Puts back what a graph checks when what waited for it was removed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative.errors import CompileError
from tfnative_aot.freeze.refusals import draws_numbers
from tfnative_aot.load.reach import reachable_nodes
from tfnative_aot.optimize.augmentation import in_augmentation
from tfnative_aot.optimize.checks import is_check

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_BRANCHES = frozenset({"RefSwitch", "Switch"})


def with_checks(before: GraphDef, after: GraphDef, roots: Collection[str]) -> GraphDef:
    """The graph without training, with all checks that are not about training.

    What checks random numbers, or belongs to a layer that changes images, goes with
    these. For each other one, the outputs that ran it wait for it again.

    Args:
        before: The graph before something was removed.
        after: The graph without it.
        roots: Names of the nodes that are fed or fetched.

    Raises:
        CompileError: One would be lost that runs in a branch: outputs cannot wait for
            what does not always run.
    """
    left = {node.name for node in reachable_nodes(after.node, roots)}
    lost = {
        node.name: reachable_nodes(before.node, [node.name])
        for node in reachable_nodes(before.node, roots)
        if is_check(node) and node.name not in left and not in_augmentation(node.name)
    }
    lost = {n: made_of for n, made_of in lost.items() if not _is_random(made_of)}
    if not lost:
        return after
    changed = GraphDef()
    changed.CopyFrom(after)
    for name, made_of in lost.items():
        if any(node.op in _BRANCHES for node in made_of):
            raise CompileError(
                f"{name}, which checks a condition in a branch, would be checked no "
                "more; remove_assertions removes it"
            )
        present = {node.name for node in changed.node}
        changed.node.extend(node for node in made_of if node.name not in present)
        for node in changed.node:
            if node.name in roots and _runs(before, node.name, name):
                node.input.append(f"^{name}")
    return changed


def _is_random(nodes: Iterable[NodeDef]) -> bool:
    return any(draws_numbers(node) for node in nodes)


def _runs(graph_def: GraphDef, root: str, name: str) -> bool:
    """Whether a node runs when another one is fetched."""
    return any(node.name == name for node in reachable_nodes(graph_def.node, [root]))
