# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled models of which TensorFlow runs the head."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfnative._base.arrays import numpy_dtype
from tfnative._signature import Signature, TensorSpec
from tfnative.errors import Error, InvalidArgumentError, LoadError, NotFoundError

if TYPE_CHECKING:
    from tfnative._core import Model as CoreModel
    from tfnative._model import Model
    from tfnative.manifest import TensorFlowHead


class Feed:
    """Makes the inputs of compiled code from what callers pass.

    Two are equal if they make the same: one may stand in for the other.

    Attributes:
        head: What the manifest says of it.
    """

    def __init__(
        self, where: str, head: TensorFlowHead, direct: Iterable[str], model: Model
    ) -> None:
        """Args: what begins messages; the head; inputs that it leaves as they are."""
        self.head = head
        self._where = where
        self._taken = tuple(spec.name for spec in head.inputs)
        self._direct = tuple(direct)
        self._names = tuple(dict.fromkeys([*self._direct, *self._taken]))
        self._model = model

    def __call__(self, inputs: Any) -> dict[str, Any]:
        """The inputs of the compiled code.

        Raises:
            InvalidArgumentError: An input is missing or too much, or TensorFlow refuses
                what it has.
            Error: Whatever else TensorFlow raises.
        """
        given = self._by_name(inputs)
        try:
            found = self._model.predict({name: given[name] for name in self._taken})
        except Error as error:
            raise type(error)(f"{self._where}: in its head: {error}") from error
        return {**found, **{name: given[name] for name in self._direct}}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Feed) and self._made_by() == other._made_by()

    def __hash__(self) -> int:
        return hash(self._made_by())

    def _made_by(self) -> tuple[object, ...]:
        return self.head.digest, self.head.inputs, self.head.feeds, self._names

    def _by_name(self, inputs: Any) -> Mapping[str, Any]:
        expected = ", ".join(map(repr, self._names))
        if not isinstance(inputs, Mapping):
            if len(self._names) == 1:
                return {self._names[0]: inputs}
            raise InvalidArgumentError(
                f"{self._where}: expected a dict with the inputs {expected}, got "
                f"{type(inputs).__name__}"
            )
        for name in self._names:
            if name not in inputs:
                raise InvalidArgumentError(
                    f"{self._where}: input {name!r} is missing; expected {expected}"
                )
        for name in inputs:
            if name not in self._names:
                raise InvalidArgumentError(
                    f"{self._where}: there is no input {name!r}; expected {expected}"
                )
        return inputs


def put_tensorflow(
    model: CoreModel,
    signature: Signature,
    head: TensorFlowHead,
    artifact: Path,
    *,
    copied: bool = False,
) -> Signature:
    """Has TensorFlow run a signature's head; returns it as callers see it then.

    ``copied``: TensorFlow opens a copy of the head's files that nobody else can write
    to, so that what it opens is what was compared with the head's digest.

    Raises:
        NotFoundError: There is no TensorFlow.
        FailedPreconditionError: It is too old, or cannot be opened.
        LoadError: The head was changed, or does not fit the signature.
    """
    where = f"model {model.name!r}, signature {signature.name!r}"
    folder = artifact / head.path
    inside = {spec.name for spec in head.inputs}
    direct = {n: s for n, s in signature.inputs.items() if n not in head.feeds}
    if not set(head.feeds) <= signature.inputs.keys():
        raise LoadError(f"{where}: its head computes inputs that it does not have")
    feed = Feed(where, head, direct, _open(where, head, folder, copied))
    model._put_feed(signature.name, feed)
    own = {
        spec.name: TensorSpec(spec.name, numpy_dtype(spec.dtype), spec.shape)
        for spec in head.inputs
    }
    beside = {name: spec for name, spec in direct.items() if name not in inside}
    return signature._replace(inputs={**own, **beside})


def head_digest(folder: Path) -> str:
    """SHA-256 over the files of a head; of none if there is no such folder."""
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


def _open(where: str, head: TensorFlowHead, folder: Path, copied: bool) -> Model:
    if not copied:
        return _open_checked(where, head, folder, folder)
    with tempfile.TemporaryDirectory(prefix="tfnative-head-") as private:
        copy = Path(private, "head")
        try:
            shutil.copytree(folder, copy)
        except OSError as error:
            raise LoadError(f"{where}: cannot copy {folder}: {error}") from error
        return _open_checked(where, head, folder, copy)


def _open_checked(
    where: str, head: TensorFlowHead, folder: Path, opened: Path
) -> Model:
    from tfnative._backends.tensorflow.model import TensorflowModel

    if head_digest(opened) != head.digest:
        raise LoadError(
            f"{where}: {folder} is not what was compiled: files were changed or lost"
        )
    try:
        return TensorflowModel(opened, device="cpu")
    except NotFoundError as error:
        raise NotFoundError(
            f"{where}: its ops {', '.join(head.ops)} run in TensorFlow, and {error}"
        ) from error
    except Error as error:
        raise type(error)(f"{where}: TensorFlow refuses {folder}: {error}") from error
