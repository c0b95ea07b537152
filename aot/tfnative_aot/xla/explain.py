# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Says why XLA does not compile a graph, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfnative.errors import CompileError
from tfnative_aot import adapters
from tfnative_aot.freeze.offender import Offender, refuse
from tfnative_aot.freeze.origins import OriginFinder, find_node
from tfnative_aot.freeze.static_shapes import fitting_sizes
from tfnative_aot.load.source import BATCH, SourceGraph, node_of
from tfnative_aot.machines.process_end import describe_end, last_lines
from tfnative_aot.xla.failure import Failure, read_failure

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.graph import FrozenGraph

_FAILED = 1
_MOST_SIZES = 5


def refuse_failed(
    graph: FrozenGraph, rows: int, what: str, code: int, output: str
) -> None:
    """Raises the error for a graph that tfcompile did not compile.

    Args:
        graph: The signature.
        rows: Its batch size.
        what: Which variant of it, in words.
        code: How tfcompile ended, as ``ForkServer.run`` says it.
        output: What it printed.

    Raises:
        CompileError: Always. Names the node, if it is known.
    """
    failure = read_failure(output)
    if code == _FAILED and graph.has_batch:
        _refuse_rows(graph, rows, what, failure)
    offender = offender_of(graph, failure) if code == _FAILED else None
    if offender is not None:
        refuse(graph.signature, [offender])
    if failure.text:
        where = f" at node {failure.node!r}" if failure.node else ""
        raise CompileError(f"{what}: XLA {_how_it_ended(code)}{where}: {failure.text}")
    raise CompileError(
        f"{what}: tfcompile {describe_end(code)}. Its last lines:\n"
        + last_lines(output)
    )


def _refuse_rows(graph: FrozenGraph, rows: int, what: str, failure: Failure) -> None:
    """Raises an error of its own where it is the batch size that does not fit."""
    source = SourceGraph(
        graph.graph_def,
        {each.name: each.tensor for each in graph.inputs},
        {each.name: each.tensor for each in graph.outputs},
        (),
    )
    shapes = {each.name: each.shape or () for each in graph.inputs}
    fitting = fitting_sizes(source, shapes)
    if fitting and rows not in fitting and rows <= fitting[-1]:
        some = ", ".join(map(str, fitting[:_MOST_SIZES]))
        raise CompileError(
            f"{what}: the model does not take this many rows, but {some}"
            + (", ..." if len(fitting) > _MOST_SIZES else "")
            + f"; choose with --batch-sizes: {failure.text}"
        )


def offender_of(graph: FrozenGraph, failure: Failure) -> Offender | None:
    """The node that a failure is about, with the reason; None if it is not known."""
    found = find_node(graph.graph_def, failure.node) if failure.node else None
    if found is None:
        return None
    function, node = found
    name = f"{function}/{node.name}" if function else node.name
    place = graph.places.find(name, node.name) if graph.places else ""
    if failure.operand is None:
        reason = f"XLA does not compile it: {failure.text}"
    else:
        reason = not_constant(graph, function, node, failure.operand)
    return Offender(name, node.name, node.op, reason, place)


def _how_it_ended(code: int) -> str:
    return "does not compile it" if code == _FAILED else describe_end(code)


def not_constant(graph: FrozenGraph, function: str, node: NodeDef, place: int) -> str:
    """Why an operand of a node is not known in time, and what to do about it."""
    name = operand_name(node, place)
    found = OriginFinder(graph.graph_def).find(function, node.input[place])
    inputs = [i for i in graph.inputs if node_of(i.tensor) in found.placeholders]
    fixed = [i.name for i in inputs if BATCH not in (i.shape or ())]
    needed = f"its operand {name!r} has to be known when the model is compiled"
    names = ", ".join(repr(each.name) for each in inputs)
    if function and found.changes:
        return f"{needed}, but changes in a loop; unroll the loop"
    if fixed and len(fixed) == len(inputs):
        flags = " ".join(f"--constant {name}=VALUE" for name in fixed)
        return f"{needed}, but comes from the input {names}; fix that with {flags}"
    if inputs:
        return (
            f"{needed}, but is computed from the values of the input {names}; compute "
            "it from shapes and constants, or before the model"
        )
    return f"{needed}, but XLA cannot compute it; make it a constant"


def operand_name(node: NodeDef, place: int) -> str:
    """What an op's definition calls one of its inputs, or the input's number."""
    definition = adapters.tf().op_definition(node.op)
    arguments = [] if definition is None else definition.input_arg
    if any(a.number_attr or a.type_list_attr for a in arguments):
        return str(place)
    return str(arguments[place].name) if place < len(arguments) else str(place)
