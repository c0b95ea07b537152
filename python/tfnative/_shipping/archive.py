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
from tfnative._cache.folder import cache_folder, disk_error, make_cache
from tfnative._cache.lock import exclusive

_SHIPPED = "shipped"


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
    """
    folder, inner = _folder(Path(model))
    # Machines of a cluster keep it by this name.
    return Packed(f"{folder.name[:60]}-{folder_digest(folder)[:32]}", inner)


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
            with archive.open(entry, "w", force_zip64=True) as to, path.open("rb") as one:
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
        FailedPreconditionError: The cache cannot be written, or others may write to it.
        ResourceExhaustedError: The disk is full.
    """
    root = cache_folder()
    make_cache(root)
    folder = root / _SHIPPED / what.name
    if folder.exists():
        return folder / what.inner
    try:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        with exclusive(folder.parent / f".{what.name}.lock"):
            if not folder.exists():
                _unpack(folder, content())
    except OSError as error:
        raise disk_error(root, error) from None
    return folder / what.inner


def _unpack(folder: Path, content: Any) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(temporary)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _folder(model: Path) -> tuple[Path, str]:
    model = model.resolve()
    return (model, "") if model.is_dir() else (model.parent, model.name)
