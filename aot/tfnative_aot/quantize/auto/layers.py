# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""All layers of a signature that can be in 8 bits, and what any choice of them makes.

Some have ranges of samples, some find theirs at run time. What is judged, what is timed
and what is compiled of a choice are the same graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tfnative.manifest import LayerPrecision
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.program.passes.stored_weights import Weights, WeightType
from tfnative_aot.quantize.auto.at_run_time import find_run_time_layers
from tfnative_aot.quantize.auto.halves import FLOAT16, half_ratios, with_rounded
from tfnative_aot.quantize.rounding import StoredType
from tfnative_aot.quantize.run_time_ranges import rounding_rows
from tfnative_aot.quantize.small_weights import referring_to
from tfnative_aot.quantize.static.quantize import StaticQuantizer
from tfnative_aot.split.divide import Prepared

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

Types = Mapping[str, str]
"""What the weights of layers are stored in that are not in 8 bits, by layer."""


class Layers:
    """Makes graphs of choices.

    Attributes:
        nodes: By the name of each layer, its products, in the graph's order.
    """

    def __init__(self, prepared: Prepared, quantizer: StaticQuantizer) -> None:
        """Finds the layers.

        Args:
            prepared: The signature.
            quantizer: Of it.
        """
        self._prepared = prepared
        self._quantizer = quantizer
        names = [step.node.name for step in quantizer.products]
        self._by_samples = frozenset(names)
        found = find_run_time_layers(
            prepared.graph, self._by_samples | set(quantizer.finer)
        )
        self._at_run_time = {layer.name: layer for layer in found.able}
        self._others = found.others
        self.nodes: Mapping[str, Sequence[str]] = {
            **{name: (name,) for name in names},
            **{name: layer.nodes for name, layer in self._at_run_time.items()},
        }

    def observe(self, ways: Sequence[Types]) -> None:
        """Finds the ranges that several choices need, while samples run once.

        Raises:
            CompileError: There were values that are not finite.
        """
        self._quantizer.observe([self._kept(types) for types in ways])

    def operations(self) -> Mapping[str, int]:
        """Of each layer, for a row."""
        own = {name: layer.operations for name, layer in self._at_run_time.items()}
        return {**self._quantizer.operations(), **own}

    def graph(self, types: Types) -> FrozenGraph:
        """What is compiled: all other layers are in 8 bits.

        Raises:
            CompileError: There were values that are not finite.
        """
        made = self._quantizer.graph(self._kept(types), corrected=True)
        graph = self._prepared.graph
        graph = replace(graph, graph_def=made.graph_def, calls=made.calls)
        return with_rounded(graph, self._stored(types))

    def reference(self, types: Types) -> GraphDef:
        """The same, with rows rounded as its products do: its answers are theirs."""
        return rounding_rows(self.graph(types), self._products(types))

    def weights(self, types: Types) -> Weights:
        """What is to become of the weights of ``graph``."""
        small: WeightType = "f16" if FLOAT16 in types.values() else "f32"
        return Weights(small, in_int8=True, products=self._products(types))

    def prepared(self, types: Types, reasons: Mapping[str, str]) -> Prepared:
        """The signature as it is compiled.

        Args:
            types: The choice.
            reasons: Why these layers are not in 8 bits.
        """
        kept = self._kept(types)
        others = [*self._said(types, reasons), *self._others]
        own = {name: reasons[name] for name in kept}
        made = self._quantizer.quantized(kept, own, corrected=True, others=others)
        graph = with_rounded(made.graph, self._stored(types))
        halves = [n for n, stored in self._stored(types).items() if stored == "f16"]
        ratios = half_ratios(self._prepared.graph, halves)

        def named(layer: LayerPrecision) -> LayerPrecision:
            if layer.node not in ratios:
                return layer
            ratio = ratios[layer.node]
            return replace(layer, stored=FLOAT16, signal_to_noise=ratio)

        done = replace(
            made,
            graph=graph,
            layers=tuple(map(named, made.layers)),
            products=self._products(types),
            small="f16" if halves else "",
        )
        return referring_to(done, graph.graph_def)

    def _kept(self, types: Types) -> tuple[str, ...]:
        return tuple(name for name in types if name in self._by_samples)

    def _in_8_bits(self, types: Types) -> Iterator[str]:
        """The layers in 8 bits that find ranges at run time."""
        return (name for name in self._at_run_time if name not in types)

    def _products(self, types: Types) -> frozenset[str]:
        own = (self.nodes[name] for name in self._in_8_bits(types))
        return frozenset(node for nodes in own for node in nodes)

    def _stored(self, types: Types) -> Mapping[str, StoredType]:
        """What weights are rounded to, by product: none that samples have ranges of."""
        found: dict[str, StoredType] = dict.fromkeys(self._products(types), "s8")
        for name, to in types.items():
            if to == FLOAT16:
                found.update(dict.fromkeys(self.nodes[name], "f16"))
        return found

    def _said(
        self, types: Types, reasons: Mapping[str, str]
    ) -> Iterator[LayerPrecision]:
        for name, layer in self._at_run_time.items():
            for product in layer.products:
                if name not in types:
                    yield product
                else:
                    yield replace(
                        product,
                        stored="float32",
                        signal_to_noise=None,
                        reason=reasons[name],
                    )
