# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A request as arguments of ``tfnative.compile``."""

from __future__ import annotations

import operator
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._backends.auto.request import Request

DEFAULT_BATCH_SIZES = (1, 8, 32)
"""So that both a single row and many are fast."""

_COMPILED_LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4")


def compile_arguments(request: Request) -> dict[str, Any]:
    """The arguments of ``tfnative.compile``, as JSON has them.

    Raises:
        InvalidArgumentError: They are not of the right types.
    """
    given = request.compile
    level = request.level
    for name, value in (("signatures", given.signatures), ("tags", request.tags)):
        if isinstance(value, str):
            raise InvalidArgumentError(
                f"{name} must be a list of names, got the text {value!r}"
            )
    batch_sizes = given.batch_sizes
    if batch_sizes is None:
        batch_sizes = DEFAULT_BATCH_SIZES
    try:
        if not all(size >= 1 for size in batch_sizes) or not len(batch_sizes):
            raise ValueError(f"batch sizes must be from 1 on, got {batch_sizes}")
        return {
            "name": artifact_name(request.path),
            "signatures": None if given.signatures is None else list(given.signatures),
            "batch_sizes": sorted({operator.index(size) for size in batch_sizes}),
            "shapes": None
            if given.shapes is None
            else {
                name: [operator.index(size) for size in shape]
                for name, shape in sorted(given.shapes.items())
            },
            "rtol": None if given.rtol is None else float(given.rtol),
            "tags": sorted(request.tags),
            "cpus": [_compilable(request, level)],
        }
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidArgumentError(
            f"options to compile {request.path} with: {error}"
        ) from error


def _compilable(request: Request, level: str) -> str:
    """The level as the compiler calls it."""
    asked = request.cpu_level or os.environ.get("TFNATIVE_CPU_LEVEL")
    return level if asked or level in _COMPILED_LEVELS else "native"


def artifact_name(path: Path) -> str:
    """A name for the compiled model: that of its folder, or of the one above it."""
    path = Path(os.path.abspath(path))
    name = path.name
    if name.isdigit():  # A version.
        name = f"{path.parent.name}_{name}"
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)[:60]
    return name if re.match("[A-Za-z]", name) else f"model_{name}"
