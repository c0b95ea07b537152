# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ops with many combinations of their attributes, on ordinary numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import tensorflow as tf

from tests.fidelity.onednn import has_onednn

Inputs = Mapping[str, Any]
Case = tuple[str, Callable[[Inputs], Any]]
"""The op with its attributes, in words, and what it computes of the inputs."""

_RANDOM = np.random.default_rng(3)


def _normal(*shape: int) -> Any:
    return _RANDOM.normal(size=shape).astype(np.float32)


def _integers(low: int, high: int, *shape: int) -> Any:
    return _RANDOM.integers(low, high, shape).astype(np.int32)


INPUTS: Mapping[str, Any] = {
    "x": _normal(5, 8),
    "y": _normal(5, 8),
    "cube": _normal(3, 4, 5),
    "square": _normal(2, 5, 5),
    "image": _normal(2, 7, 6, 4),
    "even": _normal(2, 8, 6, 4),
    "pixels": (_RANDOM.random((2, 7, 6, 3)) * 255).astype(np.float32),
    "colours": _RANDOM.random((2, 4, 5, 3)).astype(np.float32),
    "channels": _normal(2, 4, 7, 6),
    "volume": _normal(2, 5, 6, 4, 2),
    "halves": np.arange(-10, 10, dtype=np.float32).reshape(4, 5) / 2,
    "few": _integers(0, 3, 4, 9).astype(np.float32),
    "i": _integers(-9, 10, 6, 5),
    "j": np.where((j := _integers(-4, 4, 6, 5)) >= 0, j + 1, j).astype(np.int32),
    "ids": _integers(0, 4, 5),
    "lengths": _integers(1, 5, 3),
    "bytes": _integers(0, 256, 6, 5).astype(np.uint8),
}
"""By what they are called in the cases."""


def cases() -> Iterator[Case]:
    """All that is tried."""
    for group in (_images, _convolutions, _moves, _matrices, _sums, _orders, _numbers):
        yield from group()


def _raw(op: str, **given: Any) -> Case:
    """A case; what is named in ``INPUTS``, as "@x", is an input."""
    words = " ".join(f"{key}={_word(value)}" for key, value in given.items())

    def fill(value: Any, inputs: Inputs) -> Any:
        if isinstance(value, str) and value.startswith("@"):
            return inputs[value[1:]]
        if isinstance(value, list) and value and str(value[0]).startswith("@"):
            return [fill(each, inputs) for each in value]
        return value

    def compute(inputs: Inputs) -> Any:
        filled = {key: fill(value, inputs) for key, value in given.items()}
        found = getattr(tf.raw_ops, op)(**filled)
        return found[0] if isinstance(found, tuple) else found

    return f"{op} {words}", compute


def _nonzero(x: Any) -> Any:
    """Compiling tries other inputs, too, which TensorFlow has to take."""
    x = tf.clip_by_value(x, -4, 4)
    return tf.where(tf.equal(x, 0), 1, x)


def _word(value: Any) -> str:
    return str(value.shape) if isinstance(value, np.ndarray) else str(value)


def _images() -> Iterator[Case]:
    flags = [(False, False), (True, False), (False, True)]
    for op in ("ResizeBilinear", "ResizeNearestNeighbor"):
        for (align, half), size in product(flags, ([14, 12], [3, 5], [5, 13], [1, 1])):
            yield _raw(
                op,
                images="@image",
                size=size,
                align_corners=align,
                half_pixel_centers=half,
            )
    for rates, padding in product(([1, 1, 1, 1], [1, 2, 2, 1]), ("VALID", "SAME")):
        yield _raw(
            "ExtractImagePatches",
            images="@image",
            ksizes=[1, 3, 2, 1],
            strides=[1, 2, 1, 1],
            rates=rates,
            padding=padding,
        )
    for radius in (1, 2, 5):
        yield _raw("LRN", input="@image", depth_radius=radius, alpha=0.3, beta=0.75)
    for op in ("RGBToHSV", "HSVToRGB"):
        yield _raw(op, images="@colours")
    yield _raw("AdjustContrastv2", images="@colours", contrast_factor=1.7)
    yield _raw("AdjustSaturation", images="@colours", scale=0.4)
    yield _raw("AdjustHue", images="@colours", delta=0.3)


