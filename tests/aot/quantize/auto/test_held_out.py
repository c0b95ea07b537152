# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which samples are judged by, and that labels stay with theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfnative.errors import InvalidArgumentError, NotFoundError
from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.quantize.auto.held_out import part
from tfnative_aot.quantize.auto.labels import labels_of, read_labels
from tfnative_aot.quantize.calibrate.data import CalibrationData, read_calibration

INPUTS = [GraphTensor("x", "x:0", "float32", (-1, 2))]


def data(count: int, most: int = 1000) -> CalibrationData:
    """Samples whose numbers say which they are."""
    rows = np.arange(2 * count, dtype=np.float32).reshape(-1, 2) + 1
    return read_calibration({"x": rows}, INPUTS, samples=most)


@pytest.mark.parametrize(
    ("count", "asked", "ranges", "judged"),
    [
        (20, 300, 10, 10),
        (21, 300, 11, 10),
        (100, 300, 50, 50),
        (300, 100, 100, 200),
        (399, 300, 200, 199),
        (450, 300, 250, 200),
        (500, 300, 300, 200),
    ],
)
def test_samples_are_parted_and_none_is_lost_or_used_twice(
    count, asked, ranges, judged
):
    parted, again = (part(data(count), asked, 200) for _ in range(2))
    assert (len(parted.ranges), len(parted.judged)) == (ranges, judged)
    assert parted.held_out
    both = [*parted.ranges.places, *parted.judged.places]
    assert sorted(both) == list(range(count))
    assert parted.ranges.places == again.ranges.places


def test_fewer_than_twenty_serve_both_purposes():
    few = data(19)
    parted = part(few, 300, 200)
    assert parted.ranges is parted.judged is few
    assert not parted.held_out


@pytest.mark.parametrize("most", [1000, 60])
def test_labels_stay_with_their_samples(most):
    whole = data(200, most)
    labels = np.arange(200) * 10
    for of in (whole, part(whole, 30, 30).ranges, part(whole, 30, 30).judged):
        rows = [int(sample["x"][0] - 1) // 2 for sample in of.samples]
        assert list(labels_of(labels, of)) == [10 * row for row in rows]


def test_of_a_stream_that_is_not_read_to_its_end_more_labels_may_be_there():
    stream = ({"x": np.full((1, 2), n + 1, np.float32)} for n in range(1000))
    some = read_calibration(stream, INPUTS, samples=5)
    assert some.is_bounded
    found = labels_of(np.arange(1000) + 1, some)
    assert list(found) == [int(sample["x"][0]) for sample in some.samples]
    with pytest.raises(InvalidArgumentError, match="10 labels for 50 samples"):
        labels_of(np.arange(10), some)


def test_labels_are_read_of_files(tmp_path: Path):
    np.save(tmp_path / "y.npy", np.uint8([1, 2]))
    np.savez(tmp_path / "y.npz", y=[1, 2])
    for given in (tmp_path / "y.npy", str(tmp_path / "y.npz"), [1, 2]):
        assert read_labels(given).tolist() == [1, 2]


def test_files_that_have_no_labels_are_named(tmp_path: Path):
    with pytest.raises(NotFoundError, match=r"--labels: no file .*none\.npy"):
        read_labels(tmp_path / "none.npy")
    (tmp_path / "text.npy").write_text("1 2 3")
    with pytest.raises(InvalidArgumentError, match=r"text.npy is not a .npy or .npz"):
        read_labels(tmp_path / "text.npy")
    np.savez(tmp_path / "two.npz", x=[1], y=[2])
    with pytest.raises(InvalidArgumentError, match="has 2 arrays, expected one: x, y"):
        read_labels(tmp_path / "two.npz")
    np.save(tmp_path / "floats.npy", [0.5])
    with pytest.raises(InvalidArgumentError, match=r"floats.npy: expected a whole num"):
        read_labels(tmp_path / "floats.npy")
    with pytest.raises(InvalidArgumentError, match="is no class"):
        read_labels(np.uint64([2**64 - 1]))
    with pytest.raises(InvalidArgumentError, match="expected an array of whole"):
        read_labels([[1], [2, 3]])
