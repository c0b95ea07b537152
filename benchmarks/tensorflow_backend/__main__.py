# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.tensorflow_backend: what calling TensorFlow through us costs.

In C++, beside TF_SessionRun itself; in Python, beside the signature that
tf.saved_model.load gives. Prints a table, and writes the same as JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.batching.native import build
from benchmarks.batching.plan import make_workload
from benchmarks.measure import child_environment, machine
from benchmarks.process import WorkerProcess

FOLDER = Path("build/benchmarks")
PROGRAM = "bench_tensorflow"
TARGET_MICROS = 5.0
"""That a call may take longer than TF_SessionRun."""
ROWS = (1, 32)
CALLS = 2000
CPP_MODEL = "mlp"
"""Others compute for so long that microseconds drown in their noise."""


@dataclass(frozen=True)
class Found:
    """A model, called two ways in turn.

    Attributes:
        model: Its name.
        rows: Of a call.
        language: "C++" or "Python".
        theirs: Microseconds of a call without us; the median.
        ours: With us.
        added: The median of the differences within rounds.
        ratio: Theirs to ours: above 1, ours is faster.
    """

    model: str
    rows: int
    language: str
    theirs: float
    ours: float
    added: float
    ratio: float

    @classmethod
    def of(
        cls, model: str, rows: int, language: str, pairs: list[tuple[float, float]]
    ) -> Found:
        """From rounds of theirs and ours."""
        theirs, ours = zip(*pairs, strict=True)
        return cls(
            model,
            rows,
            language,
            statistics.median(theirs),
            statistics.median(ours),
            statistics.median(b - a for a, b in pairs),
            statistics.median(a / b for a, b in pairs),
        )

    @property
    def met(self) -> bool:
        """Whether it is as fast as it should be."""
        if self.language == "C++":
            return self.added <= TARGET_MICROS
        return self.ratio >= 1


def main(arguments: list[str] | None = None) -> int:
    """Measures what the command line asks for. Slow is not an error."""
    options = _options(arguments)
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    known = machine()
    print(", ".join(f"{key} {value}" for key, value in known.items()))
    found = []
    for model in options.models:
        workload = make_workload(model, ("tensorflow",), folder, _say)
        saved_model = workload.runtimes["tensorflow"].model
        assert saved_model is not None
        _say(f"{model}: measure")
        if model == CPP_MODEL:
            found.append(_in_cpp(model, saved_model, options.rounds))
        found += [_in_python(model, saved_model, rows, options) for rows in ROWS]
    content = {
        "machine": known,
        "results": [{**asdict(each), "met": each.met} for each in found],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(content, indent=2) + "\n")
    Console().print(_table(found))
    return 0


def _in_cpp(model: str, saved_model: Path, rounds: int) -> Found:
    from tfnative._backends.tensorflow.library import package_library

    command = [str(build(PROGRAM)), str(saved_model), package_library()]
    done = subprocess.run(
        [*command, str(rounds), str(CALLS)],
        capture_output=True,
        text=True,
        check=True,
        env=child_environment(),
    )
    return Found.of(model, 1, "C++", json.loads(done.stdout.splitlines()[-1]))


def _in_python(
    model: str, saved_model: Path, rows: int, options: argparse.Namespace
) -> Found:
    def start(way: str) -> WorkerProcess:
        command = [sys.executable, "-m", "benchmarks.tensorflow_backend.worker", way]
        return WorkerProcess(way, [*command, str(saved_model), str(rows)])

    theirs, ours = start("signature"), start("tfnative")
    try:
        pairs = []
        for _ in range(options.rounds):
            turn = [
                statistics.median(p.ask(str(options.seconds))) for p in (theirs, ours)
            ]
            pairs.append((turn[0], turn[1]))
    finally:
        theirs.close()
        ours.close()
    return Found.of(model, rows, "Python", pairs)


def _table(found: list[Found]) -> Table:
    table = Table(
        title="Calls of TensorFlow: TF_SessionRun, or the signature in Python"
    )
    for heading in ("model", "", "rows", "without us µs", "with us µs", "added µs"):
        table.add_column(heading, justify="right" if "µs" in heading else "left")
    table.add_column("times as fast", justify="right")
    table.add_column("")
    for each in found:
        target = f"at most {TARGET_MICROS:g} µs" if each.language == "C++" else "1"
        table.add_row(
            *(each.model, each.language, str(each.rows)),
            *(f"{each.theirs:,.1f}", f"{each.ours:,.1f}", f"{each.added:,.1f}"),
            *(f"{each.ratio:.2f}", f"{'met' if each.met else 'missed'} ({target})"),
        )
    return table


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tensorflow_backend",
        description=(__doc__ or "").splitlines()[0],
    )
    add = parser.add_argument
    models = ("mlp", "mobilenet_v2")
    note = f"of benchmarks.models (default: {','.join(models)})"
    add("--models", type=_words, default=models, metavar="A,B", help=note)
    add("--rounds", type=int, default=9, help="turns of each way (default: 9)")
    add("--seconds", type=float, default=0.5, help="a turn in Python (default: 0.5)")
    path = FOLDER / "tensorflow_backend.json"
    add("--json", type=Path, default=path, help="written at the end")
    add("--folder", type=Path, default=FOLDER, help=f"exported models ({FOLDER})")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


if __name__ == "__main__":
    raise SystemExit(main())