def _convolutions() -> Iterator[Case]:
    kernel, small = _normal(3, 2, 4, 6), _normal(3, 2, 4, 2)
    explicit = [0, 0, 1, 2, 0, 3, 0, 0]
    for strides, rates in (((1, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 1), (2, 3))):
        for padding in ("SAME", "VALID", "EXPLICIT"):
            steps, holes = [1, *strides, 1], [1, *rates, 1]
            yield _raw(
                "Conv2D",
                input="@image",
                filter=kernel,
                strides=steps,
                dilations=holes,
                padding=padding,
                explicit_paddings=explicit if padding == "EXPLICIT" else [],
            )
            if strides[0] == strides[1] and (rates == (1, 1) or has_onednn()):
                yield _raw(
                    "DepthwiseConv2dNative",
                    input="@image",
                    filter=small,
                    strides=steps,
                    dilations=holes,
                    padding=padding,
                    explicit_paddings=explicit if padding == "EXPLICIT" else [],
                )
    for stride, padding in product((1, 2), ("SAME", "VALID")):
        rows = stride * 8 + (2 if padding == "VALID" and stride == 1 else 0)
        columns = stride * 6 + (1 if padding == "VALID" and stride == 1 else 0)
        if padding == "VALID" and stride == 2:
            rows, columns = 17, 12
        yield _raw(
            "Conv2DBackpropInput",
            input_sizes=[2, rows, columns, 6],
            filter=_normal(3, 2, 6, 4),
            out_backprop="@even",
            strides=[1, stride, stride, 1],
            padding=padding,
        )
        yield _raw(
            "Conv3D",
            input="@volume",
            filter=_normal(2, 3, 2, 2, 3),
            strides=[1, stride, stride, 1, 1],
            padding=padding,
        )
    for op, padding, size in product(("AvgPool", "MaxPool"), ("SAME", "VALID"), (2, 3)):
        for stride in (1, 2):
            given = {"value" if op == "AvgPool" else "input": "@image"}
            steps = [1, stride, 2, 1]
            yield _raw(
                op, **given, ksize=[1, size, 2, 1], strides=steps, padding=padding
            )
    for op, padding in product(("AvgPool3D", "MaxPool3D"), ("SAME", "VALID")):
        yield _raw(
            op,
            input="@volume",
            ksize=[1, 2, 3, 2, 1],
            strides=[1, 2, 1, 2, 1],
            padding=padding,
        )
    for form, value in (("NHWC", "@image"), ("NCHW", "@channels")):
        yield _raw("BiasAdd", value=value, bias=_normal(4), data_format=form)
    yield _raw(
        "FusedBatchNormV3",
        x="@image",
        scale=_normal(4),
        offset=_normal(4),
        mean=_normal(4),
        variance=_normal(4) ** 2,
        is_training=False,
    )


