# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How much memory of their own kernels for quantized arrays need: see scratch.py."""

from __future__ import annotations

from tfnative_aot.emit.steps.scratch import Scratch

_PANEL = 16
_MOST_PIXELS, _MOST_COPIED, _LEAST_PIXELS, _LONG = 96, 131072, 24, 4096


def conv_int8_scratch(pixels: int, places: int, channels: int) -> Scratch:
    """What ``conv_int8`` and ``conv_int8_to_f32`` need.

    Args:
        pixels: Of the output, with those of all rows of the batch.
        places: In the kernel.
        channels: Of the input, in a group.
    """
    k = places * channels
    most = _LEAST_PIXELS if k > _LONG else min(_MOST_COPIED // k, _MOST_PIXELS)
    return Scratch(
        f"TFN_CONV_INT8_SCRATCH_BYTES({pixels}, {places}, {channels})",
        min(pixels, most) * 2 * (-(-k // _PANEL) * _PANEL),
    )
