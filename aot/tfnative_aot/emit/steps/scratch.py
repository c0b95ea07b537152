# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How much memory of its own a step needs while it runs: its scratch.

kernels.h says how much, in macros. Here is the same in numbers, so that the compiler
can say it of machines whose code does not run here. The emitted C checks that both
agree.
"""

from __future__ import annotations

import math

from tfnative_aot.emit.steps.scratch_int8 import quantized_scratch
from tfnative_aot.emit.steps.scratch_size import Scratch
from tfnative_aot.program.passes.lives import aligned
from tfnative_aot.program.program import Program
from tfnative_aot.program.steps import (
    CombinedSuppression,
    Convolution,
    Dot,
    Quantized,
    Sort,
    Step,
    Suppression,
    TopK,
)
from tfnative_aot.program.traverse import walk

_PANEL = 16
_BLOCK_PIXELS, _PLACE_BYTES = 96, 24
_WINOGRAD_CHANNELS, _WINOGRAD_TILES_AT_ONCE = 64, 36
_DEPTHWISE_COLUMNS = 19
_INT8_ROWS = 96
_SUPPRESSED_CLASSES = 16


def scratch_of(step: Step) -> Scratch | None:
    """What a step itself needs, without what is nested in it. None for nothing."""
    if isinstance(step, Dot) and step.in_int8:
        return _matmul_int8(step)
    if isinstance(step, Dot):
        return None if step.dtype != "f32" or step.packed else _matmul(step)
    if isinstance(step, Convolution):
        return {
            "any": lambda step: None,
            "packed": _packed,
            "depthwise": _depthwise,
            "winograd": _winograd,
        }[step.kernel](step)
    if isinstance(step, Sort):
        text = f"TFN_SORT_SCRATCH_BYTES({step.length}, {len(step.arrays)})"
        return Scratch(text, step.length * 32)
    if isinstance(step, TopK):
        return Scratch(f"TFN_TOPK_SCRATCH_BYTES({step.length})", step.length * 12)
    if isinstance(step, Quantized):
        return quantized_scratch(step)
    if isinstance(step, CombinedSuppression):
        return _combined_suppression(step)
    if isinstance(step, Suppression):
        kept = _kept_bytes(min(step.boxes, step.size))
        text = f"TFN_NMS_SCRATCH_BYTES({step.boxes}, {step.size})"
        return Scratch(text, step.boxes * 16 + kept + 64)
    return None


def thread_bytes(program: Program, pointer_bytes: int) -> int:
    """What each thread of a program needs: as much as the step that needs most.

    Args:
        program: The program.
        pointer_bytes: Of the machine that it is for.
    """
    found = filter(None, map(scratch_of, walk(program.steps)))
    needed = (s.fixed + s.pointers * pointer_bytes for s in found)
    return aligned(1 + max(needed, default=0))


def _matmul(step: Dot) -> Scratch:
    sizes = f"{step.batch}, {step.m}, {step.n}, {step.k}"
    columns = _whole_panels(max(step.m, step.n))
    return Scratch(f"TFN_MATMUL_SCRATCH_BYTES({sizes})", columns * step.k * 4)


def _matmul_int8(step: Dot) -> Scratch:
    text = f"TFN_MATMUL_INT8_SCRATCH_BYTES({step.m}, {step.k})"
    rows = min(step.m, _INT8_ROWS)
    return Scratch(text, rows * (2 * _whole_panels(step.k) + 8))


def _packed(step: Convolution) -> Scratch:
    pixels = step.batch * math.prod(step.out_size)
    places = math.prod(step.kernel_size)
    channels = step.in_channels // step.groups
    together = min(pixels, _BLOCK_PIXELS) + 8
    return Scratch(
        f"TFN_CONV_SCRATCH_BYTES({pixels}, {places}, {channels})",
        together * places * (channels * 4 + _PLACE_BYTES) + places * channels * 4 + 128,
    )


def _depthwise(step: Convolution) -> Scratch:
    _, lines, columns = step.kernel_size
    channels = step.in_channels
    return Scratch(
        f"TFN_DEPTHWISE_SCRATCH_BYTES({channels}, {lines}, {columns})",
        (channels + 1) // 2 * 8,
        lines * max(columns, _DEPTHWISE_COLUMNS),
    )


def _winograd(step: Convolution) -> Scratch:
    _, height, width = step.out_size
    tiles = step.batch * -(-height // 4) * -(-width // 4)
    counted = f"TFN_WINOGRAD_TILES({step.batch}, {height}, {width})"
    channels, out_channels = step.in_channels, step.out_channels
    at_once = min(4096 // channels, _WINOGRAD_TILES_AT_ONCE)
    block = min(tiles, 12 if channels > 4096 // 12 else at_once)
    own = _whole_panels(channels)
    results = min(_whole_panels(out_channels), _WINOGRAD_CHANNELS)
    return Scratch(
        f"TFN_WINOGRAD_SCRATCH_BYTES({counted}, {channels}, {out_channels})",
        4 * own + 4 * 36 * (2 * _PANEL + block * (own + results)),
    )


def _combined_suppression(step: CombinedSuppression) -> Scratch:
    sizes = f"{step.boxes}, {step.classes}, {step.per_class}"
    together = min(step.classes, _SUPPRESSED_CLASSES)
    return Scratch(
        f"TFN_COMBINED_NMS_SCRATCH_BYTES({sizes})",
        together * step.boxes * 8
        + _kept_bytes(step.per_class)
        + step.classes * step.per_class * 8
        + 64,
    )


def _kept_bytes(kept: int) -> int:
    return -(-kept // 16) * 16 * 24


def _whole_panels(count: int) -> int:
    return -(-count // _PANEL) * _PANEL
