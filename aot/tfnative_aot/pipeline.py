# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the stages that turn a model into an artifact.

Data flows one way, one typed value per stage; this module owns the temporary
folder and what runs in parallel.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tfnative._base.output_places import check_places
from tfnative._compile.options import CompileOptions
from tfnative.errors import CompileError, NotFoundError
from tfnative_aot.artifact.build import Builder
from tfnative_aot.checks.insert import insert_checks
from tfnative_aot.checks.strip import drop_checks
from tfnative_aot.draw.dump import check_dump, folder_name, write_index, write_program
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.freeze.rewrites import compute_odd_values
from tfnative_aot.job import Job, Variant
from tfnative_aot.load.constants import fix_inputs
from tfnative_aot.load.load_model import LoadedModel, load_model
from tfnative_aot.machines.cpu_levels import VariantKey, batch_text
from tfnative_aot.making import make_artifact
from tfnative_aot.output import check_replaceable, replacing
from tfnative_aot.program.decode import decode
from tfnative_aot.program.passes import run_passes
from tfnative_aot.program.passes.stored_weights import FLOATS, Weights
from tfnative_aot.progress import Progress, Silent
from tfnative_aot.quantize.agree import in_agreement
from tfnative_aot.quantize.auto.choose import with_chosen_layers
from tfnative_aot.quantize.auto.held_out import LABELLED
from tfnative_aot.quantize.auto.report import check_report, write_report
from tfnative_aot.quantize.auto.trial import Workshop
from tfnative_aot.quantize.calibrate.data import READ_PER_SAMPLE
from tfnative_aot.quantize.calibrate.entry import Entry
from tfnative_aot.quantize.record import AT_ONCE
from tfnative_aot.quantize.small_weights import with_small_weights
from tfnative_aot.quantize.static.quantize import with_static_ranges
from tfnative_aot.quantize.tables import store_tables
from tfnative_aot.rows.verdict import Verdict, judge
from tfnative_aot.settings import Settings, check
from tfnative_aot.split.divide import Prepared, explained, prepare
from tfnative_aot.verify import golden as golden_vectors
from tfnative_aot.xla.processes import ForkServer
from tfnative_aot.xla.sizes import refuse_open_sizes
from tfnative_aot.xla.tfcompile import (
    read_dumped,
    start_server,
    tfcompile,
    write_graphs,
)

DEFAULT_SIGNATURE = "serving_default"


def _check_places(model: Path, folder: Path, options: CompileOptions) -> None:
    """Refuses outputs that would be lost, or be a part of the model."""
    outputs: list[tuple[str, str | os.PathLike[str]]] = [("the artifact", folder)]
    for name in ("dump_hlo", "precision_report"):
        if (path := getattr(options, name)) is not None:
            outputs.append((f"{name} (--{name.replace('_', '-')})", path))
    check_places(outputs, [model])


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
    if options.dump_hlo is not None:
        check_dump(Path(options.dump_hlo), folder)
    _check_places(Path(model), folder, options)
    if options.precision_report is not None:
        check_report(options.precision_report)
    given = options.golden
    user_inputs = golden_vectors.read_inputs(given) if given is not None else None
    builder = Builder.find(
        *(settings.target, settings.static, options.sources),
        small=settings.weights != FLOATS,
    )
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
        work = Path(temporary)
        if options.precision in ("int8", "auto"):
            options = _with_kept_samples(options, len(prepared))
            shop = replace(
                _workshop(loaded, settings, builder, server, work, pool),
                options=options,
            )
            entries = [shop.entry(each) for each in prepared]
            names = {tensor.name for each in entries for tensor in each.inputs}
            if options.precision == "int8":
                prepared = [_quantized(e, options, names, progress) for e in entries]
            else:
                prepared = [
                    with_chosen_layers(e, shop, names, progress) for e in entries
                ]
        small = settings.weights.dtype
        if small != "f32":
            prepared = [with_small_weights(each, small) for each in prepared]
        # What checks does not change what rows depend on, and is not looked at.
        unchecked = [_computed(each.graph) for each in prepared]
        for graph in unchecked:
            refuse_open_sizes(graph)
        graphs = unchecked
        if options.checks:
            graphs = [_computed(insert_checks(each.graph)) for each in prepared]
        if small != "f32":
            graphs = [store_tables(graph, small) for graph in graphs]
        prepared = [
            replace(each, graph=graph)
            for each, graph in zip(prepared, graphs, strict=True)
        ]
        # One after the other: TensorFlow's names are looked up by one thread at once.
        verdicts = pool.submit(_judge_all, unchecked, server, work)
        try:
            weights = [
                settings.weights_of(each.small, each.products) for each in prepared
            ]
            variants = _compile_variants(
                graphs, weights, settings, work, pool, server, progress, builder
            )
        except CompileError as error:
            raise explained(prepared, error) from error
        if settings.weights.in_int8:
            finished, weights = in_agreement(
                [variant.decoded for variant in variants],
                [variant.finished for variant in variants],
                weights,
                winograd=options.winograd,
            )
            variants = tuple(
                replace(variant, finished=program)
                for variant, program in zip(variants, finished, strict=True)
            )
            prepared = [
                _agreed(each, agreed.products)
                for each, agreed in zip(prepared, weights, strict=True)
            ]
        _write_dumps(graphs, settings, variants, work)
        rows = tuple(map(_with_checks, verdicts.result(), graphs))
        server.close()  # It has memory that is not needed any more.
        with replacing(folder) as staging:
            job = Job(loaded, tuple(prepared), variants, rows, settings, builder, work)
            try:
                make_artifact(job, user_inputs, staging, progress)
            except CompileError as error:
                raise explained(prepared, error) from error
            if options.precision_report is not None:
                # If this fails, there is no artifact, either.
                write_report(settings.name, prepared, options.precision_report)
    progress.finish()
    return folder


