# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The page: complete in itself, and names are no markup in it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from tests.python.draw.drawn import graphs, loop_program
from tests.python.draw.graphviz_needed import needs_dot, needs_jinja
from tfnative._draw import html, render
from tfnative._draw.compiled import Measured, draw_program
from tfnative._draw.dot import printable
from tfnative._draw.graph import DrawnGraph
from tfnative._draw.html import to_html
from tfnative.errors import FailedPreconditionError

pytestmark = [
    needs_dot,
    needs_jinja,
]


class Page(HTMLParser):
    """Which tags there are, what refers to elsewhere, and the cells of the table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: set[str] = set()
        self.addresses: set[str] = set()
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers |= {name for name, _ in attrs if name.startswith("on")}
        self.addresses |= {v or "" for k, v in attrs if k in ("src", "href")}
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "td":
            self.cells[-1] += data


@settings(max_examples=20)
@given(graphs())
def test_names_are_no_markup(graph: DrawnGraph):
    page = Page(to_html(graph))
    assert page.tags.count("script") == 1
    assert page.tags.count("img") == page.tags.count("iframe") == 0
    assert not page.handlers
    assert not page.addresses
    shown = "".join(page.cells)
    for node in graph.nodes:
        if node.family != "port":
            for value in node.details.values():
                assert printable(value).strip() in shown


def test_the_table_has_every_step_with_its_time():
    times = {0: Measured(3.0, 0.75), 3: Measured(1.0, 0.25)}
    text = to_html(draw_program(loop_program(), "net", times))
    page = Page(text)
    assert page.tags.count("tr") == 1 + 5
    assert {"3.00", "75.0", "1.00", "25.0"} <= set(page.cells)
    assert "default-src 'none'" in text
    assert "http" not in text.replace("http://www.w3.org", "").replace("http-equiv", "")


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch):
    graph = draw_program(loop_program(), "net")
    with monkeypatch.context() as patched:
        patched.setattr(render.shutil, "which", lambda name: None)
        with pytest.raises(FailedPreconditionError, match="apt-get install graphviz"):
            html.to_html(graph)
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FailedPreconditionError, match=r"tfnative\[draw\]"):
        html.to_html(graph)
