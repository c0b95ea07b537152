# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.precision: what each precision gains, and what it costs.

Each model is compiled in every precision for this machine, and all are timed in turns
in one process, on one thread. Prints a table in Markdown: bytes of weights and times in
parts of float32's, and how far the outputs are from float32's, in decibels.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import numpy as np

import tfnative
from benchmarks.measure import machine
from benchmarks.models import export
from tfnative._compile.options import Precision

MODELS = "mlp_large,mlp_wide,cnn,lstm,transformer,mobilenet_v2"
_SECONDS = 2.0


def main(arguments: list[str] | None = None) -> int:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=MODELS, help="names, with commas")
    parser.add_argument("--rows", default="1,32", help="numbers of rows, with commas")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="for each cell")
    options = parser.parse_args(arguments)
    rows = [int(number) for number in options.rows.split(",")]
    print(", ".join(f"{key} {value}" for key, value in machine().items()), end="\n\n")
    columns = [f"time, {number} rows" for number in rows]
    print("| model | precision | bytes |", *(f"{c} |" for c in columns), "dB |")
    print("|" + " --- |" * (4 + len(rows)), flush=True)
    for name in options.models.split(","):
        with tempfile.TemporaryDirectory() as folder:
            for line in lines(name, Path(folder), rows, options.seconds):
                print(line, flush=True)
    return 0


def lines(name: str, folder: Path, rows: Sequence[int], seconds: float) -> list[str]:
    """A model's rows of the table; the first one has its bytes and microseconds."""
    saved = export(name, folder)
    models = {
        precision: tfnative.load(
            tfnative.compile(
                saved,
                folder / precision,
                name="model",
                precision=precision,
                batch_sizes=rows,
                cpus=["native"],
            ),
            threads=1,
        )
        for precision in get_args(Precision)
    }
    times = [_best_times(models, number, seconds) for number in rows]
    sizes = {key: model.manifest.weights_bytes for key, model in models.items()}
    found = []
    for precision, model in models.items():
        is_first = precision == "float32"
        bytes_ = sizes[precision] if is_first else sizes[precision] / sizes["float32"]
        cells = [name, precision, f"{bytes_:,}" if is_first else f"{bytes_:.3f}"]
        for of_rows in times:
            ratio = of_rows[precision] / of_rows["float32"]
            cells.append(f"{of_rows[precision]:.1f} µs" if is_first else f"{ratio:.2f}")
        found.append(f"| {' | '.join([*cells, _decibels(model)])} |")
        model.close()
    return found


def _best_times(
    models: Mapping[str, tfnative.NativeModel], rows: int, seconds: float
) -> dict[str, float]:
    """The shortest call of each, in microseconds; they take turns."""
    inputs = {}
    rng = np.random.default_rng(0)
    for name, spec in models["float32"].signatures["serving_default"].inputs.items():
        shape = (rows, *(spec.shape or ())[1:])
        inputs[name] = rng.standard_normal(shape).astype(spec.dtype)
    best = dict.fromkeys(models, float("inf"))
    deadline = time.perf_counter() + seconds * len(models)
    while time.perf_counter() < deadline:
        for precision, model in models.items():
            for _ in range(3):  # The first finds the caches full of another's weights.
                begin = time.perf_counter()
                model.predict(inputs)
                took = (time.perf_counter() - begin) * 1e6
                best[precision] = min(best[precision], took)
    return best


def _decibels(model: tfnative.NativeModel) -> str:
    precision = model.manifest.signatures["serving_default"].precision
    if precision is None:
        return "-"
    found = [each.signal_to_noise for each in precision.outputs]
    return ", ".join("exact" if each is None else f"{each:.0f}" for each in found)


if __name__ == "__main__":
    sys.exit(main())
