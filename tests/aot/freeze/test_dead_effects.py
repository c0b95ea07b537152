# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Random numbers and seeds in loops and branches: dropped where nothing reads them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tests.models.training import queue_at_the_input, tf1_dropout
from tfnative_aot.freeze.freeze import freeze
from tfnative_aot.load.load_model import load_model
from tfnative_aot.load.reach import body_nodes

X = np.random.default_rng(3).standard_normal((4, 6)).astype(np.float32)
Network = Callable[[Any, Any], Any]


class State:
    """What random numbers come from, and a variable."""

    def __init__(self) -> None:
        import keras
        import tensorflow as tf

        self.module = tf.Module()
        self.seeds = keras.random.SeedGenerator(3)
        self.numbers = tf.random.Generator.from_seed(2)
        self.count = tf.Variable(0.5)
        kept = (self.seeds.state.value, self.numbers, self.count)
        self.module.kept = list(kept)

    def draw(self) -> Any:
        """Numbers of every kind, which change all of its state but the variable."""
        import keras
        import tensorflow as tf

        return (
            keras.random.normal((6,), seed=self.seeds)
            + self.numbers.normal([6])
            + tf.random.uniform([6])
        )


def _loop(x: Any, body: Callable[[Any], Any]) -> Any:
    import tensorflow as tf

    return tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, body(h)), [0, x])[1]


def ignored_in_a_loop(x: Any, state: State) -> Any:
    import tensorflow as tf

    def body(h: Any) -> Any:
        state.draw()
        state.count.assign_add(1.0)
        return tf.tanh(h)

    return _loop(x, body)


def ignored_in_a_scan(x: Any, state: State) -> Any:
    import tensorflow as tf

    def step(h: Any, row: Any) -> Any:
        state.draw()
        return tf.tanh(h + row)

    return x + tf.scan(step, tf.transpose(x), tf.zeros_like(x[:, 0]))[-1][:, None]


def ignored_in_a_branch_of_a_loop(x: Any, state: State) -> Any:
    import tensorflow as tf

    def drawn(h: Any) -> Any:
        state.draw()
        return tf.tanh(h)

    return _loop(
        x, lambda h: tf.cond(tf.reduce_sum(h) > 0, lambda: drawn(h), lambda: h * 2)
    )


def never_chosen(x: Any, state: State) -> Any:
    import tensorflow as tf

    noisy = tf.reshape(x * 2 + state.draw(), tf.shape(x))
    is_training = tf.logical_not(tf.constant(True))
    return tf.where(is_training, noisy, x) + tf.where(x > 0, x, -x)


def times_zero(x: Any, state: State) -> Any:
    import tensorflow as tf

    amount = tf.cast(tf.constant(False), tf.float32)
    return x + (x - tf.random.normal(tf.shape(x))) * 0.0 + state.draw() * amount


def times_almost_zero(x: Any, state: State) -> Any:
    return x + state.draw() * 1e-30


def chosen_in_a_row(x: Any, state: State) -> Any:
    import tensorflow as tf

    return tf.where(tf.constant([False] * 5 + [True]), x + state.draw(), x)


def times_much_and_times_zero(x: Any, state: State) -> Any:
    """What overflows is NaN."""
    return x + x * state.draw() * 0.0


def divided_by_and_times_zero(x: Any, state: State) -> Any:
    """Infinite numbers times zero are not zero."""
    return x + x / state.draw() * 0.0


def read_in_a_loop(x: Any, state: State) -> Any:
    return _loop(x, lambda h: h * 0.5 + state.draw())


def read_as_the_loop_goes_on(x: Any, state: State) -> Any:
    """No row depends on the numbers but by how often the loop runs."""
    import tensorflow as tf

    def body(total: Any, h: Any) -> Any:
        return total + tf.reduce_sum(tf.abs(state.draw())), h * 2

    return tf.while_loop(lambda total, _: total < 20.0, body, [0.0, x])[1]


def a_variable_read_behind_the_loop(x: Any, state: State) -> Any:
    def body(h: Any) -> Any:
        state.count.assign_add(1.0)
        return h * 2

    y = _loop(x, body)
    return y + state.count.read_value()


def a_variable_read_in_the_branch(x: Any, state: State) -> Any:
    import tensorflow as tf

    def body(h: Any) -> Any:
        state.count.assign_add(1.0)
        return tf.cond(tf.reduce_sum(h) > 0, lambda: h * state.count, lambda: h)

    return _loop(x, body)


def saved(network: Network, path: Path) -> Path:
    import tensorflow as tf

    state = State()

    @tf.function(input_signature=[tf.TensorSpec([None, 6], tf.float32, "x")])
    def call(x: Any) -> dict[str, Any]:
        return {"y": network(x, state)}

    state.module.call = call
    tf.saved_model.save(state.module, str(path), signatures=call)
    return path


