# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What an artifact says of how its layers in 8 bits were chosen."""

from __future__ import annotations

from dataclasses import dataclass

from tfnative._manifest.reader import Reader


@dataclass(frozen=True)
class LayerTrial:
    """A layer that could be in 8 bits.

    Attributes:
        node: TensorFlow's node that multiplies.
        signal_to_noise: Of the outputs where it alone is in 8 bits, against float32, in
            decibels; None if nothing differs.
        gained: Time that it saves in 8 bits, against float32; below 0 if it is slower.
        float16_gained: Time that it saves with float16 weights, against float32; None
            if it was not asked, or if float16 does not hold them or is slower.
    """

    node: str
    signal_to_noise: float | None
    gained: float
    float16_gained: float | None = None


@dataclass(frozen=True)
class ChoicePoint:
    """The model with some of its layers in floats again.

    Attributes:
        returned: The layer that went back last; "" for the first point, with all layers
            in 8 bits.
        layers: How many are in 8 bits.
        time: Of a call.
        signal_to_noise: Of the outputs against float32, in decibels; None if nothing
            differs.
        accuracy: Share of the samples whose label has the largest score; None without
            labels.
        holds: Whether the budget does.
        to: What the layer that went back has its weights in: "float16" or "float32".
    """

    returned: str
    layers: int
    time: float
    signal_to_noise: float | None
    accuracy: float | None
    holds: bool
    to: str = "float32"


@dataclass(frozen=True)
class PrecisionChoice:
    """Which layers of a signature are in 8 bits, and how that was found.

    Attributes:
        budget: What bounds the loss: "accuracy", in points of percent that it may be
            less than float32's, or "signal_to_noise", in decibels at least.
        allowed: The bound.
        range_samples: How many samples ranges were found of.
        judged_samples: How many samples said what is lost.
        held_out: Whether these are others.
        float32_accuracy: As ``ChoicePoint.accuracy``, of float32.
        float32_time: Of a call in float32.
        time_unit: "us" if times were measured, else "Mop": millions of operations, of
            which those in 8 bits count a quarter.
        cpu_level: On which times were measured, or "".
        rows: Of a call whose time it is; 0 for a signature without a batch dimension.
        layers: All that could be in 8 bits, in the graph's order.
        points: From all in 8 bits to what was chosen.
    """

    budget: str
    allowed: float
    range_samples: int
    judged_samples: int
    held_out: bool
    float32_accuracy: float | None
    float32_time: float
    time_unit: str
    cpu_level: str
    rows: int
    layers: tuple[LayerTrial, ...]
    points: tuple[ChoicePoint, ...]


def read_choice(reader: Reader) -> PrecisionChoice | None:
    """Reads the field of a signature's precision, if it has one.

    Raises:
        LoadError: It is none; the message names the field.
    """
    if not reader.has("choice") or reader.is_null("choice"):
        return None
    inner = reader.take_reader("choice")
    return PrecisionChoice(
        budget=inner.take("budget", str),
        allowed=inner.take("allowed", float),
        range_samples=inner.take("range_samples", int),
        judged_samples=inner.take("judged_samples", int),
        held_out=inner.take("held_out", bool),
        float32_accuracy=inner.take_or_null("float32_accuracy", float),
        float32_time=inner.take("float32_time", float),
        time_unit=inner.take("time_unit", str),
        cpu_level=inner.take("cpu_level", str),
        rows=inner.take("rows", int),
        layers=inner.take_list("layers", _layer),
        points=inner.take_list("points", _point),
    )


def _layer(place: str, value: object) -> LayerTrial:
    reader = Reader(place, value)
    return LayerTrial(
        node=reader.take("node", str),
        signal_to_noise=reader.take_or_null("signal_to_noise", float),
        gained=reader.take("gained", float),
        float16_gained=_or_none(reader, "float16_gained"),
    )


def _point(place: str, value: object) -> ChoicePoint:
    reader = Reader(place, value)
    return ChoicePoint(
        returned=reader.take("returned", str),
        layers=reader.take("layers", int),
        time=reader.take("time", float),
        signal_to_noise=reader.take_or_null("signal_to_noise", float),
        accuracy=reader.take_or_null("accuracy", float),
        holds=reader.take("holds", bool),
        to=reader.take("to", str) if reader.has("to") else "float32",
    )


def _or_none(reader: Reader, name: str) -> float | None:
    """What older artifacts do not have."""
    return reader.take_or_null(name, float) if reader.has(name) else None
