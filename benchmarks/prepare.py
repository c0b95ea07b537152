# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What contestants need before they can be measured, kept beside the SavedModel."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tfnative
from benchmarks.arithmetic import FLOAT32
from benchmarks.measure import run_python
from benchmarks.work import Work


@dataclass(frozen=True)
class Prepared:
    """A converted model, or why there is none.

    Attributes:
        contestant: Whose.
        model: What it loads, or None.
        problem: Why not, or "".
    """

    contestant: str
    model: Path | None
    problem: str = ""


def prepare(
    contestant: str,
    saved_model: Path,
    batch_sizes: Sequence[int],
    say: Callable[[str], None],
    precision: str = FLOAT32,
) -> Prepared:
    """Converts a model, unless that was done before.

    tfnative is compiled anew each time: it is what changes between two runs.
    """
    sizes = ",".join(map(str, batch_sizes))
    asked = f"{contestant}_{sizes}_{precision}"
    note = saved_model.with_name(f"{saved_model.name}_{asked}.path")
    if note.is_file() and contestant != "tfnative":
        return Prepared(contestant, Path(note.read_text()))
    say(f"{saved_model.name}: convert for {contestant}")
    command = ("-m", "benchmarks.contestants", contestant, saved_model, sizes)
    command += (precision,)
    try:
        path = run_python(*command).splitlines()[-1]
    except RuntimeError as error:
        return Prepared(contestant, None, str(error).strip().splitlines()[-1])
    note.write_text(path)
    return Prepared(contestant, Path(path))


def cpu_level(prepared: Prepared) -> str:
    """Whose code runs of what tfnative compiled, or "" if that is nothing."""
    if prepared.model is None:
        return ""
    with tfnative.load(prepared.model) as model:
        return model.cpu_level


def reference(saved_model: Path, rows: int) -> tuple[Path, Work]:
    """TensorFlow's answer to so many rows, and what the model computes for them."""
    base = saved_model.with_name(f"{saved_model.name}_{rows}")
    answer, work = Path(f"{base}.npz"), Path(f"{base}.json")
    if not (answer.is_file() and work.is_file()):
        run_python("-m", "benchmarks.reference", saved_model, str(rows), base)
    return answer, Work(**json.loads(work.read_text()))
