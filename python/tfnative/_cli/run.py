# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative run`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tfnative._backends.load import load
from tfnative._cli.array_files import output_target, read_inputs, write_output
from tfnative._cli.common import (
    add_backend,
    add_command,
    add_json,
    load_options,
    print_json,
    print_table,
    require_folder,
)
from tfnative._model import Model
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._cli.array_files import Arrays
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative run build/digits --input image=images.npy --output probabilities=out.npy
  tfnative run build/digits --input images.npy            # it has one input
  tfnative run build/digits --input all.npz --output all_out.npz
  tfnative run saved_models/digits --backend auto --input images.npy
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands, "run", run, "predict on arrays in NumPy's files", _EXAMPLES
    )
    parser.add_argument(
        "model", help="folder of a compiled model, or of a SavedModel with --backend"
    )
    parser.add_argument(
        "--signature", metavar="NAME", help="(default: the default one)"
    )
    parser.add_argument(
        "--input",
        action="append",
        required=True,
        metavar="NAME=FILE.npy",
        help="an input; or FILE.npz with all of them; NAME may be left out if there "
        "is one",
    )
    parser.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="NAME=FILE.npy",
        help="where to write an output; or FILE.npz for all of them (default: "
        "nowhere; shapes are printed)",
    )
    add_backend(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Predicts, writes the outputs asked for, and shows their shapes."""
    with load(options.model, options=load_options(options)) as model:
        signature = _signature(model, options.signature)
        inputs = read_inputs(options.input, tuple(model.signatures[signature].inputs))
        known = tuple(model.signatures[signature].outputs)
        targets = [output_target(argument, known) for argument in options.output]
        for _, path in targets:
            require_folder(path)
        outputs: Arrays = model.predict(inputs, signature=signature)
    for name, path in targets:
        write_output(path, outputs if name is None else outputs[name])
    described = [
        {"output": name, "dtype": array.dtype.name, "shape": list(array.shape)}
        for name, array in outputs.items()
    ]
    if options.json:
        print_json(described)
    else:
        rows = [(d["output"], d["dtype"], tuple(d["shape"])) for d in described]
        print_table(("output", "dtype", "shape"), rows)
    return 0


def _signature(model: Model, name: str | None) -> str:
    if name is None:
        name = "serving_default"
        if len(model.signatures) == 1:
            name = next(iter(model.signatures))
    if name not in model.signatures:
        raise InvalidArgumentError(
            f"model {model.name!r} has no signature {name!r}; --signature takes one of "
            + ", ".join(model.signatures)
        )
    return name
