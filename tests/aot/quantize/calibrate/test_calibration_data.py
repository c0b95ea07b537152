# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Samples are read of all that may be given, and what does not fit is refused."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfnative.errors import InvalidArgumentError, NotFoundError
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.quantize.calibrate.data import read_calibration


def tensor(name: str, *shape: int, dtype: str = "float32") -> GraphTensor:
    return GraphTensor(name, f"{name}:0", dtype, shape)


X = [tensor("x", -1, 3)]
TWO = [tensor("ids", -1, dtype="int64"), tensor("x", -1, 3)]
FIXED = [tensor("x", 2, 3)]


def rows(count: int, first: int = 1) -> Any:
    return np.arange(first, first + 3 * count, dtype=np.float32).reshape(count, 3)


def given_as(kind: str, x: Any, folder: Path) -> Any:
    """The same samples in all ways that need no TensorFlow."""
    if kind == "mapping":
        return {"x": x}
    if kind == "npz":
        np.savez(folder / "x.npz", x=x)
        return folder / "x.npz"
    parts = [{"x": x[at : at + 4]} for at in range(0, len(x), 4)]
    return parts if kind == "list" else iter(parts)


@pytest.mark.parametrize("kind", ["mapping", "npz", "list", "iterator"])
def test_the_same_samples_come_of_whatever_they_are_given_as(kind, tmp_path):
    x = rows(10)
    data = read_calibration(given_as(kind, x, tmp_path), X)
    assert len(data) == data.seen == 10
    chunks = list(data.chunks(4))
    assert [len(chunk["x"]) for chunk in chunks] == [4, 4, 2]
    assert np.array_equal(np.concatenate([chunk["x"] for chunk in chunks]), x)
    assert data.warnings == (
        "10 samples are few to find ranges of; 100 to 500 are usual",
    )


