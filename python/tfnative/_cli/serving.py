# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative serving`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tfnative._base.units import format_shape
from tfnative._cli.array_files import output_target, read_inputs, write_output
from tfnative._cli.common import (
    UsageError,
    add_command,
    add_json,
    print_json,
    print_table,
    require_folder,
)
from tfnative._cli.numbers import seconds, whole

if TYPE_CHECKING:
    from tfnative._cli.common import Commands
    from tfnative._signature import TensorSpec
    from tfnative.serving import Client

_EXAMPLES = """\
  tfnative serving wait localhost:8500 digits --timeout 60
  tfnative serving status http://localhost:8501 digits
  tfnative serving metadata localhost:8500 digits --label stable
  tfnative serving predict localhost:8500 digits --input image=images.npy
  tfnative serving predict localhost:8500 digits --input images.npz --output out.npz

ADDRESS is host:port of the gRPC API, or http://host:port of the REST API.
"""


def register(commands: Commands) -> None:
    """Adds the subcommand, and its own."""
    parser = add_command(
        commands, "serving", _run, "ask a TensorFlow Serving", _EXAMPLES
    )
    actions: Commands = parser.add_subparsers(
        dest="action", metavar="ACTION", required=True
    )
    _add(actions, "status", _status, "show where the versions of a model stand")
    _add(actions, "metadata", _metadata, "show the signatures of a model")
    predict = _add(actions, "predict", _predict, "predict on arrays in NumPy's files")
    predict.add_argument(
        "--signature",
        metavar="NAME",
        help="signature to run (default: serving_default)",
    )
    predict.add_argument(
        "--input",
        action="append",
        required=True,
        metavar="NAME=FILE.npy",
        help="an input; or FILE.npz with all of them; NAME may be left out if there "
        "is one",
    )
    predict.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="NAME=FILE.npy",
        help="where to write an output; or FILE.npz for all of them (default: "
        "nowhere; shapes are printed)",
    )
    _add(actions, "wait", _wait, "wait until a version of a model takes requests")


def _add(
    actions: Commands,
    name: str,
    action: Callable[[Client, argparse.Namespace], Any],
    description: str,
) -> argparse.ArgumentParser:
    examples = "".join(
        line + "\n" for line in _EXAMPLES.splitlines() if f" serving {name} " in line
    )
    parser = add_command(actions, name, _run, description, examples)
    parser.set_defaults(action_function=action)
    parser.add_argument("address", metavar="ADDRESS", help="host:port, or http://...")
    parser.add_argument("model", metavar="MODEL", help="its name on the server")
    version = parser.add_mutually_exclusive_group()
    version.add_argument(
        "--version",
        type=whole(0, 2**63 - 1),
        metavar="N",
        help="a version's number (default: the newest)",
    )
    version.add_argument(
        "--label", metavar="NAME", help="a version's label (default: none)"
    )
    parser.add_argument(
        "--timeout",
        type=seconds(),
        default=60.0,
        metavar="SECONDS",
        help="give up after so many seconds (default: 60)",
    )
    parser.add_argument(
        "--ca",
        metavar="FILE",
        help="speak TLS, and trust the authorities in this PEM file (default: in "
        "clear)",
    )
    parser.add_argument(
        "--certificate",
        metavar="FILE",
        help="with --ca: the client's certificate, PEM, for servers that ask for one "
        "(default: none)",
    )
    parser.add_argument(
        "--key",
        metavar="FILE",
        help="private key of --certificate, PEM (default: none)",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="send the token in the first line of this file, for servers that ask for "
        "one (default: none)",
    )
    add_json(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    from tfnative import serving

    tls = None
    if options.ca is not None:
        tls = serving.Tls(options.ca, options.certificate, options.key)
    elif options.certificate is not None or options.key is not None:
        raise UsageError("--certificate and --key need --ca")
    with serving.Client(
        options.address,
        tls=tls,
        token_file=options.token_file,
        timeout=options.timeout,
    ) as client:
        options.action_function(client, options)
    return 0


def _which(options: argparse.Namespace) -> dict[str, Any]:
    return {"version": options.version, "label": options.label}


def _status(client: Client, options: argparse.Namespace) -> None:
    found = client.status(options.model, **_which(options))
    if options.json:
        print_json(
            [
                {
                    "version": each.version,
                    "state": str(each.state),
                    "error": None if each.error is None else str(each.error),
                }
                for each in found
            ]
        )
        return
    rows = [(each.version, each.state, each.error or "") for each in found]
    print_table(("version", "state", "error"), rows)


def _metadata(client: Client, options: argparse.Namespace) -> None:
    found = client.metadata(options.model, **_which(options))
    if options.json:
        signatures = {
            name: {
                "inputs": [_as_json(spec) for spec in signature.inputs.values()],
                "outputs": [_as_json(spec) for spec in signature.outputs.values()],
            }
            for name, signature in found.signatures.items()
        }
        print_json({"version": found.version, "signatures": signatures})
        return
    print(f"{options.model}, version {found.version}")
    rows = [
        (name, kind, spec.name, _dtype(spec), _shape(spec))
        for name, signature in found.signatures.items()
        for kind, specs in (("in", signature.inputs), ("out", signature.outputs))
        for spec in specs.values()
    ]
    print_table(("signature", "", "tensor", "dtype", "shape"), rows)


def _predict(client: Client, options: argparse.Namespace) -> None:
    model = client.model(options.model, **_which(options))
    signature = model.signature(options.signature)
    inputs = read_inputs(options.input, tuple(signature.inputs))
    known = tuple(signature.outputs)
    targets = [output_target(argument, known) for argument in options.output]
    for _, path in targets:
        require_folder(path)
    outputs = model.predict(inputs, signature=signature.name)
    for name, path in targets:
        write_output(path, outputs if name is None else outputs[name])
    described = [
        {"output": name, "dtype": array.dtype.name, "shape": list(array.shape)}
        for name, array in outputs.items()
    ]
    if options.json:
        print_json(described)
        return
    rows = [(d["output"], d["dtype"], tuple(d["shape"])) for d in described]
    print_table(("output", "dtype", "shape"), rows)


def _wait(client: Client, options: argparse.Namespace) -> None:
    version = client.wait_until_ready(options.model, **_which(options))
    if options.json:
        print_json({"version": version})
    else:
        print(f"{options.model}, version {version}, is ready")


def _dtype(spec: TensorSpec) -> str:
    return "string" if spec.dtype.kind == "O" else spec.dtype.name


def _shape(spec: TensorSpec) -> str:
    return "any" if spec.shape is None else format_shape(spec.shape)


def _as_json(spec: TensorSpec) -> dict[str, Any]:
    shape = None if spec.shape is None else list(spec.shape)
    return {"name": spec.name, "dtype": _dtype(spec), "shape": shape}
