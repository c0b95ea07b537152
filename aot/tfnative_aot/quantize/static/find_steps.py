# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Finds what of a graph is computed in 8 bits: products, and what lies between them.

A product with constant weights always is. What else kernels can compute is, where all
that it reads comes from such steps, and something that is such a step reads it: so
values stay in 8 bits from layer to layer, and nothing becomes bytes to become floats
again at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tfnative_aot.freeze.quantized import Window
from tfnative_aot.load.source import node_of
from tfnative_aot.quantize.static.clusters import Clusters, clusters_of
from tfnative_aot.quantize.static.fixed import passed_on, without_conflicts
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.plan import Step, lies_alike, with_output
from tfnative_aot.quantize.static.products import find_product, window_of

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_NOT_NEGATIVE = frozenset({"Abs", "Relu", "Relu6", "Sigmoid", "Softplus", "Square"})
_ADDITIONS = frozenset({"Add", "AddV2", "BiasAdd"})


def find_steps(view: GraphView, kept: Collection[str] = ()) -> Sequence[Step]:
    """The steps, each behind those whose results it reads.

    Args:
        view: The graph.
        kept: Nodes of steps that stay as they are.
    """
    if view.has_old_control_flow:
        return []
    clusters = clusters_of(view)
    steps = _connected(view, [*_candidates(view, clusters, kept)])
    steps = _with_addends(view, steps)
    steps = without_conflicts(view, clusters, _in_order(view, steps))
    steps = [_exact(view, clusters, step, steps) for step in steps]
    # What was left out of a step may have been all that another one was for.
    return _in_order(view, _connected(view, steps))


def _candidates(
    view: GraphView, clusters: Clusters, kept: Collection[str]
) -> Iterator[Step]:
    taken: set[str] = set()
    for node in view.nodes():
        if node.name in kept:
            continue
        step = _product(view, node)
        if step is None and clusters.root(node.name) == node.name:
            step = _other(view, node)
        if step is None:
            continue
        folded = _with_function(view, clusters, step)
        yield folded
        taken.add(folded.output)
        pending = [folded.output]
        while pending:
            root = pending.pop()
            for name in _tables(view, clusters, root):
                if name not in taken:
                    taken.add(name)
                    yield Step("table", view.node(name), (root,), name, name)
                    if name in clusters.grids:
                        pending.append(name)


def _product(view: GraphView, node: NodeDef) -> Step | None:
    found = find_product(view, node)
    if found is None:
        return None
    step = Step(
        "product",
        node,
        (found.given,),
        node.name,
        node.name,
        weights=found.weights,
        groups=found.groups,
        window=found.window,
    )
    return _with_biases(view, step)


def _with_biases(view: GraphView, step: Step) -> Step:
    """The step with the vectors that are added behind it."""
    assert step.weights is not None
    channels = step.weights.shape[3]
    bias = np.zeros(channels, np.float32)
    while (reader := view.only_reader(step.output)) is not None:
        node, place = reader
        if node.op not in _ADDITIONS or not view.is_float(node.name):
            break
        more = _vector(view, node, 1 - place, channels)
        if more is None:
            break
        bias = bias + more
        step = with_output(step, node.name)
    return replace(step, bias=bias)


def _vector(
    view: GraphView, node: NodeDef, place: int, channels: int
) -> npt.NDArray[np.float32] | None:
    """A constant for each channel, which are the last dimension of the other input."""
    value = view.constant(node.input[place])
    sizes, own = view.sizes(node.input[1 - place]), view.sizes(node.name)
    if value is not None and node.op != "BiasAdd" and value.size == 1:
        return None  # It is part of a function of one number.
    if value is None or sizes is None or own != sizes or not np.isfinite(value).all():
        return None
    if node.op == "BiasAdd" and node.attr["data_format"].s == b"NCHW":
        return None
    # Of an Einsum, channels may be several dimensions.
    is_whole = value.shape == sizes[len(sizes) - value.ndim :]
    if value.size != channels or not (is_whole or value.shape[-1:] == (channels,)):
        return None
    return value.reshape(-1).astype(np.float32)


