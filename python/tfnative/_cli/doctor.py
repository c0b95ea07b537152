# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative doctor`."""

from __future__ import annotations

import argparse
import dataclasses
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tfnative._cli.common import (
    FAILURE,
    add_command,
    add_json,
    format_bytes,
    print_json,
)

if TYPE_CHECKING:
    from tfnative._cli.common import Commands
    from tfnative._doctor.report import Missing, Report

_EXAMPLES = """\
  tfnative doctor                              # what is here, what is missing
  tfnative doctor --require compile            # fails where models cannot be compiled
  tfnative doctor --require tensorflow,gpu --json

Nothing has to be installed to run compiled models: what is missing is only needed for
what stands beside it. The exit code is 1 if something is missing that --require names.
"""
_WIDTH = 14


def register(commands: Commands) -> None:
    """Adds the subcommand."""
    parser = add_command(
        commands,
        "doctor",
        run,
        "show what this machine has, and what is missing for what",
        _EXAMPLES,
    )
    parser.add_argument(
        "--require",
        type=_features,
        action="extend",
        default=[],
        metavar="FEATURE,...",
        help="fail if one of these is missing: compile, tensorflow, gpu (default: "
        "never fail)",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Shows what is here; fails if something that is required is missing."""
    from tfnative._doctor.report import examine

    report = examine()
    lacking = sorted({f for f in options.require if report.lacks(f)})
    if options.json:
        content = dataclasses.asdict(report)
        print_json({**content, "required_but_missing": lacking})
    else:
        _show(report)
        if lacking:
            print(f"\nrequired, but missing: {', '.join(lacking)}")
    return FAILURE if lacking else 0


def _show(report: Report) -> None:
    for name, value in _rows(report):
        first, *others = value.splitlines() or [""]
        print(f"{name:<{_WIDTH}}{first}".rstrip())
        for line in others:
            print(" " * _WIDTH + line)
    if report.missing:
        print("\nmissing:")
        for missing in report.missing:
            _show_missing(missing)


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    yield "tfnative", report.tfnative
    yield "Python", f"{report.python} ({report.executable})"
    yield "NumPy", report.packages["numpy"] or ""
    types = report.packages["ml_dtypes"]
    yield "ml_dtypes", types or "not installed: bfloat16 arrays are uint16"
    yield "system", report.system
    cpu = report.cpu
    yield "CPU", f"{cpu.model}, {cpu.cores} cores to use"
    yield "CPU levels", f"{', '.join(cpu.levels) or 'none'}; models run at {cpu.level}"
    found = report.tensorflow
    yield "TensorFlow", f"{found.version} ({found.path})" if found.path else "none"
    for gpu in found.gpus:
        yield "GPU", f"{gpu.name}, {format_bytes(gpu.memory_bytes)}"
    if not found.gpus:
        yield "GPU", "none"
    yield from _compiling_rows(report)
    state = report.cache
    yield (
        "cache",
        f"{state.path}: {state.models} models, {format_bytes(state.bytes)}; "
        f"kernels, {format_bytes(state.kernels_bytes)}",
    )
    settings = [f"{name}={value}" for name, value in report.environment.items()]
    yield "environment", "\n".join(settings) or "nothing is set"


def _compiling_rows(report: Report) -> Iterator[tuple[str, str]]:
    compiling = report.compiling
    if compiling.problems:
        yield "compiling", "not possible"
    else:
        targets = ", ".join(compiling.targets)
        yield "compiling", f"with TensorFlow {compiling.tensorflow_version}, {targets}"
    names = [
        f"{each.command}: {each.version or each.problem}"
        for each in compiling.compilers
    ]
    if len(names) > 1:
        names[0] += "  (used)"
    yield "compilers", "\n".join(names) or "none"


def _show_missing(missing: Missing) -> None:
    text = f"{missing.what}\n{missing.purpose}"
    if missing.fix:
        text += f"\n-> {missing.fix}"
    mark = "- "
    for line in text.splitlines():
        print(textwrap.fill(line, 88, initial_indent=mark, subsequent_indent="    "))
        mark = "    "


def _features(text: str) -> list[str]:
    from tfnative._doctor.report import FEATURES

    names = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [name for name in names if name not in FEATURES]
    if unknown or not names:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected some of {', '.join(FEATURES)}"
        )
    return names
