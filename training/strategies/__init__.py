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

_HERE = tuple(name for name in STRATEGIES if name not in CLUSTERS)
_OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "workers": ("--workers", CLUSTERS),
    "servers": ("--ps", ("ps-async", "ps-sync")),
    "run_folder": ("--run-folder", CLUSTERS),
    "join_seconds": ("--join-seconds", CLUSTERS),
    "evaluator": ("--evaluator", ("multi-worker", "ps-async")),
    "evaluator_seconds": ("--evaluator-seconds", ("multi-worker", "ps-async")),
    "replicas": ("--replicas", ("mirrored", "central", "model-parallel")),
    "batch_norm": ("--batch-norm", SYNCHRONIZED),
    "jit": ("--jit", ("single", "mirrored", "central", "mixed", "multi-worker")),
    "looks": ("--look", _HERE),
    "debug": ("--debug", _HERE),
    "profile": ("--profile", (*_HERE, "multi-worker")),
    "logs": ("--logs", (*_HERE, "multi-worker", "ps-async")),
}
"""What only some strategies take: the option by the field, and who takes it."""


def run(options: FitOptions) -> Fitted:
    """Trains by the strategy that the options name."""
    if options.strategy not in STRATEGIES:
        raise TrainingError(
            f"there is no strategy {options.strategy!r}: choose one of "
            f"{', '.join(STRATEGIES)}"
        )
    check_options(options)
    module = importlib.import_module(STRATEGIES[options.strategy])
    fitted: Fitted = module.run(options)
    return fitted


def check_options(options: FitOptions) -> None:
    """Refuses what a strategy would leave out in silence.

    Raises:
        TrainingError: An option is given that the strategy has no use for.
        ClusterError: ``TF_CONFIG`` names a cluster, and the strategy has none.
    """
    name, usual = options.strategy, FitOptions()
    for field, (option, takers) in _OPTIONS.items():
        if name not in takers and getattr(options, field) != getattr(usual, field):
            raise TrainingError(
                f"{name} does not take {option}: leave it out, or choose --strategy "
                f"{' or '.join(takers)}"
            )
    if options.overwrite and not options.output:
        raise TrainingError(
            "--overwrite replaces a SavedModel, and none is named: add --output "
            "FOLDER, or leave out --overwrite"
        )
    if options.debug and options.jit != "off":
        raise TrainingError(
            f"--debug {options.debug} does not look into what XLA compiles: leave out "
            f"--jit {options.jit}"
        )
    if name == "ps-async" and options.logs and not options.evaluator:
        raise TrainingError(
            "ps-async writes --logs by its evaluator alone: add --evaluator, or leave "
            "--logs out"
        )
    if name in CLUSTERS:
        if options.evaluator_seconds and not (options.evaluator or from_environment()):
            raise TrainingError(
                "--evaluator-seconds is of an evaluator, and there is none: add "
                "--evaluator, or leave it out"
            )
        return
    if options.checkpoint_steps is not None and options.checkpoints is None:
        raise TrainingError(
            f"{name} writes no checkpoints without a folder for them: add "
            "--checkpoints FOLDER, or leave out --checkpoint-steps"
        )
    cluster = from_environment()
    if cluster is not None and len(list(cluster.members())) > 1:
        raise ClusterError(
            f"{VARIABLE} names a cluster, in which each member would train for itself "
            f"by the strategy {name}: choose one of {', '.join(CLUSTERS)}, or unset "
            f"{VARIABLE}"
        )
