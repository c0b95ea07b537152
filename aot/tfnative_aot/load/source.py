# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a loaded model is to the compiler, whichever loader could read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

Arrays = dict[str, NDArray[Any]]

BATCH = -1
"""Stands for the batch size in the first place of a shape."""


@dataclass(frozen=True)
class TensorSpec:
    """An input or output as the signature declares it.

    Attributes:
        name: Name in the signature.
        tensor: Name in the original graph, as ``node:index``.
        dtype: TensorFlow's name of the element type: "float32", "string".
        shape: Sizes, None for an unknown size; None for an unknown rank.
    """

    name: str
    tensor: str
    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Signature:
    """A function of the model that can be called.

    Attributes:
        name: As in "serving_default".
        inputs: Sorted by name.
        outputs: Sorted by name.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True)
class SourceGraph:
    """A signature's graph before or after its variables became constants.

    Attributes:
        graph_def: The graph.
        inputs: Signature name to tensor, as ``node:index``.
        outputs: Likewise.
        roots: Nodes that run whenever the signature does: those of the outputs
            and those that run for their side effects.
        unreached: Names of the assertions that were dropped with branches which are
            never taken.
    """

    graph_def: GraphDef
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    roots: tuple[str, ...]
    unreached: frozenset[str] = frozenset()


class Source(Protocol):
    """A model in TensorFlow, ready to run.

    Attributes:
        names_nodes: Whether its nodes have the names under which they were saved.
    """

    names_nodes: bool

    def run(self, signature: Signature, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Runs a signature in TensorFlow."""

    def graph(self, signature: Signature) -> SourceGraph:
        """The signature's graph, with variables and side effects."""

    def constant_graph(self, signature: Signature, graph: SourceGraph) -> SourceGraph:
        """The signature's graph with constants in the place of variables.

        Args:
            signature: The signature.
            graph: What ``graph`` returned for it, or what of it is needed.
        """


def node_of(tensor: str) -> str:
    """The node's name in ``node:index``, ``node`` or ``^node``."""
    return tensor.removeprefix("^").partition(":")[0]
