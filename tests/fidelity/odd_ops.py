# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Every op that is accepted: how it is tried on odd numbers, or why it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tests.fidelity.odd_numbers import WIDTHS
from tfnative_aot import adapters

Inputs = Mapping[str, Any]
Case = tuple[str, str, Callable[[Inputs], Any]]
"""What it is called, its op, and what it computes of the inputs."""

# Of one number, to the last bit, and otherwise.
EXACT = """Abs Ceil Equal Floor FloorMod Greater GreaterEqual Identity Invert
IsFinite IsInf IsNan LeftShift Less LessEqual Maximum Minimum Neg NextAfter
NotEqual OnesLike PopulationCount Relu Relu6 RightShift Rint Round Sign
ZerosLike BitwiseAnd BitwiseOr BitwiseXor ArgMax ArgMin Bucketize Cast
ClipByValue InTopKV2 LowerBound Max MaxPool Min TopKV2 UnsortedSegmentMax
UnsortedSegmentMin UpperBound TensorScatterMax TensorScatterMin
ApproximateEqual""".split()
UNARY = """Abs Acos Acosh Asin Asinh Atan Atanh BesselI0e BesselI1e Ceil Cos Cosh
Digamma Elu Erf Erfc Erfinv Exp Expm1 Floor Inv Invert IsFinite IsInf IsNan
LeakyRelu Lgamma Log Log1p Ndtri Neg OnesLike PopulationCount Reciprocal Relu
Relu6 Rint Round Rsqrt Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Square
Tan Tanh ZerosLike""".split()
BINARY = """Add AddV2 ApproximateEqual Atan2 BitwiseAnd BitwiseOr BitwiseXor Div
DivNoNan EluGrad Equal FloorDiv FloorMod Greater GreaterEqual Igamma IgammaGradA
Igammac LeakyReluGrad LeftShift Less LessEqual Maximum Minimum Mod Mul MulNoNan
NextAfter NotEqual Polygamma Pow RealDiv ReciprocalGrad Relu6Grad ReluGrad
RightShift RsqrtGrad SeluGrad SigmoidGrad SoftplusGrad SoftsignGrad SqrtGrad
SquaredDifference Sub TanhGrad TruncateDiv TruncateMod Xdivy Xlog1py Xlogy
Zeta""".split()
_DIVISIONS = ("Div", "FloorDiv", "FloorMod", "Mod", "TruncateDiv", "TruncateMod")
CASTS = """bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 bfloat16
float32 float64""".split()

STRUCTURED = """ArgMax ArgMin AvgPool BatchMatMulV2 BiasAdd Bucketize Cast
ClipByValue Conv2D Cumprod Cumsum CumulativeLogsumexp DepthwiseConv2dNative
InTopKV2 L2Loss LogSoftmax LowerBound MatMul Max MaxPool Mean Min Prod Softmax
Sum TensorScatterAdd TensorScatterMax TensorScatterMin TopKV2 UnsortedSegmentMax
UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum UpperBound""".split()

