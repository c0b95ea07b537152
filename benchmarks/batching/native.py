# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The program of native/: the same loads from C++, and some that Python cannot make."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from benchmarks.batching.servers import Batching
from benchmarks.measure import ROOT
from benchmarks.process import WorkerProcess

TARGET = "bench_batching"


def build(target: str = TARGET) -> Path:
    """Builds a program with the preset ``bench``, and returns its path.

    Raises:
        RuntimeError: That failed; the message has the end of what was said.
    """
    for step in (("--preset", "bench"), ("--build", "--preset", "bench")):
        command = ["cmake", *step]
        if "--build" in step:
            command += ["--target", target]
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise RuntimeError(f"cannot run cmake: {error}") from error
        if done.returncode != 0:
            raise RuntimeError(
                f"{command} failed:\n{(done.stdout + done.stderr)[-2000:]}"
            )
    (program,) = (ROOT / "build/bench/benchmarks").glob(f"*/native/{target}")
    return program


def start(
    program: Path,
    contestant: str,
    batching: Batching,
    model: Path | None = None,
    answer: Path | None = None,
) -> WorkerProcess:
    """Starts it for a model and TensorFlow's answer; or for next to nothing."""
    options = (
        batching.max_batch_size,
        batching.batch_timeout_micros,
        batching.num_batch_threads,
    )
    command = [str(program), *map(str, options)]
    if model is not None and answer is not None:
        command += [str(model), *map(str, _write_raw(answer))]
    return WorkerProcess(contestant, command)


def _write_raw(answer: Path) -> tuple[Path, Path]:
    """Inputs and outputs as they lie in memory, beside the answer."""
    known = dict(np.load(answer))
    (name,) = (name for name in known if name.startswith("input:"))
    paths = answer.with_suffix(".inputs"), answer.with_suffix(".outputs")
    for path, values in zip(paths, (known[name], known["output"]), strict=True):
        path.write_bytes(np.ascontiguousarray(values, np.float32).tobytes())
    return paths
