# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What one would write with grpc.aio, the official classes, and TensorFlow.

python -m benchmarks.serving.tensorflow_server SAVED_MODEL loop|threads

prints the port as JSON, and serves Predict until it is killed. TensorFlow is called in
the event loop, or in as many threads as there are cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any


async def serve(saved_model: str, where: str) -> None:
    """Serves until the process ends."""
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    loaded = tf.saved_model.load(saved_model)
    signature = loaded.signatures["serving_default"]
    pool = ThreadPoolExecutor(os.cpu_count()) if where == "threads" else None

    def answer(request: Any) -> Any:
        tensors = {
            name: tf.constant(tf.make_ndarray(proto))
            for name, proto in request.inputs.items()
        }
        response = predict_pb2.PredictResponse()
        for name, value in signature(**tensors).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value.numpy()))
        return response

    class Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
        async def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802
            del context
            if pool is None:
                return answer(request)
            return await asyncio.get_running_loop().run_in_executor(
                pool, answer, request
            )

    server = grpc.aio.server()
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        Predictions(), server
    )
    port = server.add_insecure_port("localhost:0")
    await server.start()
    print(json.dumps({"port": port}), flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
