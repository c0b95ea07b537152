# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""tf.Modules with a few ops each, saved with tf.saved_model.save.

The functions import TensorFlow themselves, since listing the zoo must not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.models.case import (
    InputMaker,
    ModelCase,
    booleans,
    integers,
    normal,
    without_batch,
)
from tests.models.saving import function_save, module_save

_SMALL = frozenset({"small", "module"})
Tensors = dict[str, Any]


def _weights(*shape: int, dtype: str = "float32", seed: int = 3) -> Any:
    import tensorflow as tf

    values = np.random.default_rng(seed).standard_normal(shape)
    return tf.constant(values, tf.dtypes.as_dtype(dtype))


def _gather(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.gather(_weights(20, 4), x)}


def _gather_rows(x: Any, places: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.gather(x, places, batch_dims=1)}


def _top_k(x: Any) -> Tensors:
    import tensorflow as tf

    values, indices = tf.math.top_k(x, 3)
    return {"values": values, "indices": indices}


def _sort(x: Any) -> Tensors:
    import tensorflow as tf

    return {
        "sorted": tf.sort(x, direction="DESCENDING"),
        "order": tf.argsort(x, stable=True),
        "best": tf.argmax(x, -1),
    }


def _while_loop(x: Any) -> Tensors:
    import tensorflow as tf

    weights = _weights(6, 6) / 4

    def step(count: Any, state: Any) -> Any:
        return count + 1, tf.tanh(state @ weights)

    _, y = tf.while_loop(lambda count, _: count < 5, step, [0, x])
    return {"y": y}


def _while_until(x: Any) -> Tensors:
    import tensorflow as tf

    # How often it runs depends on the data.
    steps, y = tf.while_loop(
        lambda count, state: (count < 50) & (tf.reduce_max(tf.abs(state)) > 1),
        lambda count, state: (count + 1, state * 0.5),
        [0, x * 8],
    )
    return {"steps": steps, "y": y}


def _cond(x: Any, flag: Any) -> Tensors:
    import tensorflow as tf

    weights = _weights(4, 4)
    return {"y": tf.cond(flag, lambda: x @ weights, lambda: tf.nn.relu(x))}


def _switch(x: Any, which: Any) -> Tensors:
    import tensorflow as tf

    branches = [lambda: x + 1, lambda: tf.exp(x), lambda: x * x]
    return {"y": tf.switch_case(which, branches)}


def _several(a: Any, b: Any, c: Any) -> Tensors:
    import tensorflow as tf

    return {
        "sum": a + tf.cast(c, tf.float32),
        "product": tf.reduce_sum(a * b, -1),
        "copy": b,
        "large": c > 2,
    }


def _matmul(dtype: str) -> Callable[..., Tensors]:
    def function(x: Any) -> Tensors:
        import tensorflow as tf

        y = tf.matmul(x, _weights(8, 24, dtype=dtype)) + _weights(24, dtype=dtype)
        return {"y": tf.nn.relu(y)}

    return function


def _int_arithmetic(a: Any, b: Any) -> Tensors:
    import tensorflow as tf

    return {
        # A batch is padded with zeros.
        "div": a // tf.maximum(b, 1),
        "mod": a % tf.maximum(b, 1),
        "shift": tf.bitwise.left_shift(a, 2) ^ b,
        "wide": tf.cast(a, tf.int64) * 3_000_000_000,
        "least": tf.minimum(a, -b),
    }


def _int_matmul(x: Any) -> Tensors:
    import tensorflow as tf

    weights = tf.constant(np.arange(-20, 20).reshape(5, 8), tf.int32)
    return {"y": tf.matmul(x, weights)}


def _bool_ops(a: Any, b: Any) -> Tensors:
    import tensorflow as tf

    return {
        "and_": a & b,
        "xor": tf.math.logical_xor(a, b),
        "any": tf.reduce_any(a, -1),
        "where": tf.where(a, 1.5, -2.0),
    }


def _assertions(x: Any) -> Tensors:
    import tensorflow as tf

    tf.debugging.assert_less(x, 100.0, message="x is too large")
    tf.debugging.assert_shapes([(x, ("N", 4))])
    finite = tf.debugging.check_numerics(x, "x is not finite")
    count = tf.cast(tf.abs(x), tf.int32)
    return {"y": finite * 2, "rest": count % (count + 1)}


def _cumsum(x: Any) -> Tensors:
    import tensorflow as tf

    return {
        "y": tf.cumsum(x, 1),
        "reverse": tf.cumsum(x, 1, exclusive=True, reverse=True),
    }


def _einsum(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.einsum("bij,jkl->bikl", x, _weights(5, 3, 4))}


def _conv(dtype: str) -> Callable[..., Tensors]:
    def function(x: Any) -> Tensors:
        import tensorflow as tf

        y = tf.nn.conv2d(x, _weights(3, 3, 2, 4, dtype=dtype), 1, "SAME")
        return {"y": y}

    return function


