# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Which bytes stand for tensors whose ranges follow from those that a model has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tfnative_aot.freeze.quantized import LEVELS, Quantization
from tfnative_aot.quantize.calibrate.observed import Range
from tfnative_aot.quantize.static.clusters import Clusters
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.plan import Step
from tfnative_aot.quantize.static.scales import numbers, quantization

_PASSES_ON = ("max", "join")

# What gives numbers that it is given, or zeros, and which of its inputs have these.
_MOVING = {
    **dict.fromkeys(("ConcatV2",), slice(0, -1)),
    **dict.fromkeys(
        "BatchToSpaceND DepthToSpace MaxPool Pad Slice SpaceToBatchND SpaceToDepth "
        "StridedSlice Tile Transpose".split(),
        slice(0, 1),
    ),
}


def passed_on(view: GraphView, clusters: Clusters, name: str) -> Quantization | None:
    """How numbers are rounded that are some of those that the model has rounded."""
    grid = clusters.grids.get(name)
    if grid is not None:
        return grid.quantization
    if ":" in name:
        return None
    root = clusters.root(name)
    if root != name:
        is_bounded = clusters.clamp(root, name) is not None
        return passed_on(view, clusters, root) if is_bounded else None
    node = view.node(name)
    given = _MOVING.get(node.op)
    if given is None:
        return None
    sources = [view.source(each) for each in node.input[given]]
    found = {passed_on(view, clusters, source) for source in sources}
    return found.pop() if len(found) == 1 else None


def without_conflicts(
    view: GraphView, clusters: Clusters, steps: Sequence[Step]
) -> Sequence[Step]:
    """The steps without joins of what the model rounds in different ways.

    What is joined has one scale. A tensor that the model rounds keeps its own, and what
    has none would be cut off where that ends.
    """
    kept = list(steps)
    while True:
        known = known_quantizations(view, clusters, kept, guess=False)
        by_output = {step.output: step for step in kept}
        wrong = [
            step
            for step in kept
            if step.kind == "join" and len(_joined(view, known, by_output, step)) > 1
        ]
        if not wrong:
            return kept
        kept = [step for step in kept if step not in wrong]


def _joined(
    view: GraphView,
    known: Mapping[str, Quantization],
    steps: Mapping[str, Step],
    step: Step,
) -> set[Quantization | None]:
    """How what a step passes on is rounded; None is in it if samples will say so."""
    found: set[Quantization | None] = set()
    for given in step.inputs:
        source = view.source(given)
        own = steps.get(source)
        if own is not None and own.kind in _PASSES_ON:
            found |= _joined(view, known, steps, own)
        else:
            found.add(known.get(source))
    return found


def known_quantizations(
    view: GraphView, clusters: Clusters, steps: Sequence[Step], *, guess: bool
) -> Mapping[str, Quantization]:
    """How tensors are rounded, as far as the model says it.

    Args:
        view: The graph.
        clusters: Of it.
        steps: Of it, in order.
        guess: Whether ranges that are only known to be large enough will do: that of
            what is averaged, and of a function of 256 numbers.
    """
    known = {name: grid.quantization for name, grid in clusters.grids.items()}
    for given in {view.source(each) for step in steps for each in step.inputs}:
        own = passed_on(view, clusters, given)
        if own is not None:
            known[given] = own
    for step in steps:
        of_first = known.get(view.source(step.inputs[0]))
        if step.kind in _PASSES_ON or (guess and step.kind == "average"):
            all_given = {known.get(view.source(each)) for each in step.inputs}
            if of_first is not None and len(all_given) == 1:
                known.setdefault(step.rounded, of_first)
        root = view.source(step.inputs[0]) if step.kind == "table" else step.rounded
        of = known.get(root)
        if step.output in known or of is None:
            continue
        if clusters.clamp(root, step.output) is not None:
            known[step.output] = of  # What is left of the same numbers.
        elif guess:
            values = clusters.values(root, step.output, numbers(of))
            ends = float(values.min()), float(values.max())
            known[step.output] = quantization(min(ends[0], 0.0), max(ends[1], 0.0))
    return known


def range_of(of: Quantization) -> Range:
    """From the least number that bytes stand for to the largest."""
    return Range(-of.zero * of.scale, (LEVELS - of.zero) * of.scale)
