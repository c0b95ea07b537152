# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A model's folder as one file, and again as a folder on another machine."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tfnative._cache.digest import folder_digest
from tfnative._cache.folder import (
    cache_folder,
    close_to_others,
    disk_error,
    make_cache,
)
from tfnative._cache.lock import exclusive
from tfnative._cache.shipped import shipped_folder
from tfnative.errors import InternalError, NotFoundError


@dataclass(frozen=True)
class Packed:
    """A model that can travel.

    Attributes:
        name: Of its folder on other machines; another model has another one.
        inner: What to load in it, a relative path.
    """

    name: str
    inner: str


def packed(model: str | os.PathLike[str]) -> Packed:
    """What a model is called on its way.

    Args:
        model: As ``Model.path`` is: the folder, or a library in it.

    Raises:
        NotFoundError: There is none.
    """
    folder, inner = _folder(Path(model))
    # Machines of a cluster keep it by this name.
    return Packed(f"{folder.name[:60]}-{_digest(folder)}", inner)


def pack(model: str | os.PathLike[str], file: IO[bytes]) -> None:
    """Writes a model's folder as a zip file, which any engine can unpack.

    Weights hardly get smaller, and are not compressed.

    Raises:
        OSError: A file cannot be read, or the archive not be written.
    """
    folder, _ = _folder(Path(model))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            # Without times and owners: the same bytes whoever packs, and whenever.
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            if path.is_dir():
                archive.writestr(zipfile.ZipInfo(f"{entry.filename}/"), b"")
                continue
            with (
                archive.open(entry, "w", force_zip64=True) as to,
                path.open("rb") as one,
            ):
                shutil.copyfileobj(one, to, 1 << 20)


def unpack(what: Packed, content: Callable[[], Any]) -> Path:
    """The model that an archive has, on this machine, for all of its processes.

    Args:
        what: Its name.
        content: Gives the archive, anything that has a buffer; called if the model is
            not there yet.

    Returns:
        What ``load`` takes. It is in the cache, under ``shipped``.

    Raises:
        FailedPreconditionError: The cache cannot be written.
        PermissionDeniedError: Others may write to the cache.
        ResourceExhaustedError: The disk is full.
        InternalError: The archive is damaged, or has another model.
    """
    root = cache_folder()
    folder = shipped_folder() / what.name
    try:
        make_cache(root)
        if folder.exists():
            return folder / what.inner
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        with exclusive(folder.parent / f".{what.name}.lock"):
            if not folder.exists():
                _unpack(what, folder, content())
    except OSError as error:
        raise disk_error(root, error) from None
    return folder / what.inner


def _unpack(what: Packed, folder: Path, content: Any) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(temporary)
        except (zipfile.BadZipFile, ValueError, EOFError) as error:
            raise InternalError(f"model {what.name} did not arrive: {error}") from None
        close_to_others(temporary)
        if not what.name.endswith(_digest(temporary)):
            raise InternalError(f"model {what.name} did not arrive as it was sent")
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.exists():  # Else another process was as fast.
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # It is gone where all went well.


def _digest(folder: Path) -> str:
    return folder_digest(folder)[:32]


def _folder(model: Path) -> tuple[Path, str]:
    model = model.resolve()
    if not model.exists():
        raise NotFoundError(f"there is no model {model}")
    return (model, "") if model.is_dir() else (model.parent, model.name)
