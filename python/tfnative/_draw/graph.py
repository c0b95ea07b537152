# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is drawn: boxes, arrows between them, and frames around them. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Line(NamedTuple):
    """A line of a box: a text on the left, and a number or so on the right."""

    left: str
    right: str = ""


@dataclass(frozen=True)
class DrawnNode:
    """A box.

    Attributes:
        id: Unique in the graph.
        title: What stands on top, as "Conv2D".
        family: Key of ``families.FAMILIES``, which says what colour it has.
        lines: What stands below the title.
        note: What stands beside the title, as a time.
        cluster: Id of the frame that it is in, or "".
        scope: The name scopes that it is in, outermost first, as "block_1/conv".
        details: All that is known of it, by name, for tables and tooltips.
        heat: From 0 to 1: its colour, instead of its family's. None for no heat.
        value: What ``heat`` is made of, in the unit of the graph; None without.
        mark: Key of ``families.MARKS``: what became of it between two pictures.
        origin: Name of the TensorFlow node that it comes from, where that is not the
            node itself, or "".
    """

    id: str
    title: str
    family: str
    lines: tuple[Line, ...] = ()
    note: str = ""
    cluster: str = ""
    scope: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    heat: float | None = None
    value: float | None = None
    mark: str = ""
    origin: str = ""


@dataclass(frozen=True)
class DrawnEdge:
    """An arrow.

    Attributes:
        source: Id of the node that it comes from.
        target: Id of the node that it points to.
        label: What flows, as "f32[1,64]".
        dashed: Whether it goes round, from one round of a loop into the next.
    """

    source: str
    target: str
    label: str = ""
    dashed: bool = False


@dataclass(frozen=True)
class Cluster:
    """A frame around boxes, inside of another one or of none ("")."""

    id: str
    label: str
    parent: str = ""


@dataclass(frozen=True)
class DrawnGraph:
    """All of a picture.

    Attributes:
        id: Short and unique among graphs that are shown together.
        title: What it shows.
        notes: Sentences below the title.
        nodes: Boxes.
        edges: Arrows.
        clusters: Frames, the outer ones first.
        hottest: What the full heat stands for, as "41% of 120 us", or "".
        measured: What the nodes' values are, as "microseconds", or "".
    """

    id: str
    title: str
    notes: tuple[str, ...]
    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]
    clusters: tuple[Cluster, ...] = ()
    hottest: str = ""
    measured: str = ""