def _complex(z: Any) -> Tensors:
    import tensorflow as tf

    return {"y": z * tf.complex(0.5, -1.0), "size": tf.abs(z)}


def _no_batch(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.nn.softmax(x @ _weights(6, 3)), "mean": tf.reduce_mean(x)}


def _over_batch(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.nn.softmax(x, axis=0)}


def _scale(x: Any, factor: Any) -> Tensors:
    return {"y": x * factor}


def _unused(x: Any, ignored: Any) -> Tensors:
    del ignored
    return {"y": x * 2 + 1}


def _resize(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.image.resize(x, (7, 9)), "pool": tf.nn.avg_pool2d(x, 2, 2, "SAME")}


def _reductions(x: Any) -> Tensors:
    import tensorflow as tf

    kernel = _weights(1, 1, 16, 24)
    return {
        "max_pool": tf.nn.max_pool2d(x, 3, 2, "SAME"),
        "average": tf.nn.avg_pool2d(x, (2, 3), (1, 2), "VALID"),
        "average_of_same": tf.nn.avg_pool2d(x, 3, 2, "SAME"),
        "colors": tf.nn.max_pool2d(tf.reshape(x, [-1, 30, 112, 3]), 2, 2, "VALID"),
        "depth": tf.nn.max_pool3d(tf.reshape(x, [-1, 9, 10, 7, 16]), 3, 2, "SAME"),
        "pooled": tf.reduce_mean(
            tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME")), [1, 2]
        ),
        "mean": tf.reduce_mean(x, [1, 2]),
        "smallest": tf.reduce_min(x, 2),
        "rows": tf.reduce_sum(tf.reshape(x, [-1, 9 * 70 * 16]), -1),
        "softmax": tf.nn.softmax(tf.reshape(x, [-1, 9, 70 * 16])),
    }


def _epilogues(x: Any) -> Tensors:
    """Every form of what follows a convolution or product, and residual blocks."""
    import tensorflow as tf

    def conv(y: Any, channels: int, seed: int) -> Any:
        weights = _weights(3, 3, int(y.shape[-1]), channels, seed=seed) / 10
        return tf.nn.conv2d(y, weights, 1, "SAME") + _weights(channels, seed=seed)

    y = tf.nn.relu6(conv(x, 24, 1))
    for seed in (2, 3):
        y = tf.nn.relu(conv(tf.nn.swish(conv(y, 24, seed)), 24, seed + 5) + y)
    depthwise = tf.nn.depthwise_conv2d(y, _weights(5, 5, 24, 1), [1, 1, 1, 1], "SAME")
    y = tf.sigmoid(depthwise + _weights(24))
    flat = tf.tanh(tf.reshape(y, [-1, 9 * 8 * 24]) @ _weights(9 * 8 * 24, 20) / 50)
    return {"y": tf.clip_by_value(flat @ _weights(20, 6) + 1.0, -2.0, 3.0), "map": y}


def _pad_and_slice(x: Any) -> Tensors:
    import tensorflow as tf

    padded = tf.pad(x, [[0, 0], [1, 2], [0, 0]], "REFLECT")
    return {"y": tf.reverse(padded[:, ::2], [1]), "tiled": tf.tile(x, [1, 2, 1])}


