# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Optimizes a model: loads it, puts it through the transforms, and writes it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tfnative._optimize.catalog import FOR_PREDICTION
from tfnative._optimize.options import OptimizeOptions
from tfnative._optimize.results import Optimized, OptimizeNote
from tfnative._optimize.transforms import Transform, parse_transforms
from tfnative.errors import CompileError, NotFoundError
from tfnative_aot.load.constants import fix_inputs
from tfnative_aot.load.load_model import LoadedModel, load_model
from tfnative_aot.optimize.course import Course, assets_of
from tfnative_aot.optimize.files import size_of
from tfnative_aot.optimize.notes import notes
from tfnative_aot.optimize.report import Recorder, check_place, write_with_report
from tfnative_aot.optimize.room import room_for
from tfnative_aot.optimize.samples import make_samples
from tfnative_aot.optimize.session import GraphSession
from tfnative_aot.optimize.source import whole_graph
from tfnative_aot.optimize.tool import Tool
from tfnative_aot.optimize.write import (
    Written,
    check_no_tables,
    check_target,
    write_graph_def,
    write_saved_model,
)
from tfnative_aot.progress import Progress, Silent


def optimize(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    options: OptimizeOptions,
    progress: Progress | None = None,
) -> Optimized:
    """Optimizes a model. See ``tfnative.optimize``."""
    progress = progress or Silent()
    target = Path(output)
    check_target(target, Path(model), options.format)
    if options.report is not None:
        check_place(options.report, Path(model), target)
    transforms = _transforms(options)
    with Tool() as tool:
        if any(not step.kind.is_ours for step in transforms):
            tool.start()  # It loads while the model is loaded.
        progress.stage("load and freeze the model")
        loaded = load_model(
            Path(model),
            tags=options.tags,
            inputs=options.inputs,
            outputs=options.outputs,
        )
        given = size_of(Path(model), loaded.tags)
        course, generated = _begin(loaded, transforms, options)
        if options.format == "graphdef":
            check_no_tables(course.graph, loaded)
        recorder = _recorder(course, options, Path(model))
        for step in transforms:
            progress.stage(str(step))
            before = course.graph
            done = course.take(step, tool)
            if options.strict and not done.applied:
                raise CompileError(f"{step} breaks {model}: {done.reason}")
            if recorder is not None:
                recorder.note(step, before, course.graph, done)
    progress.stage("write the model")
    noted = notes(loaded, course.graph, course.outputs, course.random, generated)
    written = _write(course, loaded, options, target, recorder, noted)
    progress.finish()
    return Optimized(
        output=target,
        format=options.format,
        steps=tuple(course.steps),
        inputs=written.inputs,
        outputs=written.outputs,
        given=given,
        written=size_of(target, loaded.tags or ("serve",)),
        notes=noted,
    )


def _recorder(course: Course, options: OptimizeOptions, model: Path) -> Recorder | None:
    if options.report is None:
        return None
    return Recorder(course.graph, course.steps[0], model.resolve().name)


def _write(
    course: Course,
    loaded: LoadedModel,
    options: OptimizeOptions,
    target: Path,
    recorder: Recorder | None,
    noted: Sequence[OptimizeNote],
) -> Written:
    """Writes the model, and its report; where one of them fails, neither is there."""
    write = write_saved_model if options.format == "saved_model" else write_graph_def

    def write_model() -> Written:
        with room_for(target):
            return write(course.graph, loaded, target, course.steps)

    if recorder is None or options.report is None:
        return write_model()
    page = recorder.page(noted).encode("utf-8", "surrogatepass")
    return write_with_report(page, Path(options.report), target, write_model)


def _transforms(options: OptimizeOptions) -> tuple[Transform, ...]:
    given = options.transforms
    return parse_transforms(FOR_PREDICTION if given is None else given)


def _begin(
    loaded: LoadedModel, transforms: Sequence[Transform], options: OptimizeOptions
) -> tuple[Course, list[str]]:
    """The frozen graph, and the signatures whose inputs no data give."""
    chosen = _chosen(loaded, options.signatures)
    loaded = fix_inputs(loaded, options.constants or {}, chosen)
    for_prediction = any(step.name == "remove_training_nodes" for step in transforms)
    graph, without_training = whole_graph(loaded, chosen, for_prediction=for_prediction)
    session = GraphSession(graph, assets_of(loaded), optimized=False)
    try:
        samples, generated = make_samples(graph, loaded, session, options)
    finally:
        session.close()
    course = Course(
        loaded,
        graph,
        samples,
        options.max_error,
        without_training=without_training,
    )
    return course, generated


def _chosen(model: LoadedModel, names: Sequence[str] | None) -> tuple[str, ...]:
    known = tuple(model.signatures)
    if names is None:
        return known
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise NotFoundError(
            f"{model.path} has no signature "
            f"{', '.join(map(repr, unknown)) or '(none)'}; "
            f"it has {', '.join(map(repr, known))}"
        )
    return tuple(dict.fromkeys(names))
