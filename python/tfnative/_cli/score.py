# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative score`."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from tfnative._cli.common import (
    UsageError,
    add_backend,
    add_command,
    add_json,
    load_options,
    print_json,
)
from tfnative._cli.numbers import whole

if TYPE_CHECKING:
    from tfnative._cli.common import Commands

ENGINES = ("local", "ray", "spark")
_EXAMPLES = """\
  tfnative score --model build/digits --input 'rows/*.parquet' --output scored/
  tfnative score --model build/digits --input rows.csv --output scored/ \\
      --columns 'image=pixel_*' --keep id --on-error skip
  tfnative score --model build/digits --input 's3://rows/*.parquet' \\
      --output s3://scored/day/ --outputs probabilities=p --engine ray

A job that was interrupted goes on when the same command is given again.
"""


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands, "score", run, "predict each row of some files", _EXAMPLES
    )
    add = parser.add_argument
    add(
        "--model",
        required=True,
        help="folder of a compiled model, or of a SavedModel with --backend",
    )
    add(
        "--input",
        required=True,
        nargs="+",
        metavar="FILE",
        help="files, URLs or wildcards: Parquet, Arrow, CSV, TFRecord of tf.Examples",
    )
    add(
        "--output",
        required=True,
        metavar="DIR",
        help="folder or URL for the parts, empty or of the same job",
    )
    add(
        "--columns",
        nargs="+",
        default=[],
        metavar="INPUT=COLUMN",
        help="columns that feed inputs of other names; several, with commas or "
        "wildcards, are an element of a row each",
    )
    add(
        "--keep",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="columns to put before the outputs",
    )
    add(
        "--outputs",
        nargs="+",
        metavar="OUTPUT[=COLUMN]",
        help="outputs, and what their columns are called (default: all)",
    )
    add("--signature", metavar="NAME", help="(default: the default one)")
    add(
        "--input-format",
        choices=("parquet", "arrow", "csv", "tfrecord"),
        help="of all files (default: what their names end in)",
    )
    add(
        "--output-format",
        choices=("parquet", "tfrecord"),
        default="parquet",
        help="of the parts (default: parquet)",
    )
    add(
        "--on-error",
        choices=("fail", "skip"),
        default="fail",
        help="at a row that cannot be scored: end, or write it to _bad_rows/ with the "
        "reason (default: fail)",
    )
    add(
        "--engine",
        choices=ENGINES,
        default="local",
        help="what runs it: this machine, or the cluster that Ray or Spark is "
        "connected to (default: local)",
    )
    add(
        "--rows-per-part",
        type=whole(1),
        default=1_000_000,
        metavar="N",
        help="rows of a file that become one part (default: 1000000)",
    )
    add_backend(parser, "threads")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Scores the files and says how many rows there were."""
    from tfnative._score.score import score

    scored = score(
        options.model,
        options.input,
        options.output,
        columns=_columns(options.columns),
        keep=options.keep,
        outputs=_outputs(options.outputs),
        signature=options.signature,
        input_format=options.input_format,
        output_format=options.output_format,
        on_error=options.on_error,
        engine=options.engine,
        rows_per_part=options.rows_per_part,
        options=load_options(options),
    )
    if options.json:
        print_json(asdict(scored))
        return 0
    before = f", {scored.parts_before} of them before" if scored.parts_before else ""
    print(
        f"{scored.output}: {scored.rows:,} rows in {scored.parts} parts{before}; "
        f"{scored.rows_per_second:,.0f} rows a second"
    )
    if scored.bad_rows:
        print(f"{scored.bad_rows:,} rows could not be scored: see _bad_rows/ in it")
    return 0


def _columns(given: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in given:
        name, equals, columns = each.partition("=")
        if not (name and equals and columns):
            raise UsageError(f"--columns {each}: expected INPUT=COLUMN")
        if name in found:
            raise UsageError(f"--columns {each}: {name} was given before")
        found[name] = columns.split(",")
    return found


def _outputs(given: list[str] | None) -> dict[str, str] | None:
    if given is None:
        return None
    found: dict[str, str] = {}
    for each in given:
        name, equals, column = each.partition("=")
        if not name or (equals and not column):
            raise UsageError(f"--outputs {each}: expected OUTPUT or OUTPUT=COLUMN")
        if name in found:
            raise UsageError(f"--outputs {each}: {name} was given before")
        found[name] = column or name
    return found
