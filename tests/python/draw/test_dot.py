# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""DOT: whatever names are made of, Graphviz shows it as text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from hypothesis import given, settings

from tests.python.draw.drawn import ODD, graphs, loop_program
from tests.python.draw.graphviz_needed import needs_dot
from tfnative._draw.compiled import draw_program
from tfnative._draw.dot import printable, quoted, shortened, to_dot
from tfnative._draw.graph import DrawnGraph
from tfnative._draw.render import to_svg

_SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """What a reader sees, without spaces, which Graphviz sets as it likes."""
    found = ET.fromstring(svg).iter(f"{_SVG}text")
    return [without_spaces("".join(each.itertext())) for each in found]


def without_spaces(text: str) -> str:
    return re.sub(r"\s", "", text)


@needs_dot
@settings(max_examples=20)
@given(graphs())
def test_graphviz_shows_every_text_as_it_is(graph: DrawnGraph):
    shown = texts(to_svg(to_dot(graph)))
    # Long notes take several lines.
    assert all(without_spaces(printable(n)) in "".join(shown) for n in graph.notes)
    expected = [graph.title]
    for node in graph.nodes:
        expected += [node.title, node.note]
        expected += [part for line in node.lines for part in line]
    missing = [
        text
        for text in expected
        if without_spaces(printable(shortened(text)))
        and without_spaces(printable(shortened(text))) not in shown
        and without_spaces(printable(text)) not in shown
    ]
    assert not missing


@needs_dot
@settings(max_examples=10)
@given(graphs())
def test_tooltips_have_the_details_as_they_are(graph: DrawnGraph):
    root = ET.fromstring(to_svg(to_dot(graph)))
    hints = {
        line
        for each in root.iter()
        for name, value in each.attrib.items()
        if name.endswith("title")
        for line in map(without_spaces, value.splitlines())
    }
    for node in graph.nodes:
        for key, value in node.details.items():
            shown = printable(f"{key}: {value}").replace("\\", "\N{SET MINUS}")
            assert not value or without_spaces(shown) in hints


@needs_dot
@settings(max_examples=10)
@given(graphs())
def test_nothing_but_pictures_comes_out(graph: DrawnGraph):
    root = ET.fromstring(to_svg(to_dot(graph)))
    tags = {each.tag.removeprefix(_SVG) for each in root.iter()}
    assert tags <= {"svg", "g", "title", "text", "path", "polygon", "polyline", "a"}
    links = {v for e in root.iter() for k, v in e.attrib.items() if k.endswith("href")}
    assert not links
    boxes = [e for e in root.iter() if e.get("class") == "node"]
    ids = sorted(box.get("id", "") for box in boxes)
    assert ids == [f"n{i}" for i in range(len(graph.nodes))]


@given(ODD)
def test_a_quoted_text_ends_where_it_should(text: str):
    inside = quoted(text)[1:-1]
    assert inside.isprintable()
    assert re.fullmatch(r'([^"\\]|\\.)*', inside)


@given(ODD)
def test_long_texts_keep_both_ends(text: str):
    short = shortened(text, 12)
    assert len(short) <= 12 or short == text
    assert short[:4] == text[:4]
    assert short[-4:] == text[-4:]


def test_loops_are_frames_and_what_goes_round_is_dashed():
    text = to_dot(draw_program(loop_program(), "net"))
    assert text.count("subgraph cluster_") == 3
    assert 'label="condition"' in text
    assert text.count("style=dashed") == 2
    assert "matrix product" in text
