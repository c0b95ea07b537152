# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""How much of a graph's work is in a part of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tfnative_aot.load.reach import nodes_with_bodies

if TYPE_CHECKING:
    from tfnative_aot.load.source import SourceGraph

# What most of a model's time goes to. Of two ways to cut, that which leaves more of
# these to compiled code is the better one.
_HEAVY = re.compile(r"(MatMul|Einsum|Conv[23]D|DepthwiseConv2dNative)")


def is_heavy(op: str) -> bool:
    """Whether it is a product of matrices or a convolution."""
    return bool(_HEAVY.search(op))


def count_heavy(graph: SourceGraph) -> int:
    """How many products of matrices and convolutions a graph has."""
    nodes = nodes_with_bodies(graph.graph_def, graph.roots)
    return sum(is_heavy(node.op) for node in nodes)
