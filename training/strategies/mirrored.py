# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Several devices of a machine, each with a copy of the variables.

Every replica computes the gradients of its part of the batch; they are summed over all
replicas, and every copy is changed alike: what was called towers with a ring.
"""

from __future__ import annotations

from typing import Any

from training.begin import prepare, rows_of_each
from training.loop import fit_keras
from training.options import FitOptions, Fitted
from training.strategies.batch_norm import with_batch_norm
from training.strategies.devices import logical_devices, replicas_of


def run(options: FitOptions) -> Fitted:
    """Trains with ``tf.distribute.MirroredStrategy``."""
    prepare(options)
    rows_of_each(options, replicas_of(options))
    import tensorflow as tf

    devices = logical_devices(options)
    strategy = tf.distribute.MirroredStrategy(
        devices, cross_device_ops=tf.distribute.ReductionToOneDevice()
    )

    def arrange(model: Any) -> Any:
        return with_batch_norm(model, options.batch_norm)

    return fit_keras(options, strategy=strategy, arrange=arrange)
