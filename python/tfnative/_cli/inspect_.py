# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative inspect`."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfnative._backends.load import is_saved_model, load
from tfnative._backends.native.model import NativeModel
from tfnative._cli.common import (
    add_backend,
    add_command,
    add_json,
    format_bytes,
    format_shape,
    load_options,
    print_json,
    print_table,
)
from tfnative._cli.compile_ import print_fidelity
from tfnative._model import Model
from tfnative._signature import TensorSpec
from tfnative.errors import NotFoundError, UnimplementedError
from tfnative.manifest import ExamplesHead, TensorFlowHead

if TYPE_CHECKING:
    from tfnative._backends.tensorflow.model import Device
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative inspect build/digits
  tfnative inspect build/digits --program | less
  tfnative inspect saved_models/digits                   # as TensorFlow runs it
  tfnative inspect saved_models/digits --backend auto    # whether it can be compiled
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(commands, "inspect", run, "show what is in a model", _EXAMPLES)
    parser.add_argument("model", help="folder of a compiled model or a SavedModel")
    parser.add_argument(
        "--program",
        action="store_true",
        help="list the steps of every program, with the TensorFlow op of each",
    )
    add_backend(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Shows signatures, variants, sizes and errors, or the programs."""
    asked = load_options(options)
    if asked.backend is None and is_saved_model(options.model):
        asked = dataclasses.replace(asked, backend="tensorflow")
    with load(options.model, options=asked) as model:
        if options.program:
            print(_program(model), end="")
        elif options.json:
            print_json(_content(model))
        else:
            _show(model)
    return 0


def _content(model: Model) -> dict[str, Any]:
    """What --json prints."""
    chosen = {"backend": model.backend, "backend_reason": model.backend_reason}
    if isinstance(model, NativeModel):
        return {
            **dataclasses.asdict(model.manifest),
            **chosen,
            "files": dict(_files(model)),
            "cpu_level_here": model.cpu_level,
            "workspace_bytes": {
                name: {size: model._workspace_bytes(name, size) for size in of}
                for name, of in _compiled_sizes(model).items()
            },
        }
    from tfnative._backends.tensorflow.model import tensorflow_library

    path, version = tensorflow_library()
    return {
        "name": model.name,
        **chosen,
        "tensorflow": {"library": path, "version": version},
        "devices": [device._asdict() for device in _devices(model)],
        "signatures": {
            name: {
                kind: [_tensor(spec) for spec in specs.values()]
                for kind, specs in (
                    ("inputs", signature.inputs),
                    ("outputs", signature.outputs),
                )
            }
            for name, signature in model.signatures.items()
        },
    }


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


def _program(model: Model) -> str:
    if not isinstance(model, NativeModel):
        raise UnimplementedError(
            f"model {model.name!r} runs with {model.backend}: only compiled code has a "
            "program to list"
        )
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


def _show(model: Model) -> None:
    if isinstance(model, NativeModel):
        _show_compiled(model)
    else:
        _show_saved_model(model)


def _show_saved_model(model: Model) -> None:
    from tfnative._backends.tensorflow.model import tensorflow_library

    print(f"{model.name}: run by TensorFlow {tensorflow_library()[1]}")
    print(f"devices: {', '.join(device.name for device in _devices(model))}")
    if model.backend_reason:
        print(f"not compiled: {model.backend_reason}")
    for name, signature in model.signatures.items():
        print(f"\nsignature {name}")
        _print_tensors(
            [
                (kind, spec.name, _dtype_name(spec), spec.shape)
                for kind, specs in (
                    ("input", signature.inputs),
                    ("output", signature.outputs),
                )
                for spec in specs.values()
            ]
        )


def _print_tensors(rows: list[tuple[str, str, str, tuple[int, ...] | None]]) -> None:
    print_table(
        ("", "name", "dtype", "shape"),
        [
            (kind, name, dtype, "any" if shape is None else format_shape(shape))
            for kind, name, dtype, shape in rows
        ],
    )


def _devices(model: Model) -> list[Device]:
    devices: list[Device] = getattr(model, "devices", [])
    return devices


def _dtype_name(spec: TensorSpec) -> str:
    return "string" if spec.dtype.kind == "O" else spec.dtype.name


def _tensor(spec: TensorSpec) -> dict[str, object]:
    shape = None if spec.shape is None else list(spec.shape)
    return {"name": spec.name, "dtype": _dtype_name(spec), "shape": shape}


def _show_compiled(model: NativeModel) -> None:
    manifest = model.manifest
    if model.backend_reason:
        print(f"{model.backend}: {model.backend_reason}")
    print(f"{manifest.name}: {manifest.triple}")
    levels = ", ".join(manifest.cpu_levels)
    print(f"CPU levels: {levels} (here: {model.cpu_level})")
    print(
        f"compiled by tfnative {manifest.tfnative_version}, TensorFlow "
        f"{manifest.tensorflow_version}, from {manifest.source_digest[:19]}"
    )
    if manifest.options:
        asked = (f"{n}={json.dumps(value)}" for n, value in manifest.options.items())
        print(f"options of compile: {', '.join(asked)}")
    for name, signature in manifest.signatures.items():
        sizes = ", ".join(map(str, signature.batch_sizes)) or "none"
        rule = "" if signature.rows_independent else " (only these: rows are dependent)"
        why = signature.rows + (
            f": {signature.rows_reason}" if signature.rows_reason else ""
        )
        print(
            f"\nsignature {name}; batch sizes: {sizes}{rule if sizes != 'none' else ''}"
        )
        if sizes != "none" and signature.rows:
            why = f": {signature.rows_reason}" if signature.rows_reason else ""
            print(f"rows: {signature.rows}{why}")
        _print_tensors(
            [
                (kind, tensor.name, tensor.dtype, tensor.shape)
                for kind, tensors in (
                    ("input", signature.inputs),
                    ("output", signature.outputs),
                )
                for tensor in tensors
            ]
        )
        if signature.head is not None:
            _show_head(signature.head)
        compiled = _compiled_sizes(model).get(name, ())
        needed = (model._workspace_bytes(name, size) for size in compiled)
        print(f"workspace: {', '.join(format_bytes(size) for size in needed)}")
    print("\nerrors against TensorFlow, when it was compiled:")
    print_fidelity(manifest)
    print(f"\nfiles (weights: {format_bytes(manifest.weights_bytes)}):")
    print_table(("file", "bytes"), [(n, f"{size:,}") for n, size in _files(model)])
