# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an input may be is told from its type and shape alone."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import tfnative
from tfnative._base.arrays import numpy_dtype
from tfnative.serving.server.input_rules import InputRules, array_bytes

pytest.importorskip("ml_dtypes", reason="needs it for bfloat16")

F4 = np.dtype(np.float32)
SPECS = {
    "x": tfnative.TensorSpec("x", F4, (-1, 3)),
    "fixed": tfnative.TensorSpec("fixed", F4, (2,)),
    "any": tfnative.TensorSpec("any", F4, None),
    "free": tfnative.TensorSpec("free", F4, (-1, 2, -1)),
    "text": tfnative.TensorSpec("text", np.dtype(object), (-1,)),
    "half": tfnative.TensorSpec("half", numpy_dtype("bfloat16"), (-1,)),
    "one": tfnative.TensorSpec("one", F4, ()),
}


def rules(**options: Any) -> InputRules:
    signature = tfnative.Signature("s", SPECS, {}, (), True)
    return InputRules("model 'm'", signature, 100, **options)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("x", (0, 3)),
        ("x", (7, 3)),
        ("fixed", (2,)),
        ("any", ()),
        ("any", (1, 2, 3)),
        ("free", (4, 2, 9)),
        ("text", (3,)),
        ("half", (3,)),
        ("one", ()),
    ],
)
def test_what_fits_is_taken(name, shape):
    rules().check(name, SPECS[name].dtype, shape)


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "said"),
    [
        ("x", "f4", (7, 2), "expected float32 (rows, 3), got float32 (7, 2)"),
        ("x", "f4", (7, 4), "expected float32 (rows, 3), got float32 (7, 4)"),
        ("x", "f4", (3,), "expected float32 (rows, 3), got float32 (3,)"),
        ("x", "f4", (1, 3, 1), "expected float32 (rows, 3), got float32 (1, 3, 1)"),
        ("x", "f8", (7, 3), "expected float32 (rows, 3), got float64 (7, 3)"),
        ("x", "O", (7, 3), "expected float32 (rows, 3), got string (7, 3)"),
        ("fixed", "f4", (1,), "expected float32 (2,), got float32 (1,)"),
        ("any", "i4", (), "expected float32, got int32 ()"),
        ("free", "f4", (1, 3, 1), "expected float32 (rows, 2, ?), got"),
        ("text", "f4", (1,), "expected string (rows,), got float32 (1,)"),
        ("half", "i2", (1,), "expected bfloat16 (rows,), got int16 (1,)"),
        ("x", "u2", (1, 3), "expected float32 (rows, 3), got uint16 (1, 3)"),
        ("one", "f4", (1,), "expected float32 (), got float32 (1,)"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_expected(name, dtype, shape, said):
    with pytest.raises(tfnative.InvalidArgumentError) as refused:
        rules().check(name, np.dtype(dtype), shape)
    assert f"model 'm': input {name!r}: {said}" in str(refused.value)


def test_bits_stand_for_bfloat16():
    rules().check("half", np.dtype(np.uint16), (1,))


def test_there_may_be_a_most_of_rows():
    limited = rules(max_rows=4)
    limited.check("x", F4, (4, 3))
    limited.check("fixed", F4, (2,))
    limited.check("any", F4, (9,))
    message = re.escape("a request has 5 rows, but max_batch_size is 4")
    with pytest.raises(tfnative.InvalidArgumentError, match=message):
        limited.check("x", F4, (5, 3))


def test_what_is_padded_may_be_smaller():
    padded = rules(is_padded=True)
    padded.check("x", F4, (7, 2))
    padded.check("free", F4, (7, 1, 9))
    for shape in ((7, 4), (7,), (7, 2, 1)):
        with pytest.raises(tfnative.InvalidArgumentError, match="expected"):
            padded.check("x", F4, shape)


def test_the_names_are_those_of_the_signature():
    rules().check_names(SPECS)
    with pytest.raises(tfnative.InvalidArgumentError, match="input 'one' is missing"):
        rules().check_names(SPECS.keys() - {"one"})
    with pytest.raises(tfnative.InvalidArgumentError, match="there is no input 'two'"):
        rules().check_names(SPECS.keys() | {"two"})


def test_as_many_bytes_as_are_allowed_are_taken():
    assert array_bytes(F4, (5, 5)) == 100
    assert array_bytes(F4, ()) == 4
    rules().check_bytes(100)
    with pytest.raises(tfnative.ResourceExhaustedError, match=r"take 101 bytes.* 100"):
        rules().check_bytes(101)
