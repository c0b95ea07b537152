# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is fuzzed: each takes any bytes, and raises nothing but errors of ours.

A target fails with an AssertionError, or with any exception that is not of tfnative.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfnative._batch.options import read_batching_parameters
from tfnative._signature import Signature, TensorSpec
from tfnative.errors import (
    Error,
    InvalidArgumentError,
    ResourceExhaustedError,
    UnimplementedError,
)
from tfnative.serving import grpc_form
from tfnative.serving.server import rest_columns
from tfnative.serving.server.config import read_config_file
from tfnative.serving.server.grpc_inputs import GrpcInputs
from tfnative.serving.server.input_rules import InputRules, RequestInputs
from tfnative.serving.tensors.declaration import read_declaration
from tfnative.serving.tensors.decode import decode_declared

MOST_BYTES = 1 << 20
REFUSED = InvalidArgumentError, UnimplementedError, ResourceExhaustedError


def _rules(**dtypes: str) -> InputRules:
    inputs = {
        name: TensorSpec(name, np.dtype(d), (-1, 2)) for name, d in dtypes.items()
    }
    signature = Signature("s", inputs, {}, (), True)
    return InputRules("m", signature, MOST_BYTES)


_RULES = [
    _rules(x="float32"),
    _rules(x="int32"),
    _rules(x="object"),
    _rules(a="float32", b="bool"),
]


def _has_text(error: Error) -> None:
    assert str(error)


def tensors(data: bytes) -> None:
    """A TensorProto, and a PredictRequest, as they come over gRPC."""
    try:
        declared = read_declaration(memoryview(data))
        if declared.nbytes <= MOST_BYTES:
            found = decode_declared(declared)
            assert found.shape == declared.shape
            assert found.dtype == declared.dtype
    except REFUSED as error:
        _has_text(error)
    try:
        _, messages, _ = grpc_form.split_predict_request(data)
    except REFUSED:
        return
    for rules in _RULES:
        _check(GrpcInputs(messages, len(data)), rules)


def rest(data: bytes) -> None:
    """A body of a REST request."""
    try:
        document = rest_columns.read(memoryview(data), has_examples=False)
    except REFUSED:
        return
    assert json.loads(data.decode()).keys() == document.members.keys()
    for rules in _RULES:
        try:
            inputs = rest_columns.RestInputs(document)
        except REFUSED:
            break
        _check(inputs, rules)
    try:
        body = rest_columns.read(memoryview(data), has_examples=True)
        rest_columns.examples(body)
        assert body.signature_name != ""
    except REFUSED as error:
        _has_text(error)


def _check(inputs: RequestInputs, rules: InputRules) -> None:
    try:
        size = inputs.check(rules)
        arrays = inputs.arrays()
    except REFUSED as error:
        _has_text(error)
        return
    assert size <= MOST_BYTES
    for name, spec in rules.signature.inputs.items():
        assert arrays[name].dtype == spec.dtype
        assert arrays[name].ndim == 2


def configs(data: bytes) -> None:
    """A file with models, and one with parameters of batching."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(data)
        for read in (read_config_file, read_batching_parameters):
            try:
                read(path)
            except Error as error:
                _has_text(error)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "tensors": tensors,
    "rest": rest,
    "configs": configs,
}
CORPUS = Path(__file__).parent / "corpus"
"""A folder for each target, with a file for each input."""
