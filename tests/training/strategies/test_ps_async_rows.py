# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Workers of parameter servers read rows in orders of their own."""

from __future__ import annotations

import pytest

from tests.training.strategies.apart import apart
from training.cluster.ports import reserved

WORKERS = 2
STEPS = 50
ROUNDS = 40


def seeds_of_workers() -> list[int]:
    """What the workers of a small cluster in this process draw."""
    import os

    import tensorflow as tf
    import tf_keras

    from training.strategies.ps_async import drawn_seed

    os.environ["GRPC_FAIL_FAST"] = "use_caller"
    with reserved(WORKERS + 1) as ports:
        addresses = [f"localhost:{port}" for port in ports]
    spec = tf.train.ClusterSpec({"worker": addresses[1:], "ps": addresses[:1]})
    for job, index in [("ps", 0), *(("worker", each) for each in range(WORKERS))]:
        tf.distribute.Server(spec, job_name=job, task_index=index, protocol="grpc")
    strategy = tf.distribute.ParameterServerStrategy(
        tf.distribute.cluster_resolver.SimpleClusterResolver(spec, rpc_layer="grpc")
    )
    coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
    tf_keras.utils.set_random_seed(7)  # As making the weights does.

    def dataset() -> tf.data.Dataset:
        return tf.data.Dataset.from_tensors(drawn_seed()).repeat()

    batches = iter(coordinator.create_per_worker_dataset(dataset))

    @tf.function(autograph=False)
    def step(iterator):
        return next(iterator)

    seen: set[int] = set()
    for _ in range(ROUNDS):
        values = [coordinator.schedule(step, args=(batches,)) for _ in range(STEPS)]
        coordinator.join()
        seen |= {int(value.fetch()) for value in values}
        if len(seen) >= WORKERS:
            break  # Until then, one worker may have done all the steps.
    return sorted(seen)


@pytest.mark.slow
def test_each_worker_draws_a_seed_of_its_own():
    seeds = apart(seeds_of_workers)
    assert len(seeds) == WORKERS
    assert all(0 <= seed < 2**31 for seed in seeds)
