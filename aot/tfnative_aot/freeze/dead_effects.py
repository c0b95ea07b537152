# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Drops state that no output depends on, also in the bodies of loops and branches.

A counter of random seeds is counted also where nothing random is left, as Keras does in
models that it exports. Nobody can see that a compiled model does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.freeze.refusals import (
    CHECKS,
    changes_state,
    is_state,
    wrong_before_freezing,
)
from tfnative_aot.freeze.value_flow import Place, Value, ValueFlow
from tfnative_aot.load.reach import prune, reachable_nodes

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_VARIABLES = frozenset({"VarHandleOp", "Variable", "VariableV2"})
_OF_A_STATE = ("Rng", "Stateful")
_THROUGH = frozenset(
    {"Enter", "Identity", "RefEnter", "RefIdentity", "RefSwitch", "Switch"}
)


def drop_dead_effects(graph_def: GraphDef, roots: Collection[str]) -> GraphDef:
    """The graph without changes of variables, and random numbers, that nothing reads.

    Args:
        graph_def: A graph whose calls are inlined; loops and branches may be functions.
        roots: Names of the nodes that are fetched.
    """
    flow = ValueFlow(graph_def)
    effects = {place for place, node in flow.nodes.items() if is_state(node)}
    seen = [p for p, node in flow.nodes.items() if _is_seen(node, graph_def)]
    live = flow.reached([*(Place("", root) for root in roots), *seen])
    dead = {place for place in effects - live if _is_dead(place, flow, live)}
    if not dead:
        return graph_def
    kept = GraphDef()
    kept.CopyFrom(graph_def)
    _forget(kept.node, "", dead)
    for function in kept.library.function:
        _forget_in(function, dead)
    return prune(kept, roots)


def _is_seen(node: NodeDef, graph_def: GraphDef) -> bool:
    """Whether it does something that has to stay."""
    if is_state(node):
        return False
    return node.op in CHECKS or bool(wrong_before_freezing(node, graph_def))


def _is_dead(place: Place, flow: ValueFlow, live: Collection[Place]) -> bool:
    """Whether nothing reads the variables that a node changes, if it changes some."""
    variables = _variables(place, flow)
    node = flow.nodes[place]
    if variables is None:
        return not (changes_state(node) or node.op.startswith(_OF_A_STATE))
    read = {_key(each, flow) for each in live if _is_variable(each, flow)}
    return not any(_key(variable, flow) in read for variable in variables)


def _is_variable(place: Place, flow: ValueFlow) -> bool:
    return place in flow.nodes and flow.nodes[place].op in _VARIABLES


def _key(place: Place, flow: ValueFlow) -> tuple[bytes, str]:
    """By what TensorFlow knows a variable: several nodes may name the same."""
    node = flow.nodes[place]
    shared = node.attr["shared_name"].s if "shared_name" in node.attr else b""
    return (shared, "") if shared else (b"", place.node)


def _variables(place: Place, flow: ValueFlow) -> set[Place] | None:
    """The variables that a node may change; None if it names none."""
    first = flow.first_input(place)
    waiting: list[Value] = [first] if first is not None else []
    found: set[Place] = set()
    seen: set[Value] = set()
    while waiting:
        value = waiting.pop()
        if value in seen:
            continue
        seen.add(value)
        if flow.is_argument(value.place):
            waiting.extend(flow.given(value.place))
            continue
        node = flow.nodes[value.place]
        if node.op in _VARIABLES:
            found.add(value.place)
        elif node.op in _THROUGH:
            source = flow.first_input(value.place)
            waiting += [source] if source is not None else []
        else:
            return None
    return found or None


def _forget_in(function: FunctionDef, dead: Collection[Place]) -> None:
    """Drops what is dead of a function's body, and what only that needed."""
    name = function.signature.name
    controls = [
        key for key, node in function.control_ret.items() if Place(name, node) in dead
    ]
    for key in controls:
        del function.control_ret[key]
    outputs = [
        each for each in function.signature.control_output if each not in controls
    ]
    del function.signature.control_output[:]
    function.signature.control_output.extend(outputs)
    if _forget(function.node_def, name, dead) or controls:
        roots = [*function.ret.values(), *function.control_ret.values()]
        left = [*reachable_nodes(function.node_def, roots)]
        copies = GraphDef()
        copies.node.extend(left)
        del function.node_def[:]
        function.node_def.extend(copies.node)


def _forget(nodes: Iterable[NodeDef], function: str, dead: Collection[Place]) -> bool:
    """Lets no node wait for what is dead; returns whether one did."""
    controls = {f"^{place.node}" for place in dead if place.function == function}
    found = False
    for node in nodes:
        left = [name for name in node.input if name not in controls]
        if len(left) < len(node.input):
            found = True
            del node.input[:]
            node.input.extend(left)
    return found
