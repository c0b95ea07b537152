# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative compile`."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import sys
from typing import TYPE_CHECKING

from tfnative._cli.common import (
    add_command,
    add_json,
    format_bytes,
    print_json,
    print_table,
    whole_numbers,
    words,
)
from tfnative._compile import door
from tfnative._compile.compile import compile as compile_model
from tfnative.manifest import ExamplesHead, Manifest, TensorFlowHead

if TYPE_CHECKING:
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative compile saved_models/digits -o build/digits --batch-sizes 1,8,32
  tfnative compile saved_models/audio -o build/audio --shape waveform=?,16000,1
  tfnative compile saved_models/digits -o build/digits-pi --target linux-aarch64
  tfnative compile frozen.pb -o build/net --inputs image=x:0 --outputs score=y:0
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands,
        "compile",
        run,
        "compile a TensorFlow model into a native library",
        _EXAMPLES,
    )
    parser.add_argument("model", help="folder of a SavedModel, or file with a GraphDef")
    parser.add_argument("-o", "--output", required=True, help="folder of the artifact")
    parser.add_argument("--name", help="name of the artifact (default: its folder's)")
    parser.add_argument(
        "--signature",
        action="append",
        metavar="NAME",
        help="signature to compile; may be given several times (default: "
        "serving_default if the model has it, else all)",
    )
    parser.add_argument(
        "--batch-sizes",
        type=whole_numbers,
        default=[1],
        metavar="N,...",
        help="numbers of rows to compile for (default: 1); any number can be "
        "predicted, split and padded into these",
    )
    parser.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="NAME=?,N,...",
        help="sizes of an input that the model leaves open; ? is the batch (default: "
        "the model's own sizes)",
    )
    parser.add_argument(
        "--target",
        metavar="NAME",
        help="what to compile for, as linux-aarch64, or a triple; `tfnative targets` "
        "lists them (default: this machine)",
    )
    parser.add_argument(
        "--cpu",
        type=words,
        action="extend",
        metavar="LEVEL,...",
        help="x86-64-v2, x86-64-v3, x86-64-v4, or native for this machine's best; or a "
        "CPU and its features, as cortex-a76+dotprod (default: all of the target)",
    )
    _add_rest(parser)


def _add_rest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tags",
        type=words,
        default=["serve"],
        metavar="TAG,...",
        help="which graph of the SavedModel (default: serve)",
    )
    parser.add_argument(
        "--inputs",
        type=words,
        metavar="NAME=TENSOR,...",
        help="inputs of a GraphDef, as image=x:0 (default: a SavedModel's signature "
        "names them)",
    )
    parser.add_argument(
        "--outputs",
        type=words,
        metavar="NAME=TENSOR,...",
        help="outputs of a GraphDef, as score=y:0 (default: as for --inputs)",
    )
    parser.add_argument(
        "--golden",
        metavar="FILE.npz",
        help="inputs of yours to compare on, too (default: generated ones only)",
    )
    parser.add_argument(
        "--rtol",
        type=float,
        help="largest error against TensorFlow, as a fraction of the output's largest "
        "value (default: 1e-5 for float32, 1e-10 for float64, 1e-2 for float16, 5e-2 "
        "for bfloat16)",
    )
    parser.add_argument(
        "--static",
        action="store_true",
        default=None,
        help="make libNAME.a as well, with a second copy of the weights (default: for "
        "other machines than this one)",
    )
    parser.add_argument(
        "--weights",
        choices=("inside", "separate"),
        default="inside",
        help="where the weights are; separate: in NAME.weights, which a program maps "
        "or loads (default: inside the library)",
    )
    parser.add_argument(
        "--minimal",
        action="store_true",
        help="leave out the manifest in the library, names and golden vectors",
    )
    parser.add_argument(
        "--sources",
        action="store_true",
        help="write sources/ as well, to build the libraries elsewhere with CMake",
    )
    parser.add_argument(
        "--no-winograd",
        dest="winograd",
        action="store_false",
        help="keep the weights of 3x3 convolutions at their size, which may then take "
        "twice as long",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Compiles, and shows how exact the result is."""
    _silence_tensorflow()
    if options.owns_process:
        door.import_lean()
    shapes = door.parse_shapes(options.shape)
    with door.terminal_progress() as progress:
        artifact = compile_model(
            options.model,
            options.output,
            name=options.name,
            signatures=options.signature,
            batch_sizes=options.batch_sizes,
            shapes=shapes or None,
            target=options.target,
            cpus=options.cpu,
            tags=options.tags,
            golden=options.golden,
            rtol=options.rtol,
            static=options.static,
            winograd=options.winograd,
            weights=options.weights,
            minimal=options.minimal,
            sources=options.sources,
            inputs=_tensors(options.inputs),
            outputs=_tensors(options.outputs),
            progress=progress,
        )
    manifest = Manifest.from_json((artifact / "manifest.json").read_text())
    size = sum(f.stat().st_size for f in artifact.rglob("*") if f.is_file())
    if options.json:
        content = {"artifact": str(artifact), "bytes": size}
        print_json({**content, "manifest": dataclasses.asdict(manifest)})
    else:
        print_fidelity(manifest)
        _print_heads(manifest)
        print(
            f"\n{artifact}: {format_bytes(size)}, of which weights "
            f"{format_bytes(manifest.weights_bytes)}"
        )
    sys.stdout.flush()
    return 0


def _print_heads(manifest: Manifest) -> None:
    """Says what is not in the compiled code."""
    for name, signature in manifest.signatures.items():
        if isinstance(signature.head, TensorFlowHead):
            print(
                f"{name}: TensorFlow runs {', '.join(signature.head.ops)}, which "
                "cannot be compiled, and has to be installed where the model is used; "
                "the rest is compiled"
            )
        elif isinstance(signature.head, ExamplesHead):
            print(f"{name}: tf.Example messages are parsed without TensorFlow")


def _silence_tensorflow() -> None:
    """Keeps TensorFlow's messages about GPUs and old functions off the screen.

    What goes wrong comes as an error. The variables are TensorFlow's own; who sets
    them sees what they ask for.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def print_fidelity(manifest: Manifest) -> None:
    """Prints how far every variant is from TensorFlow."""
    rows = [
        (
            name,
            fidelity.output,
            fidelity.batch_size,
            fidelity.cpu_level,
            f"{fidelity.max_abs_error:.1e}",
            f"{fidelity.max_rel_error:.1e}",
            f"{fidelity.tolerance:.1e}",
        )
        for name, signature in manifest.signatures.items()
        for fidelity in signature.fidelity
    ]
    header = ("signature", "output", "batch", "CPU level")
    if rows:
        print_table((*header, "abs. error", "rel. error", "allowed"), rows)
    for name, signature in manifest.signatures.items():
        if signature.unverified_cpu_levels:
            levels = ", ".join(signature.unverified_cpu_levels)
            print(
                f"{name}: not compared on {levels}, which this machine cannot run; "
                "`tfnative selftest` does so where it runs"
            )


def _tensors(arguments: list[str] | None) -> dict[str, str] | list[str] | None:
    """Names and tensors, or tensors alone."""
    if arguments is None or not all("=" in argument for argument in arguments):
        return arguments
    pairs = (argument.split("=", 1) for argument in arguments)
    return dict(pairs)
