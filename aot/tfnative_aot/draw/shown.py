# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is drawn of a graph, TensorFlow's or XLA's, before it is known where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tfnative._draw.graph import Line


class Ref(NamedTuple):
    """An output of a node."""

    node: str
    output: int


@dataclass(frozen=True)
class Weight:
    """A constant or a variable: its name, and as much as is known of it."""

    name: str
    shape: str
    size: int


@dataclass(frozen=True)
class ShownNode:
    """A node that is drawn.

    Attributes:
        name: With its name scopes, as "block_1/conv/Relu".
        op: As "Relu".
        family: What colour it has.
        inputs: What it reads of other nodes that are drawn.
        weights: The constants and variables that it reads.
        shapes: Of its outputs, as "[?,64]", or "" where they are not known.
        lines: What its box says below its name.
        details: What else is known of it.
        mark: Key of ``families.MARKS``, or "".
        note: What its box says beside the op.
    """

    name: str
    op: str
    family: str
    inputs: tuple[Ref, ...]
    weights: tuple[Weight, ...] = ()
    shapes: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    mark: str = ""
    note: str = ""


@dataclass(frozen=True)
class ShownGraph:
    """What is drawn of a graph.

    Attributes:
        id: Short, unique among graphs that are shown together.
        title: What it shows.
        note: What is not drawn, for people.
        nodes: By id, in the order of the graph.
        inputs: Names of those nodes that are inputs, by id.
        outputs: By name.
        groups: Of nodes that share a box, which box that is. Without any, scopes of
            large graphs are chosen.
    """

    id: str
    title: str
    note: str
    nodes: Mapping[str, ShownNode]
    inputs: Mapping[str, str]
    outputs: Mapping[str, Ref]
    groups: Mapping[str, str] = field(default_factory=dict)


def listed(texts: Iterable[str], most: int) -> str:
    """The first of them, and how many more there are."""
    all_texts = list(texts)
    rest = len(all_texts) - most
    shown = ", ".join(all_texts[:most])
    return f"{shown} and {rest} more" if rest > 0 else shown
