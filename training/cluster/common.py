# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What members of a cluster have in common, however they agree on the weights."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.begin import compile_model, loss_of, order_of, prepare, with_target
from training.checkpoints import Checkpoints, claim, remove_partial
from training.cluster.config import Cluster, check_size
from training.cluster.ports import check_free
from training.data import Data
from training.errors import ClusterError, PeerLostError, TrainingError, is_of_a_peer
from training.files import held
from training.finish import finish, policy
from training.models import MODELS, build_model
from training.options import FitOptions, Fitted


def check(options: FitOptions, cluster: Cluster) -> None:
    """Refuses what cannot work, before TensorFlow waits for others.

    No operation runs: strategies have to be made before the first one.

    Raises:
        ClusterError: The cluster has another size than was asked for; a port is in
            use; or there is no folder for checkpoints, which members share.
    """
    check_size(cluster, options.workers, options.servers)
    if options.checkpoints is None:
        raise ClusterError(
            "members of a cluster need --checkpoints FOLDER: the same folder for all, "
            "from which they go on when one of them dies"
        )
    if cluster.address is not None:
        check_free(cluster.address, str(cluster.task))
    # Only the chief exports, and it looks at the end whether it may.
    prepare(options if is_chief(cluster) else replace(options, output=None))


def resolver(cluster: Cluster) -> Any:
    """The cluster as strategies of TensorFlow take it, without evaluators."""
    import tensorflow as tf

    return tf.distribute.cluster_resolver.SimpleClusterResolver(
        cluster_spec(cluster),
        task_type=cluster.task.job,
        task_id=cluster.task.index,
        rpc_layer="grpc",
    )


def start_server(cluster: Cluster) -> Any:
    """Listens at this member's address, and does what others ask for."""
    import tensorflow as tf

    return tf.distribute.Server(
        cluster_spec(cluster),
        job_name=cluster.task.job,
        task_index=cluster.task.index,
        protocol="grpc",
    )


def cluster_spec(cluster: Cluster) -> Any:
    """The addresses of all that listen."""
    import tensorflow as tf

    return tf.train.ClusterSpec(
        {job: list(all_) for job, all_ in cluster.jobs.items() if job != "evaluator"}
    )


def check_precision(options: FitOptions) -> None:
    """Refuses what a step of our own does not do.

    Raises:
        TrainingError: float16 needs losses that are scaled, which Keras' ``fit`` does.
    """
    if options.precision == "mixed_float16":
        raise TrainingError(
            f"{options.strategy} does not scale losses, without which gradients vanish "
            "in float16: choose --precision mixed_bfloat16"
        )


def is_chief(cluster: Cluster) -> bool:
    """Whether this process initialises, saves and exports: worker 0 without a chief."""
    task = cluster.task
    return task.job == ("chief" if "chief" in cluster.jobs else "worker") and (
        task.index == 0
    )


@contextlib.contextmanager
def own_folder(options: FitOptions, chief: bool) -> Iterator[Path]:
    """Where a member writes its checkpoints.

    Values that replicas keep apart are added up when they are saved, for which every
    member has to save; only the chief's files are wanted.
    """
    assert options.checkpoints is not None
    if chief:
        with sole_chief(options):
            yield options.checkpoints
    else:
        with tempfile.TemporaryDirectory(prefix="training_") as folder:
            yield Path(folder)


@contextlib.contextmanager
def sole_chief(options: FitOptions) -> Iterator[None]:
    """Has the folder of checkpoints for itself, without what a dead chief left there.

    Raises:
        TrainingError: The chief of another run has it.
        CheckpointError: It has checkpoints of another model, or of other data.
    """
    assert options.checkpoints is not None
    with held(options.checkpoints, "--checkpoints"):
        claim(options.checkpoints, options.model, options.data, **order_of(options))
        remove_partial(options.checkpoints)
        yield


def result_of_checkpoint(
    options: FitOptions, data: Data, keras: Any, *, first_step: int, **known: Any
) -> Fitted:
    """Evaluates and exports what the last checkpoint has, on this machine alone.

    Args:
        options: What was asked for.
        data: What was trained on.
        keras: The module to build the model with.
        first_step: Steps that a checkpoint had when this run began.
        **known: Other fields of `Fitted`: seconds, history.
    """
    assert options.checkpoints is not None
    with policy(keras, options.precision):
        model = build_model(options.model, data, keras=keras, seed=options.seed)
        compile_model(model, options, data, 1, keras)
    checkpoints = Checkpoints(options.checkpoints, model, keep=options.keep)
    steps = checkpoints.restore()
    return finish(
        *(model, options, data, keras),
        steps=steps,
        first_step=first_step,
        checkpoint=checkpoints.latest,
        **known,
    )


def nothing_to_tell(first_step: int, steps: int, seconds: float) -> Fitted:
    """What a member returns that is not the chief: others evaluate and export."""
    return Fitted(
        model=None,
        metric="accuracy",
        held_out=float("nan"),
        rows=0,
        steps=steps,
        first_step=first_step,
        seconds=seconds,
    )


@contextlib.contextmanager
def peers_needed() -> Iterator[None]:
    """Says that a peer is gone, where TensorFlow says one of several other things.

    Raises:
        PeerLostError: An operation that needs other members failed.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        if not is_of_a_peer(error):
            raise
        said = str(error.message).strip().splitlines() or [type(error).__name__]
        raise PeerLostError(
            f"another member is gone ({said[0][:160]}): start it again; all go on from "
            "the last checkpoint"
        ) from error


def batches(
    options: FitOptions,
    data: Data,
    batch_size: int,
    *,
    seed: Any,
    shard: tuple[int, int] = (0, 1),
    first_step: int = 0,
) -> Any:
    """Batches of one worker, with the target that the model has."""
    rows = data.train(batch_size, seed=seed, shard=shard, first_step=first_step)
    return with_target(rows, options)


def loss_function(options: FitOptions, data: Data, keras: Any) -> Any:
    """The mean loss of a batch, from targets and what a model says."""
    import tensorflow as tf

    name, _ = loss_of(data, MODELS[options.model].target)
    function = keras.losses.get(name)
    sparse = name.startswith("sparse")

    def loss(target: Any, predicted: Any) -> Any:
        if not sparse:
            # (rows,) against (rows, 1) would be compared each with each.
            target = tf.reshape(target, tf.shape(predicted))
        return tf.reduce_mean(function(target, predicted))

    return loss
