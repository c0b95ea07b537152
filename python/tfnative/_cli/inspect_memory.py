# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The chart of `tfnative inspect --memory`."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from tfnative._cli.common import (
    UsageError,
    format_bytes,
    print_json,
    print_table,
    require_folder,
    write_file,
)
from tfnative._cli.inspect_compiled import CompiledView
from tfnative._cli.inspect_graph import chosen_program, read_programs
from tfnative._draw.memory import MemoryChart, NamedValue, chart_memory
from tfnative._draw.memory_svg import memory_html, memory_svg
from tfnative._draw.memory_text import to_text
from tfnative._draw.render import require
from tfnative._manifest.memory import MemoryRecord
from tfnative._manifest.program import ProgramRecord
from tfnative.errors import NotFoundError

_MOST_LISTED = 10
_WRITERS: Mapping[str, Callable[[MemoryChart], str]] = {
    ".svg": memory_svg,
    ".html": memory_html,
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds what asks for the chart."""
    parser.add_argument(
        "--memory",
        nargs="?",
        const="",
        metavar="FILE",
        help="show how many bytes of the workspace are alive at each step of a "
        "compiled program, and which values make the peak; with FILE, draw where each "
        "value lies. FILE ends in .svg or .html, which needs pip install "
        '"tfnative[draw]" (default: no chart)',
    )


def is_asked(options: argparse.Namespace) -> bool:
    """Whether a chart is asked for. Checks what can be checked beforehand.

    Raises:
        UsageError: Flags do not go together, or a name ends in nothing known.
        FailedPreconditionError: What draws is not installed.
        InvalidArgumentError: The file cannot be written there.
    """
    if options.memory is None:
        return False
    for flag in ("graph", "model_explorer", "program"):
        if getattr(options, flag):
            name = flag.replace("_", "-")
            raise UsageError(f"--memory and --{name} show different things: choose one")
    if options.memory:
        ending = Path(options.memory).suffix.lower()
        if ending not in _WRITERS:
            raise UsageError(
                f"--memory {options.memory}: the name has to end in .svg or .html"
            )
        require_folder(options.memory)
        if ending == ".html":
            require("jinja2")
    return True


def show(options: argparse.Namespace, view: CompiledView) -> None:
    """Shows the chart of a compiled model, and writes the file if there is one.

    Raises:
        NotFoundError: It has no such program, or does not say where its values lie.
    """
    programs = read_programs(view)
    program = chosen_program(programs, options.signature, options.batch_size)
    if program.memory is None:
        raise NotFoundError(
            "the artifact does not say how its programs use memory: it was compiled by "
            "an older version of tfnative. Compile the model again"
        )
    chart = chart_memory(program, program.memory, view.manifest.name)
    if options.memory:
        text = _WRITERS[Path(options.memory).suffix.lower()](chart)
        content = text.encode("utf-8", "surrogatepass")
        write_file(options.memory, partial(_write, content))
    if options.json:
        print_json(_content(options, program, program.memory, chart))
    else:
        _print(options, chart)


def _print(options: argparse.Namespace, chart: MemoryChart) -> None:
    print(chart.title)
    for note in chart.notes:
        print(note)
    if options.memory:
        print(f"written: {options.memory}")
        return
    print()
    print(to_text(chart, shutil.get_terminal_size().columns), end="")
    found = chart.at_peak
    if not found:
        return
    print(f"\nalive at step {chart.peak_step}:")
    rows = [
        (
            f"{each.share:.1%}",
            format_bytes(each.value.size),
            each.value.shape,
            str(each.value.writer) if each.value.writer >= 0 else "",
            each.op,
            each.name,
        )
        for each in found[:_MOST_LISTED]
    ]
    print_table(("share", "bytes", "shape", "step", "op", "name"), rows)
    rest = found[_MOST_LISTED:]
    if rest:
        size = format_bytes(sum(each.value.size for each in rest))
        print(f"and {len(rest)} more of {size} in all")


def _content(
    options: argparse.Namespace,
    program: ProgramRecord,
    memory: MemoryRecord,
    chart: MemoryChart,
) -> dict[str, Any]:
    """What --json prints."""
    return {
        "signature": program.signature,
        "batch_size": program.batch_size,
        "files": [options.memory] if options.memory else [],
        "order": memory.order,
        "values_bytes": memory.size,
        "peak_bytes": chart.peak,
        "peak_step": chart.peak_step,
        "xla_order_bytes": memory.xla_order_bytes,
        "xla_bytes": memory.xla_bytes,
        "live_bytes": list(chart.live),
        "values": [_value(each) for each in chart.values],
    }


def _value(named: NamedValue) -> dict[str, Any]:
    value = named.value
    return {
        "offset": value.offset,
        "bytes": value.size,
        "first_step": value.first,
        "last_step": value.last,
        "step": value.writer,
        "op": named.op,
        "name": named.name,
        "shape": value.shape,
        "share_of_peak": named.share,
    }


def _write(content: bytes, file: IO[bytes]) -> None:
    file.write(content)
