# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training data``: writes a data set's files, and says what is in them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from training import data


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "data", help="write a data set as TFRecords, check it, and describe it"
    )
    add = parser.add_argument
    add("name", choices=data.NAMES, metavar="NAME", help=", ".join(data.NAMES))
    add("--data-folder", metavar="FOLDER", help="default: build/data/NAME")
    add(
        "--with",
        dest="writer",
        choices=("plain", "spark"),
        help="write what is missing by one process, the default in folders of this "
        "machine, or by a Spark job; also to s3://, gs:// and hdfs://",
    )
    add("--force", action="store_true", help="write it even if it is there")
    add("--skip-corrupt", action="store_true", help="report damaged files, and go on")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Writes what is missing, reads all of it once, and prints a line for each part."""
    found = data.open_data(
        *(parsed.name, parsed.data_folder),
        force=parsed.force,
        writer=_writer(parsed.writer),
        needed=_needed(parsed.writer),
    )
    found = found.reading_with(skip_corrupt=parsed.skip_corrupt)
    kept, damages = found.checked()
    print(f"{kept.name}: {kept.task}, in {kept.folder}")
    for name, spec in kept.features.items():
        print(f"  {name}: {spec.dtype} {spec.shape}")
    if kept.labels:
        print(f"  {len(kept.labels)} classes: {', '.join(kept.labels)}")
    for part, shards in (
        ("train", kept.index.train),
        ("held out", kept.index.held_out),
    ):
        rows = sum(shard.rows for shard in shards)
        size = sum(shard.bytes for shard in shards)
        print(f"  {part}: {rows:,} rows in {len(shards)} files, {size:,} bytes")
    for damage in damages:
        print(f"  left out: {damage.path}: {damage.reason}")
    return 0


def _writer(name: str | None) -> Any:
    if name == "spark":
        from training.data import spark

        return spark.write_part
    if name == "plain":
        from training.data.write import write_part

        return write_part
    return None


def _needed(name: str | None) -> Callable[[], None] | None:
    if name == "spark":
        from training.data import spark

        return spark.check_there
    return None
