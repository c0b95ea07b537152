# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models as TensorFlow 1 programs wrote them: graphs and sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.models.case import ModelCase, normal


def _network(x: Any) -> Any:
    import tensorflow as tf

    v1 = tf.compat.v1
    rng = np.random.default_rng(6)

    def variable(name: str, *shape: int) -> Any:
        value = rng.standard_normal(shape).astype(np.float32)
        return v1.get_variable(name, initializer=value)

    hidden = tf.nn.relu(x @ variable("w1", 5, 7) + variable("b1", 7))
    return tf.nn.bias_add(hidden @ variable("w2", 7, 3), variable("b2", 3))


def _loop(x: Any) -> Any:
    import tensorflow as tf

    v1 = tf.compat.v1
    weights = np.random.default_rng(6).standard_normal((5, 5)).astype(np.float32)
    matrix = v1.get_variable("w", initializer=weights / 4)
    return v1.while_loop(
        lambda count, _: count < 4,
        lambda count, state: (count + 1, tf.tanh(state @ matrix)),
        [tf.constant(0), x],
    )[1]


def save(network: Callable[[Any], Any], *, resource: bool) -> Callable[[Path], Path]:
    """SavedModelBuilder with the model's variables and one signature.

    Args:
        network: From the input, x, to the output, y.
        resource: Whether variables are resources, as in late TensorFlow 1.
    """

    def export(path: Path) -> Path:
        import tensorflow as tf

        v1 = tf.compat.v1
        with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
            # Loops of Enter and Exit, not While.
            v1.disable_control_flow_v2()
            try:
                with v1.variable_scope("net", use_resource=resource):
                    x = v1.placeholder(tf.float32, [None, 5], name="x")
                    y = network(x)
            finally:
                v1.enable_control_flow_v2()
            session.run(v1.global_variables_initializer())
            signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
            builder = v1.saved_model.Builder(str(path))
            builder.add_meta_graph_and_variables(
                session, ["serve"], {"serving_default": signature}
            )
            builder.save()
        return path

    return export


def _case(name: str, network: Callable[[Any], Any], *, resource: bool) -> ModelCase:
    return ModelCase(
        name,
        save(network, resource=resource),
        makers={"x": normal(5)},
        tags=frozenset({"small", "tf1"}),
    )


CASES = [
    _case("tf1_ref_variables", _network, resource=False),
    _case("tf1_resource_variables", _network, resource=True),
    _case("tf1_loop", _loop, resource=True),
]
