# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Brings what follows a product or convolution into the form of an epilogue."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from tfnative_aot.program.expression import (
    Apply,
    Channel,
    ChannelConstant,
    Element,
    Expression,
    Scalar,
)
from tfnative_aot.program.memory import Buffer
from tfnative_aot.program.passes.activations import read_activation
from tfnative_aot.program.passes.bias_pool import BiasPool
from tfnative_aot.program.passes.known_results import KnownResults
from tfnative_aot.program.passes.packing import PANEL
from tfnative_aot.program.steps import (
    NO_EPILOGUE,
    Convolution,
    Dot,
    Epilogue,
    Kernel,
)

Producer = Dot | Convolution

_NOT_CLAMPED = (NO_EPILOGUE.low, NO_EPILOGUE.high, NO_EPILOGUE.activation)


def match_epilogue(
    producer: Producer, reader: Kernel, biases: BiasPool, known: KnownResults
) -> Epilogue | None:
    """The epilogue with which a producer computes what its reader does, or None.

    Args:
        producer: A step that takes an epilogue, and may have one.
        reader: An element-wise kernel that reads its result.
        biases: Constants of the program; a bias may be added.
        known: Where addends may be that the reader computes again.
    """
    assert reader.expression is not None
    shape = reader.results[0].shape
    if shape.elements != producer.out.shape.elements or not shape.is_row_major:
        return None
    try:
        return _Matcher(producer, reader, biases, known).match(reader.expression)
    except _OtherError:
        return None


class _OtherError(Exception):
    """The expression is no epilogue."""


class _Matcher:
    def __init__(
        self,
        producer: Producer,
        reader: Kernel,
        biases: BiasPool,
        known: KnownResults,
    ) -> None:
        self._producer = producer
        self._reader = reader
        self._biases = biases
        self._known = known

    def match(self, e: Expression) -> Epilogue:
        """The epilogue that computes ``e``.

        Raises:
            _OtherError: There is none.
        """
        if isinstance(e, Element) and self._is_sum(e):
            return self._producer.epilogue
        if not isinstance(e, Apply):
            raise _OtherError
        if activated := read_activation(e):
            name, inside = activated
            before = self.match(inside)
            if before.activation != "linear":
                raise _OtherError
            return replace(before, activation=name)
        if e.operation == "add":
            return self._add(e)
        if e.operation in ("maximum", "minimum", "clamp"):
            return self._clamp(e)
        raise _OtherError

    def _is_sum(self, e: Element) -> bool:
        buffer = self._reader.arguments[e.argument]
        return buffer.slice == self._producer.out.slice

    def _has_sum(self, e: Expression) -> bool:
        if isinstance(e, Apply):
            return any(self._has_sum(operand) for operand in e.operands)
        return isinstance(e, Element) and self._is_sum(e)

    def _split(self, e: Apply) -> tuple[Epilogue, Expression]:
        """The operand with the sum, matched, and the other one of two."""
        first, second = e.operands
        if self._has_sum(second):
            first, second = second, first
        if self._has_sum(second):
            raise _OtherError
        return self.match(first), second

    def _add(self, e: Apply) -> Epilogue:
        before, other = self._split(e)
        if (before.low, before.high, before.activation) != _NOT_CLAMPED:
            raise _OtherError
        if isinstance(other, Element | Apply) and before.addend is None:
            buffer = self._buffer(other)
            if buffer.shape.elements != self._producer.out.shape.elements:
                raise _OtherError
            return replace(before, addend=buffer)
        if isinstance(other, Scalar):
            other = ChannelConstant(
                np.full(self._channels(), other.value, np.float32).tobytes()
            )
        if isinstance(other, Channel | ChannelConstant) and before.bias is None:
            bias = self._biases.find(
                other.data
                if isinstance(other, ChannelConstant)
                else self._reader.arguments[other.argument]
            )
            # The reader's last dimension may be none of the producer's channels.
            if bias is not None and bias.shape.elements == self._channels() + PANEL:
                return replace(before, bias=bias)
        raise _OtherError

    def _buffer(self, e: Element | Apply) -> Buffer:
        """Where the value of an expression is."""
        if isinstance(e, Element):
            return self._reader.arguments[e.argument]
        found = self._known.find(e, self._reader)
        if found is None:
            raise _OtherError
        return found

    def _channels(self) -> int:
        producer = self._producer
        return producer.n if isinstance(producer, Dot) else producer.out_channels

    def _clamp(self, e: Apply) -> Epilogue:
        if e.operation == "clamp":
            low, value, high = e.operands
            inner = Apply("minimum", (Apply("maximum", (value, low)), high))
            return self._clamp(inner)
        before, other = self._split(e)
        if before.activation != "linear" or not isinstance(other, Scalar):
            raise _OtherError
        if math.isnan(other.value):
            raise _OtherError
        bound = max if e.operation == "maximum" else min
        return replace(
            before,
            low=bound(before.low, other.value),
            high=bound(before.high, other.value),
        )
