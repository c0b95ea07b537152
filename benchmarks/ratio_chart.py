# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The published ratios as a small SVG, for the README.

    python -m tools.docs.diagrams

draws it of ``published/ratios.json``, which has what ``python -m benchmarks`` measured.
Unlike ``chart.py`` it shows one number for each model and batch size, and needs no
package, so that the same figures give the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.docs.svg import MUTED, Picture

FIGURES = Path(__file__).with_name("published") / "ratios.json"
_COLOURS = {"1": "#00796B", "32": "#FFA000"}
_LEFT, _TOP, _ROW, _PER_RATIO = 215, 62, 34, 140


def draw() -> str:
    """The chart: two bars for each model, with the ratio at its end."""
    figures: dict[str, Any] = json.loads(FIGURES.read_text())
    results = figures["ratios"]
    bottom = _TOP + _ROW * len(results)
    title = "Speed of tfnative, as a multiple of the fastest peer's speed"
    picture = Picture(760, bottom + 42, title)
    picture.text(15, 26, title, 15, anchor="start", weight="bold")
    for number, (rows, colour) in enumerate(_COLOURS.items()):
        x = 15 + 150 * number
        picture.bar(x, 38, 12, 12, colour)
        word = "row" if rows == "1" else "rows"
        picture.text(x + 18, 49, f"{rows} {word} per call", anchor="start")
    for number, result in enumerate(results):
        y = _TOP + _ROW * number
        picture.text(_LEFT - 8, y + 19, result["model"], anchor="end")
        for line, (rows, colour) in enumerate(_COLOURS.items()):
            width, top = _PER_RATIO * result[rows], y + 3 + 13 * line
            picture.bar(_LEFT, top, width, 11, colour)
            end = round(_LEFT + width + 5)
            picture.text(end, top + 10, f"{result[rows]:g}", 11, anchor="start")
    one = _LEFT + _PER_RATIO
    picture.rule(one, _TOP - 6, one, bottom + 4, dashed=True)
    picture.text(one, bottom + 17, "1: as fast as the fastest peer", 11, colour=MUTED)
    below = f"Peers: {', '.join(figures['peers'])}. Machine: {figures['machine']}."
    picture.text(15, bottom + 34, below, 11, anchor="start", colour=MUTED)
    return picture.render()
