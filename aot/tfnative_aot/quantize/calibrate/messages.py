# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Samples in tf.Example messages, with a feature for each input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfnative.errors import InvalidArgumentError
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.load.source import BATCH

_LISTS = {"bytes_list": "bytes", "float_list": "floats", "int64_list": "integers"}


def parse_sample(
    record: bytes, inputs: Sequence[GraphTensor], where: str
) -> dict[str, npt.NDArray[Any]]:
    """The inputs of one sample, with one row where the signature has a batch.

    A feature has the input's numbers one by one, or all in one ``bytes`` value, as
    they lie in memory (little-endian). Features that are no inputs are not looked at.

    Args:
        record: A serialised tf.Example.
        inputs: The signature's.
        where: Begins what is said of it, as "record 3, ".

    Raises:
        InvalidArgumentError: It is no tf.Example, or a feature does not fit.
    """
    example = tf.train.Example()
    try:
        example.ParseFromString(record)
    except Exception as error:  # DecodeError, of whichever protobuf there is.
        raise InvalidArgumentError(
            f"--calibration: {where}is no tf.Example message: {error}"
        ) from error
    features = example.features.feature
    return {
        tensor.name: _parsed(features[tensor.name], tensor, where)
        for tensor in inputs
        if tensor.name in features
    }


def _parsed(feature: Any, tensor: GraphTensor, where: str) -> npt.NDArray[Any]:
    shape = tuple(1 if size == BATCH else size for size in tensor.shape or ())
    count = math.prod(shape)
    kind = feature.WhichOneof("kind")
    values: Sequence[Any] = getattr(feature, kind).value if kind else []
    if tensor.dtype == "string":
        _check_count(
            kind == "bytes_list" and len(values) == count, feature, tensor, where
        )
        found = np.empty(count, object)
        found[:] = list(values)
        return found.reshape(shape)
    dtype = numpy_dtype(tensor.dtype)
    if kind == "bytes_list" and len(values) == 1:
        size = count * dtype.itemsize
        if len(values[0]) != size:
            raise InvalidArgumentError(
                f"--calibration: {where}feature {tensor.name!r} has {len(values[0])} "
                f"bytes, expected the {size} of {tensor.dtype} {list(shape)}; images "
                "have to be decoded before"
            )
        return np.frombuffer(values[0], dtype).reshape(shape)
    wanted = ("int64_list",) if dtype.kind in "iub" else ("float_list", "int64_list")
    _check_count(kind in wanted and len(values) == count, feature, tensor, where)
    return _converted(np.array(values), dtype, tensor, where).reshape(shape)


def _check_count(fits: bool, feature: Any, tensor: GraphTensor, where: str) -> None:
    if fits:
        return
    kind = feature.WhichOneof("kind")
    count = len(getattr(feature, kind).value) if kind else 0
    shape = [1 if size == BATCH else size for size in tensor.shape or ()]
    raise InvalidArgumentError(
        f"--calibration: {where}feature {tensor.name!r} has {count} "
        f"{_LISTS.get(kind, 'values')}, expected {math.prod(shape)} for {tensor.dtype} "
        f"{shape}"
    )


def _converted(
    values: npt.NDArray[Any], dtype: np.dtype[Any], tensor: GraphTensor, where: str
) -> npt.NDArray[Any]:
    """Numbers in the input's type, which has to hold whole ones as they are."""
    with np.errstate(over="ignore"):  # Infinities are found where all are looked for.
        found = values.astype(dtype)
    if dtype.kind in "iub" and not np.array_equal(found.astype(np.int64), values):
        raise InvalidArgumentError(
            f"--calibration: {where}feature {tensor.name!r} has numbers that "
            f"{tensor.dtype} does not hold"
        )
    return found
