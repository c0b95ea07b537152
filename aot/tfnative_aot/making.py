# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Makes the artifact of programs, and compares it with TensorFlow."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tfnative._manifest.program import to_json
from tfnative.errors import CompileError
from tfnative.manifest import Fidelity, Manifest, Precision
from tfnative_aot.artifact.build import Trial
from tfnative_aot.artifact.describe import (
    RowRule,
    describe,
    describe_programs,
    make_manifest,
)
from tfnative_aot.artifact.package import Parts, emit_parts
from tfnative_aot.artifact.program_record import record_programs
from tfnative_aot.artifact.sdk import write_sdk
from tfnative_aot.emit.interface import Interface
from tfnative_aot.job import Job
from tfnative_aot.load.source import BATCH
from tfnative_aot.program.passes import run_passes, uses_winograd
from tfnative_aot.program.program import Program
from tfnative_aot.progress import Progress
from tfnative_aot.quantize.record import Answers, allowed, ask, precision_of
from tfnative_aot.quantize.run_time_ranges import with_run_time_ranges
from tfnative_aot.split.divide import Prepared
from tfnative_aot.verify import golden as golden_vectors
from tfnative_aot.verify.empty_batch import empty_batch
from tfnative_aot.verify.exact import Exact
from tfnative_aot.verify.execute import executor
from tfnative_aot.verify.probes import Probe, make_probes, tried_on
from tfnative_aot.verify.row_rule import row_rule
from tfnative_aot.verify.samples import Sample, Sampler
from tfnative_aot.verify.verify import Allowed, InexactError, Tolerance, verify

_COMPARED_ROWS = 8


def make_artifact(
    job: Job,
    user_inputs: golden_vectors.Inputs | None,
    staging: Path,
    progress: Progress,
) -> None:
    """Writes the artifact. Every output is as near to TensorFlow as it has to be.

    Args:
        job: All that is known.
        user_inputs: What to compare on beside generated inputs.
        staging: An empty folder, which becomes the artifact.
        progress: Told what is done.

    Raises:
        CompileError: An output is too far from TensorFlow's.
    """
    options = job.settings.options
    progress.stage("run TensorFlow for reference")
    if job.settings.weights.in_int8:
        # What is compared with rounds what the programs round.
        job = replace(job, prepared=tuple(map(with_run_time_ranges, job.prepared)))
    heads, tails = job.write_heads(staging), job.write_tails(staging)
    given = [_given_inputs(job, each, user_inputs) for each in job.prepared]
    samplers = [
        job.sampler(each, heads, tails, staging, own)
        for each, own in zip(job.prepared, given, strict=True)
    ]
    rules = [
        row_rule(verdict, sampler, options.rows_independent)
        for verdict, sampler in zip(job.rows, samplers, strict=True)
    ]
    programs = tuple(variant.finished for variant in job.variants)
    probes = _probes(job, samplers, given)
    for sampler, own in zip(samplers, probes, strict=True):
        sampler.check_tail(probe.sample for probe in own if not probe.mixed)
    answers = {
        index: ask(each, samplers[index], user_inputs)
        for index, each in enumerate(job.prepared)
        if each.exact is not None
    }
    slow: dict[str, str] = {}
    while True:
        interface = _interface(job, programs, rules, samplers)
        progress.stage("compile and link")
        sources = job.work / f"sources_{len(slow)}"
        parts = emit_parts(interface, job.settings.levels, programs, sources)
        manifest = make_manifest(parts, job.loaded, heads, tails, rules)
        trial = job.builder.make_trial(parts, manifest, staging, job.work)
        progress.stage("compare with TensorFlow")
        try:
            fidelity = _compare(job, programs, probes, answers, trial)
        except InexactError as error:
            programs = _without_winograd(job, programs, error)
            slow[error.signature] = error.complaints[0]
            continue
        break
    if not options.minimal:
        for graph, sampler, inputs in zip(job.graphs, samplers, given, strict=True):
            chosen = golden_vectors.choose(sampler, interface, inputs)
            golden_vectors.write(staging, graph.signature, _given(sampler, chosen))
    tried = {level.name for level in trial.levels}
    precisions = {
        each.graph.signature: precision_of(
            each, answers[index], _programs_of(index, programs), options.precision
        )
        for index, each in enumerate(job.prepared)
        if each.exact is not None
    }
    noted = _noted(manifest, slow, precisions)
    _finish(job, parts, noted, fidelity, tried, staging)


