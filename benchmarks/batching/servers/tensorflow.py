# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's batch function around the SavedModel's signature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.batching.loads import ThreadServer
from benchmarks.batching.servers import Batching
from benchmarks.contestants import Arrays


def threads(path: Path, batching: Batching) -> ThreadServer:
    """Threads call a function that waits for its batch."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]
    specs = serve.structured_input_signature[1]

    @tf.nondifferentiable_batch_function(
        batching.num_batch_threads,
        batching.max_batch_size,
        batching.batch_timeout_micros,
        max_enqueued_batches=100,
    )
    def run(*tensors: Any) -> Any:
        return list(serve(**dict(zip(specs, tensors, strict=True))).values())

    batched = tf.function(run, input_signature=list(specs.values()))

    def predict(request: Arrays, _owner: object = loaded) -> Arrays:
        (output,) = batched(*(tf.constant(request[name]) for name in specs))
        return {"output": output.numpy()}

    return ThreadServer(predict)
