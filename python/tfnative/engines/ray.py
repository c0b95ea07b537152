# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models in the actors of Ray Data, and on their way to them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfnative._backends.options import LoadOptions
from tfnative._shipping.loaded import loaded
from tfnative._shipping.ray import Shipped, path_of, ship
from tfnative._tables.array_batches import as_arrays, as_table
from tfnative._tables.predict_table import predict_table
from tfnative._tables.scorer import Columned

if TYPE_CHECKING:
    from tfnative._tables.feeds import Columns

__all__ = ["Predictor", "Shipped", "ship"]


class Predictor:
    """Predicts batches, for ``Dataset.map_batches``, whose actors have a model each.

    ::

        rows = ray.data.read_parquet("rows/")
        scored = rows.map_batches(
            Predictor,
            fn_constructor_kwargs={"model": ship("build/digits"), "keep": ["id"]},
            batch_format="pyarrow",
            concurrency=8,
        )

    Columns of pyarrow's batches are read where they are in Ray's store. Batches of
    pandas and NumPy do, too. Actors of a machine share the weights' memory.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Shipped,
        *,
        columns: Columns | None = None,
        keep: Sequence[str] = (),
        outputs: Mapping[str, str] | None = None,
        signature: str | None = None,
        threads: int = 1,
    ) -> None:
        """Loads the model, in the actor.

        Args:
            model: A path that all nodes have, or what ``ship`` gives.
            columns: As for ``Model.predict_table``, and so are the next three.
            keep: Columns that stand before the outputs.
            outputs: By output, what its column is called.
            signature: The signature's name.
            threads: That predict. Ray plans one processor for an actor: with more,
                give ``map_batches`` ``num_cpus``, too.

        Raises:
            Error: What ``load`` raises.
        """
        self._model = loaded(path_of(model), LoadOptions(threads=threads))
        self._columned = Columned(signature, columns, tuple(keep), outputs)

    def __call__(self, batch: Any) -> Any:
        """Predicts the rows of a batch.

        Args:
            batch: A table of pyarrow, a DataFrame of pandas, or a dict of arrays, as
                ``batch_format`` has it.

        Returns:
            A batch of the same kind, with a row for each row.

        Raises:
            InvalidArgumentError: As ``Model.predict_table``.
        """
        if isinstance(batch, Mapping):
            scored = predict_table(self._model, as_table(batch), self._columned)
            kept = {name: batch[name] for name in self._columned.keep}
            return {**as_arrays(scored), **kept}
        return predict_table(self._model, batch, self._columned)
