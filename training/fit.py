# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Trains a model: the one function behind ``python -m training fit``."""

from __future__ import annotations

from training import strategies
from training.begin import open_checked, prepare
from training.checkpoints import check_of
from training.cluster.launch import write_result
from training.cluster.member import LOST_PEER
from training.errors import CheckpointError, PeerLostError
from training.finish import finish
from training.options import FitOptions, Fitted
from training.weights import last_checkpoint, model_of_checkpoint, step_of

__all__ = ["FitOptions", "Fitted", "export_checkpoint", "fit", "run_member"]


def fit(options: FitOptions) -> Fitted:
    """Trains by the strategy that the options name, and exports.

    Raises:
        TrainingError: What it names is missing, does not fit, or cannot be written.
    """
    return strategies.run(options)


def run_member(options: FitOptions) -> int:
    """What a member of a cluster does, which `training.cluster.launch` starts.

    Its environment has ``TF_CONFIG``. The chief leaves its result in the run's folder.

    Returns:
        The exit code: 0, or `LOST_PEER` where the same member shall start again.
    """
    try:
        fitted = fit(options)
    except PeerLostError as error:
        print(f"training: {error}", flush=True)
        return LOST_PEER
    if fitted.rows and options.run_folder is not None:
        write_result(fitted, options.run_folder)
    return 0


def export_checkpoint(options: FitOptions) -> Fitted:
    """Exports what the last checkpoint has, by whatever strategy it was trained.

    Of the options, ``model``, ``data``, ``data_folder``, ``reading``, ``checkpoints``,
    ``output`` and ``overwrite`` count.

    Raises:
        CheckpointError: There is none, or it is of another model.
        ExportError: The folder for the model has files.
    """
    if options.checkpoints is None or options.output is None:
        raise CheckpointError("an export needs --checkpoints and --output")
    prepare(options)
    path = last_checkpoint(options.checkpoints)
    check_of(options.checkpoints, options.model, options.data)
    data = open_checked(options)
    model, keras = model_of_checkpoint(path, options, data)
    step = step_of(path)
    return finish(
        *(model, options, data, keras),
        steps=step,
        first_step=step,
        seconds=0.0,
        checkpoint=path,
    )