def _workshop(
    loaded: LoadedModel,
    settings: Settings,
    builder: Builder,
    server: ForkServer,
    work: Path,
    pool: ThreadPoolExecutor,
) -> Workshop:
    return Workshop(
        *(loaded, settings.options, settings.name, settings.target, settings.levels),
        *(settings.batch_sizes, builder, server, work, pool),
    )


def _with_kept_samples(options: CompileOptions, signatures: int) -> CompileOptions:
    """Samples that can be read once are kept if several signatures read them."""
    given = options.calibration
    if signatures < 2 or not isinstance(given, Iterator):
        return options
    more = LABELLED if options.precision == "auto" else 0
    most = READ_PER_SAMPLE * (options.calibration_samples + more)
    return replace(options, calibration=list(islice(given, most)))


def _quantized(
    entry: Entry,
    options: CompileOptions,
    others: Collection[str],
    progress: Progress,
) -> Prepared:
    """The signature in 8 bits; ``others`` are inputs of other ones."""
    prepared, method = entry.prepared, options.calibration_method
    if options.calibration is None:
        return with_static_ranges(prepared, None, method, progress)
    data = entry.read(options.calibration, options.calibration_samples, others)
    inner = entry.behind(data)
    # What is compared on is what callers give, but for messages that the SDK parses.
    whole = data if prepared.head is None else inner
    groups = dict(zip(("calibration", "held out"), whole.held_out(), strict=True))
    samples = {
        name: list(group.chunks(AT_ONCE))
        for name, group in groups.items()
        if group is not None
    }
    made = with_static_ranges(prepared, inner.held_out()[0], method, progress)
    return replace(made, samples=samples, notes=(*data.warnings, *made.notes))


def _agreed(prepared: Prepared, products: frozenset[str]) -> Prepared:
    """With the products that all programs have in 8 bits, and what is lost so."""
    made = replace(prepared, products=products)
    if prepared.judged is None or products == prepared.products:
        return made
    return replace(made, choice=prepared.judged(products))


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
    weights: Sequence[Weights],
    settings: Settings,
    work: Path,
    pool: ThreadPoolExecutor,
    server: ForkServer,
    progress: Progress,
    builder: Builder,
) -> tuple[Variant, ...]:
    best = settings.levels[-1]

    def one(graph: FrozenGraph, graph_path: Path, key: VariantKey) -> Variant:
        builder.check_kernels()  # Without them, all this would be for nothing.
        folder = work / key.symbol
        symbol = f"{settings.name}_{key.symbol}"
        dumps = settings.options.dump_hlo is not None and key.level == best
        compiled = tfcompile(
            *(graph, graph_path, key, settings.target, symbol, folder, server),
            dump=_dump_folder(work, key) if dumps else None,
        )
        names = [tensor.name for tensor in graph.outputs]
        program = decode(compiled, names, graph.calls)
        finished = Variant(
            program,
            run_passes(
                program,
                winograd=settings.options.winograd,
                weights=weights[key.signature],
            ),
        )
        progress.advance(
            f"{graph.signature}, {batch_text(key.batch_size)}, {key.level.name}"
        )
        return finished

    jobs: list[tuple[FrozenGraph, Path, VariantKey]] = []
    for index, graph in enumerate(graphs):
        sizes = settings.batch_sizes if graph.has_batch else (0,)
        paths = write_graphs(graph, work, sizes)
        for level in settings.levels:
            jobs += [
                (graph, paths[size], VariantKey(index, size, level)) for size in sizes
            ]
    progress.stage("compile with XLA", len(jobs))
    futures = [pool.submit(one, *job) for job in jobs]
    try:
        return tuple(future.result() for future in futures)
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def _dump_folder(work: Path, key: VariantKey) -> Path:
    """Where XLA leaves its programs of a variant."""
    return work / f"{key.symbol}_hlo"


def _write_dumps(
    graphs: Sequence[FrozenGraph],
    settings: Settings,
    variants: Sequence[Variant],
    work: Path,
) -> None:
    """Writes XLA's programs of the best level, all or none, if that is asked for."""
    if settings.options.dump_hlo is None:
        return
    taken: set[str] = set()
    titles: dict[str, str] = {}
    with replacing(Path(settings.options.dump_hlo)) as staging:
        for key in (variant.decoded.key for variant in variants):
            if key.level == settings.levels[-1]:
                signature = graphs[key.signature].signature
                name = folder_name(signature, key.batch_size, taken)
                title = f"{signature}, {batch_text(key.batch_size)}"
                dumped = read_dumped(_dump_folder(work, key))
                write_program(staging / name, title, dumped)
                titles[name] = title
        write_index(staging, titles)


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
