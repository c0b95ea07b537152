# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The output folder: replaced by one that is complete, or left as it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfnative._base.output_places import check_no_device
from tfnative.errors import CompileError, InvalidArgumentError


def check_replaceable(
    output: Path, *, mark: str = "manifest.json", what: str = "an artifact"
) -> None:
    """Refuses to replace anything but what was written by the same function.

    Args:
        output: What is to be written.
        mark: A file that only such folders have.
        what: Such a folder, in words.

    Raises:
        InvalidArgumentError: There is something else.
    """
    check_no_device(output)
    if not output.exists():
        return
    replaceable = output.is_dir() and (
        (output / mark).is_file() or not any(output.iterdir())
    )
    if not replaceable:
        raise InvalidArgumentError(
            f"{output} exists and is not {what}; nothing was written"
        )


@contextmanager
def replacing(output: Path) -> Iterator[Path]:
    """A new folder, which is the output once it is complete, and nothing before that.

    Raises:
        CompileError: It cannot be made there.
    """
    output = output.resolve()  # What a link names is replaced, and not the link.
    staging = _staging(output)
    try:
        yield staging
        _replace(staging, output)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _staging(output: Path) -> Path:
    """A new folder beside the output, to be renamed to it."""
    parent = output.resolve().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=parent))
    except OSError as error:
        raise CompileError(f"cannot write to {parent}: {error}") from error
    staging.chmod(0o755)
    return staging


def _replace(staging: Path, output: Path) -> None:
    if output.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{output.name}-old-", dir=staging.parent))
        os.rename(output, old / "artifact")
        os.rename(staging, output)
        shutil.rmtree(old)
    else:
        os.rename(staging, output)
