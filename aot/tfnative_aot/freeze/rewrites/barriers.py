# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Keeps XLA and LLVM from computing several ops as one that is not rounded alike.

XLA takes some expressions for others that are equal for real numbers, such as x for
log(exp(x)), and LLVM makes one operation of a product and the sum that it goes into,
which does not round the product. Where an intermediate result overflows, or a
difference is zero but for rounding, the answer is another one. TensorFlow rounds the
result of every op.

Two ops stand in the way of that. ``XlaReducePrecision`` to more bits than a type has
costs nothing: XLA takes it for one that does something, LLVM finds out. LLVM moves no
product through a selection, which costs two instructions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from tfnative_aot.freeze.rewrites.graph_editor import GraphEditor
from tfnative_aot.freeze.rewrites.may_be_nan import MayBeNan
from tfnative_aot.freeze.rewrites.reached import computed_of_data
from tfnative_aot.freeze.rewrites.rule import element_type
from tfnative_aot.freeze.rewrites.single_products import (
    SINGLE_PRODUCTS,
    is_single_product,
)
from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.load.source import node_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_TYPES = ("float32", "float64", "float16", "bfloat16")

# Ops that XLA ends with a multiplication, also where TensorFlow divides.
_PRODUCTS = frozenset(
    "AvgPool AvgPool3D Div EluGrad FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars "
    "FakeQuantWithMinMaxVarsPerChannel Inv InvGrad LRN LeakyRelu Mean Mul Pow Prod "
    "QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 RealDiv "
    "Reciprocal ReciprocalGrad RsqrtGrad SigmoidGrad SoftplusGrad SoftsignGrad "
    "SqrtGrad Square SquaredDifference TanhGrad".split()
)

# Ops that begin with something else than an addition. Others are taken to add.
_NOT_SUMS = frozenset(
    "ArgMax ArgMin BatchMatMul BatchMatMulV2 BatchMatMulV3 Bucketize Cast Ceil Conv2D "
    "Conv2DBackpropInput Conv3D Cos DepthwiseConv2dNative Div DivNoNan Einsum Elu "
    "Equal Erf Erfc Exp Floor Greater GreaterEqual Inv IsFinite IsInf IsNan LeakyRelu "
    "Less LessEqual Log MatMul MaxPool MaxPool3D Mul MulNoNan NotEqual Pow "
    "RealDiv Reciprocal Rint Round Rsqrt Selu Shape Sigmoid Sign Sin Size Sqrt Square "
    "Tan Tanh TensorListSetItem TopKV2 Xdivy XlaReduceWindow Xlogy ZerosLike".split()
)

# Ops that pass some numbers on, or their negatives, and compute with none.
_MOVES = frozenset(
    "Abs BroadcastTo ClipByValue ConcatV2 DynamicStitch ExpandDims GatherNd GatherV2 "
    "Identity IdentityN Max Maximum Min Minimum MirrorPad Neg Pack Pad PadV2 "
    "PreventGradient Relu Relu6 Reshape ReverseV2 Roll Select SelectV2 Slice Snapshot "
    "Split SplitV Squeeze StopGradient StridedSlice Tile Transpose Unpack".split()
)

_CALLS = frozenset("Case If PartitionedCall StatelessCase StatelessIf".split())
_SUMS = frozenset("Add AddV2 BiasAdd Sub".split())
_QUOTIENTS = frozenset("Div DivNoNan Inv RealDiv Reciprocal Xdivy".split())
_POWERS = frozenset("Exp Mul Pow Rsqrt Sqrt Square SquaredDifference".split())
_MEANS = frozenset({"AvgPool", "AvgPool3D", "Mean"})  # They end with a division.
_FACTORS = _POWERS | _QUOTIENTS | _MEANS

# Ops that XLA's simplifications join with those of ``_FACTORS`` that they read.
_JOINS = (
    _POWERS - {"Exp"}
    | _QUOTIENTS
    | _CALLS
    | {"Log", "Log1p", "MulNoNan", "Xlog1py", "Xlogy"}
)

OPS = _PRODUCTS | _SUMS | _FACTORS | SINGLE_PRODUCTS
"""Graphs with none of these need no barriers."""


