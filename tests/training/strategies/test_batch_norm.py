# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What batch normalisation sees in replicas: their own rows, or those of all."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from tests.training.strategies.apart import apart

ROWS, REPLICAS = 8, 2
KINDS = ("replica", "synchronized")
MODULES = ("keras", "tf_keras")


def statistics_after_a_step(
    rows: list[list[float]],
) -> dict[tuple[str, str], list[list[float]]]:
    """Moving mean and variance after one step with momentum 0, of two replicas."""
    import tensorflow as tf

    from training.options import FitOptions
    from training.strategies.batch_norm import with_batch_norm
    from training.strategies.devices import logical_devices

    strategy = tf.distribute.MirroredStrategy(
        logical_devices(FitOptions(replicas=REPLICAS))
    )
    batch = np.asarray(rows, np.float32)
    data = tf.data.Dataset.from_tensors((batch, batch))
    found = {}
    for module in MODULES:
        keras = importlib.import_module(module)
        for kind in KINDS:
            with strategy.scope():
                inputs = keras.Input((len(rows[0]),))
                outputs = keras.layers.BatchNormalization(momentum=0.0)(inputs)
                model = with_batch_norm(keras.Model(inputs, outputs), kind)
                model.compile(optimizer="sgd", loss="mse", jit_compile=False)
            model.fit(data, epochs=1, verbose=0)
            weights = model.layers[-1].get_weights()[2:]
            found[module, kind] = [np.asarray(value).tolist() for value in weights]
    return found


@pytest.mark.slow
def test_statistics_are_of_a_replica_or_of_all_rows():
    random = np.random.default_rng(3)
    # Halves that differ: a replica alone does not see how wide all rows are spread.
    rows = random.normal(size=(ROWS, 3)) + np.repeat([0.0, 20.0], ROWS // 2)[:, None]
    rows = rows.astype(np.float32)
    halves = rows.reshape(REPLICAS, ROWS // 2, 3)
    within = halves.var(axis=1)
    assert (rows.var(axis=0) > 2 * within).all()
    expected = {
        # Keras 3 keeps what the first replica saw; tf-keras the mean of all replicas'.
        ("keras", "replica"): (halves[0].mean(axis=0), within[0]),
        ("tf_keras", "replica"): (rows.mean(axis=0), within.mean(axis=0)),
        ("keras", "synchronized"): (rows.mean(axis=0), rows.var(axis=0)),
        ("tf_keras", "synchronized"): (rows.mean(axis=0), rows.var(axis=0)),
    }
    found = apart(statistics_after_a_step, rows.tolist())
    assert found.keys() == expected.keys()
    for case, (mean, variance) in expected.items():
        np.testing.assert_allclose(found[case][0], mean, atol=1e-4, err_msg=str(case))
        np.testing.assert_allclose(
            found[case][1], variance, rtol=1e-3, err_msg=str(case)
        )
