# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of docs/quantize.md: what each method makes of the same values.

Nothing is drawn at random. The values lie where those of a normal distribution do, and
one in two hundred where those of one that is six times as wide do. One value is much
larger than all others.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from tfnative_aot.progress import Silent
from tfnative_aot.quantize.calibrate.collect import collect
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.histogram import histogram_svg

_SAMPLES, _VALUES, _ONE_IN = 300, 1000, 200
_OUTLIER = 48.0


def draw() -> str:
    """The picture, as an SVG document."""
    count = _SAMPLES * _VALUES
    shares = (np.arange(count) + 0.5) / count
    values = np.array([NormalDist().inv_cdf(share) for share in shares])
    values[_ONE_IN // 2 :: _ONE_IN] *= 6
    values[-1] = _OUTLIER
    # Neighbours come to different samples, so that each has some of all.
    rows = values.reshape(_VALUES, _SAMPLES).T
    data = CalibrationData(
        tuple({"x": row} for row in rows), frozenset({"x"}), _SAMPLES, ()
    )
    seen = collect(
        lambda feeds, names: [feeds[n] for n in names], ["x"], data, Silent()
    )
    title = f"{count:,} values, and the range that each method finds"
    return histogram_svg(seen["x"], title)