def _other(view: GraphView, node: NodeDef) -> Step | None:
    if not view.is_float(node.name) or view.row_elements(node.name) is None:
        return None
    if node.op in ("Add", "AddV2", "Mul"):
        return _binary(view, node)
    if node.op in ("MaxPool", "AvgPool"):
        return _pool(view, node)
    if node.op == "Mean":
        return _mean(view, node)
    if node.op == "ConcatV2":
        return _join(view, node)
    return None


def _binary(view: GraphView, node: NodeDef) -> Step | None:
    given = list(node.input[:2])
    if any(view.constant(each) is not None for each in given):
        return None
    sizes = view.sizes(node.name)
    elements = [view.row_elements(each) for each in given]
    kind = "multiply" if node.op == "Mul" else "add"
    if view.sizes(given[0]) != sizes:
        given.reverse()
        elements.reverse()
    if view.sizes(given[0]) != sizes or None in elements:
        return None
    if view.sizes(given[1]) != sizes:
        # One number for each channel of a row, the same for all its pixels.
        other = view.sizes(given[1])
        if other is None or sizes is None or len(other) != len(sizes):
            return None
        ones = other[1:-1]
        if set(ones) != {1} or (other[0], other[-1]) != (sizes[0], sizes[-1]):
            return None
    return Step(
        "multiply" if kind == "multiply" else "add",
        node,
        tuple(given),
        node.name,
        node.name,
    )


def _pool(view: GraphView, node: NodeDef) -> Step | None:
    kernel = tuple(node.attr["ksize"].list.i)
    sizes = view.sizes(node.input[0])
    if len(kernel) != 4 or (kernel[0], kernel[3]) != (1, 1) or sizes is None:
        return None
    given, window = window_of(view, node, node.input[0], kernel[1:3])
    if window is None or sizes[3] is None or view.row_elements(given) is None:
        return None
    if view.node(node_of(view.source(node.input[0]))).op in ("Pad", "PadV2") and not (
        node.op == "MaxPool"
        and given != node.input[0]
        and _is_not_negative(view, given)
        and _has_places(window)
    ):
        return None
    return Step(
        "max" if node.op == "MaxPool" else "average",
        node,
        (given,),
        node.name,
        node.name,
        window=window,
        channels=(sizes[3],),
    )


def _is_not_negative(view: GraphView, given: str) -> bool:
    """Whether no number is below zero.

    Then it is the same whether zeros that are padded with take part in a maximum, as
    those of a Pad do, or not, as those of pooling.
    """
    source = view.source(given)
    return ":" not in source and view.node(source).op in _NOT_NEGATIVE


def _has_places(window: Window) -> bool:
    """Whether there is something else than padding in each window."""
    return all(
        low < kernel and (out - 1) * stride - low < size
        for low, kernel, out, stride, size in zip(
            window.padding_low,
            window.kernel_size,
            window.out_size,
            window.stride,
            window.in_size,
            strict=True,
        )
    )


def _mean(view: GraphView, node: NodeDef) -> Step | None:
    """Of all pixels of an image, or of all places of a sequence."""
    axes, sizes = view.constant(node.input[1]), view.sizes(node.input[0])
    if axes is None or sizes is None or len(sizes) not in (3, 4):
        return None
    if view.row_elements(node.input[0]) is None:
        return None
    asked = sorted(int(axis) % len(sizes) for axis in axes.reshape(-1))
    if asked != list(range(1, len(sizes) - 1)):
        return None
    height, width = (1, sizes[1]) if len(sizes) == 3 else (sizes[1], sizes[2])
    size = (1, int(height or 0), int(width or 0))
    return Step(
        "average",
        node,
        (node.input[0],),
        node.name,
        node.name,
        window=Window(size, (1, 1, 1), size),
        channels=(int(sizes[-1] or 0),),
    )


def _join(view: GraphView, node: NodeDef) -> Step | None:
    *given, place = [each for each in node.input if not each.startswith("^")]
    axis, sizes = view.constant(place), [view.sizes(each) for each in given]
    own = view.sizes(node.name)
    if axis is None or own is None or int(axis) % len(own) != len(own) - 1:
        return None
    channels = []
    for each in sizes:
        if each is None or each[:-1] != own[:-1] or not each[-1] or each[-1] % 4:
            return None
        channels.append(each[-1])
    return Step(
        *("join", node, tuple(given), node.name, node.name), channels=tuple(channels)
    )


