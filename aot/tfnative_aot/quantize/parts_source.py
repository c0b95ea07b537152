# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A whole whose middle is replaced: what the reference is of a model that was cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from tfnative_aot.load.load_model import LoadedModel
from tfnative_aot.load.source import Arrays, Signature, SourceGraph
from tfnative_aot.split.tensorflow_part import HeadRunner, TailRunner


class PartsSource:
    """Runs a head, a core and a tail after each other. Implements Source."""

    names_nodes = False

    def __init__(
        self,
        whole: LoadedModel,
        core: LoadedModel,
        head: HeadRunner | None,
        tail: TailRunner | None,
    ) -> None:
        """Args: the model that was cut, and what is run in its place."""
        self._whole = whole
        self._core = core
        self._head = head
        self._tail = tail

    def run(self, signature: Signature, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """See Source."""
        given = {**feeds, **(self._head.run(feeds) if self._head else {})}
        inputs = self._core.signature(signature.name).inputs
        fed = {spec.name: given[spec.name] for spec in inputs}
        between = self._core.run(signature.name, fed)
        return self._tail.run(feeds, between) if self._tail else between

    def graph(self, signature: Signature) -> SourceGraph:
        """See Source. That of the model that was cut."""
        return self._whole.source.graph(signature)

    def constant_graph(self, signature: Signature, graph: SourceGraph) -> SourceGraph:
        """See Source. That of the model that was cut."""
        return self._whole.source.constant_graph(signature, graph)
