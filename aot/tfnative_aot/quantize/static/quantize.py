# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Quantizes a signature by ranges that its activations had on samples."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from tfnative._compile.options import CalibrationMethod
from tfnative.errors import InvalidArgumentError
from tfnative.manifest import LayerPrecision
from tfnative_aot.freeze.quantized import Quantization
from tfnative_aot.load.source import node_of
from tfnative_aot.progress import Progress
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.doubts import doubts
from tfnative_aot.quantize.calibrate.methods import find_range
from tfnative_aot.quantize.calibrate.observe import observe
from tfnative_aot.quantize.calibrate.observed import Observed, Range
from tfnative_aot.quantize.rounding import signal_to_noise
from tfnative_aot.quantize.small_weights import referring_to
from tfnative_aot.quantize.static.build import (
    CannotBuildError,
    QuantizedGraph,
    build,
    tensors_with_ranges,
)
from tfnative_aot.quantize.static.clusters import clusters_of
from tfnative_aot.quantize.static.find_steps import find_steps
from tfnative_aot.quantize.static.finer import finer_layers
from tfnative_aot.quantize.static.fixed import known_quantizations, range_of
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.least_error import (
    Choice,
    InFloats,
    with_least_error,
)
from tfnative_aot.quantize.static.left_out import left_out
from tfnative_aot.quantize.static.plan import Step
from tfnative_aot.quantize.static.products import MATRIX_PRODUCTS
from tfnative_aot.quantize.static.repeated import repeated_products
from tfnative_aot.quantize.static.scales import WholeWeights, can_round
from tfnative_aot.quantize.static.smooth import read_by
from tfnative_aot.split.divide import Prepared

_NAMED = 3
_TOO_WIDE = (
    "numbers that it reads or gives are too large or too small for a scale, or not "
    "finite"
)
_ENDLESS = Range(-sys.float_info.max, sys.float_info.max)
"""No scale is for it."""


def with_static_ranges(
    prepared: Prepared,
    data: CalibrationData | None,
    method: CalibrationMethod,
    progress: Progress,
    kept: Collection[str] = (),
) -> Prepared:
    """The signature with layers in 8 bits, and TensorFlow's answers to it.

    Products that no kernel can compute so are left as they are, as is all of a graph
    with the control flow of TensorFlow 1.

    Args:
        prepared: The signature.
        data: Samples; None if the model says all ranges itself.
        method: How ranges are made of what was seen.
        progress: Is told of each batch.
        kept: Nodes of products that stay as they are.

    Raises:
        CompileError: There were values that are not finite.
        InvalidArgumentError: There are no samples, and the model lacks ranges.
    """
    quantizer = StaticQuantizer(prepared, data, method, progress)
    return quantizer.quantized(kept, corrected=True)


