# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A run of ``python -m training fit``, for whoever looks at what it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 6


@dataclass(frozen=True)
class Trained:
    """The folder that it ran in."""

    folder: Path

    @property
    def saved_model(self) -> Path:
        return self.folder / "models" / "digits"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def said(self) -> str:
        return (self.folder / "said.txt").read_text()


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs ``python -m training`` in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "training", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )


def train(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    done = run(
        folder,
        *("fit", "--model", "cnn", "--data", "digits", "--epochs", str(EPOCHS)),
        *("--output", "models/digits", "--logs", "logs"),
        *("--checkpoints", "checkpoints"),
    )
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder
