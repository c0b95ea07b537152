# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the stages that turn a model into an artifact.

Data flows one way, one typed value per stage; this module owns the temporary
folder and what runs in parallel.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from tfnative._compile.options import CompileOptions
from tfnative.errors import CompileError, NotFoundError
from tfnative.manifest import ExamplesHead, Fidelity, Manifest, TensorFlowHead
from tfnative_aot.artifact.build import Builder, Trial
from tfnative_aot.artifact.describe import (
    RowRule,
    describe,
    describe_programs,
    golden_file_name,
    make_manifest,
)
from tfnative_aot.artifact.package import Parts, emit_parts
from tfnative_aot.artifact.sdk import write_sdk
from tfnative_aot.checks.insert import insert_checks
from tfnative_aot.checks.strip import drop_checks
from tfnative_aot.emit.interface import Interface
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.freeze.rewrites import compute_odd_values
from tfnative_aot.load.constants import fix_inputs
from tfnative_aot.load.load_model import LoadedModel, load_model
from tfnative_aot.load.shapes import resolve_shapes
from tfnative_aot.machines.cpu_levels import VariantKey, batch_text
from tfnative_aot.output import check_replaceable, replacing
from tfnative_aot.program.decode import decode
from tfnative_aot.program.passes import run_passes, uses_winograd
from tfnative_aot.program.program import Program
from tfnative_aot.progress import Progress, Silent
from tfnative_aot.rows.verdict import Verdict, judge
from tfnative_aot.settings import Settings, check
from tfnative_aot.split.divide import Prepared, prepare
from tfnative_aot.split.tensorflow_head import HeadRunner, write_head
from tfnative_aot.verify import golden as golden_vectors
from tfnative_aot.verify.empty_batch import empty_batch
from tfnative_aot.verify.exact import Exact
from tfnative_aot.verify.execute import executor
from tfnative_aot.verify.probes import Probe, make_probes, tried_on
from tfnative_aot.verify.row_rule import row_rule
from tfnative_aot.verify.samples import ExampleSampler, Sample, Sampler
from tfnative_aot.verify.split_samples import SplitSampler
from tfnative_aot.verify.verify import InexactError, verify
from tfnative_aot.xla.processes import ForkServer
from tfnative_aot.xla.sizes import refuse_open_sizes
from tfnative_aot.xla.tfcompile import start_server, tfcompile, write_graph

DEFAULT_SIGNATURE = "serving_default"

Heads = dict[str, ExamplesHead | TensorFlowHead]
"""By signature."""


def compile(  # noqa: A001 - the name that users know
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: CompileOptions,
    progress: Progress | None = None,
) -> Path:
    """Compiles a model. See ``tfnative.compile``."""
    progress = progress or Silent()
    folder = Path(output)
    settings = check(options, folder)
    check_replaceable(folder)
    given = options.golden
    user_inputs = golden_vectors.read_inputs(given) if given is not None else None
    builder = Builder.find(settings.target, settings.static, options.sources)
    with (
        tempfile.TemporaryDirectory(prefix="tfnative-") as temporary,
        ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool,
        start_server() as server,
        closing(builder),
    ):
        # Neither the kernels nor tfcompile need anything of the model: they are
        # compiled and loaded while TensorFlow is imported.
        builder.start_kernels(settings.levels, pool)
        progress.stage("load the model")
        loaded = load_model(
            Path(model),
            tags=options.tags,
            inputs=options.inputs,
            outputs=options.outputs,
        )
        progress.stage("freeze and check")
        chosen = _chosen_signatures(loaded, options.signatures)
        loaded = fix_inputs(loaded, options.constants or {}, chosen)
        prepared = [prepare(loaded, signature, options.shapes) for signature in chosen]
        # What checks does not change what rows depend on, and is not looked at.
        unchecked = [_computed(each.graph) for each in prepared]
        for graph in unchecked:
            refuse_open_sizes(graph)
        graphs = unchecked
        if options.checks:
            graphs = [_computed(insert_checks(each.graph)) for each in prepared]
        prepared = [
            replace(each, graph=graph)
            for each, graph in zip(prepared, graphs, strict=True)
        ]
        work = Path(temporary)
        # One after the other: TensorFlow's names are looked up by one thread at once.
        verdicts = pool.submit(_judge_all, unchecked, server, work)
        variants = _compile_variants(
            graphs, settings, work, pool, server, progress, builder
        )
        rows = tuple(map(_with_checks, verdicts.result(), graphs))
        server.close()  # It has memory that is not needed any more.
        with replacing(folder) as staging:
            _make_artifact(
                _Job(loaded, tuple(prepared), variants, rows, settings, builder, work),
                user_inputs,
                staging,
                progress,
            )
    progress.finish()
    return folder


@dataclass(frozen=True)
class _Variant:
    """A program as XLA made it, and as it is emitted."""

    decoded: Program
    finished: Program


@dataclass(frozen=True)
class _Job:
    loaded: LoadedModel
    prepared: tuple[Prepared, ...]
    variants: tuple[_Variant, ...]
    rows: tuple[Verdict, ...]
    settings: Settings
    builder: Builder
    work: Path

    @property
    def graphs(self) -> tuple[FrozenGraph, ...]:
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
                path = f"heads/{Path(golden_file_name(name)).stem}"
                shapes = self.input_shapes(each)
                heads[name] = write_head(
                    each.parts, shapes, self.loaded, artifact, path
                )
        return heads

    def sampler(
        self,
        of: Prepared,
        heads: Heads,
        artifact: Path,
        given: golden_vectors.Inputs | None,
    ) -> Sampler:
        head = heads.get(of.graph.signature)
        if isinstance(head, ExamplesHead):
            return ExampleSampler(self.loaded, of.graph, head)
        if head is None or of.parts is None:
            return Sampler(self.loaded, of.graph)
        return SplitSampler(
            self.loaded,
            Sampler(of.model, of.graph),
            of.parts,
            self.input_shapes(of),
            HeadRunner(head, artifact),
            given,
        )


def _judge_all(
    graphs: Sequence[FrozenGraph], server: ForkServer, work: Path
) -> tuple[Verdict, ...]:
    return tuple(
        judge(graph, server, work / f"rows_{index}")
        for index, graph in enumerate(graphs)
    )


def _computed(graph: FrozenGraph) -> FrozenGraph:
    """A graph whose checks are there, as XLA is to compute it."""
    return compute_odd_values(drop_checks(graph))


def _with_checks(verdict: Verdict, graph: FrozenGraph) -> Verdict:
    """What is known of rows, where an assertion may look at them together."""
    joint = [check.node for check in graph.checks if check.joint]
    if verdict.kind != "proved" or not joint:
        return verdict
    reason = f"{joint[0]} (Assert) may look at several rows together"
    return Verdict("unknown", reason, joint[0])


def _compile_variants(
    graphs: Sequence[FrozenGraph],
    settings: Settings,
    work: Path,
    pool: ThreadPoolExecutor,
    server: ForkServer,
    progress: Progress,
    builder: Builder,
) -> tuple[_Variant, ...]:
    def one(graph: FrozenGraph, graph_path: Path, key: VariantKey) -> _Variant:
        builder.check_kernels()  # Without them, all this would be for nothing.
        folder = work / key.symbol
        symbol = f"{settings.name}_{key.symbol}"
        compiled = tfcompile(
            graph, graph_path, key, settings.target, symbol, folder, server
        )
        program = decode(compiled, [tensor.name for tensor in graph.outputs])
        finished = _Variant(
            program, run_passes(program, winograd=settings.options.winograd)
        )
        progress.advance(
            f"{graph.signature}, {batch_text(key.batch_size)}, {key.level.name}"
        )
        return finished

    jobs: list[tuple[FrozenGraph, Path, VariantKey]] = []
    for index, graph in enumerate(graphs):
        path = write_graph(graph, work)
        for level in settings.levels:
            sizes = settings.batch_sizes if graph.has_batch else (0,)
            jobs += [(graph, path, VariantKey(index, size, level)) for size in sizes]
    progress.stage("compile with XLA", len(jobs))
    futures = [pool.submit(one, *job) for job in jobs]
    try:
        return tuple(future.result() for future in futures)
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def _make_artifact(
    job: _Job,
    user_inputs: golden_vectors.Inputs | None,
    staging: Path,
    progress: Progress,
) -> None:
    options = job.settings.options
    progress.stage("run TensorFlow for reference")
    heads = job.write_heads(staging)
    samplers = [job.sampler(each, heads, staging, user_inputs) for each in job.prepared]
    rules = [
        row_rule(verdict, sampler, options.rows_independent)
        for verdict, sampler in zip(job.rows, samplers, strict=True)
    ]
    programs = tuple(variant.finished for variant in job.variants)
    probes = _probes(job, samplers, user_inputs)
    slow: dict[str, str] = {}
    while True:
        interface = _interface(job, programs, rules, samplers)
        progress.stage("compile and link")
        sources = job.work / f"sources_{len(slow)}"
        parts = emit_parts(interface, job.settings.levels, programs, sources)
        manifest = make_manifest(parts, job.loaded, heads, rules)
        trial = job.builder.make_trial(parts, manifest, staging, job.work)
        progress.stage("compare with TensorFlow")
        try:
            fidelity = _compare(job, programs, probes, trial)
        except InexactError as error:
            programs = _without_winograd(job, programs, error)
            slow[error.signature] = error.complaints[0]
            continue
        break
    if not options.minimal:
        for graph, sampler in zip(job.graphs, samplers, strict=True):
            chosen = golden_vectors.choose(sampler, interface, user_inputs)
            golden_vectors.write(staging, graph.signature, _given(sampler, chosen))
    tried = {level.name for level in trial.levels}
    _finish(job, parts, _noted(manifest, slow), fidelity, tried, staging)