def _with_function(view: GraphView, clusters: Clusters, step: Step) -> Step:
    """The step with the one function behind it that all its readers want."""
    if step.kind in ("max", "join"):
        return step
    exits = clusters.exits(step.output)
    if exits is None or len(exits) != 1 or not view.is_float(exits[0]):
        return step
    (name,) = exits
    clamp = clusters.clamp(step.output, name)
    if clamp is not None:
        return with_output(step, name, clamp)
    # Nothing is rounded before a function whose results the model itself rounds.
    return step if name in clusters.grids else replace(step, output=name)


def _tables(view: GraphView, clusters: Clusters, root: str) -> Sequence[str]:
    """The functions of a result that others read, and that can be tables."""
    is_rounded = passed_on(view, clusters, root) is not None
    return [
        name
        for name in clusters.members(root)
        if view.is_float(name)
        and (is_rounded or name not in clusters.grids)
        and any(
            not clusters.is_inside(reader.node.name, root)
            for reader in view.readers(name)
        )
    ]


def _connected(view: GraphView, steps: Sequence[Step]) -> Sequence[Step]:
    """Those between products, and these."""
    kept = list(steps)
    while True:
        by_output = {step.output: step for step in kept}
        read = {view.source(given) for step in kept for given in step.inputs}
        left = [
            step
            for step in kept
            if step.kind == "product"
            or (
                step.output in read
                and all(_is_given(view, given, by_output) for given in step.inputs)
            )
        ]
        if len(left) == len(kept):
            return left
        kept = left


def _is_given(view: GraphView, given: str, by_output: Mapping[str, Step]) -> bool:
    """Whether a step gives it, and rows can be read as they lie there."""
    step = by_output.get(view.source(given))
    if step is None or step.is_exact:
        return False
    own, wanted = view.row_elements(step.rows_of), view.row_elements(given)
    if own is None or wanted is None:
        return own == wanted
    return lies_alike(own, wanted)


def _with_addends(view: GraphView, steps: Sequence[Step]) -> Sequence[Step]:
    """Sums folded into the product that computes one of their operands."""
    places = {node.name: place for place, node in enumerate(view.nodes())}
    left = list(steps)
    for step in steps:
        if step.kind != "add":
            continue
        by_output = {each.output: each for each in left}
        operands = [(by_output.get(view.source(given)), given) for given in step.inputs]
        able = [
            (operand, step.inputs[1 - place])
            for place, (operand, _) in enumerate(operands)
            if operand is not None and _takes_addend(view, operand, step)
        ]
        if not able:
            continue
        # The other operand has to be there before.
        product, other = max(able, key=lambda pair: places[pair[0].node.name])
        joined = replace(
            product,
            inputs=(*product.inputs, other),
            rounded=step.rounded,
            output=step.output,
            clamp=step.clamp,
        )
        left = [
            joined if each is product else each for each in left if each is not step
        ]
    return left


def _takes_addend(view: GraphView, product: Step, addition: Step) -> bool:
    return (
        product.kind == "product"
        and len(product.inputs) == 1
        and product.rounded == product.output
        and not (np.isfinite([product.clamp.low, product.clamp.high])).any()
        and view.only_reader(product.output) is not None
        and view.row_elements(product.rows_of) == view.row_elements(addition.rows_of)
        and len({view.sizes(given) for given in addition.inputs}) == 1
        and all(
            view.row_elements(given) == view.row_elements(addition.rows_of)
            for given in addition.inputs
        )
    )


def _exact(
    view: GraphView, clusters: Clusters, step: Step, steps: Iterable[Step]
) -> Step:
    """A product that no step reads gives floats, without a table."""
    if step.kind != "product" or step.output in clusters.grids:
        return step
    read = {view.source(given) for each in steps for given in each.inputs}
    if step.output in read:
        return step
    if len(step.inputs) > 1:
        return step  # An addend is of 8 bits, and so is what it is added to.
    return replace(with_output(step, step.rounded), is_exact=True)


def _in_order(view: GraphView, steps: Iterable[Step]) -> Sequence[Step]:
    places = {node.name: place for place, node in enumerate(view.nodes())}
    return sorted(steps, key=lambda step: places[step.output])
