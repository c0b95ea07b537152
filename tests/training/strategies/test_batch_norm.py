# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What batch normalisation sees in replicas: their own rows, or those of all."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.strategies.apart import apart

ROWS, REPLICAS = 8, 2


def statistics_after_a_step(kind: str, rows: list[list[float]]) -> list[list[float]]:
    """Moving mean and variance after one step with momentum 0, of two replicas."""
    import keras
    import tensorflow as tf

    from training.options import FitOptions
    from training.strategies.batch_norm import with_batch_norm
    from training.strategies.devices import logical_devices

    strategy = tf.distribute.MirroredStrategy(
        logical_devices(FitOptions(replicas=REPLICAS))
    )
    with strategy.scope():
        inputs = keras.Input((len(rows[0]),))
        outputs = keras.layers.BatchNormalization(momentum=0.0)(inputs)
        model = with_batch_norm(keras.Model(inputs, outputs), kind)
        model.compile(optimizer="sgd", loss="mse", jit_compile=False)
    batch = np.asarray(rows, np.float32)
    data = tf.data.Dataset.from_tensors((batch, batch))
    model.fit(data, epochs=1, verbose=0)
    return [np.asarray(value).tolist() for value in model.layers[-1].get_weights()[2:]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["replica", "synchronized"])
def test_statistics_are_of_a_replica_or_of_all_rows(kind):
    random = np.random.default_rng(3)
    # Halves that differ: a replica alone does not see how wide all rows are spread.
    rows = random.normal(size=(ROWS, 3)) + np.repeat([0.0, 5.0], ROWS // 2)[:, None]
    rows = rows.astype(np.float32)
    mean, variance = apart(statistics_after_a_step, kind, rows.tolist())
    halves = rows.reshape(REPLICAS, ROWS // 2, 3)
    within, overall = halves.var(axis=1).mean(axis=0), rows.var(axis=0)
    assert (overall > 2 * within).all()
    assert mean == pytest.approx(rows.mean(axis=0), abs=1e-4)
    expected = within if kind == "replica" else overall
    assert variance == pytest.approx(expected, rel=1e-3)
