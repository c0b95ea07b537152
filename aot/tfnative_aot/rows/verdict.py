# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Says whether the rows of a batch depend on each other, and proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfnative_aot.load.source import BATCH
from tfnative_aot.rows.analysis import Analysis
from tfnative_aot.rows.count import decision_by_count
from tfnative_aot.rows.instruction import DifferentError
from tfnative_aot.rows.probes import probes
from tfnative_aot.rows.programs import programs
from tfnative_aot.rows.value import Kind, Known, Layout, Mixed, Several, Value

if TYPE_CHECKING:
    from pathlib import Path

    from tfnative_aot.freeze.graph import FrozenGraph
    from tfnative_aot.xla.processes import ForkServer

_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})

OF_ROWS = Known(Kind.ROWS, Layout(0))


@dataclass(frozen=True)
class Verdict:
    """What is known of the rows of a signature.

    Attributes:
        kind: "proved": a row's result depends on that row alone; "dependent": on
            others, too, or on how many there are; "unknown"; "none": there are none.
        reason: Why it is not proved, as a sentence without its full stop; else "".
        node: Name of the TensorFlow node that mixes rows, or "".
    """

    kind: str
    reason: str = ""
    node: str = ""


def judge(graph: FrozenGraph, server: ForkServer, work: Path) -> Verdict:
    """Looks whether the rows of a frozen signature depend on each other.

    Args:
        graph: The signature.
        server: What ``start_server`` returned.
        work: A folder for files of its own. Created if need be.
    """
    if not graph.has_batch:
        return Verdict("none")
    if any(BATCH in (t.shape or ())[1:] for t in graph.inputs):
        return Verdict(
            "unknown", "an input has rows in another dimension than the first"
        )
    rows = probes(graph.graph_def)
    if rows is None:
        return Verdict("unknown", "a bound in its graph is too large to look beyond")
    try:
        modules, shapes = programs(graph, rows, server, work)
    except Exception as error:  # Whatever TensorFlow raises.
        return Verdict(
            "unknown",
            f"XLA does not take it for some numbers of rows: {_first_line(error)}",
        )
    analysis = Analysis(modules, rows)
    expected = [tuple(rows[0] if s == BATCH else s for s in shape) for shape in shapes]
    if analysis.parameter_shapes() != tuple(expected):
        return Verdict("unknown", "XLA has other inputs than the signature")
    of_inputs = [OF_ROWS if s[:1] == (BATCH,) else Known() for s in shapes]
    try:
        found = analysis.results(of_inputs)
    except DifferentError:
        reason = "its program is another one for other numbers of rows"
        return Verdict("unknown", reason)
    outputs = found.parts if isinstance(found, Several) else (found,)
    names = [tensor.name for tensor in graph.outputs]
    for name, output in zip(names, outputs, strict=True):
        if (problem := _problem(name, output)) is not None:
            return problem
    return _counted(graph)


def _counted(graph: FrozenGraph) -> Verdict:
    try:
        decision = decision_by_count(graph)
    except Exception as error:  # Whatever TensorFlow raises.
        return Verdict("unknown", f"its graph cannot be followed: {_first_line(error)}")
    if decision is None:
        return Verdict("proved")
    node, op = shown(decision[0]), decision[1]
    return Verdict("unknown", f"{node} ({op}) decides by the number of rows", node)


def shown(node: str) -> str:
    """A node's name without the calls that it was inlined from."""
    first = node.partition(";")[0]
    parts = [part for part in first.split("/") if part not in _CALLS]
    return "/".join(parts) or first


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]


def _problem(name: str, output: Value) -> Verdict | None:
    if isinstance(output, Mixed):
        kind = "dependent" if output.is_certain else "unknown"
        node = shown(output.node) or name
        op = f" ({output.op})" if output.op else ""
        return Verdict(kind, f"{node}{op} {output.reason}", node)
    assert isinstance(output, Known)
    if output.kind == Kind.NUMBER:
        return Verdict("dependent", f"output {name!r} has the numbers of the rows")
    if output.layout not in (None, Layout(0)):
        return Verdict(
            "dependent", f"output {name!r} has its rows elsewhere than first"
        )
    return None
