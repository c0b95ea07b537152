# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The form in which kernels read constant weights of 8 bits, as kernels.h has it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfnative_aot.program.passes.packing import PANEL, FloatArray

GROUP = 4
"""Rows of a matrix that are multiplied with one instruction."""

MOST_K = 66311
"""Largest number of rows whose sums always fit 32 bits: TFN_INT8_MOST_K."""


def pack_int8_matrix(
    matrix: npt.NDArray[np.int8], scales: FloatArray
) -> npt.NDArray[np.uint8]:
    """Packs a quantized matrix, the sums of its columns, and their scales.

    Args:
        matrix: (k, n), of -127 to 127, k at most ``MOST_K``.
        scales: (n,), what each column is multiplied with: 0, or positive, finite and
            at least the smallest normal number.

    Returns:
        Bytes of shape (ceil(n / 16), ceil(k / 4) * 64 + 128): for each panel of 16
        columns its weights in groups of four rows, as int8 of shape (ceil(k / 4), 16,
        4); the sums of its columns, as 16 int32; and 16 scales, as float32. All is
        padded with zeros.
    """
    k, n = matrix.shape
    assert scales.shape == (n,)
    assert k <= MOST_K
    assert matrix.min(initial=0) >= -127
    return _panels(matrix, scales)


def pack_int8_filter(
    weights: npt.NDArray[np.int8],
    bias: npt.NDArray[np.int32],
    multiplier: FloatArray,
    groups: int,
) -> npt.NDArray[np.uint8]:
    """Packs the weights of a quantized convolution, as ``conv_int8`` reads them.

    Args:
        weights: (kd, kh, kw, in channels of a group, out channels), of -127 to 127. The
            output channels are ordered by group.
        bias: (out channels,), what is added to the sum of a channel.
        multiplier: (out channels,), what that is multiplied with: positive, finite and
            at least the smallest normal number.
        groups: How many groups there are. It divides the number of output channels.

    Returns:
        Bytes of shape (groups, panels, ceil(k / 4) * 64 + 192), with k the weights of
        an output channel, and a panel for each 16 output channels of a group: their
        weights in groups of four, as int8 of shape (ceil(k / 4), 16, 4); the sums of
        them, as 16 int32; 16 biases, as int32; and 16 multipliers, as float32. All is
        padded with zeros.
    """
    channels = weights.shape[-1]
    assert bias.shape == multiplier.shape == (channels,)
    assert channels % groups == 0
    assert weights.min(initial=0) >= -127
    matrix = weights.reshape(-1, channels)
    of_groups = zip(
        np.split(matrix, groups, axis=1),
        np.split(bias, groups),
        np.split(multiplier, groups),
        strict=True,
    )
    return np.stack([_panels(*of_group) for of_group in of_groups])


def pack_int8_depthwise(
    weights: npt.NDArray[np.int8],
    bias: npt.NDArray[np.int32],
    multiplier: FloatArray,
) -> npt.NDArray[np.uint8]:
    """Packs the weights of a depthwise one, as ``conv_depthwise_int8`` reads them.

    Args:
        weights: (kh, kw, channels), of -127 to 127.
        bias: (channels,), as of ``pack_int8_filter``.
        multiplier: (channels,), likewise.

    Returns:
        Bytes of shape (C * (kh * kw + 12),), with C the channels, padded with zeros to
        a multiple of 16: int8 of shape (kh, kw, C); the sums of them, as C int32; C
        biases, as int32; and C multipliers, as float32.
    """
    channels = weights.shape[-1]
    assert bias.shape == multiplier.shape == (channels,)
    assert weights.min(initial=0) >= -127
    padding = -channels % PANEL
    sums = weights.sum(axis=(0, 1), dtype=np.int32)
    parts = [np.pad(weights, ((0, 0), (0, 0), (0, padding)))]
    parts += [np.pad(part, (0, padding)) for part in (sums, bias, multiplier)]
    return np.concatenate([_as_bytes(part) for part in parts])


def _panels(
    matrix: npt.NDArray[np.int8], *of_columns: npt.NDArray[np.int32] | FloatArray
) -> npt.NDArray[np.uint8]:
    """Panels of a matrix (k, n), and of what has n numbers, behind the columns' sums.

    Returns:
        Bytes of shape (panels, bytes of a panel).
    """
    k, n = matrix.shape
    panels, groups = -(-n // PANEL), -(-k // GROUP)
    padded = np.zeros((groups * GROUP, panels * PANEL), np.int8)
    padded[:k, :n] = matrix
    weights = padded.reshape(groups, GROUP, panels, PANEL).transpose(2, 0, 3, 1)
    sums = padded.sum(axis=0, dtype=np.int32)
    behind = [np.pad(numbers, (0, panels * PANEL - n)) for numbers in of_columns]
    parts = (weights, sums, *behind)
    return np.concatenate(
        [_as_bytes(part).reshape(panels, -1) for part in parts], axis=1
    )


def _as_bytes(numbers: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(numbers).reshape(-1).view(np.uint8)
