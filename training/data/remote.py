# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Data that lies elsewhere: fsspec copies it here, or there, file by file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.util
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data import index
from training.data.folders import cannot_write
from training.data.records import replacing, sha256_of, write_shard
from training.errors import DataError

EXTRA = 'pip install "tfnative[training]"'


def is_remote(folder: str) -> bool:
    """Whether a folder is an address, as ``s3://bucket/digits``."""
    return "://" in folder and not folder.startswith("file://")


def fetch(address: str, cache: Path) -> Path:
    """Copies a folder with ``data.json`` here, and returns the copy.

    Files that were copied before, and have the digest that ``data.json`` says, are not
    copied again; other data at the same address gets another folder. Several processes
    may do so at once. Credentials and endpoints come from the environment and from the
    files of the storage's own clients (``FSSPEC_S3_ENDPOINT_URL``, ``~/.aws``,
    ``GOOGLE_APPLICATION_CREDENTIALS``, and so on).

    Raises:
        DataError: The storage's package is missing, or it cannot be reached, or has
            no such files; or there is no space for them here.
    """
    system, root = _file_system(address)
    with _explained(address, "read"):
        text = system.cat_file(f"{root}/{index.FILE}").decode()
        command = f"{index.again('NAME', address)} --with plain"
        found = index.read_index(text, f"{address}/{index.FILE}", command)
        key = hashlib.sha256(f"{address}\n{text}".encode()).hexdigest()[:16]
        folder = cache / key
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for shard in found.train + found.held_out:
                _copy(system, f"{root}/{shard.file}", folder / shard.file, shard)
            with replacing(folder / index.FILE) as temporary:
                temporary.write_text(text)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
                raise
            raise cannot_write(str(folder), error) from error
    return folder


def _copy(system: Any, source: str, target: Path, shard: index.Shard) -> None:
    if target.is_file() and sha256_of(target) == shard.sha256:
        return
    with replacing(target) as temporary:
        system.get_file(source, str(temporary))
        if sha256_of(temporary) != shard.sha256:
            raise DataError(
                f"{source} is not what {index.FILE} says, or came here damaged: try "
                "again, or write the data there anew"
            )


@dataclass(frozen=True)
class Target:
    """An address that data is written to, by one or several machines.

    Attributes:
        address: The folder, as ``s3://bucket/digits``.
    """

    address: str

    def is_complete(self) -> bool:
        """Whether there is a ``data.json``."""
        system, root = _file_system(self.address)
        with _explained(self.address, "read"):
            system.invalidate_cache()
            return bool(system.exists(f"{root}/{index.FILE}"))

    def begin(self, name: str, *, replace: bool) -> bool:
        """Whether data is to be written; what was there is no longer complete then.

        Raises:
            DataError: Other data is there, or it cannot be reached.
        """
        if not self.is_complete():
            return True
        if not replace:
            return False
        system, root = _file_system(self.address)
        with _explained(self.address, "written"):
            found = name
            with contextlib.suppress(DataError, UnicodeDecodeError):
                text = system.cat_file(f"{root}/{index.FILE}").decode()
                found = index.read_index(text, self.address).name
            if found != name:
                raise DataError(
                    f"{self.address} holds the data {found!r}, not {name!r}: choose "
                    "an empty folder with --data-folder"
                )
            system.rm_file(f"{root}/{index.FILE}")
        return True

    def put(self, file: str, records: Iterable[bytes]) -> index.Shard:
        """Writes a TFRecord file here, and copies it there when it is whole.

        Raises:
            DataError: It cannot be written.
        """
        with tempfile.TemporaryDirectory(prefix="tfnative-") as folder:
            path = Path(folder) / file
            try:
                shard = write_shard(path, records)
            except OSError as error:
                raise cannot_write(str(path), error) from error
            system, root = _file_system(self.address)
            with _explained(self.address, "written"):
                system.put_file(str(path), f"{root}/{file}")
        return shard

    def finish(self, found: index.Index) -> None:
        """Writes ``data.json``, with which the data is complete."""
        system, root = _file_system(self.address)
        with _explained(self.address, "written"):
            system.pipe_file(f"{root}/{index.FILE}", found.to_json().encode())


@contextlib.contextmanager
def _explained(address: str, done: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        missing = error.args[-1] if error.args else index.FILE
        raise DataError(
            f"{address} has no {missing}: write the data there with python -m training "
            f"data NAME --with plain --data-folder {address}, or write it here and "
            "upload the folder"
        ) from error
    except Exception as error:  # Each storage has errors of its own.
        said = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{address} cannot be {done} ({said}): check the address and your "
            "credentials"
        ) from error


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
