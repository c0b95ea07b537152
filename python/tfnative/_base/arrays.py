# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is done to arrays before the run time sees them, where it is not nothing.

Called by the extension module for values that it cannot use as they are.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative.errors import Error, InvalidArgumentError, ResourceExhaustedError

# tensorflow.DataType, as in tfnative/abi.h.
_NUMBERS = {
    "float32": 1,
    "float64": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 5,
    "int8": 6,
    "complex64": 8,
    "int64": 9,
    "bool": 10,
    "bfloat16": 14,
    "uint16": 17,
    "complex128": 18,
    "float16": 19,
    "uint32": 22,
    "uint64": 23,
}


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The dtype for a type of the run time.

    Strings are objects: bytes. bfloat16 is ml_dtypes.bfloat16 if that package is
    installed, else its bits as uint16: NumPy has no such type.
    """
    if name == "string":
        return np.dtype(object)
    if name != "bfloat16":
        return np.dtype(name)
    try:
        import ml_dtypes
    except ImportError:
        return np.dtype(np.uint16)
    bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return bfloat16


def dtype_number(found: np.dtype[Any], expected: np.dtype[Any]) -> int:
    """The run time's number for a dtype; 0 if it has none.

    NumPy has several dtypes that are the same to us, as int and long are.
    """
    if found == expected:
        return _NUMBERS[
            "bfloat16"
            if expected.name == "uint16" and found.name == "bfloat16"
            else expected.name
        ]
    return _NUMBERS.get(found.name, 0)


def as_input(value: object, dtype: np.dtype[Any], where: str) -> npt.NDArray[Any]:
    """An array that is C-contiguous, aligned and in native byte order.

    Args:
        value: An array, or numbers in sequences that NumPy can convert to the dtype
            without a loss of kind (float to int), and integers in its range.
        dtype: The tensor's.
        where: Model, signature and tensor, for messages.

    Returns:
        An array of the dtype, or of another one that the run time knows and refuses.

    Raises:
        InvalidArgumentError: It cannot be had without a loss.
    """
    try:
        return _as_input(value, dtype, where)
    except Error:
        raise
    except MemoryError as error:
        raise ResourceExhaustedError(f"{where}: out of memory: {error}") from error
    # Whatever objects of callers raise when they are asked for their content.
    except Exception as error:
        raise InvalidArgumentError(
            f"{where}: expected {dtype.name}, got {type(value).__name__}: {error}"
        ) from error


def _as_input(value: object, dtype: np.dtype[Any], where: str) -> npt.NDArray[Any]:
    if isinstance(value, np.ma.MaskedArray):
        raise InvalidArgumentError(
            f"{where}: expected {dtype.name}, got a masked array: fill in what it hides"
        )
    if isinstance(value, np.ndarray):
        _check_copy(value, where)
    if dtype == np.object_:
        return _strings(value, where)
    if not isinstance(value, np.ndarray | np.generic):
        value = converted(value, dtype, where)
    if value.dtype.newbyteorder("=") != dtype:
        if dtype.name == "bfloat16" and value.dtype == np.uint16:
            value = value.view(dtype)
        elif value.dtype.name in _NUMBERS:
            # The run time refuses it, and says which shape it expects as well.
            return np.require(value, None, ["C", "A", "ENSUREARRAY"])
        else:
            raise InvalidArgumentError(
                f"{where}: expected {dtype.name}, got {value.dtype}"
                f" {tuple(value.shape)}"
            )
    return np.require(value, dtype, ["C", "A", "ENSUREARRAY"])


def _check_copy(value: npt.NDArray[Any], where: str) -> None:
    """Refuses a view of a few bytes that would be more than all memory if copied."""
    if value.nbytes > memory_bytes() and not value.flags.c_contiguous:
        raise ResourceExhaustedError(
            f"{where}: a copy of the array, of {value.dtype} {value.shape}, would have "
            f"{value.nbytes} bytes, which is more memory than there is"
        )


def memory_bytes() -> int:
    """What the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _strings(value: object, where: str) -> npt.NDArray[Any]:
    """An array of objects, which the extension module looks at one by one."""
    if not isinstance(value, np.ndarray | np.generic):
        return np.array(value, object, order="C")
    if value.dtype.kind not in "OSTU":
        raise InvalidArgumentError(
            f"{where}: expected string, got {value.dtype} {tuple(value.shape)}"
        )
    return np.require(value, object, ["C", "A", "ENSUREARRAY"])


def converted(value: object, dtype: np.dtype[Any], where: str) -> npt.NDArray[Any]:
    """An array of the dtype, from numbers that it can hold.

    Raises:
        InvalidArgumentError: They are of another kind (float to int), or out of range.
    """
    try:
        found = np.asarray(value)
        if found.dtype.kind in "iu" and dtype.kind in "iu":
            return _integers(found, dtype, where)
        if found.size > 0 and not np.can_cast(found.dtype, dtype, "same_kind"):
            raise InvalidArgumentError(
                f"{where}: expected {dtype.name}, got {found.dtype} {found.shape}"
            )
        return _cast(found, dtype, where)
    except InvalidArgumentError:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidArgumentError(
            f"{where}: expected {dtype.name}, got {type(value).__name__}: {error}"
        ) from error


def _cast(
    found: npt.NDArray[Any], dtype: np.dtype[Any], where: str
) -> npt.NDArray[Any]:
    """Numbers of another precision, of which none becomes infinite by that."""
    with np.errstate(all="ignore"):
        cast = np.asarray(found, dtype)
        if dtype.kind in "fcV" and found.dtype.kind in "iufc":
            lost = np.isfinite(found) & ~np.isfinite(cast)
            if lost.any():
                number = found[lost][0]
                raise InvalidArgumentError(
                    f"{where}: expected {dtype.name}, which cannot hold {number}"
                )
    return cast


def _integers(
    found: npt.NDArray[Any], dtype: np.dtype[Any], where: str
) -> npt.NDArray[Any]:
    """Integers of another size or sign, which NumPy would cut without a word."""
    bounds = np.iinfo(dtype)
    if found.size > 0:
        for value in (int(found.min()), int(found.max())):
            if not bounds.min <= value <= bounds.max:
                raise InvalidArgumentError(
                    f"{where}: expected {dtype.name}, which cannot hold {value}"
                )
    return np.asarray(found, dtype)


def as_output(value: object, dtype: np.dtype[Any], where: str) -> npt.NDArray[Any]:
    """Checks that results can be written to ``value`` as it is.

    Raises:
        InvalidArgumentError: They cannot; the message says why.
    """
    if not isinstance(value, np.ndarray):
        problem = f"expected an array to write to, got {type(value).__name__}"
    elif value.dtype != dtype:
        problem = f"expected {dtype.name}, got {value.dtype} {value.shape}"
    elif not value.flags.writeable:
        problem = "the array is read-only"
    elif not (value.flags.c_contiguous and value.flags.aligned):
        problem = "the array is not C-contiguous"
    else:
        return value
    raise InvalidArgumentError(f"{where}: {problem}")
