# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a rewrite of single ops is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import tensorflow as tf
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


@dataclass(frozen=True)
class Replacement:
    """What is put in the place of a node.

    Attributes:
        function: Takes the node's inputs, and computes its output.
        specs: A tf.TensorSpec of each input.
    """

    function: Callable[..., Any]
    specs: Sequence[Any]


Rule = Callable[["NodeDef"], Replacement | None]
"""Gives the replacement of a node, or None where it stays."""


class Editor(Protocol):
    """What can replace nodes: of a graph, or of a function's body."""

    def nodes(self, *ops: str) -> Iterator[NodeDef]:
        """The nodes of some ops."""

    def source(self, node: NodeDef, place: int) -> NodeDef | None:
        """The node whose first output is input number ``place``, if it is one."""

    def constant(self, node: NodeDef, place: int) -> NDArray[Any] | None:
        """The value of input number ``place``, if it is a constant."""

    def replace(
        self, node: NodeDef, function: Callable[..., Any], specs: Sequence[Any]
    ) -> None:
        """Puts what a TensorFlow function computes in the place of a node."""


def element_type(node: NodeDef, attribute: str = "T") -> Any:
    """The tf.DType that an attribute of a node names."""
    return tf.dtypes.as_dtype(node.attr[attribute].type)


def of_any_shape(*dtypes: Any) -> list[Any]:
    """A tf.TensorSpec for each type."""
    return [tf.TensorSpec(None, dtype) for dtype in dtypes]


def same_types(node: NodeDef, count: int, function: Callable[..., Any]) -> Replacement:
    """A replacement of a node whose ``count`` inputs are all of its type."""
    return Replacement(function, of_any_shape(*[element_type(node)] * count))
