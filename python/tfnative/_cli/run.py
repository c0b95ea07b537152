# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative run`."""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from tfnative._cli.common import (
    add_command,
    add_json,
    print_json,
    print_table,
    write_file,
)
from tfnative._load import load
from tfnative._model import Model
from tfnative.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    import numpy.typing as npt

    from tfnative._cli.common import Commands

    Arrays = dict[str, npt.NDArray[Any]]

_EXAMPLES = """\
  tfnative run build/digits --input image=images.npy --output probabilities=out.npy
  tfnative run build/digits --input images.npy            # it has one input
  tfnative run build/digits --input all.npz --output all_out.npz
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands, "run", run, "predict on arrays in NumPy's files", _EXAMPLES
    )
    parser.add_argument("artifact", help="folder of the artifact")
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
        help="where to write an output; or FILE.npz for all of them",
    )
    parser.add_argument("--cpu", metavar="LEVEL", help="CPU level (default: the best)")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Predicts, writes the outputs asked for, and shows their shapes."""
    with load(options.artifact, cpu_level=options.cpu) as model:
        signature = _signature(model, options.signature)
        inputs = _read_all(options.input, tuple(model.signatures[signature].inputs))
        known = tuple(model.signatures[signature].outputs)
        targets = [_target(argument, known) for argument in options.output]
        outputs: Arrays = model.predict(inputs, signature=signature)
    for name, path in targets:
        _write(path, outputs if name is None else outputs[name])
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


def _read_all(arguments: list[str], names: tuple[str, ...]) -> Arrays:
    inputs: Arrays = {}
    for argument in arguments:
        name, equals, file = argument.partition("=")
        if not equals:
            name, file = "", argument
        content = _read(Path(file))
        if isinstance(content, Mapping):
            inputs.update(content)
        elif name or len(names) == 1:
            inputs[name or names[0]] = content
        else:
            raise InvalidArgumentError(
                f"--input {argument}: the model has the inputs {', '.join(names)}; "
                f"name one, as in --input {names[0] if names else 'NAME'}={file}"
            )
    return inputs


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.lib.npyio.NpzFile):
                with content:
                    return {name: content[name] for name in content.files}
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidArgumentError(f"{path} is not a NumPy file: {error}") from error
    return content


def _target(argument: str, names: tuple[str, ...]) -> tuple[str | None, Path]:
    """The output to write, or None for all of them, and where."""
    name, equals, file = argument.partition("=")
    path = Path(file if equals else argument)
    if path.suffix == ".npz" and not equals:
        return None, path
    if not equals and len(names) == 1:
        name = names[0]
    if name not in names:
        raise InvalidArgumentError(
            f"--output {argument}: expected NAME=FILE.npy, where NAME is one of "
            + ", ".join(names)
        )
    return name, path


def _write(path: Path, content: npt.NDArray[Any] | Arrays) -> None:
    def write(file: IO[bytes]) -> None:
        if isinstance(content, dict):
            np.savez(file, allow_pickle=False, **content)
        else:
            np.save(file, content, allow_pickle=False)

    write_file(path, write)
