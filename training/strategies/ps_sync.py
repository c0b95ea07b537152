# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Parameter servers, synchronous: TensorFlow 1's `SyncReplicasOptimizer`.

Servers keep the weights. Each worker computes gradients of a batch of its own and gives
them to a server; when all have come, their mean changes the weights once, and each
worker is given a token for its next step. TensorFlow 2.21 still has all of it in
`tf.compat.v1`, with `MonitoredTrainingSession` and its hooks: sessions are made again
where a server died, and a checkpoint is restored. It runs in a graph of its own.

A worker that dies holds up all others until it is back.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from training.begin import learning_rate_of, open_for, rows_of_each, steps_of
from training.cluster import common
from training.cluster.config import Cluster, Task, from_environment
from training.cluster.curve import Curve, Point, Progress, say_begin
from training.cluster.launch import Plan, launch
from training.cluster.roll_call import peers, wait_for
from training.data import Data
from training.errors import CheckpointError, ClusterError
from training.finish import finish, policy
from training.models import build_model
from training.options import SERVERS, WORKERS, FitOptions, Fitted

_SESSION_SECONDS = 600

# The thread that adds gradients up waits for the next ones when training is done.
_STOP_SECONDS = 1


def plan(options: FitOptions) -> Plan:
    """Who is needed: workers, the first of which is the chief, and servers."""
    return Plan(
        {
            "worker": options.workers or WORKERS,
            "ps": options.servers or SERVERS,
        },
        until=(Task("worker", 0),),
        together=False,
    )


def run(options: FitOptions) -> Fitted:
    """Is one member of the cluster of ``TF_CONFIG``, or starts a cluster here."""
    common.check_precision(options)
    cluster = from_environment()
    if cluster is None:
        return launch(options, plan(options))
    if not cluster.workers or not cluster.servers:
        raise ClusterError(
            f"TF_CONFIG names {cluster.workers} workers and {cluster.servers} servers "
            "(ps): synchronous parameter servers need at least one of each"
        )
    common.check(options, cluster)
    server = common.start_server(cluster)
    if cluster.task.job == "ps":
        server.join()
    chief = common.is_chief(cluster)
    alone = common.sole_chief(options) if chief else contextlib.nullcontext()
    with common.peers_needed(), alone:
        return _Worker(options, cluster, server).train()


@dataclass(frozen=True)
class _Graph:
    """The computation of a worker: tensors, and names of the model's weights."""

    train: Any
    loss: Any
    step: Any
    hook: Any
    weights: tuple[str, ...]


