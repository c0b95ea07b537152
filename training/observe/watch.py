# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What ``fit`` writes while it trains, as Keras callbacks.

Below LOGS: ``train/`` and ``validation/`` have scalars and histograms, ``graph/`` the
model's ops, ``mistakes/`` images that the model was wrong about, ``projector/`` the
last hidden layer of held-out rows, ``plugins/profile/`` traces, ``debug/`` what tfdbg
dumps.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.data import Data
from training.errors import TrainingError, is_of_a_peer, reason_of
from training.models import MODELS
from training.observe.mistakes import has_mistakes, mistakes_callback
from training.observe.profile import profile_callback
from training.observe.projector import projector_callback
from training.options import LOOKS, FitOptions


def check_watching(options: FitOptions) -> None:
    """Refuses, before the work, what there is no place or no program for.

    Raises:
        TrainingError: Something is to be written, and there is no folder of logs; or
            TensorBoard is missing.
    """
    wanted = [f"--look {look}" for look in options.looks]
    if options.profile:
        wanted.append("--profile")
    if options.debug == "dump":
        wanted.append("--debug dump")
    if wanted and not options.logs:
        raise TrainingError(f"{wanted[0]} writes to the logs: add --logs FOLDER")
    unknown = [look for look in options.looks if look not in LOOKS]
    if unknown:
        raise TrainingError(
            f"there is nothing to look at called {unknown[0]!r}: choose of "
            f"{', '.join(LOOKS)}"
        )
    if options.logs and importlib.util.find_spec("tensorboard") is None:
        raise TrainingError(
            'logs need TensorBoard: pip install "tfnative[training]", or leave out '
            "--logs"
        )


@contextlib.contextmanager
def logs_written(folder: Path | None) -> Iterator[None]:
    """Says which folder it is, where something cannot be written to the logs.

    Args:
        folder: Of the logs, or None.

    Raises:
        TrainingError: The disk is full, or the folder was taken away.
    """
    import tensorflow as tf

    try:
        yield
    except (tf.errors.OpError, OSError, ValueError) as error:
        if is_of_a_peer(error):
            raise
        if folder is None or str(folder) not in str(error):
            raise
        raise TrainingError(
            f"the logs cannot be written to {folder} ({reason_of(error)}): free some "
            "space, or choose another folder with --logs"
        ) from error


def watching(model: Any, options: FitOptions, data: Data, keras: Any) -> list[Any]:
    """Callbacks for all that the options ask for.

    Args:
        model: Compiled.
        options: ``logs``, ``looks`` and ``profile`` are read.
        data: Its held-out rows are shown.
        keras: The module that the model was built with.

    Raises:
        TrainingError: There is nothing to see of what the options ask for.
    """
    if not options.logs:
        return []
    logs, looks = options.logs, options.looks
    callbacks = [
        keras.callbacks.TensorBoard(
            str(logs),
            histogram_freq=1 if "histograms" in looks else 0,
            write_graph=False,
        )
    ]
    if "graph" in looks:
        callbacks.append(_graph_callback(model, data, logs / "graph", keras))
    if "mistakes" in looks:
        if not (has_mistakes(data) and MODELS[options.model].target != "input"):
            raise TrainingError(
                "--look mistakes shows images that were taken for another class, and "
                f"{options.model} of {data.name} has none: leave it out"
            )
        callbacks.append(mistakes_callback(model, data, logs / "mistakes", keras))
    if "projector" in looks:
        callbacks.append(projector_callback(model, data, logs / "projector", keras))
    if options.profile:
        callbacks.append(profile_callback(model, options.profile, logs, keras))
    return callbacks


def _graph_callback(model: Any, data: Data, folder: Path, keras: Any) -> Any:
    """Writes the ops of the model; Keras itself writes its layers only."""

    def write(logs: Any = None) -> None:
        import tensorflow as tf

        specs = {
            name: tf.TensorSpec((None, *spec.shape), spec.dtype, name)
            for name, spec in data.features.items()
        }
        call = tf.function(lambda **given: model(given), autograph=False)
        graph = call.get_concrete_function(**specs).graph
        with tf.summary.create_file_writer(str(folder)).as_default(step=0):
            tf.summary.graph(graph)

    return keras.callbacks.LambdaCallback(on_train_begin=write)
