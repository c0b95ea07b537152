# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Arrays that options of the command line name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tfnative._base.numpy_files import load_numpy
from tfnative._cli.common import write_file
from tfnative.errors import InvalidArgumentError, NotFoundError

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]


def read_inputs(arguments: Sequence[str], names: Sequence[str]) -> Arrays:
    """What ``--input NAME=FILE.npy`` and ``--input FILE.npz`` name.

    Args:
        arguments: Of the option.
        names: The inputs that the model has.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: It is none of NumPy's, or it is not said of which input.
    """
    inputs: Arrays = {}
    for argument in arguments:
        name, equals, file = argument.partition("=")
        if not equals:
            name, file = "", argument
        content = _read(Path(file))
        if isinstance(content, Mapping):
            inputs.update(content)
        elif name or len(names) == 1:
            inputs[name or names[0]] = content
        else:
            raise InvalidArgumentError(
                f"--input {argument}: the model has the inputs {', '.join(names)}; "
                f"name one, as in --input {names[0] if names else 'NAME'}={file}"
            )
    return inputs


def _read(path: Path) -> Any:
    try:
        return load_numpy(path)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}") from error
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(f"{path} is not a NumPy file: {error}") from error


def output_target(argument: str, names: Sequence[str]) -> tuple[str | None, Path]:
    """The output that ``--output`` names, or None for all of them, and its file.

    Raises:
        InvalidArgumentError: There is no such output.
    """
    name, equals, file = argument.partition("=")
    path = Path(file if equals else argument)
    if path.suffix == ".npz" and not equals:
        return None, path
    if not equals and len(names) == 1:
        name = names[0]
    if name not in names:
        raise InvalidArgumentError(
            f"--output {argument}: expected NAME=FILE.npy, where NAME is one of "
            + ", ".join(names)
        )
    return name, path


def write_output(path: Path, content: npt.NDArray[Any] | Arrays) -> None:
    """Writes an array, or several by name, as NumPy does; strings as bytes.

    Raises:
        InvalidArgumentError: It cannot be written there; or a string ends in a zero
            byte, which the file would not keep.
    """

    def write(file: IO[bytes]) -> None:
        if isinstance(content, dict):
            plain = {name: _plain(array) for name, array in content.items()}
            np.savez(file, allow_pickle=False, **plain)
        else:
            np.save(file, _plain(content), allow_pickle=False)

    write_file(path, write)


def _plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Strings of one width, since others are not written without pickle."""
    if array.dtype.kind != "O":
        return array
    strings = array.astype("S")
    if not np.array_equal(strings.astype(object), array):
        raise InvalidArgumentError(
            "strings that end in zero bytes cannot be written to NumPy's files"
        )
    return strings
