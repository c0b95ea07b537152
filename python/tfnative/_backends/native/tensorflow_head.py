# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled models of which TensorFlow runs the head."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfnative._backends.native.saved_part import inputs_by_name, open_part, said_by
from tfnative._base.arrays import numpy_dtype
from tfnative._signature import Signature, TensorSpec
from tfnative.errors import Error, LoadError

if TYPE_CHECKING:
    from tfnative._core import Model as CoreModel
    from tfnative._model import Model
    from tfnative.manifest import TensorFlowHead, TensorFlowTail, TensorManifest


class Feed:
    """Makes the inputs of compiled code from what callers pass.

    Two are equal if they make the same: one may stand in for the other.

    Attributes:
        head: What the manifest says of it; None if there is only a tail, which reads
            inputs that the compiled code does not have.
    """

    def __init__(
        self,
        where: str,
        head: TensorFlowHead | None,
        direct: Iterable[str],
        model: Model | None,
        tail: Iterable[str] = (),
    ) -> None:
        """Makes one.

        Args:
            where: Begins messages.
            head: The head.
            direct: Inputs of the compiled code that it leaves as they are.
            model: Runs the head.
            tail: Inputs that a tail reads.
        """
        self.head = head
        self._where = where
        self._taken = tuple(spec.name for spec in head.inputs) if head else ()
        self._direct = tuple(direct)
        self._names = tuple(dict.fromkeys([*self._direct, *self._taken, *tail]))
        self._model = model

    def __call__(self, inputs: Any) -> dict[str, Any]:
        """The inputs of the compiled code.

        Raises:
            InvalidArgumentError: An input is missing or too much, or TensorFlow refuses
                what it has.
            Error: Whatever else TensorFlow raises.
        """
        given = inputs_by_name(self._where, self._names, inputs)
        direct = {name: given[name] for name in self._direct}
        if self._model is None:
            return direct
        try:
            found = self._model.predict({name: given[name] for name in self._taken})
        except Error as error:
            said = f"{self._where}: in its head: {said_by(error)}"
            raise type(error)(said) from error
        return {**found, **direct}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Feed) and self._made_by() == other._made_by()

    def __hash__(self) -> int:
        return hash(self._made_by())

    def _made_by(self) -> tuple[object, ...]:
        if self.head is None:
            return (self._names,)
        return self.head.digest, self.head.inputs, self.head.feeds, self._names


def put_feed(
    model: CoreModel,
    signature: Signature,
    head: TensorFlowHead | None,
    tail: TensorFlowTail | None,
    artifact: Path,
    *,
    copied: bool = False,
) -> Signature:
    """Has a signature take what callers pass; returns it as they see it then.

    Args:
        model: Of the compiled code.
        signature: As it was compiled.
        head: What TensorFlow runs first, if anything.
        tail: What TensorFlow runs last, whose inputs are taken as well.
        artifact: The artifact's folder.
        copied: As for ``open_part``.

    Raises:
        NotFoundError: There is no TensorFlow.
        FailedPreconditionError: It is too old, or cannot be opened.
        LoadError: The head was changed, or does not fit the signature.
    """
    where = f"model {model.name!r}, signature {signature.name!r}"
    computed = head.feeds if head else ()
    if not set(computed) <= signature.inputs.keys():
        raise LoadError(f"{where}: its head computes inputs that it does not have")
    direct = {n: s for n, s in signature.inputs.items() if n not in computed}
    late = tail.inputs if tail else ()
    runner = open_part(where, head, artifact, copied=copied) if head else None
    if head or not {spec.name for spec in late} <= direct.keys():
        late_names = [spec.name for spec in late]
        feed = Feed(where, head, direct, runner, late_names)
        model._put_feed(signature.name, feed)
    own = _specs(head.inputs) if head else {}
    beside = {name: spec for name, spec in direct.items() if name not in own}
    return signature._replace(inputs={**own, **_specs(late), **beside})


def _specs(tensors: Iterable[TensorManifest]) -> dict[str, TensorSpec]:
    return {
        spec.name: TensorSpec(spec.name, numpy_dtype(spec.dtype), spec.shape)
        for spec in tensors
    }
