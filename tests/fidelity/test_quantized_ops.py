# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""No op that quantizes ends in an error of XLA's, or in other numbers than TensorFlow.

Each op of TensorFlow's that has to do with it is compiled, or refused with a reason. In
a model that can be cut, TensorFlow runs what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.util.quantization import (
    uniform_quant_ops_attr_pb2 as attributes,
)

import tfnative
from tests.fidelity.odd_ops import tried_or_not
from tfnative.errors import CompileError
from tfnative_aot.freeze.refusals import wrong_after_freezing

FAMILY = re.compile("Quantize|Dequantize|Requantiz|FakeQuant")
RNG = np.random.default_rng(0)
MATRIX = RNG.integers(-100, 100, (8, 8)).astype(np.int8)
FILTER = RNG.integers(-100, 100, (3, 3, 4, 8)).astype(np.int8)
BYTES = RNG.integers(0, 200, (8, 8)).astype(np.uint8)
FLOATS = RNG.standard_normal((8, 8)).astype(np.float32)
INPUTS = {
    "x": (RNG.standard_normal((2, 8)) * 1.5).astype(np.float32),
    "image": RNG.standard_normal((2, 5, 5, 4)).astype(np.float32),
}
raw = tf.raw_ops
Case = Callable[[Any, Any], Any]


def ends(low: int, high: int, *names: str) -> dict[str, int]:
    return {
        f"{name}quantization_{end}_val": value
        for name in names
        for end, value in (("min", low), ("max", high))
    }


def whole(x: Any, scale: float = 0.05, zero: int = 3, bits: int = 8) -> Any:
    return raw.UniformQuantize(
        input=x,
        scales=scale,
        zero_points=zero,
        Tout=tf.qint8 if bits == 8 else tf.qint32,
        **ends(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, ""),
    )


def floats(q: Any, scale: float = 0.05, zero: int = 3, bits: int = 8) -> Any:
    return raw.UniformDequantize(
        input=q,
        scales=scale,
        zero_points=zero,
        Tout=tf.float32,
        **ends(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, ""),
    )


def signed(values: Any) -> Any:
    return tf.bitcast(tf.constant(values), tf.qint8)


def window() -> dict[str, Any]:
    places = {"input": (0, 3, [1, 2]), "output": (0, 3, [1, 2])}
    fields: dict[str, Any] = {}
    for name, (batch, feature, spatial) in places.items():
        fields[f"{name}_batch_dimension"] = batch
        fields[f"{name}_feature_dimension"] = feature
        fields[f"{name}_spatial_dimensions"] = spatial
    numbers = attributes.UniformQuantizedConvolutionDimensionNumbersAttr(
        kernel_output_feature_dimension=3,
        kernel_input_feature_dimension=2,
        kernel_spatial_dimensions=[0, 1],
        **fields,
    )
    return {
        "padding": "SAME",
        "window_strides": [1, 1],
        "dimension_numbers": numbers.SerializeToString(),
    }


def product_ends() -> dict[str, Any]:
    scales = {"lhs": (0.05, 3), "rhs": (0.01, 0), "output": (0.0005, 0)}
    found: dict[str, Any] = {"Tout": tf.qint32}
    for name, (scale, zero) in scales.items():
        found[f"{name}_scales"], found[f"{name}_zero_points"] = scale, zero
    return {
        **found,
        **ends(-128, 127, "lhs_", "rhs_"),
        **ends(-(2**31), 2**31 - 1, "output_"),
    }


def requantized(x: Any, _: Any) -> Any:
    numbers = {
        "input_scales": 0.05,
        "input_zero_points": 3,
        "output_scales": 0.1,
        "output_zero_points": -2,
    }
    made = raw.UniformRequantize(
        input=whole(x),
        Tout=tf.qint8,
        **numbers,
        **ends(-128, 127, "input_", "output_"),
    )
    return floats(made, 0.1, -2)


def added(x: Any, _: Any) -> Any:
    names = ("lhs", "rhs", "output")
    made = raw.UniformQuantizedAdd(
        lhs=whole(x, bits=32),
        rhs=whole(x * 2, bits=32),
        **{f"{name}_scales": 0.05 for name in names},
        **{f"{name}_zero_points": 3 for name in names},
        **ends(-(2**31), 2**31 - 1, *(f"{name}_" for name in names)),
    )
    return floats(made, bits=32)


def clipped(x: Any, _: Any) -> Any:
    made = raw.UniformQuantizedClipByValue(
        operand=whole(x, bits=32),
        min=tf.bitcast(tf.constant(-10), tf.qint32),
        max=tf.bitcast(tf.constant(10), tf.qint32),
        scales=0.05,
        zero_points=3,
        **ends(-(2**31), 2**31 - 1, ""),
    )
    return floats(made, bits=32)


def dot(x: Any, _: Any) -> Any:
    made = raw.UniformQuantizedDot(lhs=whole(x), rhs=signed(MATRIX), **product_ends())
    return floats(made, 0.0005, 0, bits=32)


def convolution(_: Any, image: Any) -> Any:
    made = raw.UniformQuantizedConvolution(
        lhs=whole(image), rhs=signed(FILTER), **product_ends(), **window()
    )
    return floats(made, 0.0005, 0, bits=32)


