# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Opens a data set by its name, and writes its files if they are not there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from training.data import index, remote
from training.data.dataset import Data
from training.data.sources import KINDS, NAMES, load_source
from training.data.write import PartWriter, write
from training.errors import DataError, TrainingError
from training.files import check_folder


def default_folder(name: str) -> Path:
    """Where `open_data` keeps a data set, below the folder that one works in."""
    return index.ROOT / name


def open_data(
    name: str,
    folder: str | os.PathLike[str] | None = None,
    *,
    force: bool = False,
    writer: PartWriter | None = None,
    needed: Callable[[], None] | None = None,
) -> Data:
    """Opens a data set.

    Args:
        name: One of `NAMES`.
        folder: Where its files are, or shall be written; ``build/data/NAME`` by
            default. From ``s3://``, ``gs://``, ``hdfs://`` or whatever fsspec knows,
            files are copied to ``build/data/remote`` first; there, they are written
            only if a writer is named.
        force: Whether to write the files even if they are there.
        writer: Who writes the files if they are to be written; this process by default.
        needed: Raises what the writer lacks. A source may take minutes, so it is called
            before that is read, and only if there is something to write.

    Raises:
        DataError: There is no such data; its source is not on this machine; the
            folder holds other data, or cannot be read or written.
    """
    if name not in KINDS:
        raise DataError(f"there is no data {name!r}: choose one of {', '.join(NAMES)}")
    if folder is not None and remote.is_remote(os.fspath(folder)):
        if writer is not None or force:
            _write_there(name, os.fspath(folder), writer, force, needed)
        path = remote.fetch(os.fspath(folder), index.ROOT / "remote")
    else:
        path = Path(folder) if folder is not None else default_folder(name)
        if force or not (path / index.FILE).is_file():
            _refuse_other_files(path, name)
            try:
                check_folder(path.parent, "--data-folder")
            except TrainingError as error:
                raise DataError(str(error)) from error
            if needed is not None:
                needed()
            write(
                *(name, load_source(name), path),
                shards=KINDS[name].shards,
                replace=force,
                writer=writer,
            )
    try:
        text = (path / index.FILE).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path / index.FILE} cannot be read ({error}): write the data again: "
            f"{index.again(name, folder)}"
        ) from error
    command = index.again(name, folder)
    found = index.read_index(text, str(path / index.FILE), command)
    if found.name != name:
        raise DataError(
            f"{path} holds the data {found.name!r}, not {name!r}: choose another "
            "folder with --data-folder"
        )
    return Data(path, found)


def _write_there(
    name: str,
    address: str,
    writer: PartWriter | None,
    force: bool,
    needed: Callable[[], None] | None,
) -> None:
    if force or not remote.Target(address).is_complete():
        if needed is not None:
            needed()
        shards = KINDS[name].shards
        write(
            *(name, load_source(name), address),
            shards=shards,
            replace=force,
            writer=writer,
        )


def _refuse_other_files(path: Path, name: str) -> None:
    """Writing replaces the folder, which must not cost anyone's files."""
    choose = "choose an empty folder with --data-folder"
    if path.exists() and not path.is_dir():
        raise DataError(f"{path} is no folder: {choose}")
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not (path / index.FILE).is_file():
        raise DataError(f"{path} has files, but no {index.FILE}: {choose}")
    found = name
    with contextlib.suppress(DataError, OSError, UnicodeDecodeError):
        found = index.read_index((path / index.FILE).read_text(), str(path)).name
    if found != name:
        raise DataError(f"{path} holds the data {found!r}, not {name!r}: {choose}")
