# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The check as a small SVG, for docs/scale.md.

    python -m tools.docs.diagrams

draws it of ``published/scale.json``, which has what ``python -m benchmarks.scale check
--json`` wrote. It needs no package, so that the same figures give the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.docs.svg import MUTED, Picture

FIGURES = Path(__file__).parents[1] / "published" / "scale.json"
_KINDS = {
    "measured": "#00796B",
    "simulated": "#FFA000",
    "predicted": "#B0B0B0",
}
_SAYS = {
    "measured": "measured",
    "simulated": "simulated, with the same arrivals",
    "predicted": "simulated beforehand",
}
_LEFT, _TOP, _BAR, _WIDTH = 90, 84, 12, 560


def draw() -> str:
    """Three bars for each load and percentile, with milliseconds at their ends."""
    figures: dict[str, Any] = json.loads(FIGURES.read_text())
    rows = [
        (f"{each['load']:.0%}, {name}", each, name)
        for name in ("p50", "p99")
        for each in figures["at"]
    ]
    step = _BAR * len(_KINDS) + 10
    bottom = _TOP + step * len(rows)
    title = "From arrival to answer, by load: a real batcher and its simulation"
    picture = Picture(760, bottom + 34, title)
    picture.text(15, 26, title, 15, anchor="start", weight="bold")
    for number, (kind, colour) in enumerate(_KINDS.items()):
        x = 15 + 230 * number
        picture.bar(x, 44, 12, 12, colour)
        picture.text(x + 18, 55, _SAYS[kind], anchor="start")
    most = max(each[kind][name] for _, each, name in rows for kind in _KINDS)
    for number, (label, each, name) in enumerate(rows):
        y = _TOP + step * number
        picture.text(_LEFT - 8, y + 22, label, anchor="end")
        for line, (kind, colour) in enumerate(_KINDS.items()):
            millis = each[kind][name] / 1000
            width = _WIDTH * each[kind][name] / most
            top = y + _BAR * line
            picture.bar(_LEFT, top, width, _BAR - 2, colour)
            end = round(_LEFT + width + 5)
            picture.text(end, top + 9, f"{millis:.1f} ms", 10, anchor="start")
    picture.text(
        15, bottom + 20, figures["machine"]["cpu"], 11, anchor="start", colour=MUTED
    )
    return picture.render()
