# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A SavedModel for commands that compile."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SAVE = """\
import pathlib, sys
from tests.python.backends.tensorflow import saved_models
saved_models.affine(pathlib.Path(sys.argv[1]))
"""


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that is small; saved elsewhere, as importing TensorFlow is for good."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("compiling needs TensorFlow, which is not installed")
    path = tmp_path_factory.mktemp("saved") / "affine"
    subprocess.run([sys.executable, "-c", SAVE, path], cwd=ROOT, check=True)
    return path
