# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Reads NumPy's files that users name, and says what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from tfnative._base.numpy_files import load_numpy
from tfnative.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from tfnative._base.numpy_files import Content

_BY_INPUT = "a .npz file with an array per input"


def read_numpy(path: Path, flag: str, expected: str) -> Content:
    """The array of a .npy file, or those of a .npz file by name.

    Args:
        path: Of the file.
        flag: What it was given with, for messages.
        expected: What it should be, likewise.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: It is something else.
    """
    try:
        return load_numpy(path)
    except FileNotFoundError as error:
        raise NotFoundError(f"{flag}: no file {path}") from error
    except (ValueError, OSError) as error:
        raise InvalidArgumentError(
            f"{flag}: {path} is not {expected}: {error}"
        ) from error


def read_arrays(path: Path, flag: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a .npz file, by input. See ``read_numpy``."""
    content = read_numpy(path, flag, _BY_INPUT)
    if not isinstance(content, dict):
        raise InvalidArgumentError(
            f"{flag}: {path} has one array: expected {_BY_INPUT}"
        )
    return content
