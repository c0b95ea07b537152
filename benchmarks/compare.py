# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Times models in tfnative and its peers, in rounds that take turns.

Every contestant has a process of its own for each model and batch size. They run one
after the other, round by round, so that the drift of a shared machine hits all alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks import contestants, models
from benchmarks.measure import run_python
from benchmarks.worker import RESULT

ROUNDS = 7
SECONDS = 0.3
PEERS = ("tensorflow", "xla", "ort", "litert", "openvino")


@dataclass(frozen=True)
class Latency:
    """What one contestant takes for one model and batch size.

    Attributes:
        model: Name of the model.
        batch_size: Rows per call.
        contestant: Name of the contestant.
        median_micros: Median of all calls.
        p99_micros: 99% of the calls take less.
        problem: Why there are no numbers, or "".
    """

    model: str
    batch_size: int
    contestant: str
    median_micros: float
    p99_micros: float
    problem: str = ""


def compare(
    names: Sequence[str],
    peers: Sequence[str],
    batch_sizes: Sequence[int],
    threads: int,
    folder: Path,
    say: Callable[[str], None],
) -> Iterator[list[Latency]]:
    """Measures one model and batch size after the other.

    Args:
        names: Of benchmarks.models.MODELS.
        peers: Of PEERS; tfnative always takes part.
        batch_sizes: Rows per call.
        threads: How many may work on one call.
        folder: Keeps exported and converted models for the next time.
        say: Shows what is being done.
    """
    for name in names:
        saved_model = folder / name
        if not saved_model.is_dir():
            say(f"{name}: export")
            models.export(name, folder)
        ready = {
            contestant: _prepared(contestant, saved_model, folder, batch_sizes, say)
            for contestant in ("tfnative", *peers)
        }
        for batch_size in batch_sizes:
            say(f"{name}, batch size {batch_size}: measure")
            answer = folder / f"{name}_{batch_size}.npz"
            if not answer.is_file():
                run_python("-m", "benchmarks.compare", "answer", saved_model, answer)
            yield _measure(name, batch_size, ready, answer, threads)


def _prepared(
    contestant: str,
    saved_model: Path,
    folder: Path,
    batch_sizes: Sequence[int],
    say: Callable[[str], None],
) -> tuple[Path | None, str]:
    """The converted model, or why there is none."""
    sizes = ",".join(map(str, batch_sizes))
    # tfnative is compiled anew: it is what changes between two runs.
    note = folder / f"{saved_model.name}_{contestant}.path"
    if note.is_file() and contestant != "tfnative":
        return Path(note.read_text()), ""
    say(f"{saved_model.name}: convert for {contestant}")
    command = ("-m", "benchmarks.compare", "prepare", contestant, saved_model, sizes)
    try:
        path = run_python(*command).splitlines()[-1]
    except RuntimeError as error:
        return None, str(error).strip().splitlines()[-1]
    note.write_text(path)
    return Path(path), ""


def _measure(
    name: str,
    batch_size: int,
    ready: dict[str, tuple[Path | None, str]],
    answer: Path,
    threads: int,
) -> list[Latency]:
    workers = {
        contestant: _Worker(contestant, model, answer, threads)
        for contestant, (model, _) in ready.items()
        if model is not None
    }
    calls: dict[str, list[float]] = {contestant: [] for contestant in workers}
    for _ in range(ROUNDS):
        for contestant, worker in workers.items():
            if not worker.problem:
                calls[contestant] += worker.round(SECONDS)
    found = []
    for contestant, (model, unprepared) in ready.items():
        problem = workers[contestant].close() if model is not None else unprepared
        micros = calls.get(contestant) or [float("nan")]
        median, p99 = np.percentile(micros, [50, 99])
        found.append(Latency(name, batch_size, contestant, median, p99, problem))
    return found


class _Worker:
    """A process of benchmarks.worker."""

    def __init__(
        self, contestant: str, model: Path, answer: Path, threads: int
    ) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", contestant]
        environment = {
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "OMP_NUM_THREADS": str(threads),
        }
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - ends with us
        self._process = subprocess.Popen(
            [*command, str(model), str(answer), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
        )
        self.problem = ""
        self._read()

    def round(self, seconds: float) -> list[float]:
        """Microseconds of the calls of one round."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> str:
        """Ends the process; returns what went wrong, or ""."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._errors.close()
        return self.problem

    def _read(self) -> list[float]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(RESULT):
                found: list[float] = json.loads(line.removeprefix(RESULT))
                return found
        self._process.wait()
        self._errors.seek(0)
        self.problem = (self._errors.read().strip().splitlines() or ["it ended"])[-1]
        return []


def write_answer(saved_model: Path, answer: Path) -> None:
    """Records an input of as many rows as the file's name says, and the output."""
    import tensorflow as tf

    rows = int(answer.stem.rpartition("_")[2])
    loaded = tf.saved_model.load(str(saved_model))
    serve = loaded.signatures["serving_default"]
    rng = np.random.default_rng(5)
    inputs = {
        name: rng.standard_normal((rows, *spec.shape[1:])).astype(np.float32)
        for name, spec in serve.structured_input_signature[1].items()
    }
    (output,) = serve(**{k: tf.constant(v) for k, v in inputs.items()}).values()
    named = {f"input:{name}": value for name, value in inputs.items()}
    np.savez(answer, output=output.numpy(), **named)


def as_json(latencies: Sequence[Latency]) -> list[dict[str, object]]:
    """For a file; what was not measured is null."""
    return [
        {k: None if v != v else v for k, v in asdict(latency).items()}
        for latency in latencies
    ]


def _child(action: str, *arguments: str) -> None:
    if action == "answer":
        write_answer(Path(arguments[0]), Path(arguments[1]))
        return
    contestant, saved_model, sizes = arguments
    path = Path(saved_model)
    batch_sizes = [int(size) for size in sizes.split(",")]
    print(contestants.find(contestant).prepare(path, path.parent, batch_sizes))


if __name__ == "__main__":
    _child(*sys.argv[1:])
