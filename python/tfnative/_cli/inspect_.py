# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative inspect`."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from tfnative._backends.load import is_saved_model, load
from tfnative._backends.native.model import NativeModel
from tfnative._cli import inspect_graph, inspect_memory, inspect_precision
from tfnative._cli.common import (
    UsageError,
    add_backend,
    add_command,
    add_json,
    load_options,
    print_json,
    print_tensors,
)
from tfnative._cli.inspect_compiled import CompiledView, view_of_another_machine
from tfnative._model import Model
from tfnative._signature import TensorSpec
from tfnative.errors import UnimplementedError

if TYPE_CHECKING:
    from tfnative._backends.options import LoadOptions
    from tfnative._backends.tensorflow.model import Device
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative inspect build/digits
  tfnative inspect build/digits --program | less
  tfnative inspect build/digits --graph digits.svg --profile
  tfnative inspect build/digits --model-explorer digits.json --batch-size 32
  tfnative inspect build/digits --memory                 # what makes the peak
  tfnative inspect build/digits --memory digits.html --batch-size 32
  tfnative inspect build/digits --precision              # of each layer
  tfnative inspect build/digits-pi                       # of another machine
  tfnative inspect saved_models/digits                   # as TensorFlow runs it
  tfnative inspect saved_models/digits --graph graph.html
  tfnative inspect frozen.pb --graph graph.svg
  tfnative inspect saved_models/digits --backend auto    # whether it can be compiled
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands, "inspect", run, "show what is in a model, or draw it", _EXAMPLES
    )
    parser.add_argument(
        "model",
        help="folder of a compiled model or a SavedModel; or, to be drawn, a .pb or "
        ".pbtxt file with a GraphDef",
    )
    parser.add_argument(
        "--program",
        action="store_true",
        help="list the steps of every program, with the TensorFlow op of each",
    )
    inspect_graph.add_flags(parser)
    inspect_memory.add_flags(parser)
    inspect_precision.add_flags(parser)
    add_backend(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Shows signatures, variants, sizes and errors, or the programs; or draws one."""
    asked = load_options(options)
    draws = inspect_graph.is_asked(options)
    charts = inspect_memory.is_asked(options)
    lists = inspect_precision.is_asked(options)
    is_saved = is_saved_model(options.model)
    if (charts or lists) and is_saved and asked.backend in (None, "tensorflow"):
        raise UsageError(
            f"--{'memory' if charts else 'precision'} is for compiled models, and "
            f"{options.model} is a SavedModel: compile it first"
        )
    if draws and is_saved and asked.backend in (None, "tensorflow"):
        inspect_graph.draw_saved_model(options, asked.tags or ("serve",))
        return 0
    if draws and inspect_graph.is_graph_def(options.model):
        inspect_graph.draw_graph_def(options)
        return 0
    if inspect_graph.is_graph_def(options.model):
        raise UsageError(
            f"{options.model} is a GraphDef, which can be drawn: pass --graph FILE or "
            "--model-explorer FILE"
        )
    elsewhere = None if is_saved else view_of_another_machine(options.model)
    if elsewhere is not None:
        _show_view(options, elsewhere, None)
        return 0
    with load(options.model, options=_chosen(asked, is_saved)) as model:
        if isinstance(model, NativeModel):
            _show_view(options, CompiledView.of(model), model)
        elif options.program or draws or charts or lists:
            raise UnimplementedError(
                f"model {model.name!r} runs with {model.backend}: only compiled code "
                "has a program to list, to draw or to chart, and weights of its own"
            )
        elif options.json:
            print_json(_content(model))
        else:
            _show_saved_model(model)
    return 0


def _chosen(asked: LoadOptions, is_saved: bool) -> LoadOptions:
    if asked.backend is None and is_saved:
        return dataclasses.replace(asked, backend="tensorflow")
    return asked


def _show_view(
    options: argparse.Namespace, view: CompiledView, model: NativeModel | None
) -> None:
    if inspect_graph.is_asked(options):
        inspect_graph.draw_compiled(options, view, model)
    elif inspect_memory.is_asked(options):
        inspect_memory.show(options, view)
    elif options.precision:
        inspect_precision.show(view.manifest, as_json=options.json)
    elif options.program:
        print(view.program(), end="")
    elif options.json:
        print_json(view.content())
    else:
        view.show()


def _content(model: Model) -> dict[str, Any]:
    """What --json prints of a SavedModel."""
    from tfnative._backends.tensorflow.model import tensorflow_library

    path, version = tensorflow_library()
    return {
        "name": model.name,
        "backend": model.backend,
        "backend_reason": model.backend_reason,
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


def _show_saved_model(model: Model) -> None:
    from tfnative._backends.tensorflow.model import tensorflow_library

    print(f"{model.name}: run by TensorFlow {tensorflow_library()[1]}")
    print(f"devices: {', '.join(device.name for device in _devices(model))}")
    if model.backend_reason:
        print(f"not compiled: {model.backend_reason}")
    for name, signature in model.signatures.items():
        print(f"\nsignature {name}")
        print_tensors(
            [
                (kind, spec.name, _dtype_name(spec), spec.shape)
                for kind, specs in (
                    ("input", signature.inputs),
                    ("output", signature.outputs),
                )
                for spec in specs.values()
            ]
        )


def _devices(model: Model) -> list[Device]:
    devices: list[Device] = getattr(model, "devices", [])
    return devices


def _dtype_name(spec: TensorSpec) -> str:
    return "string" if spec.dtype.kind == "O" else spec.dtype.name


def _tensor(spec: TensorSpec) -> dict[str, object]:
    shape = None if spec.shape is None else list(spec.shape)
    return {"name": spec.name, "dtype": _dtype_name(spec), "shape": shape}
