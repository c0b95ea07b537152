# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What tests of training share: data that is written once, and one trained model."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.tensorflow_needed import skipped_without_tensorflow
from tests.training.trained import Trained, train
from tests.turns import Once


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Says that tests are skipped, where what they train with is missing."""
    return skipped_without_tensorflow(module_path, parent)


@pytest.fixture(scope="session")
def data_root(once: Once) -> Path:
    """A folder of data sets: what a test writes there, others find."""

    def make(folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    return once("training/data", make)


@pytest.fixture(scope="session")
def trained(once: Once) -> Trained:
    """A CNN of digits, trained by the command line: exported, with checkpoints."""
    return Trained(once("training/digits", train))


@pytest.fixture
def needs_moto() -> None:
    """Skips a test where there is nothing to be an S3 server."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip("needs moto, of the extra test")
