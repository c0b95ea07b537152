# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Parameter servers, asynchronous: `ParameterServerStrategy`, `ClusterCoordinator`.

Servers keep the weights. The chief hands out steps; each worker reads the weights,
computes gradients of a batch of its own, and changes the weights, while others do the
same. So gradients are stale: they were computed from weights that others have changed
since. Nobody waits for anybody, and a slow worker slows nobody else.

A worker that dies costs its step, which another one does. A server that dies takes its
weights along: the chief gives up, starts again, and goes on from the last checkpoint.
"""

from __future__ import annotations

import os
import time
from typing import Any

from training.begin import compile_model, open_for, steps_of
from training.checkpoints import Checkpoints
from training.cluster import common
from training.cluster.config import Cluster, Task, from_environment
from training.cluster.curve import Curve, Point, Progress, say_begin
from training.cluster.evaluator import evaluate
from training.cluster.launch import Plan, launch
from training.cluster.roll_call import peers, wait_for
from training.errors import ClusterError
from training.finish import policy
from training.models import build_model
from training.options import SERVERS, WORKERS, FitOptions, Fitted


def plan(options: FitOptions) -> Plan:
    """Who is needed: a chief, workers and servers; the chief says when it is done."""
    return Plan(
        {
            "chief": 1,
            "worker": options.workers or WORKERS,
            "ps": options.servers or SERVERS,
        },
        until=(Task("chief", 0),),
        together=False,
    )


def run(options: FitOptions) -> Fitted:
    """Is one member of the cluster of ``TF_CONFIG``, or starts a cluster here."""
    common.check_precision(options)
    cluster = from_environment()
    if cluster is None:
        return launch(options, plan(options))
    _check_jobs(cluster)
    common.check(options, cluster)
    if cluster.task.job == "evaluator":
        return evaluate(options)
    if cluster.task.job in ("worker", "ps"):
        serve(cluster)
    with common.peers_needed(), common.sole_chief(options):
        return _Chief(options, cluster).train()


def _check_jobs(cluster: Cluster) -> None:
    for job in ("chief", "worker", "ps"):
        if not cluster.jobs.get(job):
            raise ClusterError(
                f"TF_CONFIG names no {job}: parameter servers need a chief, workers "
                "and at least one ps"
            )


def serve(cluster: Cluster) -> None:
    """Computes what the chief asks for, or keeps variables, until the process is ended.

    What dies is noticed by the chief: a worker does not wait for a server in vain.
    """
    os.environ["GRPC_FAIL_FAST"] = "use_caller"
    common.start_server(cluster).join()


class _Chief:
    """Makes the variables, hands out steps, and saves. One thread uses it."""

    def __init__(self, options: FitOptions, cluster: Cluster) -> None:
        """Connects to the cluster."""
        import tensorflow as tf
        import tf_keras

        self._options = options
        self._keras = tf_keras
        wait_for(cluster, peers(cluster, "worker", "ps"), options.join_seconds)
        self._strategy = tf.distribute.ParameterServerStrategy(common.resolver(cluster))
        self._coordinator = tf.distribute.coordinator.ClusterCoordinator(self._strategy)
        self._data = open_for(options)
        self._steps, per_epoch = steps_of(options, self._data)
        self._every = options.checkpoint_steps or per_epoch
        with self._strategy.scope(), policy(tf_keras, options.precision):
            self._model = build_model(
                options.model, self._data, keras=tf_keras, seed=options.seed
            )
            compile_model(self._model, options, self._data, self._steps, tf_keras)
            assert options.checkpoints is not None
            self._checkpoints = Checkpoints(
                options.checkpoints, self._model, keep=options.keep
            )
            self._first = self._checkpoints.restore()

    def train(self) -> Fitted:
        """Trains until the last step, and evaluates."""
        say_begin(self._first, self._steps)
        begin = time.perf_counter()
        step = self._step_function()
        batches = iter(self._coordinator.create_per_worker_dataset(self._dataset))
        curve = Curve(self._options.run_folder)
        progress = Progress(self._steps, quiet=not self._options.verbose)
        done = self._first
        while done < self._steps:
            # All wait for each other only here, so that a checkpoint has whole steps.
            count = min(self._every - done % self._every, self._steps - done)
            asked = [
                self._coordinator.schedule(step, args=(batches,)) for _ in range(count)
            ]
            self._coordinator.join()
            points = _points(asked)
            done = self._checkpoints.step
            self._checkpoints.save()
            curve.add(*points)
            curve.flush()
            progress.at(done, points[-1].loss)
        return common.result_of_checkpoint(
            *(self._options, self._data, self._keras),
            first_step=self._first,
            seconds=time.perf_counter() - begin,
        )

    def _step_function(self) -> Any:
        """One step of one worker: its loss, when it ended, and how stale it was."""
        import tensorflow as tf

        model, strategy = self._model, self._strategy
        loss_of = common.loss_function(self._options, self._data, self._keras)
        optimizer = model.optimizer

        def replica_step(features: Any, target: Any) -> Any:
            read_at = tf.identity(optimizer.iterations)
            with tf.control_dependencies([read_at]), tf.GradientTape() as tape:
                predicted = model(features, training=True)
                loss = loss_of(target, predicted)
            gradients = tape.gradient(loss, model.trainable_variables)
            with tf.control_dependencies(gradients):
                changed_at = tf.identity(optimizer.iterations)
            with tf.control_dependencies([changed_at]):
                optimizer.apply_gradients(
                    zip(gradients, model.trainable_variables, strict=True)
                )
            return loss, changed_at + 1, changed_at - read_at

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def step(iterator: Any) -> Any:
            features, target = next(iterator)
            loss, number, staleness = strategy.run(
                replica_step, args=(features, target)
            )
            with tf.control_dependencies([loss, number]):
                return loss, tf.timestamp(), number, staleness

        return step

    def _dataset(self) -> Any:
        """Batches of one worker; called once, and run in each of them.

        So workers cannot be told from each other here: each draws a seed for itself.
        """
        return common.batches(
            self._options, self._data, self._options.batch_size, seed=drawn_seed()
        )


def drawn_seed() -> Any:
    """A seed, which is another one in each process that runs this op.

    `tf.random.uniform` would draw the same in all workers, since the seed of the
    weights is that of the program, too: all would read the same rows.
    """
    import tensorflow as tf

    return tf.raw_ops.RandomUniformInt(
        shape=tf.constant([], tf.int32),
        minval=tf.constant(0, tf.int64),
        maxval=tf.constant(2**31, tf.int64),
        seed=0,
        seed2=0,
    )


def _points(asked: list[Any]) -> list[Point]:
    points = []
    for value in asked:
        loss, seconds, step, staleness = value.fetch()
        points.append(Point(int(step), float(seconds), float(loss), int(staleness)))
    return sorted(points, key=lambda point: point.seconds)
