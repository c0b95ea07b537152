# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds what a graph checks or prints, and what of that a step has lost.

An assertion has no result: in a graph of TensorFlow 1, it runs only since some node
waits for it. Whoever removes that node, and not what it waits for, removes it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfnative_aot.freeze.check import is_among
from tfnative_aot.freeze.refusals import CHECKS
from tfnative_aot.load.reach import nodes_with_bodies

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative._optimize.transforms import Transform
    from tfnative_aot.optimize.graph import WholeGraph

ALL_CHECKS = CHECKS | frozenset(
    """Abort EagerPyFunc EnsureShape LogString NumpyFunction Print PrintV2
    PyFunc""".split()
)
"""Ops of the nodes that are there for what they raise, print or call."""
_WITHOUT_RESULT = ("Abort", "Assert", "LogString", "NoOp", "PrintV2")
_RENAMES = ("obfuscate_names", "rename_node")
_FREES = ("remove_assertions", "remove_control_dependencies")

Checks = frozenset[tuple[str, str, str]]
"""Signature, op and name of each node that is there for what it raises or prints."""


def is_check(node: NodeDef) -> bool:
    """Whether a node is there for what it raises, prints or calls."""
    return node.op in ALL_CHECKS


def checks(graph: WholeGraph) -> Checks:
    """What runs with each signature, also in functions."""
    return frozenset(
        (ends.signature.name, node.op, node.name)
        for ends in graph.ends
        for node in nodes_with_bodies(graph.graph_def, ends.outputs.values())
        if is_check(node)
    )


def lost_checks(step: Transform, before: Checks, after: Checks) -> list[str]:
    """What runs with a signature no more, as "name (op)", sorted.

    Args:
        step: What was done. Of what it renames, only the number is known.
        before: What ran before.
        after: What runs now.
    """
    if step.name in _RENAMES:
        return _fewer(before, after)
    kept: dict[str, set[str]] = {}
    for signature, _, name in after:
        kept.setdefault(signature, set()).add(name)
    return sorted(
        {
            f"{name} ({op})"
            for signature, op, name in before
            if not is_among(name, kept.get(signature, ()))
        }
    )


def may_lose(step: Transform, op: str) -> bool:
    """Whether a step says that it is about checks, or about those of an op."""
    named = {value for _, value in step.parameters}
    return step.name in _FREES or op in named & ALL_CHECKS


def tied_nodes(graph_def: GraphDef) -> list[str]:
    """Both ends of each control edge, if the graph checks anything.

    The tool removes nodes without what they wait for, and lets others wait for a
    Switch instead of one of its sides; but it removes none that is fetched. What has
    no result cannot be fetched.
    """
    if not _has_checks(graph_def):
        return []
    tied: dict[str, None] = {}
    for node in graph_def.node:
        sources = [name[1:] for name in node.input if name.startswith("^")]
        if sources:
            tied.update(dict.fromkeys([node.name, *sources]))
    ops = {node.name: node.op for node in graph_def.node}
    return [name for name in tied if ops[name] not in _WITHOUT_RESULT]


def _fewer(before: Checks, after: Checks) -> list[str]:
    def count(found: Checks, key: tuple[str, str]) -> int:
        return sum(each[:2] == key for each in found)

    keys = sorted({each[:2] for each in before})
    return [
        f"{count(before, key) - count(after, key)} of {key[1]}"
        for key in keys
        if count(after, key) < count(before, key)
    ]


def _has_checks(graph_def: GraphDef) -> bool:
    bodies = (function.node_def for function in graph_def.library.function)
    return any(is_check(n) for nodes in (graph_def.node, *bodies) for n in nodes)