@pytest.mark.parametrize("kind", ["mapping", "npz", "list", "iterator"])
def test_of_more_samples_some_are_drawn_always_the_same_ones(kind, tmp_path):
    x = rows(400)
    drawn = [
        np.concatenate(
            [
                chunk["x"]
                for chunk in read_calibration(
                    given_as(kind, x, tmp_path), X, samples=100
                ).chunks(32)
            ]
        )
        for _ in range(2)
    ]
    assert np.array_equal(*drawn)
    first = drawn[0][:, 0]
    assert len(first) == len(set(first)) == 100
    assert (np.diff(first) > 0).all()  # In the order in which they came.
    assert all(10 < (first // 300 == part).sum() < 45 for part in range(4))


def test_each_sample_has_the_same_chance():
    x = np.arange(1, 41, dtype=np.float32).reshape(40, 1)
    often = np.zeros(41)
    spec = [tensor("x", -1, 1)]
    for turn in range(300):
        data = read_calibration({"x": np.roll(x, turn * 7 + 1)}, spec, samples=10)
        for sample in data.samples:
            often[int(sample["x"][0])] += 1
    assert often[1:].sum() == 3000
    assert often[1:].min() > 40  # 75 on average.
    assert often[1:].max() < 110


def test_what_has_no_end_is_read_up_to_a_bound():
    read = itertools.count(1)

    def endless() -> Iterator[dict[str, Any]]:
        for number in read:
            yield {"x": np.full((1, 3), number, np.float32)}

    data = read_calibration(endless(), X, samples=100)
    assert (len(data), data.seen, next(read)) == (100, 1000, 1001)
    assert max(sample["x"][0] for sample in data.samples) > 800
    (said,) = data.warnings
    assert (
        said == "only the first 1000 samples were read, and ranges are found of these"
    )


def test_samples_do_not_keep_what_they_were_taken_from():
    data = read_calibration({"x": rows(400)}, X, samples=2)
    assert all(sample["x"].base is None for sample in data.samples)


def test_without_a_batch_each_array_is_a_sample_or_all_are_stacked():
    one = rows(2)
    assert len(read_calibration({"x": one}, FIXED)) == 1
    stacked = read_calibration({"x": np.stack([one, one + 1, one + 2])}, FIXED)
    several = read_calibration([{"x": one}, {"x": one + 1}, {"x": one + 2}], FIXED)
    for data in (stacked, several):
        found = [chunk["x"] for chunk in data.chunks(8)]
        assert [array[0, 0] for array in found] == [1, 2, 3]
        assert all(array.shape == (2, 3) for array in found)


def test_a_buffer_that_is_filled_again_does_not_change_what_was_read():
    buffer = rows(2)

    def refilled() -> Iterator[dict[str, Any]]:
        for number in (1, 2, 3):
            buffer[:] = number
            yield {"x": buffer}

    for spec, expected in ((X, [1, 1, 2, 2, 3, 3]), (FIXED, [1, 2, 3])):
        data = read_calibration(refilled(), spec)
        assert [float(sample["x"].max()) for sample in data.samples] == expected


def test_heads_run_before_what_is_compiled_sees_a_sample():
    spec = [tensor("s", -1, dtype="string")]
    data = read_calibration({"s": ["a", "bb", "ccc"]}, spec)

    def lengths(feeds: dict[str, Any]) -> dict[str, Any]:
        (text,) = feeds["s"]
        return {"length": np.float32([len(text)]), "other": 1}

    behind = data.after(lengths, [tensor("length", -1)])
    (chunk,) = behind.chunks(8)
    assert chunk.keys() == {"length"}
    assert chunk["length"].tolist() == [1, 2, 3]
    said = "behind the head, input 'length' is float32"
    with pytest.raises(InvalidArgumentError, match=said):
        data.after(lengths, [tensor("length", -1, 2)])


def test_inputs_without_rows_are_the_same_for_all_samples():
    spec = [tensor("scale"), tensor("x", -1, 3)]
    data = read_calibration({"x": rows(5), "scale": np.float32(2)}, spec)
    (chunk,) = data.chunks(8)
    assert chunk["x"].shape == (5, 3)
    assert chunk["scale"] == 2


def test_texts_and_bytes_are_what_tensorflow_has_of_them():
    spec = [tensor("s", -1, dtype="string")]
    for texts in (["a", "öb"], [b"a", "öb".encode()], np.array(["a", "öb"], object)):
        data = read_calibration({"s": texts}, spec)
        (chunk,) = data.chunks(8)
        assert chunk["s"].tolist() == [b"a", "öb".encode()]


def test_arrays_for_other_signatures_are_left_to_these():
    given = {"x": rows(2), "y": np.ones(3)}
    assert len(read_calibration(given, X, others=["y"])) == 2
    with pytest.raises(InvalidArgumentError, match="the model has no input 'y'; it"):
        read_calibration(given, X)


NAN = rows(4)
NAN[2, 1] = np.nan


@pytest.mark.parametrize(
    ("inputs", "given", "said"),
    [
        (X, {}, "there is no input 'x' (expected float32 [-1, 3], where -1 is the "),
        (X, {"y": rows(2)}, "there is no input 'x' (expected float32 [-1, 3], where"),
        (TWO, {"x": rows(2)}, "there is no input 'ids' (expected int64 [-1], where"),
        (X, {"x": rows(2).astype(float)}, "input 'x' is float64 [2, 3], expected flo"),
        (X, {"x": rows(2)[:, :2]}, "input 'x' is float32 [2, 2], expected float32 [-"),
        (X, {"x": rows(2)[0]}, "input 'x' is float32 [3], expected float32 [-1, 3]"),
        (X, {"x": np.float32(3)}, "input 'x' is float32 [], expected float32 [-1, 3]"),
        (X, {"x": object()}, "input 'x' is objects [], expected float32 [-1, 3]"),
        (X, {"x": [[1.0], [1.0, 2.0]]}, "input 'x' is no array: "),
        (X, {"x": NAN}, "input 'x' is nan at [2, 1]; expected finite numbers"),
        (X, {"x": rows(0)}, "there are no samples in it"),
        (X, [], "there are no samples in it"),
        (X, {"x": np.zeros((4, 3), np.float32)}, "all numbers of all 4 samples are 0"),
        (
            X,
            [{"x": rows(2)}, rows(2)],
            "mapping 1: expected a dict of arrays by input, ",
        ),
        (X, [{"x": rows(2)}, {"x": NAN}], "mapping 1, input 'x' is nan at [2, 1]; exp"),
        (X, [{"x": rows(2)}, {}], "mapping 1, there is no input 'x' (expected float32"),
        (FIXED, {"x": rows(3)}, "input 'x' is float32 [3, 3], expected float32 [2, 3]"),
        (FIXED, {"x": rows(2) * np.inf}, "input 'x' is inf at [0, 0]; expected finite"),
        (
            TWO,
            {"x": rows(2), "ids": np.arange(3)},
            "all inputs need the same number of rows, got {'ids': [3], 'x': [2, 3]}",
        ),
        (
            [tensor("a", 2), tensor("b", 2)],
            {"a": rows(2)[:, :2], "b": rows(2)[0, :2]},
            "all inputs need the same number of rows, got {'a': [2, 2], 'b': [2]}",
        ),
        ([tensor("s", -1, dtype="string")], {"s": [1]}, "input 's' is int64 [1], expe"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_refused_with_its_place(inputs, given, said):
    with pytest.raises(
        InvalidArgumentError, match=f"^--calibration: {re.escape(said)}"
    ):
        read_calibration(given, inputs)


def test_zeros_are_said_where_there_are_other_inputs():
    given = {"ids": np.zeros(200, np.int64), "x": rows(200)}
    assert read_calibration(given, TWO).warnings == ("input 'ids' is 0 in all samples",)
    given = {"ids": np.zeros(200, np.int64)}
    assert len(read_calibration(given, TWO[:1])) == 200


def test_files_that_are_not_there_or_damaged_are_refused(tmp_path):
    with pytest.raises(NotFoundError, match=r"no file .*gone\.npz"):
        read_calibration(tmp_path / "gone.npz", X)
    path = tmp_path / "x.npz"
    np.savez(path, x=rows(50))
    whole = path.read_bytes()
    for damaged in (
        b"",
        whole[:200],
        b"PK" + whole[9:],
        whole[:99] + b"?" + whole[100:],
    ):
        path.write_bytes(damaged)
        with pytest.raises(InvalidArgumentError, match=r"x\.npz is not a \.npz file"):
            read_calibration(path, X)
    np.save(tmp_path / "y.npy", rows(2))
    (tmp_path / "y.npy").rename(path)
    with pytest.raises(InvalidArgumentError, match="has one array: expected a"):
        read_calibration(path, X)


def test_batches_without_rows_end():
    def empty():
        while True:
            yield {"x": np.zeros((0, 3), np.float32)}

    with pytest.raises(InvalidArgumentError, match="without rows"):
        read_calibration(empty(), [GraphTensor("x", "x:0", "float32", (-1, 3))])
