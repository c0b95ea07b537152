# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of what was tried until a budget held."""

from __future__ import annotations

import importlib.util
import io
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from tests.python.strategies import choices, names
from tfnative._draw.choice_png import choice_png, require_matplotlib
from tfnative._draw.choice_svg import choice_svg
from tfnative.errors import FailedPreconditionError
from tfnative.manifest import ChoicePoint, LayerTrial, PrecisionChoice

SVG = "{http://www.w3.org/2000/svg}"


def choice(budget: str, *points: ChoicePoint) -> PrecisionChoice:
    layers = tuple(LayerTrial(name, 30.0, 1.0) for name in "ab")
    return PrecisionChoice(
        *(budget, 2.0 if budget == "accuracy" else 30.0, 300, 200, True, 0.9, 4.0),
        *("us", "x86-64-v3", 1, layers, points),
    )


def point(returned: str, layers: int, time: float, ratio: float | None) -> ChoicePoint:
    accuracy = 0.5 if ratio is not None and ratio < 30 else 0.89
    return ChoicePoint(returned, layers, time, ratio, accuracy, accuracy > 0.5)


@pytest.mark.parametrize("budget", ["accuracy", "signal_to_noise"])
def test_points_go_up_and_to_the_right_and_the_budget_lies_between(budget):
    tried = choice(budget, point("", 2, 1.0, 10.0), point("x/a<&", 1, 2.0, 40.0))
    drawing = ElementTree.fromstring(choice_svg("net", {"serve": tried}))
    circles = drawing.findall(f".//{SVG}circle")
    across, up = (
        [float(circle.attrib[axis]) for circle in circles] for axis in ("cx", "cy")
    )
    assert across == sorted(across)
    assert up == sorted(up, reverse=True)
    (bound,) = [
        float(line.attrib["y1"])
        for line in drawing.findall(f".//{SVG}line")
        if "stroke-dasharray" in line.attrib
    ]
    assert up[1] < bound < up[0]
    texts = [text.text for text in drawing.iter(f"{SVG}text")]
    assert "net, signature serve" in texts
    assert "x/a<&" in texts


@settings(max_examples=15)
@given(choices, names)
def test_any_choice_is_an_svg_document(tried, name):
    if not tried.points:
        return
    drawing = ElementTree.fromstring(choice_svg(name, {name: tried, f"{name}2": tried}))
    circles = drawing.findall(f".//{SVG}circle")
    assert len(circles) == 2 * (len(tried.points) + 1)


@pytest.mark.parametrize("budget", ["accuracy", "signal_to_noise"])
def test_a_png_file_has_a_chart_for_each_signature(budget):
    image = pytest.importorskip("matplotlib.image")
    tried = choice(budget, point("", 2, 1.0, 10.0), point("a_$x^{$", 1, 2.0, None))
    sizes = [
        image.imread(io.BytesIO(choice_png("net", dict.fromkeys(names, tried)))).shape
        for names in ("a", "ab")
    ]
    assert sizes[1][0] == 2 * sizes[0][0]
    assert sizes[1][1] == sizes[0][1]


def test_without_matplotlib_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        FailedPreconditionError, match=r"pip install .tfnative\[chart\]"
    ):
        require_matplotlib()
