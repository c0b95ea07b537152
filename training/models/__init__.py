# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Networks by name, one module for each architecture."""

from training.models.build import MODELS, NAMES, build_model, check_fits
from training.models.spec import ModelSpec

__all__ = ["MODELS", "NAMES", "ModelSpec", "build_model", "check_fits"]
