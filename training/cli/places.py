# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Places that are written to after minutes of work, checked before it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from training.errors import TrainingError
from training.files import check_folder


def check_picture(path: Path | None) -> None:
    """Refuses a ``--plot`` that cannot be drawn at the end; None is none.

    Raises:
        TrainingError: It is no PNG, its folder cannot be written, or matplotlib is
            missing.
    """
    if path is None:
        return
    if importlib.util.find_spec("matplotlib") is None:
        raise TrainingError(
            '--plot needs matplotlib: pip install "tfnative[training]", or leave it out'
        )
    if path.suffix != ".png":
        raise TrainingError(f"--plot writes a PNG: name it {path}.png")
    if path.is_dir():
        raise TrainingError(f"--plot {path} is a folder: name a file in it")
    check_folder(path.parent, "--plot")