class _Bits(NamedTuple):
    """Two numbers that are NaN, as integers of the same bits.

    Attributes:
        name: Of the type of these integers.
        odd: One that no computation gives.
        usual: The one that computations give.
    """

    name: str
    odd: int
    usual: int


# By the bytes of an element. Those of two bytes are halves; of bfloat16, these numbers
# are NaN as well.
_BITS = {
    2: _Bits("int16", 0x7FC1, 0x7FC0),
    4: _Bits("int32", 0x7FC00001, 0x7FC00000),
    8: _Bits("int64", 0x7FF8000000000001, 0x7FF8000000000000),
}


class _Roots(NamedTuple):
    """What computes a tensor, before it was moved.

    Attributes:
        ops: Names of ops; "product" for a multiplication that rounds, and "shift" for
            a sum with a constant.
        dtype: A number of tensorflow.DataType.
    """

    ops: frozenset[str]
    dtype: int


_NO_ROOTS = _Roots(frozenset(), 0)


def put_barriers(editor: GraphEditor, *, inside: bool = False) -> None:
    """Lets the results of ops be rounded before others read them.

    Args:
        editor: The graph. All other rewrites are done.
        inside: Whether it is the body of a branch or a loop, whose results go on.
    """
    barriers = _Barriers(editor)
    for node in editor.nodes():
        if node.op not in _MOVES:
            barriers.put_before(node)
    if inside:
        for node in editor.outputs():
            barriers.put_behind(node)


class _Barriers:
    def __init__(self, editor: GraphEditor) -> None:
        self._editor = editor
        self._roots: dict[str, _Roots] = {}
        self._computed = computed_of_data(editor)
        self._may_be_nan = MayBeNan(editor)

    def put_before(self, node: NodeDef) -> None:
        """Puts barriers where a node reads what it could be joined with."""
        for place, name in enumerate(node.input):
            if name.startswith("^"):
                return
            roots = self._roots_of(node_of(name))
            if self._adds(node, roots):
                self._round(node, place, roots.dtype)
            elif self._joins(node, place, roots):
                _hide(self._editor, node, place, roots.dtype)

    def put_behind(self, node: NodeDef) -> None:
        """Puts a barrier behind a result of a body."""
        roots = self._roots_of(node.name)
        if roots.ops & (_FACTORS | {"product"}):
            if node.op != "Identity":
                self._editor.move_aside(node)
            self._round(node, 0, roots.dtype)

    def _round(self, node: NodeDef, place: int, dtype: int) -> None:
        asks_for_nan = self._may_be_nan.ask(node_of(node.input[place]))
        (_round if asks_for_nan else _round_bits)(self._editor, node, place, dtype)

    def _adds(self, node: NodeDef, roots: _Roots) -> bool:
        """Whether it begins with a sum that a product would go into unrounded."""
        if node.op in _NOT_SUMS:
            return False
        if "product" in roots.ops:
            return True
        # The code of an exponential ends with a product: where that is infinite only
        # when it is rounded, it does not matter to a sum of exponentials alone.
        return "Exp" in roots.ops and not self._is_sum_of_powers(node)

    def _is_sum_of_powers(self, node: NodeDef) -> bool:
        source = self._editor.source(node, 0)
        return node.op == "Sum" and source is not None and source.op == "Exp"

    def _joins(self, node: NodeDef, place: int, roots: _Roots) -> bool:
        if node.op in _SUMS:
            return "shift" in roots.ops and self._is_shift(node)
        if node.op not in _JOINS or not roots.ops & _FACTORS:
            return False
        # XLA leaves a quotient of an exponential alone, unless the divisor is one, too.
        is_dividend = node.op in _QUOTIENTS and len(node.input) > 1 and place == 0
        return not is_dividend or roots.ops & _FACTORS != {"Exp"}

    def _is_shift(self, node: NodeDef) -> bool:
        return any(self._editor.constant_node(node, place) for place in (0, 1))

    def _roots_of(self, name: str) -> _Roots:
        if name not in self._roots:
            self._roots[name] = _NO_ROOTS  # Of what reads itself.
            self._roots[name] = self._find_roots(self._editor.node(name))
        return self._roots[name]

    def _find_roots(self, node: NodeDef) -> _Roots:
        if node.op in _MOVES:
            data = [name for name in node.input if not name.startswith("^")]
            found = [self._roots_of(node_of(name)) for name in data]
            ops = frozenset[str]().union(*(roots.ops for roots in found))
            return _Roots(ops, max((roots.dtype for roots in found), default=0))
        if node.op not in OPS or node.name not in self._computed:
            return _NO_ROOTS
        if node.op in SINGLE_PRODUCTS and not is_single_product(self._editor, node):
            return _NO_ROOTS
        # FakeQuant... ops have no attribute, and floats.
        dtype = element_type(node) if "T" in node.attr else tf.float32
        if dtype.name not in _TYPES:
            return _NO_ROOTS
        ops = frozenset({node.op}) | self._unchanged(node)
        is_product = node.op in _PRODUCTS or node.op in SINGLE_PRODUCTS
        if is_product and self._rounds(node):
            ops |= {"product"}
        if node.op in _SUMS and self._is_shift(node):
            ops |= {"shift"}
        return _Roots(ops, dtype.as_datatype_enum)

    def _unchanged(self, node: NodeDef) -> frozenset[str]:
        """The roots of what an op only passes on, such as x + 0 and x * 1."""
        neutral = 0 if node.op in _SUMS else 1
        if node.op in _SUMS or node.op in ("Div", "Mul", "Pow", "RealDiv"):
            for place in (0, 1):
                value = self._editor.constant(node, place)
                if value is not None and (np.abs(value) == neutral).all():
                    return self._roots_of(node_of(node.input[1 - place])).ops
        return frozenset()

    def _rounds(self, node: NodeDef) -> bool:
        """Whether a product is not exact, as those with 1, 0.5, 0.25 and so on are.

        One with 2 may overflow.
        """
        if node.op != "Mul":
            return True
        for place in (0, 1):
            factor = self._editor.constant(node, place)
            if factor is not None:
                mantissas, exponents = np.frexp(np.asarray(factor, np.float64))
                is_power = (np.abs(mantissas) == 0.5) | (mantissas == 0)
                return not np.all(is_power & (exponents <= 1))
        return True


def _hide(editor: GraphEditor, node: NodeDef, place: int, dtype: int) -> None:
    """Puts an op that does nothing before an input, which XLA does not find out."""
    barrier = editor.insert(node, place, "XlaReducePrecision", dtype)
    # XLA takes an op with as many bits as the type has away, and LLVM this one.
    barrier.attr["exponent_bits"].i = 12
    barrier.attr["mantissa_bits"].i = 53


def _round(editor: GraphEditor, node: NodeDef, place: int, dtype: int) -> None:
    """Puts a selection before an input, through which LLVM does not move a product."""
    value = node.input[place]
    barrier = editor.insert(node, place, "IsNan", dtype)
    number_type = numpy_dtype(tf.dtypes.as_dtype(dtype).name)
    not_a_number = np.array(np.nan, number_type)
    nan = editor.add_constant(f"{barrier.name}/nan", not_a_number, barrier)
    chosen = editor.insert(node, place, "SelectV2", dtype)
    editor.add_input(chosen, nan)
    editor.add_input(chosen, value)


def _round_bits(editor: GraphEditor, node: NodeDef, place: int, dtype: int) -> None:
    """The same by its bits: where LLVM knows that it is no NaN, and would not ask.

    One NaN becomes another one. It takes longer than to ask whether it is NaN.
    """
    bits = _BITS[numpy_dtype(tf.dtypes.as_dtype(dtype).name).itemsize]
    own = editor.insert(node, place, "Bitcast", dtype)
    kind = own.attr["type"].type = tf.dtypes.as_dtype(bits.name).as_datatype_enum

    def constant(number: int) -> str:
        value = np.array(number, bits.name)
        return editor.add_constant(f"{own.name}/nan", value, own)

    editor.add_input(editor.insert(node, place, "Equal", kind), constant(bits.odd))
    chosen = editor.insert(node, place, "SelectV2", kind)
    editor.add_input(chosen, constant(bits.usual))
    editor.add_input(chosen, own.name)
    again = editor.insert(node, place, "Bitcast", kind)
    again.attr["type"].type = dtype