def _stateless_random(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": x + tf.random.stateless_uniform([4], [1, 2])}


def _unknown_rank(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.nn.relu(x) * 2}


def _two_signatures() -> tuple[Any, Any]:
    import tensorflow as tf

    module = tf.Module()
    module.weights = tf.Variable(_weights(4, 4))
    spec = tf.TensorSpec([None, 4], tf.float32, "x")

    @tf.function
    def forward(x: Any) -> Tensors:
        return {"y": x @ module.weights}

    @tf.function
    def backward(x: Any) -> Tensors:
        return {"y": tf.linalg.matmul(x, module.weights, transpose_b=True)}

    module.forward, module.backward = forward, backward
    return module, {
        "serving_default": forward.get_concrete_function(spec),
        "backward": backward.get_concrete_function(spec),
    }


def _scalar(value: NDArray[Any] | Any) -> InputMaker:
    def make(rows: int, rng: np.random.Generator) -> NDArray[Any]:
        del rows, rng
        return np.asarray(value)

    return make


def _complex_normal(*shape: int) -> InputMaker:
    def make(rows: int, rng: np.random.Generator) -> NDArray[Any]:
        real, imaginary = rng.standard_normal((2, rows, *shape))
        return (real + 1j * imaginary).astype(np.complex64)

    return make


def _narrow_float(name: str, *shape: int) -> InputMaker:
    def make(rows: int, rng: np.random.Generator) -> NDArray[Any]:
        import ml_dtypes

        kind = ml_dtypes.bfloat16 if name == "bfloat16" else np.dtype(name)
        return rng.standard_normal((rows, *shape)).astype(kind)

    return make


def _positive(*shape: int) -> InputMaker:
    def make(rows: int, rng: np.random.Generator) -> NDArray[Any]:
        return rng.integers(1, 9, (rows, *shape)).astype(np.int32)

    return make


def _case(
    name: str,
    function: Callable[..., Tensors],
    inputs: dict[str, tuple[tuple[int | None, ...] | None, str]],
    makers: dict[str, InputMaker],
    **fields: Any,
) -> ModelCase:
    return ModelCase(
        name, function_save(function, **inputs), makers=makers, tags=_SMALL, **fields
    )


def _one(
    name: str, function: Callable[..., Tensors], *shape: int, **fields: Any
) -> ModelCase:
    """A case with one input of float32, x."""
    spec = ((None, *shape), "float32")
    return _case(name, function, {"x": spec}, {"x": normal(*shape)}, **fields)


def _narrow_case(
    kind: str, dtype: str, make: Callable[[str], Callable[..., Tensors]], *shape: int
) -> ModelCase:
    return _case(
        f"{kind}_{dtype}",
        make(dtype),
        {"x": ((None, *shape), dtype)},
        {"x": _narrow_float(dtype, *shape)},
        rtol={"float16": 5e-3, "bfloat16": 4e-2, "float64": 1e-12}[dtype],
    )


CASES = [
    _case(
        "gather",
        _gather,
        {"x": ((None, 3), "int32")},
        {"x": integers(3, below=20)},
    ),
    _case(
        "gather_rows",
        _gather_rows,
        {"x": ((None, 6, 2), "float32"), "places": ((None, 4), "int64")},
        {"x": normal(6, 2), "places": integers(4, below=6, dtype="int64")},
    ),
    _one("top_k", _top_k, 9),
    _one("sort", _sort, 7),
    _one("while_loop", _while_loop, 6),
    _one("while_until", _while_until, 3, rows_independent=False),
    _case(
        "cond",
        _cond,
        {"x": ((None, 4), "float32"), "flag": ((), "bool")},
        {"x": normal(4), "flag": _scalar(np.bool_(True))},
    ),
    _case(
        "switch",
        _switch,
        {"x": ((None, 4), "float32"), "which": ((), "int32")},
        {"x": normal(4), "which": _scalar(np.int32(1))},
    ),
    _case(
        "several",
        _several,
        {
            "a": ((None, 5), "float32"),
            "b": ((None, 5), "float32"),
            "c": ((None, 1), "int32"),
        },
        {"a": normal(5), "b": normal(5), "c": integers(1, below=5)},
    ),
    *(
        _narrow_case("matmul", d, _matmul, 8)
        for d in ("float64", "float16", "bfloat16")
    ),
    *(_narrow_case("conv", d, _conv, 6, 5, 2) for d in ("float16", "bfloat16")),
    _case(
        "int_arithmetic",
        _int_arithmetic,
        {"a": ((None, 5), "int32"), "b": ((None, 5), "int32")},
        {"a": integers(5, below=100), "b": _positive(5)},
    ),
    _case("int_matmul", _int_matmul, {"x": ((None, 5), "int32")}, {"x": _positive(5)}),
    _case(
        "bool_ops",
        _bool_ops,
        {"a": ((None, 5), "bool"), "b": ((None, 5), "bool")},
        {"a": booleans(5), "b": booleans(5)},
    ),
    _one("assertions", _assertions, 4),
    _one("cumsum", _cumsum, 6, 2),
    _one("einsum", _einsum, 6, 5),
    _case(
        "complex", _complex, {"z": ((None, 4), "complex64")}, {"z": _complex_normal(4)}
    ),
    _case(
        "no_batch",
        _no_batch,
        {"x": ((4, 6), "float32")},
        {"x": without_batch(normal(4, 6))},
        has_batch=False,
        rows_independent=False,
    ),
    _one("over_batch", _over_batch, 4, rows_independent=False),
    _case(
        "scalar_input",
        _scale,
        {"x": ((None, 4), "float32"), "factor": ((), "float32")},
        {"x": normal(4), "factor": _scalar(np.float32(2.5))},
    ),
    _case(
        "only_scalars",
        _scale,
        {"x": ((), "float32"), "factor": ((), "float32")},
        {"x": _scalar(np.float32(3)), "factor": _scalar(np.float32(2.5))},
        has_batch=False,
        rows_independent=False,
    ),
    _case(
        "unused_input",
        _unused,
        {"x": ((None, 4), "float32"), "ignored": ((None, 2), "int32")},
        {"x": normal(4), "ignored": integers(2, below=5)},
    ),
    _one("resize", _resize, 4, 5, 3),
    _one("reductions", _reductions, 9, 70, 16),
    _one("epilogues", _epilogues, 9, 8, 5),
    _one("pad_and_slice", _pad_and_slice, 6, 2),
    _one("stateless_random", _stateless_random, 4),
    _case(
        "unknown_rank",
        _unknown_rank,
        {"x": (None, "float32")},
        {"x": normal(3)},
        shapes={"x": (-1, 3)},
    ),
    ModelCase(
        "two_signatures",
        module_save(_two_signatures),
        makers={"x": normal(4)},
        tags=_SMALL,
        signatures=("backward", "serving_default"),
    ),
]
