# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Exports models of the zoo once for all tests of the compiler."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from tests.models import ModelCase

Export = Callable[[ModelCase], Path]

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
        "test_decode_expression.py",
        "test_examples_head.py",
        "test_fork_server.py",
        "test_freeze.py",
        "test_lean.py",
        "test_load_model.py",
        "test_other_machines.py",
        "test_serve.py",
        "test_split_model.py",
        "test_tensorflow_backend.py",
        "test_tfcompile.py",
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


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Exports a model of the zoo, at most once per session, and returns its path."""
    folder = tmp_path_factory.mktemp("models")
    exported: dict[str, Path] = {}

    def export_once(case: ModelCase) -> Path:
        if case.name not in exported:
            exported[case.name] = case.export(folder)
        return exported[case.name]

    return export_once
