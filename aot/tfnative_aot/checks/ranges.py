# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Lengths, counts and bounds that have to be in a range."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfnative_aot.checks.facts import Facts
from tfnative_aot.checks.finding import Finding, at, first, has_no_elements


def reversed_lengths(node: Any, facts: Facts) -> list[Finding]:
    """ReverseSequence: lengths are those of beginnings."""
    data, lengths = node.inputs
    dimension = node.get_attr("seq_dim")
    size = data.shape[dimension]
    known = facts.interval(lengths)
    if has_no_elements(lengths) or (size is not None and known.is_in(0, size)):
        return []
    limit = tf.shape(data)[dimension] if size is None else tf.constant(size)
    wide = tf.cast(lengths, tf.int64)
    # TensorFlow looks at each in turn.
    position = first((wide < 0) | (wide > tf.cast(limit, tf.int64)))
    is_negative = at(lengths, position) < 0
    return [
        Finding("seq_lens({@}) < 0", tf.where(is_negative, position, -1), (), lengths),
        Finding(
            f"seq_lens({{@}}) > input.dims({dimension})",
            tf.where(is_negative, -1, position),
            (),
            lengths,
        ),
    ]


def counted(node: Any, facts: Facts) -> list[Finding]:
    """Bincount, DenseBincount: what is counted is not negative."""
    numbers = node.inputs[0]
    if has_no_elements(numbers) or facts.interval(numbers).first >= 0:
        return []
    position = first(numbers < 0)
    if node.type == "DenseBincount" and numbers.shape.rank == 2:
        message = "Input 'in' must be non-negative! Negative input value found: {i0}"
        return [Finding(message, position, (at(numbers, position),), numbers)]
    return [Finding("Input arr must be non-negative!", position, (), numbers)]


def band(node: Any, facts: Facts) -> list[Finding]:
    """MatrixBandPart: no more diagonals are kept than there are."""
    matrix, lower, upper = node.inputs
    found = []
    for count, dimension, name, what in (
        (lower, -2, "num_lower", "rows"),
        (upper, -1, "num_upper", "columns"),
    ):
        size = matrix.shape[dimension]
        known = facts.interval(count)
        if known.last <= 0 or (size is not None and known.last <= size):
            continue
        limit = tf.cast(tf.shape(matrix)[dimension], tf.int64)
        kept = tf.cast(count, tf.int64)
        message = (
            f"{name} must be negative or less or equal to number of {what} ({{i0}}) "
            "got: {i1}"
        )
        found.append(Finding(message, first(kept > limit), (limit, kept)))
    return found


def drawn(node: Any, facts: Facts) -> list[Finding]:
    """StatelessRandomUniformInt: there is a number between the bounds."""
    least, limit = node.inputs[-2:]
    if facts.interval(least).last < facts.interval(limit).first:
        return []
    message = "Need minval < maxval, got {i0} >= {i1}"
    return [Finding(message, first(least >= limit), (least, limit))]


def quantized(node: Any, facts: Facts) -> list[Finding]:
    """QuantizeAndDequantizeV2 and later ones: a given range has its ends in order."""
    if not node.get_attr("range_given"):
        return []
    least, most = node.inputs[1:3]
    ends = [facts.constant(tensor) for tensor in (least, most)]
    if ends[0] is not None and ends[1] is not None and (ends[0] <= ends[1]).all():
        return []
    if node.get_attr("axis") == -1:
        message = "Invalid range: input_min {f0} > input_max {f1}"
        return [Finding(message, first(tf.reshape(least > most, [])), (least, most))]
    position = first(least > most)
    values = (at(least, position), at(most, position))
    message = "Invalid range: input_min {f0} > input_max {f1}"
    return [Finding(message, position, values, least)]


RULES = {
    "ReverseSequence": reversed_lengths,
    "Bincount": counted,
    "DenseBincount": counted,
    "MatrixBandPart": band,
    "StatelessRandomUniformInt": drawn,
    "StatelessRandomUniformIntV2": drawn,
    "QuantizeAndDequantizeV2": quantized,
    "QuantizeAndDequantizeV3": quantized,
    "QuantizeAndDequantizeV4": quantized,
}
"""By op."""
