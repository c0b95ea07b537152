# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to serve rows in batches, one file per library.

Each has functions ``(model, batching) -> Server``, for the path of the model as it was
converted for a runtime of ``benchmarks.contestants``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.contestants import Arrays, Predict

if TYPE_CHECKING:
    from benchmarks.batching.loads import Server


@dataclass(frozen=True)
class Batching:
    """What all contestants are asked for.

    Attributes:
        max_batch_size: Rows of the largest batch.
        batch_timeout_micros: How long the first request of a batch waits for others.
        num_batch_threads: How many threads may compute at once.
    """

    max_batch_size: int
    batch_timeout_micros: int
    num_batch_threads: int

    @property
    def threads(self) -> str:
        """The number of threads in words."""
        return (
            f"{self.num_batch_threads} batch thread{'s'[: self.num_batch_threads > 1]}"
        )


@dataclass(frozen=True)
class Contestant:
    """A way to serve.

    Attributes:
        runtime: Of ``benchmarks.contestants``: what the model is converted for.
        module: Of this package.
        function: Its function.
    """

    runtime: str
    module: str
    function: str

    def serve(self, model: Path, batching: Batching) -> Server:
        """Loads a model and starts to serve."""
        module = importlib.import_module(f"{__name__}.{self.module}")
        function: Callable[[Path, Batching], Server] = getattr(module, self.function)
        return function(model, batching)


OWN = {
    "tfnative": Contestant("tfnative", "tfnative", "threads"),
    "tfnative-asyncio": Contestant("tfnative", "tfnative", "tasks"),
    "model": Contestant("tfnative", "tfnative", "model"),
}
PEERS = {
    "batched-tfnative": Contestant("tfnative", "batched", "over_tfnative"),
    "batched-ort": Contestant("ort", "batched", "over_ort"),
    "asyncio-ort": Contestant("ort", "asyncio_loop", "over_ort"),
    "openvino": Contestant("openvino", "openvino", "jobs"),
    "tensorflow": Contestant("tensorflow", "tensorflow", "threads"),
}
CONTESTANTS = {**OWN, **PEERS}


def predict_many(predict: Predict, requests: list[Arrays]) -> list[Arrays]:
    """Predicts requests of a row each together, as one has to by hand."""
    inputs = {name: np.concatenate([r[name] for r in requests]) for name in requests[0]}
    outputs = predict(inputs)
    return [
        {name: value[i : i + 1] for name, value in outputs.items()}
        for i in range(len(requests))
    ]


def only(values: dict[str, Any]) -> Any:
    """The value of a dict that has one."""
    (value,) = values.values()
    return value