def _interface(
    job: _Job,
    programs: Sequence[Program],
    rules: Sequence[RowRule],
    samplers: Sequence[Sampler],
) -> Interface:
    described = describe(
        job.settings.name, job.settings.target, job.graphs, programs, rules
    )
    signatures = tuple(
        replace(signature, empty=empty_batch(sampler.compiled, signature))
        for signature, sampler in zip(described.signatures, samplers, strict=True)
    )
    return replace(
        described,
        signatures=signatures,
        weights_apart=job.settings.options.weights == "separate",
    )


def _probes(
    job: _Job, samplers: Sequence[Sampler], user_inputs: golden_vectors.Inputs | None
) -> list[list[Probe]]:
    """What each signature is tried on."""
    options = job.settings.options
    return [
        make_probes(
            sampler,
            Exact(each.model, each.graph),
            job.settings.batch_sizes if each.graph.has_batch else (),
            user_inputs,
            mixed=options.rtol is None,
        )
        for each, sampler in zip(job.prepared, samplers, strict=True)
    ]


def _compare(
    job: _Job,
    programs: Sequence[Program],
    probes: Sequence[Sequence[Probe]],
    trial: Trial,
) -> dict[str, tuple[Fidelity, ...]]:
    """Raises InexactError if an output is too far from TensorFlow's."""
    runs = executor(trial)
    if runs is None:
        return {}
    quick = {p.key.signature for p in programs if uses_winograd(p)}
    rtol = job.settings.options.rtol
    with closing(runs):
        return {
            graph.signature: verify(
                runs,
                graph,
                tried_on(own, tiny=index in quick, emulated=trial.program is not None),
                trial.levels,
                rtol,
            )
            for index, (graph, own) in enumerate(zip(job.graphs, probes, strict=True))
        }


def _without_winograd(
    job: _Job, programs: tuple[Program, ...], error: InexactError
) -> tuple[Program, ...]:
    """The programs with those of a signature made anew.

    Raises:
        CompileError: The same, where they do not use Winograd's algorithm anyway.
    """
    index = [graph.signature for graph in job.graphs].index(error.signature)
    chosen = [p.key.signature == index and uses_winograd(p) for p in programs]
    if not any(chosen):
        lines = "\n".join(f"  {complaint}" for complaint in error.complaints)
        raise CompileError(
            f"signature {error.signature!r} differs from TensorFlow by more than the "
            f"tolerance (--rtol sets another):\n{lines}"
        ) from error
    return tuple(
        run_passes(variant.decoded, winograd=False) if is_chosen else program
        for variant, program, is_chosen in zip(
            job.variants, programs, chosen, strict=True
        )
    )


def _noted(manifest: Manifest, slow: Mapping[str, str]) -> Manifest:
    """The manifest, with why signatures do not use Winograd's algorithm."""
    signatures = {
        name: replace(signature, no_winograd=slow.get(name, ""))
        for name, signature in manifest.signatures.items()
    }
    return replace(manifest, signatures=signatures)


def _given(sampler: Sampler, sample: Sample) -> Sample:
    return Sample(sampler.given(sample.inputs), sample.outputs)


def _finish(
    job: _Job,
    parts: Parts,
    manifest: Manifest,
    fidelity: Mapping[str, tuple[Fidelity, ...]],
    tried: set[str],
    staging: Path,
) -> None:
    """Links again, with what was measured in the manifest, and adds the rest."""
    signatures = {
        name: replace(
            signature,
            fidelity=fidelity.get(name, ()),
            unverified_cpu_levels=tuple(
                level for level in manifest.cpu_levels if level not in tried
            ),
        )
        for name, signature in manifest.signatures.items()
    }
    options = job.settings.options
    final = replace(manifest, signatures=signatures, options=options.record())
    interface = replace(parts.interface, is_minimal=options.minimal)
    built = job.builder.finish(parts, interface, final, staging, job.work)
    write_sdk(interface, staging, has_shared=built.shared, has_static=built.static)
    if options.minimal:
        return
    (staging / "program.txt").write_text(describe_programs(parts))
    if job.loaded.assets:
        (staging / "assets").mkdir()
        for asset in job.loaded.assets:
            shutil.copyfile(asset, staging / "assets" / Path(asset).name)
    # What comes with a model for others, as requests for a server to warm up with.
    extra = job.loaded.path / "assets.extra"
    if extra.is_dir():
        shutil.copytree(extra, staging / "assets.extra")


def _chosen_signatures(
    model: LoadedModel, names: Sequence[str] | None
) -> tuple[str, ...]:
    known = tuple(model.signatures)
    if names is None:
        return (DEFAULT_SIGNATURE,) if DEFAULT_SIGNATURE in known else known
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise NotFoundError(
            f"{model.path} has no signature "
            f"{', '.join(map(repr, unknown)) or '(none)'}; "
            f"it has {', '.join(map(repr, known))}"
        )
    return tuple(dict.fromkeys(names))
