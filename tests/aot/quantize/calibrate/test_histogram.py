# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of a tensor has all of its values, and the range of every method."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.aot.quantize.calibrate.seen import observed
from tfnative_aot.quantize.calibrate.histogram import histogram_svg
from tfnative_aot.quantize.calibrate.methods import METHODS, find_range

SVG = "{http://www.w3.org/2000/svg}"


def test_each_method_has_its_lines_and_its_figures():
    seen = observed(np.random.default_rng(8).standard_t(4, (50, 300)))
    text = histogram_svg(seen, "a < b")
    root = ElementTree.fromstring(text)
    said = [each.text for each in root.iter(f"{SVG}text")]
    assert said[0] == "a < b"
    for method in METHODS:
        found = find_range(seen, method)
        row = said.index(method)
        assert said[row + 1] == f"{found.low:.3g} to {found.high:.3g}"
        assert said[row + 2] == f"step {(found.high - found.low) / 255:.3g}"
    lines = [each.attrib["points"] for each in root.iter(f"{SVG}polyline")]
    ends = [tuple(map(float, re.findall(r"([\d.]+),358", line))) for line in lines]
    assert len(ends) == len(METHODS)
    widest = ends[list(METHODS).index("min-max")]
    assert all(widest[0] <= low < high <= widest[1] for low, high in ends)
    assert text == histogram_svg(seen, "a < b")


@pytest.mark.parametrize("sign", [1, -1])
def test_bars_are_as_high_as_there_are_values(sign):
    x = sign * np.repeat([0.1, 1.0, 4.0], [900, 90, 9])
    root = ElementTree.fromstring(histogram_svg(observed([x]), "x"))
    bars = [each.attrib for each in root.iter(f"{SVG}rect")][1:]
    heights = [float(bar["height"]) for bar in bars][::sign]
    assert len(heights) == 3
    expected = np.log10([901, 91, 10]) / np.log10(901) * 230
    np.testing.assert_allclose(heights, expected, atol=0.2)


@pytest.mark.parametrize("value", [0.0, 3.0, -3.0])
def test_tensors_with_one_value_have_a_picture_too(value):
    seen = replace(observed(np.full((2, 3), value)), name="x")
    ElementTree.fromstring(histogram_svg(seen, seen.name))
