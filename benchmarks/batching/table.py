# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What was found, on a screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from benchmarks.batching.overhead import Overhead
from benchmarks.batching.queueing import Queueing
from benchmarks.batching.throughput import SPEED, Throughput
from benchmarks.batching.turns import Turns, Verdict

NOTHING = "-"
Result = Throughput | Queueing | Overhead


def show(results: Sequence[Result], console: Console) -> None:
    """Prints a table for each kind of result, and which targets were met."""
    for result in results:
        if isinstance(result, Throughput):
            _print(_throughput(result), console)
            _print_problems(result.everyone, console)
    queueing = [result for result in results if isinstance(result, Queueing)]
    if queueing:
        _print(_queueing(queueing), console)
        _print_problems((result.turns for result in queueing), console)
    overhead = [result for result in results if isinstance(result, Overhead)]
    if overhead:
        _print(_overhead(overhead), console)
        _print_problems((result.turns for result in overhead), console)
    _print(_verdicts([v for result in results for v in result.verdicts]), console)


def line(result: Result) -> str:
    """One result in words, while others are being measured."""
    if isinstance(result, Overhead) and not result.verdicts:
        return f"{result.name}, {result.batching.threads}: {_number(result.micros)} µs"
    return "\n".join(_in_words(verdict) for verdict in result.verdicts)


def _throughput(result: Throughput) -> Table:
    title = f"{result.name}: {result.callers} callers, batches of up to"
    title += f" {result.batching.max_batch_size} rows"
    table = _table(title, "", "rows/s", "p50\nms", "p99\nms", "CPU\nµs/row")
    for name in ("of the model\non 1 thread", "on all", "to\ntfnative"):
        table.add_column(name, justify="right", no_wrap=True)
    for turns in result.everyone:
        table.add_row(
            turns.contestant,
            _number(turns.median(SPEED)),
            _millis(turns.median("p50_micros")),
            _millis(turns.median("p99_micros")),
            _number(turns.median("cpu_micros_per_row")),
            _percent(turns.ratio(result.one_thread, SPEED)),
            _percent(result.fraction(turns)),
            _ratio(turns.ratio(result.ours[0], SPEED)),
        )
    return table


def _queueing(results: Sequence[Queueing]) -> Table:
    titles = ("offered\nrows/s", "a batch\nms", "p99 of\nqueueing ms", "allowed\nms")
    table = _table("Rows at random moments", "", *titles, "p99 of\nanswers ms")
    for result in results:
        table.add_row(
            result.name,
            _number(result.offered_rows_per_second),
            _millis(result.batch_micros),
            _millis(result.turns.median("queued_p99_micros")),
            _millis(result.allowed_micros),
            _millis(result.turns.median("p99_micros")),
        )
    return table


def _overhead(results: Sequence[Overhead]) -> Table:
    titles = (
        "requests/s",
        "µs per\nrequest",
        "added\nµs",
        "added\nCPU µs",
        "target\nµs",
    )
    table = _table("What batching adds to a request", "", *titles)
    for result in results:
        table.add_row(
            f"{result.name}, {result.batching.threads}",
            _number(result.turns.median(SPEED)),
            _number(result.turns.median("micros_per_row")),
            _number(result.micros),
            _number(result.cpu_micros),
            _number(result.target_micros),
        )
    return table


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    table = _table("Targets", "", "found", "target", "")
    for verdict in verdicts:
        colour, word = ("green", "met") if verdict.met else ("red", "missed")
        table.add_row(verdict.what, *_sides(verdict), f"[{colour}]{word}[/{colour}]")
    return table


def _in_words(verdict: Verdict) -> str:
    found, target = _sides(verdict)
    return f"{verdict.what}: {found}, {'met' if verdict.met else 'missed'} ({target})"


def _sides(verdict: Verdict) -> tuple[str, str]:
    """What was found, and what was aimed at."""

    def text(value: float | None) -> str:
        if verdict.unit and value is not None:
            return f"{_number(value)} {verdict.unit}"
        return NOTHING if value is None else f"{value:.1%}"

    sign = "≥" if verdict.at_least else "≤"
    return text(verdict.value), f"{sign} {text(verdict.target)}"


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _print(table: Table, console: Console) -> None:
    # Lines that a narrow window breaks can be read; cells that are cut cannot.
    wide = console.options.update(width=1000)
    console.width = max(console.width, Measurement.get(console, wide, table).maximum)
    console.print(table)


def _print_problems(turns: Iterable[Turns], console: Console) -> None:
    for its in turns:
        if its.problem:
            console.print(f"{its.contestant}: {escape(its.problem[:300])}", style="red")


def _number(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def _millis(micros: float | None) -> str:
    return NOTHING if micros is None else f"{micros / 1e3:,.3g}"


def _percent(fraction: float | None) -> str:
    return NOTHING if fraction is None else f"{fraction:.0%}"


def _ratio(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"