# Why the others are not tried.
NOT_TRIED: Mapping[str, str] = {
    "moves or counts elements, and computes nothing of them": """Bitcast
BatchToSpace BatchToSpaceND BroadcastArgs BroadcastGradientArgs BroadcastTo
Concat ConcatOffset ConcatV2 ConjugateTranspose Const ControlTrigger
DataFormatDimMap DataFormatVecPermute DepthToSpace Diag DiagPart DynamicStitch
EnsureShape ExpandDims ExtractImagePatches FakeParam Fill Gather GatherNd
GatherV2 Identity IdentityN InvertPermutation ListDiff MatrixBandPart MatrixDiag
MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3
MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MirrorPad NoOp OneHot Pack Pad
PadV2 ParallelDynamicStitch PlaceholderWithDefault PreventGradient Rank Reshape
ResizeNearestNeighbor Reverse ReverseSequence ReverseV2 Roll ScatterNd Select
SelectV2 Shape ShapeN Size Slice Snapshot SpaceToBatch SpaceToBatchND
SpaceToDepth SparseToDense Split SplitV Squeeze StopGradient StridedSlice
TensorScatterUpdate TensorStridedSliceUpdate Tile Transpose Unpack _ArrayToList
_EagerConst _ListToArray""",
    "takes no numbers that could be odd": """All Any Bincount DenseBincount
LinSpace LogicalAnd LogicalNot LogicalOr Range
StatelessMultinomial StatelessParameterizedTruncatedNormal
StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg
StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform
StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2
StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformV2
StatelessTruncatedNormal StatelessTruncatedNormalV2 ToBool""",
    "chooses among boxes, as test_detection.py tries": "NonMaxSuppressionV4",
    "calls functions, whose ops are tried": """PartitionedCall StatelessCase
StatelessIf StatelessWhile SymbolicGradient""",
    "is sums and products, as ops that are tried": """AddN AvgPool3D BatchMatMul
BatchMatMulV3 BiasAddV1 Conv Conv2DBackpropInput Conv3D Conv3DBackpropInputV2
Cross Einsum SparseMatMul TensorScatterSub TridiagonalMatMul BiasAddGrad
AvgPool3DGrad AvgPoolGrad Conv2DBackpropFilter Conv3DBackpropFilterV2
DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput
MirrorPadGrad ResizeBilinear ResizeBilinearGrad StridedSliceGrad MaxPoolGrad
MaxPoolGradGrad MaxPoolGradGradV2 MaxPoolGradV2 MaxPool3DGrad MaxPool3DGradGrad""",
    "is of complex numbers": """Angle Complex ComplexAbs Conj Imag Real""",
    "is made of others that are tried, in XLA and in TensorFlow": """
AdjustContrastv2 AdjustHue AdjustSaturation FusedBatchNorm FusedBatchNormGrad
FusedBatchNormGradV2 FusedBatchNormGradV3 FusedBatchNormV2 FusedBatchNormV3
HSVToRGB LRN LRNGrad RGBToHSV SoftmaxCrossEntropyWithLogits
SparseSoftmaxCrossEntropyWithLogits _FusedBatchNormEx _FusedConv2D
_UnaryOpsComposition MaxPool3D MaxPoolV2 Betainc""",
    "rounds to fewer values; TensorFlow documents finite input alone": """
Dequantize FakeQuantWithMinMaxArgs FakeQuantWithMinMaxArgsGradient
FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsGradient
FakeQuantWithMinMaxVarsPerChannel FakeQuantWithMinMaxVarsPerChannelGradient
QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4
StochasticCastToInt UniformDequantize UniformQuantize UniformQuantizedAdd
UniformQuantizedClipByValue UniformQuantizedConvolution UniformQuantizedDot
UniformRequantize""",
    "solves equations, whose result TensorFlow defines for regular matrices": """
Cholesky MatrixInverse MatrixSolve MatrixTriangularSolve Qr SelfAdjointEigV2 Svd
TridiagonalSolve""",
    "has no kernel in TensorFlow for CPUs to compare with": """ApproxTopK
SegmentMaxV2 SegmentMinV2 SegmentProdV2 SegmentSumV2 XlaAllReduce
XlaBroadcastHelper XlaConcatND XlaConv XlaConvV2 XlaCustomCall XlaCustomCallV2
XlaDot XlaDotV2 XlaDynamicSlice XlaDynamicUpdateSlice XlaEinsum XlaGather
XlaKeyValueSort XlaOptimizationBarrier XlaPad XlaReduce XlaReducePrecision
XlaReduceScatter XlaReduceWindow XlaRemoveDynamicDimensionSize XlaReplicaId
XlaRngBitGenerator XlaScatter XlaSelectAndScatter XlaSelfAdjointEig XlaSetBound
XlaSetDynamicDimensionSize XlaSharding XlaSort XlaSplitND
XlaSpmdFullToShardShape XlaSpmdShardToFullShape XlaSvd XlaVariadicReduce
XlaVariadicReduceV2 XlaVariadicSort""",
}


def tried_or_not() -> Iterator[str]:
    """All ops that have an entry here."""
    yield from (*UNARY, *BINARY, *STRUCTURED)
    for ops in NOT_TRIED.values():
        yield from ops.split()


def cases(dtype: tf.DType) -> Iterator[Case]:
    """All that is tried with a type."""
    for op in UNARY:
        if _takes(op, dtype):
            yield op, op, _of("x", op)
    for op in BINARY:
        if op == "Pow" and dtype.is_integer:
            yield from _integer_powers(dtype)
            continue
        if _takes(op, dtype):
            yield op, op, _of("xy", op, nonzero=dtype.is_integer and op in _DIVISIONS)
    for wanted in CASTS:
        # These call a function that compilers before GCC 13 lack.
        if dtype == tf.bfloat16 or (dtype.is_integer and wanted == "bfloat16"):
            continue
        yield f"Cast to {wanted}", "Cast", _cast(wanted)
    if dtype in (tf.uint16, tf.uint32, tf.uint64):
        return  # TensorFlow has few kernels of these types for CPUs.
    yield from _reductions(dtype)
    yield from _scatters()
    if dtype.is_floating:
        yield from _orders(dtype)
        yield from _neural(dtype)


