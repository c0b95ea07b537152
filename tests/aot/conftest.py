# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What tests of the compiler need of the machine."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import NoReturn

import pytest

# Before anything imports TensorFlow, which reads it once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


_NEED_TENSORFLOW = frozenset(
    {
        "test_artifact.py",
        "test_auto.py",
        "test_bazel.py",
        "test_check.py",
        "test_compile.py",
        "test_cut.py",
        "test_examples_head.py",
        "test_expressions.py",
        "test_fork_server.py",
        "test_freeze.py",
        "test_lean.py",
        "test_load_model.py",
        "test_other_machines.py",
        "test_proved_rows.py",
        "test_serve.py",
        "test_split_model.py",
        "test_tensorflow_backend.py",
        "test_tfcompile.py",
        "test_verdict.py",
    }
)


class _Skipped(pytest.Module):
    """A file of tests that is not even imported."""

    def collect(self) -> NoReturn:
        pytest.skip(
            f"{self.path.name} needs TensorFlow, which is not installed",
            allow_module_level=True,
        )


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Skips the files that need TensorFlow, with the reason, where it is missing."""
    if module_path.name not in _NEED_TENSORFLOW:
        return None
    if importlib.util.find_spec("tensorflow") is not None:
        return None
    skipped: pytest.Module = _Skipped.from_parent(parent, path=module_path)
    return skipped
