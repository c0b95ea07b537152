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

from tfnative._base.options.flags import add_flags, given_flags
from tfnative._cli.common import (
    add_command,
    add_json,
    format_bytes,
    print_json,
    print_table,
)
from tfnative._cli.inspect_precision import print_outputs, print_stored
from tfnative._cli.precision_choice import print_choices
from tfnative._compile import door
from tfnative._compile.compile import compile as compile_model
from tfnative._compile.options import CompileOptions
from tfnative.manifest import ExamplesHead, Manifest, TensorFlowHead

if TYPE_CHECKING:
    from tfnative._cli.common import Commands

_EXAMPLES = """\
  tfnative compile saved_models/digits -o build/digits --batch-sizes 1,8,32
  tfnative compile saved_models/audio -o build/audio --shape waveform=?,16000,1
  tfnative compile saved_models/digits -o build/digits-pi --target linux-aarch64
  tfnative compile saved_models/net -o build/net --precision float16-weights
  tfnative compile saved_models/net -o build/net --precision auto \\
      --max-accuracy-drop 0.5% --calibration train.npz --labels labels.npy
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
    add_flags(parser, CompileOptions)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Compiles, and shows how exact the result is."""
    silence_tensorflow()
    if options.owns_process:
        door.import_lean()
    asked = CompileOptions(**given_flags(CompileOptions, options))
    with door.terminal_progress() as progress:
        artifact = compile_model(
            options.model, options.output, options=asked, progress=progress
        )
    manifest = Manifest.from_json((artifact / "manifest.json").read_text())
    size = sum(f.stat().st_size for f in artifact.rglob("*") if f.is_file())
    if options.json:
        content = {"artifact": str(artifact), "bytes": size}
        print_json({**content, "manifest": dataclasses.asdict(manifest)})
    else:
        print_fidelity(manifest)
        print_outputs(manifest)
        print_stored(manifest)
        print_choices(manifest)
        _print_parts(manifest)
        _print_rows(manifest)
        print(
            f"\n{artifact}: {format_bytes(size)}, of which weights "
            f"{format_bytes(manifest.weights_bytes)}"
        )
    sys.stdout.flush()
    return 0


def _print_rows(manifest: Manifest) -> None:
    """Says which signatures take their compiled batch sizes only, and why."""
    for name, signature in manifest.signatures.items():
        if signature.rows_independent or not signature.batch_sizes:
            continue
        print(f"{name}: takes its compiled batch sizes only: {signature.rows_reason}")
        if signature.rows == "tried":
            print(
                f"{name}: no trial shows that rows depend on each other; "
                "--rows-independent says that they do not"
            )


def _print_parts(manifest: Manifest) -> None:
    """Says what is not in the compiled code."""
    for name, signature in manifest.signatures.items():
        head = signature.head if isinstance(signature.head, TensorFlowHead) else None
        parts = [part for part in (head, signature.tail) if part is not None]
        if parts:
            ops = sorted({op for part in parts for op in part.ops})
            print(
                f"{name}: TensorFlow runs {', '.join(ops)}, which "
                "cannot be compiled, and has to be installed where the model is used; "
                "the rest is compiled"
            )
        if isinstance(signature.head, ExamplesHead):
            print(f"{name}: tf.Example messages are parsed without TensorFlow")


def silence_tensorflow() -> None:
    """Keeps TensorFlow's messages about GPUs and old functions off the screen.

    What goes wrong comes as an error. The variables are TensorFlow's own; who sets
    them sees what they ask for.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def _distance(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}"


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
            _distance(fidelity.distance),
            _distance(fidelity.tensorflow_distance),
        )
        for name, signature in manifest.signatures.items()
        for fidelity in signature.fidelity
    ]
    header = ("signature", "output", "batch", "CPU level")
    if rows:
        errors = ("abs. error", "rel. error", "allowed", "to float64", "TensorFlow's")
        print_table((*header, *errors), rows)
    for name, signature in manifest.signatures.items():
        reasons = {f.reason: f.output for f in signature.fidelity if f.reason}
        for reason, output in reasons.items():
            print(f"{name}: {output!r} was not compared with float64: {reason}")
        if signature.no_winograd:
            print(
                f"{name}: convolutions do not use Winograd's algorithm, with which "
                f"{signature.no_winograd}"
            )
        if signature.unverified_cpu_levels:
            levels = ", ".join(signature.unverified_cpu_levels)
            print(
                f"{name}: not compared on {levels}, which this machine cannot run; "
                "`tfnative selftest` does so where it runs"
            )
