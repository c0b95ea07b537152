# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Whether TensorFlow can run a part of a model by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tfnative.errors import CompileError
from tfnative_aot.load.initializer import TABLES
from tfnative_aot.load.reach import nodes_with_bodies

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef

    from tfnative_aot.load.load_model import LoadedModel

_ANY_TABLE = re.compile(r"HashTable")


def check_part(graph_def: GraphDef, roots: Iterable[str], model: LoadedModel) -> None:
    """Checks that TensorFlow can run a part of a model by itself.

    Args:
        graph_def: The part's graph.
        roots: The nodes that it runs for their results or effects.
        model: The whole.

    Raises:
        CompileError: It cannot; says why.
    """
    if not model.source.names_nodes:
        raise CompileError(
            "it cannot be cut as it was saved: only TensorFlow 2's loader can read it, "
            "which gives no names to tables. Keras 3 models can be cut that were saved "
            "with model.export"
        )
    ops = {node.op for node in nodes_with_bodies(graph_def, roots)}
    others = sorted(op for op in ops if _ANY_TABLE.search(op) and op not in TABLES)
    if others:
        raise CompileError(
            f"it cannot be cut: the values of {', '.join(others)} may change, or are "
            "in the checkpoint"
        )
