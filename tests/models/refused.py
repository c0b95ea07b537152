# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models that must not compile, each with what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.models.case import InputMaker, ModelCase, normal
from tests.models.saving import function_save, module_save

_REFUSED = frozenset({"refused", "module"})
Tensors = dict[str, Any]


def _counter() -> tuple[Any, Any]:
    import tensorflow as tf

    module = tf.Module()
    module.count = tf.Variable(0.0, name="count")

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, "x")])
    def call(x: Any) -> Tensors:
        return {"y": x + module.count.assign_add(1.0)}

    module.call = call
    return module, call


def _string_output(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.strings.as_string(x)}


def _string_input(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.strings.length(x)}


def _string_inside(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.strings.to_number(tf.strings.as_string(x))}


def _py_function(x: Any) -> Tensors:
    import tensorflow as tf

    y = tf.py_function(lambda t: t * 2, [x], tf.float32)
    return {"y": tf.ensure_shape(y, [None, 4])}


def _random(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": x + tf.random.uniform([4])}


def _in_loop(x: Any) -> Tensors:
    import tensorflow as tf

    # Both are in the body of a While, two offenders in one model.
    def step(count: Any, state: Any) -> Any:
        noise = tf.random.normal([4])
        return count + 1, state + noise + tf.random.uniform([4])

    return {"y": tf.while_loop(lambda count, _: count < 3, step, [0, x])[1]}


def _unsupported(x: Any) -> Tensors:
    import tensorflow as tf

    return {"y": tf.raw_ops.UnicodeScript(input=tf.cast(x, tf.int32))}


def _where(x: Any) -> Tensors:
    import tensorflow as tf

    rows = tf.gather(x, tf.where(x[:, 0] > 0)[:, 0])
    return {"y": rows @ tf.ones([x.shape[1], 3])}  # At the end, it would be a tail.


def _fft(x: Any) -> Tensors:
    import tensorflow as tf

    spectrum = tf.signal.rfft(x)
    return {"power": tf.abs(spectrum), "back": tf.signal.irfft(spectrum)}


def _table() -> tuple[Any, Any]:
    import tensorflow as tf

    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant([1, 2], tf.int64), tf.constant([10, 20], tf.int64)
        ),
        -1,
    )

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.int64, "x")])
    def call(x: Any) -> Tensors:
        return {"y": module.table.lookup(x)}

    module.call = call
    return module, call


def _strings(rows: int, rng: np.random.Generator) -> Any:
    return np.array([[str(n) for n in row] for row in rng.integers(0, 9, (rows, 4))])


def _case(
    name: str,
    exporter: Any,
    ops: tuple[str, ...],
    when: str,
    makers: Mapping[str, InputMaker] | None = None,
) -> ModelCase:
    return ModelCase(
        f"refused_{name}",
        exporter,
        makers=makers or {"x": normal(4)},
        tags=_REFUSED,
        refused_ops=ops,
        refused_when=when,
    )


def _function(function: Callable[[Any], Tensors], dtype: str = "float32") -> Any:
    return function_save(function, x=((None, 4), dtype))


CASES = [
    _case("counter", module_save(_counter), ("AssignAddVariableOp",), "variable"),
    _case("string_output", _function(_string_output), ("AsString",), "string"),
    _case(
        "string_input",
        _function(_string_input, "string"),
        ("StringLength",),
        "string",
        {"x": _strings},
    ),
    _case(
        "string_inside",
        _function(_string_inside),
        ("AsString", "StringToNumber"),
        "string",
    ),
    _case("table", module_save(_table), ("LookupTableFindV2",), "lookup table"),
    _case("py_function", _function(_py_function), ("EagerPyFunc",), "Python"),
    _case("random", _function(_random), ("RandomUniform",), "random"),
    _case(
        "in_loop",
        _function(_in_loop),
        ("RandomStandardNormal", "RandomUniform"),
        "random",
    ),
    _case("where", _function(_where), ("Where",), "Where"),
    _case("fft", _function(_fft), ("RFFT", "IRFFT"), "just in time"),
    _case("unsupported", _function(_unsupported), ("UnicodeScript",), "XLA"),
]
