# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.memory: how much memory a call takes beside weights and inputs.

For each model and batch size: what XLA planned for its own program, what our values
take in XLA's order and in the one that was chosen, the whole workspace, and
TensorFlow's peak. Where another order than XLA's was chosen, both are timed in turns.
Prints a table, and writes the same as JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import tfnative
from benchmarks import models
from benchmarks.measure import machine, run_python
from benchmarks.worker import RESULT
from tfnative._base.units import format_bytes
from tfnative.manifest import VariantMemory

FOLDER = Path("build/benchmarks")
_TURN_SECONDS = 0.2
MODELS = ("unet", "densenet121", "transformer", "resnet50", "mobilenet_v2")


@dataclass(frozen=True)
class Memory:
    """Of a model at a batch size; all in bytes.

    Attributes:
        model: Its name.
        batch_size: Rows.
        xla_plan: Values of XLA's own program, as XLA placed them.
        xla_order: Values of our program, with its steps in XLA's order.
        values: The same in the order that was chosen.
        order: That order.
        workspace: ``values``, and scratch of our kernels for one thread.
        outputs: What is in ``tensorflow``, and not in our workspace.
        tensorflow: The most that a call of TensorFlow has at once.
        time_ratio: Time in the chosen order to time in XLA's; None if they are one.
    """

    model: str
    batch_size: int
    xla_plan: int
    xla_order: int
    values: int
    order: str
    workspace: int
    outputs: int
    tensorflow: int
    time_ratio: float | None


def main(arguments: list[str] | None = None) -> int:
    """Measures what the command line asks for."""
    options = _options(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    found = []
    for name in options.models:
        for memory in _measure(name, options):
            found.append(memory)
            print(asdict(memory), file=sys.stderr, flush=True)
            content = {"machine": machine(), "results": [asdict(m) for m in found]}
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(content, indent=2) + "\n")
    Console().print(_table(found))
    return 0


def _measure(name: str, options: argparse.Namespace) -> Iterator[Memory]:
    if name in models.EXPORTED:
        saved_model = options.folder / name
        if not saved_model.is_dir():
            models.export(name, options.folder)
    else:
        saved_model = Path(name)
        name = saved_model.resolve().name
    sizes: tuple[int, ...] = options.batch_sizes
    listed = ",".join(map(str, sizes))
    chosen = options.folder / f"{name}_chosen"
    tfnative.compile(saved_model, chosen, cpus=["native"], batch_sizes=sizes)
    peaks = _tensorflow_peaks(saved_model, listed)
    own_plans = _xla_plans(chosen)
    with tfnative.load(chosen) as model:
        variants = {
            m.batch_size: m for m in model.manifest.signatures[_name(model)].memory
        }
        ratios: dict[int, float] = {}
        if any(m.order != "xla" for m in variants.values()):
            as_xla = options.folder / f"{name}_xla_order"
            worker = ("-m", "benchmarks.memory_worker", "compile", saved_model)
            run_python(*worker, listed, as_xla)
            with tfnative.load(as_xla) as other:
                ratios = {n: _ratio(model, other, n, options.rounds) for n in sizes}
        for size in sizes:
            yield _memory(
                *(name, variants[size], own_plans[size], _outputs(model, size)),
                *(peaks[str(size)], ratios.get(size)),
            )


def _memory(
    name: str,
    variant: VariantMemory,
    xla_plan: int,
    outputs: int,
    tensorflow: int,
    ratio: float | None,
) -> Memory:
    return Memory(
        model=name,
        batch_size=variant.batch_size,
        xla_plan=xla_plan,
        xla_order=variant.xla_order_bytes,
        values=variant.values_bytes,
        order=variant.order,
        workspace=variant.workspace_bytes,
        outputs=outputs,
        tensorflow=tensorflow,
        time_ratio=ratio if variant.order != "xla" else None,
    )


def _tensorflow_peaks(saved_model: Path, sizes: str) -> dict[str, int]:
    worker = ("-m", "benchmarks.memory_worker", "tensorflow", saved_model, sizes)
    lines = run_python(*worker).splitlines()
    (found,) = (line for line in lines if line.startswith(RESULT))
    peaks: dict[str, int] = json.loads(found.removeprefix(RESULT))
    return peaks


def _xla_plans(artifact: Path) -> dict[int, int]:
    programs = json.loads((artifact / "program.json").read_text())["programs"]
    return {p["batch_size"]: p["memory"]["xla_bytes"] for p in programs}


def _name(model: tfnative.Model) -> str:
    return model.signature(None).name


def _inputs(model: tfnative.Model, size: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    return {
        name: random.random((size, *spec.shape[1:]), np.float32)
        for name, spec in model.signature(None).inputs.items()
        if spec.shape is not None
    }


def _outputs(model: tfnative.Model, size: int) -> int:
    return sum(array.nbytes for array in model.predict(_inputs(model, size)).values())


def _ratio(
    model: tfnative.Model, other: tfnative.Model, size: int, rounds: int
) -> float:
    """The median of the rounds' ratios of processor time; in each, both have a turn."""
    inputs = _inputs(model, size)
    calls: list[Callable[[], object]] = [
        lambda: model.predict(inputs),
        lambda: other.predict(inputs),
    ]
    repeat = max(1, int(_TURN_SECONDS / max(_seconds(calls[0], 1), 1e-6)))
    ratios = []
    for number in range(rounds):
        turns = [0, 1] if number % 2 == 0 else [1, 0]  # Neither is always first.
        times = {turn: _seconds(calls[turn], repeat) for turn in turns}
        ratios.append(times[0] / times[1])
    return statistics.median(ratios)


def _seconds(call: Callable[[], object], repeat: int) -> float:
    """Processor time of the fastest half of the calls, after one that counts not."""
    call()
    times = []
    for _ in range(repeat):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    fastest = sorted(times)[: (repeat + 1) // 2]
    return sum(fastest) / len(fastest)


def _table(found: Sequence[Memory]) -> Table:
    table = Table(title="Memory of a call, beside weights and inputs")
    table.add_column("model")
    for column in ("rows", "XLA's order", "ours", "saved", "workspace", "TensorFlow"):
        table.add_column(column, justify="right")
    table.add_column("time", justify="right")
    for m in found:
        saved = f"{1 - m.values / m.xla_order:.0%}" if m.xla_order else ""
        table.add_row(
            *(m.model, str(m.batch_size), format_bytes(m.xla_order)),
            *(format_bytes(m.values), saved, format_bytes(m.workspace)),
            format_bytes(m.tensorflow),
            "the same" if m.time_ratio is None else f"{m.time_ratio:.3f}",
        )
    return table


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory", description=(__doc__ or "").splitlines()[0]
    )
    add = parser.add_argument
    help_text = "names of benchmarks.models, or folders of SavedModels"
    add("--models", type=_words, default=MODELS, metavar="A,B", help=help_text)
    add("--batch-sizes", type=_numbers, default=(1, 8), metavar="N,M")
    add("--rounds", type=int, default=15, help="turns of each order (default: 15)")
    path = FOLDER / "memory.json"
    add("--json", type=Path, default=path, help="written after each model")
    add("--folder", type=Path, default=FOLDER, help=f"exported models ({FOLDER})")
    options = parser.parse_args(arguments)
    known = ", ".join(models.EXPORTED)
    for name in options.models:
        if name not in models.EXPORTED and not Path(name).is_dir():
            parser.error(f"{name} is no SavedModel, and none of {known}")
    options.folder = options.folder.resolve()
    return options


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in _words(text))


if __name__ == "__main__":
    raise SystemExit(main())
