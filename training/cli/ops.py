# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training ops``."""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.cli.numbers import positive
from training.cli.what import add_what
from training.data import open_data
from training.models import build_model
from training.observe.ops import Op, step_through


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "ops", help="run a small model op by op, and show what each reads and gives"
    )
    add = parser.add_argument
    add_what(parser, model="mlp")
    add("--rows", type=positive, default=1, help="held-out rows to run it on")
    add("--step", action="store_true", help="wait for Enter after each op")
    add("--json", action="store_true", help="one JSON object per op and line")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Runs the model, and prints each op."""
    opened, _ = open_data(parsed.data, parsed.data_folder).checked()
    model = build_model(parsed.model, opened, seed=parsed.seed)
    features, _ = opened.held_out()
    rows = {name: array[: parsed.rows] for name, array in features.items()}
    for op in step_through(model, rows):
        if parsed.json:
            print(json.dumps(_json(op)))
            continue
        print(f"{op.type} {op.name}")
        if op.inputs:
            print(f"    reads {', '.join(op.inputs)}")
        for array in op.outputs:
            print(f"    gives {describe(array)}")
        if parsed.step:
            input()
    return 0


def describe(array: NDArray[Any]) -> str:
    """Type, shape and range of an array, and what is not finite in it."""
    text = f"{array.dtype} {array.shape}"
    if array.dtype.kind not in "fiub" or not array.size:
        return text
    numbers = array.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    if finite.size:
        text += f", {finite.min():.4g} to {finite.max():.4g}"
    if finite.size < numbers.size:
        text += f", {numbers.size - finite.size} not finite"
    return text


def _json(op: Op) -> dict[str, Any]:
    return {
        "name": op.name,
        "type": op.type,
        "inputs": list(op.inputs),
        "outputs": [describe(array) for array in op.outputs],
    }
