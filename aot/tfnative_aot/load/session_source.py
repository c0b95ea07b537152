# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models in a v1 session: most SavedModels, and frozen GraphDefs.

The session loader reads what TensorFlow Serving reads, the graph and the
checkpoint, and no Python objects. So it takes models of every age and does not
need the library that made them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from numpy.typing import NDArray

from tfnative.errors import FailedPreconditionError
from tfnative_aot import adapters
from tfnative_aot.load.fed_tensors import without_what_is_fed
from tfnative_aot.load.gathers import read_what_is_gathered
from tfnative_aot.load.reach import reachable_nodes
from tfnative_aot.load.source import Arrays, Signature, SourceGraph, node_of
from tfnative_aot.load.waits import restore_waits

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef


class SessionSource:
    """A graph in a v1 session. Implements Source."""

    names_nodes = True

    def __init__(self, session: Any, graph_def: GraphDef) -> None:
        self._session = session
        self._graph_def = graph_def

    @classmethod
    def from_saved_model(
        cls, folder: Path, tags: Sequence[str], signatures: Iterable[Signature]
    ) -> SessionSource:
        """Restores a SavedModel.

        Raises:
            FailedPreconditionError: A variable that a signature reads has no value
                in the checkpoint, which happens when Keras 3 models are saved with
                tf.saved_model.save.
            Exception: Whatever TensorFlow raises on a model that it cannot load.
        """
        graph = tf.Graph()
        session = _session(graph)
        with graph.as_default():
            loaded = adapters.tf().load_into_session(session, str(folder), tags)
            source = cls(session, loaded)
            source._check_initialized(signatures)
        return source

    @classmethod
    def from_graph_def(cls, graph_def: GraphDef) -> SessionSource:
        """Imports a frozen graph.

        Raises:
            ValueError: TensorFlow refuses the graph.
        """
        graph = tf.Graph()
        with graph.as_default():
            tf.graph_util.import_graph_def(graph_def, name="")
        return cls(_session(graph), graph_def)

    def run(self, signature: Signature, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """See Source."""
        tensors = {spec.name: spec.tensor for spec in signature.inputs}
        fetched: Arrays = self._session.run(
            {spec.name: spec.tensor for spec in signature.outputs},
            {tensors[name]: value for name, value in feeds.items()},
        )
        return fetched

    def fetch(
        self, tensors: Sequence[str], feeds: Mapping[str, NDArray[Any]]
    ) -> Sequence[NDArray[Any]]:
        """Values of any tensors of the graph, for values of others, by name.

        Raises what TensorFlow raises.
        """
        fetched: list[NDArray[Any]] = self._session.run(list(tensors), dict(feeds))
        return fetched

    def graph(self, signature: Signature) -> SourceGraph:
        """See Source."""
        outputs = {spec.name: spec.tensor for spec in signature.outputs}
        roots = tuple(sorted({node_of(tensor) for tensor in outputs.values()}))
        inputs = {spec.name: spec.tensor for spec in signature.inputs}
        whole = SourceGraph(self._graph_def, inputs, outputs, roots)
        return without_what_is_fed(whole, signature)

    def constant_graph(self, signature: Signature, graph: SourceGraph) -> SourceGraph:
        """See Source."""
        readable = read_what_is_gathered(graph.graph_def)
        with self._session.graph.as_default():
            graph_def = adapters.tf().freeze_session_graph(
                self._session, readable, graph.roots
            )
        restore_waits(readable, graph_def)
        return SourceGraph(graph_def, graph.inputs, graph.outputs, graph.roots)

    def _check_initialized(self, signatures: Iterable[Signature]) -> None:
        roots = [out.tensor for each in signatures for out in each.outputs]
        graph = self._session.graph
        probes = {
            node.name: tf.raw_ops.VarIsInitializedOp(
                resource=graph.get_tensor_by_name(f"{node.name}:0")
            )
            for node in reachable_nodes(self._graph_def.node, roots)
            if node.op == "VarHandleOp"
        }
        filled = self._session.run(probes)
        missing = sorted(name for name, is_filled in filled.items() if not is_filled)
        if missing:
            raise FailedPreconditionError(
                f"the checkpoint has no values for {len(missing)} variables: "
                + ", ".join(missing[:5])
                + (", ..." if len(missing) > 5 else "")
            )


def _session(graph: Any) -> Any:
    """A session that runs the graph as it is: the reference is not optimized."""
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf.compat.v1.Session(graph=graph, config=config)
