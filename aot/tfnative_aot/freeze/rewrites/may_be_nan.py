# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which numbers may be NaN for all that a compiler knows.

LLVM follows a number back: one that was an integer, or took the place of a NaN, is
none, nor is a product of such ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from tfnative_aot.freeze.rewrites.single_products import (
    SINGLE_PRODUCTS,
    is_single_product,
)

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor

_GIVEN = ("Placeholder", "PlaceholderWithDefault")
# Sums of unknown length, of which LLVM does not know whether they are infinite.
_SUMS = frozenset({"Mean", "Sum"}) | SINGLE_PRODUCTS
# Ops that are NaN where an operand is.
_OF_ANY = frozenset(
    "Add AddV2 BiasAdd Div Exp Expm1 Log Log1p Mul Neg RealDiv Rsqrt Sigmoid Sqrt "
    "Square SquaredDifference Sub Tanh".split()
)
# Ops that are NaN where their operand is, and what moves elements about.
_OF_FIRST = frozenset(
    "Abs BroadcastTo Cast Ceil ExpandDims Floor GatherNd GatherV2 Identity Max Min "
    "Relu Reshape ReverseV2 Rint Round Slice Snapshot Split Squeeze StopGradient "
    "StridedSlice Tile Transpose Unpack".split()
)
_OF_ALL = frozenset({"ConcatV2", "Maximum", "Minimum", "Pack"})
_MOST_STEPS = 200


class MayBeNan:
    """Asks about nodes of one graph."""

    def __init__(self, editor: GraphEditor) -> None:
        self._editor = editor
        self._known: dict[str, bool] = {}

    def ask(self, name: str, steps: int = _MOST_STEPS) -> bool:
        """Whether no compiler can know that a node's first output is never NaN.

        False where it is not known here.
        """
        if name not in self._known:
            if steps == 0:
                return False
            self._known[name] = False  # Of what reads itself.
            self._known[name] = self._find(self._editor.node(name), steps - 1)
        return self._known[name]

    def _find(self, node: NodeDef, steps: int) -> bool:
        if node.op in _GIVEN:
            return bool(tf.dtypes.as_dtype(node.attr["dtype"].type).is_floating)
        if node.op in _SUMS:
            return node.op not in SINGLE_PRODUCTS or not is_single_product(
                self._editor, node
            )
        sources = [
            name.partition(":")[0] for name in node.input if not name.startswith("^")
        ]
        if node.op in _OF_ANY:
            return any(self.ask(source, steps) for source in sources)
        if node.op in _OF_FIRST:
            return self.ask(sources[0], steps)
        if node.op in _OF_ALL:
            data = sources[:-1] if node.op == "ConcatV2" else sources
            return all(self.ask(source, steps) for source in data)
        return False
