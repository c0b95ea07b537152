# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The report of an optimization: one page, in which names are names."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings, strategies as st

from tests.python.draw.drawn import ODD, graphs
from tests.python.draw.graphviz_needed import needs_dot, needs_jinja
from tfnative._draw import render
from tfnative._draw.dot import printable
from tfnative._draw.graph import DrawnGraph
from tfnative._optimize.report import (
    Histogram,
    ReportStep,
    WeightChange,
    check_report,
    to_html,
)
from tfnative._optimize.results import OptimizeNote, OptimizeStep
from tfnative.errors import FailedPreconditionError

pytestmark = [
    needs_dot,
    needs_jinja,
]


class Page(HTMLParser):
    """The elements of a page, with what is to be known of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, name: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag == name]


def step(
    name: str = "freeze",
    *,
    reason: str = "",
    applied: bool = True,
    flops: int | None = 5_600_000,
) -> OptimizeStep:
    return OptimizeStep(
        transform=name,
        applied=applied,
        reason=reason,
        nodes=7,
        ops={"Const": 3, "MatMul": 2, name: 2},
        bytes=1234,
        gzipped_bytes=1000,
        constants=3,
        flops=flops,
        milliseconds=0.5,
        max_error=0.0,
        total_error=2e-7,
        same_top1=1.0,
    )


def change(name: str) -> WeightChange:
    histogram = Histogram(-1.0, 1.0, (1, 5, 2), (0, 8, 0))
    return WeightChange(
        *(name, "4x2", ("float32", "quint8"), (32, 8), (8, 1), 0.5, histogram)
    )


@settings(max_examples=12, deadline=None)
@given(graphs(), graphs(), st.lists(ODD, min_size=4, max_size=4))
def test_names_are_no_markup(before: DrawnGraph, after: DrawnGraph, texts: list[str]):
    title, transform, reason, weights = texts
    steps = [
        ReportStep(step(), "Freezes.", (before,)),
        ReportStep(
            step(transform, reason=reason),
            "Does something.",
            (before, after),
            (change(weights),),
        ),
    ]
    page = Page(to_html(title, steps))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "iframe", "object", "link", "b"}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for text in (title, transform, weights):
        assert printable(text) in page.text


def test_figures_are_in_a_table_with_headers():
    steps = [
        ReportStep(step(), "Freezes."),
        ReportStep(
            step("drop", reason="it breaks", applied=False, flops=None), "Drops."
        ),
    ]
    text = to_html("net", steps)
    page = Page(text)
    assert all(a.get("scope") in ("col", "row") for a in page.all("th"))
    assert len(page.all("section")) == 2
    for figure in ("1,234", "1,000", "0.0056", "0.50", "2.0e-07", "100%"):
        assert f">{figure}<" in text, figure
    assert "It was left out: it breaks." in page.text
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text


@given(graphs())
@settings(max_examples=3, deadline=None)
def test_pictures_have_words_for_those_who_do_not_see_them(graph: DrawnGraph):
    shown = ReportStep(step(), "", (graph, graph), (change("w"),))
    page = Page(to_html("net", [shown]))
    images = [a for _, a in page.elements if a.get("role") == "img"]
    assert len(images) == 3
    assert all(a["aria-label"].strip() for a in images)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patched:
        patched.setattr(render.shutil, "which", lambda name: None)
        with pytest.raises(FailedPreconditionError, match="apt-get install graphviz"):
            check_report()
    monkeypatch.setattr(render.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FailedPreconditionError, match=r"tfnative\[draw\]"):
        check_report()


def test_notes_are_listed_and_are_no_markup():
    note = OptimizeNote("a<b>", "still_random", "is still random: x<i> (RandomUniform)")
    page = Page(to_html("net", [ReportStep(step(), "Freezes.")], [note]))
    assert "Signature a<b> is still random: x<i> (RandomUniform)." in page.text
    assert not page.all("b")
    assert len(page.all("li")) == 1
