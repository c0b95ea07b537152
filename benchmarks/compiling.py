# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.compiling: how long `tfnative compile` takes, stage by stage.

The digits for three batch sizes and three CPU levels, with an empty cache of kernels
(cold) and a filled one (warm). Each run is a process of its own; of all rounds the
shortest times are shown, since others on the machine only add to them. Prints a table,
and writes the same as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measure import machine, run_python

FOLDER = Path("build/benchmarks")
START = "start"
"""The stage before the first that the command names: Python, and its modules."""
END = "end"
"""The stage after the last: from "done" until the process is gone."""


@dataclass(frozen=True)
class Compilation:
    """One run of the command, or the best of several.

    Attributes:
        python: The interpreter, and so which tfnative.
        cache: "cold" or "warm".
        stages: Seconds of each stage, in order.
        seconds: Of all.
        cpu_seconds: Processor time of all, with the processes that it starts.
    """

    python: str
    cache: str
    stages: dict[str, float]
    seconds: float
    cpu_seconds: float

    @classmethod
    def best(cls, runs: Sequence[Compilation]) -> Compilation:
        """The least of each time."""
        first = runs[0]
        return cls(
            first.python,
            first.cache,
            {name: min(run.stages[name] for run in runs) for name in first.stages},
            min(run.seconds for run in runs),
            min(run.cpu_seconds for run in runs),
        )


def main(arguments: list[str] | None = None) -> int:
    """Measures what the command line asks for. Slow is not an error."""
    options = _options(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    known = machine()
    print(", ".join(f"{key} {value}" for key, value in known.items()))
    model = options.model or _digits(options.folder)
    runs: dict[tuple[str, str], list[Compilation]] = {}
    for turn in range(options.rounds):
        for python in (sys.executable, *options.against):
            print(f"round {turn + 1}: {python}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as cache:
                for when in ("cold", "warm"):
                    run = _compile(python, when, model, Path(cache), options)
                    runs.setdefault((python, when), []).append(run)
    found = [Compilation.best(each) for each in runs.values()]
    content = {"machine": known, "results": [asdict(each) for each in found]}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(content, indent=2) + "\n")
    Console().print(_table(found))
    return 0


def _digits(folder: Path) -> Path:
    saved_model = folder / "digits"
    if not saved_model.is_dir():
        run_python("-m", "training", "fit", "--epochs", "3", "--output", saved_model)
    return saved_model


def _compile(
    python: str, when: str, model: Path, cache: Path, options: argparse.Namespace
) -> Compilation:
    command = [python, "-m", "tfnative", "compile", str(model)]
    command += ["-o", str(cache / "artifact"), "--cpu", options.cpus]
    command += ["--batch-sizes", options.batch_sizes]
    environment = {
        **os.environ,
        "TFNATIVE_CACHE": str(cache / "cache"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    start = time.perf_counter()
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=cache,  # Whose tfnative must not be that of this folder.
    ) as process:
        assert process.stderr is not None
        stages = _stages(process.stderr, start)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed: {process.returncode}")
    stages[END] = seconds - sum(stages.values())
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Compilation(python, when, stages, seconds, cpu_seconds)


def _stages(lines: Iterable[str], start: float) -> dict[str, float]:
    """Seconds of each stage, of lines as "[  1.2s] load the model"."""
    stages: dict[str, float] = {}
    name, begin = START, start
    for line in lines:
        found = re.match(r"\[ *[0-9.]+s\] (\w.*)", line)
        if found:
            now = time.perf_counter()
            stages[name] = now - begin
            name, begin = found[1], now
    return stages


def _table(found: Sequence[Compilation]) -> Table:
    pythons = list(dict.fromkeys(each.python for each in found))
    lines = [f"{number}: {python}" for number, python in enumerate(pythons, 1)]
    table = Table(title="Seconds to compile", caption="\n".join(lines))
    table.add_column("stage")
    for each in found:
        number = pythons.index(each.python) + 1
        table.add_column(f"{number}, {each.cache}", justify="right")
    names = dict.fromkeys(name for each in found for name in each.stages)
    for name in names:
        cells = (each.stages.get(name) for each in found)
        table.add_row(name, *("" if cell is None else f"{cell:.2f}" for cell in cells))
    table.add_section()
    table.add_row("all", *(f"{each.seconds:.2f}" for each in found))
    table.add_row("processor time", *(f"{each.cpu_seconds:.2f}" for each in found))
    return table


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compiling",
        description=(__doc__ or "").splitlines()[0],
    )
    add = parser.add_argument
    add("--model", type=Path, help="a SavedModel (default: the digits)")
    add("--batch-sizes", default="1,8,32", metavar="N,...")
    levels = "x86-64-v2,x86-64-v3,x86-64-v4"
    add("--cpus", default=levels, metavar="LEVEL,...")
    add("--rounds", type=int, default=3, help="(default: 3)")
    note = "a Python with another tfnative, which takes turns; may be given again"
    add("--against", action="append", type=os.path.abspath, default=[], help=note)
    path = FOLDER / "compiling.json"
    add("--json", type=Path, default=path, help="written at the end")
    add("--folder", type=Path, default=FOLDER, help=f"exported models ({FOLDER})")
    options = parser.parse_args(arguments)
    options.model = options.model and options.model.resolve()
    options.folder = options.folder.resolve()
    return options


if __name__ == "__main__":
    raise SystemExit(main())