def _integer_powers(dtype: tf.DType) -> Iterator[Case]:
    """Powers whose exponent is not negative: TensorFlow refuses the others."""
    if not _takes("Pow", dtype):
        return
    zero = np.zeros([], dtype.as_numpy_dtype)
    yield "Pow", "Pow", lambda given: tf.pow(given["x"], tf.maximum(given["y"], zero))
    for constant in (3, 70, dtype.max):

        def power(given: Inputs, exponent: int = constant) -> Any:
            return tf.pow(given["x"], exponent)

        def power_of(given: Inputs, base: int = constant) -> Any:
            return tf.pow(tf.constant(base, dtype), tf.maximum(given["y"], zero))

        yield f"Pow with {constant}", "Pow", power
        yield f"Pow of {constant}", "Pow", power_of


def _takes(op: str, dtype: tf.DType) -> bool:
    """Whether TensorFlow and XLA have the op for a type."""
    tensor = tf.ones([2], dtype)
    try:
        _of("xy", op)({"x": tensor, "y": tensor})
    except (tf.errors.OpError, TypeError, ValueError):
        return False
    kernels = adapters.tf().xla_kernels()[op]
    name = adapters.tf().op_definition(op).input_arg[0].type_attr
    return any(
        all(
            dtype.as_datatype_enum in constraint.allowed_values.list.type
            for constraint in kernel.constraint
            if constraint.name == name and constraint.allowed_values.list.type
        )
        for kernel in kernels
    )


def _of(names: str, op: str, *, nonzero: bool = False) -> Callable[[Inputs], Any]:
    arguments = [each.name for each in adapters.tf().op_definition(op).input_arg]

    def compute(inputs: Inputs) -> Any:
        given = [inputs[name] for name in names]
        if nonzero:
            given[1] = tf.where(given[1] == 0, tf.ones_like(given[1]), given[1])
        return getattr(tf.raw_ops, op)(**dict(zip(arguments, given, strict=False)))

    return compute


def _cast(wanted: str) -> Callable[[Inputs], Any]:
    return lambda given: tf.cast(given["x"], wanted)


def _reductions(dtype: tf.DType) -> Iterator[Case]:
    for width in WIDTHS:
        row, of_sum = f"row{width}", f"sum{width}"
        for axis in (0, 1):
            for op in ("Max", "Min"):
                yield f"{op} {row} {axis}", op, _reduce(op, row, axis)
            for name in ("ArgMax", "ArgMin"):
                yield f"{name} {row} {axis}", name, _arg(name, row, axis)
        for op in ("Sum", "Prod", "Mean"):
            if dtype.is_floating or op == "Sum":
                yield f"{op} {of_sum}", op, _reduce(op, of_sum, 1)
        for op in ("Cumsum", "Cumprod"):
            if dtype.is_floating:
                yield f"{op} {of_sum}", op, _cumulate(op, of_sum)
        low = 0 if dtype.is_unsigned else -1
        yield f"ClipByValue {row}", "ClipByValue", _clip(row, low)


def _reduce(op: str, name: str, axis: int) -> Callable[[Inputs], Any]:
    return lambda given: getattr(tf.raw_ops, op)(input=given[name], axis=axis)


def _arg(op: str, name: str, axis: int) -> Callable[[Inputs], Any]:
    return lambda given: getattr(tf.raw_ops, op)(input=given[name], dimension=axis)


def _cumulate(op: str, name: str) -> Callable[[Inputs], Any]:
    return lambda given: getattr(tf.raw_ops, op)(x=given[name], axis=1)


def _clip(name: str, low: int) -> Callable[[Inputs], Any]:
    return lambda given: tf.raw_ops.ClipByValue(
        t=given[name],
        clip_value_min=tf.cast(low, given[name].dtype),
        clip_value_max=tf.cast(2, given[name].dtype),
    )


def _scatters() -> Iterator[Case]:
    for op in ("Max", "Min", "Sum", "Prod"):
        yield f"UnsortedSegment{op}", f"UnsortedSegment{op}", _segments(op)
    for op in ("Max", "Min", "Add"):
        yield f"TensorScatter{op}", f"TensorScatter{op}", _scattered(op)


