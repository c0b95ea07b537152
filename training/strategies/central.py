# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Several devices of a machine, with the variables on the CPU: towers.

Each device reads the variables, and computes the gradients of its part of the batch;
the CPU adds them up and changes the variables. Keras 3 cannot do so, tf-keras can.
"""

from __future__ import annotations

from training.begin import prepare, rows_of_each
from training.loop import fit_keras
from training.options import FitOptions, Fitted
from training.strategies.devices import logical_devices, replicas_of, tf_keras


def run(options: FitOptions) -> Fitted:
    """Trains with ``tf.distribute.experimental.CentralStorageStrategy``."""
    prepare(options)
    rows_of_each(options, replicas_of(options))
    import tensorflow as tf

    devices = logical_devices(options)
    strategy = tf.distribute.experimental.CentralStorageStrategy(
        compute_devices=devices, parameter_device="/device:CPU:0"
    )
    keras = tf_keras()
    # The newer ones assign their learning rate on each device, which is refused.
    legacy = keras.optimizers.legacy
    return fit_keras(options, strategy=strategy, keras=keras, optimizers=legacy)
