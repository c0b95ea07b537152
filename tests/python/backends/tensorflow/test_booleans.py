# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Booleans whose bytes are neither 0 nor 1 are true, whichever way they come."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfnative
from tfnative.serving.tensors.decode import decode_tensor

pytest.importorskip("tensorflow")

BYTES = np.array([[2, 0, 1], [255, 128, 0], [0, 0, 0], [4, 8, 16]], np.uint8)
X = BYTES.view(bool)
TRUTH = BYTES != 0
EXPECTED: dict[str, np.ndarray] = {
    "all": TRUTH.all(1),
    "cast": TRUTH.astype(np.float32),
    "not": ~TRUTH,
    "same": TRUTH,
    "sum": TRUTH.sum(1).astype(np.int32),
    "where": np.where(TRUTH, np.float32(3), np.float32(5)),
}


@pytest.fixture(scope="module")
def paths(
    saved: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    source = saved("booleans")
    output = tmp_path_factory.mktemp("compiled") / "booleans"
    tfnative.compile(source, output, batch_sizes=(1, 4), cpus=["native"])
    return {"native": output, "tensorflow": source}


@pytest.fixture(params=["native", "tensorflow"])
def model(request, paths) -> Iterator[tfnative.Model]:
    with tfnative.load(paths[request.param], backend=request.param) as model:
        yield model


def assert_known(found: Any, rows: int = 4) -> None:
    for name, expected in EXPECTED.items():
        # Not their truth alone: a byte of 2 equals True for NumPy, too.
        values = found[name].view(np.uint8) if expected.dtype == bool else found[name]
        np.testing.assert_array_equal(values, expected[:rows], err_msg=name)


def aligned(values: np.ndarray) -> np.ndarray:
    memory = np.zeros(values.size + 64, np.uint8)
    skip = -memory.ctypes.data % 64
    memory[skip : skip + values.size] = values.ravel()
    return memory[skip : skip + values.size].reshape(values.shape).view(bool)


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_in_arrays(model, rows):
    for x in (X, aligned(BYTES), np.asfortranarray(X)):
        assert_known(model.predict({"x": x[:rows]}), rows)
    assert BYTES.tolist() == X.view(np.uint8).tolist(), "the caller's own changed"


def test_in_what_has_other_layouts_or_is_no_array(model):
    wide = np.repeat(BYTES, 2, 1).view(bool)
    assert_known(model.predict({"x": wide[:, ::2]}))
    assert_known(model.predict({"x": memoryview(X)}))
    assert_known(model.predict({"x": memoryview(aligned(BYTES))}))


def test_with_arrays_for_the_results(model):
    shapes = model.predict({"x": TRUTH})
    out = {name: np.empty_like(value) for name, value in shapes.items()}
    model.predict({"x": aligned(BYTES)}, out=out)
    assert_known(out)


def test_in_batches_and_without_waiting(model):
    with tfnative.Batcher(model, batch_timeout_micros=0) as batcher:
        assert_known(batcher.predict({"x": X}))
        assert_known(asyncio.run(batcher.predict_async({"x": aligned(BYTES)})))


def test_in_the_bytes_of_a_message(model):
    tensor_pb2 = importlib.import_module("tensorflow.core.framework.tensor_pb2")
    message = tensor_pb2.TensorProto(dtype=10, tensor_content=BYTES.tobytes())
    for size in BYTES.shape:
        message.tensor_shape.dim.add(size=size)
    x = decode_tensor(memoryview(message.SerializeToString()), "x")
    assert_known(model.predict({"x": x}))
