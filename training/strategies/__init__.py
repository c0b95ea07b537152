# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to train, by name: each module has ``run(options) -> Fitted``."""

from __future__ import annotations

import importlib

from training.cluster.config import VARIABLE, from_environment
from training.errors import ClusterError, TrainingError
from training.options import FitOptions, Fitted

STRATEGIES = {
    "single": "training.strategies.single",
    "mirrored": "training.strategies.mirrored",
    "central": "training.strategies.central",
    "mixed": "training.strategies.mixed",
    "multi-worker": "training.strategies.multi_worker",
    "ps-async": "training.strategies.ps_async",
    "ps-sync": "training.strategies.ps_sync",
    "model-parallel": "training.strategies.model_parallel",
}
"""Modules by the name of the strategy."""

CLUSTERS = ("multi-worker", "ps-async", "ps-sync")
"""Those whose members are processes."""

SYNCHRONIZED = ("mirrored", "multi-worker")
"""Those whose replicas can normalise their rows together."""


def run(options: FitOptions) -> Fitted:
    """Trains by the strategy that the options name."""
    if options.strategy not in STRATEGIES:
        raise TrainingError(
            f"there is no strategy {options.strategy!r}: choose one of "
            f"{', '.join(STRATEGIES)}"
        )
    _check_options(options)
    module = importlib.import_module(STRATEGIES[options.strategy])
    fitted: Fitted = module.run(options)
    return fitted


def _check_options(options: FitOptions) -> None:
    """Refuses what a strategy would leave out in silence."""
    name = options.strategy
    if options.batch_norm == "synchronized" and name not in SYNCHRONIZED:
        raise TrainingError(
            f"{name} has no replicas that normalise together: leave out --batch-norm, "
            f"or choose {' or '.join(SYNCHRONIZED)}"
        )
    if name in CLUSTERS:
        _check_looking(options)
        return
    if options.evaluator:
        raise TrainingError(
            f"{name} validates by itself: leave out --evaluator, or choose one of "
            f"{', '.join(CLUSTERS)}"
        )
    cluster = from_environment()
    if cluster is not None and len(list(cluster.members())) > 1:
        raise ClusterError(
            f"{VARIABLE} names a cluster, in which each member would train for itself "
            f"by the strategy {name}: choose one of {', '.join(CLUSTERS)}, or unset "
            f"{VARIABLE}"
        )


def _check_looking(options: FitOptions) -> None:
    """What only a process that trains by itself shows."""
    wanted = [f"--look {look}" for look in options.looks]
    wanted += [f"--debug {options.debug}"] if options.debug else []
    if options.profile and options.strategy != "multi-worker":
        wanted += ["--profile"]
    if wanted:
        raise TrainingError(
            f"{options.strategy} does not take {wanted[0]}: leave it out, or look at "
            "a run by --strategy single"
        )
