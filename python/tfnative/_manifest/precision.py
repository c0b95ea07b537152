# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an artifact says of what is less precise in it than float32."""

from __future__ import annotations

from dataclasses import dataclass

from tfnative._manifest.precision_choice import PrecisionChoice, read_choice
from tfnative._manifest.reader import Reader, read_number, read_text, read_whole
from tfnative.errors import LoadError


@dataclass(frozen=True)
class LayerPrecision:
    """Weights, and how they are stored.

    Attributes:
        node: TensorFlow's node that multiplies with them, or looks something up.
        op: Its op, as "MatMul".
        shape: Of the weights, as the node has them.
        stored: The type that they are stored in: "float32", "float16", "bfloat16" or
            "int8".
        signal_to_noise: Of the weights, in decibels: 10 log10 of the sum of their
            squares over the sum of the squares of what rounding changed. None if it
            changed nothing.
        reason: Why they are not in the type that was asked for; else empty.
        computed: What is multiplied with them: "float32", or "int8".
        input_range: What int8 stands for in that, from the least to the largest
            number, as calibration found it; None where each row has a range of its own.
    """

    node: str
    op: str
    shape: tuple[int, ...]
    stored: str
    signal_to_noise: float | None = None
    reason: str = ""
    computed: str = "float32"
    input_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class OutputPrecision:
    """How far an output is from that of the same model in float32.

    Attributes:
        output: Its name.
        rows: How many rows were compared; 0 for a signature without a batch dimension.
        signal_to_noise: In decibels, as in ``LayerPrecision``; None if nothing differs,
            or where NaN and infinities differ.
        cosine: Of the angle between both, as vectors of all their numbers; None where
            one of them is zero, or not finite.
        same_top: Share of rows whose largest number is in the same place; None for what
            has not one row of at least two floats for each row of the batch.
        samples: Which inputs were compared: "drawn", "given" with --golden, those of
            "calibration", by which ranges were found, or others of these that were
            "held out".
    """

    output: str
    rows: int
    signal_to_noise: float | None
    cosine: float | None
    same_top: float | None
    samples: str = "drawn"


@dataclass(frozen=True)
class Precision:
    """What was asked for, and what it comes to.

    Attributes:
        asked: As ``CompileOptions.precision``.
        layers: Weights, in the graph's order.
        outputs: All outputs in floats.
        notes: What is to be said of samples of calibration, and of their ranges.
        choice: How it was found which layers are in 8 bits, if they were chosen.
    """

    asked: str
    layers: tuple[LayerPrecision, ...]
    outputs: tuple[OutputPrecision, ...]
    notes: tuple[str, ...] = ()
    choice: PrecisionChoice | None = None


def read_precision(reader: Reader) -> Precision | None:
    """Reads the field of a signature, if it has one.

    Raises:
        LoadError: It is none; the message names the field.
    """
    if not reader.has("precision") or reader.is_null("precision"):
        return None
    inner = reader.take_reader("precision")
    return Precision(
        asked=inner.take("asked", str),
        layers=inner.take_list("layers", _layer),
        outputs=inner.take_list("outputs", _output),
        notes=inner.take_list("notes", read_text) if inner.has("notes") else (),
        choice=read_choice(inner),
    )


def _layer(place: str, value: object) -> LayerPrecision:
    reader = Reader(place, value)
    return LayerPrecision(
        node=reader.take("node", str),
        op=reader.take("op", str),
        shape=reader.take_list("shape", read_whole),
        stored=reader.take("stored", str),
        signal_to_noise=reader.take_or_null("signal_to_noise", float),
        reason=reader.take("reason", str),
        computed=reader.take("computed", str),
        input_range=_range(reader),
    )


def _range(reader: Reader) -> tuple[float, float] | None:
    if not reader.has("input_range") or reader.is_null("input_range"):
        return None
    ends = reader.take_list("input_range", read_number)
    if len(ends) != 2:
        raise LoadError(f"input_range in the manifest: {list(ends)} is not two numbers")
    return ends[0], ends[1]


def _output(place: str, value: object) -> OutputPrecision:
    reader = Reader(place, value)
    return OutputPrecision(
        output=reader.take("output", str),
        rows=reader.take("rows", int),
        signal_to_noise=reader.take_or_null("signal_to_noise", float),
        cosine=reader.take_or_null("cosine", float),
        same_top=reader.take_or_null("same_top", float),
        samples=reader.take("samples", str) if reader.has("samples") else "drawn",
    )
