# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Draws what was tried until a budget held."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tfnative._base.output_file import require_folder, write_file
from tfnative._draw.choice_png import choice_png, require_matplotlib
from tfnative._draw.choice_svg import choice_svg
from tfnative_aot.split.divide import Prepared


def check_report(path: str | os.PathLike[str]) -> None:
    """Checks that a picture can be drawn there, before anything else is done.

    Raises:
        InvalidArgumentError: There is no such folder.
        FailedPreconditionError: matplotlib is missing, which draws .png files.
    """
    require_folder(path)
    if _is_png(path):
        require_matplotlib()


def write_report(
    model: str, prepared: Sequence[Prepared], path: str | os.PathLike[str]
) -> None:
    """Writes a picture of all signatures.

    Raises:
        InvalidArgumentError: It cannot be written there.
    """
    choices = {
        each.graph.signature: each.choice
        for each in prepared
        if each.choice is not None
    }
    if _is_png(path):
        content = choice_png(model, choices)
    else:
        content = choice_svg(model, choices).encode()
    write_file(path, lambda file: file.write(content))


def _is_png(path: str | os.PathLike[str]) -> bool:
    return Path(path).suffix.lower() == ".png"