@pytest.mark.parametrize(
    "network",
    [
        ignored_in_a_loop,
        ignored_in_a_scan,
        ignored_in_a_branch_of_a_loop,
        never_chosen,
        times_zero,
    ],
)
def test_what_nothing_reads_is_dropped(network: Network, tmp_path: Path):
    import tensorflow as tf

    model = load_model(saved(network, tmp_path / "m"))
    expected = model.run("serving_default", {"x": X})["y"]
    frozen = freeze(model, "serving_default")
    bodies = (body_nodes(each) for each in frozen.graph_def.library.function)
    ops = {n.op for nodes in (frozen.graph_def.node, *bodies) for n in nodes}
    assert not {op for op in ops if "Random" in op or "Assign" in op or "Rng" in op}
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.graph_util.import_graph_def(frozen.graph_def, name="")
        (given,), (wanted,) = frozen.inputs, frozen.outputs
        found = session.run(wanted.tensor, {given.tensor: X})
    np.testing.assert_allclose(found, expected, 1e-6)


@pytest.mark.parametrize(
    ("network", "advised"),
    [
        (read_in_a_loop, True),
        (read_as_the_loop_goes_on, True),
        (times_almost_zero, True),
        (chosen_in_a_row, True),
        (divided_by_and_times_zero, True),
        (times_much_and_times_zero, True),
        (a_variable_read_behind_the_loop, False),
        (a_variable_read_in_the_branch, False),
    ],
)
def test_what_an_output_depends_on_is_refused(
    network: Network, advised: bool, tmp_path: Path
):
    model = load_model(saved(network, tmp_path / "m"))
    with pytest.raises(
        tfnative.CompileError, match=r"changes a variable|draws"
    ) as said:
        freeze(model, "serving_default")
    assert ("--transforms remove_training_nodes" in str(said.value)) == advised


def test_dropout_of_tensorflow_1_that_keeps_everything_is_none(tmp_path: Path):
    """So it is by default, and with constants; one that keeps half is refused."""
    model = load_model(tf1_dropout(tmp_path / "m", keep="default"))
    ops = {node.op for node in freeze(model, "serving_default").graph_def.node}
    assert not {"RandomUniform", "Floor", "ApplyAdam", "ScalarSummary"} & ops
    model = load_model(tf1_dropout(tmp_path / "half", keep="constant"))
    with pytest.raises(tfnative.CompileError, match=r"draws(.|\n)*tfnative optimize"):
        freeze(model, "serving_default")


def test_a_queue_at_the_input_is_an_input(tmp_path: Path):
    path = queue_at_the_input(tmp_path / "m.pb")
    model = load_model(path, inputs={"x": "batch:0"}, outputs={"y": "y:0"})
    frozen = freeze(model, "serving_default", shapes={"x": (-1, 5)})
    assert not [n.op for n in frozen.graph_def.node if "Queue" in n.op]


def _compiled_alone() -> dict[str, Callable[[Any], Any]]:
    """What Keras writes of networks that are for training as well."""
    import keras
    from keras import layers

    image = keras.Input((8, 8, 3))
    y = layers.RandomRotation(0.1)(layers.RandomFlip()(image))
    y = layers.RandomContrast(0.2)(layers.RandomZoom(0.1)(y))
    augmented = keras.Model(image, layers.Dense(2)(layers.Flatten()(y)))
    series = keras.Input((4, 3))
    y = layers.LSTM(4, dropout=0.3, recurrent_dropout=0.3)(series)
    recurrent = keras.Model(series, layers.Dense(2)(layers.Dropout(0.4)(y)))
    return {"augmented": augmented, "recurrent": recurrent}


@pytest.mark.slow
def test_networks_with_layers_for_training_compile_by_themselves(tmp_path: Path):
    import keras

    archive = keras.export.ExportArchive()
    inputs: dict[str, Any] = {}
    for name, network in _compiled_alone().items():
        archive.track(network)
        shape = network.input_shape[1:]
        inputs[name] = np.random.default_rng(1).random((3, *shape), np.float32)
        archive.add_endpoint(
            name,
            partial(network, training=False),
            [keras.InputSpec(shape=(None, *shape), dtype="float32", name="x")],
        )
    archive.write_out(str(tmp_path / "m"), verbose=False)
    artifact = tfnative.compile(
        *(tmp_path / "m", tmp_path / "a"), cpus=["native"], signatures=[*inputs]
    )
    reference = load_model(tmp_path / "m")
    with tfnative.load(artifact) as model:
        for name, x in inputs.items():
            (spec,) = reference.signature(name).inputs
            ((_, expected),) = reference.run(name, {spec.name: x}).items()
            got = model.predict(x, signature=name)
            np.testing.assert_allclose(got, expected, 1e-5, 1e-6, err_msg=name)
