# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model as TensorFlow Serving tests itself with: messages, and one line in numbers.

Its signatures share a graph: some take messages, some the tensors that are parsed out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tfnative.manifest import ExamplesHead

pytestmark = pytest.mark.slow  # TensorFlow is loaded, and five signatures compiled.

ROWS = (0.0, 1.0, -3.5)


def save(path: Path) -> Path:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        half = v1.get_variable("a", initializer=0.5)
        two, three = (v1.get_variable(n, initializer=v) for n, v in _CONSTANTS.items())
        messages = v1.placeholder(tf.string, [None], "tf_example")
        features = {
            "x": v1.FixedLenFeature([1], tf.float32),
            "x2": v1.FixedLenFeature([1], tf.float32, default_value=[0.0]),
        }
        parsed = v1.parse_example(messages, features)
        x, x2 = tf.identity(parsed["x"]), tf.identity(parsed["x2"])
        outputs = {"two": half * x + two, "three": half * x2 + three}
        session.run(v1.global_variables_initializer())
        define: Any = v1.saved_model.predict_signature_def
        builder = v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {
                "serving_default": define({"x": x}, {"y": outputs["two"]}),
                "regress_two": define({"inputs": messages}, {"y": outputs["two"]}),
                "regress_three": define({"inputs": messages}, {"y": outputs["three"]}),
            },
        )
        builder.save()
    return path


_CONSTANTS = {"b": 2.0, "c": 3.0}


def messages_of(**features: float) -> bytes:
    import tensorflow as tf

    example = tf.train.Example()
    for name, value in features.items():
        example.features.feature[name].float_list.value.append(value)
    message: bytes = example.SerializeToString()
    return message


def test_messages_and_numbers_give_half_plus_two(tmp_path: Path) -> None:
    artifact = tfnative.compile(
        save(tmp_path / "m"),
        tmp_path / "a",
        signatures=["serving_default", "regress_two", "regress_three"],
        cpus=["native"],
    )
    x = np.float32(ROWS)[:, None]
    messages = np.array([messages_of(x=v, x2=v + 1) for v in ROWS], object)
    with tfnative.load(artifact) as model:
        heads = {n: s.head for n, s in model.manifest.signatures.items()}
        assert heads["serving_default"] is None
        assert isinstance(heads["regress_two"], ExamplesHead)
        answers = [
            model.predict(x, signature="serving_default"),
            model.predict(messages, signature="regress_two"),
            model.predict(messages, signature="regress_three") - 1.5,
        ]
    for answer in answers:
        np.testing.assert_allclose(answer, x / 2 + 2)
