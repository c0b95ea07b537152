# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The values of a tensor are in the field of their type: as many as it holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tfnative

pytest.importorskip("google.protobuf", reason="needs protobuf")

from tfnative._base.arrays import numpy_dtype
from tfnative.serving import messages
from tfnative.serving.tensors.fields import VALUES
from tfnative.serving.tensors.values import FIELDS, read_values

SOME = [0, 1, 1, 0, 1]


def message_of(name: str, numbers: list[Any]) -> memoryview:
    """A TensorProto with numbers in the field of a type."""
    proto = messages.TensorProto()
    field = VALUES[FIELDS[name].number]
    if name in ("float16", "bfloat16"):
        bits = np.array(numbers, numpy_dtype(name)).view(np.uint16)
        numbers = bits.tolist()
    getattr(proto, field).extend(numbers)
    return memoryview(proto.SerializeToString())


@pytest.mark.parametrize("name", FIELDS)
def test_there_are_as_many_as_the_shape_allows(name):
    pytest.importorskip("ml_dtypes", reason="needs it for bfloat16")
    dtype = numpy_dtype(name)
    is_complex = dtype.kind == "c"
    numbers = [part for one in SOME for part in (one, -one)] if is_complex else SOME
    expected = [complex(one, -one) for one in SOME] if is_complex else SOME
    message = message_of(name, numbers)
    for limit in (len(SOME), len(SOME) + 1):
        found = read_values(message, name, dtype, limit)
        assert found.dtype == dtype
        assert found.tolist() == expected
    with pytest.raises(tfnative.InvalidArgumentError):
        read_values(message, name, dtype, len(SOME) - 1)
    assert read_values(memoryview(b""), name, dtype, 3).shape == (0,)


@pytest.mark.parametrize("name", ["complex64", "complex128"])
def test_half_a_complex_number_is_none(name):
    message = message_of(name, [1.0, 2.0, 3.0])
    with pytest.raises(tfnative.InvalidArgumentError, match="cut off"):
        read_values(message, name, numpy_dtype(name), 9)


@pytest.mark.parametrize("name", ["int32", "int16", "int8", "uint8", "uint16"])
def test_what_a_type_does_not_hold_is_refused(name):
    bounds = np.iinfo(name)
    for good in (int(bounds.min), int(bounds.max)):
        found = read_values(message_of(name, [good]), name, np.dtype(name), 1)
        assert found.tolist() == [good]
    for bad in {bounds.min - 1, bounds.max + 1} - {-(1 << 31) - 1, 1 << 31}:
        with pytest.raises(tfnative.InvalidArgumentError, match=f"cannot hold {bad}"):
            read_values(message_of(name, [bad]), name, np.dtype(name), 1)
