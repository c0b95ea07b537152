# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.scoring: rows per second from Parquet files to Parquet files.

Each way to do it has a process of its own, which loads the model and then takes the
time of the job. Rounds take turns; the table has the medians, and what they are of
``predict`` alone with the same batches.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

import tfnative
from benchmarks import contestants, models
from benchmarks.measure import machine, run_python
from benchmarks.scoring.rows import write_rows
from benchmarks.scoring.ways import WAYS
from benchmarks.worker import RESULT

FOLDER = Path("build/benchmarks")
MODELS = ("mlp", "cnn", "wide_deep")
GOAL = 0.85
_NEEDS = {"onnxruntime": "onnxruntime", "ray": "ray", "spark": "pyspark"}
_CONTESTANTS = {"tensorflow": "tensorflow", "onnxruntime": "ort"}
_ROWS = {"mlp": 2_000_000, "cnn": 40_000, "wide_deep": 1_000_000}
_SIZES = [1, 256]


@dataclass(frozen=True)
class Rate:
    """Of a way with a model.

    Attributes:
        model: Its name.
        way: As ``WAYS`` has it.
        rows: Of the job.
        rows_per_second: The median of the rounds.
        to_predict: That of ``predict`` alone, of the same round; the median.
        peak_bytes: The most memory that its process had. On a cluster it is that of the
            one that started the job.
    """

    model: str
    way: str
    rows: int
    rows_per_second: float
    to_predict: float
    peak_bytes: int


def main(arguments: list[str] | None = None) -> int:
    """Measures what the command line asks for."""
    options = _options(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    found: list[Rate] = []
    for name in options.models:
        found += _measure(name, options)
        content = {"machine": machine(), "results": [asdict(each) for each in found]}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    console = Console()
    console.print(", ".join(f"{key} {value}" for key, value in machine().items()))
    console.print(table(found))
    return 0


def _measure(name: str, options: argparse.Namespace) -> list[Rate]:
    folder, ways = options.folder, ("predict", *options.ways)
    saved_model = folder / name
    if not saved_model.is_dir():
        models.export(name, folder)
    compiled = folder / f"{name}_scoring"
    tfnative.compile(saved_model, compiled, cpus=["native"], batch_sizes=_SIZES)
    rows = options.rows or _ROWS[name]
    with tfnative.load(compiled) as model:
        write_rows(model.signature(), folder / f"{name}_rows", rows, files=4)
    prepared = {
        way: contestants.find(each).prepare(saved_model, folder, _SIZES)
        for way, each in _CONTESTANTS.items()
        if way in ways
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    peaks = dict.fromkeys(ways, 0)
    for number in range(options.rounds):
        for way in ways if number % 2 == 0 else reversed(ways):
            print(f"{name}: {way}, round {number + 1}", file=sys.stderr, flush=True)
            lines = run_python(
                *("-m", "benchmarks.scoring.ways", way, prepared.get(way, compiled)),
                *(compiled, folder / f"{name}_rows", folder / f"{name}_scored"),
                str(options.threads),
            ).splitlines()
            (line,) = (line for line in lines if line.startswith(RESULT))
            once = json.loads(line.removeprefix(RESULT))
            seconds[way].append(once["seconds"])
            peaks[way] = max(peaks[way], once["peak_bytes"])
    return [
        Rate(
            model=name,
            way=way,
            rows=rows,
            rows_per_second=rows / statistics.median(seconds[way]),
            to_predict=statistics.median(
                alone / own
                for alone, own in zip(seconds["predict"], seconds[way], strict=True)
            ),
            peak_bytes=peaks[way],
        )
        for way in ways
    ]


def table(found: Sequence[Rate]) -> Table:
    """The same for a screen."""
    shown = Table(
        title=f"From Parquet to Parquet (goal of score: {GOAL:.0%} of predict)"
    )
    shown.add_column("model")
    shown.add_column("way")
    for column in ("rows", "rows/s", "of predict", "peak MB"):
        shown.add_column(column, justify="right")
    for each in found:
        shown.add_row(
            *(each.model, each.way, f"{each.rows:,}", f"{each.rows_per_second:,.0f}"),
            *(f"{each.to_predict:.0%}", f"{each.peak_bytes / 1e6:,.0f}"),
        )
    return shown


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scoring",
        description=(__doc__ or "").partition("\n\n")[2],
    )
    add = parser.add_argument
    installed = [
        way
        for way in WAYS
        if way != "predict"
        and (way not in _NEEDS or importlib.util.find_spec(_NEEDS[way]))
    ]
    processors = len(os.sched_getaffinity(0))
    add("--models", type=_words, default=MODELS, metavar="A,B")
    add(
        "--ways",
        type=_words,
        default=tuple(installed),
        metavar="A,B",
        help=f"of {', '.join(each for each in WAYS if each != 'predict')}; predict is "
        "always one (default: those that are installed)",
    )
    add("--rows", type=int, help="of each model (default: what takes some seconds)")
    add("--rounds", type=int, default=5, help="(default: 5)")
    add("--threads", type=int, default=processors, help="(default: all processors)")
    path = FOLDER / "scoring.json"
    add("--json", type=Path, default=path, help="written after each model")
    add("--folder", type=Path, default=FOLDER, help=f"models and rows ({FOLDER})")
    options = parser.parse_args(arguments)
    for name in options.models:
        if name not in MODELS:
            parser.error(f"there is no model {name}; there are {', '.join(MODELS)}")
    for way in options.ways:
        if way not in WAYS or way == "predict":
            parser.error(f"there is no way {way}; installed are {', '.join(installed)}")
        if way not in installed:
            extra = "bench" if way == "onnxruntime" else way
            parser.error(f"{way} needs {_NEEDS[way]}: pip install 'tfnative[{extra}]'")
    options.folder = options.folder.resolve()
    return options


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


if __name__ == "__main__":
    raise SystemExit(main())
