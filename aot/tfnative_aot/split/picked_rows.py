# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Tells whether a head gives compiled code some rows of all, and not each.

``tf.boolean_mask`` picks rows by their places, which are no rows of their own: code
that is compiled for a row for each row cannot take them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfnative_aot.freeze.refusals import SIZE_DEPENDS_ON_DATA
from tfnative_aot.load.source import BATCH, node_of

if TYPE_CHECKING:
    from tfnative_aot.split.cut import Cut

# What has as many rows as what it reads first, or in place of that, at another place.
_KEEPS_ROWS = {"Cast": 0, "Identity": 0, "Reshape": 0, "Squeeze": 0, "GatherV2": 1}
_KEEPS_ROWS |= {"ExpandDims": 0, "GatherNd": 1, "StopGradient": 0, "StridedSlice": 0}


def picks(parts: Cut) -> bool:
    """Whether a tensor of the head has as many rows as its data say."""
    nodes = {node.name: node for node in parts.graph.graph_def.node}
    shapes = {spec.name: spec.shape for spec in parts.signature.inputs}
    for name, tensor in parts.tensors.items():
        shape = shapes.get(name)
        if not shape or shape[0] not in (None, BATCH):
            continue
        node = nodes[node_of(tensor)]
        while node.op in _KEEPS_ROWS:
            node = nodes[node_of(node.input[_KEEPS_ROWS[node.op]])]
        if node.op in SIZE_DEPENDS_ON_DATA:
            return True
    return False