def _given_inputs(
    job: Job, prepared: Prepared, user_inputs: golden_vectors.Inputs | None
) -> golden_vectors.Inputs | None:
    """What to compare on beside what is drawn: of the user, or some of calibration."""
    if user_inputs is not None or not prepared.samples:
        return user_inputs
    first = prepared.samples["calibration"][0]
    shapes = {tensor.name: tensor.shape for tensor in prepared.graph.inputs}
    if prepared.head is None:
        shapes |= job.input_shapes(prepared)
    rows = {name for name, shape in shapes.items() if shape and shape[0] == BATCH}
    return {
        name: array[:_COMPARED_ROWS] if name in rows else array
        for name, array in first.items()
    }


def _programs_of(signature: int, programs: Sequence[Program]) -> list[Program]:
    return [program for program in programs if program.key.signature == signature]


def _interface(
    job: Job,
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
    job: Job,
    samplers: Sequence[Sampler],
    given: Sequence[golden_vectors.Inputs | None],
) -> list[list[Probe]]:
    """What each signature is tried on."""
    options = job.settings.options
    reason = ""
    if job.settings.weights.in_int8:
        reason = "numbers between two steps of int8 are others in float64"
    return [
        make_probes(
            sampler,
            Exact(each.model, each.graph, reason),
            job.settings.batch_sizes if each.graph.has_batch else (),
            own,
            mixed=options.rtol is None,
            several=job.settings.weights.in_int8,
        )
        for each, sampler, own in zip(job.prepared, samplers, given, strict=True)
    ]


def _compare(
    job: Job,
    programs: Sequence[Program],
    probes: Sequence[Sequence[Probe]],
    answers: Mapping[int, Sequence[Answers]],
    trial: Trial,
) -> dict[str, tuple[Fidelity, ...]]:
    """Raises InexactError if an output is too far from TensorFlow's."""
    runs = executor(trial)
    if runs is None:
        return {}
    quick = {p.key.signature for p in programs if uses_winograd(p)}

    def rtol(index: int) -> Tolerance:
        asked = job.settings.options.rtol
        if not job.settings.weights.in_int8:
            return asked
        least = asked or 0.0
        return {
            name: Allowed(max(each.largest, least), max(each.typical, least))
            for name, each in allowed(answers[index]).items()
        }

    with closing(runs):
        return {
            graph.signature: verify(
                runs,
                graph,
                tried_on(own, tiny=index in quick, emulated=trial.program is not None),
                trial.levels,
                rtol(index),
            )
            for index, (graph, own) in enumerate(zip(job.graphs, probes, strict=True))
        }


def _without_winograd(
    job: Job, programs: tuple[Program, ...], error: InexactError
) -> tuple[Program, ...]:
    """The programs with those of a signature made anew.

    Raises:
        CompileError: The same, where they do not use Winograd's algorithm anyway.
    """
    index = [graph.signature for graph in job.graphs].index(error.signature)
    own = job.prepared[index]
    weights = job.settings.weights_of(own.small, own.products)
    chosen = [p.key.signature == index and uses_winograd(p) for p in programs]
    if not any(chosen):
        lines = "\n".join(f"  {complaint}" for complaint in error.complaints)
        raise CompileError(
            f"signature {error.signature!r} differs from TensorFlow by more than the "
            f"tolerance (--rtol sets another):\n{lines}"
        ) from error
    return tuple(
        run_passes(variant.decoded, winograd=False, weights=weights)
        if is_chosen
        else program
        for variant, program, is_chosen in zip(
            job.variants, programs, chosen, strict=True
        )
    )


def _noted(
    manifest: Manifest,
    slow: Mapping[str, str],
    precisions: Mapping[str, Precision],
) -> Manifest:
    """The manifest, with why signatures are slower or less precise than others."""
    signatures = {
        name: replace(
            signature,
            no_winograd=slow.get(name, ""),
            precision=precisions.get(name),
        )
        for name, signature in manifest.signatures.items()
    }
    return replace(manifest, signatures=signatures)


def _given(sampler: Sampler, sample: Sample) -> Sample:
    return sampler.completed(replace(sample, inputs=sampler.given(sample.inputs)))


def _finish(
    job: Job,
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
    (staging / "program.json").write_text(
        to_json(record_programs(parts)), encoding="utf-8"
    )
    if job.loaded.assets:
        (staging / "assets").mkdir()
        for asset in job.loaded.assets:
            shutil.copyfile(asset, staging / "assets" / Path(asset).name)
    # What comes with a model for others, as requests for a server to warm up with.
    extra = job.loaded.path / "assets.extra"
    if extra.is_dir():
        shutil.copytree(extra, staging / "assets.extra")