def _moves() -> Iterator[Case]:
    for size in (2,):
        yield _raw("DepthToSpace", input="@image", block_size=size)
        yield _raw("SpaceToDepth", input="@even", block_size=size)
    yield _raw(
        "SpaceToBatchND", input="@image", block_shape=[2, 3], paddings=[[1, 0], [2, 1]]
    )
    yield _raw(
        "BatchToSpaceND", input="@image", block_shape=[2, 1], crops=[[1, 2], [0, 1]]
    )
    yield _raw("SpaceToBatch", input="@even", block_size=2, paddings=[[1, 1], [0, 2]])
    for mode in ("REFLECT", "SYMMETRIC"):
        yield _raw(
            "MirrorPad", input="@cube", paddings=[[2, 1], [0, 3], [1, 2]], mode=mode
        )
    yield _raw("PadV2", input="@x", paddings=[[1, 0], [2, 3]], constant_values=1.5)
    for batch, sequence in ((0, 2), (0, 1)):
        yield _raw(
            "ReverseSequence",
            input="@cube",
            seq_lengths=np.array([1, 3, 4]),
            seq_dim=sequence,
            batch_dim=batch,
        )
    yield _raw("ReverseV2", tensor="@cube", axis=[-1, 0])
    yield _raw("Roll", input="@cube", shift=[2, -3, 9], axis=[0, -1, 1])
    yield _raw("Roll", input="@cube", shift=[2, 1], axis=[1, 1])
    yield _raw("Tile", input="@cube", multiples=[2, 1, 3])
    yield _raw("Transpose", x="@image", perm=[3, 0, 2, 1])
    yield _raw("Pack", values=["@x", "@y"], axis=-1)
    yield _raw("Pack", values=["@x", "@y"], axis=-2)
    yield _raw("ConcatV2", values=["@x", "@y"], axis=-2)
    for axis in (-1, 0, 1):
        yield _raw(
            "OneHot", indices="@ids", depth=3, on_value=2.0, off_value=-1.0, axis=axis
        )
    yield _raw("GatherV2", params="@x", indices="@ids", axis=-1)
    yield _raw(
        "GatherV2", params="@cube", indices=_integers(0, 4, 3, 2), axis=1, batch_dims=1
    )
    yield _raw("GatherNd", params="@cube", indices=_integers(0, 3, 2, 3, 2))
    same = np.array([[1], [2], [1], [0], [1]], np.int32)
    yield _raw("ScatterNd", indices=same, updates="@x", shape=[4, 8])
    for kind in ("Add", "Sub", "Max", "Min", "Update"):
        places = same if kind != "Update" else np.array([[4], [2], [1], [0], [3]])
        yield _raw(f"TensorScatter{kind}", tensor="@y", indices=places, updates="@x")
    for begin, end, strides in (
        ([0, -1, 1], [3, -5, 5], [1, -1, 2]),
        ([2, 0, 3], [0, 4, -9], [-1, 3, -2]),
        ([-9, 1, 4], [9, 9, 1], [2, 2, -1]),
    ):
        for mask in (0, 2):
            yield _raw(
                "StridedSlice",
                input="@cube",
                begin=begin,
                end=end,
                strides=strides,
                begin_mask=mask,
                end_mask=mask * 2,
            )
    yield _raw(
        "StridedSlice",
        input="@cube",
        begin=[-1, 0, 0, 4],
        end=[0, 0, 0, 1],
        strides=[1, 1, 1, -1],
        shrink_axis_mask=1,
        ellipsis_mask=2,
        new_axis_mask=4,
    )
    yield _raw("Slice", input="@cube", begin=[1, 0, 2], size=[-1, 3, -1])
    yield _raw("BroadcastTo", input="@x", shape=[2, 5, 8])


def _matrices() -> Iterator[Case]:
    for k, align in product(
        (0, [-1, 2], [1, 2], -2),
        ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"),
    ):
        yield _raw(
            "MatrixDiagPartV3",
            input="@square",
            k=k,
            padding_value=7.0,
            align=align,
        )
    for align in ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"):
        yield _raw(
            "MatrixDiagV3",
            diagonal="@cube",
            k=[-1, 2],
            num_rows=-1,
            num_cols=-1,
            padding_value=2.0,
            align=align,
        )
        yield _raw(
            "MatrixSetDiagV3",
            input="@square",
            diagonal=_normal(2, 3, 5),
            k=[-1, 1],
            align=align,
        )
    yield _raw(
        "MatrixDiagV3", diagonal="@x", k=1, num_rows=9, num_cols=9, padding_value=0.0
    )
    for low, high in ((0, -1), (1, 2), (-1, 0)):
        yield _raw("MatrixBandPart", input="@square", num_lower=low, num_upper=high)
    yield _raw("Diag", diagonal="@ids")
    for a, b in product((False, True), repeat=2):
        yield _raw(
            "MatMul",
            a="@few",
            b=_normal(*((9, 4), (4, 9))[a != b])
            if not a
            else _normal(*((4, 9), (9, 4))[b]),
            transpose_a=a,
            transpose_b=b,
        )
        yield _raw("BatchMatMulV2", x="@square", y=_normal(1, 5, 5), adj_x=a, adj_y=b)
    for equation in ("ijk,lmk->ijlm", "ijk->ki", "ijk,ijk->j"):
        count = equation.count(",") + 1
        yield _raw("Einsum", inputs=["@cube"] * count, equation=equation)
    regular = np.eye(5, dtype=np.float32) * 6
    yield (
        "MatrixInverse",
        lambda given: tf.raw_ops.MatrixInverse(input=given["square"] + regular),
    )
    yield (
        "MatrixSolve",
        lambda given: tf.raw_ops.MatrixSolve(
            matrix=given["square"] + regular, rhs=given["square"], adjoint=True
        ),
    )
    yield (
        "Cholesky",
        lambda given: tf.linalg.cholesky(
            tf.matmul(given["square"], given["square"], transpose_b=True) + regular
        ),
    )
    for lower, adjoint in product((True, False), repeat=2):
        yield (
            f"MatrixTriangularSolve {lower} {adjoint}",
            lambda given, lower=lower, adjoint=adjoint: (
                tf.raw_ops.MatrixTriangularSolve(
                    matrix=given["square"] + regular,
                    rhs=given["square"],
                    lower=lower,
                    adjoint=adjoint,
                )
            ),
        )


