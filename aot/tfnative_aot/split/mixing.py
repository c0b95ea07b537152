# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ops whose results have another size for other data, so that rows cannot be told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tfnative_aot.load.reach import nodes_with_bodies

if TYPE_CHECKING:
    from tfnative_aot.load.source import SourceGraph

# For some data, each of them gives a row for each row. Trials would not tell.
_MIXING = re.compile(
    r"^(Unique.*|Where|DynamicPartition|NonMaxSuppression.*|ListDiff|Set.*Operation|"
    r"CTC.*Decoder|Ragged.*|Sparse(?!Softmax|MatMul).*|.*ToSparse|StringSplit.*|"
    r"SegmentSum|Unsorted.*)$"
)


def mixes_rows(graph: SourceGraph) -> bool:
    """Whether what a graph gives for a row may depend on the others."""
    nodes = nodes_with_bodies(graph.graph_def, graph.roots)
    return any(_MIXING.match(node.op) for node in nodes)
