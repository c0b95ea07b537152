# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a wheel says about itself: the files METADATA and WHEEL."""

from __future__ import annotations

import re

from tfnative._core import __version__
from tfnative._wheel.names import Names
from tfnative.errors import InvalidArgumentError
from tfnative.manifest import Manifest

# As of tfnative itself, in pyproject.toml.
REQUIRES_PYTHON = ">=3.10"
REQUIRES_NUMPY = "numpy>=1.24"

REQUIRES_TENSORFLOW = "tensorflow>=2.16"
"""Where it runs a model's first ops. What ``load`` takes."""


def requirements(manifest: Manifest, needs_tensorflow: bool) -> tuple[str, ...]:
    """What has to be installed beside a model.

    tfnative has to be as new as the one that compiled the model, and to have the same
    ABI version as this one, which only a version with breaking changes replaces.
    """
    compiled, here = _release(manifest.tfnative_version), _release(__version__)
    newest = max(compiled, here)
    end = f"0.{newest[1] + 1}" if newest[0] == 0 else f"{newest[0] + 1}"
    oldest = ".".join(map(str, compiled))
    needed = [REQUIRES_NUMPY, f"tfnative>={oldest},<{end}"]
    return (*needed, REQUIRES_TENSORFLOW) if needs_tensorflow else tuple(needed)


def metadata_text(
    names: Names,
    version: str,
    summary: str,
    requires: tuple[str, ...],
    description: str,
) -> str:
    """The file METADATA.

    Raises:
        InvalidArgumentError: The summary has more than one line.
    """
    if not summary.isprintable():
        raise InvalidArgumentError(f"summary {summary!r}: expected one line of text")
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {names.distribution}",
        f"Version: {version}",
        f"Summary: {summary}",
        "Keywords: tfnative,tensorflow,model,inference",
        "Classifier: Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Classifier: Typing :: Typed",
        f"Requires-Python: {REQUIRES_PYTHON}",
        *(f"Requires-Dist: {each}" for each in requires),
        "Description-Content-Type: text/plain; charset=UTF-8",
    ]
    return "\n".join([*lines, "", description, ""])


def wheel_text(tag: str) -> str:
    """The file WHEEL."""
    return (
        "Wheel-Version: 1.0\n"
        f"Generator: tfnative {__version__}\n"
        "Root-Is-Purelib: false\n"
        f"Tag: {tag}\n"
    )


def _release(version: str) -> tuple[int, ...]:
    """(0, 1, 0) for "0.1.0.dev1": at least two numbers."""
    match = re.match(r"\d+(\.\d+)*", version)
    numbers = tuple(map(int, match[0].split("."))) if match else (0,)
    return numbers if len(numbers) > 1 else (*numbers, 0)
