# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What one call of ``compile`` knows when all variants are compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tfnative.manifest import ExamplesHead, TensorFlowHead, TensorFlowTail
from tfnative_aot.artifact.build import Builder
from tfnative_aot.artifact.describe import golden_file_name
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.load.shapes import resolve_shapes
from tfnative_aot.program.program import Program
from tfnative_aot.quantize.parts_source import PartsSource
from tfnative_aot.rows.verdict import Verdict
from tfnative_aot.settings import Settings
from tfnative_aot.split.divide import Prepared
from tfnative_aot.split.tensorflow_part import (
    HeadRunner,
    TailRunner,
    write_head,
    write_tail,
)
from tfnative_aot.verify import golden as golden_vectors
from tfnative_aot.verify.narrow_casts import NarrowCasts
from tfnative_aot.verify.samples import ExampleSampler, FeatureSampler, Sampler
from tfnative_aot.verify.split_samples import SplitSampler
from tfnative_aot.verify.tail_samples import TailSampler

Heads = dict[str, ExamplesHead | TensorFlowHead]
"""By signature."""

Tails = dict[str, TensorFlowTail]
"""By signature."""


@dataclass(frozen=True)
class Variant:
    """A program as XLA made it, and as it is emitted."""

    decoded: Program
    finished: Program


@dataclass(frozen=True)
class Job:
    """What is to be made an artifact.

    Attributes:
        loaded: The model, and the reference.
        prepared: Its signatures, frozen, with the heads and tails that were cut off.
        variants: All programs.
        rows: Of each signature, whether its rows depend on each other.
        settings: What was asked for.
        builder: Compiles and links.
        work: A folder for files that nobody needs afterwards.
    """

    loaded: LoadedModel
    prepared: tuple[Prepared, ...]
    variants: tuple[Variant, ...]
    rows: tuple[Verdict, ...]
    settings: Settings
    builder: Builder
    work: Path

    @property
    def graphs(self) -> tuple[FrozenGraph, ...]:
        """What is compiled of each signature."""
        return tuple(each.graph for each in self.prepared)

    def input_shapes(self, of: Prepared) -> Mapping[str, tuple[int, ...]]:
        """Shapes of what callers of a signature pass."""
        signature = self.loaded.signature(of.graph.signature)
        return resolve_shapes(signature, self.settings.options.shapes)

    def write_heads(self, artifact: Path) -> Heads:
        """Writes those that TensorFlow runs; returns all."""
        heads: Heads = {}
        for each in self.prepared:
            name = each.graph.signature
            if each.head is not None:
                heads[name] = each.head
            elif each.parts is not None:
                shapes = self.input_shapes(each)
                heads[name] = write_head(
                    each.parts, shapes, self.loaded, artifact, _folder("heads", name)
                )
        return heads

    def write_tails(self, artifact: Path) -> Tails:
        """Writes what TensorFlow runs last."""
        return {
            each.graph.signature: write_tail(
                each.tail, self.loaded, artifact, _folder("tails", each.graph.signature)
            )
            for each in self.prepared
            if each.tail is not None
        }

    def sampler(
        self,
        of: Prepared,
        heads: Heads,
        tails: Tails,
        artifact: Path,
        given: golden_vectors.Inputs | None,
    ) -> Sampler:
        """Draws inputs for a signature; ``given`` are the user's."""
        head = heads.get(of.graph.signature)
        casts = NarrowCasts(of.model, of.graph)
        if isinstance(head, ExamplesHead):
            kind = ExampleSampler if of.exact is None else FeatureSampler
            model = self.loaded if of.exact is None else of.model
            return kind(model, of.graph, casts, head)
        tail = tails.get(of.graph.signature)
        core = Sampler(of.model, of.graph, casts)
        shapes = self.input_shapes(of)
        runner = None if head is None else HeadRunner(head, artifact)
        late = None if tail is None else TailRunner(tail, artifact)
        whole = self.loaded
        if of.exact is not None and (runner or late):
            source = PartsSource(self.loaded, of.model, runner, late)
            whole = replace(self.loaded, source=source)
        if late is not None and of.tail is not None:
            return TailSampler(whole, core, of.tail, shapes, runner, late, given)
        if runner is None or of.parts is None:
            return core
        return SplitSampler(whole, core, of.parts.graph, shapes, runner, given)


def _folder(of: str, signature: str) -> str:
    """Where a part of a signature lies in the artifact."""
    return f"{of}/{Path(golden_file_name(signature)).stem}"
