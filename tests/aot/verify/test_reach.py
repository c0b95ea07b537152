# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""An element is judged by what it sees, which need not be what it comes to.

Layers whose elements see few places of the inputs are computed in float32 in two
orders: one stands for TensorFlow, one for the compiled code. Both are sound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tfnative_aot.freeze.graph import GraphTensor
from tfnative_aot.verify.distance import distances, worst_slice
from tfnative_aot.verify.mixed_scales import scaled, scalings
from tfnative_aot.verify.reach import reach_of

Array = npt.NDArray[Any]
Layer = Callable[[Array, int], Array]
"""Of inputs, and a step through its taps: 1 for their order, -1 for the other one."""

SIZE, CHANNELS, SEEDS = 20, 17, 8
X = GraphTensor("x", "x:0", "float32", (-1, SIZE, SIZE, CHANNELS))
LARGE = [how for how in scalings([X]) if how.factor > 1]


def _summed(x: Array, kernel: Array, step: int) -> Array:
    """The sum over a window, one tap after another: kernel (k, l, channels)."""
    high, wide = kernel.shape[:2]
    padded = np.pad(x, ((0, 0), (high // 2, high), (wide // 2, wide), (0, 0)))
    found = np.zeros_like(x)
    taps = [(i, j) for i in range(high) for j in range(wide)]
    for i, j in taps[::step]:
        window = padded[:, i : i + x.shape[1], j : j + x.shape[2]]
        found += window * kernel[i, j].astype(x.dtype)
    return found


def depthwise(size: int, rng: np.random.Generator) -> Layer:
    kernel = rng.standard_normal((size, size, CHANNELS)).astype(np.float32)
    return lambda x, step: _summed(x, kernel, step)


def grouped(size: int, rng: np.random.Generator) -> Layer:
    """Each channel sees itself and the one before."""
    kernels = rng.standard_normal((2, size, size, CHANNELS)).astype(np.float32)

    def layer(x: Array, step: int) -> Array:
        parts = [x, np.concatenate([x[..., :1], x[..., :-1]], -1)]
        sums = [
            _summed(part, kernel, step)
            for part, kernel in zip(parts, kernels, strict=True)
        ]
        return np.asarray(sums[::step][0] + sums[::step][1])

    return layer


def pooled(size: int, rng: np.random.Generator) -> Layer:
    kernel = np.full((size, size, CHANNELS), np.float32(1 / size**2))
    return lambda x, step: _summed(x, kernel, step)


def windowed(size: int, rng: np.random.Generator) -> Layer:
    """Along one dimension, and of a nonlinear function of it."""
    kernel = rng.standard_normal((size, 1, CHANNELS)).astype(np.float32)

    def layer(x: Array, step: int) -> Array:
        summed = _summed(x, kernel, step)
        return np.asarray(np.maximum(summed, 0) - summed / summed.dtype.type(3))

    return layer


LAYERS = (depthwise, grouped, pooled, windowed)


class Trial:
    """One layer on rows that are scaled in each way."""

    def __init__(self, make: Callable[..., Layer], size: int, seed: int) -> None:
        rng = np.random.default_rng([seed, size])
        layer = make(size, rng)
        drawn = rng.integers(-128, 128, (len(LARGE), SIZE, SIZE, CHANNELS)) / 128
        inputs = scaled({"x": drawn.astype(np.float32)}, [X], LARGE)["x"]
        self.got, self.expected = layer(inputs, 1), layer(inputs, -1)
        self.wide = inputs.astype(np.float64)
        self._layer = layer
        self.exact = layer(self.wide, 1)
        self.asked = 0

    def complaint(self, got: Array, row: int | None = None) -> str:
        """Of an answer, or of one of its rows."""
        rows = slice(None) if row is None else slice(row, row + 1)

        def reach() -> Array:
            self.asked += 1
            run = {"x": self.wide[rows]}
            return reach_of(lambda of: {"y": self._layer(of["x"], 1)}, run)["y"]

        return worst_slice(
            *(got[rows], self.expected[rows], self.exact[rows]),
            rows=True,
            usual=1e-7,
            least=1.0,
            reach=reach,
        )


@pytest.mark.parametrize("make", LAYERS)
def test_sound_layers_are_never_refused(make: Callable[..., Layer]) -> None:
    asked = 0
    for size in (2, 3, 5, 7, 11):
        for seed in range(SEEDS):
            trial = Trial(make, size, seed)
            assert trial.complaint(trial.got) == "", (size, seed)
            asked += trial.asked
    if make is depthwise:
        assert asked, "no layer would be refused by its values: all of it tests nothing"


@pytest.mark.parametrize("size", [2, 7])
@pytest.mark.parametrize("make", LAYERS)
def test_what_is_swamped_by_what_it_does_not_see_is_refused(
    make: Callable[..., Layer], size: int
) -> None:
    trial = Trial(make, size, 0)
    for row, how in enumerate(LARGE):
        if how.axis is None:
            continue  # All of it is large.
        # What is lost if large numbers are added to all and taken away again, or a
        # little more: beside a thousand that could be the rounding of many products.
        got = trial.got.copy()
        noise = np.random.default_rng(size).standard_normal(got[row].shape)
        lost = max(how.factor * 2.0**-23, 1e-2)
        got[row] += (noise * lost).astype(np.float32)
        said = trial.complaint(got, row)
        assert "is allowed" in said, how
        allowed = float(said.rpartition("; ")[2].split()[0])
        off = float(said.partition("off by ")[2].split(",")[0])
        assert off > allowed


def test_what_cancels_sees_what_it_is_a_difference_of() -> None:
    inputs = {"x": np.array([3e6, -3e6, 1.0]), "ids": np.arange(3)}
    found = reach_of(
        lambda of: {
            "sum": of["x"].sum(keepdims=True),
            "last": of["x"][2:],
            "ids": of["ids"],
        },
        inputs,
    )
    assert 1e6 < found["sum"][0] < 1e7
    np.testing.assert_allclose(found["last"], 1, rtol=1e-6)
    assert "ids" not in found


def test_changes_that_are_not_finite_say_nothing() -> None:
    with np.errstate(all="ignore"):
        found = reach_of(
            lambda of: {"y": np.log(of["x"])}, {"x": np.array([-1.0, 1.0])}
        )
    assert found["y"][0] == 0
    np.testing.assert_allclose(found["y"][1], 1, rtol=1e-5)


def test_ordinary_inputs_are_judged_by_what_is_seen_too() -> None:
    wide = np.full((1, 1, 40, 20), 1e-3)
    wide[0, 0, 0] = 1
    short, got = wide.astype(np.float32), wide.copy()
    got[0, 0, 3] += 1e-6

    def complaint(reach: float | None) -> str:
        seen = None if reach is None else np.full(got.shape, reach)
        return distances(got, short, wide, rows=True, reach=lambda: seen).complaint

    assert "3.05e-08 is allowed" in complaint(None)
    assert complaint(1e-3)
    assert complaint(1.0) == ""