def _sums() -> Iterator[Case]:
    for exclusive, reverse, axis in product((False, True), (False, True), (0, -1)):
        for op in ("Cumsum", "Cumprod", "CumulativeLogsumexp"):
            yield _raw(op, x="@cube", axis=axis, exclusive=exclusive, reverse=reverse)
    for op in ("Sum", "Mean", "Prod", "Max", "Min"):
        for axis, keep in product((-1, [0, 2], [], [0, 1, 2]), (False, True)):
            yield _raw(op, input="@cube", axis=axis, keep_dims=keep)
    for op in ("Sum", "Prod", "Max", "Min"):
        yield _raw(op, input="@i", axis=1)
        yield _raw(
            f"UnsortedSegment{op}",
            data="@x",
            segment_ids=np.array([1, -1, 3, 1, 0], np.int32),
            num_segments=5,
        )
    yield _raw("Mean", input="@i", axis=1)
    yield _raw("Mean", input="@i", axis=[0, 1])
    yield _raw("AddN", inputs=["@x", "@y", "@x"])
    yield _raw("Cross", a="@colours", b="@colours")
    yield _raw("L2Loss", t="@cube")
    yield _raw("Bincount", arr="@ids", size=6, weights=np.zeros(0, np.float32))


def _orders() -> Iterator[Case]:
    for op, name, axis in product(("ArgMax", "ArgMin"), ("few", "x", "i"), (0, -1)):
        yield _raw(op, input=f"@{name}", dimension=axis)
    for name, k in product(("few", "x", "i"), (1, 3, 5)):
        for output in (0, 1):
            yield (
                f"TopKV2 {name} {k} {output}",
                lambda given, name=name, k=k, output=output: tf.raw_ops.TopKV2(
                    input=given[name], k=k
                )[output],
            )
    for direction, name in product(("ASCENDING", "DESCENDING"), ("few", "i", "x")):
        for axis in (0, -1):
            yield (
                f"sort {direction} {name} {axis}",
                lambda given, d=direction, n=name, a=axis: tf.sort(given[n], a, d),
            )
            yield (
                f"argsort {direction} {name} {axis}",
                lambda given, d=direction, n=name, a=axis: tf.argsort(
                    given[n], a, d, stable=True
                ),
            )
    bounds = np.array([[-1, 0, 0, 1, 2]] * 4, np.float32)
    for op in ("LowerBound", "UpperBound"):
        yield _raw(op, sorted_inputs=bounds, values="@few")
    yield _raw("Bucketize", input="@few", boundaries=[0.0, 1.0, 2.0])
    yield _raw("InTopKV2", predictions="@x", targets="@ids", k=3)
    yield (
        "InTopKV2 of no class",
        lambda given: tf.raw_ops.InTopKV2(
            predictions=given["x"], targets=given["ids"] * 50 - 50, k=3
        ),
    )


