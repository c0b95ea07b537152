# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training fit``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from training import data, models, strategies
from training.cli.cluster_options import add_cluster_options
from training.cli.numbers import few, natural, positive, rate
from training.fit import fit
from training.options import DEBUG, DEVICES, JIT, LOOKS, PRECISIONS, FitOptions, Fitted


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "fit", help="train a model, evaluate it on held-out rows, and export it"
    )
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="the summary as JSON")
    return parser


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """The network, and what it is trained on: the names are those of `FitOptions`."""
    defaults = FitOptions()
    add = parser.add_argument
    add("--model", choices=models.NAMES, default=defaults.model, help="the network")
    add("--data", choices=data.NAMES, default=defaults.data, help="the data set")
    add(
        "--data-folder",
        metavar="FOLDER",
        help="where the data's files are: a folder, or s3://, gs://, hdfs:// "
        "(default: build/data/NAME, written if it is not there)",
    )
    add("--skip-corrupt", action="store_true", help="leave damaged files out")


def add_options(parser: argparse.ArgumentParser) -> None:
    """What to train, and how; `options_of` reads it."""
    defaults = FitOptions()
    add = parser.add_argument
    add_data_options(parser)
    add(
        "--strategy",
        choices=tuple(strategies.STRATEGIES),
        default=defaults.strategy,
        help="which devices and processes train, and how they agree",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--epochs", type=positive, help="times through the data (default: the data's)"
    )
    length.add_argument("--steps", type=positive, help="batches, instead of epochs")
    add("--batch-size", type=positive, default=defaults.batch_size, help="rows a step")
    add("--learning-rate", type=rate, help="to begin with (default: the model's)")
    add("--seed", type=natural, default=defaults.seed, help="of weights and order")
    add("--output", type=Path, help="folder for the SavedModel (default: none)")
    add("--overwrite", action="store_true", help="replace a SavedModel that is there")
    add("--logs", type=Path, help="folder for TensorBoard's logs (default: none)")
    add(
        "--checkpoints",
        type=Path,
        help="folder for checkpoints; training goes on from the last (default: none)",
    )
    add(
        "--checkpoint-steps",
        type=positive,
        help="steps between checkpoints (default: an epoch)",
    )
    add("--precision", choices=PRECISIONS, default=defaults.precision, help="policy")
    add("--jit", choices=JIT, default=defaults.jit, help="whether XLA compiles steps")
    add(
        "--look",
        dest="looks",
        nargs="+",
        choices=LOOKS,
        default=(),
        help="what more the logs are to show in TensorBoard",
    )
    add(
        "--profile",
        type=_first_and_last,
        metavar="FIRST-LAST",
        help="record a trace of these steps into the logs; see `timeline`",
    )
    add(
        "--debug",
        choices=DEBUG,
        help="end at the first op whose result is not finite, or dump all results "
        "for TensorBoard's Debugger (default: neither; both take long)",
    )
    add("--device", choices=DEVICES, default=defaults.device, help="where to compute")
    add(
        "--replicas",
        type=few,
        help="devices of this machine, for mirrored, central and model-parallel "
        "(default: 2)",
    )
    add_cluster_options(parser)
    add("--threads", type=positive, help="batches parsed at once (default: tf.data's)")
    add("--prefetch", type=natural, help="batches that wait (default: tf.data's)")
    add(
        "--batch-delay",
        type=natural,
        default=0,
        metavar="MS",
        help="milliseconds that each batch pretends to take to arrive, to see what "
        "reading ahead hides (default: 0)",
    )
    add("--quiet", action="store_true", help="only the summary")


def _first_and_last(text: str) -> tuple[int, int]:
    first, minus, last = text.partition("-")
    if not (minus and first.isdecimal() and last.isdecimal()) or int(first) > int(last):
        raise argparse.ArgumentTypeError(
            f"must be the first and the last step, as 10-20, not {text}"
        )
    return int(first), int(last)


def options_of(parsed: argparse.Namespace) -> FitOptions:
    """What the command line says, as `FitOptions`."""
    names = FitOptions.__dataclass_fields__.keys() & vars(parsed).keys()
    reading: dict[str, Any] = {"skip_corrupt": parsed.skip_corrupt}
    reading["delay"] = parsed.batch_delay / 1e3
    if parsed.threads is not None:
        reading["threads"] = parsed.threads
    if parsed.prefetch is not None:
        reading["prefetch"] = parsed.prefetch
    return replace(
        FitOptions(**{name: getattr(parsed, name) for name in names}),
        looks=tuple(parsed.looks),
        reading=reading,
        verbose=0 if parsed.quiet else 2,
    )


def run(parsed: argparse.Namespace) -> int:
    """Trains, and prints the summary."""
    options = options_of(parsed)
    if parsed.json:
        options = replace(options, verbose=0)
    print(said(fit(options), as_json=parsed.json))
    return 0


def said(fitted: Fitted, *, as_json: bool) -> str:
    """What came of it, for a person or for a program."""
    if not as_json:
        return fitted.summary()
    known = asdict(replace(fitted, model=None), dict_factory=dict)
    known["output"] = str(fitted.output) if fitted.output else None
    return json.dumps({k: v for k, v in known.items() if k != "model"})
