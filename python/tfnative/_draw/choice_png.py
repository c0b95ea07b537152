# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The same picture as ``choice_svg``, as a PNG file, by matplotlib."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tfnative._draw.choice_curve import (
    BOUND,
    CHOSEN,
    LINE,
    NAMED,
    curve_of,
    name_of,
    note,
    unit,
)
from tfnative._draw.families import GREY
from tfnative.errors import FailedPreconditionError
from tfnative.manifest import PrecisionChoice

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def require_matplotlib() -> None:
    """Checks that a PNG file can be drawn.

    Raises:
        FailedPreconditionError: matplotlib is missing. Says what to install.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise FailedPreconditionError(
            "--precision-report needs matplotlib to draw a .png file: pip install "
            '"tfnative[chart]", or name a .svg file'
        )


def choice_png(model: str, choices: Mapping[str, PrecisionChoice]) -> bytes:
    """The picture, with a chart for each signature. See ``choice_svg``."""
    from matplotlib.figure import Figure

    count = max(len(choices), 1)
    figure = Figure(figsize=(8, 4.5 * count), layout="constrained")
    rows = figure.subplots(count, squeeze=False)
    for (axes,), (signature, choice) in zip(rows, choices.items(), strict=False):
        _draw(axes, choice)
        title = f"{model}, signature {signature}\n{note(choice)}"
        axes.set_title(title, fontsize=9, parse_math=False)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=150)
    return content.getvalue()


def _draw(axes: Axes, choice: PrecisionChoice) -> None:
    curve = curve_of(choice)
    times, heights = ([point[axis] for point in curve.points] for axis in (0, 1))
    axes.plot(times, heights, "o-", color=LINE)
    axes.plot(times[-1:], heights[-1:], "o", color=CHOSEN, label="chosen")
    axes.plot(
        *([end] for end in curve.float32), "o", mfc="none", color=GREY, label="float32"
    )
    if curve.bound is not None:
        axes.axhline(curve.bound, color=BOUND, linestyle="--", label="budget")
    if len(curve.points) <= NAMED:
        for point, place in zip(choice.points, curve.points, strict=True):
            if point.returned:
                offset = (6, -3)
                axes.annotate(
                    name_of(point),
                    place,
                    offset,
                    textcoords="offset points",
                    fontsize=8,
                    parse_math=False,
                )
    axes.set_xlim(left=0)
    axes.set_xlabel(unit(choice))
    axes.set_ylabel("% right" if choice.budget == "accuracy" else "signal to noise, dB")
    axes.legend(loc="best", fontsize=8)
