# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of how a value in TensorFlow's graph depends on the number of rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class State:
    """How a value depends on the number of rows.

    Attributes:
        kind: "constant": not at all, and it is known when the model is compiled.
            "spread": its elements do not, but there are as many as the rows have.
            "count": it is computed of the number of rows and constants.
            "data": of what the model is given when it runs.
        elements: Of a vector of kind "count": which of its elements are, if known.
    """

    kind: str
    elements: tuple[bool, ...] | None = None


CONSTANT = State("constant")
SPREAD = State("spread")
COUNT = State("count")
DATA = State("data")
_ORDER = ("constant", "spread", "count", "data")


def of_shape(shape: Any) -> State:
    """Of the shape of a tensor, as a vector."""
    if shape.rank is None:
        return COUNT
    return of_elements(size is None for size in shape.as_list())


def of_elements(elements: Iterable[bool]) -> State:
    """Of a vector of which some elements are counts."""
    found = tuple(elements)
    return State("count", found) if any(found) else CONSTANT


def joined(states: Iterable[State]) -> State:
    """Of a value that depends on all of these."""
    states = list(states)
    highest = max(states, key=lambda state: _ORDER.index(state.kind))
    if highest.kind != "count":
        return highest
    same = {state.elements for state in states}
    return highest if len(same) == 1 else COUNT
