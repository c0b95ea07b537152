# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Skips files of tests where TensorFlow is missing, and says so."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import NoReturn

import pytest


class _Skipped(pytest.Module):
    """A file of tests that is not even imported."""

    def collect(self) -> NoReturn:
        pytest.skip(
            f"{self.path.name} needs TensorFlow, which is not installed",
            allow_module_level=True,
        )


def skipped_without_tensorflow(
    path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """For pytest_pycollect_makemodule, of files that need TensorFlow."""
    if importlib.util.find_spec("tensorflow") is not None:
        return None
    skipped: pytest.Module = _Skipped.from_parent(parent, path=path)
    return skipped
