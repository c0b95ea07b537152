# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What `tfnative inspect --precision` shows, and `tfnative compile` of it."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

from tfnative._base.text import short_node
from tfnative._base.units import format_shape
from tfnative._cli.common import UsageError, print_json, print_table
from tfnative._cli.precision_choice import print_choices
from tfnative.manifest import LayerPrecision, Manifest, Precision


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds what asks for it."""
    parser.add_argument(
        "--precision",
        action="store_true",
        help="list the weights of a compiled model, what each of them is stored in, "
        "and how far the outputs are from float32's",
    )


def is_asked(options: argparse.Namespace) -> bool:
    """Whether it is asked for.

    Raises:
        UsageError: Flags do not go together.
    """
    if options.precision:
        for flag in ("graph", "model_explorer", "program", "memory"):
            if getattr(options, flag) not in (None, False):
                name = flag.replace("_", "-")
                raise UsageError(
                    f"--precision and --{name} show different things: choose one"
                )
    return bool(options.precision)


def show(manifest: Manifest, *, as_json: bool) -> None:
    """Prints layers and outputs of every signature."""
    if as_json:
        print_json(
            {
                name: None if each.precision is None else asdict(each.precision)
                for name, each in manifest.signatures.items()
            }
        )
        return
    for name, signature in manifest.signatures.items():
        precision = signature.precision
        if precision is None:
            print(f"signature {name}: float32, as in TensorFlow")
            continue
        print(f"signature {name}: {precision.asked}")
        print_table(
            (
                *("layer", "op", "weights", "stored"),
                *("signal/noise", "computed in", "of numbers"),
            ),
            [
                (short_node(each.node), each.op, *_weights(each))
                for each in precision.layers
            ],
        )
        for line in (*_kept(precision.layers), *precision.notes):
            print(line)
        print()
    print_outputs(manifest)
    print_choices(manifest)


def print_outputs(manifest: Manifest) -> None:
    """Prints how far outputs are from float32's, where weights are rounded."""
    rows = [
        (
            name,
            each.output,
            each.samples,
            each.rows or "-",
            _decibels(each.signal_to_noise) if each.cosine is not None else "-",
            "-" if each.cosine is None else f"{each.cosine:.6f}",
            "-" if each.same_top is None else f"{each.same_top:.1%}",
        )
        for name, precision in _rounded(manifest)
        for each in precision.outputs
    ]
    if rows:
        print("against the same model in float32:")
        header = (
            *("signature", "output", "samples", "rows"),
            *("signal/noise", "cosine", "same top-1"),
        )
        print_table(header, rows)


def print_stored(manifest: Manifest) -> None:
    """Prints, for each signature whose weights are rounded, how many of them are."""
    for name, precision in _rounded(manifest):
        asked = precision.asked.partition("-")[0]
        usual = "int8" if asked == "auto" else asked
        counts = Counter(each.stored for each in precision.layers)
        others = "".join(
            f", {count} as {stored}"
            for stored, count in counts.items()
            if stored not in ("float32", usual)
        )
        print(
            f"{name}: {counts[usual]} of {len(precision.layers)} weights are stored as "
            f"{usual}{others}"
        )
        for line in (*_kept(precision.layers), *precision.notes):
            print(f"{name}: {line}")


def _rounded(manifest: Manifest) -> Iterable[tuple[str, Precision]]:
    for name, signature in manifest.signatures.items():
        if signature.precision is not None:
            yield name, signature.precision


def _kept(layers: Iterable[LayerPrecision]) -> Iterable[str]:
    for each in layers:
        if each.reason:
            stays = "stays" if each.stored == "float32" else "is"
            yield f"{short_node(each.node)} {stays} {each.stored}: {each.reason}"


def _weights(layer: LayerPrecision) -> tuple[str, str, str, str, str]:
    return (
        format_shape(layer.shape),
        layer.stored,
        _decibels(layer.signal_to_noise),
        layer.computed,
        _range(layer),
    )


def _range(layer: LayerPrecision) -> str:
    """What numbers are rounded between that are multiplied in 8 bits."""
    if layer.computed != "int8":
        return ""
    if layer.input_range is None:
        return "each row, at run time"
    return "{:.4g} to {:.4g}".format(*layer.input_range)


def _decibels(value: float | None) -> str:
    return "exact" if value is None else f"{value:.1f} dB"
