# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of compiled models that TensorFlow runs, as the artifact has them."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfnative.errors import Error, InvalidArgumentError, LoadError, NotFoundError

if TYPE_CHECKING:
    from tfnative._model import Model
    from tfnative.manifest import TensorFlowHead, TensorFlowTail

_QUOTED = r"""(?:'(?:[^'\\]|\\.)*'|"[^"]*")"""
_AS_A_MODEL = re.compile(rf"^model {_QUOTED}, signature {_QUOTED}[:,] ")


def inputs_by_name(where: str, names: Sequence[str], inputs: Any) -> Mapping[str, Any]:
    """What callers pass, by name.

    Args:
        where: Begins messages.
        names: Of all inputs.
        inputs: A dict with exactly these, or the value of the only one.

    Raises:
        InvalidArgumentError: An input is missing or too much.
    """
    expected = ", ".join(map(repr, names))
    if not isinstance(inputs, Mapping):
        if len(names) == 1:
            return {names[0]: inputs}
        raise InvalidArgumentError(
            f"{where}: expected a dict with the inputs {expected}, got "
            f"{type(inputs).__name__}"
        )
    for name in names:
        if name not in inputs:
            raise InvalidArgumentError(
                f"{where}: input {name!r} is missing; expected {expected}"
            )
    for name in inputs:
        if name not in names:
            raise InvalidArgumentError(
                f"{where}: there is no input {name!r}; expected {expected}"
            )
    return inputs


def part_digest(folder: Path) -> str:
    """SHA-256 over the files of a part; of none if there is no such folder."""
    sha = hashlib.sha256()
    try:
        files = sorted(
            (path.relative_to(folder).as_posix(), path)
            for path in folder.rglob("*")
            if path.is_file()
        )
        for name, path in files:
            sha.update(f"{name}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    sha.update(block)
    except OSError as error:
        raise LoadError(f"cannot read {folder}: {error}") from error
    return f"sha256:{sha.hexdigest()}"


def open_part(
    where: str, part: TensorFlowHead | TensorFlowTail, artifact: Path, *, copied: bool
) -> Model:
    """Opens a part in TensorFlow.

    Args:
        where: Begins messages.
        part: What the manifest says of it.
        artifact: The artifact's folder.
        copied: Whether TensorFlow opens a copy of the files that nobody else can write
            to, so that what it opens is what was compared with the digest.

    Raises:
        NotFoundError: There is no TensorFlow.
        FailedPreconditionError: It is too old, or cannot be opened.
        LoadError: The part was changed.
    """
    folder = artifact / part.path
    if not copied:
        return _open_checked(where, part, folder, folder)
    with tempfile.TemporaryDirectory(prefix="tfnative-part-") as private:
        copy = Path(private, "part")
        try:
            shutil.copytree(folder, copy)
        except OSError as error:
            raise LoadError(f"{where}: cannot copy {folder}: {error}") from error
        return _open_checked(where, part, folder, copy)


def _open_checked(
    where: str, part: TensorFlowHead | TensorFlowTail, folder: Path, opened: Path
) -> Model:
    from tfnative._backends.tensorflow.model import TensorflowModel

    if part_digest(opened) != part.digest:
        raise LoadError(
            f"{where}: {folder} is not what was compiled: files were changed or lost"
        )
    try:
        return TensorflowModel(opened, device="cpu")
    except NotFoundError as error:
        raise NotFoundError(
            f"{where}: its ops {', '.join(part.ops)} run in TensorFlow, and {error}"
        ) from error
    except Error as error:
        raise type(error)(f"{where}: TensorFlow refuses {folder}: {error}") from error


def said_by(error: Error) -> str:
    """What TensorFlow says of a part, without the names that it has as a model."""
    return _AS_A_MODEL.sub("", str(error))
