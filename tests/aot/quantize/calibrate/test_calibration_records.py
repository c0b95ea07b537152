# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Samples come out of files of messages as TensorFlow wrote them into these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

from tfnative.errors import InvalidArgumentError, NotFoundError
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.load.dtypes import numpy_dtype
from tfnative_aot.quantize.calibrate.data import read_calibration


def tensor(name: str, *shape: int, dtype: str = "float32") -> GraphTensor:
    return GraphTensor(name, f"{name}:0", dtype, shape)


def feature(values: Any) -> Any:
    values = values if isinstance(values, list) else [values]
    if isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def write(path: Path, samples: Sequence[dict[str, Any]]) -> Path:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for sample in samples:
            features = {name: feature(values) for name, values in sample.items()}
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    return path


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "uint8", "int64"])
@pytest.mark.parametrize("form", ["numbers", "bytes"])
def test_numbers_come_one_by_one_or_as_they_lie_in_memory(dtype, form, tmp_path):
    x = np.arange(1, 25).reshape(4, 2, 3).astype(numpy_dtype(dtype))
    kind: Any = float if "float" in dtype else int
    path = write(
        tmp_path / "x.tfrecord",
        [
            {
                "x": row.tobytes() if form == "bytes" else [kind(n) for n in row.flat],
                "label": 3,
            }
            for row in x
        ],
    )
    data = read_calibration(path, [tensor("x", -1, 2, 3, dtype=dtype)])
    (chunk,) = data.chunks(8)
    assert chunk["x"].dtype == x.dtype
    assert np.array_equal(chunk["x"], x)


def test_records_without_a_batch_are_samples_of_their_own(tmp_path):
    records = [{"x": [1.0, 2.0], "s": [b"a\0"]}, {"x": [3.0, 4.0], "s": [b""]}]
    path = write(tmp_path / "x", records)
    data = read_calibration(path, [tensor("x", 2), tensor("s", dtype="string")])
    found = [(chunk["x"].tolist(), chunk["s"].tolist()) for chunk in data.chunks(8)]
    assert found == [([1, 2], b"a\0"), ([3, 4], b"")]


def test_datasets_of_tensorflow_are_read_batch_by_batch():
    x = np.arange(1, 31, dtype=np.float32).reshape(10, 3)
    dataset = tf.data.Dataset.from_tensor_slices({"x": x}).batch(4)
    data = read_calibration(dataset, [tensor("x", -1, 3)])
    (chunk,) = data.chunks(16)
    assert np.array_equal(chunk["x"], x)
    with pytest.raises(InvalidArgumentError, match="mapping 0: expected a dict of arr"):
        read_calibration(dataset.map(lambda each: (each, 1)), [tensor("x", -1, 3)])


def test_of_more_records_some_are_drawn(tmp_path):
    path = write(tmp_path / "x", [{"x": float(n)} for n in range(1, 501)])
    data = read_calibration(path, [tensor("x", -1)], samples=100)
    assert (len(data), data.seen) == (100, 500)
    assert max(float(sample["x"]) for sample in data.samples) > 400


GOOD = {"x": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize(
    ("dtype", "bad", "said"),
    [
        (
            "float32",
            {"y": 1.0},
            "there is no input 'x' (expected float32 [-1, 3], where",
        ),
        (
            "float32",
            {"x": [1.0]},
            "feature 'x' has 1 floats, expected 3 for float32",
        ),
        (
            "float32",
            {"x": [b"a", b"b"]},
            "feature 'x' has 2 bytes, expected 3 for",
        ),
        (
            "float32",
            {"x": b"12345"},
            "feature 'x' has 5 bytes, expected the 12 of",
        ),
        ("float32", {"x": [1.0, float("nan"), 2.0]}, "input 'x' is nan at [0, 1]; "),
        ("float16", {"x": [1.0, 1e9, 2.0]}, "input 'x' is inf at [0, 1]; "),
        (
            "uint8",
            {"x": [1, 256, 2]},
            "feature 'x' has numbers that uint8 does",
        ),
        ("bool", {"x": [0, 1, 2]}, "feature 'x' has numbers that bool does not hold"),
        (
            "int32",
            {"x": [1.0, 2.0, 3.0]},
            "feature 'x' has 3 floats, expected 3 for",
        ),
        (
            "string",
            {"x": [1, 2, 3]},
            "feature 'x' has 3 integers, expected 3 for",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_with_its_record(dtype, bad, said, tmp_path):
    path = write(tmp_path / "x", [bad])
    pattern = re.escape(f"--calibration: record 0, {said}")
    with pytest.raises(InvalidArgumentError, match=f"^{pattern}"):
        read_calibration(path, [tensor("x", -1, 3, dtype=dtype)])


def test_the_record_that_does_not_fit_is_counted(tmp_path):
    path = write(tmp_path / "x", [GOOD, GOOD, {"x": [1.0]}])
    with pytest.raises(InvalidArgumentError, match="record 2, feature 'x' has 1 "):
        read_calibration(path, [tensor("x", -1, 3)])


def test_files_that_are_damaged_or_not_there_are_refused(tmp_path):
    spec = [tensor("x", -1, 3)]
    with pytest.raises(NotFoundError, match=r"no file .*gone"):
        read_calibration(tmp_path / "gone", spec)
    path = write(tmp_path / "x", [GOOD] * 3)
    whole = path.read_bytes()
    for damaged, said in [
        (whole[:-3], "a record is cut off"),
        (b"?" + whole[1:], "a length is damaged"),
        (whole[:20] + b"?" + whole[21:], "a record is damaged"),
        (b"", "there are no samples in it"),
    ]:
        path.write_bytes(damaged)
        with pytest.raises(InvalidArgumentError, match=rf"^--calibration.*{said}"):
            read_calibration(path, spec)
    with pytest.raises(InvalidArgumentError, match=r"is a folder: expected a \.npz"):
        read_calibration(tmp_path, spec)
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"\xff\xff\xff")
    with pytest.raises(InvalidArgumentError, match=r"record 0, is no tf\.Example"):
        read_calibration(path, spec)
