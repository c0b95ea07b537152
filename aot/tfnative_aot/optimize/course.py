# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A graph on its way through the transforms, run before and after each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfnative._optimize.results import OptimizeStep
from tfnative.errors import CompileError
from tfnative_aot.load.source import Arrays
from tfnative_aot.optimize.apply import apply
from tfnative_aot.optimize.checks import checks, lost_checks, may_lose
from tfnative_aot.optimize.compare import Distance, Outputs, distance, run_all, varying
from tfnative_aot.optimize.measure import Figures, measure
from tfnative_aot.optimize.ranges import Calibration
from tfnative_aot.optimize.session import GraphSession

if TYPE_CHECKING:
    from tfnative._optimize.transforms import Transform
    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.optimize.graph import WholeGraph
    from tfnative_aot.optimize.tool import Tool

_EXACT = 1e-4
FREEZE = "freeze"
_NOT_COMPARED = (
    "no output has a finite number for these rows, so that there is nothing to compare "
    "with; give others with --representative-data"
)
_RANDOM = "results were random, so that there is nothing to compare with"


class Course:
    """Holds the graph as it is, what it gives, and what was done."""

    def __init__(
        self,
        model: LoadedModel,
        graph: WholeGraph,
        samples: Mapping[str, Sequence[Arrays]],
        max_error: float,
        *,
        without_training: bool,
    ) -> None:
        """Begins with the frozen graph, and compares it with the model.

        Raises:
            CompileError: TensorFlow cannot run it, or it is not the same.
        """
        self._assets = model.path / "assets"
        self._samples = samples
        self._data = Calibration(samples, self._assets)
        self._max_error = max_error
        self.graph = graph
        self._outputs, self._random = self._run_twice(graph)
        self._baseline = self._outputs
        self._figures = measure(graph, samples, self._assets)
        found = Distance(None, None)
        if not without_training:
            found = distance(self._outputs, self._reference(model), self._random)
        if found.problem or (found.error or 0) > _EXACT:
            raise CompileError(
                f"{model.path}: with constants in the place of its variables, it is "
                f"not the same model: {found.problem or f'error {found.error:.1e}'}"
            )
        reason = "dropout had to be removed before" if without_training else ""
        self.steps = [self._step(FREEZE, found, found.error, reason=reason)]

    def take(self, step: Transform, tool: Tool) -> OptimizeStep:
        """Puts the graph through a transform; leaves it as it was if that breaks it."""
        try:
            changed = apply(self.graph, step, tool, self._data)
            removed = self._removed_checks(step, changed)
            if changed.graph_def == self.graph.graph_def:
                done = self._step(str(step), Distance(0.0, None), self._total)
            else:
                done = self._try(step, changed, removed)
        except CompileError as error:
            done = self._refused(step, Distance(None, None), None, str(error))
        self.steps.append(done)
        return done

    @property
    def outputs(self) -> Outputs:
        """What the graph as it is gives for the samples."""
        return self._outputs

    @property
    def random(self) -> frozenset[tuple[str, str]]:
        """Which outputs are others at each run: signatures and names."""
        return self._random

    @property
    def _total(self) -> float | None:
        return self.steps[-1].total_error

    def _removed_checks(self, step: Transform, changed: WholeGraph) -> str:
        """What is to be said of the checks that a step removes as it says.

        Raises:
            CompileError: It removes others.
        """
        before, after = checks(self.graph), checks(changed)
        lost = lost_checks(step, before, after)
        wanted = [each for each in lost if may_lose(step, _op_of(each))]
        others = [each for each in lost if each not in wanted]
        if others:
            raise CompileError(
                f"{', '.join(others[:5])} would be checked no more; "
                "remove_assertions removes what is not to be checked"
            )
        return f"removes {', '.join(wanted[:5])}" if wanted else ""

    def _try(self, step: Transform, changed: WholeGraph, removed: str) -> OptimizeStep:
        random, before, baseline = self._random, self._outputs, self._baseline
        if random:
            outputs, random = self._run_twice(changed)
            baseline = {
                place: arrays if place in random or place not in self._random else new
                for (place, arrays), new in zip(
                    baseline.items(), outputs.values(), strict=True
                )
            }
        else:
            outputs = self._run(changed)
        found = distance(outputs, before, self._random)
        total = distance(outputs, baseline, self._random)
        problem = found.problem or total.problem or self._too_much(step, found, total)
        if not problem and found.compared == 0:
            problem = _NOT_COMPARED
        if problem:
            return self._refused(step, found, total.error, problem)
        figures = measure(changed, self._samples, self._assets)
        more = figures.bytes - self._figures.bytes
        grows = f"makes it {more:,} bytes larger" if more > 0 else ""
        self.graph, self._outputs, self._figures = changed, outputs, figures
        is_settled = self._random != random
        self._baseline, self._random = baseline, random
        said = (_RANDOM if is_settled else "", removed, grows)
        reason = "; ".join(filter(None, said))
        return self._step(str(step), found, total.error, reason=reason)

    def _too_much(self, step: Transform, found: Distance, total: Distance) -> str:
        if step.kind.is_exact and (found.error or 0) > _EXACT:
            return f"it changes results by {found.error:.1e}, and should not at all"
        if not step.kind.is_exact and (total.error or 0) > self._max_error:
            return (
                f"the error is {total.error:.1e}, and at most {self._max_error:g} is "
                "allowed"
            )
        return ""

    def _refused(
        self, step: Transform, found: Distance, total: float | None, reason: str
    ) -> OptimizeStep:
        return self._step(str(step), found, total, reason=reason, applied=False)

    def _step(
        self,
        transform: str,
        found: Distance,
        total: float | None,
        *,
        reason: str = "",
        applied: bool = True,
    ) -> OptimizeStep:
        figures: Figures = self._figures
        return OptimizeStep(
            transform=transform,
            applied=applied,
            reason=reason,
            nodes=figures.nodes,
            ops=figures.ops,
            bytes=figures.bytes,
            gzipped_bytes=figures.gzipped_bytes,
            constants=figures.constants,
            flops=figures.flops,
            milliseconds=figures.milliseconds,
            max_error=found.error,
            total_error=total,
            same_top1=found.same_top1,
        )

    def _run(self, graph: WholeGraph) -> Outputs:
        session = GraphSession(graph, self._assets, optimized=False)
        try:
            return run_all(session, graph, self._samples)
        finally:
            session.close()

    def _run_twice(
        self, graph: WholeGraph
    ) -> tuple[Outputs, frozenset[tuple[str, str]]]:
        """What it gives, and which outputs are others the next time."""
        session = GraphSession(graph, self._assets, optimized=False)
        try:
            first = run_all(session, graph, self._samples)
            second = run_all(session, graph, self._samples)
        finally:
            session.close()
        return first, varying(first, second)

    def _reference(self, model: LoadedModel) -> Outputs:
        found: Outputs = {}
        for ends in self.graph.ends:
            name = ends.signature.name
            for batch in self._samples[name]:
                for output, array in model.run(name, batch).items():
                    found.setdefault((name, output), []).append(np.asarray(array))
        return found


def _op_of(lost: str) -> str:
    """The op in ``name (op)``."""
    return lost.rpartition("(")[2].rstrip(")")


def assets_of(model: LoadedModel) -> Path:
    """The folder of the files that a model reads when it is loaded."""
    return model.path / "assets"
