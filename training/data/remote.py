# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Data that lies elsewhere: fsspec copies it here once, file by file."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path, PurePosixPath
from typing import Any

from training.data import index
from training.errors import DataError

EXTRA = 'pip install "tfnative[training]"'


def is_remote(folder: str) -> bool:
    """Whether a folder is an address, as ``s3://bucket/digits``."""
    return "://" in folder and not folder.startswith("file://")


def fetch(address: str, cache: Path) -> Path:
    """Copies a folder with ``data.json`` here, and returns the copy.

    Files that were copied before, and have the size that ``data.json`` says, are not
    copied again. Credentials and endpoints come from the environment and from the
    files of the storage's own clients (``FSSPEC_S3_ENDPOINT_URL``, ``~/.aws``,
    ``GOOGLE_APPLICATION_CREDENTIALS``, and so on).

    Raises:
        DataError: The storage's package is missing, or it cannot be reached, or has
            no such files.
    """
    folder = cache / hashlib.sha256(address.encode()).hexdigest()[:16]
    system, root = _file_system(address)
    try:
        text = system.cat_file(f"{root}/{index.FILE}").decode()
        found = index.read_index(text, f"{address}/{index.FILE}")
        folder.mkdir(parents=True, exist_ok=True)
        for shard in found.train + found.held_out:
            if PurePosixPath(shard.file).name != shard.file:
                raise DataError(f"{address} names the file {shard.file!r}, with a path")
            target = folder / shard.file
            if not target.is_file() or target.stat().st_size != shard.bytes:
                partial = target.with_suffix(".partial")
                system.get_file(f"{root}/{shard.file}", str(partial))
                partial.replace(target)
        (folder / index.FILE).write_text(text)
    except FileNotFoundError as error:
        raise DataError(
            f"{address} has no {error.args[-1] if error.args else index.FILE}: write "
            "the data here with python -m training data, and upload the folder"
        ) from error
    except DataError:
        raise
    except Exception as error:  # Each storage has errors of its own.
        said = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{address} cannot be read ({said}): check the address and your credentials"
        ) from error
    return folder


def _file_system(address: str) -> tuple[Any, str]:
    if importlib.util.find_spec("fsspec") is None:
        raise DataError(f"{address} needs fsspec: {EXTRA}")
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(address.rstrip("/"))
    except ImportError as error:
        raise DataError(f"{address}: {error}") from error
    except ValueError as error:
        raise DataError(f"{address}: {error}; s3://, gs:// and hdfs:// work") from error
    return system, root
