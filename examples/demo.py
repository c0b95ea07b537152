# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Trains a model, compiles it, and runs it without TensorFlow: `make demo`.

Writes ``saved_models/digits``, ``build/digits`` (the compiled model) and
``build/demo`` (a picture of what was measured, and the C++ and C programs).
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from demo_parts import native, report
from demo_parts.contestant import BATCH_SIZES, Result, measure_in_child

ROOT = Path(__file__).resolve().parents[1]
SAVED_MODEL = Path("saved_models/digits")
HELD_OUT = Path("saved_models/digits_heldout.npz")
ARTIFACT = Path("build/digits")
OUTPUT = Path("build/demo")


def main() -> int:
    """Runs the demonstration; fails if tfnative and TensorFlow disagree."""
    _say("1. Train a classifier of digits with TensorFlow")
    run(
        *(sys.executable, "-m", "training", "fit", "--model", "cnn"),
        *("--data", "digits", "--output", str(SAVED_MODEL), "--overwrite"),
    )

    _say("2. Compile it, for batches of 1, 8 and 32")
    sizes = ",".join(map(str, (1, 8, 32)))
    tfnative = str(Path(sys.executable).with_name("tfnative"))
    run(
        *(tfnative, "compile", str(SAVED_MODEL), "-o", str(ARTIFACT)),
        *("--batch-sizes", sizes),
    )

    _say("3. Predict the held-out digits, each way in a process of its own")
    results = [
        measure_in_child("tensorflow", ROOT / SAVED_MODEL, ROOT / HELD_OUT),
        measure_in_child("tfnative", ROOT / ARTIFACT, ROOT / HELD_OUT),
    ]
    _check(*results)
    (ROOT / OUTPUT).mkdir(parents=True, exist_ok=True)
    print(report.as_text(results, BATCH_SIZES))
    picture = report.draw(results, BATCH_SIZES, ROOT / OUTPUT / "demo.png")
    print(f"\nas a picture: {picture.relative_to(ROOT)}")

    _say("4. The same from C++ and C")
    images, labels = native.write_digits(ROOT / HELD_OUT, ROOT / OUTPUT)
    for language in ("cpp", "c"):
        source = ROOT / "examples" / language
        program = native.build(source, ROOT / ARTIFACT, ROOT / OUTPUT / language)
        size = (ROOT / ARTIFACT / "libdigits.so").stat().st_size
        print(f"{language:>3}: {native.run(program, images, labels).strip()}", end="")
        print(f"; to ship: {program.stat().st_size + size:,} bytes, program and model")
    return 0


def run(*command: str) -> None:
    """Shows a command and runs it in the root of the project."""
    print(f"$ {shlex.join([Path(command[0]).name, *command[1:]])}", flush=True)
    subprocess.run(command, cwd=ROOT, check=True)


def _check(tensorflow: Result, tfnative: Result) -> None:
    if tensorflow.classes != tfnative.classes:
        differ = sum(
            a != b for a, b in zip(tensorflow.classes, tfnative.classes, strict=True)
        )
        raise SystemExit(f"tfnative and TensorFlow disagree on {differ} digits")


def _say(what: str) -> None:
    print(f"\n=== {what}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
