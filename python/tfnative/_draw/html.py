# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A graph as one page of HTML, which needs nothing else: no network, no other file."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfnative._draw.dot import printable, to_dot
from tfnative._draw.graph import DrawnGraph
from tfnative._draw.render import require, to_svg

_NUMBER = re.compile(r"[\d,]+(\.\d+)?")


@dataclass(frozen=True)
class _Cell:
    text: str
    kind: str


@dataclass(frozen=True)
class _Row:
    box: str
    cells: tuple[_Cell, ...]


def to_html(graph: DrawnGraph) -> str:
    """The page: the picture, which can be moved and zoomed, and a table of the boxes.

    Raises:
        FailedPreconditionError: Jinja2 or Graphviz is not installed.
    """
    rows = [
        (f"n{number}", node.details)
        for number, node in enumerate(graph.nodes)
        if node.family != "port"
    ]
    require("jinja2")
    return page(graph.title, inline(graph), rows)


def page(title: str, svg: str, details: Sequence[tuple[str, Mapping[str, str]]]) -> str:
    """A page of a picture, which can be moved and zoomed, and a table.

    Args:
        title: Of the page.
        svg: The picture, as an element of a page; what is in it is escaped.
        details: A row for each: the id of its element in the picture, which has the
            class "node", and what is known of it, by column.

    Raises:
        FailedPreconditionError: Jinja2 is not installed.
    """
    require("jinja2")
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    file = importlib.resources.files("tfnative._draw").joinpath("page.html.jinja")
    columns, rows = _table(details)
    template = environment.from_string(file.read_text(encoding="utf-8"))
    text: str = template.render(
        title=printable(title), svg=svg, columns=columns, rows=rows
    )
    return text


def inline(graph: DrawnGraph) -> str:
    """The picture as an element of a page: Graphviz has escaped what is in it."""
    svg = to_svg(to_dot(graph))
    return svg[svg.index("<svg") :]


def _table(
    details: Sequence[tuple[str, Mapping[str, str]]],
) -> tuple[tuple[str, ...], tuple[_Row, ...]]:
    """The columns in which something stands, and the rows."""
    known = (item for _, each in details for item in each.items())
    columns = tuple(dict.fromkeys(key for key, value in known if value))
    rows = tuple(
        _Row(box, tuple(_cell(each.get(key, "")) for key in columns))
        for box, each in details
    )
    return columns, rows


def _cell(text: str) -> _Cell:
    kind = "number" if _NUMBER.fullmatch(text) else "name" if "/" in text else ""
    return _Cell(printable(text), kind)
