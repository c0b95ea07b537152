# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiled models of which TensorFlow runs the tail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfnative._backends.native.saved_part import open_part, said_by
from tfnative._base.arrays import as_input, as_output, numpy_dtype
from tfnative._signature import Signature, TensorSpec
from tfnative.errors import Error, InvalidArgumentError, LoadError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tfnative._core import Model as CoreModel
    from tfnative._model import Model
    from tfnative.manifest import TensorFlowTail

Outputs = Mapping[str, Any]


class Tail:
    """Makes what callers get from what compiled code gives.

    Two are equal if they make the same: one may stand in for the other.

    Attributes:
        compiled: The signature, as it was compiled.
    """

    def __init__(
        self,
        where: str,
        tail: TensorFlowTail,
        compiled: Signature,
        outputs: Mapping[str, TensorSpec],
        model: Model,
    ) -> None:
        """Makes one.

        Args:
            where: Begins messages.
            tail: What the manifest says of it.
            compiled: The signature, as it was compiled.
            outputs: All that callers get.
            model: Runs the tail.
        """
        self.compiled = compiled
        self._where = where
        self._tail = tail
        self._outputs = outputs
        self._batched = tuple(
            name
            for name, spec in compiled.outputs.items()
            if (spec.shape or ())[:1] == (-1,)
        )
        self._model = model
        self._reads = read_names(tail.reads)
        self._passes = tuple(name for name in outputs if name in tail.passes)

    def __call__(self, inputs: Any) -> Callable[[Outputs, Any], Any]:
        """Takes what it reads of the inputs that callers pass.

        Returns:
            A function of the compiled code's outputs, by name, and of the arrays to
            write to, or None. It returns what ``predict`` does.

        Raises:
            InvalidArgumentError: An input is missing, or is no array.
        """
        as_dict = isinstance(inputs, Mapping)
        if not as_dict and self._tail.inputs:
            inputs = {self._tail.inputs[0].name: inputs}
        taken = {spec.name: self._array(spec, inputs) for spec in self._tail.inputs}
        return partial(self._finish, taken, as_dict)

    def run(self, inputs: Outputs, between: Outputs) -> dict[str, Any]:
        """All outputs, for inputs of the whole and outputs of the compiled code.

        Raises:
            Error: As ``predict``.
        """
        found: dict[str, Any] = self(inputs)(between, None)
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tail) and self._tail == other._tail

    def __hash__(self) -> int:
        return hash(self._tail)

    def _array(self, spec: Any, inputs: Mapping[str, Any]) -> npt.NDArray[Any]:
        if spec.name not in inputs:
            raise InvalidArgumentError(f"{self._where}: input {spec.name!r} is missing")
        place = f"{self._where}, input {spec.name!r}"
        return as_input(inputs[spec.name], numpy_dtype(spec.dtype), place)

    def _finish(
        self,
        taken: Mapping[str, npt.NDArray[Any]],
        as_dict: bool,
        between: Outputs,
        out: Any,
    ) -> Any:
        self._check_rows(taken, between)
        given = {name: between[read] for read, name in self._reads.items()}
        try:
            found = self._model.predict({**taken, **given})
        except Error as error:
            said = f"{self._where}: in its tail: {said_by(error)}"
            raise type(error)(said) from error
        found |= {name: between[name] for name in self._passes}
        ordered = {name: found[name] for name in self._outputs}
        if out is not None:
            ordered = self._written(ordered, out)
        if not as_dict and len(ordered) == 1:
            return next(iter(ordered.values()))
        return ordered

    def _check_rows(
        self, taken: Mapping[str, npt.NDArray[Any]], between: Outputs
    ) -> None:
        """That inputs which only the tail reads have a row for each of the others."""
        rows = {len(between[name]) for name in self._batched}
        for spec in self._tail.inputs:
            if spec.shape[:1] != (-1,) or len(rows) != 1:
                continue
            array, (expected,) = taken[spec.name], rows
            if array.ndim == 0 or len(array) != expected:
                raise InvalidArgumentError(
                    f"{self._where}: inputs have different numbers of rows: input "
                    f"{spec.name!r} has shape {array.shape}, and others have "
                    f"{expected} rows"
                )

    def _written(self, found: Mapping[str, Any], out: Any) -> dict[str, Any]:
        """The caller's arrays, with the outputs in them."""
        arrays = self._arrays(out)
        for name, array in arrays.items():
            value = found[name]
            if array.shape != value.shape:
                raise InvalidArgumentError(
                    f"{self._where}, output {name!r}: it has shape {value.shape}, and "
                    f"the array to write to {array.shape}"
                )
        for name, array in arrays.items():
            array[...] = found[name]
        return arrays

    def _arrays(self, out: Any) -> dict[str, npt.NDArray[Any]]:
        """The arrays that callers want results in, which fit but for their shapes."""
        names = list(self._outputs)
        if not isinstance(out, Mapping):
            out = {names[0]: out} if len(names) == 1 else {}
        if set(out) != set(names):
            raise InvalidArgumentError(
                f"{self._where}: expected arrays for the outputs "
                f"{', '.join(map(repr, names))}, got {', '.join(map(repr, out))}"
            )
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, spec in self._outputs.items():
            place = f"{self._where}, output {name!r}"
            arrays[name] = as_output(out[name], spec.dtype, place)
            others = (other for known, other in arrays.items() if known != name)
            if any(np.may_share_memory(arrays[name], other) for other in others):
                raise InvalidArgumentError(
                    f"{place}: shares memory with another output"
                )
        return arrays


def read_names(reads: Sequence[str]) -> dict[str, str]:
    """What a tail calls the outputs of compiled code that it reads.

    An input of the whole may have the same name as one of these.
    """
    return {name: f"compiled/{name}" for name in reads}


def put_tail(
    model: CoreModel,
    signature: Signature,
    tail: TensorFlowTail,
    artifact: Path,
    *,
    copied: bool = False,
) -> tuple[Tail, dict[str, TensorSpec]]:
    """Has TensorFlow run a signature's tail.

    Args:
        model: Of the compiled code.
        signature: As it was compiled.
        tail: What the manifest says of it.
        artifact: The artifact's folder.
        copied: As for ``open_part``.

    Returns:
        The tail, and the outputs as callers see them.

    Raises:
        NotFoundError: There is no TensorFlow.
        FailedPreconditionError: It is too old, or cannot be opened.
        LoadError: The tail was changed, or does not fit the signature.
    """
    where = f"model {model.name!r}, signature {signature.name!r}"
    if not {*tail.reads, *tail.passes} <= signature.outputs.keys():
        raise LoadError(f"{where}: its tail reads outputs that it does not have")
    known = {name: signature.outputs[name] for name in tail.passes}
    for spec in tail.outputs:
        if spec.name in known:
            raise LoadError(f"{where} has two outputs {spec.name!r}")
        known[spec.name] = TensorSpec(spec.name, numpy_dtype(spec.dtype), spec.shape)
    outputs = {name: known[name] for name in sorted(known)}
    runner = open_part(where, tail, artifact, copied=copied)
    own = Tail(where, tail, signature, outputs, runner)
    model._put_tail(signature.name, own)
    return own, outputs
