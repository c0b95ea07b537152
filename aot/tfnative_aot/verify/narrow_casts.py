# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Casts of floats to integers that may not hold them.

Of a number out of range, TensorFlow gives other results in its vectors than for what is
left over (see freeze/rewrites/casts.py): there is nothing to compare with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tfnative.errors import Error
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.load.session_source import SessionSource
from tfnative_aot.load.source import Signature, TensorSpec
from tfnative_aot.verify.plain_graph import moved, plain_graph

if TYPE_CHECKING:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

_NARROW = frozenset("int8 uint8 int16 uint16 uint32".split())
"""The types of which TensorFlow's results out of range are not always the same."""


class NarrowCasts:
    """Those of one signature, of what runs outside of its functions.

    TensorFlow is asked for what they are given when that is first needed.
    """

    def __init__(self, model: LoadedModel, graph: FrozenGraph) -> None:
        """Args: what is compiled, as a model and frozen."""
        self._model = model
        self._graph = graph
        self._known: tuple[SessionSource, Signature, dict[str, str]] | None = None
        self._exist = any(map(_narrowed, graph.graph_def.node))

    def __bool__(self) -> bool:
        return self._exist

    def out_of_range(self, inputs: Mapping[str, npt.NDArray[Any]]) -> str:
        """The name of the first that is given a number out of range; "" for none.

        Args:
            inputs: Of the compiled code.

        Raises:
            Exception: What TensorFlow raises for these inputs.
        """
        if not self._exist:
            return ""
        try:
            source, signature, wanted = self._known = self._known or self._make()
        except Error:
            self._exist = False  # TensorFlow's own graph cannot be had: not known.
            return ""
        given = source.run(signature, inputs)
        for name, dtype in wanted.items():
            if not _fits(given[name], dtype):
                return name
        return ""

    def _make(self) -> tuple[SessionSource, Signature, dict[str, str]]:
        graph = plain_graph(self._model, self._graph)
        casts = [node for node in graph.graph_def.node if _narrowed(node)]
        signature = moved(self._model.signature(self._graph.signature), graph)
        fetched = tuple(
            TensorSpec(node.name, _tensor(node.input[0]), "float32", None)
            for node in casts
        )
        return (
            SessionSource.from_graph_def(graph.graph_def),
            replace(signature, outputs=fetched),
            {node.name: _narrowed(node) for node in casts},
        )


def _narrowed(node: NodeDef) -> str:
    """The narrow type that a node casts floats to, or ""."""
    if node.op != "Cast":
        return ""
    given, wanted = (tf.dtypes.as_dtype(node.attr[a].type) for a in ("SrcT", "DstT"))
    return wanted.name if given.is_floating and wanted.name in _NARROW else ""


def _tensor(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def _fits(array: npt.NDArray[Any], dtype: str) -> bool:
    """Whether all numbers, without what is behind the point, are of the type."""
    bounds = np.iinfo(dtype)
    whole = np.trunc(array.astype(np.float64))
    return bool(((whole >= bounds.min) & (whole <= bounds.max)).all())
