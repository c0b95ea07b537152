# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The value that goes through the transforms: a graph with all signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.load.source import Signature, node_of

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef


@dataclass(frozen=True)
class SignatureEnds:
    """Where a signature begins and ends in the graph.

    Attributes:
        signature: As the model declares it.
        inputs: Its tensors in the graph, as ``node:0``, by the inputs' names.
        outputs: Likewise.
    """

    signature: Signature
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Initializer:
    """What runs once before the graph does, and fills its tables.

    Attributes:
        graph_def: A graph of its own, which finds the tables by their shared names.
        target: The node to run, or "" if there is none.
        assets: Files, and the tensors that are to be fed with their paths.
    """

    graph_def: GraphDef = field(default_factory=GraphDef)
    target: str = ""
    assets: tuple[AssetFileDef, ...] = ()


@dataclass(frozen=True)
class WholeGraph:
    """A model as one graph without variables.

    Attributes:
        graph_def: All signatures. Inputs are Placeholders, and outputs nodes with one
            output, none of which any signature shares with another.
        ends: Of each signature, in order.
        initializer: What is to be run before.
    """

    graph_def: GraphDef
    ends: tuple[SignatureEnds, ...]
    initializer: Initializer

    def with_graph(self, graph_def: GraphDef) -> WholeGraph:
        """The same with another graph between the ends."""
        return replace(self, graph_def=graph_def)

    @property
    def inputs(self) -> Sequence[str]:
        """The nodes that are fed, of all signatures."""
        return [node_of(t) for ends in self.ends for t in ends.inputs.values()]

    @property
    def outputs(self) -> Sequence[str]:
        """The nodes that are fetched, of all signatures."""
        return [node_of(t) for ends in self.ends for t in ends.outputs.values()]

    def runnable(self) -> GraphDef:
        """The graph, and what initialises it."""
        whole = GraphDef()
        whole.CopyFrom(self.graph_def)
        whole.node.extend(self.initializer.graph_def.node)
        known = {each.signature.name for each in whole.library.function}
        whole.library.function.extend(
            each
            for each in self.initializer.graph_def.library.function
            if each.signature.name not in known
        )
        return whole
