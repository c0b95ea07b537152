# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The shim for Java, on this machine's Java."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.consumers.programs import ROOT, run

SOURCES = ROOT / "examples" / "android"

pytestmark = pytest.mark.skipif(
    shutil.which("javac") is None or shutil.which("java") is None,
    reason="needs a JDK",
)


def test_java_takes_images_for_what_python_does(
    build: Callable[..., Path],
    digits: Path,
    images: Path,
    classes: list[int],
    tmp_path: Path,
) -> None:
    library = build(SOURCES, digits)
    run("javac", "-d", tmp_path, *sorted(SOURCES.rglob("*.java")))
    command = ["java", f"-Djava.library.path={library}", "-cp", str(tmp_path)]
    with images.open("rb") as file:
        done = subprocess.run(
            [*command, "com.example.digits.Main"],
            stdin=file,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert [int(line) for line in done.stdout.split()] == classes
