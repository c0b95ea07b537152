# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A synchronous cluster: `tf.distribute.MultiWorkerMirroredStrategy`.

Each worker has all weights. In each step each worker computes gradients of its own
rows; all add them up, by collective operations from worker to worker, and make the same
change. Keras 3 cannot train so; its predecessor tf-keras can.

One worker's death ends the step of all others. All start again from the last
checkpoint.
"""

from __future__ import annotations

import time
from typing import Any

from training.begin import compile_model, open_for, rows_of_each, steps_of
from training.checkpoints import Checkpoints
from training.cluster import common
from training.cluster.config import VARIABLE, Cluster, Task, from_environment
from training.cluster.curve import Curve, Point, Progress, say_begin
from training.cluster.evaluator import evaluate
from training.cluster.launch import Plan, launch
from training.cluster.roll_call import meet, peers
from training.data import Data
from training.errors import ClusterError
from training.finish import policy
from training.loop import parts_of
from training.models import build_model
from training.observe.profile import check_profile, profile_callback
from training.options import WORKERS, FitOptions, Fitted
from training.strategies.batch_norm import with_batch_norm


def plan(options: FitOptions) -> Plan:
    """Who is needed: workers alone, the first of which is the chief."""
    workers = options.workers or WORKERS
    tasks = tuple(Task("worker", index) for index in range(workers))
    return Plan({"worker": workers}, until=tasks, together=True)


def run(options: FitOptions) -> Fitted:
    """Is one member of the cluster of ``TF_CONFIG``, or starts a cluster here."""
    cluster = from_environment()
    if cluster is None:
        return launch(options, plan(options))
    if cluster.servers:
        raise ClusterError(
            f"{VARIABLE} names {cluster.servers} ps, which multi-worker has no use for "
            "and would wait for: leave them out, or choose --strategy ps-async or "
            "ps-sync"
        )
    common.check(options, cluster)
    if cluster.task.job == "evaluator":
        return evaluate(options)
    with common.peers_needed():
        return _train(options, cluster)


def _train(options: FitOptions, cluster: Cluster) -> Fitted:
    import tensorflow as tf
    import tf_keras

    meet(cluster, peers(cluster, "chief", "worker"), options.join_seconds)
    strategy = tf.distribute.MultiWorkerMirroredStrategy(common.resolver(cluster))
    data = open_for(options)
    replicas = strategy.num_replicas_in_sync
    rows_of_each(options, replicas)
    steps, per_epoch = steps_of(options, data)
    chief = common.is_chief(cluster)
    with strategy.scope(), policy(tf_keras, options.precision):
        model = build_model(options.model, data, keras=tf_keras, seed=options.seed)
        model = with_batch_norm(model, options.batch_norm)
        compile_model(model, options, data, steps, tf_keras)
        assert options.checkpoints is not None
        first = Checkpoints(options.checkpoints, model).restore()
    check_profile(options.profile, first, steps)
    say_begin(first, steps)
    begin = time.perf_counter()
    with common.own_folder(options, chief) as folder:
        checkpoints = Checkpoints(folder, model, keep=options.keep if chief else 1)
        history: dict[str, list[float]] = {}
        callbacks = _callbacks(
            options, checkpoints, (steps, per_epoch), chief, replicas
        )
        if options.profile and options.logs:
            own = options.logs / f"{cluster.task.job}-{cluster.task.index}"
            traced = profile_callback(model, options.profile, own, tf_keras)
            callbacks.append(traced)
        for part in parts_of(first, steps, per_epoch):
            done = model.fit(
                _dataset(strategy, data, options, part.first_step),
                steps_per_epoch=part.steps,
                initial_epoch=part.first_epoch,
                epochs=part.end_epoch,
                callbacks=callbacks,
                verbose=options.verbose if chief else 0,
            )
            for name, values in done.history.items():
                history.setdefault(name, []).extend(map(float, values))
        seconds = time.perf_counter() - begin
    if not chief:
        return common.nothing_to_tell(first, steps, seconds)
    return common.result_of_checkpoint(
        *(options, data, tf_keras), first_step=first, seconds=seconds, history=history
    )


def _dataset(strategy: Any, data: Data, options: FitOptions, first_step: int) -> Any:
    """Each worker reads files of its own, or all, of which it takes its turns."""

    def read(context: Any) -> Any:
        return common.batches(
            options,
            data,
            context.get_per_replica_batch_size(options.batch_size),
            seed=options.seed,
            shard=(context.input_pipeline_id, context.num_input_pipelines),
            first_step=first_step,
        )

    return strategy.distribute_datasets_from_function(read)


def _callbacks(
    options: FitOptions,
    checkpoints: Checkpoints,
    steps: tuple[int, int],
    chief: bool,
    replicas: int,
) -> list[Any]:
    """Saving, in all workers; the curve of the loss and TensorBoard in the chief."""
    import tf_keras as keras

    last, per_epoch = steps
    every = options.checkpoint_steps or per_epoch
    curve = Curve(options.run_folder if chief else None)
    progress = Progress(last, quiet=not (chief and options.verbose))
    total = [0.0]

    def on_train_batch_end(batch: int, logs: Any = None) -> None:
        # Keras says the sum, over replicas, of the epoch's mean until now: the
        # difference of two of them gives the step's own loss.
        step, mean = checkpoints.step, float(logs["loss"]) / replicas
        count = batch + 1
        before, total[0] = (total[0] if batch else 0.0), mean * count
        loss = total[0] - before
        curve.add(Point(step, time.time(), loss))
        progress.at(step, loss)
        if step % every == 0 or step == last:
            checkpoints.save()
            curve.flush()

    callbacks = [keras.callbacks.LambdaCallback(on_train_batch_end=on_train_batch_end)]
    if chief and options.logs:
        callbacks.append(keras.callbacks.TensorBoard(str(options.logs)))
    return [*callbacks, *options.callbacks]
