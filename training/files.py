# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Files that a user has named: all of one is written, or what was there stays."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from training.errors import TrainingError


@contextlib.contextmanager
def written(path: Path, option: str) -> Iterator[Path]:
    """Where to write a file, which gets its name when the block is done.

    Args:
        path: The file; folders above it are made.
        option: Of the command line, by which another one can be chosen.

    Yields:
        A file of the same folder and suffix.

    Raises:
        TrainingError: It cannot be written, or not in the format that its suffix names.
    """
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise TrainingError(
            f"{path} cannot be written ({reason}): choose another file with {option}"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
