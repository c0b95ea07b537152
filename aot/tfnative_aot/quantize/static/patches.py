# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a product makes of the mean of its inputs, which is the mean of its results.

A product is linear. So the mean of its results over all places only asks for the mean
of what lies under each weight, where zeros that are padded with count, too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfnative_aot.freeze.quantized import Window

Doubles = npt.NDArray[np.float64]


def in_groups(weights: npt.NDArray[np.float32], groups: int) -> Doubles:
    """Weights as (height, width, input channels of a group, groups, outputs of one)."""
    height, width, channels, outputs = weights.shape
    shape = (height, width, channels, groups, outputs // groups)
    return weights.astype(np.float64).reshape(shape)


def mean_patch(image: Doubles, window: Window) -> Doubles:
    """What lies under each weight, averaged over all places of the results.

    Args:
        image: (height, width, channels).
        window: Over it.

    Returns:
        (kernel height, kernel width, channels).
    """
    _, height, width = window.kernel_size
    patch = np.zeros((height, width, image.shape[2]))
    for i in range(height):
        rows = _places(window, 1, i)
        for j in range(width):
            columns = _places(window, 2, j)
            patch[i, j] = image[rows][:, columns].sum(axis=(0, 1))
    return patch / (window.out_size[1] * window.out_size[2])


def _places(window: Window, dim: int, tap: int) -> npt.NDArray[np.int64]:
    """Where one weight looks along a dimension, without the padding."""
    first = tap * window.dilation[dim] - window.padding_low[dim]
    places = first + np.arange(window.out_size[dim]) * window.stride[dim]
    return places[(places >= 0) & (places < window.in_size[dim])]


def product_of(
    patch: Doubles, weights: npt.NDArray[np.float32], groups: int
) -> Doubles:
    """The results of a product at one place, (output channels,).

    Args:
        patch: (kernel height, kernel width, input channels).
        weights: (height, width, input channels of a group, output channels).
        groups: Of these.
    """
    # The first channels are those of the first group.
    parts = patch.reshape(*patch.shape[:2], groups, -1)
    return np.asarray(
        np.einsum("hwgc,hwcgo->go", parts, in_groups(weights, groups)).reshape(-1)
    )
