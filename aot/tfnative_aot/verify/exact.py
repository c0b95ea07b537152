# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's answers in float64: nearer to the true ones than its own in float32."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative.errors import Error
from tfnative_aot.freeze.graph import FrozenGraph
from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.load.session_source import SessionSource
from tfnative_aot.verify.double_graph import double_graph
from tfnative_aot.verify.double_ops import NoDoubleGraphError
from tfnative_aot.verify.plain_graph import moved, plain_graph
from tfnative_aot.verify.samples import Arrays


class Exact:
    """One signature in float64, made when it is first asked.

    Attributes:
        reason: Why it cannot be had; "" as long as it can.
    """

    def __init__(
        self, model: LoadedModel, graph: FrozenGraph, reason: str = ""
    ) -> None:
        """Args: what is compiled, as a model and frozen; and why not, if not."""
        self._model = model
        self._graph = graph
        self._source: SessionSource | None = None
        self._signature = model.signature(graph.signature)
        self.reason = reason

    def outputs(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays | None:
        """Answers to inputs of the compiled code; None if there are none to be had."""
        if self.reason:
            return None
        try:
            source = self._source = self._source or self._make()
            found = source.run(self._signature, {n: wide(a) for n, a in inputs.items()})
        except NoDoubleGraphError as error:
            self.reason = str(error)
        # TensorFlow raises errors of every type on what it cannot compute.
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            self.reason = f"TensorFlow fails: {type(error).__name__}: {said}"
        else:
            return dict(found)
        self._source = None
        return None

    def _make(self) -> SessionSource:
        try:
            graph = plain_graph(self._model, self._graph)
        except Error as error:
            raise NoDoubleGraphError(str(error)) from error
        self._signature = moved(self._signature, graph)
        return SessionSource.from_graph_def(double_graph(graph))


def wide(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array as a graph in float64 takes it."""
    if array.dtype.kind == "c":
        return array.astype(np.complex128)
    is_real = array.dtype.kind == "f" or array.dtype.name == "bfloat16"
    return array.astype(np.float64) if is_real else array