def _segments(op: str) -> Callable[[Inputs], Any]:
    def compute(given: Inputs) -> Any:
        count = given["x"].shape[0]
        ids = np.tile(np.arange(count, dtype=np.int32), 2)
        return getattr(tf.raw_ops, f"UnsortedSegment{op}")(
            data=tf.concat([given["x"], given["y"]], 0),
            segment_ids=ids,
            num_segments=count,
        )

    return compute


def _scattered(op: str) -> Callable[[Inputs], Any]:
    def compute(given: Inputs) -> Any:
        ids = np.arange(given["x"].shape[0], dtype=np.int32)[:, None]
        return getattr(tf.raw_ops, f"TensorScatter{op}")(
            tensor=given["x"], indices=ids, updates=given["y"]
        )

    return compute


def _orders(dtype: tf.DType) -> Iterator[Case]:
    for name in ("row5", "row37"):
        for k in (3, int(name[3:])):
            for output in (0, 1):
                yield f"TopKV2 {name} {k} {output}", "TopKV2", _top(name, k, output)
        yield f"InTopKV2 {name}", "InTopKV2", _in_top(name)
    if dtype in (tf.float32, tf.float64):
        yield (
            "Bucketize",
            "Bucketize",
            lambda given: tf.raw_ops.Bucketize(
                input=given["x"], boundaries=[-1.0, 0.0, 2.0]
            ),
        )
        for op in ("LowerBound", "UpperBound"):
            yield op, op, _bound(op)


def _top(name: str, k: int, output: int) -> Callable[[Inputs], Any]:
    return lambda given: tf.raw_ops.TopKV2(input=given[name], k=k)[output]


def _in_top(name: str) -> Callable[[Inputs], Any]:
    return lambda given: tf.raw_ops.InTopKV2(
        predictions=tf.cast(given[name], tf.float32),
        targets=tf.ones(given[name].shape[:1], tf.int32),
        k=2,
    )


def _bound(op: str) -> Callable[[Inputs], Any]:
    return lambda given: getattr(tf.raw_ops, op)(
        sorted_inputs=tf.cast([[-1, 0, 2]], given["x"].dtype), values=given["x"][None]
    )


def _neural(dtype: tf.DType) -> Iterator[Case]:
    kernel = np.random.RandomState(1).randn(3, 3, 2, 4).astype(np.float32)
    matrix = tf.cast(np.random.RandomState(2).randn(5, 3), dtype)
    for name in ("sum5", "sum37"):
        yield f"Softmax {name}", "Softmax", _of_row(tf.nn.softmax, name)
        yield f"LogSoftmax {name}", "LogSoftmax", _of_row(tf.nn.log_softmax, name)
        yield f"L2Loss {name}", "L2Loss", lambda given: tf.nn.l2_loss(given["sum5"][0])
        if dtype in (tf.float32, tf.float64):
            cumulative = _of_row(tf.math.cumulative_logsumexp, name, 1)
            yield f"CumulativeLogsumexp {name}", "CumulativeLogsumexp", cumulative
    yield "MatMul", "MatMul", lambda given: tf.matmul(given["sum5"], matrix)
    yield (
        "BatchMatMulV2",
        "BatchMatMulV2",
        lambda given: tf.matmul(given["sum5"][:, None], matrix),
    )
    yield (
        "BiasAdd",
        "BiasAdd",
        lambda given: tf.nn.relu(
            tf.nn.bias_add(tf.matmul(given["sum5"], matrix), tf.ones(3, dtype))
        ),
    )
    for size, strides, padding in ((2, 2, "VALID"), (3, 2, "SAME"), (6, 1, "VALID")):
        yield f"MaxPool {size} {padding}", "MaxPool", _pool(size, strides, padding)
    if dtype != tf.float16:
        yield (
            "AvgPool",
            "AvgPool",
            lambda given: tf.nn.avg_pool2d(given["sumimage"], 3, 1, "SAME"),
        )
    weights = tf.cast(kernel, dtype)
    yield (
        "Conv2D",
        "Conv2D",
        lambda given: tf.nn.conv2d(given["sumimage"], weights, 1, "SAME"),
    )
    yield (
        "DepthwiseConv2dNative",
        "DepthwiseConv2dNative",
        lambda given: tf.nn.depthwise_conv2d(
            given["sumimage"], weights[..., :1], [1, 1, 1, 1], "SAME"
        ),
    )


def _of_row(op: Callable[..., Any], name: str, *more: Any) -> Callable[[Inputs], Any]:
    return lambda given: op(given[name], *more)


def _pool(size: int, strides: int, padding: str) -> Callable[[Inputs], Any]:
    return lambda given: tf.nn.max_pool2d(given["image"], size, strides, padding)
