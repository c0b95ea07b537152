# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Draws what was tried until a budget held."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tfnative._base.output_file import write_file
from tfnative._draw.choice_svg import choice_svg
from tfnative_aot.split.divide import Prepared


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
    content = choice_svg(model, choices).encode()
    write_file(path, lambda file: file.write(content))