def _numbers() -> Iterator[Case]:
    for op in ("Round", "Rint", "Floor", "Ceil", "Sign"):
        yield _raw(op, x="@halves")
    for op in ("Div", "FloorDiv", "FloorMod", "Mod", "TruncateDiv", "TruncateMod"):
        for kind in (tf.int8, tf.int16, tf.int32, tf.int64, tf.float32, tf.float64):
            if kind.is_floating and op == "TruncateDiv":
                continue
            if op == "TruncateMod" and kind in (tf.int8, tf.int16):
                continue
            if op in ("Mod", "FloorMod") and kind in (tf.int8, tf.int16):
                continue
            yield (
                f"{op} {kind.name}",
                lambda given, op=op, kind=kind: getattr(tf.raw_ops, op)(
                    x=tf.cast(given["i"], kind), y=tf.cast(_nonzero(given["j"]), kind)
                ),
            )
    for op, kind in product(("LeftShift", "RightShift"), (tf.int8, tf.int32, tf.uint8)):
        yield (
            f"{op} {kind.name}",
            lambda given, op=op, kind=kind: getattr(tf.raw_ops, op)(
                x=tf.cast(given["i"], kind), y=tf.cast(given["j"] & 7, kind)
            ),
        )
    for source, wanted in product(
        ("halves", "i", "bytes"), (tf.int8, tf.int32, tf.int64, tf.float16, tf.bool)
    ):
        yield (
            f"Cast {source} {wanted.name}",
            lambda given, source=source, wanted=wanted: tf.cast(given[source], wanted),
        )
    for bits, narrow in product((8, 4), (False, True)):
        yield _raw(
            "FakeQuantWithMinMaxArgs",
            inputs="@cube",
            min=-1.3,
            max=2.1,
            num_bits=bits,
            narrow_range=narrow,
        )
        yield _raw(
            "FakeQuantWithMinMaxVars",
            inputs="@cube",
            min=-1.3,
            max=0.7,
            num_bits=bits,
            narrow_range=narrow,
        )
        yield _raw(
            "FakeQuantWithMinMaxVarsPerChannel",
            inputs="@colours",
            min=np.array([-1, 0.1, -0.5], np.float32),
            max=np.array([0.3, 0.9, 1], np.float32),
            num_bits=bits,
            narrow_range=narrow,
        )
        for mode, signed in product(("HALF_TO_EVEN", "HALF_UP"), (True, False)):
            yield (
                _raw(
                    "QuantizeAndDequantizeV3",
                    input="@halves",
                    input_min=-2.0,
                    input_max=3.0,
                    num_bits=bits,
                    signed_input=signed,
                    narrow_range=narrow,
                )
                if mode == "HALF_TO_EVEN"
                else _raw(
                    "QuantizeAndDequantizeV2",
                    input="@halves",
                    input_min=-2.0,
                    input_max=3.0,
                    num_bits=bits,
                    signed_input=signed,
                    round_mode=mode,
                    narrow_range=narrow,
                )
            )
    yield _raw("LinSpace", start=0.1, stop=2.7, num=7)
    yield _raw(
        "Range", start=tf.constant(0.1), limit=tf.constant(1.0), delta=tf.constant(0.3)
    )
    yield _raw("Range", start=5, limit=-4, delta=-3)
    for op in ("Digamma", "Lgamma", "Erf", "Erfc", "Expm1", "Log1p", "Ndtri", "Erfinv"):
        yield (
            f"{op}",
            lambda given, op=op: getattr(tf.raw_ops, op)(x=tf.sigmoid(given["x"])),
        )
    for alpha in (0.1, 1.5):
        yield _raw("LeakyRelu", features="@x", alpha=alpha)
    yield _raw("NextAfter", x1="@x", x2="@y")
    yield _raw("PopulationCount", x="@i")
    yield _raw("ClipByValue", t="@x", clip_value_min=-0.5, clip_value_max=0.2)
    yield _raw("Bitcast", input="@x", type=tf.int32)
    yield _raw("Select", condition=np.eye(5, 8) > 0, x="@x", y="@y")
