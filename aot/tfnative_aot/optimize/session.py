# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a graph with all signatures in TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from numpy.typing import NDArray

from tfnative.errors import CompileError
from tfnative_aot.load.source import Arrays
from tfnative_aot.optimize.graph import SignatureEnds, WholeGraph

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

_MOST_RUNS = 10
_MOST_SECONDS = 1.0


class _Shaped:
    """The shape of an array, as tensors have theirs."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.shape = tf.TensorShape(array.shape)


@dataclass(frozen=True)
class RunOperation:
    """An operation that has run: like TensorFlow's, with the shapes that there were."""

    type: str
    get_attr: Callable[[str], Any]
    inputs: Sequence[_Shaped]
    outputs: Sequence[_Shaped]


class GraphSession:
    """A graph in a session, initialised."""

    def __init__(self, graph: WholeGraph, assets: Path, *, optimized: bool) -> None:
        """Loads a graph.

        Args:
            graph: The graph.
            assets: Folder of the files that it reads when it is initialised.
            optimized: Whether TensorFlow may optimize it as it does by default.

        Raises:
            CompileError: TensorFlow does not take it; says why.
        """
        config = tf.compat.v1.ConfigProto()
        config.graph_options.rewrite_options.disable_meta_optimizer = not optimized
        self._graph = tf.Graph()
        try:
            with self._graph.as_default():
                tf.graph_util.import_graph_def(_silent(graph.runnable()), name="")
            self._session = tf.compat.v1.Session(graph=self._graph, config=config)
            initializer = graph.initializer
            if initializer.target:
                paths = {
                    asset.tensor_info.name: str(assets / asset.filename)
                    for asset in initializer.assets
                }
                self._session.run(
                    self._graph.get_operation_by_name(initializer.target), paths
                )
        # TensorFlow raises errors of every type on graphs that it does not like.
        except Exception as error:
            raise CompileError(f"TensorFlow cannot load the graph: {error}") from error

    def run(self, ends: SignatureEnds, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """The outputs of a signature.

        Raises:
            Exception: Whatever TensorFlow raises for the inputs.
        """
        fetched: Arrays = self._session.run(
            dict(ends.outputs),
            {tensor: feeds[name] for name, tensor in ends.inputs.items()},
        )
        return fetched

    def milliseconds(
        self, ends: SignatureEnds, feeds: Mapping[str, NDArray[Any]]
    ) -> float:
        """The shortest time of a few runs, after one that nobody counts."""
        self.run(ends, feeds)
        shortest, begin = float("inf"), time.perf_counter()
        for _ in range(_MOST_RUNS):
            start = time.perf_counter()
            self.run(ends, feeds)
            now = time.perf_counter()
            shortest = min(shortest, now - start)
            if now - begin > _MOST_SECONDS:
                break
        return shortest * 1000

    def operations(
        self,
        names: Sequence[str],
        ends: SignatureEnds,
        feeds: Mapping[str, NDArray[Any]],
    ) -> list[RunOperation]:
        """Operations with the shapes of what they read and give in a run.

        Raises:
            Exception: Whatever TensorFlow raises for the inputs.
        """
        found = [self._graph.get_operation_by_name(name) for name in names]
        arrays = self._session.run(
            [[*each.inputs, each.outputs[0]] for each in found],
            {tensor: feeds[name] for name, tensor in ends.inputs.items()},
        )
        return [
            RunOperation(
                each.type, each.get_attr, [_Shaped(a) for a in read], [_Shaped(given)]
            )
            for each, (*read, given) in zip(found, arrays, strict=True)
        ]

    def close(self) -> None:
        """Lets go of the memory."""
        self._session.close()


def _silent(graph_def: GraphDef) -> GraphDef:
    """Lets what prints pass on its input alone; changes the graph."""
    for node in graph_def.node:
        if node.op == "Print":
            controls = [name for name in node.input if name.startswith("^")]
            dtype, source = node.attr["T"].type, node.input[0]
            node.op = "Identity"
            node.attr.clear()
            node.attr["T"].type = dtype
            del node.input[:]
            node.input.extend([source, *controls])
    return graph_def
