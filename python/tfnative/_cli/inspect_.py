# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative inspect`."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from tfnative._cli.common import (
    add_command,
    add_json,
    format_bytes,
    format_shape,
    print_json,
    print_table,
)
from tfnative._cli.compile_ import print_fidelity
from tfnative._load import load
from tfnative._native_model import NativeModel
from tfnative.errors import NotFoundError
from tfnative.manifest import ExamplesHead, TensorFlowHead

if TYPE_CHECKING:
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative inspect build/digits
  tfnative inspect build/digits --program | less
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands, "inspect", run, "show what is in a compiled model", _EXAMPLES
    )
    parser.add_argument("artifact", help="folder of the artifact")
    parser.add_argument(
        "--program",
        action="store_true",
        help="list the steps of every program, with the TensorFlow op of each",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Shows signatures, variants, sizes and errors, or the programs."""
    with load(options.artifact) as model:
        if options.program:
            print(_program(model), end="")
        elif options.json:
            content = dataclasses.asdict(model.manifest)
            files = dict(_files(model))
            print_json(
                {
                    **content,
                    "files": files,
                    "cpu_level_here": model.cpu_level,
                    "workspace_bytes": {
                        name: {size: model._workspace_bytes(name, size) for size in of}
                        for name, of in _compiled_sizes(model).items()
                    },
                }
            )
        else:
            _show(model)
    return 0


def _show_head(head: ExamplesHead | TensorFlowHead) -> None:
    if isinstance(head, ExamplesHead):
        parsed = [f.feeds for f in head.features if f.feeds is not None]
        print(
            f"takes tf.Example messages as {head.input}, parsed into "
            f"{', '.join(parsed)}"
        )
        return
    taken = [f"{t.name} ({t.dtype} {format_shape(t.shape)})" for t in head.inputs]
    print(
        f"takes {', '.join(taken)}; TensorFlow makes {', '.join(head.feeds)} of it, by "
        f"{', '.join(head.ops)}"
    )


def _compiled_sizes(model: NativeModel) -> dict[str, tuple[int, ...]]:
    """The batch sizes of each signature, (0,) for one without a batch dimension."""
    return {name: s.batch_sizes or (0,) for name, s in model.signatures.items()}


def _program(model: NativeModel) -> str:
    path = Path(model.library_path).with_name("program.txt")
    try:
        return path.read_text()
    except OSError as error:
        raise NotFoundError(
            f"the artifact has no listing of its programs: {error}"
        ) from error


def _files(model: NativeModel) -> list[tuple[str, int]]:
    folder = Path(model.library_path).parent
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        (path.relative_to(folder).as_posix(), path.stat().st_size) for path in found
    ]


def _show(model: NativeModel) -> None:
    manifest = model.manifest
    print(f"{manifest.name}: {manifest.triple}")
    levels = ", ".join(manifest.cpu_levels)
    print(f"CPU levels: {levels} (here: {model.cpu_level})")
    print(
        f"compiled by tfnative {manifest.tfnative_version}, TensorFlow "
        f"{manifest.tensorflow_version}, from {manifest.source_digest[:19]}"
    )
    for name, signature in manifest.signatures.items():
        sizes = ", ".join(map(str, signature.batch_sizes)) or "none"
        rule = "" if signature.rows_independent else " (only these: rows are dependent)"
        print(
            f"\nsignature {name}; batch sizes: {sizes}{rule if sizes != 'none' else ''}"
        )
        rows = [
            (kind, tensor.name, tensor.dtype, format_shape(tensor.shape))
            for kind, tensors in (
                ("input", signature.inputs),
                ("output", signature.outputs),
            )
            for tensor in tensors
        ]
        print_table(("", "name", "dtype", "shape"), rows)
        if signature.head is not None:
            _show_head(signature.head)
        compiled = _compiled_sizes(model).get(name, ())
        needed = (model._workspace_bytes(name, size) for size in compiled)
        print(f"workspace: {', '.join(format_bytes(size) for size in needed)}")
    print("\nerrors against TensorFlow, when it was compiled:")
    print_fidelity(manifest)
    print(f"\nfiles (weights: {format_bytes(manifest.weights_bytes)}):")
    print_table(("file", "bytes"), [(n, f"{size:,}") for n, size in _files(model)])
