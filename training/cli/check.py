# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m training check``: compiles a model, and compares it with TensorFlow."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.export import check


def add(parsers: Any) -> argparse.ArgumentParser:
    """Makes the parser."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        "check", help="compile an exported model, and compare both on held-out rows"
    )
    add = parser.add_argument
    add("saved_model", type=Path, metavar="SAVED_MODEL", help="what fit has exported")
    add(
        "-o", "--output", type=Path, required=True, help="folder for the compiled model"
    )
    add(
        "--signature",
        dest="signatures",
        action="append",
        metavar="NAME",
        help="what to compile and compare; it may be given several times, and once "
        "has to be serving_default (default: all)",
    )
    add("--precision", default="float32", help="as of tfnative compile")
    add("--json", action="store_true", help="the figures as JSON")
    return parser


def run(parsed: argparse.Namespace) -> int:
    """Compiles, asks both for the held-out rows, and prints the figures of each."""
    options: dict[str, Any] = {}
    if parsed.precision != "float32":
        saved_model = parsed.saved_model
        calibration = saved_model.with_name(f"{saved_model.name}_calibration.npz")
        options = {"precision": parsed.precision, "calibration": str(calibration)}
    found = check(
        parsed.saved_model, parsed.output, signatures=parsed.signatures, **options
    )
    print(json.dumps(asdict(found)) if parsed.json else found.summary())
    return 0
