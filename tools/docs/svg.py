# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Boxes and arrows as SVG: the same bytes from the same calls, on every machine."""

from __future__ import annotations

from xml.sax.saxutils import escape

INK, MUTED, PAPER = "#263238", "#607D8B", "#FFFFFF"
FILLS = {
    "plain": "#ECEFF1",  # Somebody else's.
    "ours": "#E0F2F1",  # Done by tfnative.
    "file": "#FFF8E1",  # Lies on the disk.
}
_EDGES = {"plain": "#90A4AE", "ours": "#00796B", "file": "#FFA000"}
_STYLE = "font-family='Helvetica,Arial,sans-serif'"


class Picture:
    """An SVG that is drawn piece by piece. Lengths are in pixels."""

    def __init__(self, width: int, height: int, title: str) -> None:
        """Begins with a white ground.

        Args:
            width: Of the picture.
            height: Of the picture.
            title: What a reader hears who does not see it.
        """
        self._parts = [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
            f"width='{width}' height='{height}' role='img' {_STYLE}>",
            f"<title>{escape(title)}</title>",
            "<defs><marker id='head' viewBox='0 0 8 8' refX='7' refY='4' "
            "markerWidth='7' markerHeight='7' orient='auto-start-reverse'>"
            f"<path d='M0 0 L8 4 L0 8 z' fill='{MUTED}'/></marker></defs>",
            f"<rect width='{width}' height='{height}' rx='8' fill='{PAPER}'/>",
        ]

    def box(
        self, x: int, y: int, width: int, height: int, *lines: str, kind: str = "plain"
    ) -> None:
        """A box with centred text; the first line is bold."""
        self._parts.append(
            f"<rect x='{x}' y='{y}' width='{width}' height='{height}' rx='6' "
            f"fill='{FILLS[kind]}' stroke='{_EDGES[kind]}' stroke-width='1.3'/>"
        )
        top = y + height / 2 - 8.5 * (len(lines) - 1)
        for number, line in enumerate(lines):
            size, weight = (14, "bold") if number == 0 else (12, "normal")
            self.text(
                x + width // 2, round(top + 17 * number + 5), line, size, weight=weight
            )

    def text(
        self,
        x: int,
        y: int,
        line: str,
        size: int = 12,
        *,
        anchor: str = "middle",
        weight: str = "normal",
        colour: str = INK,
    ) -> None:
        """A line of text; ``y`` is its base line."""
        self._parts.append(
            f"<text x='{x}' y='{y}' font-size='{size}' font-weight='{weight}' "
            f"text-anchor='{anchor}' fill='{colour}'>{escape(line)}</text>"
        )

    def arrow(self, *points: tuple[int, int], label: str = "") -> None:
        """A line through the points, with a head at its end."""
        path = " ".join(f"{x},{y}" for x, y in points)
        self._parts.append(
            f"<polyline points='{path}' fill='none' stroke='{MUTED}' "
            "stroke-width='1.6' marker-end='url(#head)'/>"
        )
        if label:
            (x1, y1), (x2, y2) = points[0], points[1]
            self.text((x1 + x2) // 2, (y1 + y2) // 2 - 6, label, colour=MUTED)

    def bar(self, x: int, y: int, width: float, height: int, colour: str) -> None:
        """A bar of a chart."""
        self._parts.append(
            f"<rect x='{x}' y='{y}' width='{width:.1f}' height='{height}' rx='2' "
            f"fill='{colour}'/>"
        )

    def rule(self, x1: int, y1: int, x2: int, y2: int, *, dashed: bool = False) -> None:
        """A thin line without a head."""
        dash = " stroke-dasharray='4 3'" if dashed else ""
        self._parts.append(
            f"<line x1='{x1}' y1='{y1}' x2='{x2}' y2='{y2}' stroke='{MUTED}' "
            f"stroke-width='1'{dash}/>"
        )

    def render(self) -> str:
        """The file's text."""
        return "\n".join([*self._parts, "</svg>", ""])