class StaticQuantizer:
    """Quantizes a signature in one way or several, and runs samples once for all."""

    def __init__(
        self,
        prepared: Prepared,
        data: CalibrationData | None,
        method: CalibrationMethod,
        progress: Progress,
        *,
        lenient: bool = False,
    ) -> None:
        """Makes a quantizer.

        Args:
            prepared: The signature.
            data: Samples; None if the model says all ranges itself.
            method: How ranges are made of what was seen.
            progress: Is told of each batch.
            lenient: Whether layers stay as they are that read or give values that are
                not finite, which are refused else.
        """
        self._lenient = lenient
        self._prepared = prepared
        self._data = data
        self._method = method
        self._progress = progress
        self._view = GraphView(prepared.graph)
        self._clusters = clusters_of(self._view)
        self._finer = finer_layers(self._view)
        self._repeated = repeated_products(self._view) - self._finer.keys()
        self._observed: dict[str, Observed] = {}
        self._floats: InFloats | None = None
        self._made: dict[tuple[frozenset[str], bool], Choice] = {}
        self.products: tuple[Step, ...] = tuple(
            step for step in self._steps(()) if step.kind == "product"
        )
        """All that can be in 8 bits with ranges of samples, in the graph's order."""
        self.finer: Collection[str] = self._finer.keys()
        """Those that have more bits by the model's own rules, and stay as they are."""

    def _steps(self, kept: Collection[str]) -> Sequence[Step]:
        return find_steps(self._view, {*kept, *self._finer, *self._repeated})

    def observe(self, ways: Iterable[Collection[str]]) -> None:
        """Finds the ranges that several ways need, while samples run once.

        Args:
            ways: Of each, the nodes of products that stay as they are.

        Raises:
            CompileError: There were values that are not finite.
            InvalidArgumentError: There are no samples, and the model lacks ranges.
        """
        needed: dict[str, None] = {}
        for kept in ways:
            steps = self._steps(kept)
            known = self._known(steps)
            names = tensors_with_ranges(self._view, steps)
            needed.update((name, None) for name in names if name not in known)
        self._observe(needed)

    def _known(self, steps: Sequence[Step]) -> Mapping[str, Quantization]:
        """How tensors are rounded that the model itself rounds."""
        is_guessed = self._data is None
        return known_quantizations(self._view, self._clusters, steps, guess=is_guessed)

    def _observe(self, tensors: Iterable[str]) -> None:
        names = {f"{name}:0": name for name in tensors if name not in self._observed}
        if not names:
            return
        if self._data is None:
            raise _no_ranges(list(names.values()))
        graph = self._prepared.graph
        places = {tensor.name: tensor.tensor for tensor in graph.inputs}
        observed = observe(
            graph.graph_def, places, list(names), self._data, self._progress
        )
        self._observed.update((names[full], each) for full, each in observed.items())

    def graph(
        self, kept: Collection[str] = (), *, corrected: bool = False
    ) -> QuantizedGraph:
        """The graph with all but some products in 8 bits.

        Args:
            kept: Nodes of products that stay as they are.
            corrected: As ``quantized``, which gives the same graph then.

        Raises:
            CompileError: As ``observe``.
            InvalidArgumentError: As ``observe``.
        """
        return self._choice(kept, corrected=corrected).made

    def _choice(self, kept: Collection[str], *, corrected: bool) -> Choice:
        """The graph; the last one, and that with all in 8 bits, are kept.

        TensorFlow's sums may differ from one run to the next in their last bits, and
        which graph is the best with them.
        """
        key = frozenset(kept), corrected
        if key not in self._made:
            made = self._build(kept, corrected=corrected)
            self._made = {k: own for k, own in self._made.items() if not k[0]}
            self._made[key] = made
        return self._made[key]

    def _build(self, kept: Collection[str], *, corrected: bool) -> Choice:
        """The graph; corrected where samples say so, and no range is the model's.

        What has numbers that no scale of float32 tells apart stays as it is.
        """
        kept = set(kept)
        while True:
            steps = self._steps(kept)
            known = self._known(steps)
            ranges = self._ranges(steps, known)
            odd = {n for n, r in ranges.items() if not can_round(r.low, r.high)}
            found = {step.node.name for step in steps if self._touches(step, odd)}
            if not found:
                try:
                    return self._chosen(steps, ranges, known, corrected=corrected)
                except CannotBuildError as error:
                    found = {error.node}
            kept |= found

    def _touches(self, step: Step, tensors: Collection[str]) -> bool:
        own = {step.rounded, step.output, *map(self._view.source, step.inputs)}
        return not own.isdisjoint(tensors)

    def _ranges(
        self, steps: Sequence[Step], known: Mapping[str, Quantization]
    ) -> Mapping[str, Range]:
        names = tensors_with_ranges(self._view, steps)
        unknown = [name for name in names if name not in known]
        self._observe(unknown)
        ranges = {name: range_of(own) for name, own in known.items()}
        for name in unknown:
            observed = self._observed[name]
            if self._lenient and observed.not_finite:
                ranges[name] = _ENDLESS
            else:
                ranges[name] = find_range(observed, self._method)
        return ranges

    def _chosen(
        self,
        steps: Sequence[Step],
        ranges: Mapping[str, Range],
        known: Mapping[str, Quantization],
        *,
        corrected: bool,
    ) -> Choice:
        graph, view = self._prepared.graph, self._view
        has_products = any(step.kind == "product" for step in steps)
        if corrected and self._data is not None and not known and has_products:
            if self._floats is None:
                self._floats = InFloats(graph, view, self._data, self._method)
            return with_least_error(self._floats, steps, ranges)
        made = build(graph.graph_def, view, steps, ranges, known)
        return Choice(steps, ranges, made)

    def quantized(
        self,
        kept: Collection[str] = (),
        reasons: Mapping[str, str] | None = None,
        *,
        corrected: bool = False,
        others: Sequence[LayerPrecision] | None = None,
    ) -> Prepared:
        """The signature with all but some products in 8 bits.

        Args:
            kept: Nodes of products that stay as they are.
            reasons: Why they do; those without a reason are not listed.
            corrected: Whether biases and channels are corrected where that helps.
            others: Layers without ranges of samples, of which it is known what becomes
                of them; None if their weights are rounded afterwards.

        Raises:
            CompileError: As ``observe``.
            InvalidArgumentError: As ``observe``.
        """
        chosen = self._choice(kept, corrected=corrected)
        steps, ranges, made = chosen.steps, chosen.ranges, chosen.made
        own = {step.node.name: step for step in steps if step.kind == "product"}
        layers = []
        for product in self.products:
            name = product.node.name
            if name in own:
                given = ranges[read_by(self._view, own[name])]
                layers.append(_layer(own[name], made.layers[name], given))
            elif reasons and name in reasons:
                layers.append(_kept_layer(product, reasons[name]))
            elif name not in kept:
                layers.append(_kept_layer(product, _TOO_WIDE))
        layers += [layer for name, layer in self._finer.items() if name not in kept]
        layers += others or ()
        named = {*(p.node.name for p in self.products), *(x.node for x in layers)}
        later = others is None
        layers += left_out(self._view, named, self._repeated, rounded_later=later)
        prepared = self._prepared
        graph = replace(prepared.graph, graph_def=made.graph_def, calls=made.calls)
        seen = [each for name, each in self._observed.items() if name in ranges]
        done = replace(
            prepared,
            graph=graph,
            layers=(*prepared.layers, *layers),
            exact=prepared.model,
            notes=(*prepared.notes, *doubts(seen, self._method)),
            # A number between two steps may become either: see Answers.
            weights_alone=prepared.model if self._rounds_floats(steps) else None,
        )
        return referring_to(done, made.graph_def)

    def operations(self) -> Mapping[str, int]:
        """Of each product, for a row: a multiplication and an addition are two."""
        found = {}
        for step in self.products:
            assert step.weights is not None
            assert step.window is not None
            results = math.prod(step.window.out_size) * step.weights.shape[3]
            rows = self._view.leading(step.node.name) or 1
            each = 2 * math.prod(step.weights.shape[:3])
            found[step.node.name] = rows * results * each
        return found

    def _rounds_floats(self, steps: Sequence[Step]) -> bool:
        """Whether something is made bytes that is computed in floats before.

        XLA's result differs from TensorFlow's in the last bits there, and so may the
        byte that a number between two steps becomes.
        """
        given = {tensor.tensor for tensor in self._prepared.graph.inputs}
        known = {step.output for step in steps} | set(map(node_of, given))
        sources = {self._view.source(each) for step in steps for each in step.inputs}
        return not sources <= known


def _no_ranges(tensors: Sequence[str]) -> InvalidArgumentError:
    named = ", ".join(tensors[:_NAMED]) + (", ..." if len(tensors) > _NAMED else "")
    return InvalidArgumentError(
        "--precision int8 needs samples of what the model will be given: pass some "
        f"with --calibration. The model itself has no ranges of {named}"
    )


def _layer(step: Step, whole: WholeWeights, given: Range) -> LayerPrecision:
    assert step.weights is not None
    return LayerPrecision(
        step.node.name,
        step.node.op,
        _shape(step),
        "int8",
        signal_to_noise=signal_to_noise(step.weights, whole.as_floats()),
        computed="int8",
        input_range=(given.low, given.high),
    )


def _kept_layer(step: Step, reason: str) -> LayerPrecision:
    shape = _shape(step)
    return LayerPrecision(step.node.name, step.node.op, shape, "float32", reason=reason)


def _shape(step: Step) -> tuple[int, ...]:
    """Of the weights, as the node has them."""
    assert step.weights is not None
    shape = step.weights.shape
    return shape[2:] if step.node.op in MATRIX_PRODUCTS else shape
