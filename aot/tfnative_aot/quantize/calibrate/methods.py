# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How a range is made of what was seen of a tensor.

Numbers outside the range are clipped, and all others are rounded to one of its 256
steps: a narrow range clips more, a wide one rounds more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tfnative._compile.options import CalibrationMethod
from tfnative.errors import CompileError
from tfnative_aot.quantize.calibrate.divergence import best_length
from tfnative_aot.quantize.calibrate.observed import Observed, Range
from tfnative_aot.quantize.calibrate.squared_error import least_error

PERCENTILE = 99.99
"""Of a tensor's values, so many lie in the range that ``percentile`` gives."""


def find_range(observed: Observed, method: CalibrationMethod) -> Range:
    """The range of a tensor: within what was seen, and with zero in it.

    A tensor of zeros, or without values, has the range from 0 to 0.

    Raises:
        CompileError: There were values that are not finite.
    """
    if observed.not_finite:
        raise CompileError(
            f"--calibration: {observed.not_finite} values of {observed.name} are not "
            "finite, so that it has no range: leave out the samples for which the "
            "model gives none, or take --precision auto, which leaves such layers in "
            "floats"
        )
    return METHODS[method](observed)


def min_max(observed: Observed) -> Range:
    """From the least to the largest value: nothing that was seen is clipped.

    Jacob et al., Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference (2018), section 3.
    """
    return observed.clip(observed.least, observed.largest)


def moving_average(observed: Observed) -> Range:
    """From the least to the largest value of a batch, averaged over batches.

    Each batch counts a tenth, and what was known before nine: the exponential moving
    averages of Jacob et al. (2018), section 3.1. It is the only method for which the
    order of samples matters.
    """
    return observed.clip(observed.mean_least, observed.mean_largest)


def percentile(observed: Observed, share: float = PERCENTILE) -> Range:
    """The narrowest bins that leave out a given share of the values, at most.

    Half of the others may lie on each side, or all on the one where there are values.
    McKinstry et al., Discovering Low-Precision Networks Close to Full-Precision
    Networks for Efficient Embedded Inference (2018), and Wu et al., Integer
    Quantization for Deep Learning Inference (2020), section 4.1.

    Args:
        observed: The tensor.
        share: In percent.
    """
    sides = 2 if observed.least < 0 < observed.largest else 1
    most = (100.0 - share) / 100.0 * observed.values / sides
    before = np.concatenate([[0], np.cumsum(observed.counts)])
    behind = before[-1] - before
    low = observed.edges[np.flatnonzero(before <= most)[-1]]
    high = observed.edges[np.flatnonzero(behind <= most)[0]]
    return observed.clip(float(low), float(high))


def mse(observed: Observed) -> Range:
    """The range with the least squared error of clipping and rounding together.

    Sung, Shin and Hwang, Resiliency of Deep Neural Networks under Quantization (2015),
    and Banner et al., Post-training 4-bit Quantization of Convolution Networks for
    Rapid-Deployment (2019), who solve for it where the values' distribution is known;
    here it is searched for in the histogram. See ``squared_error``.
    """
    return least_error(observed)


def kl(observed: Observed) -> Range:
    """The range in which 128 levels tell least of the distribution wrongly.

    That is the threshold for magnitudes with the least Kullback-Leibler divergence of
    Migacz, 8-bit Inference with TensorRT (GPU Technology Conference, 2017). See
    ``divergence`` for what differs from it.
    """
    counts = observed.nonzero_counts
    if observed.least < 0 < observed.largest:
        half = len(counts) // 2
        counts = counts[half:] + counts[:half][::-1]
    elif observed.least < 0:
        counts = counts[::-1]
    threshold = best_length(counts) * observed.width
    return observed.clip(-threshold, threshold)


METHODS: Mapping[CalibrationMethod, Callable[[Observed], Range]] = {
    "min-max": min_max,
    "moving-average": moving_average,
    "percentile": percentile,
    "mse": mse,
    "kl": kl,
}
"""By the names that users give."""
