# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The pictures of `tfnative inspect`."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from tfnative._backends.native.model import NativeModel
from tfnative._cli.common import UsageError, print_json, require_folder, write_file
from tfnative._cli.compile_ import silence_tensorflow
from tfnative._cli.inspect_compiled import CompiledView
from tfnative._cli.numbers import whole
from tfnative._cli.places import times_file
from tfnative._draw.compiled import Measured, draw_program
from tfnative._draw.dot import to_dot
from tfnative._draw.graph import DrawnGraph
from tfnative._draw.html import to_html
from tfnative._draw.model_explorer import to_graphs, to_node_data
from tfnative._draw.render import require, require_dot, to_svg
from tfnative._manifest.program import DAMAGED, ProgramRecord, from_json
from tfnative._manifest.program_references import check_references
from tfnative._measure.bench import random_inputs
from tfnative.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    LoadError,
    NotFoundError,
)

_RUNS = 20
_DEFAULT = "serving_default"
_WRITERS: Mapping[str, Callable[[DrawnGraph], str]] = {
    ".svg": lambda graph: to_svg(to_dot(graph)),
    ".html": to_html,
    ".dot": to_dot,
}
_ENDINGS = ".svg, .html or .dot"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds what says what to draw, and where to."""
    parser.add_argument(
        "--graph",
        metavar="FILE",
        help="draw the program as a graph, a box for each step; of a SavedModel, "
        f"TensorFlow's graph. FILE ends in {_ENDINGS}; the first two need Graphviz's "
        'dot, .html needs pip install "tfnative[draw]" (default: nothing is drawn)',
    )
    parser.add_argument(
        "--profile",
        action="store_true",
        help="with --graph or --model-explorer: measure on random inputs, and show the "
        "time of each step as its colour",
    )
    parser.add_argument(
        "--model-explorer",
        metavar="FILE",
        help="write the graph as JSON for Google's Model Explorer; with --profile, the "
        "times as well, beside it: net.json and net.times.json (default: neither)",
    )
    parser.add_argument(
        "--signature",
        metavar="NAME",
        help=f"what to draw, or to chart (default: {_DEFAULT}, or the only one)",
    )
    parser.add_argument(
        "--batch-size",
        type=whole(1),
        metavar="N",
        help="the program of which compiled batch size to draw, or to chart (default: "
        "the smallest)",
    )


def is_asked(options: argparse.Namespace) -> bool:
    """Whether something is to be drawn. Checks what can be checked beforehand.

    Raises:
        UsageError: Flags do not go together, or a name ends in nothing known.
        FailedPreconditionError: What draws is not installed.
        InvalidArgumentError: A file cannot be written there.
    """
    graph, explorer = options.graph, options.model_explorer
    if graph is None and explorer is None:
        if options.profile:
            raise UsageError("--profile needs --graph or --model-explorer")
        for flag in ("signature", "batch_size"):
            if getattr(options, flag) and options.memory is None:
                name = flag.replace("_", "-")
                raise UsageError(
                    f"--{name} needs --graph, --model-explorer or --memory"
                )
        return False
    if options.program:
        raise UsageError("--program prints a list, and goes with no picture")
    for path in filter(None, (graph, explorer)):
        require_folder(path)
    if graph is not None:
        ending = Path(graph).suffix.lower()
        if ending not in _WRITERS:
            raise UsageError(f"--graph {graph}: the name has to end in {_ENDINGS}")
        if ending == ".html":
            require("jinja2")
        if ending != ".dot":
            require_dot()
    return True


def draw_compiled(
    options: argparse.Namespace, view: CompiledView, model: NativeModel | None
) -> None:
    """Draws a compiled model.

    Args:
        options: What was asked for.
        view: What to draw.
        model: The same, loaded; None if it does not run here.

    Raises:
        NotFoundError: It has no such program, or does not say what its programs are.
        FailedPreconditionError: It is to be measured, and does not run here.
    """
    programs = read_programs(view)
    program = chosen_program(programs, options.signature, options.batch_size)
    times = None
    if options.profile:
        if model is None:
            raise FailedPreconditionError(
                f"the model cannot be measured here: {view.reason}"
            )
        times = _measure(model, program)
    write(options, draw_program(program, view.manifest.name, times))


def draw_saved_model(options: argparse.Namespace, tags: Sequence[str]) -> None:
    """Draws a SavedModel: TensorFlow's graph.

    Raises:
        UsageError: What is asked for is for compiled models.
    """
    _refuse_flags(options, ("profile", "batch_size"), "a SavedModel")
    with _compiler(options) as door:
        found = door.draw_saved_model(Path(options.model), options.signature, tags)
    write(options, found)


def is_graph_def(model: str) -> bool:
    """Whether it is a file that is called as those with a GraphDef are."""
    path = Path(model)
    return path.is_file() and path.suffix.lower() in (".pb", ".pbtxt")


def draw_graph_def(options: argparse.Namespace) -> None:
    """Draws a GraphDef.

    Raises:
        UsageError: What is asked for is for other models.
    """
    _refuse_flags(options, ("profile", "batch_size", "signature"), "a GraphDef")
    with _compiler(options) as door:
        found = door.draw_graph_def(Path(options.model))
    write(options, found)


def _refuse_flags(options: argparse.Namespace, flags: Sequence[str], what: str) -> None:
    for flag in flags:
        if getattr(options, flag):
            kind = (
                "models with signatures" if flag == "signature" else "compiled models"
            )
            raise UsageError(
                f"--{flag.replace('_', '-')} is for {kind}, and {options.model} is "
                f"{what}"
            )


@contextlib.contextmanager
def _compiler(options: argparse.Namespace) -> Iterator[Any]:
    """The compiler, which reads TensorFlow's graphs."""
    from tfnative._compile import door
    from tfnative._compile.boundary import typed_errors

    door.require("tfnative_aot", "tensorflow")
    silence_tensorflow()
    if options.owns_process:
        door.import_lean()
    with typed_errors("draw"):
        yield door


