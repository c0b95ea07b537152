# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.optimizing: what `tfnative optimize` makes of models.

Each model of the tests' zoo goes through the default list in a process of its own, and
has to stay the same model. Prints a table in Markdown, with TensorFlow's time for one
row before and after.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import tfnative
from benchmarks.measure import machine, run_python
from tests.models import ZOO

MODELS = "resnet50,mobilenet_v2,efficientnet_b0,digits_cnn,keras2_cnn,tf1_ref_variables"
_EXACT = 1e-4


def main(arguments: list[str] | None = None) -> int:
    """Optimizes what the command line asks for; 1 if a model is not the same after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=MODELS, help="names, or all")
    parser.add_argument("--transforms", help="instead of the default list")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        print(row(*options.one, options.transforms), flush=True)
        return 0
    print(", ".join(f"{key} {value}" for key, value in machine().items()), end="\n\n")
    print("| model | nodes | bytes | gzipped | ms a row | largest error |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    return _all_of(options)


def _all_of(options: argparse.Namespace) -> int:
    names = options.models.split(",")
    if options.models == "all":
        names = [name for name, case in ZOO.items() if "refused" not in case.tags]
    asked = ["--transforms", options.transforms] if options.transforms else []
    failed = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = run_python(
                    "-m", "benchmarks.optimizing", "--one", name, folder, *asked
                )
                print(found.splitlines()[-1], flush=True)
            except RuntimeError as error:
                failed.append(name)
                print(f"{name}: {error}", file=sys.stderr)
    if failed:
        print(f"not the same, or not optimized: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


def row(name: str, folder: str, transforms: str | None) -> str:
    """A model's row of the table.

    Raises:
        RuntimeError: A step was left out, or results are others than before.
    """
    case = ZOO[name]
    exported = Path(folder) / "model"
    exported.mkdir(exist_ok=True)
    path = case.export(exported)
    steps = tfnative.optimize(
        path,
        Path(folder) / "optimized",
        transforms=transforms,
        signatures=None if case.graph_inputs else [case.signature],
        inputs=case.graph_inputs,
        outputs=case.graph_outputs,
    ).steps
    left_out = [
        f"{step.transform}: {step.reason}" for step in steps if not step.applied
    ]
    first, last = steps[0], steps[-1]
    if left_out:
        raise RuntimeError("; ".join(left_out))
    if transforms is None and (last.total_error or 0) > _EXACT:
        raise RuntimeError(f"error {last.total_error}")
    cells = [
        name,
        f"{first.nodes} > {last.nodes}",
        f"{first.bytes:,} > {last.bytes:,}",
        f"{first.gzipped_bytes:,} > {last.gzipped_bytes:,}",
        " > ".join(
            "-" if s.milliseconds is None else f"{s.milliseconds:.2f}"
            for s in (first, last)
        ),
        "-" if last.total_error is None else f"{last.total_error:.1e}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
