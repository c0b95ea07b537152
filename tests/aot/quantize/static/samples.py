# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs of "x" with what samples make known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.aot.quantize.static.test_build import ranges_of
from tfnative_aot.quantize.calibrate.collect import Run
from tfnative_aot.quantize.calibrate.data import CalibrationData, read_calibration
from tfnative_aot.quantize.calibrate.observe import session_run
from tfnative_aot.quantize.calibrate.observed import Range
from tfnative_aot.quantize.static.build import tensors_with_ranges
from tfnative_aot.quantize.static.find_steps import find_steps
from tfnative_aot.quantize.static.graph_view import GraphView
from tfnative_aot.quantize.static.plan import Step

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sampled:
    """A graph, and samples of its input."""

    graph: Any
    x: Floats

    @cached_property
    def view(self) -> GraphView:
        """Of the graph."""
        return GraphView(self.graph)

    @cached_property
    def steps(self) -> Sequence[Step]:
        """Of the graph."""
        return find_steps(self.view)

    @cached_property
    def ranges(self) -> Mapping[str, Range]:
        """From the least to the largest number."""
        names = list(tensors_with_ranges(self.view, self.steps))
        return ranges_of(self.graph, names, self.x)

    @cached_property
    def data(self) -> CalibrationData:
        """The samples."""
        return read_calibration({"x": self.x}, self.graph.inputs)

    @cached_property
    def run(self) -> Run:
        """Runs a batch in floats."""
        return session_run(self.graph.graph_def, {"x": "input_x:0"})


def normal(seed: int, *shape: int) -> Floats:
    """Numbers of a normal distribution."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)
