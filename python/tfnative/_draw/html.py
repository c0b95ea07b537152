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

_ID = re.compile(r'(<(?:g|a)\b) id="')
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
    columns, rows = _table(details)
    return fill_in(
        "tfnative._draw",
        "page.html.jinja",
        title=printable(title),
        svg=svg,
        columns=columns,
        rows=rows,
    )


def fill_in(package: str, template: str, **values: object) -> str:
    """A page made of a template, in which every text is escaped.

    Args:
        package: Where the template is; it may include those of this package.
        template: Name of its file.
        **values: What it shows.

    Raises:
        FailedPreconditionError: Jinja2 is not installed.
    """
    require("jinja2")
    import jinja2

    def load(name: str) -> str | None:
        for place in (package, __package__):
            file = importlib.resources.files(place).joinpath(name)
            if file.is_file():
                return file.read_text(encoding="utf-8")
        return None

    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FunctionLoader(load),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    text: str = environment.get_template(template).render(values)
    return text


def inline(graph: DrawnGraph, ids: str = "") -> str:
    """The picture as an element of a page: Graphviz has escaped what is in it.

    Args:
        graph: What to draw.
        ids: What the ids of its elements begin with: a page has each id once.
    """
    svg = to_svg(to_dot(graph))
    svg = svg[svg.index("<svg") :]
    # A "<" that is no tag's is escaped, so that this finds no text.
    return _ID.sub(rf'\1 id="{ids}', svg) if ids else svg


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
