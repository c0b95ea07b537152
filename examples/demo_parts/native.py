# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the C++ and C examples against a compiled model, and runs them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np


def write_digits(held_out: Path, folder: Path) -> tuple[Path, Path]:
    """Writes images as raw float32 and labels as bytes, for programs to read."""
    digits = np.load(held_out)
    images, labels = folder / "images.f32", folder / "labels.u8"
    digits["images"].astype("<f4").tofile(images)
    digits["labels"].astype(np.uint8).tofile(labels)
    return images, labels


def build(source: Path, artifact: Path, folder: Path) -> Path:
    """Builds the CMake project ``source`` in ``folder``; returns the program."""
    configure = ["cmake", "-S", source, "-B", folder, "-DCMAKE_BUILD_TYPE=Release"]
    _run([*configure, f"-DCMAKE_PREFIX_PATH={artifact}"])
    _run(["cmake", "--build", folder])
    return folder / "classify"


def run(program: Path, images: Path, labels: Path) -> str:
    """What the program says of its accuracy."""
    return _run([program, images, labels])


def _run(command: list[str | Path]) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
