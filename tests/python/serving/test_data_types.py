# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Types and fields have the numbers that TensorFlow's own messages have."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import descriptor_pb2

import tfnative
from tfnative.serving.tensors import fields
from tfnative.serving.tensors.data_types import (
    DATA_TYPES,
    DT_STRING,
    data_type_dtype,
    data_type_name,
    data_type_of,
)

OTHER_NAMES = {"float": "float32", "double": "float64", "half": "float16"}


def file_of(name: str) -> descriptor_pb2.FileDescriptorProto:
    """A file of messages, as TensorFlow has it, but not imported, which is slow."""
    found = importlib.util.find_spec("tensorflow")
    if found is None or found.origin is None:
        pytest.skip("needs TensorFlow's messages")
    source = Path(found.origin).parent / "core" / "framework" / f"{name}_pb2.py"
    (serialised,) = (
        node.args[0].value
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "AddSerializedFile"
        and isinstance(node.args[0], ast.Constant)
    )
    assert isinstance(serialised, bytes)
    return descriptor_pb2.FileDescriptorProto.FromString(serialised)


def test_types_have_tensorflows_numbers():
    (types,) = file_of("types").enum_type
    unnamed = set()
    for each in types.value:
        if each.number == 0 or each.number > 100:  # None, and those of references.
            continue
        known = each.name.removeprefix("DT_").lower()
        found = data_type_name(each.number)
        if found == f"DataType {each.number}":
            unnamed.add(each.number)
        else:
            assert found == OTHER_NAMES.get(known, known)
    assert not any(number <= 25 or number in (29, 30) for number in unnamed)


def test_values_are_in_tensorflows_fields():
    message = file_of("tensor").message_type[0]
    known = {field.name: field.number for field in message.field}
    assert {
        number: name for name, number in known.items() if name.endswith("_val")
    } == fields.VALUES
    names = ("dtype", "tensor_shape", "tensor_content", "string_val")
    numbers = (fields.DTYPE, fields.SHAPE, fields.CONTENT, fields.STRINGS)
    assert tuple(known[name] for name in names) == numbers


def test_types_of_arrays_are_those_of_tensors():
    for name, number in DATA_TYPES.items():
        dtype = data_type_dtype(number)
        assert data_type_name(number) == name
        if dtype.name == name:  # Without a package for it, bfloat16 has none.
            assert data_type_of(dtype) == number
    assert data_type_dtype(DT_STRING) == np.dtype(object)
    assert {data_type_of(np.dtype(kind)) for kind in "OSU"} == {DT_STRING}


@pytest.mark.parametrize(
    ("number", "name"), [(11, "qint8"), (29, "int4"), (0, "DataType 0")]
)
def test_types_that_no_array_has_are_refused_by_name(number, name):
    with pytest.raises(tfnative.UnimplementedError, match=name):
        data_type_dtype(number)
