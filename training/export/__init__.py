# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Writes trained models as SavedModels that ``tfnative compile`` takes."""

from training.export.check import Checked, check
from training.export.saved_model import check_output, export, heldout_path

__all__ = ["Checked", "check", "check_output", "export", "heldout_path"]
