# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is counted is what NumPy finds in all values at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from tests.aot.quantize.calibrate.seen import echo, observed, samples
from tfnative_aot.progress import Silent
from tfnative_aot.quantize.calibrate import collect as collecting
from tfnative_aot.quantize.calibrate.collect import collect
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.observed import BINS

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("sign", [1, -1])
def test_one_side_of_zero_has_all_bins_of_a_histogram(sign):
    x = sign * RNG.exponential(size=(70, 900)).astype(np.float32)
    x[3, :50] = 0
    seen = observed(x)
    ends = sorted((0.0, sign * float(np.abs(x).max())))
    counts, edges = np.histogram(x.astype(np.float64), BINS, ends)
    np.testing.assert_allclose(seen.edges, edges, rtol=1e-12, atol=1e-15)
    assert np.abs(seen.counts - counts).sum() <= 4  # Numbers on an edge.
    assert (seen.least, seen.largest) == (x.min(), x.max())
    assert (seen.values, seen.zeros, seen.samples) == (x.size, 50, 70)
    assert seen.counts.sum() - seen.nonzero_counts.sum() == 50
    assert seen.nonzero_counts.min() >= 0


def test_both_sides_of_zero_have_as_many_bins_of_the_same_width():
    x = RNG.standard_normal((70, 900))
    x[0, 0] = -6.0
    x[1, :5] = 0.0
    seen = observed(x)
    counts, edges = np.histogram(x, 2 * BINS, (-6, 6))
    np.testing.assert_allclose(seen.edges, edges, rtol=1e-12, atol=1e-15)
    assert np.abs(seen.counts - counts).sum() <= 4
    assert seen.edges[seen.zero_bin] == 0
    assert seen.counts[seen.zero_bin] >= 5
    np.testing.assert_allclose(np.diff(seen.edges), seen.width)


def test_large_and_small_batches_count_the_same(monkeypatch):
    x = RNG.standard_normal((40, 64)).astype(np.float32)
    large = observed(x)
    monkeypatch.setattr(collecting, "_MOST_BYTES", 1)
    small = observed(x)
    assert np.array_equal(large.counts, small.counts)
    assert (large.least, large.largest) == (small.least, small.largest)
    assert large.mean_largest != small.mean_largest  # Nothing else differs.


def test_no_batch_has_more_than_its_bytes_unless_a_sample_has(monkeypatch):
    monkeypatch.setattr(collecting, "_MOST_BYTES", 64)
    asked: list[int] = []

    def run(feeds: Mapping[str, Any], _: Sequence[str]) -> list[Any]:
        asked.append(len(feeds["x"]))
        return [np.ones((len(feeds["x"]), 5), np.float32)]

    collect(run, ["y"], samples(np.ones((7, 1))), Silent())
    assert asked == [1, *([3, 3, 1] * 2)]  # 64 bytes are three times 20.
    monkeypatch.setattr(collecting, "_MOST_BYTES", 19)
    asked.clear()
    collect(run, ["y"], samples(np.ones((3, 1))), Silent())
    assert asked == [1, *([1, 1, 1] * 2)]


def test_samples_without_rows_run_one_by_one():
    data = CalibrationData(
        tuple({"x": np.full((2, 2), n)} for n in (1.0, 3.0)), frozenset(), 2, ()
    )
    seen = collect(echo, ["x"], data, Silent())["x"]
    assert (seen.largest, seen.values, seen.samples) == (3, 8, 2)
    assert seen.mean_largest == pytest.approx(0.9 * 1 + 0.1 * 3)


def test_batches_of_inputs_without_rows_have_one_value_of_these():
    scales = [np.float32(s) for s in (1, 1, 2, 2, 2, 1)]
    rows = tuple({"x": np.ones(3), "scale": np.asarray(s)} for s in scales)
    data = CalibrationData(rows, frozenset({"x"}), 6, ())
    found = [(len(each["x"]), float(each["scale"])) for each in data.chunks(8)]
    assert found == [(2, 1), (3, 2), (1, 1)]


def test_progress_counts_samples_of_both_passes():
    told: list[str] = []

    class Told(Silent):
        def stage(self, name: str, total: int = 0) -> None:
            told.append(f"{name} {total}")

        def advance(self, what: str) -> None:
            told.append(what)

    observed(np.ones((40, 2)), Told())
    both = ["32 of 40 samples", "40 of 40 samples"] * 2
    assert told == ["calibrate 4", *both]


def test_halves_and_no_values_are_counted_too():
    seen = observed(np.array([[0.5, -0.25]], np.float16))
    assert (seen.least, seen.largest) == (-0.25, 0.5)
    none = observed(np.zeros((3, 0)))
    assert (none.least, none.largest, none.values) == (0, 0, 0)
