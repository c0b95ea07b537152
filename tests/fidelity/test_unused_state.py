# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""State and branches that no output depends on do not stand in the way of a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models.saving import keras3_export, module_save
from tfnative_aot.load.load_model import load_model

pytestmark = pytest.mark.slow  # Many small compilations.

X = np.random.default_rng(3).standard_normal((4, 6)).astype(np.float32)
Tensors = dict[str, Any]


def _is_training(default: Any) -> Any:
    import tensorflow as tf

    v1 = tf.compat.v1
    if default is None:
        return v1.placeholder(tf.bool, [], "is_training")
    return v1.placeholder_with_default(default, [], "is_training")


def _dropout(x: Any) -> Any:
    import tensorflow as tf

    v1 = tf.compat.v1
    keep = v1.placeholder_with_default(1.0, [], "keep_prob")
    return v1.nn.dropout(x, keep_prob=keep) * 3


def _old_dropout(x: Any) -> Any:
    import tensorflow as tf

    v1 = tf.compat.v1
    keep = v1.placeholder_with_default(1.0, [], "keep")
    noise = keep + v1.random_uniform(tf.shape(x), dtype=tf.float32)
    return x / keep * tf.floor(noise)


def _noise_in_training(x: Any) -> Any:
    import tensorflow as tf

    return tf.cond(
        _is_training(default=False),
        lambda: x + tf.compat.v1.random_normal([6]),
        lambda: x * 2,
    )


def _moving_mean(x: Any) -> Any:
    import tensorflow as tf

    v1 = tf.compat.v1
    mean = v1.get_variable("mean", initializer=np.ones(6, np.float32))

    def update() -> Any:
        with tf.control_dependencies([mean.assign(tf.reduce_mean(x, 0))]):
            return tf.reduce_mean(x, 0)

    training = tf.logical_not(tf.logical_not(_is_training(default=False)))
    return x - tf.cond(training, update, lambda: tf.identity(mean))


def _counter(x: Any) -> Any:
    import tensorflow as tf

    count = tf.compat.v1.get_variable("count", initializer=0.0)
    with tf.control_dependencies([count.assign_add(1.0)]):
        return tf.identity(x * 5)


def _fed_by_nobody(x: Any) -> Any:
    import tensorflow as tf

    noise = tf.compat.v1.random_normal([6])
    return tf.cond(_is_training(default=None), lambda: x + noise, lambda: x * 2)


NETWORKS = {
    "dropout": _dropout,
    "old_dropout": _old_dropout,
    "noise": _noise_in_training,
    "moving_mean": _moving_mean,
    "counter": _counter,
}


def save(
    path: Path,
    networks: dict[str, Callable[[Any], Any]],
    *,
    functional: bool,
    resource: bool = True,
) -> Path:
    """A model of TensorFlow 1 with a signature for each network.

    Args:
        path: Where to.
        networks: From the input, x, to the output, y.
        functional: Whether branches are functions, or between Switch and Merge.
        resource: Whether variables are resources.
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        if not functional:
            v1.disable_control_flow_v2()
        try:
            signatures = {}
            for name, network in networks.items():
                with v1.variable_scope(name, use_resource=resource):
                    x = v1.placeholder(tf.float32, [None, 6], name="x")
                    definition = v1.saved_model.predict_signature_def
                    signatures[name] = definition({"x": x}, {"y": network(x)})
        finally:
            v1.enable_control_flow_v2()
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.save()
    return path


@pytest.mark.parametrize(
    ("functional", "resource"), [(True, True), (False, True), (False, False)]
)
def test_what_training_needs_is_cut_away(
    functional: bool, resource: bool, tmp_path: Path
) -> None:
    path = save(
        *(tmp_path / "m", NETWORKS),
        functional=functional,
        resource=resource,
    )
    artifact = tfnative.compile(path, tmp_path / "a", cpus=["native"])
    reference = load_model(path)
    with tfnative.load(artifact) as model:
        for name in NETWORKS:
            expected = reference.run(name, {"x": X})["y"]
            got = model.predict({"x": X}, signature=name)["y"]
            np.testing.assert_allclose(got, expected, 1e-5, 1e-6, err_msg=name)


def test_a_placeholder_that_nobody_feeds_is_refused_and_can_be_fixed(
    tmp_path: Path,
) -> None:
    path = save(tmp_path / "m", {"f": _fed_by_nobody}, functional=False)
    with pytest.raises(
        tfnative.CompileError,
        match=r"f/is_training \(Placeholder\): .* --constant f/is_training=VALUE",
    ):
        tfnative.compile(path, tmp_path / "a", cpus=["native"])
    constants = {"f/is_training": False}
    tfnative.compile(path, tmp_path / "a", cpus=["native"], constants=constants)
    with tfnative.load(tmp_path / "a") as model:
        np.testing.assert_array_equal(model.predict(X), X * 2)
        assert model.manifest.options["constants"] == constants


def _aside() -> tuple[Any, Any]:
    import tensorflow as tf

    module = tf.Module()
    module.count = tf.Variable(0.0)
    module.numbers = tf.random.Generator.from_seed(1)

    @tf.function(input_signature=[tf.TensorSpec([None, 6], tf.float32, "x")])
    def call(x: Any) -> Tensors:
        module.count.assign_add(1.0)
        module.numbers.normal([2])
        module.count.assign(tf.reduce_sum(tf.random.normal([3])))
        return {"y": x * 2}

    module.call = call
    return module, call


def _keras() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((4, 6))
    y = layers.RandomFlip("horizontal")(inputs[..., None], training=False)
    y = layers.LSTM(3, dropout=0.2, recurrent_dropout=0.1)(y[..., 0])
    y = layers.Dropout(0.3)(layers.GaussianNoise(0.2)(y))
    return keras.Model(inputs, layers.Dense(2)(y))


@pytest.mark.parametrize(
    ("export", "shape"),
    [(module_save(_aside), (4, 6)), (keras3_export(_keras), (4, 4, 6))],
    ids=["variables", "keras"],
)
def test_counters_and_seeds_that_nothing_reads_are_dropped(
    export: Callable[[Path], Path], shape: tuple[int, ...], tmp_path: Path
) -> None:
    path = export(tmp_path / "m")
    artifact = tfnative.compile(path, tmp_path / "a", cpus=["native"])
    x = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    reference = load_model(path)
    (signature,) = (s for s in reference.signatures if s == "serving_default")
    (spec,) = reference.signature(signature).inputs
    ((_, expected),) = reference.run(signature, {spec.name: x}).items()
    with tfnative.load(artifact) as model:
        np.testing.assert_allclose(model.predict(x), expected, 1e-5, 1e-6)


def _noisy() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((4, 4, 3))
    y = layers.RandomFlip("horizontal")(inputs, training=True)
    return keras.Model(inputs, layers.Flatten()(y))


def test_state_that_an_output_depends_on_is_still_refused(tmp_path: Path) -> None:
    path = keras3_export(_noisy)(tmp_path / "m")
    with pytest.raises(
        tfnative.CompileError,
        match=r"changes a variable(.|\n)*--transforms remove_training_nodes",
    ):
        tfnative.compile(path, tmp_path / "a", cpus=["native"])
    # What the message advises helps.
    tfnative.optimize(path, tmp_path / "new", transforms="remove_training_nodes")
    tfnative.compile(tmp_path / "new", tmp_path / "a", cpus=["native"])
    x = np.random.default_rng(3).standard_normal((2, 4, 4, 3)).astype(np.float32)
    with tfnative.load(tmp_path / "a") as model:
        np.testing.assert_array_equal(model.predict(x), x.reshape(2, -1))
