# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""SavedModels that only TensorFlow can run, and some that it runs as we do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The processes of the tests share a GPU, if there is one.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Saves a model of ``saved_models``, at most once, and returns its path."""
    pytest.importorskip("tensorflow")
    from tests.python.backends.tensorflow import saved_models

    folder = tmp_path_factory.mktemp("saved")

    def save(name: str) -> Path:
        path = folder / name
        if not path.exists():
            getattr(saved_models, name)(path)
        return path

    return save


@pytest.fixture
def run_python() -> Callable[..., str]:
    """Runs code in a process of its own, which must not be killed, and its output."""

    def run(code: str, *arguments: object, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                **environment,
            },
        )
        assert done.returncode == 0, f"{done.returncode}: {done.stderr}"
        return done.stdout

    return run
