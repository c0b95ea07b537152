# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training feed``: how quickly each way to feed a device is."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training import data
from training.apart import apart
from training.cli.numbers import few, natural, positive
from training.cli.places import check_picture
from training.errors import DataError
from training.feed import Feeding, FeedOptions, measure
from training.feed.ways import WAYS


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "feed", help="compare feed_dict, NumPy, a queue and tf.data"
    )
    add = parser.add_argument
    add("--data", choices=data.NAMES, default="digits", help="the data set")
    add("--data-folder", metavar="FOLDER", help="default: build/data/NAME")
    add("--way", choices=WAYS, action="append", help="default: all of them")
    add("--batch-size", type=positive, nargs="+", default=[128], help="rows a step")
    add(
        "--num-processing-threads",
        type=few,
        nargs="+",
        default=[1, os.cpu_count() or 1],
        help="which parse at once, for queue and tf.data",
    )
    add(
        "--queue-capacity",
        type=positive,
        nargs="+",
        default=[4],
        help="batches that wait, at most",
    )
    add("--steps", type=positive, default=100, help="batches that are measured")
    add(
        "--step-ms",
        type=natural,
        default=0,
        help="milliseconds that a step takes at least, as one that computes does: then "
        "queues fill (default: 0)",
    )
    add("--plot", type=Path, help="file for a chart, as a PNG")
    add("--json", action="store_true", help="the figures as JSON")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Measures each combination, and prints a table."""
    check_picture(parsed.plot)
    opened, _ = data.open_data(parsed.data, parsed.data_folder).checked()
    if max(parsed.batch_size) > opened.train_rows:
        raise DataError(
            f"a batch of {max(parsed.batch_size)} rows is more than the "
            f"{opened.train_rows} rows of {opened.name}: choose a smaller --batch-size"
        )
    # Each in a process of its own: memory that one had is not free for the next.
    found = [apart(measure, opened, options) for options in combinations(parsed)]
    if parsed.plot:
        from training.feed.chart import draw

        draw(found, parsed.plot, title=f"feeding {parsed.data}")
    if parsed.json:
        print(json.dumps([asdict(each) for each in found]))
    else:
        print(table(found))
        if parsed.plot:
            print(f"chart: {parsed.plot}")
    return 0


def combinations(parsed: argparse.Namespace) -> list[FeedOptions]:
    """Each way, with threads and capacity only where it has them."""
    made = []
    for way in parsed.way or WAYS:
        alone = way in ("feed_dict", "numpy")
        for batch_size in parsed.batch_size:
            for threads in [1] if alone else parsed.num_processing_threads:
                for capacity in [1] if alone else parsed.queue_capacity:
                    options = FeedOptions(
                        *(way, batch_size, threads, capacity, parsed.steps),
                        step_seconds=parsed.step_ms / 1e3,
                    )
                    made.append(options)
    return list(dict.fromkeys(made))


def table(found: list[Feeding]) -> str:
    """A line for each measurement."""
    lines = [
        f"{'way':<10}{'batch':>6}{'threads':>9}{'capacity':>10}"
        f"{'rows/s':>12}{'waiting':>9}{'memory':>10}"
    ]
    for each in found:
        options = each.options
        rows = each.steps_per_second * options.batch_size
        lines.append(
            f"{options.way:<10}{options.batch_size:>6}{options.threads:>9}"
            f"{options.capacity:>10}{rows:>12,.0f}{each.input_share:>9.0%}"
            f"{each.resident_bytes / 1e6:>7.1f} MB"
        )
    return "\n".join(lines)
