# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.instructions: how many instructions a prediction takes.

Counted by Valgrind's callgrind, for each CPU level that it knows: the same number every
time, on any machine, whatever else that does.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

import tfnative
from benchmarks import models
from tfnative._measure.bench import random_inputs
from tfnative.manifest import Manifest
from tfnative_aot.machines.targets import find_target
from tfnative_aot.verify.execute import link_runner

FOLDER = Path("build/benchmarks")
LEVELS = ("x86-64-v2", "x86-64-v3")
"""Valgrind has no AVX-512."""
MODELS = ("mlp", "mlp_large", "cnn", "lstm", "transformer", "mobilenet_v2")
_TOTAL = re.compile(r"Collected : (\d+)")


@dataclass(frozen=True)
class Found:
    """Instructions of one run of a row, all that it calls included."""

    model: str
    level: str
    instructions: int


def main(arguments: list[str] | None = None) -> int:
    """Counts what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions")
    parser.add_argument("--models", default=",".join(MODELS), metavar="A,B")
    parser.add_argument("--json", type=Path, default=FOLDER / "instructions.json")
    options = parser.parse_args(arguments)
    if shutil.which("valgrind") is None:
        parser.error("valgrind is not installed (Debian: apt-get install valgrind)")
    found = []
    for name in options.models.split(","):
        for level in LEVELS:
            print(f"{name}: {level}", file=sys.stderr, flush=True)
            found.append(Found(name, level, count(name, level)))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(f) for f in found], indent=2) + "\n")
    table = Table(title="Instructions of a row")
    for heading in ("model", *LEVELS):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for name in options.models.split(","):
        of = {f.level: f"{f.instructions:,}" for f in found if f.model == name}
        table.add_row(name, *(of[level] for level in LEVELS))
    Console().print(table)
    return 0


def count(model: str, level: str) -> int:
    """Instructions of a row, without loading and without the program around it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        saved_model = models.export(model, FOLDER)
        artifact = tfnative.compile(
            *(saved_model, folder / "model"),
            target="linux-x86_64",
            cpus=[level],
            static=True,
        )
        manifest = Manifest.from_json((artifact / "manifest.json").read_text())
        program = folder / "run"
        link_runner(artifact, manifest.name, find_target("linux-x86_64"), program)
        (signature,) = manifest.signatures.values()
        loaded = tfnative.load(artifact)
        inputs = random_inputs(loaded, loaded.signature(), 1)
        data = b"".join(inputs[t.name].tobytes() for t in signature.inputs)
        tag = level.rpartition("-")[2]
        done = subprocess.run(
            [
                *("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"),
                f"--toggle-collect={manifest.name}_tfn_run_s0_b1_{tag}",
                *(str(program), "0", "0"),
            ],
            input=data,
            capture_output=True,
            check=True,
        )
    total = _TOTAL.search(done.stderr.decode())
    assert total is not None, done.stderr
    return int(total[1])


if __name__ == "__main__":
    sys.exit(main())
