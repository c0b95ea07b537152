# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How layers in 8 bits were chosen, as tables."""

from __future__ import annotations

from tfnative._base.text import short_node
from tfnative._cli.common import print_table
from tfnative.manifest import ChoicePoint, Manifest, PrecisionChoice


def print_choices(manifest: Manifest) -> None:
    """Prints, for each signature whose layers were chosen, what was tried."""
    for name, signature in manifest.signatures.items():
        precision = signature.precision
        if precision is not None and precision.choice is not None:
            _print(name, precision.choice)


def _print(signature: str, choice: PrecisionChoice) -> None:
    print(f"{signature}: {_budget(choice)}")
    unit = choice.time_unit
    print_table(
        ("goes back", "to", "in 8 bits", unit, *_measure(choice), "budget"),
        [
            *(_row(point, choice) for point in choice.points),
            (
                "all",
                "float32",
                0,
                f"{choice.float32_time:.3g}",
                *_measured(None, choice.float32_accuracy, choice),
                "",
            ),
        ],
    )
    for line in _notes(choice):
        print(f"{signature}: {line}")


def _budget(choice: PrecisionChoice) -> str:
    if choice.budget == "accuracy":
        return (
            f"layers in 8 bits, up to {choice.allowed:g} points less accurate than "
            "float32"
        )
    return f"layers in 8 bits, with {choice.allowed:g} dB or more of signal to noise"


def _measure(choice: PrecisionChoice) -> tuple[str, ...]:
    if choice.budget == "accuracy":
        return ("signal/noise", "accuracy")
    return ("signal/noise",)


def _row(point: ChoicePoint, choice: PrecisionChoice) -> tuple[object, ...]:
    return (
        short_node(point.returned) if point.returned else "none",
        point.to if point.returned else "",
        point.layers,
        f"{point.time:.3g}",
        *_measured(point.signal_to_noise, point.accuracy, choice),
        "holds" if point.holds else "",
    )


def _measured(
    ratio: float | None, accuracy: float | None, choice: PrecisionChoice
) -> tuple[str, ...]:
    shown = "exact" if ratio is None else f"{ratio:.1f} dB"
    if choice.budget != "accuracy":
        return (shown,)
    return shown, "-" if accuracy is None else f"{accuracy:.2%}"


def _notes(choice: PrecisionChoice) -> list[str]:
    samples = f"{choice.range_samples} samples for ranges, {choice.judged_samples} "
    if choice.held_out:
        samples += "others to judge by"
    else:
        samples = f"{choice.judged_samples} samples, too few to hold some out: all of "
        samples += "them for ranges, and to judge by"
    times = (
        "times are estimated by operations, of which those in 8 bits count a quarter"
    )
    if choice.cpu_level:
        rows = f"{choice.rows} row{'s' if choice.rows > 1 else ''}"
        call = rows if choice.rows else "a call"
        times = f"times of {call} on {choice.cpu_level}; between the ends, of sums"
    return [samples, times]
