# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Whether samples fit a signature, and the rows that they are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative.errors import InvalidArgumentError
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.load.source import BATCH, Arrays

_SHOWN = 5
_BLOCK = 1 << 20

_MOST_EMPTY = 1000
"""Batches without rows, one after the other: whatever gives them may have no end."""


@dataclass(frozen=True)
class Block:
    """Arrays that came together, and fit.

    Attributes:
        arrays: By input.
        stacked: The inputs whose first dimension counts samples. The others are the
            same for all samples of the block.
        count: How many samples there are.
    """

    arrays: Arrays
    stacked: frozenset[str]
    count: int

    def sample(self, number: int) -> Arrays:
        """One of them: its own row of each input, in memory of its own."""
        return {
            name: np.array(array[number], array.dtype)
            if name in self.stacked
            else array
            for name, array in self.arrays.items()
        }


def fitting_block(
    given: Mapping[str, Any],
    inputs: Sequence[GraphTensor],
    where: str = "",
    others: Collection[str] = (),
    *,
    finite: bool = True,
) -> Block:
    """What was given for a signature, checked.

    Args:
        given: An array for each input. Where the signature has a batch, inputs with a
            batch have any number of rows. Where it has none, arrays are as the
            signature has them, or all have one dimension more, which counts samples.
        inputs: The signature's.
        where: Begins what is said of it, as "mapping 3, ".
        others: Names that mean something elsewhere, and nothing here.
        finite: Whether all numbers have to be.

    Raises:
        InvalidArgumentError: A name, dtype, shape or number does not fit.
    """
    _check_names(given, inputs, where, others)
    arrays = {t.name: _array(given[t.name], t, where) for t in inputs}
    has_batch = any(_has_batch(tensor) for tensor in inputs)
    stacked = frozenset(
        tensor.name
        for tensor in inputs
        if _is_stacked(arrays[tensor.name], tensor, where, has_batch)
    )
    counts = {name: len(arrays[name]) for name in stacked}
    if len(set(counts.values())) > 1 or (
        not has_batch and 0 < len(stacked) < len(inputs)
    ):
        shapes = {name: list(array.shape) for name, array in arrays.items()}
        raise InvalidArgumentError(
            f"--calibration: {where}all inputs need the same number of rows, got "
            f"{shapes}"
        )
    for tensor in inputs:
        if finite:
            _check_finite(arrays[tensor.name], tensor.name, where)
        if tensor.name not in stacked:  # Whoever gave it may write to it again.
            arrays[tensor.name] = arrays[tensor.name].copy()
    return Block(arrays, stacked, next(iter(counts.values()), 1))


def _check_names(
    given: Mapping[str, Any],
    inputs: Sequence[GraphTensor],
    where: str,
    others: Collection[str],
) -> None:
    known = [tensor.name for tensor in inputs]
    missing = [tensor for tensor in inputs if tensor.name not in given]
    if missing:
        raise InvalidArgumentError(
            f"--calibration: {where}there is no input {missing[0].name!r} (expected "
            f"{_expected(missing[0])}); given: {_listed(given)}"
        )
    unknown = [name for name in given if name not in known and name not in others]
    if unknown:
        raise InvalidArgumentError(
            f"--calibration: {where}the model has no input {unknown[0]!r}; it has "
            f"{_listed(known)}"
        )


def _array(given: Any, tensor: GraphTensor, where: str) -> npt.NDArray[Any]:
    try:
        array = np.asarray(given)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"--calibration: {where}input {tensor.name!r} is no array: {error}"
        ) from None
    if tensor.dtype == "string":
        if array.dtype.kind in "SU":
            array = array.astype(object)
        if array.dtype == object and all(
            isinstance(each, str | bytes) for each in array.ravel().tolist()
        ):
            return _as_bytes(array)
    if array.dtype.name != tensor.dtype:
        raise _does_not_fit(array, tensor, where)
    return array


def _as_bytes(texts: npt.NDArray[Any]) -> npt.NDArray[Any]:
    found = np.empty(texts.size, object)
    for number, text in enumerate(texts.ravel().tolist()):
        found[number] = text.encode() if isinstance(text, str) else text
    return found.reshape(texts.shape)


def _is_stacked(
    array: npt.NDArray[Any], tensor: GraphTensor, where: str, has_batch: bool
) -> bool:
    shape = tensor.shape or ()
    if _has_batch(tensor):
        fits, stacked = array.shape[1:] == shape[1:] and array.ndim > 0, True
    else:
        stacked = not has_batch and array.ndim == len(shape) + 1
        fits = (array.shape[1:] if stacked else array.shape) == shape
    if not fits:
        raise _does_not_fit(array, tensor, where)
    return stacked


def _does_not_fit(
    array: npt.NDArray[Any], tensor: GraphTensor, where: str
) -> InvalidArgumentError:
    came = "objects" if array.dtype == object else array.dtype.name
    return InvalidArgumentError(
        f"--calibration: {where}input {tensor.name!r} is {came} {list(array.shape)}, "
        f"expected {_expected(tensor)}"
    )


def _check_finite(array: npt.NDArray[Any], name: str, where: str) -> None:
    if array.dtype.kind in "biuOSU":
        return
    flat = array.reshape(-1)
    for first in range(0, flat.size, _BLOCK):
        finite = np.isfinite(flat[first : first + _BLOCK])
        if finite.all():
            continue
        place = first + int(np.argmin(finite))
        at = [int(index) for index in np.unravel_index(place, array.shape)]
        raise InvalidArgumentError(
            f"--calibration: {where}input {name!r} is {flat[place]} at {at}; expected "
            "finite numbers"
        )


def _has_batch(tensor: GraphTensor) -> bool:
    return bool(tensor.shape) and tensor.shape is not None and tensor.shape[0] == BATCH


def _expected(tensor: GraphTensor) -> str:
    shape = list(tensor.shape or ())
    note = ", where -1 is the number of rows" if BATCH in shape else ""
    return f"{tensor.dtype} {shape}{note}"


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(map(repr, sorted(map(str, names))[:_SHOWN]))
    return (f"{shown}, ..." if len(names) > _SHOWN else shown) or "none"


def samples_of(
    blocks: Iterator[Block], most: int | None
) -> Iterator[tuple[Block, int]]:
    """All samples of some blocks, ``most`` at most: the block, and the place in it.

    Raises:
        InvalidArgumentError: Nothing but empty blocks comes.
    """
    left, empty = most, 0
    for block in blocks:
        empty = 0 if block.count else empty + 1
        if empty > _MOST_EMPTY:
            raise InvalidArgumentError(
                f"--calibration: {empty} batches without rows came one after the other"
            )
        count = block.count if left is None else min(block.count, left)
        for number in range(count):
            yield block, number
        if left is not None:
            left -= count
            if left <= 0:
                return
