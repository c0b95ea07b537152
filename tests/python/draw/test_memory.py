# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Charts of a workspace: what is alive, the peak, and pictures of it."""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from tests.python.draw.drawn import ODD, loop_program, with_memory
from tests.python.draw.test_html import Page
from tfnative._draw.memory import MemoryChart, chart_memory
from tfnative._draw.memory_svg import memory_html, memory_svg
from tfnative._draw.memory_text import to_text
from tfnative._manifest.memory import LiveValue, MemoryRecord
from tfnative._manifest.program import Node


def chart() -> MemoryChart:
    program = with_memory(loop_program())
    assert program.memory is not None
    return chart_memory(program, program.memory, "net")


@st.composite
def charts(draw: st.DrawFn) -> MemoryChart:
    """Charts of programs with any number of steps, whose names are anything at all."""
    step = replace(loop_program().steps[0], node=Node(draw(ODD), draw(ODD)), parts=())
    count = draw(st.integers(1, 300))
    values = []
    for _ in range(draw(st.integers(0, 5))):
        first, last = sorted(draw(st.integers(0, count)) for _ in range(2))
        offset, size = draw(st.integers(0, 10)) * 64, draw(st.integers(0, 10)) * 64
        writer = draw(st.integers(-1, count))
        values.append(LiveValue(offset, size, first, last, writer, draw(ODD)))
    size = max((v.offset + v.size for v in values), default=0)
    memory = MemoryRecord(size, draw(ODD), size, size, tuple(values))
    program = replace(loop_program(), steps=(step,) * count, memory=memory)
    return chart_memory(program, memory, draw(ODD))


def test_bytes_that_are_alive_are_counted_at_each_step():
    assert chart().live == (64, 128, 128, 128, 192)
    assert (chart().peak, chart().peak_step) == (192, 4)


def test_what_is_alive_at_the_peak_is_named_with_its_share():
    (largest, other) = chart().at_peak
    assert (largest.name, round(largest.share, 3)) == ("copy.1", 0.667)
    assert (other.op, other.name) == ("MatMul", "model/dense/BiasAdd")
    assert round(other.share, 3) == 0.333


def test_the_title_and_the_notes_say_what_it_is():
    assert chart().title == "net: serving_default, 1 row"
    assert chart().notes == (
        "3 values between 5 steps, placed in 192 bytes of the workspace",
        "alive at once: 192 bytes at most, at step 4: copy copy.1",
        "order of the steps: depth first; in XLA's, it would take 256 bytes",
    )


def test_the_text_is_a_picture_of_the_bytes():
    lines = to_text(chart(), 31).splitlines()
    assert lines[0] == "192 bytes |                ####"
    assert lines[3] == "          |    ################"
    assert lines[7] == "          |####################"
    assert lines[10] == "        0 +--------------------"
    assert lines[11] == "                           ^ step 4 of 5"


@settings(max_examples=60)
@given(charts(), st.integers(1, 250))
def test_text_is_ascii_of_bounded_width_and_shows_the_peak(
    drawn: MemoryChart, width: int
):
    text = to_text(drawn, width)
    assert text.isascii()
    if not drawn.peak:
        return
    *bars, _, caret = text.splitlines()
    assert len(bars) == 10
    assert all(len(line) <= max(width, 40) for line in bars)
    assert bars[0][caret.index("^")] == "#"


@settings(max_examples=60)
@given(charts())
def test_pictures_are_xml_whatever_names_are(drawn: MemoryChart):
    root = ET.fromstring(memory_svg(drawn).encode("utf-8", "surrogatepass"))
    boxes = [e for e in root.iter() if e.get("class") == "node"]
    assert len(boxes) == len(drawn.values)


@settings(max_examples=15)
@given(charts())
def test_names_are_no_markup_in_pages(drawn: MemoryChart):
    if importlib.util.find_spec("jinja2") is None:
        pytest.skip('needs "tfnative[draw]"')
    page = Page(memory_html(drawn))
    assert page.tags.count("script") == 1
    assert page.tags.count("polygon") == page.tags.count("tr") - 1 == len(drawn.values)
    assert not page.handlers
    assert not page.addresses


def test_a_program_without_values_has_nothing_to_show():
    empty = MemoryRecord(0, "xla", 0, 0, ())
    drawn = chart_memory(loop_program(), empty, "net")
    assert to_text(drawn, 80) == "no step leaves a value in the workspace\n"
    ET.fromstring(memory_svg(drawn))
    nothing = chart_memory(replace(loop_program(), steps=()), empty, "net")
    assert (nothing.peak, nothing.live) == (0, ())
    ET.fromstring(memory_svg(nothing))
