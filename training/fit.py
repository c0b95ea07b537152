# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Trains a model: the one function behind ``python -m training fit``."""

from __future__ import annotations

from training import strategies
from training.options import FitOptions, Fitted

__all__ = ["FitOptions", "Fitted", "fit"]


def fit(options: FitOptions) -> Fitted:
    """Trains by the strategy that the options name, and exports.

    Raises:
        TrainingError: What it names is missing, does not fit, or cannot be written.
    """
    return strategies.run(options)
