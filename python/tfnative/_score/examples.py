# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Scores serialised tf.Example messages, by any signature whose inputs they can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tfnative._examples.inputs import as_inputs
from tfnative._score.sources.tfrecord import EXAMPLE
from tfnative._tables.feeds import Feed
from tfnative._tables.scorer import Columned, Scorer, TableModel
from tfnative.errors import InvalidArgumentError

if TYPE_CHECKING:
    from tfnative._signature import Signature


class ExampleScorer(Scorer):
    """Scores batches with a column of messages."""

    def __init__(
        self, model: TableModel, schema: Any, asked: Columned, *, text: bool = False
    ) -> None:
        if asked.columns:
            raise InvalidArgumentError(
                "tf.Examples feed inputs by the names of their features: --columns is "
                "for tables"
            )
        self._whole = model.signature(asked.signature)
        super().__init__(model, schema, asked, text=text)

    def _find_feeds(
        self, signature: Signature, schema: Any, asked: Columned, *, text: bool
    ) -> tuple[Feed, ...]:
        del signature, schema, asked, text
        return ()

    def needs(self) -> list[str]:
        """The messages."""
        return [EXAMPLE]

    def _inputs(self, batch: Any) -> Any:
        messages = np.empty(batch.num_rows, object)
        messages[:] = batch.column(EXAMPLE).to_pylist()
        return {EXAMPLE: messages}, np.arange(batch.num_rows), []

    def _call(self, inputs: Mapping[str, npt.NDArray[Any]]) -> Any:
        return super()._call(as_inputs(self._whole, inputs[EXAMPLE]))
