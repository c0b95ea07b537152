# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's answers in float64: nearer to the true ones than its own in float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tfnative.errors import Error
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.load.reach import prune, reachable_names
from tfnative_aot.load.session_source import SessionSource
from tfnative_aot.load.source import Signature, SourceGraph
from tfnative_aot.verify.double_graph import double_graph
from tfnative_aot.verify.double_ops import NoDoubleGraphError
from tfnative_aot.verify.messages import op_without_kernel, tensorflow_message
from tfnative_aot.verify.plain_graph import moved, plain_graph
from tfnative_aot.verify.reach import reach_of
from tfnative_aot.verify.samples import Arrays

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_LONGEST_MESSAGE = 120


class Exact:
    """One signature in float64, made when it is first asked.

    An op that float64 does not have takes its answer from those outputs alone that
    need it.

    Attributes:
        reasons: Why there is none, by the names of the outputs that have none.
    """

    def __init__(
        self, model: LoadedModel, graph: FrozenGraph, reason: str = ""
    ) -> None:
        """Args: what is compiled, as a model and frozen; and why not, if not."""
        self._model = model
        self._graph = graph
        self._source: SessionSource | None = None
        self._source_names: Sequence[str] = ()
        self._plain: SourceGraph | None = None
        self._signature = model.signature(graph.signature)
        self._names = [spec.name for spec in self._signature.outputs]
        self.reasons = dict.fromkeys(self._names, reason) if reason else {}

    def outputs(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """Answers to inputs of the compiled code, of all outputs that have one."""
        feeds = {name: wide(array) for name, array in inputs.items()}
        found: dict[str, npt.NDArray[Any]] = {}
        # TensorFlow refuses a graph as a whole for one op of it.
        groups: list[Sequence[str]] = [self._left()]
        while groups:
            names = groups.pop()
            answers, reason, op = self._run(names, feeds)
            found.update(answers)
            if not reason:
                continue
            if len(names) == 1 or self._plain is None:
                self.reasons.update(dict.fromkeys(names, reason))
            else:
                groups += self._parted(names, op)
        return found

    def reach(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """What each element of these outputs sees of the inputs; see ``reach_of``."""
        found = reach_of(self.outputs, {n: wide(a) for n, a in inputs.items()})
        return dict(found)

    def release(self) -> None:
        """Gives its memory back until it is asked again."""
        self._source = self._plain = None

    def _run(
        self, names: Sequence[str], feeds: Mapping[str, npt.NDArray[Any]]
    ) -> tuple[Arrays, str, str]:
        """Answers; or why there are none, and the op that is at fault, if that is."""
        if not names:
            return {}, "", ""
        try:
            if self._source is None or self._source_names != names:
                self._source = None  # Two would need twice the memory.
                self._source, self._source_names = self._make(names), names
            return dict(self._source.run(self._of(names), feeds)), "", ""
        except NoDoubleGraphError as error:
            return {}, str(error), ""
        # TensorFlow raises errors of every type on what it cannot import or compute.
        except Exception as error:
            return {}, _said(error), op_without_kernel(error)

    def _parted(self, names: Sequence[str], op: str) -> list[Sequence[str]]:
        """Outputs that need an op, or the first half of them; and the others."""
        graph = self._plain
        first: Sequence[str] = []
        if op and graph is not None:
            nodes = {node.name: node for node in graph.graph_def.node}
            first = [n for n in names if _needs(nodes, graph.outputs[n], op)]
        if not 0 < len(first) < len(names):
            first = names[: len(names) // 2]
        return [first, [name for name in names if name not in first]]

    def _of(self, names: Sequence[str]) -> Signature:
        kept = tuple(spec for spec in self._signature.outputs if spec.name in names)
        return replace(self._signature, outputs=kept)

    def _left(self) -> list[str]:
        return [name for name in self._names if name not in self.reasons]

    def _make(self, names: Sequence[str]) -> SessionSource:
        if self._plain is None:
            try:
                self._plain = plain_graph(self._model, self._graph)
            except Error as error:
                raise NoDoubleGraphError(str(error)) from error
            self._signature = moved(self._signature, self._plain)
        graph = self._plain
        if len(names) < len(self._names):
            graph = _part(graph, names)
        return SessionSource.from_graph_def(double_graph(graph))


def _part(graph: SourceGraph, names: Sequence[str]) -> SourceGraph:
    """What some outputs need, and all inputs."""
    outputs = {name: graph.outputs[name] for name in names}
    roots = [*graph.inputs.values(), *outputs.values()]
    return replace(graph, graph_def=prune(graph.graph_def, roots), outputs=outputs)


def _needs(nodes: Mapping[str, NodeDef], output: str, op: str) -> bool:
    return any(nodes[name].op == op for name in reachable_names(nodes, [output]))


def _said(error: Exception) -> str:
    """What TensorFlow cannot do in float64, in a clause."""
    if op := op_without_kernel(error):
        return f"TensorFlow has no {op} in float64"
    said = " ".join(tensorflow_message(error).split())
    if len(said) > _LONGEST_MESSAGE:
        said = said[:_LONGEST_MESSAGE] + " ..."
    return f"TensorFlow fails in float64: {type(error).__name__}: {said}"


def wide(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array as a graph in float64 takes it."""
    if array.dtype.kind == "c":
        return array.astype(np.complex128)
    is_real = array.dtype.kind == "f" or array.dtype.name == "bfloat16"
    return array.astype(np.float64) if is_real else array
