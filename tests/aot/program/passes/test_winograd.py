# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Winograd's algorithm, written out, with packed weights is a convolution."""

from __future__ import annotations

import numpy as np
import pytest

from tfnative_aot.program.passes.winograd import ROOTS, pack_winograd, taps_are_alike


def input_basis():
    """Coefficients, lowest first, of the product of (x - root) over other roots."""
    rows = [np.poly([root for root in ROOTS if root != point])[::-1] for point in ROOTS]
    everything = np.poly(ROOTS)[::-1]
    return np.array([*(np.append(row, 0) for row in rows), everything])


def output_basis():
    """Powers of the points; infinity belongs to the highest power."""
    powers = np.array([[point**power for point in ROOTS] for power in range(4)])
    return np.column_stack([powers, [0, 0, 0, 1]])


def winograd(image, packed, out_channels):
    """A convolution of (h, w, ic) without padding, in tiles of 4 x 4."""
    height, width = image.shape[0] - 2, image.shape[1] - 2
    lines, columns = -(-height // 4), -(-width // 4)
    padded = np.zeros((lines * 4 + 2, columns * 4 + 2, image.shape[2]))
    padded[: image.shape[0], : image.shape[1]] = image
    unpacked = packed.transpose(0, 2, 1, 3).reshape(6, 6, image.shape[2], -1)
    enter, leave = input_basis(), output_basis()
    result = np.zeros((lines * 4, columns * 4, out_channels))
    for line in range(0, lines * 4, 4):
        for column in range(0, columns * 4, 4):
            tile = padded[line : line + 6, column : column + 6]
            values = np.einsum("ih,jw,hwc->ijc", enter, enter, tile)
            products = np.einsum("ijc,ijco->ijo", values, unpacked)[..., :out_channels]
            result[line : line + 4, column : column + 4] = np.einsum(
                "hi,wj,ijo->hwo", leave, leave, products
            )
    return result[:height, :width]


def convolution(image, weights):
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(0, 1))
    return np.einsum("abchw,hwco->abo", windows.astype(np.float64), weights)


@pytest.mark.parametrize(
    ("height", "width", "in_channels", "out_channels"),
    [(3, 3, 1, 1), (6, 6, 3, 16), (9, 14, 5, 17), (8, 5, 20, 40)],
)
def test_products_at_the_points_make_a_convolution(
    height, width, in_channels, out_channels
):
    random = np.random.default_rng(7)
    image = random.standard_normal((height, width, in_channels), np.float32)
    weights = random.standard_normal((3, 3, in_channels, out_channels), np.float32)
    got = winograd(image, pack_winograd(weights), out_channels)
    np.testing.assert_allclose(got, convolution(image, weights), rtol=0, atol=1e-5)


def test_each_point_is_packed_in_panels_of_output_channels():
    weights = np.zeros((3, 3, 4, 20), np.float32)
    weights[2, 2] = np.arange(1, 81, dtype=np.float32).reshape(4, 20)
    packed = pack_winograd(weights)
    assert packed.shape == (36, 2, 4, 16)
    assert packed.dtype == np.float32
    assert packed.flags.c_contiguous
    # At infinity, the highest coefficient is all that counts.
    np.testing.assert_array_equal(packed[35, 0], weights[2, 2, :, :16])
    np.testing.assert_array_equal(packed[35, 1, :, :4], weights[2, 2, :, 16:])
    assert not packed[:, 1, :, 4:].any()


def test_weights_are_transformed_in_double_precision():
    weights = np.full((3, 3, 1, 1), 0.1, np.float32)
    exact = float(np.float32(0.1)) * (1 / (0.625**2 * 1.5**2)) ** 2
    assert pack_winograd(weights)[0, 0, 0, 0] == np.float32(exact)


def test_a_kernel_that_hides_pixels_does_not_suit():
    weights = np.random.default_rng(7).standard_normal((3, 3, 16, 20), np.float32)
    assert taps_are_alike(weights)
    weights[:, :, :, 4] = 0  # A result that sees nothing at all.
    assert taps_are_alike(weights)
    weights[2, 1, :, 7] *= 1e-4
    assert not taps_are_alike(weights)
    weights[2, 1, :, 7] = 0
    assert not taps_are_alike(weights)
