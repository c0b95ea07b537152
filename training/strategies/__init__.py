# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to train, by name: each module has ``run(options) -> Fitted``."""

from __future__ import annotations

import importlib

from training.errors import TrainingError
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


def run(options: FitOptions) -> Fitted:
    """Trains by the strategy that the options name."""
    if options.strategy not in STRATEGIES:
        raise TrainingError(
            f"there is no strategy {options.strategy!r}: choose one of "
            f"{', '.join(STRATEGIES)}"
        )
    module = importlib.import_module(STRATEGIES[options.strategy])
    fitted: Fitted = module.run(options)
    return fitted
