# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The report of an optimization: one HTML page with tables, pictures and histograms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tfnative._base.units import format_bytes
from tfnative._draw.dot import printable
from tfnative._draw.families import FAMILIES, family_of_op
from tfnative._draw.graph import DrawnGraph
from tfnative._draw.html import fill_in, inline
from tfnative._draw.render import require, require_dot
from tfnative._optimize.results import OptimizeNote, OptimizeStep

_HIDDEN = ("Const", "Identity")
_NONE = "-"


@dataclass(frozen=True)
class Histogram:
    """How the values of a constant are spread, before and after a step.

    Attributes:
        least: Where the first bin begins.
        largest: Where the last bin ends.
        before: How many values are in each bin.
        after: Likewise.
    """

    least: float
    largest: float
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True)
class WeightChange:
    """A constant before and after a step.

    Attributes:
        name: Of the constant, or of the node that reads it.
        shape: As "3x3x16x32".
        dtypes: How it is kept, before and after.
        sizes: In bytes.
        distinct: How many different values there are.
        largest_change: Largest difference of an element.
        histogram: The values.
    """

    name: str
    shape: str
    dtypes: tuple[str, str]
    sizes: tuple[int, int]
    distinct: tuple[int, int]
    largest_change: float
    histogram: Histogram


@dataclass(frozen=True)
class ReportStep:
    """What the report shows of a step.

    Attributes:
        step: Its figures.
        meaning: What it does, in a sentence.
        pictures: The graph before and after it; just one of the first step; none
            where no picture shows what changed.
        weights: The largest constants that it changed.
        more_weights: How many others it changed.
    """

    step: OptimizeStep
    meaning: str
    pictures: tuple[DrawnGraph, ...] = ()
    weights: tuple[WeightChange, ...] = ()
    more_weights: int = 0


@dataclass(frozen=True)
class _Picture:
    caption: str
    text: str
    svg: str


@dataclass(frozen=True)
class _Bars:
    """A histogram as points of lines in a box of 100 by 40."""

    change: WeightChange
    before: str
    after: str
    text: str


def check_report() -> None:
    """Raises FailedPreconditionError if what makes the page is not installed."""
    require("jinja2")
    require_dot("Without a report, models are optimized all the same")


def to_html(
    title: str, steps: Sequence[ReportStep], notes: Sequence[OptimizeNote] = ()
) -> str:
    """The page, which needs no network and no other file.

    Args:
        title: Which model it is.
        steps: At least the first one, which freezes the model.
        notes: What else is to be known of the signatures.
    """
    shown = [
        (
            each,
            _figures(each.step),
            [
                _picture(graph, each, f"step-{n}-{place}-")
                for place, graph in enumerate(each.pictures)
            ],
            _ops(steps[n - 1].step if n else each.step, each.step),
            [_bars(change) for change in each.weights],
        )
        for n, each in enumerate(steps)
    ]
    return fill_in(
        "tfnative._optimize",
        "report.html.jinja",
        title=printable(title),
        first=steps[0].step,
        last=steps[-1].step,
        steps=shown,
        notes=notes,
        kinds=_kinds([each.step for each in steps]),
        most_bytes=max(each.step.bytes for each in steps),
        format_bytes=format_bytes,
        printable=printable,
    )


def _figures(step: OptimizeStep) -> dict[str, str]:
    """What the table says of a step, by column."""
    return {
        "nodes": f"{step.nodes:,}",
        "bytes": f"{step.bytes:,}",
        "gzipped bytes": f"{step.gzipped_bytes:,}",
        "constants": f"{step.constants:,}",
        "GFLOP": _NONE if step.flops is None else f"{step.flops / 1e9:.3g}",
        "ms in TensorFlow": _NONE
        if step.milliseconds is None
        else f"{step.milliseconds:.2f}",
        "error": _error(step.max_error),
        "error in all": _error(step.total_error),
        "same top-1": _NONE if step.same_top1 is None else f"{step.same_top1:.0%}",
    }


def _error(error: float | None) -> str:
    return _NONE if error is None else "0" if error == 0 else f"{error:.1e}"


def _kinds(steps: Sequence[OptimizeStep]) -> tuple[list[str], list[list[int]]]:
    """How many nodes of each family there are, step by step; and of constants."""
    counts = []
    for step in steps:
        count: Counter[str] = Counter()
        for op, number in step.ops.items():
            count[op if op in _HIDDEN else FAMILIES[family_of_op(op)].label] += number
        counts.append(count)
    labels = [*(family.label for family in FAMILIES.values()), *_HIDDEN]
    used = [label for label in labels if any(count[label] for count in counts)]
    return used, [[count[label] for label in used] for count in counts]


def _ops(before: OptimizeStep, after: OptimizeStep) -> list[tuple[str, int, int]]:
    """The ops of which there are more or fewer than before, those of most first."""
    names = {**before.ops, **after.ops}
    found = [(op, before.ops.get(op, 0), after.ops.get(op, 0)) for op in names]
    changed = [each for each in found if each[1] != each[2]]
    return sorted(changed, key=lambda each: (-abs(each[1] - each[2]), each[0]))


def _picture(graph: DrawnGraph, of: ReportStep, ids: str) -> _Picture:
    caption = graph.title.capitalize()
    if len(of.pictures) > 1:
        graph = replace(graph, title=f"{graph.title} {of.step.transform}")
    return _Picture(
        caption,
        printable(_told(graph)),
        inline(graph, ids),
    )


def _told(graph: DrawnGraph) -> str:
    """The picture in words, for those who do not see it."""
    marked = [node for node in graph.nodes if node.mark]
    listed = "; ".join(
        f"{n.title} {n.details.get('name', '')}: {n.note or n.mark}"
        for n in marked[:40]
    )
    rest = f"; and {len(marked) - 40} more" if len(marked) > 40 else ""
    return f"Graph of {len(graph.nodes)} boxes. " + (
        f"Marked: {listed}{rest}" if marked else "Nothing is marked"
    )


def _bars(change: WeightChange) -> _Bars:
    found = change.histogram
    most = max(*found.before, *found.after, 1)
    text = (
        f"Histogram of {change.name}: values from {found.least:.3g} to "
        f"{found.largest:.3g}; {change.distinct[0]} different ones before, "
        f"{change.distinct[1]} after"
    )
    return _Bars(change, _line(found.before, most), _line(found.after, most), text)


def _line(counts: Sequence[int], most: int) -> str:
    """A staircase over the bins, closed at the bottom."""

    def corners() -> Iterator[str]:
        width = 100 / len(counts)
        yield "0,40"
        for number, count in enumerate(counts):
            height = 40 - 38 * count / most
            yield f"{number * width:.2f},{height:.2f}"
            yield f"{(number + 1) * width:.2f},{height:.2f}"
        yield "100,40"

    return " ".join(corners())
