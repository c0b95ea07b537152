# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers with their units, for people."""

from __future__ import annotations

from collections.abc import Sequence


def format_bytes(count: float) -> str:
    """As "1.2 MB"."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def format_flops(count: float) -> str:
    """As "1.2 MFLOP"."""
    for unit in ("FLOP", "kFLOP", "MFLOP"):
        if count < 1000:
            return f"{count:.0f} FLOP" if unit == "FLOP" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GFLOP"


def format_micros(micros: float) -> str:
    """As "12.3 us", or "4.56 ms" from a thousand on."""
    if micros < 1000:
        return f"{micros:.1f} us"
    return f"{micros / 1000:.2f} ms"


def format_shape(shape: Sequence[int] | None) -> str:
    """As "(rows, 8, 8, 1)"; "?" for other sizes that are not known."""
    if shape is None:
        return "any"
    sizes = [str(size) if size != -1 else "?" for size in shape]
    if shape and shape[0] == -1:
        sizes[0] = "rows"
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
