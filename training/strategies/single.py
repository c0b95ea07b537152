# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""One device: Keras' ``fit`` as it is."""

from __future__ import annotations

from training.loop import fit_keras
from training.options import FitOptions, Fitted


def run(options: FitOptions) -> Fitted:
    """Trains on one CPU, or on one GPU."""
    return fit_keras(options)