def pair(mode: str, dtype: Any) -> Case:
    def function(x: Any, _: Any) -> Any:
        q, low, high = raw.QuantizeV2(
            input=x, min_range=-3.0, max_range=3.0, T=dtype, mode=mode
        )
        return raw.Dequantize(input=q, min_range=low, max_range=high, mode=mode)

    return function


def old_product(x: Any, _: Any) -> Any:
    q, low, high = raw.QuantizeV2(
        input=x, min_range=-3.0, max_range=3.0, T=tf.quint8, mode="MIN_FIRST"
    )
    sums = raw.QuantizedMatMul(
        a=q,
        b=tf.bitcast(tf.constant(BYTES), tf.quint8),
        min_a=low,
        max_a=high,
        min_b=-1.0,
        max_b=2.0,
        Toutput=tf.qint32,
    )
    least, most = raw.RequantizationRange(
        input=sums[0], input_min=sums[1], input_max=sums[2]
    )
    q, low, high = raw.Requantize(
        input=sums[0],
        input_min=sums[1],
        input_max=sums[2],
        requested_output_min=least,
        requested_output_max=most,
        out_type=tf.quint8,
    )
    return raw.Dequantize(input=q, min_range=low, max_range=high, mode="MIN_FIRST")


def of_constant(mode: str) -> Case:
    def function(x: Any, _: Any) -> Any:
        weights = tf.bitcast(tf.constant(BYTES), tf.quint8)
        return x @ raw.Dequantize(
            input=weights, min_range=-1.0, max_range=2.0, mode=mode
        )

    return function


RUN_BY_TENSORFLOW: Mapping[str, Case] = {
    "UniformQuantize": lambda x, _: floats(whole(x)),
    "UniformRequantize": requantized,
    "UniformQuantizedAdd": added,
    "UniformQuantizedClipByValue": clipped,
    "UniformQuantizedDot": dot,
    "UniformQuantizedConvolution": convolution,
    "MIN_COMBINED": pair("MIN_COMBINED", tf.quint8),
    "MIN_FIRST": pair("MIN_FIRST", tf.quint8),
    "SCALED": pair("SCALED", tf.qint8),
    "QuantizedMatMul": old_product,
    "UniformQuantizedDotHybrid": lambda x, _: raw.UniformQuantizedDotHybrid(
        lhs=x,
        rhs=signed(MATRIX),
        rhs_scales=0.01,
        rhs_zero_points=0,
        Tout=tf.float32,
        **ends(-128, 127, "rhs_"),
    ),
    "UniformQuantizedConvolutionHybrid": lambda _, image: (
        raw.UniformQuantizedConvolutionHybrid(
            lhs=image,
            rhs=signed(FILTER),
            rhs_scales=0.01,
            rhs_zero_points=0,
            Tout=tf.float32,
            **ends(-128, 127, "rhs_"),
            **window(),
        )
    ),
}

COMPILED: Mapping[str, Case] = {
    **{mode: of_constant(mode) for mode in ("MIN_COMBINED", "MIN_FIRST", "SCALED")},
    "UniformDequantize": lambda x, _: x @ floats(signed(MATRIX), 0.01, 0),
    "FakeQuantWithMinMaxVars": lambda x, _: (
        x @ tf.quantization.fake_quant_with_min_max_vars(FLOATS, -1.0, 1.3)
    ),
    "QuantizeAndDequantizeV2": lambda x, _: (
        x @ raw.QuantizeAndDequantizeV2(input=FLOATS, input_min=0.0, input_max=0.0)
    ),
}


def test_every_op_is_compiled_or_has_a_reason_not_to_be() -> None:
    compiled = {*tried_or_not(), *COMPILED}
    for name in dir(raw):
        if FAMILY.search(name):
            reason = wrong_after_freezing(NodeDef(name="it", op=name), GraphDef())
            assert reason or name in compiled, name


def save(folder: Path, cases: Mapping[str, Case]) -> Any:
    made = tf.Module()
    made.f = tf.function(
        lambda x, image: {
            f"y_{n}": case(x, image) for n, case in enumerate(cases.values())
        },
        input_signature=[
            tf.TensorSpec(array.shape, tf.float32, name)
            for name, array in INPUTS.items()
        ],
        autograph=False,
    )
    tf.saved_model.save(made, str(folder), signatures=made.f)
    return made.f


@pytest.mark.slow
@pytest.mark.parametrize("cases", [COMPILED, RUN_BY_TENSORFLOW], ids=["us", "it"])
def test_all_give_tensorflows_numbers(
    cases: Mapping[str, Case], tmp_path: Path
) -> None:
    function = save(tmp_path / "model", cases)
    path = tfnative.compile(tmp_path / "model", tmp_path / "it", cpus=["native"])
    wanted = function(*map(tf.constant, INPUTS.values()))
    with tfnative.load(path) as model:
        (signature,) = model.manifest.signatures.values()
        assert (signature.head is None) == (cases is COMPILED)
        found = model.predict(INPUTS)
    for n, name in enumerate(cases):
        np.testing.assert_allclose(
            found[f"y_{n}"], wanted[f"y_{n}"], rtol=1e-5, atol=1e-5, err_msg=name
        )


def test_whole_numbers_are_refused_with_a_precision(tmp_path: Path) -> None:
    save(tmp_path / "model", {"it": convolution})
    with pytest.raises(CompileError, match="XLA rounds its results otherwise than"):
        tfnative.compile(
            *(tmp_path / "model", tmp_path / "it"), cpus=["native"], precision="int8"
        )
