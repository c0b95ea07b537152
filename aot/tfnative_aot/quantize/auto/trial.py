# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles a signature in float32 and in 8 bits, and times the layers of both."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative._backends.native.model import NativeModel
from tfnative._compile.options import CompileOptions
from tfnative_aot.artifact.build import Builder
from tfnative_aot.artifact.describe import RowRule, describe, make_manifest
from tfnative_aot.artifact.package import emit_parts
from tfnative_aot.checks.strip import drop_checks
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.freeze.rewrites import compute_odd_values
from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.machines.cpu_levels import CpuLevel, VariantKey
from tfnative_aot.machines.targets import Target, host_runs
from tfnative_aot.program.decode import decode
from tfnative_aot.program.passes import run_passes
from tfnative_aot.program.passes.stored_weights import FLOATS, Weights
from tfnative_aot.program.program import Program
from tfnative_aot.progress import Progress
from tfnative_aot.quantize.auto.halves import FLOAT16
from tfnative_aot.quantize.auto.layers import Layers
from tfnative_aot.quantize.auto.times import Times, time_by_layer
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.entry import Entry, entry_of
from tfnative_aot.split.divide import Prepared
from tfnative_aot.xla.processes import ForkServer
from tfnative_aot.xla.tfcompile import tfcompile, write_graph

_RUNS = 50


@dataclass(frozen=True)
class Workshop:
    """What it takes to compile something before the artifact is.

    Attributes:
        loaded: The model.
        options: What is asked for.
        name: Of the artifact.
        target: What it is compiled for.
        levels: CPU levels, ascending.
        batch_sizes: Ascending.
        builder: Its builder, whose kernels are being compiled.
        server: Compiles with XLA.
        work: A folder for temporary files.
        pool: What runs in parallel.
    """

    loaded: LoadedModel
    options: CompileOptions
    name: str
    target: Target
    levels: tuple[CpuLevel, ...]
    batch_sizes: tuple[int, ...]
    builder: Builder
    server: ForkServer
    work: Path
    pool: Executor

    @property
    def level(self) -> CpuLevel | None:
        """The best CPU level of the artifact that this machine runs, if it does."""
        target = self.target
        if self.builder.toolchain is None or not host_runs(target, target.levels[0]):
            return None
        able = [level for level in self.levels if host_runs(target, level)]
        return able[-1] if able else None

    def entry(self, prepared: Prepared) -> Entry:
        """Where samples of a signature enter."""
        folder = Path(tempfile.mkdtemp(prefix="head_", dir=self.work))
        return entry_of(prepared, self.loaded, self.options.shapes, folder)

    def rows(self, graph: FrozenGraph) -> int:
        """Of the call that is timed: the smallest one that is compiled for."""
        return self.batch_sizes[0] if graph.has_batch else 0


@dataclass(frozen=True)
class _Timed:
    """Microseconds of a program, of each step, and of all together."""

    program: Program
    steps: Mapping[int, float]
    whole: float


def measured(
    shop: Workshop,
    level: CpuLevel,
    graph: FrozenGraph,
    layers: Layers,
    data: CalibrationData,
    progress: Progress,
) -> Times:
    """Times of layers on this machine.

    Args:
        shop: What compiles.
        level: The CPU level to time.
        graph: The signature in float32.
        layers: Of it.
        data: Samples to run.
        progress: Is told of both.

    Raises:
        CompileError: One of them cannot be compiled.
    """
    rows = shop.rows(graph)
    inputs = _inputs(data, rows)
    progress.stage("time layers", 2)
    timed = []
    for name, own, weights in (
        ("float32", graph, FLOATS),
        ("int8", layers.graph({}), layers.weights({})),
    ):
        timed.append(_time(shop, level, own, name, inputs, weights))
        progress.advance(f"{name}: {timed[-1].whole:.1f} us")
    floats, whole = (time_by_layer(t.program, t.steps, layers.nodes) for t in timed)
    gained = {name: floats[name] - whole[name] for name in layers.nodes}
    return Times("us", level.name, rows, timed[0].whole, timed[1].whole, floats, gained)


def measured_halves(
    shop: Workshop,
    level: CpuLevel,
    graph: FrozenGraph,
    times: Times,
    layers: Mapping[str, Sequence[str]],
    data: CalibrationData,
    progress: Progress,
) -> Mapping[str, float]:
    """What layers save with float16 weights, against float32, on this machine.

    Args:
        shop: What compiles.
        level: The CPU level to time.
        graph: The signature, with such weights.
        times: Of it in float32.
        layers: The products of those that have such weights.
        data: Samples to run.
        progress: Is told of it.

    Raises:
        CompileError: It cannot be compiled.
    """
    inputs = _inputs(data, shop.rows(graph))
    progress.stage("time layers with float16 weights", 1)
    timed = _time(shop, level, graph, FLOAT16, inputs, Weights("f16"))
    progress.advance(f"{FLOAT16}: {timed.whole:.1f} us")
    found = time_by_layer(timed.program, timed.steps, layers)
    return {name: times.layers[name] - found[name] for name in layers}


def _time(
    shop: Workshop,
    level: CpuLevel,
    graph: FrozenGraph,
    name: str,
    inputs: Mapping[str, npt.NDArray[Any]],
    weights: Weights = FLOATS,
) -> _Timed:
    folder = Path(tempfile.mkdtemp(prefix=f"timed_{name}_", dir=shop.work))
    computed = compute_odd_values(drop_checks(graph))
    program = _compile(shop, level, computed, folder, weights)
    artifact = _link(shop, level, graph, program, folder)
    with NativeModel(artifact, cpu_level=level.name) as model:
        profile = model.profile(inputs, signature=graph.signature, runs=_RUNS)
    steps = {step.number: step.micros for step in profile.steps}
    return _Timed(program, steps, profile.micros)


def _compile(
    shop: Workshop, level: CpuLevel, graph: FrozenGraph, folder: Path, weights: Weights
) -> Program:
    rows = shop.rows(graph)
    key = VariantKey(0, rows, level)
    path = write_graph(graph, folder, rows)
    symbol = f"{shop.name}_{key.symbol}"
    made = folder / key.symbol
    compiled = tfcompile(graph, path, key, shop.target, symbol, made, shop.server)
    program = decode(compiled, [tensor.name for tensor in graph.outputs], graph.calls)
    return run_passes(program, winograd=shop.options.winograd, weights=weights)


def _link(
    shop: Workshop, level: CpuLevel, graph: FrozenGraph, program: Program, folder: Path
) -> Path:
    name, target = shop.name, shop.target
    rules = [RowRule("tried")]
    interface = describe(name, target, [graph], [program], rules)
    parts = emit_parts(interface, (level,), (program,), folder / "sources")
    manifest = make_manifest(parts, shop.loaded, {}, {}, rules)
    artifact = folder / "artifact"
    artifact.mkdir()
    return shop.builder.make_trial(parts, manifest, artifact, folder).artifact


def _inputs(data: CalibrationData, rows: int) -> Mapping[str, npt.NDArray[Any]]:
    """As many samples as there are rows, some of them again if there are too few."""
    chunk = next(data.chunks(max(rows, 1)))
    return {
        name: np.take(array, range(rows), axis=0, mode="wrap")
        if name in data.stacked
        else array
        for name, array in chunk.items()
    }
