# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The comparison on a screen: a line per model and batch size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from benchmarks.arithmetic import ARITHMETICS, FLOAT32
from benchmarks.limits import Limits
from benchmarks.results import Latency, Result

NOTHING = "-"
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def show(results: Sequence[Result], limits: Limits, console: Console) -> None:
    """Prints the table, why numbers are missing, and the limits of the machine."""
    notes: list[str] = []
    table = _table(results, notes)
    # Lines that a narrow window breaks can be read; cells that are cut cannot.
    needed = Measurement.get(console, console.options.update(width=1000), table).maximum
    console.width = max(console.width, needed)
    console.print(table)
    for number, note in enumerate(notes, 1):
        console.print(f"{_mark(number)} {note}", markup=False, highlight=False)
    levels = dict.fromkeys(each.cpu_level for each in results if each.cpu_level)
    if levels:
        console.print(f"tfnative: code for {', '.join(levels)}.", highlight=False)
    for asked in _asked(results):
        console.print(asked, markup=False, highlight=False)
    console.print(describe(limits), highlight=False)


def line(result: Result) -> str:
    """One result in words, while others are being measured."""
    ratio, fastest = result.ratio, result.fastest_peer
    text = f"{result.model}, batch size {result.batch_size}: {_micros(result.ours)} µs"
    if ratio and fastest:
        text += f", {fastest.contestant} {_micros(fastest)} µs, {ratio:.2f}x"
    return text + (f" ({result.ours.problem})" if result.ours.problem else "")


def describe(limits: Limits) -> str:
    """What one thread of this machine can do at most."""
    readings = ", ".join(
        f"{r.gigabytes_per_second:,.0f} GB/s from {r.level.replace('l', 'L')}"
        if r.capacity_bytes
        else f"{r.gigabytes_per_second:,.0f} GB/s from {r.level}"
        for r in limits.readings
    )
    return f"Limits of one thread: {limits.gflops:,.0f} GFLOP/s; reads {readings}."


def _asked(results: Sequence[Result]) -> Iterable[str]:
    """What the peers do for a precision that each of them has in its own way."""
    if results and results[0].precision != FLOAT32:
        yield "In brackets: signal to noise of the answer against float32's, in dB."
        for peer in results[0].peers:
            asked = ARITHMETICS[results[0].precision].peers[peer.contestant]
            yield f"{peer.contestant}: {asked}."


def _table(results: Sequence[Result], notes: list[str]) -> Table:
    peers = [peer.contestant for peer in results[0].peers] if results else []
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("model", no_wrap=True)
    titles = ["batch", "tfnative\nµs", *(f"{peer}\nµs" for peer in peers)]
    titles += ["p99\ntfnative", "p99\nfastest peer", "fastest peer\n/ tfnative"]
    for title in [*titles, "target", "of limit"]:
        table.add_column(title, justify="right", no_wrap=True)
    for result in results:
        table.add_row(
            *(result.model, str(result.batch_size)),
            *_medians(result, notes),
            _micros(result.ours, p99=True),
            _micros(result.fastest_peer, p99=True),
            *_verdict(result),
            _percent(result.fraction_of_limit),
        )
    return table


def _medians(result: Result, notes: list[str]) -> Iterable[str]:
    fastest = result.fastest_peer
    for latency in (result.ours, *result.peers):
        text = _micros(latency)
        if result.precision != FLOAT32 and not latency.problem:
            text += f" ({_decibels(latency)})"
        if latency.problem:
            problem = latency.problem[:300]
            note = f"{latency.contestant}, {result.model}: {problem}"
            if note not in notes:
                notes.append(note)
            text += _mark(notes.index(note) + 1)
        bold = latency is result.ours or latency is fastest
        yield f"[bold]{text}[/bold]" if bold else text


def _verdict(result: Result) -> tuple[str, str]:
    """The ratio, and the target: in words too, not by colour alone."""
    ratio, target = result.ratio, result.target
    shown = f"{ratio:.2f}" if ratio else NOTHING
    if not target:
        return shown, ""
    if not ratio:
        return shown, f"{target:.1f}"
    colour, word = ("green", "met") if ratio >= target else ("red", "missed")
    return f"[{colour}]{shown}[/{colour}]", f"{target:.1f} [{colour}]{word}[/{colour}]"


def _micros(latency: Latency | None, *, p99: bool = False) -> str:
    value = latency and (latency.p99_micros if p99 else latency.median_micros)
    if not value:
        return NOTHING
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def _decibels(latency: Latency) -> str:
    value = latency.signal_to_noise
    return "exact" if value is None else f"{value:.0f}"


def _percent(fraction: float | None) -> str:
    return NOTHING if fraction is None else f"{fraction:.0%}"


def _mark(number: int) -> str:
    return str(number).translate(SUPERSCRIPTS)
