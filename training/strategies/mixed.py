# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""One device that multiplies in half precision, and keeps its weights in float32."""

from __future__ import annotations

from dataclasses import replace

from training.loop import fit_keras
from training.options import FitOptions, Fitted


def run(options: FitOptions) -> Fitted:
    """Trains with Keras' policy; ``mixed_bfloat16``, unless options name another."""
    if options.precision == "float32":
        options = replace(options, precision="mixed_bfloat16")
    return fit_keras(options)
