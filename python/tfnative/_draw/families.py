# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Colours: of families of steps and ops, and of heat. Dark text is readable on all."""

from __future__ import annotations

import re
from typing import NamedTuple


class Family(NamedTuple):
    """What belongs together: its name in legends, and its colours."""

    label: str
    fill: str
    stroke: str


FAMILIES = {
    "product": Family("matrix product", "#dbe8f8", "#3a6ea5"),
    "convolution": Family("convolution", "#e6def6", "#7552b0"),
    "reduction": Family("reduction, pooling", "#d8f0e2", "#2f855a"),
    "elementwise": Family("element by element", "#fdf0d3", "#b7791f"),
    "move": Family("copies, shapes", "#e9edf2", "#718096"),
    "control": Family("loops, branches, calls", "#fbdfe6", "#b83260"),
    "sort": Family("sorting, searching", "#d7f0f2", "#2c7a7b"),
    "other": Family("other", "#f3e9df", "#8a6d4b"),
    "folded": Family("folded scope", "#ffffff", "#4a5568"),
    "port": Family("input, output", "#ffffff", "#2d3748"),
}


class Mark(NamedTuple):
    """What became of a box between two pictures: its word, and the colour around it."""

    label: str
    stroke: str


MARKS = {
    "": Mark("", ""),
    "gone": Mark("gone afterwards", "#d55e00"),
    "new": Mark("new", "#009e73"),
    "changed": Mark("changed", "#0072b2"),
}
"""Colours that the colour-blind can tell apart; boxes say it in words, too."""

GREY = "#7c8798"
"""Of arrows and what is written beside boxes: readable on white and on black."""

_STOPS = ((255, 247, 226), (253, 212, 158), (252, 141, 89), (239, 101, 72))


def heat_colour(heat: float) -> str:
    """The fill of a box, from cold (0) to hot (1)."""
    at = min(max(heat, 0.0), 1.0) * (len(_STOPS) - 1)
    index = min(int(at), len(_STOPS) - 2)
    part = at - index
    mixed = (
        round(low + (high - low) * part)
        for low, high in zip(_STOPS[index], _STOPS[index + 1], strict=True)
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


_OPS = (
    ("port", "Placeholder|PlaceholderWithDefault|parameter"),
    ("convolution", ".*[Cc]onv(?!ert).*|convolution"),
    ("product", ".*MatMul.*|Einsum|dot|Cholesky|.*Solve|.*Inverse"),
    (
        "reduction",
        ".*Pool.*|Sum|Mean|Max|Min|Prod|Any|All|ArgMax|ArgMin|Cum.*|.*Reduction|"
        "XlaReduce.*|reduce|reduce-window|.*Segment.*|L2Loss|EuclideanNorm|.*Softmax.*",
    ),
    (
        "sort",
        "TopK.*|.*NonMaxSuppression.*|sort|Sort|Unique.*|Where|.*SearchSorted|"
        "UpperBound|LowerBound",
    ),
    (
        "move",
        "Reshape|Transpose|Concat.*|Pack|Unpack|Split.*|.*Slice|Squeeze|ExpandDims|"
        "Tile|.*Pad.*|Gather.*|Scatter.*|Shape.*|Size|Rank|Fill|Broadcast.*|Range|"
        "Reverse.*|Cast|Bitcast|.*ToBatch.*|.*ToSpace.*|.*ToDepth.*|OneHot|TensorList.*|"
        "TensorArray.*|reshape|transpose|bitcast.*|broadcast|concatenate|copy.*|slice|"
        "dynamic-.*|pad|gather|scatter|iota|reverse|convert|constant|tuple|"
        "get-tuple-element",
    ),
    (
        "control",
        ".*While|.*If|.*Case|.*PartitionedCall|Enter|Exit|Switch|Merge|LoopCond|"
        "NextIteration|while|conditional|call|fusion",
    ),
    (
        "other",
        ".*(Table|Parse|Decode|String|Regex|Random|Iterator|Queue|PyFunc|Assert|Assign|"
        "Image|Variable|Summary|Lookup|Example).*|NoOp|rng.*|custom-call",
    ),
)
"""Families by the ops of TensorFlow and the opcodes of XLA that they are made of."""


def family_of_op(op: str) -> str:
    """Key of the family of an op; what is not known is element by element."""
    for family, pattern in _OPS:
        if re.fullmatch(pattern, op):
            return family
    return "elementwise"
