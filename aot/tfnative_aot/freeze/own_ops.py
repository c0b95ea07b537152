# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ops that XLA has no kernel for, or a slow one, and that are compiled all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

SUPPRESSIONS = frozenset(
    {"CombinedNonMaxSuppression", "NonMaxSuppressionV4", "NonMaxSuppressionV5"}
)
"""Ops that kernels of ours compute, where ``has_own_kernel`` says so."""

_REWRITTEN = frozenset({"CropAndResize"})
_OPEN = frozenset(
    {
        "NonMaxSuppression",
        "NonMaxSuppressionV2",
        "NonMaxSuppressionV3",
        "NonMaxSuppressionWithOverlaps",
    }
)
_PADDED = frozenset({"NonMaxSuppressionV4", "NonMaxSuppressionV5"})


def has_own_kernel(node: NodeDef) -> bool:
    """Whether a kernel of ours takes the node's place."""
    if node.op not in SUPPRESSIONS:
        return False
    types = [node.attr[name].type for name in ("T", "T_threshold") if name in node.attr]
    return all(dtype == tf.float32.as_datatype_enum for dtype in types)


def is_own_op(node: NodeDef) -> bool:
    """Whether XLA is given something else in the node's place."""
    return node.op in _REWRITTEN or has_own_kernel(node)


def gives_open_size(node: NodeDef) -> bool:
    """Whether a node gives as many boxes as it finds."""
    is_padded = "pad_to_max_output_size" in node.attr and bool(
        node.attr["pad_to_max_output_size"].b
    )
    return node.op in _OPEN or (node.op in _PADDED and not is_padded)
