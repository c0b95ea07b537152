# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a request asks of the compiler."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative._compile.options import CompileOptions

if TYPE_CHECKING:
    from tfnative._backends.auto.request import Request

DEFAULT_BATCH_SIZES = (1, 8, 32)
"""So that both a single row and many are fast."""

_COMPILED_LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4")


def compile_options(request: Request) -> CompileOptions:
    """How to compile the model, the same for requests that come to the same.

    Raises:
        InvalidArgumentError: The request has a text in the place of tags.
    """
    options, tags = request.options, request.tags
    return CompileOptions(
        name=artifact_name(request.path),
        signatures=options.signatures,
        batch_sizes=sorted(set(options.batch_sizes or DEFAULT_BATCH_SIZES)),
        shapes=options.shapes,
        constants=options.constants,
        rtol=options.rtol,
        tags=tags if isinstance(tags, str) else sorted(tags),
        cpus=[_compilable(request)],
    )


def _compilable(request: Request) -> str:
    """The level as the compiler calls it."""
    known = request.names_level or request.level in _COMPILED_LEVELS
    return request.level if known else "native"


def artifact_name(path: Path) -> str:
    """A name for the compiled model: that of its folder, or of the one above it."""
    path = Path(os.path.abspath(path))
    name = path.name
    if name.isdigit():  # A version.
        name = f"{path.parent.name}_{name}"
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)[:60]
    return name if re.match("[A-Za-z]", name) else f"model_{name}"