class _Worker:
    """Computes gradients; the first worker, the chief, initialises and saves, too."""

    def __init__(self, options: FitOptions, cluster: Cluster, server: Any) -> None:
        """Opens the data; nothing of the graph is made yet."""
        self._options = options
        self._cluster = cluster
        self._server = server
        self._chief = common.is_chief(cluster)
        self._data = open_for(options)
        self._steps, per_epoch = steps_of(options, self._data)
        self._every = options.checkpoint_steps or per_epoch

    def train(self) -> Fitted:
        """Trains until the last step; the chief evaluates."""
        import tensorflow as tf

        with tf.Graph().as_default():
            graph = self._graph()
            begin = time.perf_counter()
            first = self._loop(graph)
        seconds = time.perf_counter() - begin
        if not self._chief:
            return common.nothing_to_tell(first, self._steps, seconds)
        return _result(self._options, self._data, graph.weights, first, seconds)

    def _graph(self) -> _Graph:
        import tensorflow as tf
        import tf_keras

        v1 = tf.compat.v1
        options, cluster, task = self._options, self._cluster, self._cluster.task
        workers = cluster.workers + len(cluster.jobs.get("chief", ()))
        place = v1.train.replica_device_setter(
            cluster=common.cluster_spec(cluster),
            worker_device=f"/job:{task.job}/task:{task.index}",
        )
        with v1.device(place):
            step = v1.train.get_or_create_global_step()
            features, target = self._next_batch(workers)
            with policy(tf_keras, options.precision):
                model = build_model(
                    options.model, self._data, keras=tf_keras, seed=options.seed
                )
            before = set(map(id, model.updates))
            predicted = model(features, training=True)
            updates = [each for each in model.updates if id(each) not in before]
            loss = common.loss_function(options, self._data, tf_keras)(
                target, predicted
            )
            rate = v1.train.cosine_decay(learning_rate_of(options), step, self._steps)
            optimizer = v1.train.SyncReplicasOptimizer(
                v1.train.AdamOptimizer(rate, epsilon=1e-7),
                replicas_to_aggregate=workers,
                total_num_replicas=workers,
            )
            with tf.control_dependencies(updates):
                train = optimizer.minimize(loss, global_step=step)
            with tf.control_dependencies([train]):
                now = tf.identity(step.read_value())
        return _Graph(
            train,
            loss,
            now,
            optimizer.make_session_run_hook(is_chief=self._chief),
            tuple(weight.op.name for weight in model.weights),
        )

    def _next_batch(self, workers: int) -> Any:
        import tensorflow as tf

        index = self._cluster.task.index
        if "chief" in self._cluster.jobs and self._cluster.task.job == "worker":
            index += 1
        # This worker reads on from its own steps, which are about those of the cluster.
        rows = common.batches(
            self._options,
            self._data,
            rows_of_each(self._options, workers),
            seed=self._options.seed + self._begun(),
            shard=(index, workers),
        )
        return tf.compat.v1.data.make_one_shot_iterator(rows).get_next()

    def _begun(self) -> int:
        """The step of the last checkpoint, so that another order follows it."""
        import tensorflow as tf

        latest = tf.train.latest_checkpoint(str(self._options.checkpoints))
        return int(latest.rpartition("-")[2]) if latest else 0

    def _loop(self, graph: _Graph) -> int:
        import tensorflow as tf

        v1 = tf.compat.v1
        options, task = self._options, self._cluster.task
        curve = Curve(options.run_folder if self._chief else None)
        progress = Progress(self._steps, quiet=not (self._chief and options.verbose))
        first = self._begun()
        say_begin(first, self._steps)
        if first >= self._steps:
            return first
        # Who only knows the servers and itself does not wait for others that died.
        config = v1.ConfigProto(
            device_filters=["/job:ps", f"/job:{task.job}/task:{task.index}"]
        )
        hooks = [graph.hook, v1.train.StopAtStepHook(last_step=self._steps)]
        others = peers(self._cluster, "chief", "worker", "ps")
        wait_for(self._cluster, others, options.join_seconds)
        session = self._session(hooks, config)
        with session:
            while not session.should_stop():
                _, loss, step = session.run([graph.train, graph.loss, graph.step])
                curve.add(Point(int(step), time.time(), float(loss)))
                curve.flush()
                progress.at(int(step), float(loss))
        return first

    def _session(self, hooks: list[Any], config: Any) -> Any:
        """Waits for the servers and the chief; the chief restores or initialises.

        Raises:
            CheckpointError: The last checkpoint is damaged, or of another model.
        """
        import tensorflow as tf

        v1, options = tf.compat.v1, self._options
        saver = v1.train.Saver(max_to_keep=options.keep)
        with _fits(options):
            return v1.train.MonitoredTrainingSession(
                master=self._server.target,
                is_chief=self._chief,
                checkpoint_dir=str(options.checkpoints) if self._chief else None,
                hooks=hooks,
                scaffold=v1.train.Scaffold(saver=saver),
                save_checkpoint_steps=self._every,
                save_summaries_steps=None,
                save_summaries_secs=None,
                log_step_count_steps=None,
                max_wait_secs=_SESSION_SECONDS,
                stop_grace_period_secs=_STOP_SECONDS,
                config=config,
            )


@contextlib.contextmanager
def _fits(options: FitOptions) -> Iterator[None]:
    """Says that a checkpoint cannot be used, where TensorFlow names a variable.

    Raises:
        CheckpointError: It is damaged, or of another model.
    """
    import tensorflow as tf

    try:
        yield
    except (
        tf.errors.NotFoundError,
        tf.errors.InvalidArgumentError,
        tf.errors.DataLossError,
        ValueError,
    ) as error:
        said = str(getattr(error, "message", error)).strip().splitlines()[0][:160]
        raise CheckpointError(
            f"the last checkpoint of {options.checkpoints} does not fit this model, or "
            f"is damaged ({said}): choose an empty folder with --checkpoints, or train "
            "the model that it is of"
        ) from error


def names_of_weights(options: FitOptions, data: Data) -> tuple[str, ...]:
    """What the weights of the model are called in a checkpoint, in Keras' order."""
    import tensorflow as tf
    import tf_keras

    with tf.Graph().as_default():
        model = build_model(options.model, data, keras=tf_keras, seed=options.seed)
        return tuple(weight.op.name for weight in model.weights)


def _result(
    options: FitOptions,
    data: Data,
    names: tuple[str, ...],
    first_step: int,
    seconds: float,
) -> Fitted:
    """Evaluates the weights of the last checkpoint, outside of the graph."""
    import tensorflow as tf
    import tf_keras

    path = tf.train.latest_checkpoint(str(options.checkpoints))
    if path is None:
        raise CheckpointError(
            f"{options.checkpoints} has no checkpoint after training: choose a folder "
            "that the chief can write with --checkpoints"
        )
    model = build_model(options.model, data, keras=tf_keras, seed=options.seed)
    with _fits(options):
        reader = tf.train.load_checkpoint(path)
        model.set_weights([reader.get_tensor(name) for name in names])
    return finish(
        *(model, options, data, tf_keras),
        steps=int(path.rpartition("-")[2]),
        first_step=first_step,
        seconds=seconds,
        checkpoint=path,
    )
