# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What tests of fidelity need: TensorFlow, which all of them compare with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tensorflow_needed import skipped_without_tensorflow

# Before anything imports TensorFlow, which reads it once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Skips all files, with the reason, where TensorFlow is missing."""
    return skipped_without_tensorflow(module_path, parent)
