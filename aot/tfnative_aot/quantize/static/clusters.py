# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Functions of one number: parts of a graph that look at each element by itself.

Of a quantized array, which has 256 different numbers, any of them is a table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from tfnative_aot.load.source import node_of
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.grids import Grid, grid_of
from tfnative_aot.quantize.static.plan import Clamp

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_ELEMENTWISE = frozenset(
    "Abs Add AddV2 Cast ClipByValue Cos DivNoNan Elu Equal Erf Erfc Exp Expm1 Floor "
    "Gelu Greater GreaterEqual Inv LeakyRelu Less LessEqual Log Log1p LogicalAnd "
    "LogicalNot LogicalOr Maximum Minimum Mul MulNoNan Neg NotEqual Pow RealDiv "
    "Reciprocal Relu Relu6 Rint Round Rsqrt Select SelectV2 Selu Sigmoid Sign Sin "
    "Softplus Softsign Sqrt Square SquaredDifference Sub Tan Tanh".split()
)

_VIEWS = frozenset({"ExpandDims", "Reshape", "Squeeze"})


def find_grids(view: GraphView) -> Mapping[str, Grid]:
    """The tensors that the model rounds itself, by name."""
    found = {}
    for node in view.nodes():
        constants = [view.constant(given) for given in node.input[:4]]
        grid = grid_of(node, constants) if view.is_float(node.name) else None
        if grid is not None and (not constants or constants[0] is None):
            found[node.name] = grid
    return found


class Clusters:
    """The functions of one number in a graph.

    Attributes:
        grids: What the model rounds to itself, by tensor. Each is a function of what it
            is rounded from, and what is computed of it is none of that, but of it.
    """

    def __init__(self, view: GraphView) -> None:
        self._view = view
        self.grids = find_grids(view)
        self._roots: dict[str, str] = {}
        for node in view.nodes():
            self._roots[node.name] = self._root(node)

    def root(self, given: str) -> str:
        """The tensor of which an input is a function, element by element."""
        source = self._view.source(given)
        return source if source in self.grids else self._roots.get(source, source)

    def is_inside(self, name: str, root: str) -> bool:
        """Whether a node is a function of ``root``."""
        return self._roots[name] == root

    def _root(self, node: NodeDef) -> str:
        is_rounded = node.name in self.grids
        if not (node.op in _ELEMENTWISE or is_rounded) or any(
            i.startswith("^") for i in node.input
        ):
            return str(node.name)
        roots: set[str] = set()
        sizes = set()
        for given in node.input:
            value = self._view.constant(given)
            if value is None:
                roots.add(self.root(given))
                sizes.add(self._view.sizes(given))
            elif value.size != 1:
                return str(node.name)
        same = len(roots) == 1 and sizes == {self._view.sizes(node.name)}
        return roots.pop() if same else str(node.name)

    def exits(self, root: str) -> Sequence[str] | None:
        """The float tensors that are functions of ``root``, and that others read.

        None if ``root`` itself is read by others, too.
        """
        found: dict[str, None] = {}
        if self._is_read_elsewhere(root, root):
            return None
        pending = [root]
        seen = {root}
        while pending:
            for reader in self._view.readers(pending.pop()):
                name = reader.node.name
                if self._roots[name] == root and name not in seen:
                    seen.add(name)
                    pending.append(name)
                    if self._is_read_elsewhere(name, root):
                        found[name] = None
        return list(found)

    def members(self, root: str) -> Sequence[str]:
        """All that are functions of a tensor."""
        return [
            name for name, own in self._roots.items() if own == root and name != root
        ]

    def _is_read_elsewhere(self, name: str, root: str) -> bool:
        return self._view.is_read_outside(name) or any(
            self._roots[reader.node.name] != root for reader in self._view.readers(name)
        )

    def clamp(self, root: str, name: str) -> Clamp | None:
        """The bounds, if ``name`` is nothing but ``root`` between bounds."""
        low, high = -math.inf, math.inf
        while name != root:
            node = self._view.node(name)
            bounds = self._bounds(node)
            if bounds is None:
                return None
            # What comes later is looked at first.
            low = max(min(bounds[0], high), low)
            high = max(min(bounds[1], high), low)
            name = self._view.source(_varying(self._view, node))
        return Clamp(low, high)

    def _bounds(self, node: NodeDef) -> tuple[float, float] | None:
        grid = self.grids.get(node.name)
        if grid is None:
            return _bounds_of_op(self._view, node)
        own = grid.quantization
        low, high = (q - own.zero for q in (grid.lowest, grid.highest))
        return low * own.scale, high * own.scale

    def values(
        self, root: str, name: str, numbers: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """What ``name`` is for some numbers of ``root``."""
        needed, pending = {name}, [name]
        while pending:
            node = self._view.node(pending.pop())
            given_tensors = node.input[:1] if node.op in _VIEWS else node.input
            for given in given_tensors:
                inner = node_of(given)
                if inner not in needed and inner != root:
                    needed.add(inner)
                    pending.append(inner)
        with tf.Graph().as_default():
            place = tf.compat.v1.placeholder(tf.float32, [None], name=root)
            library = GraphDef()
            for node in self._view.nodes():
                if node.name in needed:
                    copy = library.node.add()
                    copy.CopyFrom(node)
                    _flatten(copy)
            tf.graph_util.import_graph_def(
                library, input_map={root: place, f"{root}:0": place}, name=""
            )
            with tf.compat.v1.Session() as session:
                found = session.run(f"{name}:0", {place: numbers})
        return np.asarray(found, np.float32)


def clusters_of(view: GraphView) -> Clusters:
    """The functions of one number in a graph, which are looked for once."""
    if view.clusters is None:
        view.clusters = Clusters(view)
    found: Clusters = view.clusters
    return found


def _flatten(node: NodeDef) -> None:
    """Lets a view pass on a vector."""
    if node.op in _VIEWS:
        given = node.input[0]
        kind = node.attr["T"].type
        node.op = "Identity"
        del node.input[:]
        node.input.append(given)
        node.attr.clear()
        node.attr["T"].type = kind
    elif node.op == "Const":
        value = tf.make_ndarray(node.attr["value"].tensor)
        if value.size == 1:
            scalar = tf.make_tensor_proto(value.reshape(()))
            node.attr["value"].tensor.CopyFrom(scalar)


def _varying(view: GraphView, node: NodeDef) -> str:
    given: str = next(i for i in node.input if view.constant(i) is None)
    return given


def _bounds_of_op(view: GraphView, node: NodeDef) -> tuple[float, float] | None:
    if node.op == "Relu":
        return 0.0, math.inf
    if node.op == "Relu6":
        return 0.0, 6.0
    if node.op in ("Minimum", "Maximum"):
        values = [view.constant(given) for given in node.input]
        (bound,) = [float(v.reshape(())) for v in values if v is not None] or [math.nan]
        if math.isnan(bound):
            return None
        return (-math.inf, bound) if node.op == "Minimum" else (bound, math.inf)
    if node.op == "ClipByValue":
        low, high = (view.constant(given) for given in node.input[1:])
        if low is None or high is None:
            return None
        return float(low.reshape(())), float(high.reshape(()))
    return None
