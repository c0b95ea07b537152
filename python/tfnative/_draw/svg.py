# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Pieces that all SVG pictures have."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from tfnative._draw.dot import printable

INK = "#1a202c"


def opened(width: float, height: float) -> Iterator[str]:
    """Begins a picture on white."""
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="Helvetica,Arial,sans-serif">'
    )
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'


def written(
    x: float,
    y: float,
    text: str,
    size: int,
    *,
    anchor: str = "start",
    weight: str = "normal",
    colour: str = INK,
) -> str:
    """A line of text, whatever is in it."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'font-weight="{weight}" fill="{colour}">{safe(text)}</text>'
    )


def safe(text: str) -> str:
    """A text as XML has it."""
    return escape(printable(text))
