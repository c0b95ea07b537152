# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative optimize`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from tfnative._base.options.flags import UsageError, add_flags, given_flags
from tfnative._cli.common import (
    add_command,
    add_json,
    format_bytes,
    print_json,
    print_table,
)
from tfnative._cli.compile_ import silence_tensorflow
from tfnative._compile import door
from tfnative._optimize.catalog import CATALOG, FOR_PREDICTION, TransformKind
from tfnative._optimize.optimize import optimize
from tfnative._optimize.options import OptimizeOptions

if TYPE_CHECKING:
    from tfnative._cli.common import Commands
    from tfnative._optimize.results import Optimized, OptimizeStep

_EXAMPLES = """\
  tfnative optimize saved_models/digits -o build/digits-small
  tfnative optimize saved_models/digits -o build/digits-8bit --transforms \\
      "strip_unused_nodes fold_constants fold_batch_norms quantize_weights"
  tfnative optimize frozen.pb -o small.pb --format graphdef \\
      --inputs image=x:0 --outputs score=y:0
  tfnative optimize saved_models/digits -o build/digits-small --report digits.html
  tfnative optimize --list
"""
_WIDTH = 80
_ROOM = 44


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands,
        "optimize",
        run,
        "make a TensorFlow model smaller and faster, and compare it at every step",
        _EXAMPLES,
    )
    parser.add_argument(
        "model", nargs="?", help="folder of a SavedModel, or file with a GraphDef"
    )
    parser.add_argument(
        "-o", "--output", help="folder, or file, to write; there is no default"
    )
    add_flags(parser, OptimizeOptions)
    parser.add_argument(
        "--list",
        action="store_true",
        help="list all transforms with their parameters",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Optimizes, and shows what each step did."""
    if options.list:
        _print_catalog(as_json=options.json)
        return 0
    if options.model is None or options.output is None:
        raise UsageError("it needs a model, and --output; or --list")
    silence_tensorflow()
    if options.owns_process:
        door.import_lean()
    asked = OptimizeOptions(**given_flags(OptimizeOptions, options))
    with door.terminal_progress() as progress:
        done = optimize(options.model, options.output, options=asked, progress=progress)
    if options.json:
        print_json({**dataclasses.asdict(done), "output": str(done.output)})
    else:
        _print_steps(done)
        if asked.report is not None:
            print(f"the report of it: {asked.report}")
    sys.stdout.flush()
    return 0


def _print_steps(done: Optimized) -> None:
    header = ("step", "nodes", "bytes", "gzipped", "ms", "error", "top-1", "")
    print_table(header, [_row(step) for step in done.steps])
    for step in done.steps:
        if step.reason:
            what = "" if step.applied else "was left out: "
            print(f"{step.transform}: {what}{step.reason}")
    for note in done.notes:
        print(f"note: signature {note.signature!r} {note.text}")
    if done.format == "graphdef":
        for name in done.inputs:
            tensors = {**done.inputs[name], **done.outputs[name]}
            listed = ", ".join(f"{n}={tensor}" for n, tensor in tensors.items())
            print(f"{name}: {listed}")
    print(
        f"\n{done.output}: {format_bytes(done.written.bytes)}, of "
        f"{format_bytes(done.given.bytes)} before; {done.written.nodes} nodes, of "
        f"{done.given.nodes}"
    )


def _row(step: OptimizeStep) -> tuple[str, ...]:
    error = step.max_error
    return (
        _shortened(step.transform),
        str(step.nodes),
        str(step.bytes),
        str(step.gzipped_bytes),
        "-" if step.milliseconds is None else f"{step.milliseconds:.2f}",
        "-" if error is None else "0" if error == 0 else f"{error:.1e}",
        "-" if step.same_top1 is None else f"{step.same_top1:.0%}",
        "" if step.applied else "left out",
    )


def _shortened(transform: str) -> str:
    """A step as the table has room for it: its name, always, and its parameters."""
    if len(transform) <= _ROOM:
        return transform
    return f"{transform[: _ROOM - 3]}..."


def _print_catalog(*, as_json: bool) -> None:
    if as_json:
        print_json([dataclasses.asdict(kind) for kind in CATALOG.values()])
        return
    for kind in CATALOG.values():
        print(f"{kind.name}{_remarks(kind)}")
        print(textwrap.fill(kind.meaning, _WIDTH, **_indented(4)))
        for name, meaning in kind.parameters.items():
            print(textwrap.fill(f"{name}: {meaning}", _WIDTH, **_indented(6)))
    print("\nBy default:")
    print(textwrap.fill(FOR_PREDICTION, _WIDTH, **_indented(4)))


def _remarks(kind: TransformKind) -> str:
    remarks = [] if kind.is_exact else ["changes results"]
    if kind.is_ours:
        remarks.append("tfnative's own")
    return f"  ({', '.join(remarks)})" if remarks else ""


def _indented(count: int) -> dict[str, Any]:
    return {"initial_indent": " " * count, "subsequent_indent": " " * (count + 2)}