def read_programs(view: CompiledView) -> tuple[ProgramRecord, ...]:
    """What a compiled model says of its programs.

    Raises:
        NotFoundError: It says nothing.
        LoadError: What it says cannot be read.
    """
    try:
        text = (view.folder / "program.json").read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise LoadError(f"program.json is no text: {error}. {DAMAGED}") from error
    except OSError as error:
        raise NotFoundError(
            f"the artifact does not say what its programs are, of which pictures are "
            f"made: {error}. Older versions of tfnative, and --minimal, write no "
            "program.json: compile the model again"
        ) from error
    programs = from_json(text)
    check_references(programs)
    return programs


def write(options: argparse.Namespace, graph: DrawnGraph) -> None:
    """Writes the files that were asked for, and says which."""
    texts: dict[str, str] = {}
    if options.graph is not None:
        texts[options.graph] = _WRITERS[Path(options.graph).suffix.lower()](graph)
    if options.model_explorer is not None:
        path = options.model_explorer
        texts[path] = to_graphs(graph.title, [graph])
        if options.profile:
            texts[times_file(path)] = to_node_data(graph)
    for path, text in texts.items():
        content = text.encode("utf-8", "surrogatepass")
        write_file(path, partial(_write, content))
    if options.json:
        boxes = [dataclasses.asdict(node) for node in graph.nodes]
        arrows = [dataclasses.asdict(edge) for edge in graph.edges]
        print_json({"files": list(texts), "nodes": boxes, "edges": arrows})
        return
    print(graph.title)
    for line in (*graph.notes, *(f"written: {path}" for path in texts)):
        print(line)


def _write(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def chosen_program(
    programs: Sequence[ProgramRecord], signature: str | None, batch_size: int | None
) -> ProgramRecord:
    """The program that flags choose: by default that of the smallest batch size.

    Raises:
        NotFoundError: There is no such signature, or there are several.
        InvalidArgumentError: It was not compiled for so many rows.
    """
    names = tuple(dict.fromkeys(program.signature for program in programs))
    name = signature
    if name is None:
        name = names[0] if len(names) == 1 else _DEFAULT
    if name not in names:
        what = "there are several" if signature is None else f"there is no {name!r}"
        listed = ", ".join(map(repr, names)) or "none"
        raise NotFoundError(f"which signature? {what}; the model has {listed}")
    of_name = [program for program in programs if program.signature == name]
    sizes = sorted(program.batch_size for program in of_name)
    size = sizes[0] if batch_size is None else batch_size
    for program in of_name:
        if program.batch_size == size:
            return program
    listed = ", ".join(map(str, sizes)) if sizes != [0] else "none"
    raise InvalidArgumentError(
        f"signature {name!r} was not compiled for {size} rows; its batch sizes: "
        f"{listed}"
    )


def _measure(model: NativeModel, program: ProgramRecord) -> dict[int, Measured]:
    signature = model.signature(program.signature)
    found = model.profile(
        random_inputs(model, signature, program.batch_size),
        signature=signature.name,
        runs=_RUNS,
    )
    return {
        step.number: Measured(step.micros, step.share)
        for step in found.steps
        if step.batch_size == program.batch_size
    }
