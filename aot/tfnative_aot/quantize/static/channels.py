# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How large the numbers in each channel of a tensor are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tfnative_aot.load.source import Arrays
from tfnative_aot.quantize.calibrate.collect import Array, Run
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.static.patches import Doubles

_AT_ONCE = 4


@dataclass(frozen=True)
class ChannelSizes:
    """Of one tensor, over all samples and places. All are (channels,).

    Attributes:
        lowest: The least number.
        highest: The largest one.
        squares: The mean of their squares.
    """

    lowest: Doubles
    highest: Doubles
    squares: Doubles

    @property
    def magnitudes(self) -> Doubles:
        """How far the numbers are from 0."""
        return np.maximum(np.abs(self.lowest), np.abs(self.highest))


def channel_sizes(
    run: Run, channels: Mapping[str, int], data: CalibrationData
) -> Mapping[str, ChannelSizes]:
    """Looks at tensors while samples run.

    Args:
        run: Runs a batch.
        channels: How many there are, by the tensor's node. They are the last dimensions
            of it.
        data: The samples.
    """
    found = {name: _Sizes(count) for name, count in channels.items()}
    names = [f"{name}:0" for name in channels]
    for chunk in data.chunks(_AT_ONCE) if names else ():
        for name, array in zip(channels, run(chunk, names), strict=True):
            found[name].see(np.reshape(array, (-1, channels[name])))
    return {name: each.sizes() for name, each in found.items()}


class _Sizes:
    """What is known of a tensor so far."""

    def __init__(self, channels: int) -> None:
        self._lowest = np.full(channels, np.inf)
        self._highest = np.full(channels, -np.inf)
        self._squares = np.zeros(channels)
        self._places = 0

    def see(self, rows: Array) -> None:
        """Takes in (places, channels) of floats."""
        self._lowest = np.minimum(self._lowest, rows.min(axis=0))
        self._highest = np.maximum(self._highest, rows.max(axis=0))
        self._squares += np.square(rows, dtype=np.float64).sum(axis=0)
        self._places += len(rows)

    def sizes(self) -> ChannelSizes:
        """All that is known."""
        squares = self._squares / self._places
        return ChannelSizes(self._lowest, self._highest, squares)


def divided_run(run: Run, factors: Mapping[str, Doubles]) -> Run:
    """What runs a batch, with some tensors divided by a factor for each channel.

    Args:
        run: Runs a batch.
        factors: By the tensor's node.
    """

    def divided(name: str, array: Array) -> Array:
        own = factors.get(name.removesuffix(":0"))
        if own is None:
            return array
        rows = np.asarray(array).reshape(-1, len(own)) / own
        return rows.astype(np.float32).reshape(np.shape(array))

    def run_divided(feeds: Arrays, tensors: Sequence[str]) -> Sequence[Array]:
        arrays = run(feeds, tensors)
        return [divided(name, a) for name, a in zip(tensors, arrays, strict=True)]

    return run_divided
