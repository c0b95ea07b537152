# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.accuracy: what each precision costs trained models.

Trains small networks, compiles them in every precision and with every way to find
ranges, and prints how many test images each gets right, and how many points fewer than
in float32. docs/quantize.md says what came out. Exits with 1 if int8 with the least
squared error loses more than 0.3 points.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.accuracy.data import CALIBRATED_WITH, DATA_SETS
from benchmarks.accuracy.measure import WAYS, Accuracy, Way, accuracies
from benchmarks.accuracy.networks import EPOCHS, NETWORKS, trained
from benchmarks.measure import machine

GOAL = 0.3
"""So many points may be lost in 8 bits."""

_JUDGED = Way("int8", "mse")


def main(arguments: list[str] | None = None) -> int:
    """Measures what the command line asks for."""
    options = _options(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    known = machine()
    print(", ".join(f"{key} {value}" for key, value in known.items()), end="\n\n")
    found: list[Accuracy] = []
    for name in options.data:
        data = DATA_SETS[name]()
        for network in options.networks:
            saved_model = trained(network, data, options.folder, EPOCHS[name, network])
            for accuracy in accuracies(network, saved_model, data):
                found.append(accuracy)
                print(_line(accuracy), file=sys.stderr, flush=True)
    print("\n".join(table(found)))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        results = [{**asdict(each), "percent": each.percent} for each in found]
        content = {"machine": known, "samples": CALIBRATED_WITH, "results": results}
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    return int(any(a.way == _JUDGED and a.drop > GOAL for a in found))


def table(found: Sequence[Accuracy]) -> list[str]:
    """A line in Markdown for each way, a column for each network and data set."""
    columns = list(dict.fromkeys((each.data, each.network) for each in found))
    cells = {(each.data, each.network, each.way): each for each in found}
    lines = [
        "| precision |" + "".join(f" {data}, {name} |" for data, name in columns),
        "|" + " --- |" * (len(columns) + 1),
    ]
    for way in WAYS:
        row = [cells.get((*column, way)) for column in columns]
        if any(row):
            lines.append(f"| {' | '.join([way.name, *map(_cell, row)])} |")
    return lines


def _cell(accuracy: Accuracy | None) -> str:
    if accuracy is None:
        return "-"
    if accuracy.way == WAYS[0]:
        return f"{accuracy.percent:.2f} %"
    return f"{accuracy.percent:.2f} % ({0.0 - accuracy.drop:+.2f})"


def _line(accuracy: Accuracy) -> str:
    names = (accuracy.data, accuracy.network, accuracy.way.name)
    return f"{', '.join(names)}: {_cell(accuracy)}"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description=(__doc__ or "").splitlines()[0],
    )
    add = parser.add_argument
    add("--data", type=_names, default=tuple(DATA_SETS), metavar="A,B")
    add("--networks", type=_names, default=tuple(NETWORKS), metavar="A,B")
    add("--json", type=Path, help="written, if it is given")
    folder = Path("build/accuracy")
    add("--folder", type=Path, default=folder, help=f"trained models ({folder})")
    options = parser.parse_args(arguments)
    for kind, known in (("data", DATA_SETS), ("networks", NETWORKS)):
        unknown = set(getattr(options, kind)) - set(known)
        if unknown:
            parser.error(f"unknown {kind}: {', '.join(unknown)}; of {', '.join(known)}")
    return options


def _names(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


if __name__ == "__main__":
    raise SystemExit(main())
