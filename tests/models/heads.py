# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models whose graphs begin with what cannot be compiled, and the inputs for them.

They are no part of ``ZOO``: their inputs are strings.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.models.saving import module_save

Tensors = dict[str, Any]


def message(**features: Any) -> bytes:
    """A serialised tf.Example: lists of floats, integers or bytes."""
    import tensorflow as tf

    example = tf.train.Example()
    for name, values in features.items():
        feature = example.features.feature[name]
        array = np.asarray(values).ravel()
        if array.dtype.kind == "f":
            feature.float_list.value.extend(array.tolist())
        elif array.dtype.kind in "iu":
            feature.int64_list.value.extend(array.tolist())
        else:
            feature.bytes_list.value.extend(np.asarray(values, object).ravel().tolist())
    content: bytes = example.SerializeToString()
    return content


def random_messages(rows: int, rng: np.random.Generator) -> list[bytes]:
    """Messages for ``passengers``; some leave out what has a default."""
    found = []
    for row in range(rows):
        features: dict[str, Any] = {
            "fare": rng.standard_normal(4).astype(np.float32),
            "age": [int(rng.integers(0, 90))],
            "remark": [b"late"],
        }
        if row % 3 != 0:
            features["weight"] = rng.standard_normal(1).astype(np.float32)
        if row % 4 == 3:
            del features["age"]
        found.append(message(**features))
    return found


def _layers(tf: Any, *sizes: int) -> list[Any]:
    rng = np.random.default_rng(8)
    return [
        tf.Variable(rng.standard_normal(shape).astype(np.float32) / 2)
        for shape in itertools.pairwise(sizes)
    ]


def _passengers() -> tuple[Any, Any]:
    import tensorflow as tf

    module = tf.Module()
    module.layers = _layers(tf, 6, 16, 3)

    def score(examples: Any, bias: Any) -> Tensors:
        parsed = tf.io.parse_example(
            examples,
            {
                "fare": tf.io.FixedLenFeature([4], tf.float32),
                "age": tf.io.FixedLenFeature([], tf.int64, default_value=30),
                "weight": tf.io.FixedLenFeature(
                    [1], tf.float32, default_value=[float("nan")]
                ),
                "remark": tf.io.FixedLenFeature([], tf.string),
            },
        )
        weight = tf.where(tf.math.is_nan(parsed["weight"]), 0.5, parsed["weight"])
        age = tf.cast(parsed["age"], tf.float32)[:, None] / 100
        hidden = tf.concat([parsed["fare"], age, weight], 1)
        for layer in module.layers:
            hidden = tf.tanh(hidden @ layer)
        return {"scores": hidden + bias, "age": parsed["age"]}

    strings = tf.TensorSpec([None], tf.string, "examples")

    @tf.function(input_signature=[strings])
    def serving(examples: Any) -> Tensors:
        return score(examples, 0.0)

    @tf.function(input_signature=[strings, tf.TensorSpec([None, 3], name="bias")])
    def biased(examples: Any, bias: Any) -> Tensors:
        return score(examples, bias)

    module.serving, module.biased = serving, biased
    return module, {"serving_default": serving, "biased": biased}


def _parsing(features: Callable[[Any], Any]) -> Callable[[], tuple[Any, Any]]:
    """A model that parses these features, which give (rows, 4), and multiplies."""

    def build() -> tuple[Any, Any]:
        import tensorflow as tf

        module = tf.Module()
        module.layers = _layers(tf, 4, 8, 2)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
        def call(examples: Any) -> Tensors:
            hidden = tf.ensure_shape(features(examples), [None, 4])
            for layer in module.layers:
                hidden = tf.tanh(hidden @ layer)
            return {"y": hidden}

        module.call = call
        return module, call

    return build


def _sparse(examples: Any) -> Any:
    import tensorflow as tf

    parsed = tf.io.parse_example(examples, {"x": tf.io.VarLenFeature(tf.float32)})
    return tf.sparse.to_dense(parsed["x"])


def tf1(path: Path) -> Path:
    """As an Estimator exports it: with the old ParseExample op."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        examples = v1.placeholder(tf.string, [None], name="input_example_tensor")
        names = tf.constant([], tf.string)
        keys = [tf.constant("age"), tf.constant("x")]
        defaults = [tf.constant([0.25]), tf.constant([], tf.float32)]
        age, x = tf.raw_ops.ParseExample(
            serialized=examples,
            names=names,
            sparse_keys=[],
            dense_keys=keys,
            dense_defaults=defaults,
            sparse_types=[],
            dense_shapes=[[1], [4]],
        ).dense_values
        rng = np.random.default_rng(3)
        weights = v1.get_variable(
            "w", initializer=rng.standard_normal((5, 2)).astype(np.float32)
        )
        scores = tf.nn.softmax(tf.concat([x, age], 1) @ weights)
        session.run(v1.global_variables_initializer())
        build = v1.saved_model.build_tensor_info
        signature = v1.saved_model.build_signature_def(
            {"inputs": build(examples)}, {"scores": build(scores)}
        )
        builder = v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}
        )
        builder.save()
    return path


passengers = module_save(_passengers)
sparse_features = module_save(_parsing(_sparse))
