# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The cross product, of ops that barriers can be put between.

Its differences of products are zero for parallel vectors only if products are rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfnative_aot.freeze.rewrites.rule import (
    Replacement,
    Rule,
    element_type,
    same_types,
)

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef


def _rule(node: NodeDef) -> Replacement | None:
    return same_types(node, 2, _cross) if element_type(node).is_floating else None


def _cross(a: Any, b: Any) -> Any:
    def turned(x: Any, places: list[int]) -> Any:
        return tf.gather(x, places, axis=-1)

    one, two = [1, 2, 0], [2, 0, 1]
    return turned(a, one) * turned(b, two) - turned(a, two) * turned(b, one)


RULES: Mapping[str, Rule] = {"Cross": _rule}
