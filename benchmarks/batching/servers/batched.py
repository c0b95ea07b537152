# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The package ``batched``: one thread gathers requests and runs them.

As many threads as there are batch threads work on each batch instead.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks import contestants
from benchmarks.batching.loads import ThreadServer
from benchmarks.batching.servers import Batching, predict_many
from benchmarks.contestants import Arrays


def over_tfnative(path: Path, batching: Batching) -> ThreadServer:
    """With tfnative's model."""
    return _serve("tfnative", path, batching)


def over_ort(path: Path, batching: Batching) -> ThreadServer:
    """With ONNX Runtime."""
    return _serve("ort", path, batching)


def _serve(runtime: str, path: Path, batching: Batching) -> ThreadServer:
    import batched

    predict = contestants.find(runtime).load(path, batching.num_batch_threads)

    def run(requests: list[Arrays]) -> list[Arrays]:
        return predict_many(predict, requests)

    return ThreadServer(
        batched.dynamically(
            run,
            batch_size=batching.max_batch_size,
            timeout_ms=batching.batch_timeout_micros / 1e3,
        )
    )
