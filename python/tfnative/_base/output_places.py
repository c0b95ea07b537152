# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Where a command writes: no two outputs to one place, and none into its own model."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from tfnative._base.output_file import file_to_replace
from tfnative.errors import InvalidArgumentError

Paths = Iterable[tuple[str, str | os.PathLike[str]]]
_LIBRARY = ".so"


def check_places(outputs: Paths, models: Iterable[str | os.PathLike[str]]) -> None:
    """Refuses outputs of which one would be lost, or that belong to a model.

    Links are followed. Devices and pipes, which can take several outputs, are left
    alone, as are folders that are missing, of which whoever writes there speaks.

    Args:
        outputs: What each is called, and its path, which nothing need be at.
        models: Those that are read: folders, libraries in them, or files.

    Raises:
        InvalidArgumentError: Two are at one place, or one is in another or a model, or
            leads nowhere.
    """
    places: list[tuple[str, Path]] = []
    for name, path in outputs:
        try:
            place = _place(path)
        except OSError as error:
            raise InvalidArgumentError(
                f"cannot write {name} {os.fspath(path)}: {error.strerror}"
            ) from None
        if place is None:
            continue
        for other, taken in places:
            if place == taken:
                raise InvalidArgumentError(
                    f"{other} and {name} would both be written to {os.fspath(path)}, "
                    "where one would be lost: choose two places"
                )
            if taken in place.parents:
                raise _within(f"{name} {place}", f"{other} {taken}")
            if place in taken.parents:
                raise _within(f"{other} {taken}", f"{name} {place}")
        places.append((name, place))
    for path in models:
        try:
            model = _place(path)
        except OSError:
            continue  # Whoever reads it will say so.
        if model is None:
            continue
        if model.suffix == _LIBRARY and model.is_file():
            model = model.parent  # What is beside it belongs to it.
        for name, place in places:
            if model == place or model in place.parents:
                raise _within(f"{name} {place}", f"the model {model}")


def check_no_device(path: str | os.PathLike[str], name: str = "") -> None:
    """Refuses a place for a model that is no file: it is compared, replaced and read.

    Args:
        path: Where the model is to be; nothing need be there.
        name: What to call it, such as "--output".

    Raises:
        InvalidArgumentError: There is a device, a pipe or a socket.
    """
    try:
        is_none = file_to_replace(path) is None
    except (OSError, ValueError):  # A folder, or nowhere, of which others speak.
        return
    if is_none:
        raise InvalidArgumentError(
            f"cannot write {f'{name} ' if name else ''}{os.fspath(path)}: it is a "
            "device, pipe or socket, and a model is written to a file or a folder: "
            "choose a place for one"
        )


def _within(inner: str, outer: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{inner} would be a part of {outer}: choose a place beside it"
    )


def _place(path: str | os.PathLike[str]) -> Path | None:
    """Where a path leads; None if nothing can be lost there.

    Raises:
        OSError: It leads nowhere: it is too long, or a loop of links.
    """
    try:
        return file_to_replace(path)
    except IsADirectoryError:
        return Path(os.path.realpath(path))
    except ValueError:
        return None  # No text that the system knows.
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise
        return None
