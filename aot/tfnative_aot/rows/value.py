# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of a value: how it depends on the rows of the batch.

The values form a lattice: ``join`` goes up, and ``Mixed`` is its top. A value that
has the number of rows in its shape has it in one dimension, of outer * rows * inner
elements: element i there belongs to row (i // inner) % rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum


class Kind(IntEnum):
    """How elements depend on the rows."""

    SAME = 0
    """The same for every row, and for any number of rows."""
    ROWS = 1
    """An element depends on the row that it belongs to, and on no other."""
    NUMBER = 2
    """An element is the number of the row that it belongs to, from 0 on."""
    ROUND = 3
    """In a loop with a round for each row: the number of the round, from 0 on."""
    OF_ROUND = 4
    """There: depends on the row that has the number of the round, and on no other."""


@dataclass(frozen=True)
class Layout:
    """Where the rows of a value are.

    Attributes:
        dim: The dimension.
        outer: How often all rows come one after the other.
        inner: How many elements of a row lie side by side.
    """

    dim: int
    outer: int = 1
    inner: int = 1


@dataclass(frozen=True)
class Known:
    """An array of which it is known how it depends on the rows.

    Attributes:
        kind: How.
        layout: Where its rows are. None if no dimension has the number of rows in it,
            or if elements are equal all along each dimension that has.
    """

    kind: Kind = Kind.SAME
    layout: Layout | None = None

    def at(self, layout: Layout | None) -> Known:
        """The same with its rows elsewhere."""
        return replace(self, layout=layout)


@dataclass(frozen=True)
class Mixed:
    """A value that may depend on several rows, or on how many there are.

    Attributes:
        reason: What makes it so, as the end of a sentence about the node.
        node: Name of the TensorFlow node that does.
        op: Its op.
        is_certain: Whether rows are certainly mixed; else the analysis does not know.
    """

    reason: str
    node: str = ""
    op: str = ""
    is_certain: bool = True


@dataclass(frozen=True)
class Several:
    """A tuple of values."""

    parts: tuple[Value, ...]


@dataclass(frozen=True)
class Indices:
    """Arrays one after the other along a dimension, some of them numbers of rows.

    What gathers and scatters take: a row's number is the index of that row.

    Attributes:
        dim: The dimension.
        columns: What is known of each element of the dimension.
    """

    dim: int
    columns: tuple[Known, ...]


Value = Known | Mixed | Several | Indices

SAME = Known()
COUNTS = "uses the number of rows"
"""The reason of what another number of rows would change by itself."""


class CannotJoinError(Exception):
    """Two values do not have their rows in the same places."""


def join(left: Value, right: Value) -> Value:
    """What holds of an element that depends on an element of each.

    Raises:
        CannotJoinError: They do not have their rows in the same places.
    """
    if isinstance(left, Several) and isinstance(right, Several):
        pairs = zip(left.parts, right.parts, strict=True)
        return Several(tuple(join(a, b) for a, b in pairs))
    if isinstance(left, Mixed):
        return left
    if isinstance(right, Mixed):
        return right
    assert isinstance(left, Known)
    assert isinstance(right, Known)
    if left == right:
        return left
    if left.layout and right.layout and left.layout != right.layout:
        raise CannotJoinError
    kinds = {left.kind, right.kind}
    if not kinds.isdisjoint({Kind.NUMBER, Kind.ROUND}):
        return Mixed("uses the number of the row")
    if kinds == {Kind.ROWS, Kind.OF_ROUND}:
        return Mixed("compares rows with each other")
    if Kind.OF_ROUND in kinds:  # What is the same for all rows is so for that one.
        return Known(Kind.OF_ROUND)
    return Known(max(left.kind, right.kind), left.layout or right.layout)
